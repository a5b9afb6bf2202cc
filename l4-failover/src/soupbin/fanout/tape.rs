//! A session as a port holds it: written by one line, read by any number of consumers, each at a place
//! of its own. Nobody who reads is waited for.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::asides::Asides;
use super::history::{Differs, Evicted, History, HistoryLimits, PIECE};
use super::login::Held;
use super::wakers::Wakers;
use crate::soupbin::join::End;
use crate::soupbin::packet::{Kind, SessionId, split};

/// What a port holds of one session.
#[derive(Debug)]
pub(super) struct Tape {
    session: SessionId,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    history: History,
    asides: Asides,
    end: Option<TapeEnd>,
    /// Where the line before the last went on no further, and why.
    cut: Option<(u64, TapeEnd)>,
    /// How often another line took it up again.
    resumed: u64,
    wakers: Wakers,
}

impl State {
    /// Before which message there is an end for those who have read since it was taken up for the
    /// `since`th time, and why.
    fn end(&self, since: u64) -> Option<(u64, &TapeEnd)> {
        let own = self.end.as_ref().map(|end| (u64::MAX, end));
        let cut = self.cut.as_ref().map(|(at, end)| (*at, end));
        match since == self.resumed {
            true => own,
            false => cut,
        }
    }
}

/// Why nothing more comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TapeEnd {
    /// The session is over, as the line said.
    Session,
    /// Nobody carries it on.
    Cut(End),
}

/// Where a consumer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The message that it gets next.
    pub(super) next: u64,
    /// The first that it gets of what has no number.
    aside: u64,
    /// Whether it knows messages without a number.
    takes_unsequenced: bool,
}

/// What a look at the tape brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pulled {
    /// There was something.
    More,
    /// The consumer's next message is not kept any more.
    Lost(Evicted),
    /// The consumer has everything, and nothing more comes.
    End(TapeEnd),
}

/// What is kept of a session, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryStatus {
    /// The oldest message that is kept; the next one if none is.
    pub first: u64,
    /// The message that comes next.
    pub next: u64,
    /// How many are kept.
    pub messages: u64,
    /// Bytes of their frames.
    pub bytes: usize,
}

impl Tape {
    pub(super) fn new(session: SessionId, next: u64, limits: HistoryLimits) -> Self {
        Self {
            session,
            state: Mutex::new(State {
                history: History::new(limits, next),
                asides: Asides::default(),
                end: None,
                cut: None,
                resumed: 0,
                wakers: Wakers::default(),
            }),
        }
    }

