//! Where operators are served, and what protects it.

use crate::socket::tls::Identity;
use std::fmt;
use std::net::{AddrParseError, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// Where to listen for operators.
///
/// ```
/// use l4_failover::admin::Address;
/// assert_eq!("unix:/run/gateway.sock".parse(), Ok(Address::Unix("/run/gateway.sock".into())));
/// assert!("[::1]:19000".parse::<Address>().unwrap().is_private());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// An IP address and port; 0 takes a free port.
    Tcp(SocketAddr),
    /// The path of a unix socket, written `unix:/path`.
    Unix(PathBuf),
}

impl Address {
    /// Whether only processes of this machine reach the address.
    pub fn is_private(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl FromStr for Address {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, AddrParseError> {
        match text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Where operators are served, and what protects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminOptions {
    /// Where to listen.
    pub address: Address,
    /// Names accepted in the Host header, beyond the address itself and, on loopback, `localhost`.
    pub hosts: Vec<String>,
    /// A file that holds the bearer token to be asked for.
    pub token_file: Option<PathBuf>,
    /// The certificate to serve TLS with; an address beyond this machine needs one.
    pub tls: Option<Identity>,
    /// Where else to serve metrics and health, to anyone.
    pub metrics_address: Option<SocketAddr>,
}

impl AdminOptions {
    /// Options for `address`, with nothing else.
    pub fn at(address: Address) -> Self {
        Self {
            address,
            hosts: Vec::new(),
            token_file: None,
            tls: None,
            metrics_address: None,
        }
    }

    /// The keys and addresses that no other listener may have.
    pub(crate) fn claimed(&self) -> impl Iterator<Item = (&'static str, Address)> {
        let metrics = self.metrics_address.map(Address::Tcp);
        let metrics = metrics.map(|address| ("metrics_address", address));
        [("address", self.address.clone())]
            .into_iter()
            .chain(metrics)
    }
}
