//! How many connections the descriptors of the process allow.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are no connection's: standard streams, event queues, the admin address,
/// look-ups.
const RESERVED: usize = 128;

/// A worker's event queue and what wakes it.
const PER_WORKER: usize = 4;

/// What a process keeps open besides its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Worker threads.
    pub workers: usize,
    /// Listening addresses, each with a socket per worker.
    pub listeners: usize,
    /// Pipes for bulk, each with two ends.
    pub pipes: usize,
    /// Anything else that grows with the configuration, such as checks: one descriptor each.
    pub others: usize,
}

impl Standing {
    fn descriptors(self) -> usize {
        let sockets = self.listeners * self.workers;
        RESERVED + PER_WORKER * self.workers + sockets + 2 * self.pipes + self.others
    }
}

/// More connections are configured than the process may open descriptors for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{connections} connections at once need {needed} descriptors, and the process may open \
     {allowed}: raise the limit (ulimit -n, LimitNOFILE= of systemd), or lower \
     limits.connections, workers or relay.pipes"
)]
pub struct TooFewDescriptors {
    /// The number wanted: as configured, or one.
    pub connections: usize,
    /// Two descriptors a connection, and what else is open.
    pub needed: usize,
    /// RLIMIT_NOFILE.
    pub allowed: usize,
}

/// How many connections may be open at once: `wanted`, or, where none is given, as many as
/// `allowed` descriptors leave room for, two each, beside what is `standing`.
///
/// ```
/// use l4_failover::process::descriptors::{Standing, connections_max};
///
/// let standing = Standing { workers: 2, listeners: 1, ..Standing::default() };
/// assert_eq!(connections_max(Some(100), standing, 1024), Ok(100));
/// assert_eq!(connections_max(None, standing, 1024), Ok(443));
/// assert!(connections_max(Some(444), standing, 1024).is_err());
/// ```
///
/// # Errors
///
/// [`TooFewDescriptors`]: there is no room for them, or for one.
pub fn connections_max(
    wanted: Option<usize>,
    standing: Standing,
    allowed: usize,
) -> Result<usize, TooFewDescriptors> {
    let other = standing.descriptors();
    let room = allowed.saturating_sub(other) / 2;
    match wanted {
        None if room > 0 => Ok(room),
        Some(connections) if connections <= room => Ok(connections),
        _ => Err(TooFewDescriptors {
            connections: wanted.unwrap_or(1),
            needed: 2 * wanted.unwrap_or(1) + other,
            allowed,
        }),
    }
}

/// Raises the soft limit on descriptors to the hard one; the limit.
#[must_use]
pub fn raise_descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    // No limit at all: as many as the kernel lets a process open by default.
    current.map_or(1 << 20, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDING: Standing = Standing {
        workers: 2,
        listeners: 3,
        pipes: 32,
        others: 5,
    };

    #[test]
    fn what_stands_open_leaves_the_rest_for_connections() {
        // 128 + 2 × 4 + 3 × 2 + 32 × 2 + 5
        assert_eq!(STANDING.descriptors(), 211);
        assert_eq!(connections_max(None, STANDING, 213), Ok(1));
        assert_eq!(
            connections_max(None, STANDING, 212).unwrap_err().needed,
            213
        );
        assert_eq!(connections_max(Some(10), STANDING, 231), Ok(10));
    }

    #[test]
    fn too_many_connections_are_told_what_they_would_need() {
        let error = connections_max(Some(11), STANDING, 231).unwrap_err();
        let start = "11 connections at once need 233 descriptors, and the process may open 231: ";
        assert!(error.to_string().starts_with(start), "{error}");
    }

    #[test]
    fn raising_twice_gives_the_same_limit() {
        assert_eq!(raise_descriptors(), raise_descriptors());
    }
}
