//! Kinds of faults that may be switched on and off.

use holdfast_core::record::Durability;
use std::collections::BTreeSet;
use std::str::FromStr;

/// Faults beyond processes that die or stand still, networks that are cut and volumes that are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// Full copies of a primary fail, before or after memory was emptied, or half-loaded.
    FailedCopies,
    /// Files of a node are cut or lost, or lie beside others that redis-server reads instead.
    DamagedFiles,
    /// Data or memory of nodes, or registers of sentinels, are put back to an older state, or change places.
    PutBack,
    /// Scripts that never end.
    EndlessScripts,
    /// Clients that pause redis-server.
    ClientPauses,
    /// Nodes of two server versions of which the older cannot read what the newer writes; upgrades, and ways back.
    MixedVersions,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::FailedCopies,
        Self::DamagedFiles,
        Self::PutBack,
        Self::EndlessScripts,
        Self::ClientPauses,
        Self::MixedVersions,
    ];

    /// Those of the default mix: all, but in `fsync` no disk is put back. What was on disk is the promise there, and nothing
    /// tells of a disk that is what it was before it acknowledged.
    pub fn default_mix(durability: Durability) -> BTreeSet<Self> {
        let on_disk = durability == Durability::Fsync;
        let all = Self::ALL.into_iter();
        all.filter(|kind| !(on_disk && *kind == Self::PutBack))
            .collect()
    }

    /// Whether it takes data away from under a position.
    pub fn takes_data(self) -> bool {
        matches!(
            self,
            Self::FailedCopies | Self::DamagedFiles | Self::PutBack | Self::MixedVersions
        )
    }

    /// What it is called on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::FailedCopies => "failed-copies",
            Self::DamagedFiles => "damaged-files",
            Self::PutBack => "put-back",
            Self::EndlessScripts => "endless-scripts",
            Self::ClientPauses => "client-pauses",
            Self::MixedVersions => "mixed-versions",
        }
    }

    /// The list that [`Self::list`] reads.
    pub fn names(kinds: &BTreeSet<Self>) -> String {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(",")
        }
    }

    /// The kinds of a list: names with commas between them, `all` or `none`.
    ///
    /// # Errors
    /// A word that is none of these.
    pub fn list(text: &str) -> Result<BTreeSet<Self>, String> {
        match text {
            "all" => Ok(Self::ALL.into()),
            "none" => Ok(BTreeSet::new()),
            names => names.split(',').map(str::parse).collect(),
        }
    }
}

impl FromStr for FaultKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|kind| kind.name() == text);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("`{text}` is no kind of faults; there are {names}, and `all`, `none`")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::FaultKind;

    #[test]
    fn every_kind_is_found_by_its_name() {
        let names = FaultKind::ALL.map(FaultKind::name).join(",");
        assert_eq!(FaultKind::list(&names), FaultKind::list("all"));
        assert!(FaultKind::list("put-back,else").is_err());
    }
}
