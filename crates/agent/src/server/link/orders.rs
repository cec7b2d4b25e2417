//! What an agent orders its server to do. Each is one round trip.

use super::batch::Batch;
use super::{Info, Link, LinkError, Replication, info};
use crate::server::{DEAD_HOST, DEAD_PORT, FENCE, NO_COPIES, USER};
use holdfast_core::names::Address;

/// A command without its dynamic parts.
type Command<'a> = &'a [&'a str];

/// For ever, in numbers that a server takes.
const TEN_YEARS_MS: u64 = 10 * 365 * 24 * 3_600_000;

/// Up to this many bytes of memory a full copy goes through a file. Redis 7.0 streams to a replica that was copied to
/// directly only after the replica's next acknowledgement, up to a second later, and shows it as connected meanwhile.
const COPY_BY_FILE_MAX: u64 = 256 << 20;

/// Full copies are given at once; the contrary of [`NO_COPIES`].
const GIVE_COPIES: [Command<'_>; 2] = [
    &["CONFIG", "SET", "repl-diskless-sync", "no"],
    &["CONFIG", "SET", "repl-diskless-sync-delay", "0"],
];

const UNPAUSE: Command<'_> = &["CLIENT", "UNPAUSE"];
const KILL_NORMAL: Command<'_> = &["CLIENT", "KILL", "TYPE", "normal"];
const KILL_PUBSUB: Command<'_> = &["CLIENT", "KILL", "TYPE", "pubsub"];

impl Link {
    /// All that is known of the server. About 4 KB; a few times a second at most.
    pub async fn info(&mut self) -> Result<Info, LinkError> {
        let mut batch = Batch::default();
        info::ask_all(&mut batch);
        let info = self.read_info(batch).await?;
        self.with_stamp(info).await
    }

    async fn read_info(&mut self, batch: Batch) -> Result<Info, LinkError> {
        let mut info = Info::read(&self.call(batch).await?);
        info.persistence.aof_wanted = self.appends;
        Ok(info)
    }

    /// Its part in replication only: cheap enough for every heartbeat.
    pub async fn replication(&mut self) -> Result<Replication, LinkError> {
        let mut batch = Batch::default();
        info::ask_replication(&mut batch);
        Ok(Replication::read(&self.call(batch).await?))
    }

    /// Any answer at all.
    pub async fn ping(&mut self) -> Result<(), LinkError> {
        self.command(&["PING"]).await.map(drop)
    }

    /// Closes the write fence: from here every write is refused with `-NOREPLICAS`, whatever the role; those that a
    /// [`Link::hold`] keeps waiting too.
    pub async fn fence(&mut self) -> Result<(), LinkError> {
        let fence = FENCE.to_string();
        self.transact(&[&["CONFIG", "SET", "min-replicas-to-write", &fence], UNPAUSE])
            .await
    }

    /// Closes the write fence and the port that `key` sets, and disconnects all clients, in one go, so that none of them is
    /// refused a write. Its own connections, but this one, go too and come back.
    pub async fn shut_out(&mut self, key: &str) -> Result<Info, LinkError> {
        let fence = FENCE.to_string();
        self.transact_and_look(&[
            &["CONFIG", "SET", "min-replicas-to-write", &fence],
            &["CONFIG", "SET", key, "0"],
            UNPAUSE,
            KILL_NORMAL,
        ])
        .await
    }

    /// Opens the write fence and ends a pause: a primary takes writes from here. Tells how it is then.
    pub async fn open(&mut self) -> Result<Info, LinkError> {
        self.transact_and_look(&[&["CONFIG", "SET", "min-replicas-to-write", "0"], UNPAUSE])
            .await
    }

    /// Holds all writes back: they wait, they are not refused, and none is executed until [`Link::open`] lets them
    /// in, [`Link::fence`] refuses them or [`Link::depose`] disconnects their clients. Reads go on.
    ///
    /// It does not end by itself, whatever `at_least_ms` says: a handoff that got stuck must not end in an old primary
    /// that takes writes again. Nor does it close the fence below, since a server looks at that before it looks at the
    /// pause, and would refuse what should wait.
    pub async fn hold(&mut self, at_least_ms: u64) -> Result<Info, LinkError> {
        let pause = at_least_ms.max(TEN_YEARS_MS).to_string();
        let mut batch = Batch::default();
        batch.add(&["CLIENT", "PAUSE", &pause, "WRITE"]);
        info::ask_all(&mut batch);
        self.read_info(batch).await
    }

    /// Ends a pause.
    pub async fn unpause(&mut self) -> Result<(), LinkError> {
        self.command(UNPAUSE).await.map(drop)
    }

    /// Seals a replica, or a node that has no clients to lose: closes the fence, cuts it from the primary that it
    /// follows, *then* tells its position, which no longer changes. Its data and its claim to a partial resync stay.
    /// Nobody gets a copy of it from here, even if somebody makes it a primary by hand.
    pub async fn seal(&mut self) -> Result<Info, LinkError> {
        self.sealed(&[]).await
    }

    /// Seals a primary: as [`Link::seal`], and all clients are disconnected, since many only look for the new
    /// primary then. The probes' own connections go too and come back.
    pub async fn depose(&mut self) -> Result<Info, LinkError> {
        self.sealed(&[KILL_NORMAL, KILL_PUBSUB]).await
    }

    /// Makes it a primary, its fence still closed, disconnects all clients, since many only look for the primary when their
    /// connection ends, and tells its new history.
    pub async fn promote(&mut self) -> Result<Info, LinkError> {
        let fence = FENCE.to_string();
        let [copies, at_once] = GIVE_COPIES;
        let info = self
            .transact_and_look(&[
                &["CONFIG", "SET", "min-replicas-to-write", &fence],
                copies,
                at_once,
                &["REPLICAOF", "NO", "ONE"],
                KILL_NORMAL,
                KILL_PUBSUB,
            ])
            .await?;
        if info.used_memory > COPY_BY_FILE_MAX {
            self.command(&["CONFIG", "SET", "repl-diskless-sync", "yes"])
                .await?;
        }
        if info.replication.backlog {
            return Ok(info);
        }
        self.begin_history().await?;
        self.info().await
    }

    /// A server that never followed anybody has no backlog: its offset stands still, and with its first replica it
    /// draws a new replication id, under which nobody would know its history. Asking for a copy, as a replica
    /// does, makes it begin; the copy itself is not taken.
    async fn begin_history(&mut self) -> Result<(), LinkError> {
        let mut replica = self.connect()?;
        let begun = async {
            // One after the other: a copy is refused while an answer is still on its way.
            for args in [
                &["AUTH", USER, &self.password][..],
                &["PSYNC", "?", "-1"][..],
            ] {
                let mut batch = Batch::default();
                batch.add(args);
                let replies = replica
                    .round_trip(batch.bytes(), batch.len())
                    .await
                    .map_err(super::closed)?;
                batch.check(&replies)?;
            }
            Ok(())
        };
        match tokio::time::timeout(self.patience, begun).await {
            Ok(done) => done,
            Err(_) => Err(LinkError::Timeout(self.patience.as_millis() as u64)),
        }
    }

    /// Follows that primary; does nothing where it already does. The fence is closed first.
    pub async fn follow(&mut self, primary: &Address) -> Result<(), LinkError> {
        let (fence, port) = (FENCE.to_string(), primary.port.to_string());
        let auth = self.masterauth.clone();
        self.transact(&[
            &["CONFIG", "SET", "min-replicas-to-write", &fence],
            &["CONFIG", "SET", "masterauth", &auth],
            &["REPLICAOF", &primary.host, &port],
        ])
        .await
    }

    /// Follows that primary anew: the server tries a refused connection only once a second, this tries at once. All clients
    /// are disconnected. Tells how it is then.
    pub async fn follow_now(&mut self, primary: &Address) -> Result<Info, LinkError> {
        let (fence, port, dead) = (
            FENCE.to_string(),
            primary.port.to_string(),
            DEAD_PORT.to_string(),
        );
        let auth = self.masterauth.clone();
        self.transact_and_look(&[
            &["CONFIG", "SET", "min-replicas-to-write", &fence],
            &["CONFIG", "SET", "masterauth", &auth],
            &["REPLICAOF", DEAD_HOST, &dead],
            &["REPLICAOF", &primary.host, &port],
            KILL_NORMAL,
            KILL_PUBSUB,
        ])
        .await
    }

    /// Asks it to end, with or without a snapshot. `Ok` or `Closed` means that it is ending.
    pub(in crate::server) async fn shutdown(&mut self, save: bool) -> Result<(), LinkError> {
        let args: Command<'_> = if save {
            &["SHUTDOWN"]
        } else {
            &["SHUTDOWN", "NOSAVE"]
        };
        self.command(args).await.map(drop)
    }

    async fn sealed(&mut self, then: &[Command<'_>]) -> Result<Info, LinkError> {
        let (fence, dead) = (FENCE.to_string(), DEAD_PORT.to_string());
        let set_fence: Command<'_> = &["CONFIG", "SET", "min-replicas-to-write", &fence];
        let cut: Command<'_> = &["REPLICAOF", DEAD_HOST, &dead];
        let [streamed, late] = NO_COPIES.map(|[key, value]| ["CONFIG", "SET", key, value]);
        let seal: [Command<'_>; 5] = [set_fence, cut, UNPAUSE, &streamed, &late];
        self.transact_and_look(&[&seal, then].concat()).await
    }

    /// One round trip, since every one counts while clients wait.
    async fn transact_and_look(&mut self, commands: &[Command<'_>]) -> Result<Info, LinkError> {
        let mut batch = Batch::default();
        batch.transaction(commands);
        info::ask_all(&mut batch);
        let info = self.read_info(batch).await?;
        self.with_stamp(info).await
    }

    async fn transact(&mut self, commands: &[Command<'_>]) -> Result<(), LinkError> {
        let mut batch = Batch::default();
        batch.transaction(commands);
        self.call(batch).await.map(drop)
    }
}
