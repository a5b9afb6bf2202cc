//! What a header says.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::socket::live::ConnectionId;

/// Bytes of a unique id at most, by the protocol.
pub const UNIQUE_ID_MAX: usize = 128;

/// What a PROXY header says of the connection that it stands before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whose connection it is.
    pub origin: Origin,
    /// What tells the connection from all others, wherever it is passed on.
    pub unique_id: Option<UniqueId>,
}

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The sender's own, such as a health check: `LOCAL`.
    Local,
    /// Somebody else's, who is not known by addresses of TCP: the socket's own count.
    Unknown,
    /// A client's. Addresses of IPv4 that are written as IPv6 are read as what they are.
    Client {
        /// Where the client is.
        source: SocketAddr,
        /// Where it connected to.
        destination: SocketAddr,
    },
}

/// What tells a connection from all others: 1 to [`UNIQUE_ID_MAX`] bytes, which whoever made them
/// chose.
///
/// ```
/// use l4_failover::socket::proxy::UniqueId;
///
/// let id = UniqueId::new(b"edge-7\n").expect("short enough");
/// assert_eq!(id.to_string(), r"edge-7\n");
/// assert_eq!(UniqueId::new(&[b'x'; 129]), None);
/// assert_eq!(UniqueId::new(b""), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UniqueId(Box<[u8]>);

impl UniqueId {
    /// An id of these bytes; none if there are none, or too many.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let is_good = (1..=UNIQUE_ID_MAX).contains(&bytes.len());
        is_good.then(|| Self(bytes.into()))
    }

    /// The bytes as they came.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<ConnectionId> for UniqueId {
    /// The id as logs have it.
    fn from(id: ConnectionId) -> Self {
        // 25 characters at most.
        Self(id.to_string().into_bytes().into())
    }
}

/// As a log can bear it: what is not a printable character of ASCII is escaped.
impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_ascii().fmt(f)
    }
}

/// An address read from a header.
pub(super) fn address(ip: impl Into<IpAddr>, port: u16) -> SocketAddr {
    SocketAddr::new(ip.into().to_canonical(), port)
}
