//! Where the next login of a port begins, by how the logins before ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::resume::Apart;
use super::tape::Tape;
use crate::soupbin::join::End;
use crate::soupbin::packet::{Reject, SessionId};

/// Lines that stand behind what is kept are waited for no longer than that: what was lost for good would
/// keep a port from its session for as long as it takes to come there again.
const BEHIND_MAX: Duration = Duration::from_secs(30);

/// Where a login begins.
#[derive(Clone, Debug)]
pub(super) enum Begin {
    /// At the first message of whichever session there is.
    First,
    /// At its newest message.
    Newest,
    /// With the last messages of this session, which is to go on.
    Kept(Arc<Tape>),
}

/// How a login ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// Nobody accepted it. Whether lines said that there is no such session, and none otherwise.
    Refused(End, bool),
    /// The session that was over is still shown by its line.
    StillOver,
    /// The past of this session is too long.
    TooLong(SessionId),
    /// The newest message is another session's than the one whose past is too long.
    Another,
    /// The line does not go on with what is kept.
    Apart(Apart),
    /// The line stands behind what is kept.
    Behind,
    /// No line goes on with what this holds.
    Lost(Arc<Tape>, End),
}

/// What is remembered from login to login.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// What is held of a session that no line carries now.
    kept: Option<Arc<Tape>>,
    /// Since when lines have stood behind that.
    behind_since: Option<Instant>,
    /// The session whose past is not asked for: it is too long, or not to be had.
    newest_of: Option<SessionId>,
    /// Message 1 was refused: the newest is asked for, once.
    is_newest_tried: bool,
    /// The session that has ended, which nobody can enter again.
    pub(super) over: Option<SessionId>,
    /// It has, and there was no other since.
    pub(super) is_over: bool,
}

/// What is to be done before the next login.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Next {
    /// What is kept is no longer, and this is why.
    pub(super) dropped: Option<(SessionId, Apart)>,
    /// Whether to wait for a while.
    pub(super) waits: bool,
}

impl Memory {
    /// Where the next login begins.
    pub(super) fn begin(&mut self) -> Begin {
        let is_newest = std::mem::take(&mut self.is_newest_tried) || self.newest_of.is_some();
        match &self.kept {
            Some(tape) => Begin::Kept(Arc::clone(tape)),
            None if is_newest => Begin::Newest,
            None => Begin::First,
        }
    }

    /// Whether the newest message of this session is where a login was to begin.
    pub(super) fn wants_newest_of(&self, session: SessionId) -> bool {
        self.newest_of.is_none_or(|it| it == session)
    }

    /// There is this session, and it goes on; whether its past was left out.
    pub(super) fn begun(&mut self, session: SessionId, is_newest: bool) {
        self.newest_of = match is_newest {
            true => Some(session),
            false => self.newest_of.filter(|it| *it == session),
        };
        (self.kept, self.behind_since, self.is_over) = (None, None, false);
    }

    /// A login that began there ended so at `now`.
    pub(super) fn ended(&mut self, begin: &Begin, ended: &Ended, now: Instant) -> Next {
        let is_behind = matches!(
            ended,
            Ended::Behind | Ended::Refused(End::BeyondEnd { .. }, _)
        );
        let since = *self.behind_since.get_or_insert(now);
        self.behind_since = Some(since).filter(|_| is_behind);
        match ended {
            Ended::Refused(_, true) => self.refused(begin),
            Ended::TooLong(session) => {
                self.newest_of = Some(*session);
                self.drop_kept(|next| Apart::TooLong { next }, false)
            }
            Ended::Another => {
                self.newest_of = None;
                self.drop_kept(|_| Apart::Gone, false)
            }
            Ended::Apart(apart) => self.drop_kept(|_| *apart, false),
            _ if is_behind && now >= since + BEHIND_MAX => {
                self.drop_kept(|next| Apart::Behind { next }, true)
            }
            Ended::Lost(tape, end) => self.lost(tape, end),
            Ended::Refused(_, false) | Ended::Behind | Ended::StillOver => WAIT,
        }
    }

    /// Every line said that there is no such session, or not from there on.
    fn refused(&mut self, begin: &Begin) -> Next {
        match begin {
            Begin::Kept(_) => self.drop_kept(|_| Apart::Gone, false),
            // It may have no message as old as the first. One that is over has none at all.
            Begin::First if !self.is_over => {
                self.is_newest_tried = true;
                AT_ONCE
            }
            Begin::First => WAIT,
            Begin::Newest => {
                self.newest_of = None;
                WAIT
            }
        }
    }

    fn lost(&mut self, tape: &Arc<Tape>, end: &End) -> Next {
        let is_any = tape.status().messages > 0;
        self.kept = is_any.then(|| Arc::clone(tape));
        match end {
            End::EndOfSession => {
                (self.kept, self.is_over) = (None, true);
                self.over = Some(tape.session());
                WAIT
            }
            // What was lost before the port had begun with it is nobody's loss.
            End::SessionGone => self.drop_kept(|_| Apart::Gone, true),
            _ => WAIT,
        }
    }

    fn drop_kept(&mut self, why: impl FnOnce(u64) -> Apart, waits: bool) -> Next {
        self.behind_since = None;
        let dropped = self.kept.take();
        let dropped = dropped.map(|tape| (tape.session(), why(tape.held().next)));
        Next { dropped, waits }
    }
}

