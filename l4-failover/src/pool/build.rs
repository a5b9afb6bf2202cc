//! Making a pool.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::options::{EndpointOptions, PoolOptions};
use super::past::Departed;
use super::state_file::StateFileError;
use super::{DialLimits, Endpoint, Pool, Upkeep};
use crate::choice::Policy;
use crate::probe::{CheckOptions, Probe};
use crate::socket::tls::{TlsClient, TlsError, TlsOptions};
use crate::target::TargetError;

/// Why a pool cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no primary endpoint, or a tier is empty.
    #[error("a pool needs at least one primary endpoint, and one in each tier")]
    NoEndpoint,
    /// A text is not a `host:port`.
    #[error("\"{text}\" is not a \"host:port\"")]
    Target {
        /// The text.
        text: String,
        /// Why not.
        source: TargetError,
    },
    /// An endpoint is there twice.
    #[error("the endpoint {0} is listed twice; remove one of them")]
    Twice(String),
    /// A number that must be at least 1 is 0.
    #[error("{0} is 0; give at least 1")]
    Zero(&'static str),
    /// A check may take longer than the time to the next.
    #[error("the timeout of a check, {timeout:?}, is not under its interval, {interval:?}")]
    Timeout {
        /// For one check.
        timeout: std::time::Duration,
        /// From one to the next.
        interval: std::time::Duration,
    },
    /// A check that could not succeed.
    #[error("a check cannot work so: {0}")]
    Check(&'static str),
    /// An endpoint is to get a PROXY header, and TLS, which a dial has begun before anybody could
    /// send the header.
    #[error("the endpoint {0} is to get a PROXY header before TLS of its own; give it one of them")]
    ProxyBeforeTls(String),
    /// What TLS needs cannot be had.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The state file cannot be used.
    #[error(transparent)]
    StateFile(#[from] StateFileError),
    /// There is no tokio runtime to check endpoints on.
    #[error("a pool is built within a tokio runtime, which checks its endpoints")]
    NoRuntime,
}

/// Says what a pool is made of; see [`Pool::builder`]. What is wrong is told by
/// [`build`](Self::build).
///
/// ```
/// use l4_failover::choice::{Failback, Policy, Sessions};
/// use l4_failover::probe::{CheckOptions, HttpProbe, Probe};
/// use l4_failover::{EndpointOptions, Pool};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let health = HttpProbe { path: "/health".to_owned(), ..HttpProbe::default() };
/// let pool = Pool::builder()
///     .name("refdata")
///     .primary("127.0.0.1:9000")
///     .primary_endpoint(EndpointOptions { weight: 3, ..EndpointOptions::at("127.0.0.1:9001".parse()?) })
///     .backup("127.0.0.1:9002")
///     .check(CheckOptions { probe: Some(Probe::Http(health)), ..CheckOptions::default() })
///     .policy(Policy {
///         failback: Failback::Manual,
///         on_failover: Sessions::Drain,
///         drain_timeout: Duration::from_secs(10),
///         ..Policy::default()
///     })
///     .build()?;
/// assert_eq!(pool.status().tiers.len(), 2);
/// assert!(Pool::builder().primary("nowhere").build().is_err());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct PoolBuilder {
    options: PoolOptions,
    upkeep: Option<Upkeep>,
    wrong: Option<BuildError>,
}

impl Default for PoolBuilder {
    fn default() -> Self {
        let options = PoolOptions {
            name: "pool".to_owned(),
            tiers: vec![Vec::new()],
            policy: Policy::default(),
            check: CheckOptions::default(),
            dial: DialLimits::default(),
            state_file: None,
        };
        Self {
            options,
            upkeep: None,
            wrong: None,
        }
    }
}

impl PoolBuilder {
    /// The pool's name in events and logs.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = name.into();
        self
    }

    /// Adds `"host:port"` to the primary tier.
    #[must_use]
    pub fn primary(mut self, target: &str) -> Self {
        if let Some(endpoint) = self.endpoint(target) {
            self.options.tiers[0].push(endpoint);
        }
        self
    }

    /// Adds `"host:port"` as a backup, a tier of its own, after those added before.
    #[must_use]
    pub fn backup(mut self, target: &str) -> Self {
        if let Some(endpoint) = self.endpoint(target) {
            self.options.tiers.push(vec![endpoint]);
        }
        self
    }

    /// Adds an endpoint with TLS, a weight or a limit to the primary tier.
    #[must_use]
    pub fn primary_endpoint(mut self, endpoint: EndpointOptions) -> Self {
        self.options.tiers[0].push(endpoint);
        self
    }

    /// Adds an endpoint with TLS, a weight or a limit as a backup, a tier of its own.
    #[must_use]
    pub fn backup_endpoint(mut self, endpoint: EndpointOptions) -> Self {
        self.options.tiers.push(vec![endpoint]);
        self
    }

    fn endpoint(&mut self, text: &str) -> Option<EndpointOptions> {
        match text.parse() {
            Ok(target) => Some(EndpointOptions::at(target)),
            Err(source) => {
                let text = text.to_owned();
                self.wrong
                    .get_or_insert(BuildError::Target { text, source });
                None
            }
        }
    }

    /// When to move, and how a tier shares its load.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.options.policy = policy;
        self
    }

    /// How endpoints are checked.
    #[must_use]
    pub fn check(mut self, check: CheckOptions) -> Self {
        self.options.check = check;
        self
    }

    /// Bounds of a dial, and the options of its connections.
    #[must_use]
    pub fn dial(mut self, dial: DialLimits) -> Self {
        self.options.dial = dial;
        self
    }

    /// Where the active tier, holds and maintenance are kept over a restart.
    #[must_use]
    pub fn state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.state_file = Some(path.into());
        self
    }

    /// Whose checks and look-ups to share; without it the pool has some of its own.
    #[must_use]
    pub fn upkeep(mut self, upkeep: &Upkeep) -> Self {
        self.upkeep = Some(upkeep.clone());
        self
    }

    /// Makes the pool, and begins to check its endpoints.
    ///
    /// # Errors
    ///
    /// [`BuildError`]: what is wrong with what was given, or that no tokio runtime is running.
    pub fn build(self) -> Result<Pool, BuildError> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let runtime = tokio::runtime::Handle::try_current();
        runtime.map_err(|_| BuildError::NoRuntime)?;
        let pool = Pool::new(self.options)?;
        pool.start(&self.upkeep.unwrap_or_default());
        Ok(pool)
    }
}

