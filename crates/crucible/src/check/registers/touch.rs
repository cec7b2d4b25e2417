//! What the register checkers look at: operations on one register whose written values are all different.

use crate::clock::Micros;

/// A value of a register; 0 is the empty register, which nobody writes.
pub type Content = u64;

/// What one operation did to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Saw this value.
    Read(Content),
    /// Put this value there, whatever was there before.
    Write(Content),
    /// Saw the first value and replaced it by the second, in one step.
    Exchange(Content, Content),
}

impl Kind {
    /// The register after this, if it holds `now` before; `None` where this cannot happen.
    pub fn apply(self, now: Content) -> Option<Content> {
        match self {
            Self::Read(seen) => (seen == now).then_some(now),
            Self::Write(new) => Some(new),
            Self::Exchange(old, new) => (old == now).then_some(new),
        }
    }

    /// The value written, if any.
    pub fn written(self) -> Option<Content> {
        match self {
            Self::Read(_) => None,
            Self::Write(new) | Self::Exchange(_, new) => Some(new),
        }
    }

    /// The value seen, if any.
    pub fn seen(self) -> Option<Content> {
        match self {
            Self::Read(seen) | Self::Exchange(seen, _) => Some(seen),
            Self::Write(_) => None,
        }
    }
}

/// One operation on one register. Refused operations are left out, and so are reads without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// What it did.
    pub kind: Kind,
    /// Just before it was sent.
    pub invoke: Micros,
    /// When its answer came; `None` where none came: it took effect at some time after `invoke`, or never.
    pub complete: Option<Micros>,
}

impl Touch {
    /// The latest moment at which it took effect, if it did.
    pub fn latest(&self) -> Micros {
        self.complete.unwrap_or(Micros::MAX)
    }
}
