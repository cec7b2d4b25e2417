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
    /// Its dump cannot be replaced, or can again: full copies that it receives fail.
    Break(usize),
    Mend(usize),
    /// A script that never ends; whether it writes first. And the order to end it.
    Script(usize, bool),
    EndScript(usize),
    /// While it is down: its append-only file lacks its last entry, or its manifest.
    Cut(usize),
    LoseManifest(usize),
}

use Step::{
    Break, Cut, EndScript, Fence, Flush, Follow, Give, Hold, Keep, Kill, LoseManifest, Mend, Pause,
    Promote, Publish, Save, Script, Seal, Start, Touch, Unfence, Unpause, Write,
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

/// A full copy fails on its way into memory, and the server lives on.
pub(crate) fn failed_copies() -> Vec<Step> {
    vec![
        Promote(0),
        Write(0),
        Follow(1, 0),
        Write(0),
        Kill(1),
        Write(0),
        Start(1), // with an append-only file and thus without a position: the next copy is a full one
        Break(1),
        Follow(1, 0),
        Seal(1),
        Write(0),
        Kill(1),
        Mend(1),
        Start(1), // its disk still has what it had
        Break(1),
        Follow(1, 0),
        Seal(1),
        Mend(1),
        Promote(1), // writes its append-only file again, of what memory holds
        Write(1),
        Kill(1),
        Start(1),
        Follow(1, 0),
        Write(0),
    ]
}

/// An append-only file that ends too early, and one without a manifest.
pub(crate) fn damaged_files() -> Vec<Step> {
    vec![
        Promote(0),
        Write(0),
        Write(0),
        Write(0),
        Kill(0),
        Cut(0),
        Start(0),
        Promote(0),
        Write(0),
        Kill(0),
        Start(0),
        Kill(0),
        LoseManifest(0),
        Start(0),
        Promote(0),
        Write(0),
        Kill(0),
        Start(0),
    ]
}

/// Scripts that never end: what is answered meanwhile, and how they are ended.
pub(crate) fn scripts() -> Vec<Step> {
    vec![
        Promote(0),
        Write(0),
        Follow(1, 0),
        EndScript(0),
        Script(0, false),
        Write(0),
        Publish(0),
        Seal(0),
        Fence(0),
        EndScript(0),
        Write(0),
        Script(1, false),
        Write(0), // not applied before the script ends
        Seal(1),
        EndScript(1),
        Script(0, true),
        EndScript(0),
        Promote(0),
        Kill(0),
        Promote(1),
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
