//! Where the next login of a port begins, by how the logins before ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::resume::Apart;
use super::tape::Tape;
use crate::soupbin::join::End;
use crate::soupbin::packet::{Reject, SessionId};

/// Lines that stand behind what is kept are waited for no longer than that, and so is a word of those that
/// have said nothing where another says that there is no such session: what was lost for good would keep a
/// port from what there is. It is longer than a server that refuses a login is let alone.
const BEHIND_MAX: Duration = Duration::from_secs(45);

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
    /// Nobody accepted it. What lines said of the session.
    Refused(End, Said),
    /// The session that was over is still shown by its line.
    StillOver,
    /// The past of this session is too long.
    TooLong(SessionId),
    /// The newest message is another session's than the one whose past is too long.
    Another,
    /// The line does not go on with what is kept. Whether there is no other that could.
    Apart(Apart, bool),
    /// The line stands behind what is kept.
    Behind,
    /// No line goes on with what this holds.
    Lost(Arc<Tape>, End),
}

/// What lines said of a session that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Nothing.
    Nothing,
    /// One says that there is no such session, and others say nothing.
    GoneByOne,
    /// All that there are say so.
    Gone,
}

/// Why it is in doubt whether a line will go on with what is kept.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    since: Instant,
    /// When a line last gave cause.
    last: Instant,
    why: Apart,
}

/// What is remembered from login to login.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// What is held of a session that no line carries now.
    kept: Option<Arc<Tape>>,
    /// Since when, and why, it is in doubt whether any line will.
    doubt: Option<Doubt>,
    /// The session whose past is not asked for: it is too long, or not to be had.
    newest_of: Option<SessionId>,
    /// Message 1 was refused: the newest is asked for, once.
    is_newest_tried: bool,
    /// When that was done last, or a session ended, which has no message at all.
    newest_tried: Option<Instant>,
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
        (self.kept, self.doubt, self.is_over) = (None, None, false);
    }

    /// A login that began there ended so at `now`; a consumer is without a line for `max_outage` at most.
    pub(super) fn ended(
        &mut self,
        begin: &Begin,
        ended: &Ended,
        (now, max_outage): (Instant, Duration),
    ) -> Next {
        match ended {
            Ended::Refused(End::BeyondEnd { .. }, _) | Ended::Behind => {
                self.doubted(|next| Apart::Behind { next }, (now, BEHIND_MAX))
            }
            Ended::Refused(_, Said::Gone) => self.refused(begin, now),
            Ended::Refused(_, Said::GoneByOne) => match begin {
                Begin::Kept(_) => self.doubted(|_| Apart::Gone, (now, BEHIND_MAX)),
                Begin::First | Begin::Newest => self.refused(begin, now),
            },
            Ended::Refused(_, Said::Nothing) => self.unanswered((now, max_outage)),
            Ended::StillOver => WAIT,
            Ended::TooLong(session) => {
                self.newest_of = Some(*session);
                self.drop_kept(|next| Apart::TooLong { next }, false)
            }
            Ended::Another => {
                self.newest_of = None;
                self.drop_kept(|_| Apart::Gone, false)
            }
            Ended::Apart(apart, true) => self.drop_kept(|_| *apart, false),
            Ended::Apart(apart, false) => match self.doubted(|_| *apart, (now, max_outage)) {
                WAIT => AT_ONCE,
                dropped => dropped,
            },
            Ended::Lost(tape, end) => self.lost(tape, end, now),
        }
    }

    /// It is in doubt whether a line will go on with what is kept, which is waited for so long.
    fn doubted(
        &mut self,
        why: impl FnOnce(u64) -> Apart,
        (now, patience): (Instant, Duration),
    ) -> Next {
        let Some(tape) = &self.kept else { return WAIT };
        let why = why(tape.held().next);
        let since = self.doubt.map_or(now, |it| it.since);
        let last = now;
        self.doubt = Some(Doubt { since, last, why });
        match now >= since + patience {
            true => self.drop_kept(|_| why, true),
            false => WAIT,
        }
    }

    /// Nobody said anything. Where a line was found not to go on, others have had their time.
    fn unanswered(&mut self, (now, patience): (Instant, Duration)) -> Next {
        match self.doubt {
            Some(Doubt { why, .. }) if why.is_of_a_line() => self.doubted(|_| why, (now, patience)),
            // It may be the one that gave cause, and rests.
            doubt => {
                self.doubt = doubt.filter(|it| now < it.last + BEHIND_MAX);
                WAIT
            }
        }
    }

    /// Lines said that there is no such session, or not from there on.
    fn refused(&mut self, begin: &Begin, now: Instant) -> Next {
        match begin {
            Begin::Kept(_) => self.drop_kept(|_| Apart::Gone, false),
            // It may have no message as old as the first.
            Begin::First if !self.has_just_tried(now) => {
                self.is_newest_tried = true;
                self.newest_tried = Some(now).filter(|_| self.is_over);
                AT_ONCE
            }
            Begin::First => WAIT,
            Begin::Newest => {
                self.newest_of = None;
                WAIT
            }
        }
    }

    /// Where a session is over, and another one is waited for, the newest is rarely asked for.
    fn has_just_tried(&self, now: Instant) -> bool {
        let is_recent = |tried: Instant| now < tried + BEHIND_MAX;
        self.is_over && self.newest_tried.is_some_and(is_recent)
    }

    fn lost(&mut self, tape: &Arc<Tape>, end: &End, now: Instant) -> Next {
        let is_any = tape.status().messages > 0;
        self.kept = is_any.then(|| Arc::clone(tape));
        match end {
            End::EndOfSession => {
                (self.kept, self.is_over) = (None, true);
                (self.over, self.newest_tried) = (Some(tape.session()), Some(now));
                WAIT
            }
            // What was lost before the port had begun with it is nobody's loss.
            End::SessionGone => self.drop_kept(|_| Apart::Gone, true),
            _ => WAIT,
        }
    }

    fn drop_kept(&mut self, why: impl FnOnce(u64) -> Apart, waits: bool) -> Next {
        self.doubt = None;
        let dropped = self.kept.take();
        let dropped = dropped.map(|tape| (tape.session(), why(tape.held().next)));
        Next { dropped, waits }
    }
}

