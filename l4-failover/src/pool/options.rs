//! What a pool is made of.

use std::path::PathBuf;

use super::{DialLimits, StateFileError, state_file};
use crate::choice::Policy;
use crate::probe::CheckOptions;
use crate::socket::tls::TlsOptions;
use crate::target::Target;

/// Everything that a pool is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolOptions {
    /// Its name, for events, logs and commands.
    pub name: String,
    /// The endpoints by tier, the best first; no tier is empty, and no endpoint is there twice.
    pub tiers: Vec<Vec<EndpointOptions>>,
    /// When to move, and how a tier shares its load.
    pub policy: Policy,
    /// How endpoints are checked.
    pub check: CheckOptions,
    /// Bounds of a dial.
    pub dial: DialLimits,
    /// Where the active tier, holds and maintenance are kept over a restart. `None`: nowhere.
    pub state_file: Option<PathBuf>,
}

/// One endpoint of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointOptions {
    /// Where it is.
    pub target: Target,
    /// How to speak TLS to it. `None`: it gets the bytes as they come.
    pub tls: Option<TlsOptions>,
    /// Its share of the tier's sessions beside the others' weights, 1 to 1000.
    pub weight: u32,
    /// Sessions that it may have at once. `None`: any number.
    pub max_connections: Option<u64>,
    /// How it is checked. `None`: as the others of the pool.
    pub check: Option<CheckOptions>,
    /// Whether it only leads on to others, as a gateway does: it connects whether or not they
    /// answer, and whoever dials finds out from the first bytes that come back.
    pub leads_on: bool,
    /// Whether it expects a header of the [PROXY protocol](crate::socket::proxy) before all else.
    /// Whoever dials sends it, since only they know for whom; checks at the endpoint's own port
    /// send one that says `LOCAL`. Not together with `tls`, which would have to follow the header.
    pub proxy: bool,
}

impl PoolOptions {
    /// Why this machine would not let the pool keep its state, found out without writing anything:
    /// a pool is refused for this, and who only looks at a file that is meant for another machine can
    /// say it. None where nothing is to be kept.
    #[must_use]
    pub fn unkept(&self) -> Option<StateFileError> {
        let path = self.state_file.as_ref()?;
        state_file::check(path).err()
    }

    /// How `endpoint` is checked.
    #[must_use]
    pub fn check_of<'a>(&'a self, endpoint: &'a EndpointOptions) -> &'a CheckOptions {
        endpoint.check.as_ref().unwrap_or(&self.check)
    }
}

impl EndpointOptions {
    /// An endpoint at `target`, of weight 1, with nothing else.
    #[must_use]
    pub fn at(target: Target) -> Self {
        Self {
            target,
            tls: None,
            weight: 1,
            max_connections: None,
            check: None,
            leads_on: false,
            proxy: false,
        }
    }

    /// What tells it from the others of a pool: `host:port`, and `host:port/server_name` where it
    /// is spoken to by TLS.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.tls {
            Some(tls) => format!("{}/{}", self.target, tls.server_name),
            None => self.target.to_string(),
        }
    }
}
