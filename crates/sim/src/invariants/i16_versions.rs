//! I16: servers of two versions live side by side. No handoff that a person asked for goes to an older one unless that was
//! said, and no node goes on copying what it cannot read.

use super::Moment;
use crate::model::Image;
use crate::report::Violation;
use crate::world::World;
use holdfast_core::record::Record;
use holdfast_core::snapshot_format::is_downgrade;
use std::collections::BTreeMap;

/// Copies that a node may begin in one reign although it cannot read them. One may come where what is missing was thought to
/// be in the primary's backlog; each time that it has been in step since allows another.
const UNREAD_MAX: u32 = 3;

/// Copies that could not be read, by node, run of its agent and reign.
#[derive(Debug, Default)]
pub struct Unread(BTreeMap<(usize, u64, u64), u32>);

/// Called when a copy has come to `node`.
pub fn check_copy(world: &mut World, node: usize, image: &Image) -> Option<Violation> {
    let host = &world.nodes[node];
    let redis = host
        .redis
        .as_ref()
        .filter(|redis| !redis.server.reads(image))?;
    let version = redis.server.version()?.clone();
    let reign = host
        .agent
        .as_ref()?
        .record()
        .map_or(0, |record| record.epoch);
    let count = world
        .monitors
        .unread
        .0
        .entry((node, host.run, reign))
        .or_default();
    *count += 1;
    let text = format!(
        "node {node}, {version}, has copied its primary {count} times in epoch {reign} and can read none of it"
    );
    // A record that was put back names a server that its primary is no more: copies are tried, after growing pauses.
    let current = world.monitors.put_back.is_none();
    (*count > UNREAD_MAX && current).then(|| broken(world, text))
}

/// Called when sentinel `by` asks for `record`, a handoff, to be accepted.
pub fn check_handoff(
    world: &World,
    by: usize,
    record: &Record,
    decided: Moment,
) -> Option<Violation> {
    let asked = record.reason.is("HandoffAsked") && !world.may_go_back;
    let (to, from) = (
        record.handoff.as_ref()?,
        record.primary.as_ref().filter(|_| asked)?,
    );
    let server = |name| {
        let report = world.monitors.known(by, world.number_of(name)?, decided)?;
        report.server.clone()
    };
    let (new, old) = (server(&from.node)?, server(to)?);
    let text = format!(
        "a handoff goes from {new} of {} back to {old} of {to}, and nobody allowed that",
        from.node
    );
    is_downgrade(&new, &old).then(|| broken(world, text))
}

fn broken(world: &World, text: String) -> Violation {
    Violation {
        invariant: "i16_versions",
        at_us: world.now,
        text,
    }
}
