//! What a sentinel decides or waits for, and a person may want to know.

use crate::decided::Decided;
use crate::names::{Epoch, Node, Sentinel};
use crate::position::Position;
use crate::record::{Durability, Terms};
use crate::stamp::Stamp;
use crate::syncset::SyncRule;
use crate::time::Millis;
use std::fmt;

/// One decision of a sentinel, or what keeps it from one. The code is stable; the sentence is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The group's first primary is appointed.
    FirstAppointed {
        /// Which node.
        node: Node,
        /// It had data, which were taken over.
        adopted: bool,
    },
    /// A primary is appointed.
    Appointed {
        /// Which node.
        node: Node,
        /// For this epoch.
        epoch: Epoch,
        /// Why this one.
        merit: Merit,
    },
    /// The register is begun anew, on a person's word.
    RegisterBegun(Node),
    /// A register that was put back is overtaken, on a person's word for this node.
    RegisterOvertaken(Node),
    /// The primary is deposed, for this reason.
    Deposed(Node, Cause),
    /// Another sentinel goes on with the election of this epoch.
    ElectionResumed(Sentinel, Epoch),
    /// A handoff begins.
    HandoffBegun {
        /// From the primary.
        from: Option<Node>,
        /// To this node.
        to: Node,
        /// Why.
        why: Wish,
    },
    /// A handoff to this node is given up for an election.
    HandoffGivenUp(Node),
    /// The target of a handoff has taken over.
    TookOver(Node, Position),
    /// An appointed node rules its epoch.
    Rules(Node, Position),
    /// Nodes have joined the group.
    NodesJoined(Vec<Node>),
    /// Nodes are forgotten, on a person's word.
    NodesForgotten(Vec<Node>),
    /// Nodes are forgotten, since the group is to have so many.
    NodesDeparted(Vec<Node>, usize),
    /// The group asks for other terms.
    TermsChanged(Terms),
    /// Another rule counts for replies.
    RuleChanged {
        /// The rule.
        rule: SyncRule,
        /// How many replicas the group asks for.
        wished: usize,
    },
    /// All that was released is acknowledged by the sync set of this version of the record.
    RuleConfirmed(u64),
    /// Too few replicas are in step: so many of so many.
    RepliesHeld(usize, usize),
    /// So many are in step again.
    RepliesReleased(usize),
    /// A person's word is taken: to go on from this node's data, with what it keeps and gives up.
    Forced(Node, String),
    /// These are the voters now; whether this sentinel is one.
    VotersChanged(String, bool),
    /// This sentinel did not run for so long.
    Slept(Sentinel, Millis),
    /// Why nothing is decided.
    Trouble(Trouble),
    /// An agent's own.
    OfAgent(Decided),
}

/// Why a node is appointed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merit {
    /// It holds the highest position.
    Position(Position),
    /// Its disk has the highest stamp.
    Stamp(Stamp),
    /// It has all that the paused primary had.
    Paused(Position),
    /// Everything was restarted, and its data reach furthest: so many of so many nodes are back.
    Data(usize, usize, Position),
    /// A person says so; what that keeps and gives up.
    Word(String),
    /// No node holds any data.
    NoData,
}

/// Why a primary is deposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its redis-server has ended, as its agent says.
    Ended(Node, String),
    /// Its redis-server hangs, as its agent says.
    Hangs(Node, String),
    /// So many of so many sentinels lost the connection to its agent.
    Unlinked(usize, usize),
    /// So many of so many sentinels heard nothing; this one for so long.
    Silent(usize, usize, Millis),
}

/// Why a handoff begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A person or a program has asked for it.
    Asked,
    /// The primary is about to stop.
    Leaving,
    /// It cannot write to its disk.
    Ailing,
}

