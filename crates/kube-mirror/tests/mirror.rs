//! The mirror against a small API server that fails in the ways that real ones do.

#![allow(clippy::unwrap_used)]

mod support;

use holdfast_kube_mirror::{Mirror, News, Place, Role, Server};
use serde_json::json;
use std::thread::sleep;
use std::time::{Duration, Instant};
use support::{FakeApi, Mood};

const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/ns/endpointslices";

fn mirror(api: &FakeApi, number: u8) -> Mirror {
    let place = Place {
        server: Server::At(format!("http://{}", api.address).parse().unwrap()),
        namespace: "ns".to_owned(),
        pod: format!("r-node-{number}"),
        uid: format!("uid-of-r-node-{number}"),
        ip: format!("10.0.0.{number}").parse().unwrap(),
        primary_service: Some("r-primary".to_owned()),
        port: 6379,
    };
    Mirror::start(place).unwrap()
}

fn news(text: &str) -> News {
    News::now(
        "PrimaryDeposed",
        true,
        Some("r-node-0".to_owned()),
        text.to_owned(),
        text.to_owned(),
    )
}

#[test]
fn a_primary_is_labelled_and_found_through_its_service() {
    let api = FakeApi::start();
    let mirror = mirror(&api, 0);
    mirror.role(Role::Primary, 4);
    api.until("the label", |state| {
        state.label("r-node-0") == Some("primary")
    });
    let state = api.state();
    let slice = state.slice().unwrap();
    assert_eq!(slice["apiVersion"], "discovery.k8s.io/v1");
    assert_eq!(
        slice["metadata"]["labels"]["kubernetes.io/service-name"],
        "r-primary"
    );
    assert_eq!(slice["metadata"]["annotations"]["holdfast.dev/epoch"], "4");
    assert_eq!(slice["metadata"]["ownerReferences"][0]["uid"], "set");
    assert_eq!(
        slice["metadata"]["ownerReferences"][0]["blockOwnerDeletion"],
        false
    );
    assert_eq!(slice["endpoints"][0]["addresses"], json!(["10.0.0.0"]));
    assert_eq!(slice["endpoints"][0]["targetRef"]["uid"], "uid-of-r-node-0");
    assert_eq!(
        slice["ports"],
        json!([{"name": "redis", "port": 6379, "protocol": "TCP"}])
    );
}

#[test]
fn a_failover_costs_three_writes_and_then_none() {
    let api = FakeApi::start();
    let (old, new) = (mirror(&api, 0), mirror(&api, 1));
    old.role(Role::Primary, 4);
    new.role(Role::Replica, 4);
    api.until("the first primary", |state| {
        state.label("r-node-1") == Some("replica") && state.label("r-node-0") == Some("primary")
    });
    let before = api.state().writes();
    // Sealed for a moment, as every node of an election is.
    old.role(Role::Sealed, 5);
    new.role(Role::Sealed, 5);
    let began = Instant::now();
    new.role(Role::Primary, 5);
    api.until("the new primary", |state| {
        state.primary() == Some("10.0.0.1")
    });
    assert!(
        began.elapsed() < Duration::from_millis(500),
        "{:?}",
        began.elapsed()
    );
    old.role(Role::Replica, 5);
    api.until("the old one's label", |state| {
        state.label("r-node-0") == Some("replica")
    });
    // Told again and again, nothing changes.
    new.role(Role::Primary, 5);
    old.role(Role::Replica, 5);
    old.role(Role::Replica, 6);
    sleep(Duration::from_millis(900));
    let state = api.state();
    assert_eq!(state.writes(), before + 3, "{:#?}", state.requests);
}

#[test]
fn what_is_told_is_left_alone_for_a_while() {
    let api = FakeApi::start();
    let mirror = mirror(&api, 0);
    mirror.role(Role::Primary, 4);
    api.until("the label", |state| {
        state.label("r-node-0") == Some("primary")
    });
    let before = api.state().requests.len();
    sleep(Duration::from_secs(1));
    let state = api.state();
    let read = &state.requests[before..];
    assert!(read.is_empty(), "not even reads: {read:#?}");
}

#[test]
fn a_restarted_agent_writes_nothing_that_stands_already() {
    let api = FakeApi::start();
    let once = mirror(&api, 0);
    once.role(Role::Primary, 4);
    api.until("the label", |state| {
        state.label("r-node-0") == Some("primary")
    });
    drop(once);
    let before = api.state().writes();
    let again = mirror(&api, 0);
    again.role(Role::Primary, 4);
    let reads = api.state().requests.len();
    api.until("three reads", |state| state.requests.len() >= reads + 3);
    sleep(Duration::from_millis(200));
    assert_eq!(api.state().writes(), before);
}

