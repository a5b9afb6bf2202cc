//! What `/status` says, of either program, and what two readings of it differ by.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use crate::admin::pools::{EventJson, ServedJson};

/// The document of `/status`. What a program does not have is empty.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Document {
    pub(super) datacenter: Option<String>,
    pub(super) state: String,
    pub(super) generation: u64,
    pub(super) uptime_seconds: f64,
    pub(super) connections: u64,
    pub(super) connections_max: u64,
    pub(super) connections_accepted: u64,
    services: Vec<ServedJson>,
    adoptions: Vec<ServedJson>,
    datacenters: Vec<ServedJson>,
    pools: Vec<ServedJson>,
    pub(super) recent: Vec<EventJson>,
}

impl Document {
    /// Which program says this: whoever asks may be the other one.
    pub(super) fn program(&self) -> &'static str {
        match self.datacenter {
            Some(_) => "mesh-gateway",
            None => "l4-failover",
        }
    }

    /// Every pool, services first.
    pub(super) fn served(&self) -> impl Iterator<Item = &ServedJson> {
        let services = self.services.iter().chain(&self.adoptions);
        services.chain(&self.datacenters).chain(&self.pools)
    }
}

/// A document, and when it was read.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) document: Document,
    pub(super) at: Instant,
}

impl Reading {
    /// Whether another process answers than did at `before`: it runs for less long than it would.
    pub(super) fn is_of_another_process(&self, before: &Self) -> bool {
        let passed = self.at.duration_since(before.at).as_secs_f64();
        // Half of it: an answer may have waited.
        self.document.uptime_seconds < before.document.uptime_seconds + passed / 2.0
    }

    /// What happens a second, as of this reading and the one `before`.
    pub(super) fn rates(&self, before: &Self) -> Rates {
        let passed = self.at.duration_since(before.at);
        let rate = |now: u64, before: u64| per_second(now, before, passed);
        let earlier: HashMap<_, _> = before.document.served().map(|it| (key(it), it)).collect();
        let pools = self.document.served().filter_map(|now| {
            let before = earlier.get(&key(now))?;
            let rates = PoolRates {
                connects: rate(now.connects(), before.connects()),
                from_client: rate(now.from_client_bytes, before.from_client_bytes),
                from_upstream: rate(now.from_upstream_bytes, before.from_upstream_bytes),
            };
            let (kind, name) = key(now);
            Some(((kind.to_owned(), name.to_owned()), rates))
        });
        let (now, earlier) = (&self.document, &before.document);
        Rates {
            accepted: Some(rate(now.connections_accepted, earlier.connections_accepted)),
            pools: pools.collect(),
        }
    }
}

fn key(it: &ServedJson) -> (&str, &str) {
    (&it.pool.kind, &it.pool.name)
}

/// None where it went backwards: a listener is gone, and what it had counted.
fn per_second(now: u64, before: u64, passed: Duration) -> f64 {
    let more = now.saturating_sub(before) as f64;
    match passed.is_zero() {
        true => 0.0,
        false => more / passed.as_secs_f64(),
    }
}

/// What happens a second; nothing is known after a single reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rates {
    /// Connections that are accepted.
    pub(super) accepted: Option<f64>,
    pools: HashMap<(String, String), PoolRates>,
}

/// The same of one pool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PoolRates {
    /// Connections that endpoints take.
    pub(super) connects: f64,
    /// Bytes from clients.
    pub(super) from_client: f64,
    /// Bytes from endpoints.
    pub(super) from_upstream: f64,
}

impl Rates {
    pub(super) fn of(&self, it: &ServedJson) -> Option<&PoolRates> {
        self.pools
            .get(&(it.pool.kind.clone(), it.pool.name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reading(uptime: f64, at: Instant, accepted: u64) -> Reading {
        let document = json!({"uptime_seconds": uptime, "connections_accepted": accepted});
        Reading {
            document: serde_json::from_value(document).unwrap(),
            at,
        }
    }

    #[test]
    fn another_process_runs_for_less_long() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs_f64(seconds);
        let before = reading(0.5, start, 0);
        assert!(!reading(1.5, after(1.0), 0).is_of_another_process(&before));
        assert!(!reading(1.2, after(1.0), 0).is_of_another_process(&before));
        assert!(reading(0.6, after(1.0), 0).is_of_another_process(&before));
        assert!(reading(3.0, after(60.0), 0).is_of_another_process(&before));
    }

    #[test]
    fn a_rate_is_what_two_readings_differ_by() {
        let start = Instant::now();
        let later = start + Duration::from_millis(500);
        let before = reading(1.0, start, 10);
        assert_eq!(reading(1.5, later, 13).rates(&before).accepted, Some(6.0));
        assert_eq!(reading(1.5, later, 7).rates(&before).accepted, Some(0.0));
        assert_eq!(reading(1.0, start, 13).rates(&before).accepted, Some(0.0));
    }
}