/// What keeps a sentinel from a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Disks of sentinels were put back to an older state; the sentence tells what is known.
    RegisterPutBack(String),
    /// The sentinels lost their disks: this node has served before.
    RegisterLost(Node),
    /// Files lie on a node's disk about which somebody has to decide first.
    FilesUndecided(String),
    /// All nodes have priority 0.
    NoneMayBeFirst,
    /// No node but these has data, and they have priority 0.
    NeverChosen(Vec<String>),
    /// Every node came back without data.
    NoData,
    /// Nodes load their data.
    Loading(Vec<String>),
    /// More nodes have to come back; the sentence tells what is known.
    NodesMissing(String),
    /// Too few members of the sync set are reachable.
    MembersMissing,
    /// The primary has to go, for this reason, and no replica is fit.
    NoHeir(Cause),
}

impl Decision {
    /// A word for programs, which does not change with the sentence.
    pub fn code(&self) -> &str {
        match self {
            Self::FirstAppointed { .. } => "FirstAppointed",
            Self::Appointed { merit, .. } => merit.code(),
            Self::RegisterBegun(_) => "RegisterBegun",
            Self::RegisterOvertaken(_) => "RegisterOvertaken",
            Self::Deposed(..) => "Deposed",
            Self::ElectionResumed(..) => "ElectionResumed",
            Self::HandoffBegun { why, .. } => why.code(),
            Self::HandoffGivenUp(_) => "HandoffGivenUp",
            Self::TookOver(..) => "TookOver",
            Self::Rules(..) => "Rules",
            Self::NodesJoined(_) => "NodesJoined",
            Self::NodesForgotten(_) => "NodesForgotten",
            Self::NodesDeparted(..) => "NodesDeparted",
            Self::TermsChanged(_) => "TermsChanged",
            Self::RuleChanged { rule, .. } if rule.k > 0 => "RuleChanged",
            Self::RuleChanged { wished: 0, .. } => "RuleDropped",
            Self::RuleChanged { .. } => "Degraded",
            Self::RuleConfirmed(_) => "RuleConfirmed",
            Self::RepliesHeld(..) => "RepliesHeld",
            Self::RepliesReleased(_) => "RepliesReleased",
            Self::Forced(..) => "Forced",
            Self::VotersChanged(..) => "VotersChanged",
            Self::Slept(..) => "Slept",
            Self::Trouble(trouble) => trouble.code(),
            Self::OfAgent(said) => &said.code,
        }
    }
}

impl Merit {
    fn code(&self) -> &'static str {
        match self {
            Self::Position(_) => "Appointed",
            Self::Stamp(_) => "AppointedByDisk",
            Self::Paused(_) => "AppointedAfterPause",
            Self::Data(..) => "AppointedByData",
            Self::Word(_) => "AppointedByWord",
            Self::NoData => "AppointedWithoutData",
        }
    }
}

impl Wish {
    fn code(self) -> &'static str {
        match self {
            Self::Asked => "HandoffAsked",
            Self::Leaving => "HandoffStopping",
            Self::Ailing => "HandoffDiskFailing",
        }
    }
}

impl Trouble {
    fn code(&self) -> &'static str {
        match self {
            Self::RegisterPutBack(_) => "RegisterPutBack",
            Self::RegisterLost(_) => "RegisterLost",
            Self::FilesUndecided(_) => "FilesUndecided",
            Self::NoneMayBeFirst => "NoneMayBeFirst",
            Self::NeverChosen(_) => "NeverChosen",
            Self::NoData => "NoData",
            Self::Loading(_) => "Loading",
            Self::NodesMissing(_) => "NodesMissing",
            Self::MembersMissing => "MembersMissing",
            Self::NoHeir(_) => "NoHeir",
        }
    }
}

/// Codes of all decisions that rest on a person's word.
pub const BY_WORD: [&str; 4] = [
    "AppointedByWord",
    "Forced",
    "RegisterBegun",
    "RegisterOvertaken",
];

