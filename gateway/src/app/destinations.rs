//! What routes lead to, new or as it was before a reload.

use std::collections::HashSet;
use std::sync::Arc;

use l4_failover::{Past, Pool, PoolOptions, Prepared, Upkeep};
use tokio::task::yield_now;

use super::StartError;
use crate::destination::Destination;
use crate::in_order::InOrder;
use crate::metrics::Metrics;
use crate::route::RouteKind;
use crate::tables::Tables;

/// Pools that are started before others have a turn: well under a millisecond.
const STARTED_AT_ONCE: usize = 64;

/// A destination that nobody was led to before.
///
/// # Errors
///
/// [`StartError::Pool`].
pub fn destination(
    metrics: &Metrics,
    kind: RouteKind,
    pool: &Arc<PoolOptions>,
) -> Result<Arc<Destination>, StartError> {
    after(metrics, kind, pool, &Past::default())
}

/// The same, where it may have been there before.
fn after(
    metrics: &Metrics,
    kind: RouteKind,
    pool: &Arc<PoolOptions>,
    past: &Past,
) -> Result<Arc<Destination>, StartError> {
    Ok(Arc::new(Destination {
        name: pool.name.clone(),
        kind,
        pool: Pool::after(Arc::clone(pool), past)?,
        series: metrics.series(kind, &pool.name),
    }))
}

/// What is left of destinations that no route leads to any more.
pub(super) type Retired = l4_failover::Retired<(RouteKind, String)>;

/// What routes lead to after a reload: pools of kept names are changed in place, and keep their
/// health, sessions and holds; those that come back have sessions and holds again. What is as it was is
/// left alone.
pub(super) struct Destinations<'a> {
    metrics: &'a Metrics,
    retired: &'a Retired,
    before: InOrder<'a, Arc<Destination>, (RouteKind, String)>,
    tables: &'a Tables,
    /// By the place of each in `tables`, whether it is to be led to again.
    is_kept: Vec<bool>,
    changes: Changes,
}

/// What is to become of pools.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Of those that stay, and are to be made of something else.
    other: Vec<Prepared>,
    new: Vec<Arc<Destination>>,
    /// Which of the new ones were there before.
    back: HashSet<(RouteKind, String)>,
    /// Those that no route leads to any more.
    gone: Vec<Arc<Destination>>,
}

impl<'a> Destinations<'a> {
    pub(super) fn of(tables: &'a Tables, retired: &'a Retired, metrics: &'a Metrics) -> Self {
        let all = &tables.destinations;
        Self {
            metrics,
            retired,
            before: InOrder::new(all, |it| (it.kind, it.name.clone())),
            tables,
            is_kept: vec![false; all.len()],
            changes: Changes::default(),
        }
    }

    /// What is to be led to by this name, which no other has; nothing has changed yet.
    pub(super) fn prepare(
        &mut self,
        kind: RouteKind,
        pool: &Arc<PoolOptions>,
    ) -> Result<Arc<Destination>, StartError> {
        let is_it = |it: &Arc<Destination>| it.key() == (kind, pool.name.as_str());
        let Some(place) = self.before.find(is_it, || (kind, pool.name.clone())) else {
            let new = self.make(kind, pool)?;
            self.changes.new.push(Arc::clone(&new));
            return Ok(new);
        };
        self.is_kept[place] = true;
        let to = &self.tables.destinations[place];
        if !to.pool.is_made_of(pool) {
            let other = to.pool.prepare(Arc::clone(pool))?;
            self.changes.other.push(other);
        }
        Ok(Arc::clone(to))
    }

    fn make(
        &mut self,
        kind: RouteKind,
        pool: &Arc<PoolOptions>,
    ) -> Result<Arc<Destination>, StartError> {
        let key = (kind, pool.name.clone());
        let Some(past) = self.retired.find(&key) else {
            return destination(self.metrics, kind, pool);
        };
        self.changes.back.insert(key);
        after(self.metrics, kind, pool, past)
    }

    /// What is to become of the pools, once all that is to be led to is prepared.
    pub(super) fn into_changes(self) -> Changes {
        let before = self.tables.destinations.iter().zip(self.is_kept);
        let gone = before.filter(|(_, is_kept)| !is_kept);
        Changes {
            gone: gone.map(|(to, _)| Arc::clone(to)).collect(),
            ..self.changes
        }
    }
}

impl Changes {
    /// How many there are: none where all is as it was.
    pub(super) fn count(&self) -> usize {
        self.other.len() + self.new.len() + self.gone.len()
    }

    /// Begins to look after what is new, a few at a time: others wait for this thread.
    pub(super) async fn start(&self, upkeep: &Upkeep) {
        for some in self.new.chunks(STARTED_AT_ONCE) {
            some.iter().for_each(|to| to.pool.start(upkeep));
            yield_now().await;
        }
    }

    /// Changes pools, and ends the checks of those that no route leads to any more; their sessions go
    /// on.
    pub(super) fn apply(self, retired: &mut Retired) {
        self.other.into_iter().for_each(Prepared::apply);
        let gone = self.gone.iter();
        let gone = gone.map(|to| ((to.kind, to.name.clone()), to.pool.retire()));
        retired.settle(|key| self.back.contains(key), gone);
    }
}
