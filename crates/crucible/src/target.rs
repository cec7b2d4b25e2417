//! The system under test: a black box of real processes.
//!
//! ```text
//!  System ─┬─ Holdfast: `holdfast up --headless`, or its roles one by one inside network namespaces
//!          └─ Upstream: stock redis-server and redis-sentinel
//!  both give a Group: names, pids, addresses, data directories
//! ```

pub mod darkness;
pub mod files;
pub mod group;
pub mod holdfast;
pub mod interposer;
mod member;
pub mod mount;
pub mod network;
pub mod pod;
pub mod ports;
pub mod process;
pub mod readiness;
pub mod roles;
pub mod settings;
pub mod spec;
pub mod trouble;
pub mod upstream;

pub use darkness::Darkness;
pub use group::{Group, NodeProcess, SentinelProcess};
pub use interposer::Interposer;
pub use mount::Mount;
pub use network::Network;
pub use spec::{Against, Durability, GroupSpec};

use anyhow::Result;

/// A running group.
#[derive(Debug)]
pub enum System {
    /// Ours, by `holdfast up`.
    Holdfast(holdfast::HoldfastGroup),
    /// Ours, role by role in a network of its own.
    Roles(roles::RolesGroup),
    /// Stock Redis and Sentinel.
    Upstream(upstream::UpstreamGroup),
}

impl System {
    /// Starts a group as `spec` says and waits until it takes writes.
    pub async fn start(against: Against, spec: &GroupSpec) -> Result<Self> {
        let system = match against {
            Against::Holdfast if spec.network => Self::Roles(roles::RolesGroup::start(spec)?),
            Against::Holdfast => Self::Holdfast(holdfast::HoldfastGroup::start(spec).await?),
            Against::Upstream => Self::Upstream(upstream::UpstreamGroup::start(spec)?),
        };
        readiness::wait(&system, spec.ready_limit).await?;
        Ok(system)
    }

    /// Which one it is.
    pub fn against(&self) -> Against {
        match self {
            Self::Holdfast(_) | Self::Roles(_) => Against::Holdfast,
            Self::Upstream(_) => Against::Upstream,
        }
    }

    /// Its processes now.
    pub fn group(&self) -> Result<Group> {
        match self {
            Self::Holdfast(group) => group.group(),
            Self::Roles(group) => Ok(group.group()),
            Self::Upstream(group) => Ok(group.group()),
        }
    }

    /// Whether gates stand before its servers, which carry sessions over to the next primary.
    pub fn carries(&self) -> bool {
        match self {
            Self::Holdfast(group) => group.carries(),
            Self::Roles(group) => group.carries(),
            Self::Upstream(_) => false,
        }
    }

    /// The network that its processes live in, if it has one of its own.
    pub fn network(&self) -> Option<&Network> {
        match self {
            Self::Holdfast(_) => None,
            Self::Roles(group) => Some(group.network()),
            Self::Upstream(group) => group.network(),
        }
    }

    /// Nothing is started again until what this gives is dropped.
    pub async fn darken(&self) -> Result<Darkness> {
        match self {
            Self::Holdfast(group) => Darkness::freeze(group.supervisor()).await,
            Self::Roles(group) => Ok(Darkness::take(group.mains().clone()).await),
            Self::Upstream(group) => Ok(Darkness::take(group.mains().clone()).await),
        }
    }

    /// What sits between its processes and the kernel, if asked for.
    pub fn interposer(&self) -> Option<&Interposer> {
        match self {
            Self::Holdfast(group) => group.interposer(),
            Self::Roles(group) => group.interposer(),
            Self::Upstream(group) => group.interposer(),
        }
    }

    /// How long after its death a process of the stock group is started again. Holdfast decides for itself.
    pub fn set_restart_delay_ms(&self, delay_ms: u64) {
        if let Self::Upstream(group) = self {
            group.set_restart_delay_ms(delay_ms);
        }
    }

    /// Ends all processes.
    pub async fn stop(self) -> Result<()> {
        match self {
            Self::Holdfast(group) => group.stop().await,
            Self::Roles(group) => group.stop().await,
            Self::Upstream(group) => group.stop().await,
        }
    }
}
