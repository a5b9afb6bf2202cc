//! What must not come, or not then.

use thiserror::Error;

use crate::soupbin::packet::{Kind, PacketError};

/// A frame that this end must not get now: the connection is of no use any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SessionError {
    /// Its payload is not what its type promises.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// Anything but a login, or its answer, before the login.
    #[error("{0} before the login")]
    BeforeLogin(Kind),
    /// A second login, or answer to one.
    #[error("{0}, though there was a login already")]
    SecondLogin(Kind),
    /// What only the other side sends.
    #[error("{0} from the wrong side")]
    WrongSide(Kind),
    /// Anything after the end: of the session, or of the connection.
    #[error("{0} after the end")]
    AfterEnd(Kind),
    /// The login was accepted at number 0, where messages are numbered from 1.
    #[error("a login accepted at sequence number 0")]
    NoSequence,
    /// More messages than can be numbered.
    #[error("the session has more messages than there are numbers")]
    Overflow,
}
