//! A request that its server may answer much later.

use super::replay::encode;
use super::verbs::Verb;
use crate::gate::Micros;

/// Bytes of one that are kept, so that it can be asked again elsewhere.
const BLOCKED_MAX: usize = 4 << 10;

/// The last request of a session, if it may block.
#[derive(Clone, Debug)]
pub(super) struct Blocked {
    args: Vec<Vec<u8>>,
    /// Which argument is its time, and how many microseconds its unit has.
    time_at: usize,
    unit: f64,
    since: Micros,
}

impl Blocked {
    /// `None` for one that does not block, or that cannot be asked again.
    pub(super) fn new(verb: Verb, args: &[Vec<u8>], since: Micros) -> Option<Self> {
        let (time_at, unit) = match verb {
            Verb::Block(place) if place < 0 => (args.len().checked_sub(1)?, 1e6),
            Verb::Block(place) => (place as usize, 1e6),
            Verb::Stream => (stream_time(args)?, 1e3),
            _ => return None,
        };
        let bytes: usize = args.iter().map(|word| word.len() + 16).sum();
        let blocked = Self {
            args: args.to_vec(),
            time_at,
            unit,
            since,
        };
        (bytes <= BLOCKED_MAX && blocked.time().is_some()).then_some(blocked)
    }

    fn time(&self) -> Option<f64> {
        let time = std::str::from_utf8(self.args.get(self.time_at)?).ok()?;
        time.parse()
            .ok()
            .filter(|time: &f64| time.is_finite() && *time >= 0.0)
    }

    /// The request with the time that is left of it; at least a millisecond, since none means for ever.
    pub(super) fn again(&self, now: Micros) -> Vec<u8> {
        let mut args: Vec<&[u8]> = self.args.iter().map(Vec::as_slice).collect();
        let time = self.time().unwrap_or(0.0);
        let left = (time * self.unit - now.saturating_sub(self.since) as f64).max(1e3);
        let left = if self.unit > 1e5 {
            format!("{:.3}", left / self.unit)
        } else {
            format!("{:.0}", left / self.unit)
        };
        if time > 0.0 {
            args[self.time_at] = left.as_bytes();
        }
        let mut out = Vec::new();
        encode(&mut out, &args);
        out
    }
}

/// Where the time of a blocking read of streams is. One that asks for what comes from now on (`$`, `+`) would miss what came
/// meanwhile, so it is none.
fn stream_time(args: &[Vec<u8>]) -> Option<usize> {
    let streams = args
        .iter()
        .position(|word| word.eq_ignore_ascii_case(b"STREAMS"))?;
    let block = args[..streams]
        .iter()
        .position(|word| word.eq_ignore_ascii_case(b"BLOCK"))?;
    let open = args[streams..]
        .iter()
        .any(|word| word == b"$" || word == b"+");
    (!open).then_some(block + 1)
}
