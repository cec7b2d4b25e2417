//! Whether the data in memory are those for which a position is known.
//!
//! A position is remembered, and data change without being asked: files are cut, lost, swapped or put back while nothing
//! runs, and redis-server empties its memory for a copy of its primary that it then does not get. So the agent compares what
//! it noted with what each run has loaded ([`Verdict`]), and watches for a copy that has replaced data and was not
//! completed. In doubt there is no position, and no vote, until the node has been in step with a primary.
//!
//! The note itself stays true of the files while memory is in doubt. So redis-server is ended and started again where its
//! files still hold data: it reads them, and has its position back.
//!
//! Files that lack only what a loss of power may take are in no doubt. They reach as far as the settled note says.

use super::{Agent, AgentOutput, Decision, ServerInfo, Standing};
use crate::dataset::{Files, Found, Noted, Verdict};
use crate::mutant::Mutant;
use crate::position::Position;
use crate::time::Millis;
use crate::wire::ServerState;

/// Pause before data are set aside again that could not be.
const ASIDE_AGAIN: Millis = 10_000;

/// Pause before redis-server is started again that must not be started on its files.
const LOOK_AGAIN: Millis = 2_000;

/// How far data that are not what was noted have been set aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Aside {
    /// Nothing is to be set aside.
    #[default]
    Needless,
    /// The shell is at it, or could not do it; it is asked again at this time.
    Until(Millis),
    /// Done.
    Done,
}

/// What speaks against the data, and what is being done.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubts {
    /// The files were compared with the note, in this run of redis-server.
    judged: bool,
    /// How what was loaded differs from what was noted.
    unlike: Option<String>,
    /// What was loaded ends before the latest note.
    shorter: bool,
    /// How far it reaches then: as the settled note says.
    reaches: Option<Position>,
    /// A copy was being loaded when it was last looked at.
    replacing: bool,
    /// redis-server has said since the last look that a copy failed.
    copy_failed: bool,
    /// One was completed since, and the link has ended already.
    copied: bool,
    /// A copy has replaced the data in memory and was not completed.
    emptied: Option<String>,
    /// Why redis-server must not be started.
    refused: Option<String>,
    /// Whether the data that nobody knows were set aside, so that a copy may take their place.
    aside: Aside,
    /// Why they are kept.
    kept_for: String,
    /// What the files were when they were last looked at in this run.
    latest: Option<Noted>,
    /// What is to be noted once a loss of power cannot take it any more, and since when.
    settling: Option<(Millis, Noted)>,
    /// That has settled, and is not noted yet.
    settled: Option<Noted>,
}

impl Doubts {
    /// Another run of redis-server: all that was seen of the one before does not count.
    pub(super) fn renew(&mut self) {
        *self = Self::default();
    }

    /// In step with a primary: the data are that primary's, whatever they were.
    pub(super) fn dispel(&mut self) {
        *self = Self {
            judged: true,
            latest: self.latest.take(),
            settling: self.settling.take(),
            settled: self.settled.take(),
            ..Self::default()
        };
    }

    /// What the last look told of, to be noted.
    pub(super) fn latest(&self) -> Option<Noted> {
        self.latest.clone()
    }

    /// The files are about to be those of another copy.
    pub(super) fn forget_files(&mut self) {
        self.latest = None;
    }

    /// What has settled, to be noted with the position.
    pub(super) fn take_settled(&mut self) -> Option<Noted> {
        self.settled.take()
    }
}

impl Agent {
    /// Why the data in memory have no position, if they have none.
    pub(super) fn doubt(&self) -> Option<&str> {
        if self.settings.mutant == Mutant::BelieveARememberedPosition {
            return None;
        }
        if self.server == ServerState::Up && !self.doubts.judged {
            return Some("its files are yet to be compared with what was noted");
        }
        let unlike = self.doubts.unlike.as_ref().filter(|_| !self.says_enough());
        let doubt = self.doubts.emptied.as_ref().or(unlike);
        doubt.map(String::as_str)
    }

