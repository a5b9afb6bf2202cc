//! What an operator decides: when to move, what becomes of sessions, how a tier shares its load.

use std::time::Duration;

/// How a pool behaves. [`Policy::default`] is what holds without a word of configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Where a dial may go.
    pub dial: Dial,
    /// Who moves back to a better tier.
    pub failback: Failback,
    /// Automatic failback: how long the better tier must have been healthy. Doubles with each flap
    /// within `flap_window`, to [`hold_down_max`](Policy::hold_down_max).
    pub hold_down: Duration,
    /// The most that `hold_down` doubles to; where `hold_down` is longer, that holds.
    pub hold_down_max: Duration,
    /// A failover this soon after a failback is a flap, and is remembered for this long.
    pub flap_window: Duration,
    /// What becomes of the sessions on a tier that was left for a worse one.
    pub on_failover: Sessions,
    /// What becomes of the sessions on a tier that was left for a better one.
    pub on_failback: Sessions,
    /// What becomes of the sessions of an endpoint that went down.
    pub on_endpoint_down: Sessions,
    /// [`Sessions::Drain`]: all are ended within this time, spread evenly over it.
    pub drain_timeout: Duration,
    /// After a failback new sessions return over this time, by share. `None`: at once.
    pub failback_ramp: Option<Duration>,
    /// What a dial does while nobody is healthy.
    pub when_none_healthy: NoneHealthy,
    /// Which endpoint of a tier a session goes to.
    pub balance: Balance,
    /// An endpoint that came up takes its full share only after this time. `None`: at once.
    pub slow_start: Option<Duration>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            dial: Dial::Any,
            failback: Failback::Auto,
            hold_down: Duration::from_secs(30),
            hold_down_max: Duration::from_secs(600),
            flap_window: Duration::from_secs(3600),
            on_failover: Sessions::Keep,
            on_failback: Sessions::Keep,
            on_endpoint_down: Sessions::Keep,
            drain_timeout: Duration::from_secs(30),
            failback_ramp: None,
            when_none_healthy: NoneHealthy::Try,
            balance: Balance::RoundRobin,
            slow_start: None,
        }
    }
}

/// Where a dial may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dial {
    /// A refused dial tries the next tier within itself, before the state flips.
    Any,
    /// Never outside the active tier.
    Active,
}

/// Who moves back to a better tier while the active one is healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failback {
    /// The pool, after `hold_down`.
    Auto,
    /// The operator. Leaving a dead backup for the primary is failover, not failback.
    Manual,
}

/// What becomes of sessions on what was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// They go on.
    Keep,
    /// They are ended over `drain_timeout`, spread evenly.
    Drain,
    /// They are reset at once.
    Close,
}

/// What a dial does while nobody is healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoneHealthy {
    /// Tries all in order, never one in maintenance.
    Try,
    /// Fails at once.
    Refuse,
}

/// Which endpoint of a tier a session goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// Each in turn, by weight.
    RoundRobin,
    /// The one with the fewest sessions for its weight.
    LeastConnections,
    /// The better of two drawn at random by weight.
    TwoRandomChoices,
    /// By the client's address: the same client, the same endpoint, as long as it is there.
    SourceHash,
}

/// When an endpoint counts as down, and as up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthPolicy {
    /// Whether active checks decide. Otherwise failed dials do, and the endpoint is ejected for a
    /// time that doubles from 1 s to 60 s.
    pub is_checked: bool,
    /// Successes in a row to come back; at least 1.
    pub rise: u32,
    /// Failures in a row to go down; at least 1.
    pub fall: u32,
    /// Failures seen by traffic count at most once in this time.
    pub fast_interval: Duration,
}

impl Default for HealthPolicy {
    /// 3 and 3, once a second.
    fn default() -> Self {
        Self {
            is_checked: true,
            rise: 3,
            fall: 3,
            fast_interval: Duration::from_secs(1),
        }
    }
}