impl From<Decision> for Decided {
    fn from(decision: Decision) -> Self {
        Self {
            code: decision.code().to_owned(),
            text: decision.to_string(),
        }
    }
}

impl From<Trouble> for Decision {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstAppointed { node, adopted } => {
                let why = if *adopted {
                    "its data was adopted"
                } else {
                    "nobody has data, and it is the first by name"
                };
                write!(f, "appointed {node} for epoch 1: {why}")
            }
            Self::Appointed { node, epoch, merit } => {
                write!(f, "appointed {node} for epoch {epoch}: {merit}")
            }
            Self::RegisterBegun(node) => write!(
                f,
                "appointed {node} on a person's word: the register was lost"
            ),
            Self::RegisterOvertaken(node) => write!(
                f,
                "overtakes a register that was put back, on a person's word for {node}"
            ),
            Self::Deposed(node, why) => write!(f, "deposed {node}: {why}"),
            Self::ElectionResumed(by, epoch) => {
                write!(f, "{by} goes on with the election of epoch {epoch}")
            }
            Self::HandoffBegun { from, to, why } => {
                let from = from.as_ref().map_or("", Node::as_str);
                write!(f, "handoff from {from} to {to}: {why}")
            }
            Self::HandoffGivenUp(to) => write!(
                f,
                "gave the handoff to {to} up: it could not be completed; electing as after a failure"
            ),
            Self::TookOver(node, at) => write!(
                f,
                "{node} took over and rules epoch {} from offset {}",
                at.epoch, at.offset
            ),
            Self::Rules(node, at) => write!(
                f,
                "{node} rules epoch {} from offset {}",
                at.epoch, at.offset
            ),
            Self::NodesJoined(nodes) => write!(f, "{} joined the group", list(nodes)),
            Self::NodesForgotten(nodes) => write!(f, "forgot {}", list(nodes)),
            Self::NodesDeparted(nodes, left) => {
                write!(f, "forgot {}: the group has {left} nodes now", list(nodes))
            }
            Self::TermsChanged(terms) => write!(
                f,
                "the group asks for {} with {} of its replicas from now on",
                terms.durability,
                terms.k()
            ),
            Self::RuleChanged { rule, wished } => write_rule(f, rule, *wished),
            Self::RuleConfirmed(version) => write!(
                f,
                "all that was released is acknowledged by the sync set of version {version}"
            ),
            Self::RepliesHeld(here, k) => write!(
                f,
                "{here} of the {k} replicas that an acknowledgement needs are in step: replies are held"
            ),
            Self::RepliesReleased(1) => {
                write!(f, "1 replica is in step again: replies are released")
            }
            Self::RepliesReleased(here) => {
                write!(f, "{here} replicas are in step again: replies are released")
            }
            Self::Forced(node, kept) => write!(
                f,
                "goes on from the data of {node}, on a person's word: {kept}"
            ),
            Self::VotersChanged(voters, true) => write!(f, "{voters}"),
            Self::VotersChanged(voters, false) => write!(
                f,
                "{voters}; this sentinel does not vote until they have taken it in"
            ),
            Self::Slept(name, gap) => write!(
                f,
                "{name} did not run for {gap} ms and listens anew before it judges"
            ),
            Self::Trouble(trouble) => trouble.fmt(f),
            Self::OfAgent(said) => said.fmt(f),
        }
    }
}

fn list(nodes: &[Node]) -> String {
    let names: Vec<&str> = nodes.iter().map(Node::as_str).collect();
    names.join(", ")
}

fn write_rule(f: &mut fmt::Formatter<'_>, rule: &SyncRule, wished: usize) -> fmt::Result {
    match rule.k {
        0 if wished == 0 => write!(
            f,
            "replies are released at once from now on, as {} asks for",
            Durability::Async
        ),
        0 => write!(
            f,
            "degraded: no replica is in step, so replies are released at once; {wished} should have acknowledged them"
        ),
        k => {
            if k < wished {
                write!(f, "degraded, {wished} are asked for: ")?;
            }
            let nodes: Vec<Node> = rule.members.keys().cloned().collect();
            write!(
                f,
                "a reply waits for {k} of {} replicas in step: {}",
                nodes.len(),
                list(&nodes)
            )
        }
    }
}

