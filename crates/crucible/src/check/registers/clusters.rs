//! Linearizability by order: the second opinion, which searches nothing.
//!
//! Every value is written once, so in any order the write of a value and all that saw it stand together: a cluster. An exchange ties the
//! cluster of the value that it saw to the cluster of its own: together they are a chain, and nothing comes between. Chain A must
//! stand before chain B when something in A was answered before something in B was sent. Gibbons and Korach: an order exists unless two
//! chains must each stand before the other, or a chain is at odds with itself.

use crate::check::registers::touch::{Content, Kind, Touch};
use std::collections::{BTreeMap, BTreeSet};

/// Why no order exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// This value was seen, and nobody can have written it.
    Unwritten(Content),
    /// This value was seen before its write was sent.
    FromTheFuture(Content),
    /// This value was replaced by two exchanges.
    Fork(Content),
    /// Exchanges lead in a circle through this value.
    Circle(Content),
    /// This value was replaced by an exchange, and yet seen afterwards; or the exchange was answered before it could know the value.
    OutOfChain(Content),
    /// Each of these values was there before the other.
    Crossed(Content, Content),
}

/// What holds one value.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    /// When the first of its operations had its answer.
    first_answer: i128,
    /// When the last of its operations was sent.
    last_sent: i128,
    /// When its write was sent.
    write_sent: i128,
    /// The value that its write replaced, if it was an exchange.
    replaced: Option<Content>,
}

type Clusters = BTreeMap<Content, Cluster>;

/// Looks for a conflict among the operations of one register.
///
/// # Errors
/// The conflict that proves that no order exists.
pub fn judge(touches: &[Touch]) -> Result<(), Conflict> {
    let clusters = gather(&effective(touches))?;
    let mut chains = chains(&clusters)?;
    chains.sort_by_key(|chain| chain.first_answer);
    crossed(&chains)
}

/// Without the writes that had no answer and that nothing answered builds on: they may never have happened.
fn effective(touches: &[Touch]) -> Vec<Touch> {
    let writers: BTreeMap<Content, &Touch> = touches
        .iter()
        .filter_map(|touch| Some((touch.kind.written()?, touch)))
        .collect();
    let answered = touches.iter().filter(|touch| touch.complete.is_some());
    let mut needed = BTreeSet::new();
    let mut next: Vec<Content> = answered.filter_map(|touch| touch.kind.seen()).collect();
    // From each value seen to the one that its exchange had seen.
    while let Some(value) = next.pop() {
        if needed.insert(value) {
            next.extend(writers.get(&value).and_then(|touch| touch.kind.seen()));
        }
    }
    let kept = |touch: &&Touch| {
        let written = touch.kind.written();
        touch.complete.is_some() || written.is_some_and(|value| needed.contains(&value))
    };
    touches.iter().filter(kept).copied().collect()
}

/// The empty register was there before everything.
const EVER: Cluster = Cluster {
    first_answer: -1,
    last_sent: -1,
    write_sent: -1,
    replaced: None,
};

fn gather(touches: &[Touch]) -> Result<Clusters, Conflict> {
    let mut clusters = Clusters::from([(0, EVER)]);
    for touch in touches {
        if let Some(value) = touch.kind.written() {
            let sent = i128::from(touch.invoke);
            let cluster = Cluster {
                first_answer: i128::from(touch.latest()),
                last_sent: sent,
                write_sent: sent,
                replaced: touch.kind.seen(),
            };
            clusters.insert(value, cluster);
        }
    }
    for touch in touches {
        if let Kind::Read(value) = touch.kind {
            let cluster = clusters.get_mut(&value).ok_or(Conflict::Unwritten(value))?;
            if i128::from(touch.latest()) < cluster.write_sent {
                return Err(Conflict::FromTheFuture(value));
            }
            cluster.first_answer = cluster.first_answer.min(i128::from(touch.latest()));
            cluster.last_sent = cluster.last_sent.max(i128::from(touch.invoke));
        }
    }
    Ok(clusters)
}

/// Clusters that stand together.
#[derive(Clone, Copy, Debug)]
struct Chain {
    head: Content,
    first_answer: i128,
    last_sent: i128,
}

fn chains(clusters: &Clusters) -> Result<Vec<Chain>, Conflict> {
    let mut next = BTreeMap::new();
    for (value, cluster) in clusters {
        let Some(old) = cluster.replaced else {
            continue;
        };
        if !clusters.contains_key(&old) {
            return Err(Conflict::Unwritten(old));
        }
        if next.insert(old, *value).is_some() {
            return Err(Conflict::Fork(old));
        }
    }
    let heads = clusters
        .iter()
        .filter(|(_, cluster)| cluster.replaced.is_none());
    let mut visited = BTreeSet::new();
    let chains = heads
        .map(|(head, _)| follow(*head, &next, clusters, &mut visited))
        .collect::<Result<_, _>>()?;
    match clusters.keys().find(|value| !visited.contains(*value)) {
        Some(value) => Err(Conflict::Circle(*value)),
        None => Ok(chains),
    }
}

/// Walks from `head` from exchange to exchange. Nothing of a later value may have been answered before something of an earlier one was sent.
fn follow(
    head: Content,
    next: &BTreeMap<Content, Content>,
    clusters: &Clusters,
    visited: &mut BTreeSet<Content>,
) -> Result<Chain, Conflict> {
    let mut chain = Chain {
        head,
        first_answer: i128::MAX,
        last_sent: i128::MIN,
    };
    let mut value = Some(head);
    while let Some(now) = value {
        let cluster = clusters.get(&now).ok_or(Conflict::Unwritten(now))?;
        if cluster.first_answer < chain.last_sent {
            return Err(Conflict::OutOfChain(now));
        }
        chain.first_answer = chain.first_answer.min(cluster.first_answer);
        chain.last_sent = chain.last_sent.max(cluster.last_sent);
        visited.insert(now);
        value = next.get(&now).copied();
    }
    Ok(chain)
}

/// Two chains, each of which must stand before the other. It is enough to look at pairs: in any longer circle the chain that was
/// answered first is in such a pair with the one before it. `chains` are sorted by their first answer.
fn crossed(chains: &[Chain]) -> Result<(), Conflict> {
    let mut latest: Vec<usize> = vec![];
    for (index, chain) in chains.iter().enumerate() {
        let best = latest
            .last()
            .copied()
            .filter(|best| chains[*best].last_sent >= chain.last_sent);
        latest.push(best.unwrap_or(index));
    }
    for (index, chain) in chains.iter().enumerate() {
        // Of those that were answered earlier, and before something here was sent, the one that was sent to last.
        let before = chains[..index].partition_point(|other| other.first_answer < chain.last_sent);
        let Some(other) = before.checked_sub(1).map(|last| chains[latest[last]]) else {
            continue;
        };
        if chain.first_answer < other.last_sent {
            return Err(Conflict::Crossed(other.head, chain.head));
        }
    }
    Ok(())
}
