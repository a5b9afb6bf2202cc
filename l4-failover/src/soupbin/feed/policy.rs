//! When a feed moves between its lines by itself.

use std::time::Duration;

use crate::choice::{Balance, Dial, Failback, NoneHealthy, Policy};

/// When a feed moves between its lines by itself, and where the next one leads. What a
/// [`Policy`] says beyond this is of sessions that cannot move.
///
/// ```
/// use l4_failover::soupbin::feed::{AutoFailback, Feed, FeedPolicy};
/// use std::time::Duration;
///
/// let failback = Some(AutoFailback { hold_down: Duration::from_secs(60), ..AutoFailback::default() });
/// let policy = FeedPolicy { failback, ..FeedPolicy::default() };
/// let feed = Feed::builder("itch").primary("itch.dc1:9000").backup("itch.dc2:9000").policy(policy);
/// # drop(feed);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedPolicy {
    /// How it returns to the primary by itself. `None`: it stays where it is until it is
    /// [told](super::Feed::failback).
    pub failback: Option<AutoFailback>,
    /// Whether a line may lead outside of the active tier, where nobody there can be joined.
    pub dial: Dial,
    /// Whether lines are tried while no endpoint is healthy.
    pub when_none_healthy: NoneHealthy,
    /// Which endpoint of a tier a line leads to.
    pub balance: Balance,
    /// An endpoint that came up takes its full share only after this time. `None`: at once.
    pub slow_start: Option<Duration>,
}

/// How a feed returns to a better line by itself: make before break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoFailback {
    /// How long the better line must have been healthy. Doubles with each flap within `flap_window`.
    pub hold_down: Duration,
    /// The most that `hold_down` doubles to; where `hold_down` is longer, that holds.
    pub hold_down_max: Duration,
    /// A failover this soon after a failback is a flap, and is remembered for this long.
    pub flap_window: Duration,
}

impl Default for FeedPolicy {
    /// It goes wherever a line can be joined, and returns when it is told.
    fn default() -> Self {
        let Policy {
            dial,
            when_none_healthy,
            balance,
            slow_start,
            ..
        } = Policy::default();
        Self {
            failback: None,
            dial,
            when_none_healthy,
            balance,
            slow_start,
        }
    }
}

impl Default for AutoFailback {
    /// After 30 s, doubling with each flap within an hour up to 10 min.
    fn default() -> Self {
        let Policy {
            hold_down,
            hold_down_max,
            flap_window,
            ..
        } = Policy::default();
        Self {
            hold_down,
            hold_down_max,
            flap_window,
        }
    }
}

impl From<FeedPolicy> for Policy {
    fn from(feed: FeedPolicy) -> Self {
        let failback = feed.failback.map_or(Failback::Manual, |_| Failback::Auto);
        let AutoFailback {
            hold_down,
            hold_down_max,
            flap_window,
        } = feed.failback.unwrap_or_default();
        Self {
            failback,
            hold_down,
            hold_down_max,
            flap_window,
            dial: feed.dial,
            when_none_healthy: feed.when_none_healthy,
            balance: feed.balance,
            slow_start: feed.slow_start,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_returns_by_itself_only_where_that_is_said() {
        let feed = FeedPolicy {
            dial: Dial::Active,
            ..FeedPolicy::default()
        };
        let policy = Policy::from(feed.clone());
        assert_eq!(
            (policy.failback, policy.dial),
            (Failback::Manual, Dial::Active)
        );
        let hold_down = Duration::from_secs(7);
        let failback = Some(AutoFailback {
            hold_down,
            ..AutoFailback::default()
        });
        let policy = Policy::from(FeedPolicy { failback, ..feed });
        assert_eq!(
            (policy.failback, policy.hold_down),
            (Failback::Auto, hold_down)
        );
    }
}
