//! What `l4-failover` counts. Every label is a configured name or one of a fixed set of words.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus::{
    Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry,
};

use super::feed::{FeedSeries, FeedVectors};
use super::outcome::{Outcome, Phase};
use crate::metrics::{ByName, DIAL_SECONDS, ProcessMetrics, Register, render};
use crate::outcome::Cause;
use crate::socket::relay::Side;

/// The first word of every name.
const PREFIX: &str = "l4_failover";

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    vectors: Arc<Vectors>,
    pub(super) process: ProcessMetrics,
    generation: IntGauge,
    /// By name, as long as anybody has them: a port that comes back goes on counting.
    series: ByName<Arc<str>, Series>,
}

/// Vectors whose children belong to ports and inbounds.
#[derive(Debug)]
struct Vectors {
    accepted: IntCounterVec,
    active: IntGaugeVec,
    closed: IntCounterVec,
    bytes: IntCounterVec,
    dial: HistogramVec,
    feed: FeedVectors,
}

/// What is counted of one port or inbound, from its first connection or reload until nobody has it
/// any more.
#[derive(Debug)]
pub struct Series {
    vectors: Arc<Vectors>,
    name: Arc<str>,
    accepted: IntCounter,
    active: IntGauge,
    closed: [[OnceLock<IntCounter>; Cause::ALL.len()]; Phase::ALL.len()],
    bytes: [IntCounter; 2],
    dial: Histogram,
    feed: OnceLock<Arc<FeedSeries>>,
}

impl Series {
    fn new(vectors: &Arc<Vectors>, name: &Arc<str>) -> Self {
        let port: [&str; 1] = [name];
        let bytes = |from| vectors.bytes.with_label_values::<&str>(&[name, from]);
        Self {
            accepted: vectors.accepted.with_label_values(&port),
            active: vectors.active.with_label_values(&port),
            closed: Default::default(),
            bytes: [bytes("client"), bytes("upstream")],
            dial: vectors.dial.with_label_values(&port),
            feed: OnceLock::new(),
            vectors: Arc::clone(vectors),
            name: Arc::clone(name),
        }
    }

    pub(super) fn opened(&self) {
        self.accepted.inc();
        self.active.inc();
    }

    pub(super) fn closed(&self, Outcome { phase, cause, .. }: Outcome) {
        self.active.dec();
        let counter = &self.closed[phase as usize][cause as usize];
        let counter = counter.get_or_init(|| {
            let labels = [&self.name, phase.as_str(), cause.as_str()];
            self.vectors.closed.with_label_values(&labels)
        });
        counter.inc();
    }

    pub(super) fn add_bytes(&self, side: Side, bytes: u64) {
        self.bytes[side as usize].inc_by(bytes);
    }

    /// Connections that were accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.get()
    }

    /// Bytes that came from clients, and from upstreams.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        (self.bytes[0].get(), self.bytes[1].get())
    }

    /// What is counted of it as a feed.
    #[must_use]
    pub fn feed(&self) -> &Arc<FeedSeries> {
        self.feed
            .get_or_init(|| Arc::new(self.vectors.feed.of(&self.name)))
    }

    pub(super) fn dialled(&self, took: Duration) {
        self.dial.observe(took.as_secs_f64());
    }
}

impl Metrics {
    pub(super) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let of = Register::new(&registry, PREFIX);
        let vectors = Vectors::new(of)?;
        let (process, generation) = (
            ProcessMetrics::new(of, "worker_connections")?,
            of.gauge(
                "generation",
                "How often the configuration was read again; 0 since the start.",
            )?,
        );
        Ok(Self {
            registry,
            vectors: Arc::new(vectors),
            process,
            generation,
            series: ByName::default(),
        })
    }

    /// For whatever else the program counts.
    #[must_use]
    pub fn register(&self) -> Register<'_> {
        Register::new(&self.registry, PREFIX)
    }

    /// What is counted of the port or inbound of this name.
    #[must_use]
    pub fn series(&self, name: &Arc<str>) -> Arc<Series> {
        self.series.of(name, || Series::new(&self.vectors, name))
    }

    /// Takes away what was counted of ports and inbounds that nobody has any more.
    fn forget(&self) {
        self.series.forget(|name| self.vectors.forget(name));
    }

    /// How often the configuration was read again.
    pub fn set_generation(&self, generation: u64) {
        self.generation.set(generation as i64);
    }

    pub(super) fn render(&self) -> Vec<u8> {
        self.forget();
        render(&self.registry)
    }
}

impl Vectors {
    /// What was never counted is not there, and is not missed.
    fn forget(&self, name: &str) {
        let _ = self.accepted.remove_label_values(&[name]);
        let _ = self.active.remove_label_values(&[name]);
        let _ = self.dial.remove_label_values(&[name]);
        self.feed.forget(name);
        for from in ["client", "upstream"] {
            let _ = self.bytes.remove_label_values(&[name, from]);
        }
        for (phase, cause) in Phase::ALL
            .iter()
            .flat_map(|it| Cause::ALL.map(|cause| (it, cause)))
        {
            let ended = [name, phase.as_str(), cause.as_str()];
            let _ = self.closed.remove_label_values(&ended);
        }
    }

    fn new(of: Register<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            accepted: of.counters(
                "connections_accepted_total",
                "Connections accepted.",
                &["port"],
            )?,
            active: of.gauges("connections_active", "Connections open now.", &["port"])?,
            closed: of.counters(
                "connections_closed_total",
                "Connections that ended, by how far they had come and what ended them.",
                &["port", "phase", "cause"],
            )?,
            bytes: of.counters(
                "bytes_total",
                "Bytes read, by the side that sent them.",
                &["port", "from"],
            )?,
            dial: of.histograms(
                "dial_seconds",
                "Time to a connected endpoint, failed attempts included.",
                &["port"],
                &DIAL_SECONDS,
            )?,
            feed: FeedVectors::new(of)?,
        })
    }
}
