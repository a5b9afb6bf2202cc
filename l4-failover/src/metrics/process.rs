//! What the process as a whole counts.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Result};

use super::Register;
use crate::socket::relay::Tally;
use crate::socket::workers::Pause;

/// What the process as a whole counts, whatever it passes on.
#[derive(Debug)]
pub struct ProcessMetrics {
    workers: IntGaugeVec,
    pauses: IntCounterVec,
    handed_over: IntCounter,
    copied: IntCounter,
    spliced: IntCounter,
    owned: IntGauge,
    pipes: IntGauge,
    log_lost: IntCounter,
}

/// What the process holds at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Snapshot {
    /// Bytes that peers would not take yet.
    pub owned_bytes: usize,
    /// Pipes lent to bulk directions.
    pub pipes_lent: usize,
    /// Log lines that were lost because the log's reader was too slow.
    pub log_lost: u64,
}

impl ProcessMetrics {
    /// All at zero; `workers` names the gauge of the connections that each worker serves.
    ///
    /// # Errors
    ///
    /// When one of the names is taken.
    pub fn new(of: Register<'_>, workers: &str) -> Result<Self> {
        let relayed = of.counters(
            "relayed_bytes_total",
            "Bytes passed on by connections that have ended, by how.",
            &["path"],
        )?;
        Ok(Self {
            workers: of.gauges(
                workers,
                "Connections that each worker serves now.",
                &["worker"],
            )?,
            pauses: of.counters(
                "accept_pauses_total",
                "Times that a worker paused accepting.",
                &["reason"],
            )?,
            handed_over: of.counter(
                "connections_handed_over_total",
                "Connections that one worker accepted and passed to another with fewer.",
            )?,
            copied: relayed.with_label_values(&["copy"]),
            spliced: relayed.with_label_values(&["splice"]),
            owned: of.gauge(
                "owned_bytes",
                "Bytes held now because a peer would not take them yet.",
            )?,
            pipes: of.gauge("pipes_lent", "Pipes lent to bulk directions now.")?,
            log_lost: of.counter(
                "log_lines_lost_total",
                "Log lines lost because the log was read too slowly.",
            )?,
        })
    }

    /// Counts a pause of accepting.
    pub fn paused(&self, why: Pause) {
        let reason = match why {
            Pause::Exhausted => "exhausted",
            Pause::Limit => "limit",
        };
        self.pauses.with_label_values(&[reason]).inc();
    }

    /// Counts a connection that went to another worker.
    pub fn handed_over(&self) {
        self.handed_over.inc();
    }

    /// Counts the bytes of a connection that has ended.
    pub fn relayed(&self, tally: &Tally) {
        let bytes = tally.from_client() + tally.from_upstream();
        self.copied.inc_by(bytes.saturating_sub(tally.spliced()));
        if tally.spliced() > 0 {
            self.spliced.inc_by(tally.spliced());
        }
    }

    /// What the process holds now; `loads` are the workers' connections.
    pub fn set(&self, loads: impl Iterator<Item = usize>, now: Snapshot) {
        for (worker, load) in loads.enumerate() {
            let gauge = self.workers.with_label_values(&[&worker.to_string()]);
            gauge.set(load as i64);
        }
        self.owned.set(now.owned_bytes as i64);
        self.pipes.set(now.pipes_lent as i64);
        let lost = now.log_lost.saturating_sub(self.log_lost.get());
        self.log_lost.inc_by(lost);
    }
}
