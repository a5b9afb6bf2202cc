//! Where to connect to: a host and a port.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// The longest name that DNS allows, in bytes.
const NAME_LEN_MAX: usize = 253;

/// A host to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name in lower case, to be resolved.
    Name(String),
    /// An address; an IPv4 address mapped into IPv6 is kept as IPv4.
    Ip(IpAddr),
}

/// A host and the port there, never 0.
///
/// ```
/// use l4_failover::Target;
/// let target: Target = "Feed.example:9000".parse()?;
/// assert_eq!((target.to_string().as_str(), target.port), ("feed.example:9000", 9000));
/// assert!("::1:9000".parse::<Target>().is_err());
/// # Ok::<(), l4_failover::TargetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The host.
    pub host: Host,
    /// The port, 1 to 65535.
    pub port: u16,
}

/// Why a text is not a [`Target`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// There is no `:port`.
    #[error("it names no port")]
    NoPort,
    /// The port is not a number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// An IPv6 address without brackets, whose port cannot be told apart.
    #[error("an IPv6 address stands in brackets, as in \"[::1]:7000\"")]
    Brackets,
    /// The host is neither an address nor a DNS name.
    #[error("the host is neither an IP address nor a DNS name")]
    Host,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(TargetError::Brackets);
        }
        let (host, port) = text.rsplit_once(':').ok_or(TargetError::NoPort)?;
        let host = host.parse()?;
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        match port.parse() {
            Ok(port) if digits && port > 0 => Ok(Self { host, port }),
            _ => Err(TargetError::Port),
        }
    }
}

impl FromStr for Host {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(TargetError::Brackets)?;
            let ip: Ipv6Addr = inner.parse().map_err(|_| TargetError::Host)?;
            return Ok(Self::Ip(ip.to_canonical()));
        }
        if text.contains(':') {
            return Err(TargetError::Brackets);
        }
        match text.parse() {
            Ok(ip) => Ok(Self::Ip(ip)),
            Err(_) => name(text).map(Self::Name),
        }
    }
}

/// The longest label that DNS allows, in bytes.
const LABEL_LEN_MAX: usize = 63;

/// Whether `text` can stand between two dots of a lower-case name.
pub(crate) fn is_label(text: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    (1..=LABEL_LEN_MAX).contains(&text.len())
        && text.bytes().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// A DNS name; one whose last label is a number can only be a mistyped address.
fn name(text: &str) -> Result<String, TargetError> {
    let name = text.to_ascii_lowercase();
    let rootless = name.strip_suffix('.').unwrap_or(&name);
    let labels = rootless.split('.').all(is_label);
    let last = rootless.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|byte| byte.is_ascii_digit());
    match labels && !number && rootless.len() <= NAME_LEN_MAX {
        true => Ok(name),
        false => Err(TargetError::Host),
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(ip)) => ip.fmt(f),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
