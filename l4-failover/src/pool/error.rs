//! Why a dial failed.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Endpoint;
use crate::error::{InAWord, with_causes};
use crate::socket::connect::ConnectError;
use crate::socket::tls::HandshakeError;

/// One failed attempt.
#[derive(Debug)]
pub struct Attempt {
    /// The endpoint as configured.
    pub endpoint: Arc<Endpoint>,
    /// The address tried; none where none was.
    pub address: Option<SocketAddr>,
    /// Why it failed.
    pub error: AttemptError,
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// The connection did not come about.
    #[error("{}", connect(.0))]
    Connect(ConnectError),
    /// It did, but the handshake of TLS did not finish.
    #[error("{}", with_causes(.0))]
    Handshake(HandshakeError),
    /// It did, and led nowhere.
    #[error("it connected, and {0}")]
    LedNowhere(LedNowhere),
    /// The endpoint's name has no address yet.
    #[error("its name has no address: {0}")]
    Unresolved(Arc<str>),
    /// The dial's time was over before its turn.
    #[error("not tried: the dial's time was over")]
    NotTried,
    /// An operator took the endpoint out.
    #[error("not tried: it is in maintenance ({0})")]
    Maintenance(Arc<str>),
    /// The endpoint has as many sessions as it may have.
    #[error("not tried: it has the {0} sessions that it may have")]
    Full(u64),
}

/// What a connection that was led on turned out to be.
#[derive(Debug, thiserror::Error)]
pub enum LedNowhere {
    /// A TLS alert, by its number (RFC 8446 §6), came back before all else.
    #[error("refused with TLS alert {0}")]
    Alert(u8),
    /// It was closed before a byte came back.
    #[error("was closed without an answer")]
    Closed,
    /// It broke before a byte came back.
    #[error("broke: {0}")]
    Broken(io::Error),
    /// Nobody there has acknowledged what was sent, for this long.
    #[error("nothing was acknowledged in {0:?}")]
    Silent(Duration),
    /// No byte came back for this long, and there was somebody else to ask.
    #[error("no answer came in {0:?}")]
    Late(Duration),
    /// Its name stands for the program itself that dials.
    #[error("is this very gateway: its name stands for an address that clients connect to here")]
    Ourselves,
    /// Its tier was left, or it went down, while its answer was waited for.
    #[error("was left before it answered")]
    Left,
}

// Without a source: the sentence says all that there is.
impl From<ConnectError> for AttemptError {
    fn from(error: ConnectError) -> Self {
        Self::Connect(error)
    }
}

impl From<HandshakeError> for AttemptError {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

fn connect(error: &ConnectError) -> String {
    match error {
        ConnectError::Refused(error) => InAWord(error).to_string(),
        ConnectError::TimedOut(_) | ConnectError::Resource(_) => error.to_string(),
    }
}

impl From<LedNowhere> for AttemptError {
    fn from(why: LedNowhere) -> Self {
        Self::LedNowhere(why)
    }
}

impl Attempt {
    /// Whether the endpoint was reached for. One that is full, or in maintenance, was not, nor was
    /// one for which no time was left: the attempt only says why.
    #[must_use]
    pub fn was_tried(&self) -> bool {
        match self.error {
            AttemptError::Connect(_)
            | AttemptError::Handshake(_)
            | AttemptError::LedNowhere(_)
            | AttemptError::Unresolved(_) => true,
            AttemptError::NotTried | AttemptError::Maintenance(_) | AttemptError::Full(_) => false,
        }
    }
}

impl AttemptError {
    /// Whether it says something about the endpoint: want of our own resources, or of time, does
    /// not.
    pub(super) fn blames_the_endpoint(&self) -> bool {
        match self {
            Self::Connect(error) => !matches!(error, ConnectError::Resource(_)),
            Self::Handshake(_) | Self::LedNowhere(_) => true,
            Self::Unresolved(_) | Self::NotTried | Self::Maintenance(_) | Self::Full(_) => false,
        }
    }

    pub(super) fn is_resource(&self) -> bool {
        matches!(self, Self::Connect(ConnectError::Resource(_)))
    }

    pub(super) fn is_timeout(&self) -> bool {
        matches!(
            self,
            Self::NotTried
                | Self::Connect(ConnectError::TimedOut(_))
                | Self::Handshake(HandshakeError::TimedOut(_))
                | Self::LedNowhere(LedNowhere::Silent(_) | LedNowhere::Late(_))
        )
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.endpoint.name();
        match self.address {
            Some(address) if address.to_string() != **name => {
                write!(f, "{name} ({address}): {}", self.error)
            }
            _ => write!(f, "{name}: {}", self.error),
        }
    }
}

/// Why a dial ended without a connection.
///
/// ```
/// use l4_failover::{DialError, Pool};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dead = { let gone = std::net::TcpListener::bind("127.0.0.1:0")?; gone.local_addr()?.to_string() };
/// let pool = Pool::builder().primary(&dead).build()?;
/// match pool.connect().await {
///     Ok(_) => unreachable!("nobody listens there"),
///     Err(DialError::NoneHealthy) => println!("refused: when_none_healthy says so"),
///     Err(DialError::Exhausted { attempts }) => assert_eq!(**attempts[0].endpoint.name(), *dead),
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub enum DialError {
    /// No endpoint is healthy, and [`NoneHealthy::Refuse`](crate::choice::NoneHealthy::Refuse)
    /// says not to try.
    NoneHealthy,
    /// Every endpoint that the policy allows was tried.
    Exhausted {
        /// What was tried, in order, and what was not, and why.
        attempts: Vec<Attempt>,
    },
}

impl DialError {
    /// What was tried, in order, and what was not, and why.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            Self::NoneHealthy => &[],
            Self::Exhausted { attempts } => attempts,
        }
    }

    /// How many attempts were made; see [`Attempt::was_tried`].
    #[must_use]
    pub fn tried(&self) -> usize {
        let attempts = self.attempts().iter();
        attempts.filter(|attempt| attempt.was_tried()).count()
    }

    /// Whether the dial ended for want of this process's own resources.
    #[must_use]
    pub fn is_resource(&self) -> bool {
        let mut attempts = self.attempts().iter();
        attempts.any(|attempt| attempt.error.is_resource())
    }

    /// Whether time ran out, for an attempt or for the whole dial.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        let mut attempts = self.attempts().iter();
        attempts.any(|attempt| attempt.error.is_timeout())
    }
}

impl DialError {
    /// Whether an endpoint was left out because it has as many sessions as it may.
    fn is_any_full(&self) -> bool {
        let mut attempts = self.attempts().iter();
        attempts.any(|attempt| matches!(attempt.error, AttemptError::Full(_)))
    }

    /// Whether nobody was tried, and places would have helped: endpoints are full, the others, if
    /// there are any, in maintenance.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let is_out = |it: &Attempt| {
            matches!(
                it.error,
                AttemptError::Full(_) | AttemptError::Maintenance(_)
            )
        };
        self.is_any_full() && self.attempts().iter().all(is_out)
    }

    fn summary(&self) -> &'static str {
        match (self.is_full(), self.is_any_full()) {
            (true, _) => "no endpoint has a place",
            (false, true) => "no endpoint that is reachable has a place",
            (false, false) => "no endpoint reachable",
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Exhausted { attempts } = self else {
            return f.write_str("no endpoint is healthy");
        };
        f.write_str(self.summary())?;
        for (index, attempt) in attempts.iter().enumerate() {
            write!(f, "{} {attempt}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl std::error::Error for DialError {}
