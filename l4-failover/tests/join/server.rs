//! One server, and its connections: it serves the feed, and has its faults.

use std::time::Duration;

use fastrand::Rng;
use l4_failover::soupbin::join::LineId;
use l4_failover::soupbin::packet::{LoginAccepted, LoginRequest, Packet, Reject, SessionId, split};

use super::feed::Feed;

/// What it does with a login beyond its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Beyond {
    Clamp,
    Echo,
    Reject,
}

/// How its bytes differ from the feed's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Content {
    Same,
    /// Every message is another.
    Other,
    /// One of those that the consumer got last is.
    OneOther,
}

/// How a server behaves; a fault is another behaviour.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) is_up: bool,
    /// It neither reads nor writes, and its connections stay.
    pub(crate) is_stopped: bool,
    /// Messages behind the feed.
    pub(crate) lag: u64,
    pub(crate) session: SessionId,
    pub(crate) content: Content,
    pub(crate) beyond: Beyond,
    /// What is asked for does not matter.
    pub(crate) is_live_only: bool,
    /// The first message that it has.
    pub(crate) begins: u64,
    pub(crate) reject: Option<Reject>,
    /// It says so, wherever a connection stands.
    pub(crate) ends: bool,
    pub(crate) has_heartbeats: bool,
    pub(crate) answers_after: Duration,
    pub(crate) connects_after: Duration,
}

impl Manner {
    pub(crate) fn good(session: SessionId) -> Self {
        Self {
            is_up: true,
            is_stopped: false,
            lag: 0,
            session,
            content: Content::Same,
            beyond: Beyond::Clamp,
            is_live_only: false,
            begins: 1,
            reject: None,
            ends: false,
            has_heartbeats: true,
            answers_after: Duration::from_millis(2),
            connects_after: Duration::from_millis(1),
        }
    }

    /// Whether a consumer that has something to compare by can be carried on here.
    pub(crate) fn is_good(&self, session: SessionId) -> bool {
        self.is_up
            && !self.is_stopped
            && self.lag == 0
            && self.session == session
            && self.content == Content::Same
            && !self.is_live_only
            && self.begins == 1
            && self.reject.is_none()
            && !self.ends
            && self.has_heartbeats
            && self.answers_after + self.connects_after < Duration::from_millis(300)
    }
}

/// A connection, as the server has it.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) line: LineId,
    pub(crate) target: usize,
    is_connected: bool,
    since: Duration,
    /// Written, and not yet read.
    pub(crate) wire: Vec<u8>,
    /// The server has closed: what is on the wire is the last.
    pub(crate) is_closed: bool,
    /// It said that the session is over.
    pub(crate) has_ended: bool,
    /// Read, and not yet taken.
    pub(crate) read: Vec<u8>,
    login: Option<(Duration, LoginRequest)>,
    next: Option<u64>,
    other: Option<u64>,
    sent: Duration,
    /// Messages without a number that came.
    pub(crate) unsequenced: Vec<Vec<u8>>,
}

impl Conn {
    pub(crate) fn new(line: LineId, target: usize, since: Duration) -> Self {
        Self {
            line,
            target,
            is_connected: false,
            since,
            wire: Vec::new(),
            is_closed: false,
            has_ended: false,
            read: Vec::new(),
            login: None,
            next: None,
            other: None,
            sent: since,
            unsequenced: Vec::new(),
        }
    }

    /// Whether the handshake ends now.
    pub(crate) fn connects(&mut self, manner: &Manner, time: Duration) -> bool {
        let connects = !self.is_connected && time >= self.since + manner.connects_after;
        self.is_connected |= connects;
        connects
    }

    /// One of the messages that it is to send yet is another.
    pub(crate) fn corrupt(&mut self, ahead: u64) {
        self.other = self.next.map(|next| next + ahead);
    }

    /// Whether its login was accepted.
    pub(crate) fn is_in(&self) -> bool {
        self.next.is_some()
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// What came from the client.
    pub(crate) fn received(&mut self, mut bytes: &[u8], time: Duration) {
        while !bytes.is_empty() {
            let frame = split(bytes).expect("frames").expect("whole ones");
            match frame.packet().expect("well-formed") {
                Packet::LoginRequest(login) => {
                    assert!(self.login.is_none() && self.next.is_none(), "one login");
                    self.login = Some((time, login));
                }
                Packet::Unsequenced(message) => self.unsequenced.push(message.to_vec()),
                Packet::ClientHeartbeat => {}
                Packet::Logout => self.is_closed = true,
                other => panic!("{other:?} from a client"),
            }
            bytes = &bytes[frame.len()..];
        }
    }

    fn write(&mut self, packet: &Packet<'_>, time: Duration) {
        packet.encode(&mut self.wire).unwrap();
        self.sent = time;
    }

    /// Writes what is due. `at` is where the consumer stands: it has so many messages before that.
    pub(crate) fn serve(
        &mut self,
        manner: &Manner,
        feed: &Feed,
        at: (u64, u64),
        random: &mut Rng,
        time: Duration,
    ) {
        if manner.is_stopped || self.is_closed || !self.is_connected {
            return;
        }
        let head = feed.head(time).saturating_sub(manner.lag).max(1);
        if let Some((_, login)) = self
            .login
            .filter(|(came, _)| time >= *came + manner.answers_after)
        {
            self.login = None;
            self.answer(manner, &login, head, at, random, time);
        }
        let Some(mut next) = self.next else {
            return;
        };
        while next < head && self.wire.len() < 100_000 {
            let is_other = manner.content == Content::Other || self.other == Some(next);
            let message = match is_other {
                true => feed.other(next),
                false => feed.message(next),
            };
            self.write(&Packet::Sequenced(&message), time);
            next += 1;
            match random.u32(0..60) {
                0 => self.write(&Packet::Debug(b"text"), time),
                1 => self.write(&Packet::Unsequenced(b"server"), time),
                _ => {}
            }
        }
        self.next = Some(next);
        if manner.has_heartbeats && time >= self.sent + Duration::from_secs(1) {
            self.write(&Packet::ServerHeartbeat, time);
        }
        if manner.ends || next == feed.last + 1 {
            self.write(&Packet::EndOfSession, time);
            (self.is_closed, self.has_ended) = (true, true);
        }
    }

    fn answer(
        &mut self,
        manner: &Manner,
        login: &LoginRequest,
        head: u64,
        (next, retained): (u64, u64),
        random: &mut Rng,
        time: Duration,
    ) {
        let asked = login.sequence;
        let beyond = match manner.beyond {
            // With fewer messages there is nothing, or too little, to know it by.
            Beyond::Echo if retained < 3 => Beyond::Clamp,
            beyond => beyond,
        };
        let is_beyond = asked > head;
        let reject = match beyond {
            Beyond::Reject if is_beyond => Some(Reject::SessionUnavailable),
            _ => manner.reject,
        };
        if let Some(reject) = reject {
            self.write(&Packet::LoginRejected(reject), time);
            self.is_closed = true;
            return;
        }
        let (sequence, own) = match beyond {
            _ if manner.is_live_only => (head, head),
            Beyond::Echo if is_beyond => (asked, head),
            _ if is_beyond => (head, head),
            _ if asked == 0 => (head.max(2) - 1, head.max(2) - 1),
            _ => (asked.max(manner.begins), asked.max(manner.begins)),
        };
        let session = manner.session;
        if manner.content == Content::OneOther && retained > 0 {
            self.other = Some(next - random.u64(1..=retained));
        }
        self.write(
            &Packet::LoginAccepted(LoginAccepted { session, sequence }),
            time,
        );
        self.next = Some(own);
    }
}
