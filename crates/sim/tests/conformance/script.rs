//! The scripts.

use holdfast_sim::rng::Rng;

/// One operation on one of the servers 0, 1, 2.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Follow(usize, usize),
    Seal(usize),
    Promote(usize),
    Touch(usize),
    Write(usize),
    Publish(usize),
    Fence(usize),
    Unfence(usize),
    /// It gives no full copies, or gives them again.
    Keep(usize),
    Give(usize),
    Pause(usize),
    Unpause(usize),
    /// A write that a pause holds; its answer is part of the next `Unpause`.
    Hold(usize),
    Save(usize),
    Flush(usize),
    Kill(usize),
    Start(usize),
}

use Step::{
    Fence, Flush, Follow, Give, Hold, Keep, Kill, Pause, Promote, Publish, Save, Seal, Start,
    Touch, Unfence, Unpause, Write,
};

pub(crate) fn failover() -> Vec<Step> {
    vec![
        Promote(0),
        Write(0),
        Follow(1, 0),
        Follow(2, 0),
        Write(0),
        Write(1),
        Seal(1),
        Write(0),
        Follow(1, 0),
        Seal(1),
        Seal(2),
        Write(0), // the old primary goes on alone
        Promote(1),
        Write(1),
        Follow(2, 1), // partial: the second name still counts
        Follow(0, 1), // full: its own write is not in the new history
        Write(1),
        Follow(2, 0), // chained
        Write(1),
        Kill(1),
        Promote(0),
        Write(0),
        Start(1),
        Follow(1, 0),
        Publish(0),
    ]
}

pub(crate) fn fences() -> Vec<Step> {
    vec![
        Write(0),
        Promote(0),
        Touch(0),
        Touch(0),
        Write(0),
        Follow(1, 0),
        Fence(0),
        Write(0),
        Publish(0),
        Write(1),
        Unfence(0),
        Write(0),
        Pause(0),
        Hold(0),
        Unpause(0),
        Pause(0),
        Hold(0),
        Fence(0),
        Write(0),
        Unpause(0),
        Unfence(0),
        Pause(0),
        Hold(0),
        Seal(0),
        Unpause(0),
        Promote(0),
        Promote(0),
        Follow(2, 1), // its primary has no link: refused
        Follow(1, 0),
        Flush(0),
        Flush(1),
        Fence(1),
        Promote(1),
        Write(1),
        Unfence(1),
        Write(1),
    ]
}

/// A sealed server that somebody makes a primary: who still follows its address keeps what it has.
pub(crate) fn copies() -> Vec<Step> {
    vec![
        Keep(0),
        Promote(1),
        Touch(1),
        Write(1),
        Follow(2, 1),
        Write(1),
        Promote(0), // blank, and nobody gets a copy of that
        Follow(2, 0),
        Write(0),
        Give(0), // from here it does
        Write(0),
        Keep(0), // goes on with those who have one
        Write(0),
        Follow(1, 0),
        Write(0),
        Seal(0), // turns away whom it kept waiting
        Follow(1, 2),
        Promote(2),
        Write(2),
    ]
}

pub(crate) fn restarts() -> Vec<Step> {
    vec![
        Promote(0),
        Write(0),
        Follow(1, 0),
        Follow(2, 0),
        Write(0),
        Save(0),
        Save(1),
        Kill(1),
        Write(0),
        Start(1),
        Follow(1, 0),
        Write(0),
        Save(1),
        Kill(0),
        Promote(1),
        Start(0),
        Follow(2, 1),
        Follow(0, 1),
        Write(1),
    ]
}

/// A random script: mostly writes and repointing.
pub(crate) fn random(seed: u64, length: usize) -> Vec<Step> {
    let mut rng = Rng::new(seed);
    let mut up = [true; 3];
    let mut steps = vec![Promote(0), Touch(0), Follow(1, 0), Follow(2, 0), Write(0)];
    while steps.len() < length {
        let node = rng.below(3) as usize;
        if !up[node] {
            up[node] = true;
            steps.push(Start(node));
            continue;
        }
        let other = (node + 1 + rng.below(2) as usize) % 3;
        steps.push(match rng.below(18) {
            0..=5 => Write(node),
            6..=8 => Follow(node, other),
            9 => Seal(node),
            10 => Promote(node),
            11 => Publish(node),
            12 => Fence(node),
            13 | 14 => Unfence(node),
            15 => Keep(node),
            16 => Give(node),
            _ => {
                up[node] = false;
                Kill(node)
            }
        });
    }
    steps
}
