//! The consumer, and the judge of what it gets: a decoder that shares nothing with the library's.

use std::time::Duration;

use super::feed::Feed;

/// What a consumer got, frame by frame.
#[derive(Debug)]
pub(crate) struct Consumer {
    pub(crate) session: &'static str,
    pub(crate) requested: u64,
    pub(crate) takes_unsequenced: bool,
    rest: Vec<u8>,
    /// The first message's number, and the next one's.
    pub(crate) first: Option<u64>,
    pub(crate) next: u64,
    pub(crate) rejected: Option<u8>,
    pub(crate) ended: Option<Duration>,
    heard: Duration,
    /// Every message, from the first on.
    pub(crate) record: Vec<Vec<u8>>,
    /// Whether a line that says something else may be the first that says it.
    pub(crate) may_stray: bool,
    /// Whether it got a message that is not the feed's.
    pub(crate) has_strayed: bool,
}

impl Consumer {
    pub(crate) fn new(session: &'static str, requested: u64, takes_unsequenced: bool) -> Self {
        Self {
            session,
            requested,
            takes_unsequenced,
            rest: Vec::new(),
            first: None,
            next: 0,
            rejected: None,
            ended: None,
            heard: Duration::ZERO,
            record: Vec::new(),
            may_stray: false,
            has_strayed: false,
        }
    }

    /// The message of this number, if it got that.
    pub(crate) fn message(&self, number: u64) -> Option<&[u8]> {
        let place = number.checked_sub(self.first?)?;
        let message = self.record.get(usize::try_from(place).ok()?);
        message.map(Vec::as_slice)
    }

    /// How many of its last messages a line can be known by.
    pub(crate) fn retained(&self) -> u64 {
        self.first.map_or(0, |first| (self.next - first).min(16))
    }

    /// The bytes that it reads at this time.
    pub(crate) fn gets(&mut self, bytes: &[u8], feed: &Feed, time: Duration) {
        if self.first.is_some() {
            self.check_cadence(time);
        }
        self.heard = time;
        self.rest.extend_from_slice(bytes);
        let mut from = 0;
        while self.rest.len() >= from + 3 {
            let length = usize::from(self.rest[from]) << 8 | usize::from(self.rest[from + 1]);
            assert!(length > 0, "a frame of length 0");
            if self.rest.len() < from + 2 + length {
                break;
            }
            let frame = self.rest[from + 2..from + 2 + length].to_vec();
            self.frame(frame[0], &frame[1..], feed, time);
            from += 2 + length;
        }
        self.rest.drain(..from);
    }

    /// Every second something comes.
    pub(crate) fn check_cadence(&self, time: Duration) {
        let gap = time.saturating_sub(self.heard);
        let is_in = self.first.is_some() && self.ended.is_none();
        assert!(
            !is_in || gap <= Duration::from_millis(1000),
            "nothing for {gap:?}"
        );
    }

    fn frame(&mut self, kind: u8, payload: &[u8], feed: &Feed, time: Duration) {
        assert!(
            self.rejected.is_none() && self.ended.is_none(),
            "after the end"
        );
        match (kind, self.first) {
            (b'A', None) => self.accepted(payload),
            (b'J', None) => self.rejected = Some(payload[0]),
            (b'S', Some(_)) => {
                let is_other = payload == feed.other(self.next) && self.may_stray;
                if !is_other {
                    assert_eq!(payload, feed.message(self.next), "message {}", self.next);
                }
                self.has_strayed |= is_other;
                self.record.push(payload.to_vec());
                self.next += 1;
            }
            (b'H' | b'+', Some(_)) => {}
            (b'U', Some(_)) => assert!(self.takes_unsequenced, "an unsequenced message"),
            (b'Z', Some(_)) => self.ended = Some(time),
            _ => panic!("{} at {:?}", kind as char, self.first),
        }
    }

    fn accepted(&mut self, payload: &[u8]) {
        let text = std::str::from_utf8(payload).unwrap();
        assert_eq!(text[..10].trim(), self.session);
        let first = text[10..].trim().parse().unwrap();
        // Never another number than it asked for, unless there is nothing as old as that.
        assert!(self.requested == 0 || first >= self.requested, "{first}");
        (self.first, self.next) = (Some(first), first);
    }

    /// There is nothing half told when the connection ends.
    pub(crate) fn check_whole(&self) {
        assert!(self.rest.is_empty(), "a part of a frame");
    }
}
