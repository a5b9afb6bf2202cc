//! One line, from being dialled to its end.

use std::time::{Duration, Instant};

use super::action::{LineId, TargetId};
use super::event::Took;
use super::options::LineOptions;
use crate::soupbin::session::ClientSession;

/// How far a line has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It is being connected.
    Dialling,
    /// Its login is not answered yet.
    Asked,
    /// It lacks what the consumer waits for; it is kept in case that no other line does better, and
    /// is not read.
    Held,
    /// It is not yet where the consumer is: what it repeats is compared.
    Behind,
    /// It stands by: of what it brings the consumer gets what no other line brought before, and the
    /// rest is compared.
    Standby,
    /// The consumer gets its messages from it, and its own go there.
    Joined,
}

impl Stage {
    /// The stage in one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dialling => "dialling",
            Self::Asked => "asked",
            Self::Held => "held",
            Self::Behind => "behind",
            Self::Standby => "standby",
            Self::Joined => "joined",
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) id: LineId,
    pub(super) stage: Stage,
    /// Where it leads, once that was chosen.
    pub(super) target: Option<TargetId>,
    /// Where it was not to lead.
    pub(super) but: Vec<TargetId>,
    pub(super) options: LineOptions,
    /// Once it is connected.
    pub(super) session: Option<ClientSession>,
    /// Messages that it repeated and that were equal.
    pub(super) compared: u64,
    /// Messages that it repeated and that nobody could compare any more.
    pub(super) discarded: u64,
    /// Messages that the consumer got from it.
    pub(super) emitted: u64,
    /// What it was asked for.
    pub(super) asked: u64,
    /// What it was accepted at.
    pub(super) first: u64,
    /// Whether it was accepted where nothing that the consumer has can be compared.
    pub(super) is_blind: bool,
    /// Where its next message lies in what the consumer got; none before that was looked for.
    pub(super) place: Option<u64>,
    /// Whether it repeated as much as there was, so that what it brings first is believed.
    pub(super) is_proven: bool,
    /// Whether it repeated enough messages of another line to be trusted, or that one of its.
    pub(super) is_verified: bool,
    /// Whether it was dialled because it is preferred.
    pub(super) is_preferred: bool,
    /// Whether it has the consumer's next message, and had to keep it.
    pub(super) is_holding: bool,
    /// The number that it stood at when it was joined, or began to stand by.
    pub(super) since: u64,
    /// Whether it was sent what the consumer subscribed to.
    pub(super) is_subscribed: bool,
    /// Whether it was said that it has become quiet.
    pub(super) is_quiet: bool,
    pub(super) dialled: Instant,
    pub(super) connected: Instant,
    pub(super) accepted: Instant,
    pub(super) joined: Instant,
    pub(super) heard: Instant,
}

impl Line {
    pub(super) fn new(id: LineId, but: Vec<TargetId>, now: Instant) -> Self {
        Self {
            id,
            stage: Stage::Dialling,
            target: None,
            but,
            options: LineOptions::default(),
            session: None,
            compared: 0,
            discarded: 0,
            emitted: 0,
            asked: 0,
            first: 0,
            is_blind: false,
            place: None,
            is_proven: false,
            is_verified: false,
            is_preferred: false,
            is_holding: false,
            since: 0,
            is_subscribed: false,
            is_quiet: false,
            dialled: now,
            connected: now,
            accepted: now,
            joined: now,
            heard: now,
        }
    }

    /// Whether it may yet be joined without anybody's help.
    pub(super) fn is_candidate(&self) -> bool {
        matches!(self.stage, Stage::Dialling | Stage::Asked | Stage::Behind)
    }

    /// Whether it is being decided where it leads.
    pub(super) fn is_chosen_now(&self) -> bool {
        self.stage == Stage::Dialling && self.target.is_none()
    }

    /// Whether a login was accepted on it.
    pub(super) fn is_in(&self) -> bool {
        matches!(
            self.stage,
            Stage::Held | Stage::Behind | Stage::Standby | Stage::Joined
        )
    }

    /// Whether the consumer may get messages from it.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.stage, Stage::Standby | Stage::Joined)
    }

    /// The number of the message that comes next on it.
    pub(super) fn next(&self) -> Option<u64> {
        self.session.as_ref()?.next()
    }

    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.is_quiet = false;
        if let Some(session) = &mut self.session {
            session.heard(now);
        }
    }

    /// The consumer gets its messages from here on, from this one.
    pub(super) fn join(&mut self, next: u64, now: Instant) {
        self.stage = Stage::Joined;
        self.joined = now;
        self.since = next;
        self.heard(now);
    }

    /// It is beside the joined line from here on.
    pub(super) fn stand_by(&mut self, now: Instant) {
        self.stage = Stage::Standby;
        self.joined = now;
        self.since = self.next().unwrap_or_default();
        self.heard(now);
    }

    /// Nothing that it repeated says anything any more.
    pub(super) fn forget(&mut self, now: Instant) {
        self.stage = Stage::Behind;
        self.accepted = now;
        self.discarded += std::mem::take(&mut self.compared);
        self.is_blind = true;
        (self.is_proven, self.is_verified) = (false, false);
    }

    /// For how long it has been joined, or has stood by.
    pub(super) fn lived(&self, now: Instant) -> Duration {
        match self.is_live() {
            true => now.saturating_duration_since(self.joined),
            false => Duration::ZERO,
        }
    }

    /// The number of the message that would come next, after the end of its session, too.
    pub(super) fn stood_at(&self) -> u64 {
        self.first + self.compared + self.discarded + self.emitted
    }

    /// When its login must have been answered, whatever else it sends before.
    pub(super) fn answers_by(&self) -> Instant {
        self.connected + self.options.silence
    }

    /// When it has been silent for so long that it is said.
    pub(super) fn quiet_at(&self) -> Option<Instant> {
        let is_watched = self.is_live() && !self.is_quiet;
        is_watched.then(|| self.heard + self.options.silence / 2)
    }

    /// Where the time went since `began`, which was after `detect` of silence, until `now`.
    pub(super) fn took(&self, began: Instant, detect: Duration, now: Instant) -> Took {
        let from = |later: Instant, earlier: Instant| later.saturating_duration_since(earlier);
        let connected = self.connected.max(began);
        let accepted = self.accepted.max(connected);
        Took {
            detect,
            connect: from(connected, began),
            login: from(accepted, connected),
            catch_up: from(now, accepted),
        }
    }
}
