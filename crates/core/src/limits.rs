//! Times and bounds of the protocol, each with its reason.

use crate::time::Millis;

/// An agent serves this long on a lease, counted from the moment at which it asked. It must have
/// stopped before [`LEASE_GRANTED`], counted by the sentinel from the moment at which it was asked, is
/// over: 75 ms are left for clocks that run at different rates (5 %) and for the watchdog's kill.
pub const LEASE_USED: Millis = 450;

/// A sentinel lets nobody be promoted until its last lease is this old: 500 ms and 5 % for clock rates.
pub const LEASE_GRANTED: Millis = 525;

/// Pace of a primary's reports: each asks for a lease, so several may be lost before one runs out.
pub const REPORT_PRIMARY: Millis = 80;

/// Pace of the reports of a primary whose gate holds replies: four may be late before it is suspected.
pub const REPORT_HELD: Millis = 50;

/// Pace of a replica's reports while nothing changes. Its loss stops nobody.
pub const REPORT_REPLICA: Millis = 200;

/// Pace at which the target of a handoff looks at its redis-server until it is told to take over.
pub const LOOK_HANDOFF: Millis = 4;

/// A primary that was silent for this long is suspected, unless its own past gaps ask for more. The
/// lease must run out anyway before a silent primary can be replaced, so less would win nothing.
pub const SILENT_MIN: Millis = 300;

/// As [`SILENT_MIN`], where no lease has to run out first: a false alarm costs a short pause and nothing else.
pub const SILENT_MIN_HELD: Millis = 200;

/// Upper end of the adaptive limit: a node whose reports are this late does not hold its lease either.
pub const SILENT_MAX: Millis = 900;

/// After a connection was closed or reset the agent may come back for this long before it counts as
/// gone. A living agent fences itself and reconnects within a few milliseconds.
pub const GONE_GRACE: Millis = 100;

/// A sentinel whose own clock tick came this late was frozen and distrusts what it thinks of others.
pub const FROZEN: Millis = 150;

/// From here on that is told as well; less is everyday life on a busy machine.
pub const FROZEN_TOLD: Millis = 1_000;

/// Pace of the sentinels' signs of life.
pub const ALIVE_EVERY: Millis = 100;

/// A sentinel not heard for this long is passed over when it is asked who goes first.
pub const PEER_SILENT: Millis = 300;

/// Each rank waits this much longer before it starts or takes over an election: votes do not split.
pub const RANK_STEP: Millis = 50;

/// An election that stands still for this long is taken over by the next sentinel.
pub const STALLED: Millis = 250;

/// As [`STALLED`], when its driver is alive and may only be waiting.
pub const STALLED_HEARD: Millis = 3_000;

/// A script is ended within this time, or cannot be ended.
pub const SCRIPT_ENDS_WITHIN: Millis = 2_000;

/// A client's pause is waited out for this long, however often it is renewed. A pause serves a planned change of some
/// seconds; one that lasts longer was forgotten, or is meant to do harm, and looks the same.
pub const PAUSE_WAITED: Millis = 60_000;

/// How long an election waits for more positions when it has enough to go on.
pub const POSITIONS_GRACE: Millis = 30;

/// How long a handoff may keep the primary paused before it is given up.
pub const HANDOFF_MAX: Millis = 500;

/// A request to the register is repeated when no majority has answered for this long.
pub const REGISTER_RETRY: Millis = 60;

/// A primary that is to stop gives up waiting for a handoff when it had neither replica nor sentinel for this long:
/// longer than a broken connection to either of them takes to come back.
pub const NOBODY_LEFT: Millis = 2_000;

/// A start waits this long for all expected nodes before a majority of them will do. An election by what is on disks waits as
/// long for those that load.
pub const COLD_GRACE: Millis = 10_000;

/// A node beyond the configured number that was not heard for this long has been taken away. Longer than a restart of
/// its machine's container, so that a number that is only told late forgets nobody.
pub const DEPARTED_AFTER: Millis = 20_000;

/// A new primary that has not been heard since its appointment is given this long.
pub const APPOINTED_GRACE: Millis = 400;

/// A member of the sync set that is not in step for this long is taken out, if enough others are.
pub const OUT_AFTER: Millis = 1_000;

/// A replica that held replies back is taken in again after this long at the earliest.
pub const REJOIN_AFTER: Millis = 5_000;

/// Replies are held for this long before a group that asked for it is degraded.
pub const DEGRADE_AFTER: Millis = 2_000;

/// Most nodes of one group; reports of more are refused.
pub const NODES_MAX: usize = 64;

/// Most groups of one set of sentinels.
pub const GROUPS_MAX: usize = 4096;

/// Most decisions remembered for display.
pub const DECISIONS_MAX: usize = 64;

/// Longest client pause of a handoff. The watchdog refuses writes long before it ends.
pub const PAUSE_MAX: Millis = 5_000;
