//! Gauges that are asked for their values when somebody asks for them.

use std::fmt;
use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, Opts, Result};

use super::Register;

/// The values of the labels, and the gauge's.
pub type Computed = (Vec<String>, f64);

type Source = dyn Fn() -> Vec<Computed> + Send + Sync;

#[derive(Clone)]
struct Gauges {
    opts: Opts,
    labels: Vec<String>,
    /// Never has a value; the family is made anew for each answer, so that what is gone is gone
    /// from there too.
    empty: GaugeVec,
    source: Arc<Source>,
}

impl Register<'_> {
    /// Gauges by labels whose values `source` gives, each time that metrics are read.
    pub fn computed(
        &self,
        name: &str,
        help: &str,
        by: &[&str],
        source: impl Fn() -> Vec<Computed> + Send + Sync + 'static,
    ) -> Result<()> {
        let opts = self.opts(name, help);
        let gauges = Gauges {
            empty: GaugeVec::new(opts.clone(), by)?,
            opts,
            labels: by.iter().map(|label| (*label).to_owned()).collect(),
            source: Arc::new(source),
        };
        self.add(gauges).map(drop)
    }
}

impl fmt::Debug for Gauges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gauges").field(&self.opts.name).finish()
    }
}

impl Collector for Gauges {
    fn desc(&self) -> Vec<&Desc> {
        self.empty.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let labels: Vec<&str> = self.labels.iter().map(String::as_str).collect();
        // The same family was made once already.
        let Ok(gauges) = GaugeVec::new(self.opts.clone(), &labels) else {
            return Vec::new();
        };
        for (labels, value) in (self.source)() {
            gauges.with_label_values(&labels).set(value);
        }
        gauges.collect()
    }
}
