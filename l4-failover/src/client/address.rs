//! Where a process is asked.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::{Host, Target, TargetError};

/// Where a process serves its operators.
///
/// ```
/// use l4_failover::client::Address;
/// let address: Address = "https://gateway.example:19000".parse()?;
/// assert_eq!(address.to_string(), "https://gateway.example:19000");
/// assert_eq!("unix:/run/feed.sock".parse(), Ok(Address::Unix("/run/feed.sock".into())));
/// # Ok::<(), l4_failover::client::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `host:port`.
    Tcp(Target),
    /// `https://host:port`.
    Tls(Target),
    /// `unix:/path`.
    Unix(PathBuf),
}

/// Why a text is not an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write HOST:PORT, https://HOST:PORT or unix:/PATH: {0}")]
pub struct AddressError(#[from] TargetError);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let target = |text: &str| text.trim_end_matches('/').parse();
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return Ok(Self::Unix(path.into()));
        }
        Ok(match text.strip_prefix("https://") {
            Some(tls) => Self::Tls(target(tls)?),
            None => Self::Tcp(target(text.strip_prefix("http://").unwrap_or(text))?),
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(target) => target.fmt(f),
            Self::Tls(target) => write!(f, "https://{target}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Address {
    /// What a request there says that it is for.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Tcp(target) | Self::Tls(target) => target.to_string(),
            Self::Unix(_) => "localhost".to_owned(),
        }
    }
}

/// The name that the certificate of `target` must carry.
pub(super) fn server_name(target: &Target) -> String {
    match &target.host {
        Host::Name(name) => name.clone(),
        // Without the brackets that stand around it in an address.
        Host::Ip(ip) => ip.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_as_it_is_shown() {
        for text in [
            "127.0.0.1:19001",
            "[::1]:19001",
            "localhost:19001",
            "https://gateway.example:19000",
            "unix:/run/l4-failover.sock",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        let typed: Address = "http://localhost:19001/".parse().unwrap();
        assert_eq!(typed.to_string(), "localhost:19001");
    }

    #[test]
    fn what_is_no_address_says_what_would_be() {
        for text in [
            "19001",
            "unix:",
            "https://",
            "ftp://localhost:1",
            "localhost:0",
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.starts_with("write HOST:PORT, https://HOST:PORT or unix:/PATH: "));
        }
    }
}
