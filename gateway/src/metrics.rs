//! What the gateway counts. Every label is a configured name or one of a fixed set of words: a
//! name from the wire is never a label.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use l4_failover::DialError;
use l4_failover::metrics::{
    ByName, DIAL_SECONDS, Labelled, PoolMetrics, ProcessMetrics, Register, Snapshot, render,
};
use l4_failover::socket::relay::Side;
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, Registry};

use crate::access::{Denied, Excess};
use crate::error::{Error, PROXY_HEADER};
use crate::hello::ReadError;
use crate::outcome::{Cause, Outcome, Phase};
use crate::route::{RouteError, RouteKind};

/// The label of connections that ended before they had a route.
const NO_ROUTE: &str = "none";

/// What the names of all metrics begin with.
const PREFIX: &str = "mesh_gateway";

/// All metrics of a process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    vectors: Arc<Vectors>,
    /// Connections that ended before they had a route.
    unrouted: Series,
    refusals: HashMap<&'static str, IntCounter>,
    accepted: IntCounterVec,
    half_read: IntGauge,
    process: ProcessMetrics,
    generation: IntGauge,
    series: ByName<(RouteKind, String), Series>,
    listeners: ByName<String, IntCounter>,
}

/// Vectors whose children belong to routes.
#[derive(Debug)]
struct Vectors {
    outcomes: IntCounterVec,
    bytes: IntCounterVec,
    dial: HistogramVec,
    failed_attempts: IntCounterVec,
}

/// The metrics of one route. Children are made when they are first needed, so that a route which
/// nobody asks for costs nothing, and are then kept, so that no connection looks one up by labels.
#[derive(Debug)]
pub struct Series {
    vectors: Arc<Vectors>,
    kind: &'static str,
    name: String,
    children: OnceLock<Box<Children>>,
}

#[derive(Debug)]
struct Children {
    outcomes: [[OnceLock<IntCounter>; Cause::ALL.len()]; Phase::ALL.len()],
    from_client: IntCounter,
    from_upstream: IntCounter,
    dial: Histogram,
    failed_attempts: IntCounter,
}

impl Vectors {
    /// What was never counted is not there, and is not missed.
    fn forget(&self, kind: &str, name: &str) {
        let _ = self.dial.remove_label_values(&[kind, name]);
        let _ = self.failed_attempts.remove_label_values(&[kind, name]);
        for from in ["client", "upstream"] {
            let _ = self.bytes.remove_label_values(&[kind, name, from]);
        }
        for (phase, cause) in Phase::ALL
            .iter()
            .flat_map(|it| Cause::ALL.map(|cause| (it, cause)))
        {
            let ended = [kind, name, phase.as_str(), cause.as_str()];
            let _ = self.outcomes.remove_label_values(&ended);
        }
    }
}

impl Series {
    fn children(&self) -> &Children {
        self.children.get_or_init(|| {
            let (vectors, labels) = (&self.vectors, [self.kind, self.name.as_str()]);
            let bytes = |from| {
                vectors
                    .bytes
                    .with_label_values(&[self.kind, &self.name, from])
            };
            Box::new(Children {
                outcomes: Default::default(),
                from_client: bytes("client"),
                from_upstream: bytes("upstream"),
                dial: vectors.dial.with_label_values(&labels),
                failed_attempts: vectors.failed_attempts.with_label_values(&labels),
            })
        })
    }

    /// Counts the end of a connection.
    fn ended(&self, phase: Phase, cause: Cause) {
        let counter = &self.children().outcomes[phase as usize][cause as usize];
        let counter = counter.get_or_init(|| {
            let labels = [self.kind, &self.name, phase.as_str(), cause.as_str()];
            self.vectors.outcomes.with_label_values(&labels)
        });
        counter.inc();
    }

    /// Counts bytes that came from `side`.
    pub fn add_bytes(&self, side: Side, bytes: u64) {
        match side {
            Side::Client => self.children().from_client.inc_by(bytes),
            Side::Upstream => self.children().from_upstream.inc_by(bytes),
        }
    }

    /// Bytes that came from clients, and from upstreams.
    #[must_use]
    pub fn bytes(&self) -> (u64, u64) {
        let children = self.children.get();
        children.map_or((0, 0), |it| (it.from_client.get(), it.from_upstream.get()))
    }

    /// Counts a dial that ended in a connection, and the attempts that had failed before.
    pub fn dialled(&self, took: Duration, failed: usize) {
        let children = self.children();
        children.dial.observe(took.as_secs_f64());
        if failed > 0 {
            children.failed_attempts.inc_by(failed as u64);
        }
    }

    /// Counts the attempts of a dial that failed.
    pub fn exhausted(&self, error: &DialError) {
        let failed = error.tried() as u64;
        self.children().failed_attempts.inc_by(failed);
    }
}

