//! What `INFO` and `ROLE` show.

use super::server::Replid;
use holdfast_core::names::Address;
use holdfast_core::stamp::Stamp;

/// A snapshot of a server, with the fields that an agent reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// `run_id`.
    pub run_id: u64,
    /// `role:master`.
    pub primary: bool,
    /// `master_host:master_port`.
    pub following: Option<Address>,
    /// `master_replid`.
    pub replid: Replid,
    /// `master_replid2`.
    pub replid2: Option<Replid>,
    /// `second_repl_offset`, -1 without one.
    pub second_offset: i64,
    /// `master_repl_offset` of a master, `slave_repl_offset` of a replica.
    pub offset: u64,
    /// `repl_backlog_active`.
    pub backlog: bool,
    /// `master_link_status:up`.
    pub link_up: bool,
    /// `master_sync_in_progress`.
    pub sync_in_progress: bool,
    /// `loading`.
    pub loading: bool,
    /// No rewrite of the append-only file after a full resync is under way, and no full copy.
    pub persisted: bool,
    /// Every change is in the append-only file before it is answered, and nothing is missing there.
    pub logged: bool,
    /// Every change is synced before it is answered or acknowledged, and nothing is missing in the append-only file.
    pub on_disk: bool,
    /// The stamp in the data.
    pub stamp: Option<Stamp>,
    /// How many copies its log says that it has not loaded, since its link was last up.
    pub copies_failed: u32,
    /// Keys in the data set.
    pub keys: u64,
    /// `sync_full`: full resyncs that this server gave.
    pub sync_full: u64,
    /// `sync_partial_ok`: partial ones.
    pub sync_partial: u64,
    /// `slaveN` lines.
    pub replicas: Vec<ReplicaInfo>,
}

/// One attached replica as the primary sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaInfo {
    /// Address that it announced.
    pub address: Address,
    /// `state=online`.
    pub online: bool,
    /// Offset that it reported last.
    pub acked: u64,
}