impl Ended {
    /// Whether no line accepted the login because all said that there is no such session.
    pub(super) fn refused(end: End, is_said: bool) -> Self {
        let is_everywhere = end == End::Rejected(Reject::SessionUnavailable);
        Self::Refused(end, is_everywhere && is_said)
    }
}

const WAIT: Next = Next {
    dropped: None,
    waits: true,
};

const AT_ONCE: Next = Next {
    dropped: None,
    waits: false,
};

#[cfg(test)]
mod tests {
    use super::super::history::HistoryLimits;
    use super::*;
    use crate::soupbin::packet::Packet;

    const SESSION: &str = "FEED000001";

    /// Holds one message of a session.
    fn tape() -> Arc<Tape> {
        let tape = Tape::new(SESSION.parse().unwrap(), 7, HistoryLimits::default());
        let mut frame = Vec::new();
        Packet::Sequenced(b"seven").encode(&mut frame).unwrap();
        tape.write(&frame);
        Arc::new(tape)
    }

    /// A memory of a login that was lost at message 8.
    fn memory(now: Instant) -> Memory {
        let mut memory = Memory::default();
        let lost = Ended::Lost(tape(), End::Outage { next: 8 });
        assert_eq!(memory.ended(&Begin::First, &lost, now), WAIT);
        memory
    }

    fn unavailable() -> Ended {
        Ended::refused(End::Rejected(Reject::SessionUnavailable), true)
    }

    /// How the next login ends: where it began, and what comes of it.
    fn next(memory: &mut Memory, ended: &Ended, now: Instant) -> (&'static str, Next) {
        let begin = memory.begin();
        let name = match &begin {
            Begin::First => "first",
            Begin::Newest => "newest",
            Begin::Kept(_) => "kept",
        };
        (name, memory.ended(&begin, ended, now))
    }

    fn dropped(why: Apart, waits: bool) -> Next {
        Next {
            dropped: Some((SESSION.parse().unwrap(), why)),
            waits,
        }
    }

    #[test]
    fn a_session_is_kept_until_it_is_known_to_be_gone() {
        let now = Instant::now();
        let mut memory = memory(now);
        let nobody = Ended::refused(End::NoLine, false);
        let wrong = Ended::refused(End::Rejected(Reject::SessionUnavailable), false);
        for ended in [nobody, wrong] {
            assert_eq!(next(&mut memory, &ended, now), ("kept", WAIT));
        }
        let gone = dropped(Apart::Gone, false);
        assert_eq!(next(&mut memory, &unavailable(), now), ("kept", gone));
        assert!(matches!(memory.begin(), Begin::First));
    }

    #[test]
    fn lines_that_stand_behind_are_waited_for_and_not_for_ever() {
        let now = Instant::now();
        let mut memory = memory(now);
        let end = End::BeyondEnd {
            requested: 8,
            next: 3,
        };
        let behind = [Ended::refused(end, false), Ended::Behind];
        for ended in &behind {
            assert_eq!(next(&mut memory, ended, now), ("kept", WAIT));
        }
        let nobody = Ended::refused(End::NoLine, false);
        let later = now + BEHIND_MAX;
        assert_eq!(next(&mut memory, &nobody, later), ("kept", WAIT));
        assert_eq!(next(&mut memory, &behind[0], later), ("kept", WAIT));
        let done = dropped(Apart::Behind { next: 8 }, true);
        let ended = next(&mut memory, &behind[1], later + BEHIND_MAX);
        assert_eq!(ended, ("kept", done));
    }

    #[test]
    fn the_newest_is_tried_once_where_message_1_is_refused() {
        let (mut memory, now) = (Memory::default(), Instant::now());
        for _ in 0..2 {
            assert_eq!(next(&mut memory, &unavailable(), now), ("first", AT_ONCE));
            assert_eq!(next(&mut memory, &unavailable(), now), ("newest", WAIT));
        }
        assert_eq!(next(&mut memory, &unavailable(), now), ("first", AT_ONCE));
        assert!(matches!(memory.begin(), Begin::Newest));
        memory.begun(SESSION.parse().unwrap(), true);
        assert!(matches!(memory.begin(), Begin::Newest));
        // A session that is over has no message at all.
        let over = Ended::Lost(tape(), End::EndOfSession);
        memory.ended(&Begin::Newest, &over, now);
        assert_eq!(next(&mut memory, &unavailable(), now), ("newest", WAIT));
        assert_eq!(next(&mut memory, &unavailable(), now), ("first", WAIT));
    }

    #[test]
    fn a_past_that_is_too_long_is_left_for_as_long_as_its_session_lasts() {
        let now = Instant::now();
        let mut memory = memory(now);
        let session = SESSION.parse().unwrap();
        let why = dropped(Apart::TooLong { next: 8 }, false);
        let ended = next(&mut memory, &Ended::TooLong(session), now);
        assert_eq!(ended, ("kept", why));
        assert!(matches!(memory.begin(), Begin::Newest));
        memory.begun(session, true);
        let empty = Tape::new(session, 9, HistoryLimits::default());
        let lost = Ended::Lost(Arc::new(empty), End::Outage { next: 9 });
        assert_eq!(next(&mut memory, &lost, now), ("newest", WAIT));
        assert!(memory.wants_newest_of(session) && !memory.wants_newest_of(SessionId::BLANK));
        assert_eq!(next(&mut memory, &Ended::Another, now), ("newest", AT_ONCE));
        assert!(matches!(memory.begin(), Begin::First));
    }
}
