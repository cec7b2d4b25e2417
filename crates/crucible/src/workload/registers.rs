//! Registers that are read, written and exchanged, so that a checker can ask: was this one register?

use crate::client::Answer;
use crate::clock;
use crate::history::{Action, Outcome};
use crate::workload::desk::Desk;
use crate::workload::names;
use holdfast_resp::Value;

/// Replaces the content if it is as expected, and says what it found: `{1, found}` or `{0, found}`.
const EXCHANGE: &str = "local now = redis.call('GET', KEYS[1]) or '' \
     if now == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) return {1, now} else return {0, now} end";

/// One client at the registers.
#[derive(Debug, Default)]
pub(super) struct Registers {
    /// Nobody else touches its registers: what it wrote it must read.
    own: bool,
    wrote_last: bool,
    /// The register used last, and what it was seen to hold.
    seen: (String, String),
}

impl Registers {
    /// At registers of its own.
    pub(super) fn own() -> Self {
        Self {
            own: true,
            ..Self::default()
        }
    }

    /// Reads, writes or exchanges.
    pub(super) async fn step(&mut self, desk: &mut Desk) {
        let name = if self.own {
            names::own_register(desk.client(), clock::now())
        } else {
            names::shared_register(clock::now())
        };
        if self.seen.0 != name {
            self.seen = (name.clone(), String::new());
        }
        let choice = if self.own {
            usize::from(self.wrote_last) * 5
        } else {
            desk.dice.below(10)
        };
        self.wrote_last = choice < 3;
        match choice {
            0..3 => self.write(desk, name).await,
            3..5 => self.exchange(desk, name).await,
            _ => self.read(desk, name).await,
        }
    }

    async fn read(&mut self, desk: &mut Desk, name: String) {
        let key = names::named_register_key(&desk.tag, &name);
        if let Some(answer) = desk.session.attempt(&["GET", &key]).await {
            self.note(desk, name, text(answer.reply.as_ref()), answer);
        }
    }

    async fn write(&mut self, desk: &mut Desk, name: String) {
        let (key, mark) = (names::named_register_key(&desk.tag, &name), desk.mark());
        if let Some(answer) = desk.session.attempt(&["SET", &key, &mark]).await {
            if answer.outcome == Outcome::Ok {
                self.seen.1 = mark;
            }
            desk.recorder.add(Action::Write(name), answer);
        }
    }

    /// An exchange that finds something else is a read of what it found.
    async fn exchange(&mut self, desk: &mut Desk, name: String) {
        let (key, mark) = (names::named_register_key(&desk.tag, &name), desk.mark());
        let expected = self.seen.1.clone();
        let command = ["EVAL", EXCHANGE, "1", &key, &expected, &mark];
        let Some(answer) = desk.session.attempt(&command).await else {
            return;
        };
        let reply = answer.reply.as_ref().and_then(Value::as_slice);
        match reply.and_then(|words| Some((words.first()?.as_integer()?, words.get(1)))) {
            Some((0, found)) => self.note(desk, name, text(found), answer),
            Some(_) => {
                self.seen.1 = mark;
                desk.recorder.add(Action::Exchange(name, expected), answer);
            }
            None => desk.recorder.add(Action::Exchange(name, expected), answer),
        }
    }

    /// A read without an answer is of no interest.
    fn note(&mut self, desk: &mut Desk, name: String, found: String, answer: Answer) {
        if answer.outcome == Outcome::Ok {
            self.seen.1.clone_from(&found);
            desk.recorder.add(Action::Read(name, found), answer);
        }
    }
}

/// What a register holds, empty for nothing.
pub(super) fn text(reply: Option<&Value>) -> String {
    reply.and_then(Value::as_str).unwrap_or_default().to_owned()
}
