//! Making metrics and registering them.

use prometheus::core::Collector;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    Result,
};

/// Makes metrics whose names begin with a program's prefix, and registers them.
///
/// ```
/// use l4_failover::metrics::{Register, render};
///
/// let registry = prometheus::Registry::new();
/// let of = Register::new(&registry, "l4_failover");
/// of.counter("greetings_total", "Greetings said.")?.inc();
/// let text = String::from_utf8(render(&registry))?;
/// assert!(text.contains("l4_failover_greetings_total 1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Register<'a> {
    registry: &'a Registry,
    prefix: &'a str,
}

/// Each fails where a name is used twice or is none, which a test of the program finds.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl<'a> Register<'a> {
    /// Registers in `registry` what is made.
    #[must_use]
    pub fn new(registry: &'a Registry, prefix: &'a str) -> Self {
        Self { registry, prefix }
    }

    /// The program's prefix.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.prefix
    }

    /// A counter.
    pub fn counter(&self, name: &str, help: &str) -> Result<IntCounter> {
        self.add(IntCounter::with_opts(self.opts(name, help))?)
    }

    /// A gauge.
    pub fn gauge(&self, name: &str, help: &str) -> Result<IntGauge> {
        self.add(IntGauge::with_opts(self.opts(name, help))?)
    }

    /// Counters by labels.
    pub fn counters(&self, name: &str, help: &str, by: &[&str]) -> Result<IntCounterVec> {
        self.add(IntCounterVec::new(self.opts(name, help), by)?)
    }

    /// Gauges by labels.
    pub fn gauges(&self, name: &str, help: &str, by: &[&str]) -> Result<IntGaugeVec> {
        self.add(IntGaugeVec::new(self.opts(name, help), by)?)
    }

    /// Histograms by labels, with these upper bounds.
    pub fn histograms(
        &self,
        name: &str,
        help: &str,
        by: &[&str],
        buckets: &[f64],
    ) -> Result<HistogramVec> {
        let name = format!("{}_{name}", self.prefix);
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.add(HistogramVec::new(options, by)?)
    }

    /// Anything that says by itself what it collects.
    pub fn add<M: Collector + Clone + 'static>(&self, metric: M) -> Result<M> {
        self.registry.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    pub(super) fn opts(&self, name: &str, help: &str) -> Opts {
        Opts::new(format!("{}_{name}", self.prefix), help)
    }
}
