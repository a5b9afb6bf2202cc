//! What the gateway counts. Every label is a configured name or one of a fixed set of words: a
//! name from the wire is never a label.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use l4_failover::DialError;
use l4_failover::socket::relay::Side;
use l4_failover::socket::workers::Pause;
use prometheus::{
    Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry, TextEncoder,
};

use crate::hello::ReadError;
use crate::outcome::{Cause, Outcome, Phase};
use crate::route::{RouteError, RouteKind};

/// The label of connections that ended before they had a route.
const NO_ROUTE: &str = "none";

/// Upper bounds of the time that a dial takes, in seconds: loopback to the default total bound.
const DIAL_SECONDS: [f64; 10] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0,
];

/// All metrics of a process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    vectors: Arc<Vectors>,
    /// Connections that ended before they had a route.
    unrouted: Series,
    refusals: HashMap<&'static str, IntCounter>,
    accepted: IntCounterVec,
    workers: IntGaugeVec,
    pauses: IntCounterVec,
    handed_over: IntCounter,
    copied: IntCounter,
    spliced: IntCounter,
    owned: IntGauge,
    pipes: IntGauge,
    log_lost: IntCounter,
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
        let failed = error.attempts().len() as u64;
        self.children().failed_attempts.inc_by(failed);
    }
}

/// What the process holds at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot {
    /// Bytes that peers would not take yet.
    pub owned_bytes: usize,
    /// Pipes lent to bulk directions.
    pub pipes_lent: usize,
    /// Log lines that were lost because the log's reader was too slow.
    pub log_lost: u64,
}

impl Metrics {
    /// All metrics at zero.
    ///
    /// # Errors
    ///
    /// None in practice: a name used twice, which a test would find.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let of = Register(&registry);
        let route = ["kind", "route"];
        let vectors = Arc::new(Vectors {
            outcomes: of.counters(
                "mesh_gateway_connections_closed_total",
                "Connections that ended, by how far they had come and what ended them.",
                &["kind", "route", "phase", "cause"],
            )?,
            bytes: of.counters(
                "mesh_gateway_bytes_total",
                "Bytes read, by the side that sent them.",
                &["kind", "route", "from"],
            )?,
            dial: of.histograms(
                "mesh_gateway_dial_seconds",
                "Time from the route to a connected endpoint, failed attempts included.",
                &route,
            )?,
            failed_attempts: of.counters(
                "mesh_gateway_failed_attempts_total",
                "Endpoints that a dial did not get.",
                &route,
            )?,
        });
        let refusals = of.counters(
            "mesh_gateway_refusals_total",
            "Connections that ended before they had a route, by reason.",
            &["reason"],
        )?;
        let relayed = of.counters(
            "mesh_gateway_relayed_bytes_total",
            "Bytes passed on by connections that have ended, by how.",
            &["path"],
        )?;
        let reasons = ReadError::REASONS.into_iter().chain(RouteError::REASONS);
        Ok(Self {
            unrouted: series(&vectors, NO_ROUTE, NO_ROUTE),
            vectors,
            refusals: reasons
                .map(|reason| (reason, refusals.with_label_values(&[reason])))
                .collect(),
            accepted: of.counters(
                "mesh_gateway_connections_accepted_total",
                "Connections accepted.",
                &["listener"],
            )?,
            workers: of.gauges(
                "mesh_gateway_connections_active",
                "Connections open now.",
                &["worker"],
            )?,
            pauses: of.counters(
                "mesh_gateway_accept_pauses_total",
                "Times that a worker paused accepting.",
                &["reason"],
            )?,
            handed_over: of.counter(
                "mesh_gateway_connections_handed_over_total",
                "Connections that one worker accepted and passed to another with fewer.",
            )?,
            copied: relayed.with_label_values(&["copy"]),
            spliced: relayed.with_label_values(&["splice"]),
            owned: of.gauge(
                "mesh_gateway_owned_bytes",
                "Bytes held now because a peer would not take them yet.",
            )?,
            pipes: of.gauge(
                "mesh_gateway_pipes_lent",
                "Pipes lent to bulk directions now.",
            )?,
            log_lost: of.counter(
                "mesh_gateway_log_lines_lost_total",
                "Log lines lost because the log was read too slowly.",
            )?,
            registry,
        })
    }

    /// The metrics of a route.
    #[must_use]
    pub fn series(&self, kind: RouteKind, name: &str) -> Series {
        series(&self.vectors, kind.as_str(), name)
    }

    /// The counter of connections that `listener` accepted.
    #[must_use]
    pub fn accepted(&self, listener: &str) -> IntCounter {
        self.accepted.with_label_values(&[listener])
    }

    /// Counts the end of a connection, once; `series` is its route's, if it had one.
    pub fn ended(&self, series: Option<&Series>, outcome: Outcome) {
        let series = series.unwrap_or(&self.unrouted);
        series.ended(outcome.phase, outcome.cause);
        if let Some(refusals) = self.refusals.get(outcome.reason) {
            refusals.inc();
        }
    }

    /// Counts the bytes of a connection that has ended.
    pub fn relayed(&self, bytes: u64, spliced: u64) {
        self.copied.inc_by(bytes.saturating_sub(spliced));
        if spliced > 0 {
            self.spliced.inc_by(spliced);
        }
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

    /// All metrics in the text format of Prometheus; `loads` are the workers' connections.
    #[must_use]
    pub fn render(&self, loads: impl Iterator<Item = usize>, now: Snapshot) -> Vec<u8> {
        for (worker, load) in loads.enumerate() {
            let gauge = self.workers.with_label_values(&[&worker.to_string()]);
            gauge.set(load as i64);
        }
        self.owned.set(now.owned_bytes as i64);
        self.pipes.set(now.pipes_lent as i64);
        let lost = now.log_lost.saturating_sub(self.log_lost.get());
        self.log_lost.inc_by(lost);
        let mut text = Vec::new();
        // Writing to memory does not fail, and the registry holds no invalid family.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        text
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

/// Makes metrics and registers them.
struct Register<'a>(&'a Registry);

impl Register<'_> {
    fn counter(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        self.add(IntCounter::new(name, help)?)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.add(IntGauge::new(name, help)?)
    }

    fn counters(&self, name: &str, help: &str, by: &[&str]) -> prometheus::Result<IntCounterVec> {
        self.add(IntCounterVec::new(Opts::new(name, help), by)?)
    }

    fn gauges(&self, name: &str, help: &str, by: &[&str]) -> prometheus::Result<IntGaugeVec> {
        self.add(IntGaugeVec::new(Opts::new(name, help), by)?)
    }

    fn histograms(&self, name: &str, help: &str, by: &[&str]) -> prometheus::Result<HistogramVec> {
        let options = HistogramOpts::new(name, help).buckets(DIAL_SECONDS.to_vec());
        self.add(HistogramVec::new(options, by)?)
    }

    fn add<M: prometheus::core::Collector + Clone + 'static>(
        &self,
        metric: M,
    ) -> prometheus::Result<M> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}