    /// What the sentinels are told: this, or why redis-server is not started.
    pub(super) fn told_doubt(&self) -> String {
        let refused = self.doubts.refused.as_deref();
        refused.or(self.doubt()).unwrap_or_default().to_owned()
    }

    /// Whether what was loaded differs from what was noted: then nothing that was on this disk can be relied on.
    pub(super) fn is_unlike(&self) -> bool {
        self.doubts.judged && self.doubts.emptied.is_none() && self.doubt().is_some()
    }

    /// Whether what was loaded ends before the latest note, and not before the settled one.
    pub(super) fn is_shorter(&self) -> bool {
        self.doubts.shorter
    }

    /// How far the data reach by what was noted.
    pub(super) fn remembered(&self) -> Option<Position> {
        if self.is_shorter() {
            self.doubts.reaches
        } else {
            self.stored.position
        }
    }

    /// Whose history the data are and how far they reach, where the snapshot that was loaded says so and the record knows it.
    pub(super) fn own_word(&self) -> Option<Position> {
        let known = self.record.as_ref()?.epoch_of(&self.info.replid).is_some();
        self.reach().filter(|_| known && self.info.offset > 0)
    }

    /// Data that tell of themselves that they reach as far as was noted are enough, whatever the files were.
    fn says_enough(&self) -> bool {
        self.own_word()
            .is_some_and(|own| Some(own) >= self.stored.position)
    }

    /// Looks for what speaks against the data; `before`: the look before this one.
    pub(super) fn notice_doubt(&mut self, before: &ServerInfo, out: &mut Vec<AgentOutput>) {
        self.notice_copied();
        if self.is_lost_to_a_copy(before) && self.doubts.emptied.is_none() {
            self.fail_copy(before.keys, out);
        }
        if !self.doubts.judged && self.may_judge() {
            self.doubts.judged = true;
            self.judge(out);
        }
    }

    /// Files that were there are compared once redis-server has read them, and may have cut them.
    fn may_judge(&self) -> bool {
        let compared = self.stored.newest_note().is_some() && !self.data.files.is_empty();
        !self.info.loading && (self.info.files.is_some() || !compared)
    }

    fn judge(&mut self, out: &mut Vec<AgentOutput>) {
        if self.data.foreign {
            return;
        }
        out.push(AgentOutput::Decide(match self.verdict() {
            Verdict::Whole => return,
            Verdict::Shorter(why) if self.shorten() => Decision::DataShorter(why),
            Verdict::Shorter(why) | Verdict::Unlike(why) => {
                self.want_aside(&why);
                self.doubts.unlike = Some(why.clone());
                Decision::DataUnlike(why)
            }
        }));
    }

    /// Compares what this run found and loaded with both notes. Data of a member of which nothing was ever noted may be anybody's,
    /// put there while its agent's memory was put back.
    fn verdict(&self) -> Verdict {
        if self.is_unknown() {
            return Verdict::Unlike(format!(
                "{} keys in memory, and nothing was ever noted of them",
                self.info.keys
            ));
        }
        let found = Found {
            before: &self.data.files,
            noted_tail: self.data.noted_tail,
            after: self.info.files.as_ref(),
            keys: self.info.keys,
        };
        let (latest, settled) = (self.stored.latest.as_deref(), self.stored.noted.as_ref());
        let latest_tail = self.data.latest_tail;
        Verdict::new(latest, settled, &found, latest_tail, self.settings.mutant)
    }

    fn is_unknown(&self) -> bool {
        let noted = self.stored.newest_note().is_some() || self.stored.position.is_some();
        let files = !self.data.blank && !self.data.unfinished && !self.data.files.is_empty();
        let there = files && self.info.keys > 0;
        let trusted = self.settings.mutant == Mutant::TrustUnnotedData;
        self.stored.member && there && !noted && !trusted
    }

    /// The data reach as far as the settled note says, if that is of the same files. Otherwise they may be anybody's: false.
    fn shorten(&mut self) -> bool {
        let settled = self.stored.noted.as_ref();
        let settled = settled.filter(|note| note.recognizes(&self.data.files));
        self.doubts.shorter = settled.is_some();
        self.doubts.reaches = settled.and_then(|note| note.position);
        self.doubts.shorter
    }