    pub(super) fn session(&self) -> SessionId {
        self.session
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn limit(&self, limits: HistoryLimits) {
        self.lock().history.limit(limits);
    }

    pub(super) fn status(&self) -> HistoryStatus {
        let history = &self.lock().history;
        HistoryStatus {
            first: history.first(),
            next: history.next(),
            messages: history.messages(),
            bytes: history.bytes(),
        }
    }

    pub(super) fn held(&self) -> Held {
        let history = &self.lock().history;
        Held {
            session: self.session,
            first: history.first(),
            next: history.next(),
        }
    }

    /// Takes in whole frames as a line sent them: how many messages. Nobody is woken yet.
    pub(super) fn write(&self, frames: &[u8]) -> u64 {
        let (mut rest, mut run, mut count, mut all) = (frames, 0, 0, 0);
        while let Ok(Some(frame)) = split(&rest[run..]) {
            let is_message = frame.kind == Kind::Sequenced;
            if is_message && (count == 0 || run + frame.len() <= PIECE) {
                (run, count) = (run + frame.len(), count + 1);
                continue;
            }
            self.append(&rest[..run], count);
            (rest, all) = (&rest[run..], all + count);
            (run, count) = (0, 0);
            if !is_message {
                rest = &rest[self.aside(rest)..];
            }
        }
        self.append(&rest[..run], count);
        all + count
    }

    fn append(&self, frames: &[u8], messages: u64) {
        if messages > 0 {
            self.lock().history.append(frames, messages);
        }
    }

    /// Takes in a frame that is no message: its length.
    fn aside(&self, frames: &[u8]) -> usize {
        let Ok(Some(frame)) = split(frames) else {
            return frames.len();
        };
        // The end of the session comes as an end, too, and heartbeats are each consumer's own.
        if matches!(frame.kind, Kind::Debug | Kind::Unsequenced) {
            let mut state = self.lock();
            let at = state.history.next();
            let (kind, length) = (frame.kind, frame.len());
            state.asides.push(at, kind, &frames[..length]);
        }
        frame.len()
    }

    /// Nothing more comes.
    pub(super) fn end(&self, end: TapeEnd) {
        self.lock().end.get_or_insert(end);
    }

    /// Another line goes on with it. Whoever read before comes to an end where the line before left off,
    /// as it was told then.
    pub(super) fn resume(&self) {
        let mut state = self.lock();
        if let Some(end) = state.end.take() {
            state.cut = Some((state.history.next(), end));
            state.resumed += 1;
        }
    }

    /// Compares frames, the first of which is message `from`, with what is held.
    pub(super) fn compare(&self, from: u64, frames: &[u8]) -> Result<Compared, Differs> {
        let state = self.lock();
        let same = state.history.compare(from, frames)?;
        let held = Held {
            session: self.session,
            first: state.history.first(),
            next: state.history.next(),
        };
        Ok(Compared { same, held })
    }

    /// Wakes those who wait for more; `woken` is room to do that in.
    pub(super) fn wake(&self, woken: &mut Vec<Waker>) {
        self.lock().wakers.take(woken);
        woken.drain(..).for_each(Waker::wake);
    }

    /// A place among those who wait.
    pub(super) fn seat(self: &Arc<Self>) -> Seat {
        let mut state = self.lock();
        Seat {
            key: state.wakers.enter(),
            since: state.resumed,
            tape: Arc::clone(self),
        }
    }

    /// Whether a consumer that gets this message next has fallen behind what is kept.
    pub(super) fn has_lost(&self, next: u64) -> Option<Evicted> {
        let first = self.lock().history.first();
        (next < first).then_some(Evicted { first })
    }
}

/// Somebody who reads a tape.
#[derive(Debug)]
pub(super) struct Seat {
    tape: Arc<Tape>,
    key: usize,
    /// How often it had been taken up again by then.
    since: u64,
}

/// What came of comparing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    /// How many messages were the same.
    pub(super) same: u64,
    pub(super) held: Held,
}

impl Seat {
    pub(super) fn tape(&self) -> &Arc<Tape> {
        &self.tape
    }

    /// Whether there is an end to what comes here.
    pub(super) fn is_ended(&self) -> bool {
        self.tape.lock().end(self.since).is_some()
    }

    /// A consumer that logged in gets this message first.
    pub(super) fn place(&self, next: u64, takes_unsequenced: bool) -> Place {
        Place {
            next,
            aside: self.tape.lock().asides.next(),
            takes_unsequenced,
        }
    }

    /// Takes what comes at this place, as much as is given at once, once there is something.
    pub(super) fn poll_pull(
        &self,
        place: &mut Place,
        pieces: &mut VecDeque<Bytes>,
        cx: &Context<'_>,
    ) -> Poll<Pulled> {
        let mut state = self.tape.lock();
        let before = pieces.len();
        let end = state.end(self.since).map(|(at, end)| (at, end.clone()));
        let end_at = end.as_ref().map_or(u64::MAX, |(at, _)| *at);
        let mut until = end_at;
        while let Some(aside) = state.asides.first(place.next, &mut place.aside) {
            if aside.at > place.next {
                until = until.min(aside.at);
                break;
            }
            if aside.at >= end_at {
                break;
            }
            if aside.kind != Kind::Unsequenced || place.takes_unsequenced {
                pieces.push_back(aside.frame.clone());
            }
            place.aside += 1;
        }
        match state.history.pull(place.next, until, pieces) {
            Ok(next) => place.next = next,
            Err(evicted) => return Poll::Ready(Pulled::Lost(evicted)),
        }
        if pieces.len() > before {
            return Poll::Ready(Pulled::More);
        }
        if let Some((_, end)) = end {
            return Poll::Ready(Pulled::End(end));
        }
        state.wakers.wait(self.key, cx);
        Poll::Pending
    }

