//! A consumer and its lines, at one moment.

use std::time::{Duration, Instant};

use super::action::{LineId, TargetId};
use super::event::LineFault;
use super::line::{Line, Stage};
use super::{Join, Phase};
use crate::soupbin::packet::SessionId;

/// A consumer and its lines, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinStatus {
    /// The session, once a line has named it; blank before.
    pub session: SessionId,
    /// The number of the consumer's next message; none before its login was accepted.
    pub next: Option<u64>,
    /// Whether the joined line has repeated enough messages to be trusted.
    pub is_verified: bool,
    /// For how long no line has been joined, while the consumer is kept.
    pub outage: Option<Duration>,
    /// Every line.
    pub lines: Vec<LineStatus>,
    /// The targets whose last line failed, and why.
    pub faults: Vec<(TargetId, LineFault)>,
    /// The targets that are out because they carry another message under this number.
    pub diverged: Vec<(TargetId, u64)>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineStatus {
    /// Where it leads, once that was chosen.
    pub target: Option<TargetId>,
    /// How far it has come.
    pub stage: Stage,
    /// The number of the message that comes next on it, once its login was accepted.
    pub next: Option<u64>,
    /// Whether it has repeated enough messages to be trusted.
    pub is_verified: bool,
    /// For how long it has been silent.
    pub silent_for: Duration,
}

impl Join {
    /// The number of the consumer's next message; none before its login was accepted.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        match &self.phase {
            Phase::In(place) => Some(place.next),
            Phase::Waiting | Phase::LoggingIn(_) | Phase::Over => None,
        }
    }

    /// The number of the message that comes next on a line; none before its login was accepted, and
    /// none if there is no such line.
    #[must_use]
    pub fn next_on(&self, line: LineId) -> Option<u64> {
        let line = self.lines.iter().find(|it| it.id == line);
        line.and_then(Line::next)
    }

    /// The consumer and its lines at `now`.
    #[must_use]
    pub fn status(&self, now: Instant) -> JoinStatus {
        let (session, next, is_verified, outage) = match &self.phase {
            Phase::Waiting | Phase::Over => (SessionId::BLANK, None, false, None),
            Phase::LoggingIn(login) => (login.session, None, false, None),
            Phase::In(place) => {
                let since = place.outage.as_ref().map(|it| it.since);
                let outage = since.map(|since| now.saturating_duration_since(since));
                (place.session, Some(place.next), place.is_verified, outage)
            }
        };
        let faults = self.targets.iter();
        let faults = faults.filter_map(|it| Some((it.id, it.fault.clone()?)));
        let diverged = self.targets.iter();
        let diverged = diverged.filter_map(|it| Some((it.id, it.diverged?)));
        JoinStatus {
            session,
            next,
            is_verified,
            outage,
            lines: self.lines.iter().map(|line| line.status(now)).collect(),
            faults: faults.collect(),
            diverged: diverged.collect(),
        }
    }
}

impl Line {
    fn status(&self, now: Instant) -> LineStatus {
        LineStatus {
            target: self.target,
            stage: self.stage,
            next: self.next(),
            is_verified: self.is_verified,
            silent_for: now.saturating_duration_since(self.heard),
        }
    }
}