    /// These data are kept when a copy takes their place, for this reason.
    fn want_aside(&mut self, why: &str) {
        let kept = !self.data.blank && !self.data.keyless;
        if kept && !self.data.files.is_empty() {
            self.doubts.aside = Aside::Until(0);
            self.doubts.kept_for = why.to_owned();
        }
    }

    /// Why memory does not hold what it held: a copy of the primary takes the place of the data, or has and was not completed.
    fn is_lost_to_a_copy(&mut self, before: &ServerInfo) -> bool {
        let said = std::mem::take(&mut self.doubts.copy_failed);
        let info = &self.info;
        let trusted = self.settings.mutant == Mutant::BelieveARememberedPosition;
        if info.is_master || info.link_up || trusted {
            return false;
        }
        if info.loading {
            self.doubts.replacing = self.standing.is_following();
            return self.doubts.replacing;
        }
        let failed = std::mem::take(&mut self.doubts.replacing) && !self.doubts.copied;
        failed || info.log_off || self.lost_between_looks(before, said)
    }

    /// redis-server forgets where it was when a full copy begins, and says 1; a copy that was completed tells it anew.
    fn notice_copied(&mut self) {
        let info = &self.info;
        let ended = self.doubts.replacing && !info.loading && !info.link_up;
        self.doubts.copied = ended && info.offset > 1;
    }

    /// Whether a copy was completed, and the link has ended already.
    pub(super) fn has_copied(&self) -> bool {
        self.doubts.copied
    }

    /// Whether this look shows the data in step with the primary that is followed.
    pub(super) fn is_in_step(&self) -> bool {
        let info = &self.info;
        let linked = info.link_up && !info.syncing && !info.loading;
        self.standing.is_following() && (linked || self.has_copied())
    }

    /// A replica without a link loses no key by itself, and what takes keys in the stream also takes room in it. So where there
    /// are fewer a copy has begun and failed since the look before; also after more of the stream, if redis-server has `said` so.
    fn lost_between_looks(&self, before: &ServerInfo, said: bool) -> bool {
        let info = &self.info;
        let fewer = info.keys < before.keys && !before.loading;
        let streamed = info.replid != before.replid || info.keys_at > before.keys_at;
        info.incarnation == before.incarnation && fewer && (!streamed || said)
    }

    /// redis-server says that a copy failed: the next look may show what it has cost.
    pub(super) fn expect_loss(&mut self) {
        self.doubts.copy_failed = true;
    }

    fn fail_copy(&mut self, before: u64, out: &mut Vec<AgentOutput>) {
        self.caught_up = false;
        self.history = None;
        self.urgent = true;
        self.doubts.settling = None;
        if self.info.loading {
            // It may yet be completed: nothing is said, and nothing done.
            return;
        }
        let noted = self.stored.newest_note().map_or(before, |noted| noted.keys);
        let why = format!(
            "a copy of the primary failed after redis-server had emptied its memory: {} keys in memory, {noted} noted",
            self.info.keys
        );
        self.doubts.emptied = Some(why.clone());
        self.copies.begin();
        out.push(AgentOutput::Decide(Decision::DataEmptied(why)));
    }

    /// Whether redis-server is to be ended, so that it reads what its files hold.
    pub(super) fn must_read_again(&self) -> bool {
        let emptied = self.doubts.emptied.is_some() && self.doubt().is_some();
        emptied && !self.info.loading && !self.data.blank
    }

    /// Whether a primary may be followed: data that are not what was noted are set aside before a copy takes their place.
    pub(super) fn may_follow(&self) -> bool {
        !matches!(self.doubts.aside, Aside::Until(_))
    }

    /// Has data set aside that are not what was noted, as long as that has not been done.
    pub(super) fn keep_aside(&mut self, now: Millis, out: &mut Vec<AgentOutput>) {
        let due = matches!(self.doubts.aside, Aside::Until(at) if now >= at);
        if due {
            self.doubts.aside = Aside::Until(now + ASIDE_AGAIN);
            out.push(AgentOutput::SetAside(self.doubts.kept_for.clone()));
        }
    }