impl fmt::Display for Merit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(position) => write!(f, "it holds the highest position {position}"),
            Self::Stamp(stamp) => write!(
                f,
                "of the disks that were heard its reaches furthest, {stamp}"
            ),
            Self::Paused(position) => {
                write!(f, "it has all that the paused primary had, {position}")
            }
            Self::Data(here, all, position) => write!(
                f,
                "everything was restarted, {here} of {all} nodes are back, and its data reaches furthest ({position})"
            ),
            Self::Word(kept) => write!(f, "on a person's word; {kept}"),
            Self::NoData => write!(f, "no node holds any data"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(node, why) => write!(f, "redis-server of {node} has ended ({why})"),
            Self::Hangs(node, why) => write!(f, "redis-server of {node} hangs ({why})"),
            Self::Unlinked(agreed, voters) => write!(
                f,
                "{agreed} of {voters} sentinels lost the connection to its agent"
            ),
            Self::Silent(agreed, voters, ms) => {
                write!(
                    f,
                    "{agreed} of {voters} sentinels heard nothing for {ms} ms"
                )
            }
        }
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "asked for",
            Self::Leaving => "it is about to stop",
            Self::Ailing => "it cannot write to its disk",
        })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RegisterPutBack(known) | Self::NodesMissing(known) => f.write_str(known),
            Self::FilesUndecided(known) => {
                write!(f, "{known}: nobody is appointed before that is decided")
            }
            Self::RegisterLost(node) => write!(
                f,
                "the register is empty, yet {node} has served a primary of this group before: the sentinels lost their disks; `holdfast force NODE` starts anew from that node's data"
            ),
            Self::NoneMayBeFirst => f.write_str(
                "no node may be the first primary: all have priority 0, which means never; give one of them another `priority`",
            ),
            Self::NeverChosen(nodes) => write!(
                f,
                "{} may not be chosen, since priority 0 means never, and no other node has data: waits for another, for \
                 another `priority` in the configuration of one of them, or for `holdfast force NODE --accept-loss`",
                nodes.join(", ")
            ),
            Self::NoData => f.write_str(
                "every node came back without data; a person must say that this is accepted: `holdfast force NODE --accept-loss`",
            ),
            Self::Loading(nodes) => write!(f, "waits for {} to load", nodes.join(", ")),
            Self::MembersMissing => f.write_str(
                "too few members of the sync set can be heard to be sure that nothing is lost: waits for them, for the old primary, or for `holdfast force NODE --accept-loss`",
            ),
            Self::NoHeir(why) => write!(f, "{why}, and no replica is fit to take over"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_told_with_what_it_lacks() {
        let rule = |members: usize, k| {
            let member = |n: usize| crate::record::Member {
                node: format!("redis-{n}").as_str().into(),
                incarnation: "run".into(),
                address: crate::names::Address::new("redis", 6379),
                server: None,
            };
            SyncRule::of((1..=members).map(member), k)
        };
        let told = |rule, wished| Decision::RuleChanged { rule, wished }.to_string();
        assert_eq!(
            told(rule(0, 0), 0),
            "replies are released at once from now on, as async asks for"
        );
        assert!(told(rule(0, 0), 1).starts_with("degraded: no replica is in step"));
        assert_eq!(
            told(rule(2, 1), 2),
            "degraded, 2 are asked for: a reply waits for 1 of 2 replicas in step: redis-1, redis-2"
        );
        let said = Decided::from(Decision::from(Trouble::MembersMissing));
        assert!(said.is("MembersMissing") && said.text.starts_with("too few members"));
    }
}
