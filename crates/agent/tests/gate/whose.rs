//! Clients by their real addresses, joined with what redis-server calls them.

use crate::authority::Authority;
use crate::client::{Client, Way};
use crate::group::{Gated, Group};
use crate::pair::Pair;
use crate::tls;
use holdfast_agent::clients::{Client as Listed, Clients, Outlook, Question};
use holdfast_core::mutant::Mutant;
use std::time::{Duration, Instant};

async fn ask(gated: &Gated, id: Option<u64>) -> Clients {
    let outlook = Outlook {
        node: "redis-0".to_owned(),
        tls: false,
        server: Some((gated.node.server.pid(), gated.node.server.link())),
        gate: Some(gated.gate.register()),
    };
    let answered = outlook.answer(&Question::new(id)).await;
    answered.expect("an answer")
}

/// The list, once this holds for it.
async fn list_when(gated: &Gated, holds: impl Fn(&[Listed]) -> bool) -> Vec<Listed> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let told = ask(gated, None).await;
        assert_eq!((told.gate, &told.trouble), (true, &None));
        if holds(&told.clients) {
            return told.clients;
        }
        assert!(Instant::now() < until, "never: {:#?}", told.clients);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn named<'a>(clients: &'a [Listed], name: &str) -> Option<&'a Listed> {
    clients.iter().find(|client| client.name == name)
}

fn introduce<S: Way>(client: &mut Client<S>, name: &str) -> (u64, String) {
    assert_eq!(client.text(&["CLIENT", "SETNAME", name]), "OK");
    let id = client.text(&["CLIENT", "ID"]).parse().expect("a number");
    let address = client.stream.socket().local_addr().unwrap();
    (id, address.to_string())
}

#[tokio::test]
async fn each_client_is_known_by_its_own_address() {
    let group = Group::start(1, 1).await;
    let port = group.primary.port();
    let new = |last: u8, name: &str| {
        let mut client = Client::connect_from([127, 0, 0, last], port);
        let known = introduce(&mut client, name);
        (client, known)
    };
    let (first, second, (mut third, known)) = (new(2, "a"), new(3, "b"), new(4, "c"));
    let (a, b) = (first.1.clone(), second.1.clone());
    // Their places, in the gate and in redis-server, are taken by others in another order.
    drop(second);
    list_when(&group.primary, |all| named(all, "b").is_none()).await;
    drop(first);
    list_when(&group.primary, |all| named(all, "a").is_none()).await;
    let (_fourth, d) = new(5, "d");
    let (mut fifth, e) = new(6, "e");
    assert_eq!(fifth.text(&["SELECT", "3"]), "OK");
    let all = list_when(&group.primary, |all| named(all, "e").is_some()).await;
    for (name, (id, address)) in [("c", &known), ("d", &d), ("e", &e)] {
        let client = named(&all, name).expect(name);
        assert_eq!(client.id, Some(*id), "{client:?}");
        assert_eq!(client.address.as_ref(), Some(address), "{client:?}");
        assert_eq!((client.tls, client.own), (Some(false), false), "{client:?}");
    }
    assert_eq!(named(&all, "e").map(|client| client.db), Some(3));
    assert!(!all.iter().any(|one| [a.0, b.0].map(Some).contains(&one.id)));
    // The replica came through the gate as well; the agent's own did not.
    let replica = all.iter().find(|one| one.flags.contains('S')).unwrap();
    assert!(replica.address.as_ref().unwrap().starts_with("127.0.0.1:"));
    assert!(all.iter().any(|one| one.own && one.address.is_none()));
    assert!(all.iter().all(|one| one.own || one.address.is_some()));
    // What a line of SLOWLOG or ACL LOG names is found by its id.
    let one = ask(&group.primary, Some(e.0)).await.clients;
    let [one] = &one[..] else { panic!("{one:?}") };
    assert_eq!(one.address.as_ref(), Some(&e.1));
    assert!(ask(&group.primary, Some(b.0)).await.clients.is_empty());
    let killed = third.text(&["CLIENT", "KILL", "ID", &d.0.to_string()]);
    assert_eq!(killed, "1");
    list_when(&group.primary, |all| named(all, "d").is_none()).await;
}

#[tokio::test]
async fn many_are_told_apart_over_several_turns() {
    let group = Group::start(1, 1).await;
    let port = group.primary.port();
    let mut clients: Vec<Client> = (0..300)
        .map(|number: u16| Client::connect_from([127, 0, 1, (number % 200) as u8 + 1], port))
        .collect();
    // Not in the order in which they came.
    let mut known: Vec<(usize, (u64, String))> = Vec::new();
    for number in (0..300).rev() {
        let name = format!("n{number}");
        known.push((number, introduce(&mut clients[number], &name)));
    }
    let all = list_when(&group.primary, |all| named(all, "n0").is_some()).await;
    for (number, (id, address)) in known {
        let client = named(&all, &format!("n{number}")).expect("listed");
        assert_eq!(
            (client.id, client.address.as_ref()),
            (Some(id), Some(&address))
        );
    }
}

#[tokio::test]
async fn a_session_that_is_carried_keeps_its_address() {
    let mut pair = Pair::start(Mutant::None).await;
    let mut client = Client::connect_from([127, 0, 0, 2], pair.ruler().port());
    let (_, address) = introduce(&mut client, "wanderer");
    for round in 0..3 {
        pair.handoff().await;
        assert_eq!(client.text(&["SET", "a", "1"]), "OK", "round {round}");
        // One that ended while the list was made has none: the session may be taking its shorter way.
        let is_here = |one: &&Listed| one.name == "wanderer" && one.address.is_some();
        let came = |all: &[Listed]| all.iter().any(|one| is_here(&one));
        let all = list_when(pair.ruler(), came).await;
        let here = all.iter().find(is_here).unwrap();
        assert_eq!(
            here.address.as_ref(),
            Some(&address),
            "round {round}: {here:?}"
        );
        if round == 0 {
            assert!(here.via.as_ref().unwrap().starts_with("127.0.0.1:"));
            let old = ask(pair.other(), None).await.clients;
            let gone = old
                .iter()
                .find(|one| one.address.as_ref() == Some(&address));
            let gone = gone.expect("its connection is still at the first gate");
            let at = pair.ruler().node.address().to_string();
            assert_eq!((gone.id, gone.at.as_ref()), (None, Some(&at)));
        }
    }
}

#[tokio::test]
async fn a_client_with_tls_is_known_as_one() {
    let authority = Authority::new();
    let group = tls::group(1, &|options| authority.certify(options)).await;
    let mut client = authority.client(group.primary.port());
    let (id, address) = introduce(&mut client, "secure");
    let all = list_when(&group.primary, |all| named(all, "secure").is_some()).await;
    let secure = named(&all, "secure").unwrap();
    assert_eq!(
        (secure.id, secure.address.as_ref()),
        (Some(id), Some(&address))
    );
    assert_eq!(secure.tls, Some(true));
}
