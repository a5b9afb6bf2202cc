//! What routes lead to, new or as it was before a reload.

use std::collections::HashMap;
use std::sync::Arc;

use l4_failover::{Past, Pool, PoolOptions, Prepared};

use super::StartError;
use crate::destination::Destination;
use crate::metrics::Metrics;
use crate::route::RouteKind;
use crate::tables::Tables;

/// A destination that nobody was led to before.
///
/// # Errors
///
/// [`StartError::Pool`].
pub fn destination(
    metrics: &Metrics,
    kind: RouteKind,
    pool: &PoolOptions,
) -> Result<Arc<Destination>, StartError> {
    after(metrics, kind, pool, &Past::default())
}

/// The same, where it may have been there before.
fn after(
    metrics: &Metrics,
    kind: RouteKind,
    pool: &PoolOptions,
    past: &Past,
) -> Result<Arc<Destination>, StartError> {
    Ok(Arc::new(Destination {
        name: pool.name.clone(),
        kind,
        pool: Pool::after(pool.clone(), past)?,
        series: metrics.series(kind, &pool.name),
    }))
}

/// What is left of destinations that no route leads to any more.
pub(super) type Retired = l4_failover::Retired<(RouteKind, String)>;

/// What routes lead to after a reload: pools of kept names are changed in place, and keep their
/// health, sessions and holds; those that come back have sessions and holds again.
pub(super) struct Destinations<'a> {
    metrics: &'a Metrics,
    retired: &'a Retired,
    before: HashMap<(RouteKind, &'a str), &'a Arc<Destination>>,
    changes: Vec<Prepared>,
}

impl<'a> Destinations<'a> {
    pub(super) fn of(before: &'a Tables, retired: &'a Retired, metrics: &'a Metrics) -> Self {
        Self {
            metrics,
            retired,
            before: before.destinations().map(|to| (to.key(), to)).collect(),
            changes: Vec::new(),
        }
    }

    /// What is to be led to by this name; nothing has changed yet.
    pub(super) fn prepare(
        &mut self,
        kind: RouteKind,
        pool: &PoolOptions,
    ) -> Result<Arc<Destination>, StartError> {
        let Some(before) = self.before.get(&(kind, pool.name.as_str())) else {
            return match self.retired.find(&(kind, pool.name.clone())) {
                Some(past) => after(self.metrics, kind, pool, past),
                None => destination(self.metrics, kind, pool),
            };
        };
        self.changes.push(before.pool.prepare(pool.clone())?);
        Ok(Arc::new(Destination {
            name: before.name.clone(),
            kind,
            pool: before.pool.clone(),
            series: Arc::clone(&before.series),
        }))
    }

    /// What is to become of the pools that there were.
    pub(super) fn into_changes(self) -> Vec<Prepared> {
        self.changes
    }
}