impl PoolOptions {
    /// Whether a pool can be made of this.
    pub(super) fn validate(&self) -> Result<(), BuildError> {
        if self.tiers.is_empty() || self.tiers.iter().any(Vec::is_empty) {
            return Err(BuildError::NoEndpoint);
        }
        let mut names: Vec<String> = self.endpoints().map(EndpointOptions::name).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(BuildError::Twice(twice[0].clone()));
        }
        let mut limits = self.endpoints().filter_map(|it| it.max_connections);
        if limits.any(|limit| limit == 0) {
            return Err(BuildError::Zero("max_connections"));
        }
        if self.endpoints().any(|it| it.weight == 0) {
            return Err(BuildError::Zero("a weight"));
        }
        if let Some(both) = self.endpoints().find(|it| it.proxy && it.tls.is_some()) {
            return Err(BuildError::ProxyBeforeTls(both.name()));
        }
        let mut endpoints = self.endpoints();
        endpoints.try_for_each(|it| validate_check(self.check_of(it), it.tls.as_ref()))
    }

    /// All endpoints, tier by tier.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &EndpointOptions> {
        self.tiers.iter().flatten()
    }
}

/// Whether an endpoint that has `tls` can be checked so.
fn validate_check(check: &CheckOptions, tls: Option<&TlsOptions>) -> Result<(), BuildError> {
    let numbers = [("rise", check.rise), ("fall", check.fall)];
    if let Some((what, _)) = numbers.iter().find(|(_, number)| *number == 0) {
        return Err(BuildError::Zero(what));
    }
    if check.timeout >= check.interval {
        let (timeout, interval) = (check.timeout, check.interval);
        return Err(BuildError::Timeout { timeout, interval });
    }
    let fault = match &check.probe {
        _ if check.fast_interval > check.interval => {
            Some("its fast interval is longer than its interval")
        }
        Some(Probe::Http(http)) => http.fault(),
        Some(Probe::Tls) if check.tls_of(tls).is_none() => {
            Some("it is to shake hands by TLS, and there is no server name")
        }
        _ => None,
    };
    fault.map_or(Ok(()), |fault| Err(BuildError::Check(fault)))
}

/// TLS clients by what they are made of: endpoints with equal options share one.
#[derive(Debug, Default)]
pub(super) struct Clients(HashMap<TlsOptions, TlsClient>);

impl Clients {
    pub(super) fn of(&mut self, options: &TlsOptions) -> Result<TlsClient, TlsError> {
        if let Some(known) = self.0.get(options) {
            return Ok(known.clone());
        }
        let client = TlsClient::load(options)?;
        self.0.insert(options.clone(), client.clone());
        Ok(client)
    }
}

/// The endpoints of a pool: those of `before` and of `departed` by their names, the others new.
pub(super) fn endpoints(
    options: &PoolOptions,
    before: &[Arc<Endpoint>],
    departed: &[Departed],
    clients: &mut Clients,
) -> Result<Vec<Arc<Endpoint>>, BuildError> {
    let mut endpoints = Vec::with_capacity(options.endpoints().count());
    for wanted in options.endpoints() {
        let name = wanted.name();
        let known = before.iter().find(|it| **it.name() == *name);
        if let Some(known) = known.filter(|it| it.options() == wanted) {
            endpoints.push(Arc::clone(known));
            continue;
        }
        let speaks_so = |it: &&Arc<Endpoint>| it.options().tls == wanted.tls;
        let tls = match known.filter(speaks_so) {
            Some(known) => known.tls().cloned(),
            None => wanted.tls.as_ref().map(|tls| clients.of(tls)).transpose()?,
        };
        endpoints.push(Arc::new(match known {
            Some(known) => known.changed(wanted, tls),
            None => match departed.iter().find(|it| *it.name == *name) {
                Some(departed) => Endpoint::returned(wanted, tls, departed),
                None => Endpoint::new(wanted, tls),
            },
        }));
    }
    Ok(endpoints)
}
