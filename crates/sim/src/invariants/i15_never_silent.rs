//! I15: stuck in silence is a broken rule of its own. Whenever a group that has all it needs does not serve, a person who
//! asks for its status finds a reason: a sentence of trouble, or a node that is not up.

use crate::model::Micros;
use crate::report::Violation;
use crate::world::World;
use crate::world::group;

/// A group that does not serve may look well for a moment.
const SILENT_MAX_US: Micros = 5_000_000;

/// Whether no sentinel shows that anything is wrong.
pub fn is_silent(world: &World) -> bool {
    let told = world.sentinels.iter().filter_map(|host| {
        let core = host.core.as_ref()?;
        let status = core.status(host.clock.at(world.now), &group())?;
        let unwell = |state: &str| state != "up";
        let node = status.nodes.iter().any(|node| unwell(&node.state));
        Some(status.trouble.is_some() || node || status.nodes.len() < world.nodes.len())
    });
    let told: Vec<bool> = told.collect();
    !told.is_empty() && !told.contains(&true)
}

/// Called while the group does not serve and no sentinel says why, since then.
pub fn check(world: &World, since: Micros, trouble: &str) -> Option<Violation> {
    if world.now < since + SILENT_MAX_US {
        return None;
    }
    Some(Violation {
        invariant: "i15_never_silent",
        at_us: world.now,
        text: format!("the group does not serve ({trouble}), and every sentinel shows it as well"),
    })
}