impl Ended {
    /// Whether no line accepted the login because all said that there is no such session.
    pub(super) fn refused(end: End, said: Said) -> Self {
        let is_everywhere = end == End::Rejected(Reject::SessionUnavailable);
        let said = match said {
            Said::Gone if !is_everywhere => Said::GoneByOne,
            said => said,
        };
        Self::Refused(end, said)
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
    const OUTAGE: Duration = Duration::from_secs(5);

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
        assert_eq!(memory.ended(&Begin::First, &lost, (now, OUTAGE)), WAIT);
        memory
    }

    fn unavailable() -> Ended {
        Ended::refused(End::Rejected(Reject::SessionUnavailable), Said::Gone)
    }

    /// How the next login ends: where it began, and what comes of it.
    fn next(memory: &mut Memory, ended: &Ended, now: Instant) -> (&'static str, Next) {
        let begin = memory.begin();
        let name = match &begin {
            Begin::First => "first",
            Begin::Newest => "newest",
            Begin::Kept(_) => "kept",
        };
        (name, memory.ended(&begin, ended, (now, OUTAGE)))
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
        let nobody = Ended::refused(End::NoLine, Said::Nothing);
        let wrong = Ended::refused(End::Rejected(Reject::SessionUnavailable), Said::Nothing);
        for ended in [nobody, wrong] {
            assert_eq!(next(&mut memory, &ended, now), ("kept", WAIT));
        }
        let gone = dropped(Apart::Gone, false);
        assert_eq!(next(&mut memory, &unavailable(), now), ("kept", gone));
        assert!(matches!(memory.begin(), Begin::First));
    }

    #[test]
    fn one_that_says_it_is_gone_is_believed_where_the_others_say_nothing_for_long() {
        let now = Instant::now();
        let mut memory = memory(now);
        let one = Ended::refused(End::NoLine, Said::Gone);
        let last = now + BEHIND_MAX - Duration::from_secs(1);
        for at in [now, last] {
            assert_eq!(next(&mut memory, &one, at), ("kept", WAIT));
        }
        let gone = dropped(Apart::Gone, true);
        assert_eq!(next(&mut memory, &one, now + BEHIND_MAX), ("kept", gone));
        // Of no session it is a reason to ask for the newest message.
        assert_eq!(next(&mut memory, &one, now), ("first", AT_ONCE));
        assert_eq!(next(&mut memory, &one, now), ("newest", WAIT));
    }

    #[test]
    fn one_that_stands_behind_is_no_less_so_while_it_rests() {
        let now = Instant::now();
        let (half, end) = (now + BEHIND_MAX / 2, now + BEHIND_MAX);
        let mut memory = memory(now);
        let nobody = Ended::refused(End::NoLine, Said::Nothing);
        assert_eq!(next(&mut memory, &Ended::Behind, now), ("kept", WAIT));
        assert_eq!(next(&mut memory, &nobody, half), ("kept", WAIT));
        let behind = dropped(Apart::Behind { next: 8 }, true);
        assert_eq!(next(&mut memory, &Ended::Behind, end), ("kept", behind));
    }

    #[test]
    fn where_a_line_does_not_go_on_others_have_as_long_as_an_outage() {
        let differs = Apart::Differs { sequence: 7 };
        let nobody = Ended::refused(End::NoLine, Said::Nothing);
        let now = Instant::now();
        let mut memory = memory(now);
        let ended = next(&mut memory, &Ended::Apart(differs, false), now);
        assert_eq!(ended, ("kept", AT_ONCE));
        assert_eq!(next(&mut memory, &nobody, now), ("kept", WAIT));
        let ended = next(&mut memory, &nobody, now + OUTAGE);
        assert_eq!(ended, ("kept", dropped(differs, true)));

        let mut memory = self::memory(now);
        let ended = next(&mut memory, &Ended::Apart(differs, true), now);
        assert_eq!(
            ended,
            ("kept", dropped(differs, false)),
            "there is no other"
        );
    }

    #[test]
    fn lines_that_stand_behind_are_waited_for_and_not_for_ever() {
        let now = Instant::now();
        let mut memory = memory(now);
        let end = End::BeyondEnd {
            requested: 8,
            next: 3,
        };
        let behind = [Ended::refused(end, Said::Nothing), Ended::Behind];
        for ended in &behind {
            assert_eq!(next(&mut memory, ended, now), ("kept", WAIT));
        }
        let nobody = Ended::refused(End::NoLine, Said::Nothing);
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
        memory.ended(&Begin::Newest, &over, (now, OUTAGE));
        assert_eq!(next(&mut memory, &unavailable(), now), ("newest", WAIT));
        assert_eq!(next(&mut memory, &unavailable(), now), ("first", WAIT));
        // The next one may have lost its first message, too.
        let later = now + BEHIND_MAX;
        assert_eq!(next(&mut memory, &unavailable(), later), ("first", AT_ONCE));
        assert_eq!(next(&mut memory, &unavailable(), later), ("newest", WAIT));
        assert_eq!(next(&mut memory, &unavailable(), later), ("first", WAIT));
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