    /// What is held, once that is beyond message `number` or nothing more comes.
    pub(super) fn poll_beyond(&self, number: u64, cx: &Context<'_>) -> Poll<Held> {
        let mut state = self.tape.lock();
        if state.history.next() <= number && state.end.is_none() {
            state.wakers.wait(self.key, cx);
            return Poll::Pending;
        }
        Poll::Ready(Held {
            session: self.tape.session,
            first: state.history.first(),
            next: state.history.next(),
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.tape.lock().wakers.leave(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soupbin::packet::Packet;

    fn frames(packets: &[Packet<'_>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for packet in packets {
            packet.encode(&mut bytes).unwrap();
        }
        bytes
    }

    fn tape(next: u64) -> Arc<Tape> {
        let session = "FEED000001".parse().unwrap();
        Arc::new(Tape::new(session, next, HistoryLimits::default()))
    }

    fn pull(seat: &Seat, place: &mut Place) -> (Poll<Pulled>, Vec<u8>) {
        let (mut pieces, cx) = (VecDeque::new(), Context::from_waker(Waker::noop()));
        let pulled = seat.poll_pull(place, &mut pieces, &cx);
        (pulled, pieces.iter().flatten().copied().collect())
    }

    #[test]
    fn what_has_no_number_comes_at_its_place_to_whom_it_concerns() {
        let tape = tape(1);
        let seat = tape.seat();
        let (mut new, mut old) = (seat.place(1, true), seat.place(1, false));
        let (one, two) = (Packet::Sequenced(b"one"), Packet::Sequenced(b"two"));
        let (text, loose) = (Packet::Debug(b"text"), Packet::Unsequenced(b"loose"));
        let said = [one, text, loose, Packet::ServerHeartbeat, two];
        assert_eq!(tape.write(&frames(&said)), 2);
        let mut late = seat.place(1, true);
        let all = |place: &mut Place| {
            let mut all = Vec::new();
            while let (Poll::Ready(Pulled::More), bytes) = pull(&seat, place) {
                all.extend(bytes);
            }
            all
        };
        assert_eq!(all(&mut new), frames(&[one, text, loose, two]));
        assert_eq!(all(&mut old), frames(&[one, text, two]));
        assert_eq!(all(&mut late), frames(&[one, two]));
    }

    #[test]
    fn the_end_comes_after_everything_and_to_each() {
        let tape = tape(7);
        let seat = tape.seat();
        let mut place = seat.place(7, false);
        assert_eq!(pull(&seat, &mut place).0, Poll::Pending);
        tape.write(&frames(&[Packet::Sequenced(b"seven")]));
        tape.end(TapeEnd::Session);
        tape.end(TapeEnd::Cut(End::SessionGone));
        assert_eq!(pull(&seat, &mut place).0, Poll::Ready(Pulled::More));
        let over = Poll::Ready(Pulled::End(TapeEnd::Session));
        assert_eq!(pull(&seat, &mut place).0, over);
        assert_eq!((place.next, tape.has_lost(7)), (8, None));
    }

    #[test]
    fn who_read_before_it_was_taken_up_again_ends_there_and_others_read_on() {
        let tape = tape(1);
        let (before, early) = (tape.seat(), tape.seat());
        let mut slow = before.place(1, false);
        let mut done = early.place(1, false);
        let [one, two] = [b"one", b"two"].map(|it| frames(&[Packet::Sequenced(it)]));
        tape.write(&one);
        assert_eq!(
            pull(&early, &mut done),
            (Poll::Ready(Pulled::More), one.clone())
        );
        tape.end(TapeEnd::Cut(End::NoLine));
        tape.resume();
        tape.write(&two);
        let over = Poll::Ready(Pulled::End(TapeEnd::Cut(End::NoLine)));
        assert_eq!(pull(&before, &mut slow), (Poll::Ready(Pulled::More), one));
        assert_eq!(pull(&before, &mut slow), (over.clone(), Vec::new()));
        assert_eq!(pull(&early, &mut done), (over, Vec::new()));
        let after = tape.seat();
        assert!(before.is_ended() && !after.is_ended());
        let mut back = after.place(2, false);
        assert_eq!(pull(&after, &mut back), (Poll::Ready(Pulled::More), two));
        assert_eq!(pull(&after, &mut back).0, Poll::Pending);
    }

    #[test]
    fn long_runs_are_cut_into_pieces_and_none_is_lost() {
        let tape = tape(1);
        let seat = tape.seat();
        let mut place = seat.place(1, false);
        let long = [b'x'; 1000];
        let said = frames(&[Packet::Sequenced(&long); 100]);
        assert_eq!(tape.write(&said), 100);
        assert_eq!(pull(&seat, &mut place), (Poll::Ready(Pulled::More), said));
        assert_eq!(place.next, 101);
    }
}
