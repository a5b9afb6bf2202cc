//! What happened to a pool, in JSON.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::json::seconds;
use crate::choice::State;
use crate::{Happened, LineNews, LineTimes, PoolEvent, TierName};

/// What happened to a pool. What does not apply is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventJson {
    /// When: RFC 3339, UTC, to the millisecond.
    pub time: String,
    /// The pool's name.
    pub pool: String,
    /// What the pool serves: `port`, `inbound`, `service`, `datacenter`.
    pub kind: String,
    /// `failover`, `failback`, `forced`, `endpoint` or `missed`; of a feed's consumer `line_down`,
    /// `line_lost`, `line_joined`, `line_standby`, `line_verified`, `line_unverified`,
    /// `line_diverged`, `truncated`, `gap`, `unsequenced_dropped` or `end_of_session`.
    pub event: String,
    /// Why the active tier moved: `unhealthy`, `maintenance`, `recovered`, `operator`, `reload`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The endpoint that counts as something else now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Of a move the endpoints that were left; of an endpoint what it was: `up`, `down`,
    /// `maintenance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Of a move the endpoints that are active now, of `forced` those that stay active; of an
    /// endpoint what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The tier that was left; 0 is the primary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_tier: Option<usize>,
    /// The tier that is active now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_tier: Option<usize>,
    /// Whether a forced failback holds from now on, or no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forced: Option<bool>,
    /// Of an endpoint that stays in maintenance: what its checks say now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy: Option<bool>,
    /// Time since the last move, or since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_last_seconds: Option<f64>,
    /// Why, where somebody said: what a check or a dial said, or an operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The id of a feed's consumer's connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The address of a feed's consumer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<SocketAddr>,
    /// The number of that consumer's next message; of a line that stands by that of its own, of one
    /// that diverged that of the message that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Whether its line has repeated enough messages to be trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
    /// Where the time went until its line was joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<TookJson>,
    /// How many events of the pool this listener was too slow for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<u64>,
}

impl EventJson {
    /// An event of a pool that serves a `kind`.
    #[must_use]
    pub fn of(event: &PoolEvent, kind: &str) -> Self {
        let mut json = Self {
            time: rfc3339(event.at),
            pool: event.pool.to_string(),
            kind: kind.to_owned(),
            ..Self::default()
        };
        json.tell(&event.what);
        json
    }

    fn tell(&mut self, what: &Happened) {
        match what {
            Happened::Moved {
                kind,
                cause,
                from,
                to,
                after,
                reason,
            } => {
                self.event = kind.as_str().to_owned();
                self.cause = Some(cause.to_string());
                (self.from, self.from_tier) = tier(from);
                (self.to, self.to_tier) = tier(to);
                self.since_last_seconds = Some(seconds(*after));
                self.reason = reason.as_deref().map(str::to_owned);
            }
            Happened::Forced {
                tier: forced,
                holds,
                reason,
            } => {
                self.event = "forced".to_owned();
                self.forced = Some(*holds);
                (self.to, self.to_tier) = tier(forced);
                self.reason = reason.as_deref().map(str::to_owned);
            }
            Happened::Endpoint {
                endpoint,
                from,
                to,
                reason,
            } => {
                self.event = "endpoint".to_owned();
                self.endpoint = Some(endpoint.to_string());
                self.from = Some(from.as_str().to_owned());
                self.to = Some(to.as_str().to_owned());
                self.reason = reason.as_deref().map(str::to_owned);
            }
            Happened::Out {
                endpoint,
                is_healthy,
                reason,
            } => {
                let stays = Some(State::Maintenance.as_str().to_owned());
                self.event = "endpoint".to_owned();
                self.endpoint = Some(endpoint.to_string());
                (self.from, self.to) = (stays.clone(), stays);
                self.healthy = Some(*is_healthy);
                self.reason = reason.as_deref().map(str::to_owned);
            }
            Happened::Line(news) => self.tell_line(news),
            Happened::Missed(count) => {
                self.event = "missed".to_owned();
                self.missed = Some(*count);
            }
        }
    }
}

impl EventJson {
    fn tell_line(&mut self, news: &LineNews) {
        let text = |text: &Arc<str>| text.to_string();
        self.event = news.event.to_owned();
        self.cause = news.word.map(str::to_owned);
        self.endpoint = news.line.as_ref().map(text);
        self.from = news.from.as_ref().map(text);
        self.reason.clone_from(&news.reason);
        self.id.clone_from(&news.id);
        self.consumer = news.consumer;
        self.sequence = news.sequence;
        self.verified = news.is_verified;
        self.took_ms = news.times.as_ref().map(TookJson::of);
    }
}

/// Where the time went from one line of a feed to the next, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TookJson {
    /// From the last byte of the line before to its failure.
    pub detect: f64,
    /// From there to the connection.
    pub connect: f64,
    /// From there to the accepted login.
    pub login: f64,
    /// From there to the message that was waited for.
    pub catch_up: f64,
}

impl TookJson {
    fn of(times: &LineTimes) -> Self {
        let millis = |time: Duration| time.as_micros() as f64 / 1000.0;
        Self {
            detect: millis(times.detect),
            connect: millis(times.connect),
            login: millis(times.login),
            catch_up: millis(times.catch_up),
        }
    }
}

fn tier(name: &TierName) -> (Option<String>, Option<usize>) {
    (Some(name.to_string()), Some(name.tier))
}

/// A time of day as it stands in JSON: RFC 3339, UTC, to the millisecond.
#[must_use]
pub fn rfc3339(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}
