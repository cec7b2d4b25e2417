//! Whatever is asked, refused and cut: what is said again makes the same session.

use super::model::Model;
use super::{Scripts, Seen, Session, resp};

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % most
    }
}

const REQUESTS: [&[&str]; 40] = [
    &["AUTH", "secret"],
    &["AUTH", "alice", "wonder"],
    &["AUTH", "bob", "builder"],
    &["HELLO", "3"],
    &["HELLO", "2"],
    &["HELLO", "3", "AUTH", "alice", "wonder"],
    &["HELLO", "3", "AUTH", "bob", "builder", "SETNAME", "three"],
    &["HELLO", "2", "SETNAME", "two"],
    &["SELECT", "3"],
    &["SELECT", "0"],
    &["SELECT", "fails"],
    &["CLIENT", "SETNAME", "worker"],
    &["CLIENT", "SETNAME", ""],
    &["CLIENT", "SETINFO", "LIB-NAME", "redis-py"],
    &["CLIENT", "SETINFO", "LIB-VER", "8"],
    &["CLIENT", "NO-EVICT", "on"],
    &["CLIENT", "NO-EVICT", "off"],
    &["CLIENT", "NO-TOUCH", "on"],
    &["CLIENT", "CAPA", "redirect"],
    &["CLIENT", "TRACKING", "ON"],
    &["CLIENT", "TRACKING", "ON", "BCAST"],
    &["CLIENT", "TRACKING", "OFF"],
    &["READONLY"],
    &["SUBSCRIBE", "a"],
    &["SUBSCRIBE", "b", "c"],
    &["PSUBSCRIBE", "p?"],
    &["SSUBSCRIBE", "s"],
    &["UNSUBSCRIBE", "b"],
    &["UNSUBSCRIBE"],
    &["PUNSUBSCRIBE"],
    &["SUNSUBSCRIBE", "s", "t"],
    &["MULTI"],
    &["EXEC"],
    &["DISCARD"],
    &["WATCH", "k"],
    &["UNWATCH"],
    &["RESET"],
    &["GET", "a"],
    &["LRANGE", "l", "0", "-1"],
    &["GET", "b"],
];

/// One client, its server and what the gate knows.
#[derive(Default)]
struct World {
    session: Session,
    scripts: Scripts,
    model: Model,
    /// Answers on their way to the gate.
    coming: Vec<u8>,
}

impl World {
    fn ask(&mut self, dice: &mut Dice) {
        let request = REQUESTS[dice.below(REQUESTS.len())];
        // It has to fail where it is known to.
        let fails = request.last() == Some(&"fails") && self.model.transaction.is_none();
        let refuse = dice.below(4) == 0 || fails;
        self.session.note(0, &resp(&[request]));
        let answer = self.model.answer(request, refuse);
        self.coming.extend_from_slice(answer.as_bytes());
        if dice.below(4) == 0 && self.model.transaction.is_none() {
            self.coming
                .extend_from_slice(self.model.message().as_bytes());
        }
    }

    fn hear(&mut self, bytes: usize) {
        let rest = self.coming.split_off(bytes);
        let heard = std::mem::replace(&mut self.coming, rest);
        self.session.hear(&heard, &mut self.scripts);
    }

    /// The session as another server knows it that is told what is said again.
    fn elsewhere(&self, seen: Option<&Seen>) -> Result<Model, &'static str> {
        let replay = self.session.replay(seen)?;
        let text = String::from_utf8(replay.bytes).unwrap();
        let mut model = Model::default();
        let (mut replies, mut confirmations) = (0, 0);
        for request in text.split('*').filter(|request| !request.is_empty()) {
            let words: Vec<&str> = request.split("\r\n").skip(2).step_by(2).collect();
            let answer = model.answer(&words, false);
            if words[0].ends_with("SUBSCRIBE") {
                confirmations += words.len() - 1;
            } else {
                replies += 1;
            }
            assert!(!answer.starts_with('-'), "{words:?}: {answer}");
        }
        assert_eq!(
            (replay.asks.len(), replay.confirmations),
            (replies, confirmations)
        );
        Ok(model)
    }
}

#[test]
fn what_is_said_again_makes_the_same_session() {
    let (mut carried, mut blind, mut closed) = (0, 0, 0);
    for seed in 0..3_000 {
        let (mut dice, mut world) = (Dice(seed), World::default());
        for _ in 0..dice.below(30) {
            world.ask(&mut dice);
            let some = dice.below(world.coming.len() + 1);
            world.hear(some);
        }
        world.hear(world.coming.len());
        let model = &world.model;
        let info = model.info();
        let open = model.transaction.is_some() || model.watching;
        let cannot = open || (!model.tracking.is_empty() && !model.resp3);
        assert_eq!(world.session.is_at_rest(), !open, "{seed}: {info}");
        let seen = Seen::read(&info).unwrap();
        match world.elsewhere(Some(&seen)) {
            Ok(other) => {
                assert!(!cannot, "{seed}: {info}");
                assert_eq!(other, *model, "{seed}: {info}");
                carried += 1;
            }
            Err(why) => {
                assert!(cannot, "{seed}: {why}: {info}");
                closed += 1;
            }
        }
        if let Ok(other) = world.elsewhere(None) {
            assert_eq!(other, *model, "{seed}, without its word: {info}");
            blind += 1;
        }
    }
    println!("{carried} carried, {blind} of them without the server's word, {closed} closed");
    assert!(carried > 1_500 && blind > 1_200 && closed > 200);
}
