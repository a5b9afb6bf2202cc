//! What is checked, and how often.

use std::hash::{Hash, Hasher};
use std::ops::RangeInclusive;
use std::time::Duration;

use hyper::header::HeaderValue;
use hyper::http::uri::PathAndQuery;

use crate::socket::tls::TlsOptions;
use crate::soupbin::packet::{Credentials, SessionId};

/// How the endpoints of a pool are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckOptions {
    /// What is asked. `None`: [`Probe::Tls`] of an endpoint that has a server name, else
    /// [`Probe::Tcp`].
    pub probe: Option<Probe>,
    /// From one check to the next; more than `timeout`.
    pub interval: Duration,
    /// The same while in doubt: up with failures, down with successes, or refused to traffic.
    pub fast_interval: Duration,
    /// For one check, connecting included.
    pub timeout: Duration,
    /// Successes in a row to come back; at least 1.
    pub rise: u32,
    /// Failures in a row to go down; at least 1.
    pub fall: u32,
    /// The port that is checked. `None`: the endpoint's own.
    pub port: Option<u16>,
    /// TLS of the check. `None`: the endpoint's own, if it has any.
    pub tls: Option<TlsOptions>,
}

impl Default for CheckOptions {
    /// Every 5 s, every 1 s while in doubt, 1 s each; 3 to go down, 3 to come back.
    fn default() -> Self {
        Self {
            probe: None,
            interval: Duration::from_secs(5),
            fast_interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            rise: 3,
            fall: 3,
            port: None,
            tls: None,
        }
    }
}

impl CheckOptions {
    /// TLS of the checks of an endpoint that has `endpoint`'s.
    #[must_use]
    pub fn tls_of<'a>(&'a self, endpoint: Option<&'a TlsOptions>) -> Option<&'a TlsOptions> {
        self.tls.as_ref().or(endpoint)
    }

    /// What is asked of an endpoint that has `endpoint`'s TLS.
    #[must_use]
    pub fn probe_of(&self, endpoint: Option<&TlsOptions>) -> Probe {
        match (&self.probe, self.tls_of(endpoint)) {
            (Some(probe), _) => probe.clone(),
            (None, Some(_)) => Probe::Tls,
            (None, None) => Probe::Tcp,
        }
    }
}

/// What a check asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// Nothing: dials decide.
    None,
    /// A connection, which is closed again.
    Tcp,
    /// A finished handshake with a server name.
    Tls,
    /// An answer to a GET; over TLS where the endpoint or the check has it.
    Http(HttpProbe),
    /// An accepted login by SoupBinTCP; over TLS where the endpoint or the check has it.
    SoupBinTcp(SoupBinProbe),
}

/// A login that asks for the newest message, and leaves again.
///
/// Many feeds allow a user one login, and end the older one: a check that came with the consumers'
/// credentials would push them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoupBinProbe {
    /// Who logs in.
    pub credentials: Credentials,
    /// Which session must be there. Blank: any.
    pub session: SessionId,
}

impl Hash for SoupBinProbe {
    /// Of all but the password: a case that does not count there is none here.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let username = self.credentials.username();
        username.to_ascii_uppercase().hash(state);
        self.session.hash(state);
    }
}

/// A GET, and the answers that count as a success.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HttpProbe {
    /// What is asked for, from its first `/`.
    pub path: String,
    /// The `Host` header. `None`: the server name, or the host and port of the endpoint.
    pub host: Option<String>,
    /// The status codes that are good.
    pub status: Vec<RangeInclusive<u16>>,
    /// What the first 64 KiB of the body must contain, as it stands. `None`: anything.
    pub body: Option<String>,
}

impl HttpProbe {
    /// Why no request can be made of this, or no answer be good; none if all is well.
    ///
    /// ```
    /// use l4_failover::probe::HttpProbe;
    /// let probe = |path: &str| HttpProbe { path: path.to_owned(), ..HttpProbe::default() };
    /// assert_eq!(probe("/health?deep=1").fault(), None);
    /// assert!(probe("health").fault().is_some());
    /// assert!(probe("/a b").fault().is_some());
    /// ```
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let host = self.host.as_deref().map(HeaderValue::from_str);
        if !self.path.starts_with('/') || self.path.parse::<PathAndQuery>().is_err() {
            return Some("the path is not one that a URL could have, from its first \"/\"");
        }
        if host.is_some_and(|host| host.is_err()) {
            return Some("the host has characters that no header may have");
        }
        if self.status.iter().all(RangeInclusive::is_empty) {
            return Some("no status is good");
        }
        None
    }
}

impl Default for HttpProbe {
    /// `/` answers 200 to 299.
    fn default() -> Self {
        Self {
            path: "/".to_owned(),
            host: None,
            status: vec![200..=299],
            body: None,
        }
    }
}
