//! Command rules: `+sentinel|masters`, `-@dangerous`, `+@all`.

use std::fmt;

use crate::commands::{CATEGORIES, CommandId, category_bit, find_id};

/// One rule: what it names, and whether it allows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    allow: bool,
    target: Target,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    All,
    /// Bit of one category.
    Category(u32),
    /// A command with all its subcommands, or one subcommand.
    Command(CommandId),
}

impl Rule {
    pub(super) fn all(allow: bool) -> Self {
        Self {
            allow,
            target: Target::All,
        }
    }

    pub(super) fn is_all(&self) -> bool {
        self.target == Target::All
    }

    pub(super) fn allows(&self) -> bool {
        self.allow
    }

    /// Does the rule say something about the command?
    pub(super) fn names(&self, command: CommandId) -> bool {
        match self.target {
            Target::All => true,
            Target::Category(bit) => command.categories() & bit != 0,
            Target::Command(named) => named == command || named == command.parent(),
        }
    }

    /// Does it make the earlier rule pointless?
    pub(super) fn covers(&self, earlier: &Self) -> bool {
        match (self.target, earlier.target) {
            (Target::All, _) => true,
            (Target::Command(later), Target::Command(earlier)) => {
                later == earlier || later == earlier.parent()
            }
            (later, earlier) => later == earlier,
        }
    }
}

/// Reads `+command`, `+command|sub`, `+@category` and the same with `-`.
pub(super) fn parse_rule(text: &str) -> Result<Rule, &'static str> {
    const UNKNOWN: &str = "Unknown command or category name in ACL";
    let (sign, name) = text.split_at(1);
    let target = if let Some(category) = name.strip_prefix('@') {
        Target::Category(category_bit(category).ok_or(UNKNOWN)?)
    } else {
        Target::Command(find_id(name).ok_or(UNKNOWN)?)
    };
    Ok(Rule {
        allow: sign == "+",
        target,
    })
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.allow { '+' } else { '-' };
        match self.target {
            Target::All => write!(f, "{sign}@all"),
            Target::Category(bit) => {
                write!(f, "{sign}@{}", CATEGORIES[bit.trailing_zeros() as usize])
            }
            Target::Command(command) => write!(f, "{sign}{}", command.full_name()),
        }
    }
}
