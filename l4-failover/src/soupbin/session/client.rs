//! The end that logs in.

use std::time::{Duration, Instant};

use super::clock::{Clock, Tick};
use super::error::SessionError;
use crate::soupbin::packet::{Frame, Kind, LoginAccepted, LoginRequest, Packet, Reject};

/// What a client bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    /// How long the server may be silent: before its answer, and after. The specification names no
    /// time; servers send a heartbeat every second.
    pub silence: Duration,
}

impl Default for ClientLimits {
    /// 3 s: two lost heartbeats.
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(3),
        }
    }
}

/// What a server sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromServer<'a> {
    /// The login was accepted.
    Accepted(LoginAccepted),
    /// It was not; the server closes.
    Rejected(Reject),
    /// A message.
    Sequenced {
        /// Its number: by counting, from what the accepted login said.
        number: u64,
        /// The message.
        message: &'a [u8],
    },
    /// A message without a number.
    Unsequenced(&'a [u8]),
    /// Text for people.
    Debug(&'a [u8]),
    /// A sign of life.
    Heartbeat,
    /// The session is over for good.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The login is on its way.
    Asked,
    /// The number of the next message.
    In(u64),
    Over,
}

/// The end that logs in: it counts messages, and knows when a heartbeat is owed.
#[derive(Clone, Debug)]
pub struct ClientSession {
    login: LoginRequest,
    state: State,
    clock: Clock,
}

impl ClientSession {
    /// A session whose login is sent at `now`.
    #[must_use]
    pub fn new(login: LoginRequest, limits: ClientLimits, now: Instant) -> Self {
        Self {
            login,
            state: State::Asked,
            clock: Clock::new(now, limits.silence),
        }
    }

    /// What is to be sent first.
    #[must_use]
    pub fn login(&self) -> Packet<'static> {
        Packet::LoginRequest(self.login)
    }

    /// The number of the next message, once the login was accepted and until the session is over.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        match self.state {
            State::In(next) => Some(next),
            State::Asked | State::Over => None,
        }
    }

    /// What a frame means, and the number of a message. Tell [`heard`](Self::heard) too.
    ///
    /// # Errors
    ///
    /// [`SessionError`]: it must not come, or not now; the connection is of no use any more.
    #[inline]
    pub fn received<'a>(&mut self, frame: Frame<'a>) -> Result<FromServer<'a>, SessionError> {
        if let (Kind::Sequenced, State::In(number)) = (frame.kind, self.state) {
            return self.count(number, frame.payload);
        }
        self.understand(frame)
    }

    #[inline]
    fn count<'a>(
        &mut self,
        number: u64,
        message: &'a [u8],
    ) -> Result<FromServer<'a>, SessionError> {
        self.state = State::In(number.checked_add(1).ok_or(SessionError::Overflow)?);
        Ok(FromServer::Sequenced { number, message })
    }

    fn understand<'a>(&mut self, frame: Frame<'a>) -> Result<FromServer<'a>, SessionError> {
        let (kind, packet) = (frame.kind, frame.packet()?);
        match (self.state, packet) {
            (_, Packet::LoginRequest(_) | Packet::ClientHeartbeat | Packet::Logout) => {
                Err(SessionError::WrongSide(kind))
            }
            (State::Over, _) => Err(SessionError::AfterEnd(kind)),
            (_, Packet::Debug(text)) => Ok(FromServer::Debug(text)),
            (State::Asked, Packet::LoginAccepted(accepted)) => self.accepted(accepted),
            (State::Asked, Packet::LoginRejected(reject)) => {
                self.state = State::Over;
                Ok(FromServer::Rejected(reject))
            }
            (State::Asked, _) => Err(SessionError::BeforeLogin(kind)),
            (State::In(_), Packet::LoginAccepted(_) | Packet::LoginRejected(_)) => {
                Err(SessionError::SecondLogin(kind))
            }
            (State::In(number), Packet::Sequenced(message)) => self.count(number, message),
            (State::In(_), Packet::Unsequenced(message)) => Ok(FromServer::Unsequenced(message)),
            (State::In(_), Packet::ServerHeartbeat) => Ok(FromServer::Heartbeat),
            (State::In(_), Packet::EndOfSession) => {
                self.state = State::Over;
                Ok(FromServer::End)
            }
        }
    }

    fn accepted(&mut self, accepted: LoginAccepted) -> Result<FromServer<'static>, SessionError> {
        if accepted.sequence == 0 {
            return Err(SessionError::NoSequence);
        }
        self.state = State::In(accepted.sequence);
        Ok(FromServer::Accepted(accepted))
    }

    /// Bytes came, whole frames or not.
    pub fn heard(&mut self, now: Instant) {
        self.clock.heard(now);
    }

    /// Something was sent.
    pub fn sent(&mut self, now: Instant) {
        self.clock.sent(now);
    }

    /// For how long the server has been silent.
    #[must_use]
    pub fn silent_for(&self, now: Instant) -> Duration {
        self.clock.silent_for(now)
    }

    /// When [`tick`](Self::tick) has something to say.
    #[must_use]
    pub fn due(&self) -> Instant {
        match self.state {
            // Until the login is answered no heartbeat is owed.
            State::Asked => self.clock.deadline(),
            State::In(_) | State::Over => self.clock.due(),
        }
    }

    /// What is to be done at `now`.
    pub fn tick(&mut self, now: Instant) -> Tick {
        match self.state {
            State::Asked if now < self.clock.deadline() => Tick::Nothing,
            _ => self.clock.tick(now),
        }
    }
}