    pub(super) fn on_set_aside(
        &mut self,
        now: Millis,
        result: Result<String, String>,
        out: &mut Vec<AgentOutput>,
    ) {
        match result {
            Ok(place) => {
                self.doubts.aside = Aside::Done;
                out.push(AgentOutput::Decide(Decision::DataKept(place)));
            }
            Err(why) => {
                self.doubts.aside = Aside::Until(now + ASIDE_AGAIN);
                self.reason = format!("it follows nobody before its data are set aside: {why}");
            }
        }
        self.urgent = true;
    }

    /// Gathers what can be noted: files that hold all that this look tells of, once nothing can take them any more.
    pub(super) fn settle(&mut self, now: Millis) {
        let info = &self.info;
        if info.loading || info.syncing || info.log_off {
            self.doubts.forget_files();
        }
        let whole = !info.loading && !info.log_off && self.is_notable();
        let Some(files) = info.files.as_ref().filter(|_| whole) else {
            return;
        };
        let Some(noted) = self.noted(files) else {
            return;
        };
        let settles_in = info.settles_in;
        self.doubts.latest = Some(noted.clone());
        let ripe = |since: Millis| settles_in.is_some_and(|within| now >= since + within);
        let settling = self.doubts.settling.take();
        self.doubts.settling = match settling {
            Some((since, noted)) if !ripe(since) => Some((since, noted)),
            former => {
                self.doubts.settled = former
                    .map(|(_, noted)| noted)
                    .or(self.doubts.settled.take());
                settles_in.map(|_| (now, noted))
            }
        };
    }

    /// What can be noted of these files; nothing while they are older than memory, or it is not known how far that reaches.
    fn noted(&self, files: &Files) -> Option<Noted> {
        let position = self.position().filter(|_| !files.unfinished)?;
        Some(Noted {
            keys: self.info.keys,
            replid: self.info.replid.clone(),
            files: files.ends(),
            position: Some(position),
            rested: false,
        })
    }

    /// From here the data are those of this reign, also where redis-server ends before its files are looked at again. The files
    /// that were seen last have all but what it got within a second.
    pub(super) fn note_reign(&mut self) {
        let seen = self.doubts.latest().unwrap_or_else(|| Noted {
            keys: self.info.keys,
            replid: self.info.replid.clone(),
            ..Noted::default()
        });
        self.doubts.latest = Some(Noted {
            position: self.position(),
            ..seen
        });
        self.next_note = 0;
    }

    /// An end in order leaves nothing that a loss of power could take. The files are noted as they are, so that even the
    /// last of what is cut off while nothing runs is missed.
    pub(super) fn on_rested(&mut self, files: &Files, out: &mut Vec<AgentOutput>) {
        if !self.stored.member || !self.is_notable() {
            return;
        }
        let Some(noted) = self.noted(files) else {
            return;
        };
        let noted = Noted {
            rested: true,
            ..noted
        };
        self.stored.position = noted.position;
        self.stored.latest = Some(Box::new(noted.clone()));
        self.stored.noted = Some(noted);
        self.storing = true;
        out.push(AgentOutput::Store {
            stored: self.stored.clone(),
            durable: true,
        });
    }

    /// redis-server must not be started on the files that are there.
    pub(super) fn on_refused(&mut self, now: Millis, why: String, out: &mut Vec<AgentOutput>) {
        self.running = None;
        self.server = ServerState::Down;
        self.standing = Standing::Fresh;
        self.caught_up = false;
        self.next_try = now + LOOK_AGAIN;
        if self.doubts.refused.as_ref() != Some(&why) {
            self.urgent = true;
            out.push(AgentOutput::Decide(Decision::ServerRefused(why.clone())));
        }
        self.reason.clone_from(&why);
        self.doubts.refused = Some(why);
    }
}

#[cfg(test)]
mod tests;