impl Metrics {
    /// All metrics at zero.
    ///
    /// # Errors
    ///
    /// None in practice: a name used twice, which a test would find.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let of = Register::new(&registry, PREFIX);
        let route = ["kind", "route"];
        let vectors = Arc::new(Vectors {
            outcomes: of.counters(
                "connections_closed_total",
                "Connections that ended, by how far they had come and what ended them.",
                &["kind", "route", "phase", "cause"],
            )?,
            bytes: of.counters(
                "bytes_total",
                "Bytes read, by the side that sent them.",
                &["kind", "route", "from"],
            )?,
            dial: of.histograms(
                "dial_seconds",
                "Time from the route to a connected endpoint, failed attempts included.",
                &route,
                &DIAL_SECONDS,
            )?,
            failed_attempts: of.counters(
                "failed_attempts_total",
                "Endpoints that a dial did not get.",
                &route,
            )?,
        });
        let refusals = of.counters(
            "refusals_total",
            "Connections that were turned away before an endpoint was dialled, by reason.",
            &["reason"],
        )?;
        let reasons = ReadError::REASONS.into_iter().chain(RouteError::REASONS);
        let reasons = reasons.chain(Excess::REASONS).chain([
            Outcome::LISTENER_DENIED.reason,
            Denied::REASON,
            Error::CROWDED,
            PROXY_HEADER,
        ]);
        Ok(Self {
            unrouted: series(&vectors, NO_ROUTE, NO_ROUTE),
            vectors,
            refusals: reasons
                .map(|reason| (reason, refusals.with_label_values(&[reason])))
                .collect(),
            accepted: of.counters(
                "connections_accepted_total",
                "Connections accepted.",
                &["listener"],
            )?,
            half_read: of.gauge(
                "half_read_hellos",
                "Connections whose hello is not complete now.",
            )?,
            process: ProcessMetrics::new(of, "connections_active")?,
            generation: of.gauge(
                "generation",
                "How often the configuration was read again; 0 since the start.",
            )?,
            series: ByName::default(),
            listeners: ByName::default(),
            registry,
        })
    }

    /// The metrics of a route.
    #[must_use]
    pub fn series(&self, kind: RouteKind, name: &str) -> Arc<Series> {
        let make = || series(&self.vectors, kind.as_str(), name);
        self.series.of(&(kind, name.to_owned()), make)
    }

    /// As many connections have not finished their hello.
    pub fn half_read(&self, connections: usize) {
        self.half_read.set(connections as i64);
    }

    /// The counter of connections that `listener` accepted.
    #[must_use]
    pub fn accepted(&self, listener: &str) -> Arc<IntCounter> {
        let make = || self.accepted.with_label_values(&[listener]);
        self.listeners.of(&listener.to_owned(), make)
    }

    /// Takes away what was counted of routes and listeners that nobody has any more.
    fn forget(&self) {
        let vectors = &self.vectors;
        self.series
            .forget(|(kind, name)| vectors.forget(kind.as_str(), name));
        self.listeners.forget(|name| {
            let _ = self.accepted.remove_label_values(&[name]);
        });
    }

    /// How often the configuration was read again.
    pub fn set_generation(&self, generation: u64) {
        self.generation.set(generation as i64);
    }

    /// Counts the end of a connection, once; `series` is its route's, if it had one.
    pub fn ended(&self, series: Option<&Series>, outcome: Outcome) {
        let series = series.unwrap_or(&self.unrouted);
        series.ended(outcome.phase, outcome.cause);
        if let Some(refusals) = self.refusals.get(outcome.reason) {
            refusals.inc();
        }
    }

    /// What the process counts, whatever it passes on.
    #[must_use]
    pub fn process(&self) -> &ProcessMetrics {
        &self.process
    }

    /// Adds the metrics of the pools that `source` gives.
    ///
    /// # Errors
    ///
    /// When it was done before.
    pub fn add_pools(
        &self,
        source: impl Fn() -> Vec<Labelled> + Send + Sync + 'static,
    ) -> prometheus::Result<()> {
        let of = Register::new(&self.registry, PREFIX);
        PoolMetrics::register(of, &["kind", "route"], source)
    }

    /// All metrics in the text format of Prometheus; `loads` are the workers' connections.
    #[must_use]
    pub fn render(&self, loads: impl Iterator<Item = usize>, now: Snapshot) -> Vec<u8> {
        self.forget();
        self.process.set(loads, now);
        render(&self.registry)
    }
}

fn series(vectors: &Arc<Vectors>, kind: &'static str, name: &str) -> Series {
    Series {
        vectors: Arc::clone(vectors),
        kind,
        name: name.to_owned(),
        children: OnceLock::new(),
    }
}
