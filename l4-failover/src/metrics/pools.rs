//! What is told of pools: read from them when somebody asks, so that nothing is counted twice.

use std::fmt;
use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts, Result};

use super::{Register, unix_seconds};
use crate::choice::{Cause, MoveKind};
use crate::pool::{EndpointStatus, Pool, PoolStatus};

/// A pool, and the values of the labels that a program has for it.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// The values, in the order of the labels.
    pub labels: Vec<String>,
    /// The pool.
    pub pool: Pool,
}

type Source = dyn Fn() -> Vec<Labelled> + Send + Sync;

/// Collects the metrics of pools: who is active, since when, and how each endpoint is.
///
/// ```
/// use l4_failover::Pool;
/// use l4_failover::metrics::{Labelled, PoolMetrics, Register, render};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::builder().primary("127.0.0.1:9000").backup("127.0.0.1:9001").build()?;
/// let registry = prometheus::Registry::new();
/// let (ours, of) = (pool.clone(), Register::new(&registry, "l4_failover"));
/// PoolMetrics::register(of, &["port"], move || {
///     vec![Labelled { labels: vec!["itch-feed".to_owned()], pool: ours.clone() }]
/// })?;
/// pool.failover().await?;
/// let text = String::from_utf8(render(&registry))?;
/// assert!(text.contains(r#"l4_failover_active_tier{port="itch-feed"} 1"#));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct PoolMetrics {
    /// Each of its families without a value; made anew for each answer, so that what is gone is
    /// gone from there too.
    empty: Families,
    prefix: String,
    labels: Vec<String>,
    source: Arc<Source>,
}

impl PoolMetrics {
    /// Registers the metrics of the pools that `source` gives, which is asked each time that
    /// metrics are read. `labels` name the values that it gives.
    ///
    /// # Errors
    ///
    /// When one of the names is taken.
    pub fn register(
        of: Register<'_>,
        labels: &[&str],
        source: impl Fn() -> Vec<Labelled> + Send + Sync + 'static,
    ) -> Result<()> {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let metrics = Self {
            empty: Families::new(of.prefix(), &labels)?,
            prefix: of.prefix().to_owned(),
            labels,
            source: Arc::new(source),
        };
        of.add(metrics).map(drop)
    }
}

impl fmt::Debug for PoolMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolMetrics")
            .field("prefix", &self.prefix)
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}

impl Collector for PoolMetrics {
    fn desc(&self) -> Vec<&Desc> {
        self.empty
            .all()
            .into_iter()
            .flat_map(Collector::desc)
            .collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // The same families were made once already.
        let Ok(families) = Families::new(&self.prefix, &self.labels) else {
            return Vec::new();
        };
        for of in (self.source)() {
            families.add(&of);
        }
        families
            .all()
            .into_iter()
            .flat_map(Collector::collect)
            .collect()
    }
}

#[derive(Clone)]
struct Families {
    active_tier: IntGaugeVec,
    transitions: IntCounterVec,
    last_transition: GaugeVec,
    hold_down_left: GaugeVec,
    spilled: IntCounterVec,
    up: IntGaugeVec,
    maintenance: IntGaugeVec,
    connects: IntCounterVec,
    failures: IntCounterVec,
    sessions: IntGaugeVec,
    certificate: GaugeVec,
}

impl Families {
    fn new(prefix: &str, labels: &[String]) -> Result<Self> {
        let of = Unregistered { prefix, labels };
        Ok(Self {
            active_tier: of.gauges(&[], "active_tier", "The active tier; 0 is the primary.")?,
            transitions: of.counters(
                &["move", "cause"],
                "transitions_total",
                "Moves from one tier to another.",
            )?,
            last_transition: of.floats(
                &[],
                "last_transition_timestamp_seconds",
                "When the active tier moved last; 0 if nobody remembers that it has.",
            )?,
            hold_down_left: of.floats(
                &[],
                "hold_down_left_seconds",
                "How long a better tier must stay healthy until it takes over; 0 if none waits.",
            )?,
            spilled: of.counters(
                &[],
                "spilled_sessions_total",
                "Sessions that a dial put outside of the active tier.",
            )?,
            up: of.gauges(&["endpoint"], "endpoint_up", "Whether its checks are good.")?,
            maintenance: of.gauges(
                &["endpoint"],
                "endpoint_maintenance",
                "Whether an operator took it out.",
            )?,
            connects: of.counters(
                &["endpoint"],
                "endpoint_connects_total",
                "Attempts that ended in a connection.",
            )?,
            failures: of.counters(
                &["endpoint"],
                "endpoint_failures_total",
                "Attempts that failed.",
            )?,
            sessions: of.gauges(&["endpoint"], "endpoint_sessions", "Sessions open now.")?,
            certificate: of.floats(
                &["endpoint"],
                "endpoint_certificate_expiry_timestamp_seconds",
                "When the certificate expires that is shown to the endpoint.",
            )?,
        })
    }

    fn all(&self) -> [&dyn Collector; 11] {
        [
            &self.active_tier,
            &self.transitions,
            &self.last_transition,
            &self.hold_down_left,
            &self.spilled,
            &self.up,
            &self.maintenance,
            &self.connects,
            &self.failures,
            &self.sessions,
            &self.certificate,
        ]
    }

