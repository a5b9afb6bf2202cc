//! The end that is logged in to.

use std::time::{Duration, Instant};

use super::clock::{Clock, Tick};
use super::error::SessionError;
use crate::soupbin::packet::{Frame, LoginRequest, Packet};

/// What a server bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// From the connection to the login.
    pub login: Duration,
    /// How long a client may be silent whose login named no time of its own.
    pub silence: Duration,
}

impl Default for ServerLimits {
    /// 30 s to log in, 15 s of silence (SoupBinTCP 4.00, section 1.2).
    fn default() -> Self {
        Self {
            login: Duration::from_secs(30),
            silence: Duration::from_secs(15),
        }
    }
}

/// What a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromClient<'a> {
    /// It wants to log in: answer, and tell [`accepted`](ServerSession::accepted).
    Login(LoginRequest),
    /// A message without a number.
    Unsequenced(&'a [u8]),
    /// Text for people.
    Debug(&'a [u8]),
    /// A sign of life.
    Heartbeat,
    /// It leaves: close.
    Logout,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Connected, at this moment.
    Connected(Instant),
    /// It asked, and was not answered yet.
    Asked,
    In,
    Over,
}

/// The end that is logged in to: it knows whether the client may be silent still, and when a
/// heartbeat is owed.
#[derive(Clone, Debug)]
pub struct ServerSession {
    limits: ServerLimits,
    state: State,
    clock: Clock,
}

impl ServerSession {
    /// A session with a client that connected at `now`.
    #[must_use]
    pub fn new(limits: ServerLimits, now: Instant) -> Self {
        Self {
            limits,
            state: State::Connected(now),
            clock: Clock::new(now, limits.silence),
        }
    }

    /// What a frame means. Tell [`heard`](Self::heard) too.
    ///
    /// # Errors
    ///
    /// [`SessionError`]: it must not come, or not now: end the connection, without an answer if
    /// there was no login.
    pub fn received<'a>(&mut self, frame: Frame<'a>) -> Result<FromClient<'a>, SessionError> {
        let kind = frame.kind;
        match (self.state, frame.packet()?) {
            (
                _,
                Packet::LoginAccepted(_)
                | Packet::LoginRejected(_)
                | Packet::Sequenced(_)
                | Packet::ServerHeartbeat
                | Packet::EndOfSession,
            ) => Err(SessionError::WrongSide(kind)),
            (State::Over, _) => Err(SessionError::AfterEnd(kind)),
            (_, Packet::Debug(text)) => Ok(FromClient::Debug(text)),
            (State::Connected(_), Packet::LoginRequest(login)) => {
                self.asked(&login);
                Ok(FromClient::Login(login))
            }
            (State::Connected(_), _) => Err(SessionError::BeforeLogin(kind)),
            (_, Packet::LoginRequest(_)) => Err(SessionError::SecondLogin(kind)),
            (_, Packet::Unsequenced(message)) => Ok(FromClient::Unsequenced(message)),
            (_, Packet::ClientHeartbeat) => Ok(FromClient::Heartbeat),
            (_, Packet::Logout) => {
                self.state = State::Over;
                Ok(FromClient::Logout)
            }
        }
    }

    fn asked(&mut self, login: &LoginRequest) {
        self.state = State::Asked;
        // A time of 0 cannot be kept by anybody: it is taken as none.
        let own = login.heartbeat_timeout.filter(|it| !it.is_zero());
        self.clock.allow(own.unwrap_or(self.limits.silence));
    }

    /// The login was answered with its acceptance, at `now`: heartbeats are owed from here on.
    pub fn accepted(&mut self, now: Instant) {
        self.state = State::In;
        self.clock.sent(now);
    }

    /// Whether a login was accepted, and the client has not left.
    #[must_use]
    pub fn is_in(&self) -> bool {
        self.state == State::In
    }

    /// Bytes came, whole frames or not.
    pub fn heard(&mut self, now: Instant) {
        self.clock.heard(now);
    }

    /// Something was sent.
    pub fn sent(&mut self, now: Instant) {
        self.clock.sent(now);
    }

    /// For how long the client has been silent.
    #[must_use]
    pub fn silent_for(&self, now: Instant) -> Duration {
        self.clock.silent_for(now)
    }

    /// When [`tick`](Self::tick) has something to say.
    #[must_use]
    pub fn due(&self) -> Instant {
        match self.state {
            State::Connected(since) => since + self.limits.login,
            State::Asked => self.clock.deadline(),
            State::In | State::Over => self.clock.due(),
        }
    }

    /// What is to be done at `now`.
    pub fn tick(&mut self, now: Instant) -> Tick {
        match self.state {
            State::Connected(_) if now >= self.due() => Tick::NoLogin,
            State::Connected(_) => Tick::Nothing,
            State::Asked if now < self.clock.deadline() => Tick::Nothing,
            State::Asked | State::In | State::Over => self.clock.tick(now),
        }
    }
}
