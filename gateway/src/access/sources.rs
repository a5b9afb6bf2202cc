//! What each source has taken, shared by the workers.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use thiserror::Error;

use super::ledger::{Ledger, TooMany};
use super::limits::SourceLimits;
use super::source::Source;

/// Two workers seldom want the same one of as many at once, for the fraction of a microsecond that
/// each takes.
const SHARDS: usize = 64;

/// Sources without a connection that are remembered until they have rested, in all: some 5 MiB.
/// Beyond that those who came first are forgotten, and have rested.
pub const SOURCES_RESTING_MAX: usize = 1 << 16;

/// What each source of connections has taken.
///
/// ```
/// use gateway::access::{Excess, SourceLimits, Sources};
/// use std::num::NonZeroU32;
/// use std::sync::Arc;
/// use std::time::Instant;
///
/// let sources = Arc::new(Sources::new());
/// let limits = SourceLimits { connections: NonZeroU32::new(1), ..SourceLimits::default() };
/// let (client, now) = ("192.0.2.7".parse()?, Instant::now());
/// let first = sources.admit(client, &limits, now).expect("it has none yet");
/// let error = sources.admit(client, &limits, now).expect_err("it has one");
/// assert!(matches!(error, Excess::Connections { .. }), "{error}");
/// drop(first);
/// assert!(sources.admit(client, &limits, now).is_ok());
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug)]
pub struct Sources {
    shards: Box<[Mutex<Ledger>]>,
    /// With keys of its own, so that nobody chooses addresses that share a shard.
    hasher: RandomState,
}

/// A connection that counts for its source, until this is dropped.
#[derive(Debug)]
pub struct Stay {
    sources: Arc<Sources>,
    source: Source,
}

/// Why one more connection of a source is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Excess {
    /// It has as many as it may.
    #[error("{of} has {max} connections, as many as limits.connections_per_source allows")]
    Connections {
        /// Which source.
        of: Source,
        /// As many as it may have.
        max: u32,
    },
    /// It opened too many in a short time.
    #[error("{of} opens connections faster than limits.rate_per_source allows")]
    Rate {
        /// Which source.
        of: Source,
    },
}

impl Excess {
    /// Every value of [`Excess::reason`].
    pub const REASONS: [&'static str; 2] = ["source_connections", "source_rate"];

    /// A stable label for metrics and logs.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Connections { .. } => "source_connections",
            Self::Rate { .. } => "source_rate",
        }
    }
}

impl Default for Sources {
    fn default() -> Self {
        Self::new()
    }
}

impl Sources {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        let ledger = || Mutex::new(Ledger::new(SOURCES_RESTING_MAX / SHARDS));
        Self {
            shards: (0..SHARDS).map(|_| ledger()).collect(),
            hasher: RandomState::new(),
        }
    }

    /// One more connection of the source that `client` belongs to; it counts until what is returned
    /// is dropped. Where nothing is limited, or not for `client`, it does not count, and none is
    /// returned.
    ///
    /// # Errors
    ///
    /// [`Excess`]: the source has as much as it may. Nothing is kept of the attempt.
    pub fn admit(
        self: &Arc<Self>,
        client: IpAddr,
        limits: &SourceLimits,
        now: Instant,
    ) -> Result<Option<Box<Stay>>, Excess> {
        if !limits.is_on() || limits.exempt.contains(client) {
            return Ok(None);
        }
        let source = Source::of(client, limits.ipv6_prefix);
        let admitted = self.ledger(&source).admit(source, limits, now);
        admitted.map_err(|too_many| Excess::new(too_many, source, limits))?;
        Ok(Some(Box::new(Stay {
            sources: Arc::clone(self),
            source,
        })))
    }

    /// Forgets those who have rested; to be called every second.
    pub fn tidy(&self, now: Instant) {
        for shard in &self.shards {
            locked(shard).tidy(now);
        }
    }

    /// How many sources are known: those that have a connection that counts, and those that have
    /// not rested.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| locked(shard).len()).sum()
    }

    /// Whether no source is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn ledger(&self, source: &Source) -> MutexGuard<'_, Ledger> {
        let hash = self.hasher.hash_one(source) as usize;
        locked(&self.shards[hash % SHARDS])
    }
}

fn locked(shard: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Excess {
    fn new(too_many: TooMany, of: Source, limits: &SourceLimits) -> Self {
        match too_many {
            TooMany::Connections => Self::Connections {
                of,
                max: limits.connections.map_or(0, Into::into),
            },
            TooMany::New => Self::Rate { of },
        }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let now = Instant::now();
        self.sources.ledger(&self.source).leave(self.source, now);
    }
}