    fn add(&self, of: &Labelled) {
        let (labels, status) = (words(&of.labels), of.pool.status());
        self.add_pool(&labels, &status);
        self.add_moves(&labels, &of.pool);
        for endpoint in status.endpoints() {
            self.add_endpoint(&with(&labels, &[&endpoint.name]), endpoint);
        }
    }

    fn add_pool(&self, labels: &[&str], status: &PoolStatus) {
        self.active_tier
            .with_label_values(labels)
            .set(status.active as i64);
        let moved = status
            .last_move
            .as_ref()
            .map_or(0.0, |event| unix_seconds(event.at));
        self.last_transition.with_label_values(labels).set(moved);
        let left = status.hold_down_left.unwrap_or_default();
        self.hold_down_left
            .with_label_values(labels)
            .set(left.as_secs_f64());
        self.spilled
            .with_label_values(labels)
            .inc_by(status.spilled);
    }

    fn add_moves(&self, labels: &[&str], pool: &Pool) {
        for kind in MoveKind::ALL {
            for cause in Cause::ALL {
                let labels = with(labels, &[kind.as_str(), cause.as_str()]);
                self.transitions
                    .with_label_values(&labels)
                    .inc_by(pool.moves(kind, cause));
            }
        }
    }

    fn add_endpoint(&self, labels: &[&str], endpoint: &EndpointStatus) {
        let is_out = endpoint.maintenance.is_some();
        self.up.with_label_values(labels).set(endpoint.is_up.into());
        self.maintenance
            .with_label_values(labels)
            .set(is_out.into());
        self.connects
            .with_label_values(labels)
            .inc_by(endpoint.connects);
        self.failures
            .with_label_values(labels)
            .inc_by(endpoint.failures);
        self.sessions
            .with_label_values(labels)
            .set(endpoint.connections as i64);
        if let Some(at) = endpoint.certificate_expires {
            let certificate = self.certificate.with_label_values(labels);
            certificate.set(unix_seconds(at));
        }
    }
}

/// Makes families that are registered as one.
struct Unregistered<'a> {
    prefix: &'a str,
    labels: &'a [String],
}

impl Unregistered<'_> {
    fn gauges(&self, by: &[&str], name: &str, help: &str) -> Result<IntGaugeVec> {
        IntGaugeVec::new(self.opts(name, help), &with(&words(self.labels), by))
    }

    fn floats(&self, by: &[&str], name: &str, help: &str) -> Result<GaugeVec> {
        GaugeVec::new(self.opts(name, help), &with(&words(self.labels), by))
    }

    fn counters(&self, by: &[&str], name: &str, help: &str) -> Result<IntCounterVec> {
        IntCounterVec::new(self.opts(name, help), &with(&words(self.labels), by))
    }

    fn opts(&self, name: &str, help: &str) -> Opts {
        Opts::new(format!("{}_{name}", self.prefix), help)
    }
}

fn words(labels: &[String]) -> Vec<&str> {
    labels.iter().map(String::as_str).collect()
}

fn with<'a>(labels: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    labels.iter().chain(more).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::render;
    use crate::probe::{CheckOptions, Probe};

    /// What it tells of a pool that failed over, to a program with these labels.
    async fn told(labels: &'static [&'static str]) -> String {
        let pool = Pool::builder()
            .primary("127.0.0.1:1")
            .backup("127.0.0.1:2")
            .check(CheckOptions {
                probe: Some(Probe::None),
                ..CheckOptions::default()
            })
            .build()
            .unwrap();
        pool.failover().await.unwrap();
        pool.maintenance("127.0.0.1:1", Some("a new disk"))
            .await
            .unwrap();
        let registry = prometheus::Registry::new();
        let of = Register::new(&registry, "x");
        let source = move || {
            let labels = labels.iter().map(|label| format!("a {label}")).collect();
            let pool = pool.clone();
            vec![Labelled { labels, pool }]
        };
        PoolMetrics::register(of, labels, source).unwrap();
        String::from_utf8(render(&registry)).unwrap()
    }

    #[tokio::test]
    async fn every_family_has_the_programs_labels_and_its_own() {
        let told = told(&["kind", "route"]).await;
        let of = r#"kind="a kind""#;
        for line in [
            format!("x_active_tier{{{of},route=\"a route\"}} 1"),
            format!(
                "x_transitions_total{{cause=\"operator\",{of},move=\"failover\",route=\"a route\"}} 1"
            ),
            format!(
                "x_transitions_total{{cause=\"operator\",{of},move=\"failback\",route=\"a route\"}} 0"
            ),
        ] {
            assert!(told.lines().any(|it| it == line), "{line} in {told}");
        }
    }

    #[tokio::test]
    async fn maintenance_is_told_apart_from_health() {
        let told = told(&["port"]).await;
        for (endpoint, is_out) in [("127.0.0.1:1", 1), ("127.0.0.1:2", 0)] {
            let labels = format!("{{endpoint=\"{endpoint}\",port=\"a port\"}}");
            for line in [
                format!("x_endpoint_up{labels} 1"),
                format!("x_endpoint_maintenance{labels} {is_out}"),
            ] {
                assert!(told.lines().any(|it| it == line), "{line} in {told}");
            }
        }
        // The move, in this century.
        let moved = told.lines().find_map(|line| {
            line.strip_prefix("x_last_transition_timestamp_seconds{port=\"a port\"} ")
        });
        assert!(moved.unwrap().parse::<f64>().unwrap() > 1e9);
    }
}