#[test]
fn a_late_word_of_an_old_primary_is_refused() {
    let api = FakeApi::start();
    let new = mirror(&api, 1);
    new.role(Role::Primary, 5);
    api.until("the new primary", |state| {
        state.primary() == Some("10.0.0.1")
    });
    let old = mirror(&api, 0);
    old.role(Role::Primary, 4);
    api.until("two looks", |state| {
        state
            .requests
            .iter()
            .filter(|(method, path)| method == "GET" && path.ends_with("r-primary-holdfast"))
            .count()
            >= 3
    });
    assert_eq!(api.state().primary(), Some("10.0.0.1"));
    assert_ne!(api.state().label("r-node-0"), Some("primary"));
}

#[test]
fn whoever_was_slower_between_look_and_write_looks_again() {
    let api = FakeApi::start();
    let old = mirror(&api, 0);
    old.role(Role::Primary, 4);
    api.until("the first primary", |state| {
        state.label("r-node-0") == Some("primary")
    });
    let mut newer = api.state().slice().unwrap().clone();
    newer["metadata"]["annotations"]["holdfast.dev/epoch"] = json!("6");
    newer["endpoints"][0]["addresses"] = json!(["10.0.0.1"]);
    api.state().race = Some(newer);
    old.role(Role::Primary, 5);
    api.until("the race", |state| state.race.is_none());
    sleep(Duration::from_millis(500));
    assert_eq!(api.state().primary(), Some("10.0.0.1"));
}

#[test]
fn a_register_that_was_lost_does_not_bind_for_ever() {
    let api = FakeApi::start();
    let lost = mirror(&api, 1);
    lost.role(Role::Primary, 90);
    api.until("the reign that is lost", |state| {
        state.primary() == Some("10.0.0.1")
    });
    drop(lost);
    let primary = mirror(&api, 0);
    let began = Instant::now();
    primary.role(Role::Primary, 1);
    api.until("the new history", |state| {
        state.primary() == Some("10.0.0.0")
    });
    assert!(
        began.elapsed() > Duration::from_secs(5),
        "too soon: {:?}",
        began.elapsed()
    );
}

#[test]
fn a_server_that_is_down_or_silent_is_told_the_newest_word_later() {
    for mood in [Mood::Down, Mood::Silent, Mood::Forbidding] {
        let api = FakeApi::start();
        let mirror = mirror(&api, 1);
        mirror.role(Role::Replica, 4);
        api.until("the label", |state| {
            state.label("r-node-1") == Some("replica")
        });
        api.state().mood = mood;
        let began = Instant::now();
        mirror.role(Role::Primary, 5);
        mirror.news(news("deposed r-node-0"));
        assert!(began.elapsed() < Duration::from_millis(50), "it waited");
        sleep(Duration::from_millis(400));
        assert_eq!(api.state().primary(), None);
        api.state().mood = Mood::Well;
        api.until("the word", |state| {
            state.primary() == Some("10.0.0.1") && state.label("r-node-1") == Some("primary")
        });
    }
}

#[test]
fn an_old_kubernetes_gets_the_older_slices() {
    let api = FakeApi::start();
    api.state().old = true;
    let mirror = mirror(&api, 0);
    mirror.role(Role::Primary, 4);
    api.until("the label", |state| {
        state.label("r-node-0") == Some("primary")
    });
    let state = api.state();
    assert_eq!(
        state.slice().unwrap()["apiVersion"],
        "discovery.k8s.io/v1beta1"
    );
    assert!(
        state.slice().unwrap()["endpoints"][0]
            .get("nodeName")
            .is_none()
    );
    assert!(
        state
            .requests
            .iter()
            .all(|(_, path)| !path.starts_with(SLICES))
    );
}

#[test]
fn one_event_for_one_decision_whoever_tells_it() {
    let api = FakeApi::start();
    let (one, other) = (mirror(&api, 0), mirror(&api, 1));
    one.news(news("deposed r-node-0: its redis-server ended"));
    api.until("the event", |state| state.events().len() == 1);
    other.news(news("deposed r-node-0: its redis-server ended"));
    other.news(news(&"long ".repeat(500)));
    api.until("the other event", |state| state.events().len() == 2);
    let state = api.state();
    let events = state.events();
    let event = events
        .iter()
        .find(|event| event["message"] == "deposed r-node-0: its redis-server ended")
        .unwrap();
    assert_eq!(event["type"], "Warning");
    assert_eq!(event["reason"], "PrimaryDeposed");
    assert_eq!(event["reportingComponent"], "holdfast");
    assert_eq!(event["involvedObject"]["name"], "r-node-0");
    assert_eq!(event["involvedObject"]["uid"], "uid-of-r-node-0");
    assert!(event["firstTimestamp"].as_str().unwrap().ends_with('Z'));
    assert!(
        events
            .iter()
            .all(|event| event["message"].as_str().unwrap().len() <= 1024)
    );
}

#[test]
fn a_flood_of_news_is_held_back() {
    let api = FakeApi::start();
    let mirror = mirror(&api, 0);
    (0..200).for_each(|number| mirror.news(news(&format!("decision {number}"))));
    api.until("a burst", |state| state.events().len() >= 20);
    sleep(Duration::from_millis(500));
    let told = api.state().events().len();
    assert!(told <= 21, "{told}");
}
