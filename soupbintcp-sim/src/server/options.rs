//! What a server is to be like.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use l4_failover::admin::AdminOptions;
use l4_failover::soupbin::packet::SessionId;
use l4_failover::soupbin::session::ServerLimits;

use super::{Burst, Content, LoginRules, Rate};
use crate::script::Script;

/// What a server is to be like.
///
/// ```
/// use soupbintcp_sim::server::{Content, Options};
///
/// let options = Options {
///     listen: vec!["127.0.0.1:0".parse()?],
///     content: Content::Day { seed: 7 },
///     rate: "100000".parse()?,
///     messages: Some(1_000_000),
///     ..Options::default()
/// };
/// assert_eq!(options.session.as_str(), "FEED000001");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// Where clients connect; port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// Where operators are served; without it they are not.
    pub admin: Option<AdminOptions>,
    /// The messages.
    pub content: Content,
    /// How fast they come.
    pub rate: Rate,
    /// How they are spread, where the rate is not [`Rate::Max`].
    pub burst: Option<Burst>,
    /// The number of the session's last message; `None`: as far as there are messages.
    pub messages: Option<u64>,
    /// The name of the session.
    pub session: SessionId,
    /// From when on messages are due; `None`: from when the addresses are bound.
    pub start: Option<SystemTime>,
    /// How logins are answered.
    pub login: LoginRules,
    /// What clients may take of the server.
    pub limits: Limits,
    /// Faults that are known beforehand.
    pub script: Script,
}

/// What clients may take of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a client may take to log in, and be silent.
    pub session: ServerLimits,
    /// How long a client may take nothing of what there is for it.
    pub stall: Duration,
    /// Clients at once; more wait until one leaves.
    pub clients_max: usize,
}

impl Default for Limits {
    /// 30 s to log in, 30 s of silence, 10 s of not reading, 256 clients. SoupBinTCP 4.00 (section 1.2)
    /// has 15 s of silence for an example; the exchange's own Python client says nothing for its first
    /// twenty.
    fn default() -> Self {
        Self {
            session: ServerLimits {
                silence: Duration::from_secs(30),
                ..ServerLimits::default()
            },
            stall: Duration::from_secs(10),
            clients_max: 256,
        }
    }
}

impl Default for Options {
    /// Nowhere yet; session FEED000001 of the day of seed 7, 10 000 messages a second, without end.
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            admin: None,
            content: Content::Day { seed: 7 },
            rate: "10000".parse().unwrap_or(Rate::Max),
            burst: None,
            messages: None,
            session: "FEED000001".parse().unwrap_or_default(),
            start: None,
            login: LoginRules::default(),
            limits: Limits::default(),
            script: Script::default(),
        }
    }
}
