//! What routes lead to, new or as it was before a reload.

use std::collections::HashMap;
use std::sync::Arc;

use l4_failover::{Pool, PoolOptions, Prepared};

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
    Ok(Arc::new(Destination {
        name: pool.name.clone(),
        kind,
        pool: Pool::new(pool.clone())?,
        series: metrics.series(kind, &pool.name),
    }))
}

/// What routes lead to after a reload: pools of kept names are changed in place, and keep their
/// health, sessions and holds.
pub(super) struct Destinations<'a> {
    metrics: &'a Metrics,
    before: HashMap<(RouteKind, &'a str), &'a Arc<Destination>>,
    changes: Vec<Prepared>,
}

impl<'a> Destinations<'a> {
    pub(super) fn of(before: &'a Tables, metrics: &'a Metrics) -> Self {
        Self {
            metrics,
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
            return destination(self.metrics, kind, pool);
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
