//! Telling whoever holds on to an endpoint to look again which one is meant for it.

use std::sync::{Arc, Weak};

use tokio::sync::watch;

use super::inner::Inner;
use super::{Endpoint, Pool};
use crate::choice::Cause;

/// The active tier moved, or an operator asked for it to be where it is; or endpoints came back.
///
/// A pool leaves sessions alone that can go on. One that can be carried from endpoint to endpoint, as
/// a feed's consumer, may be on another tier than the active one, because its line alone was lost;
/// an operator's `failback` is meant for it too, though the pool has nowhere to move. And one that
/// looks for an endpoint may have been waiting for one of those that came back.
#[derive(Clone, Debug)]
pub struct Recall {
    /// Why, of the last move or order; none if there was none.
    pub cause: Option<Cause>,
    /// Whether an operator's `failover` or `failback` is among what happened since the one before.
    pub is_ordered: bool,
    /// The endpoints that came up since then, or were put back.
    pub returned: Vec<Arc<Endpoint>>,
}

/// Hears of recalls from the time on that it was made.
///
/// Several that come before anybody listens are one.
#[derive(Debug)]
pub struct Recalls {
    pool: Weak<Inner>,
    heard: watch::Receiver<Told>,
    before: Told,
}

/// What was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    /// Of the last move or order.
    cause: Cause,
    /// How many moves and orders there were.
    moves: u64,
    /// How often an operator was the cause.
    orders: u64,
    /// How often an endpoint came back.
    returns: u64,
}

/// For a pool of which nothing was told.
fn nothing_told() -> watch::Sender<Told> {
    watch::Sender::new(Told {
        cause: Cause::Reload,
        moves: 0,
        orders: 0,
        returns: 0,
    })
}

impl Inner {
    pub(super) fn recall(&self, cause: Cause) {
        self.told(|told| {
            told.cause = cause;
            told.moves += 1;
            told.orders += u64::from(cause == Cause::Operator);
        });
    }

    /// An endpoint came up, or was put back.
    pub(super) fn returned(&self, endpoint: &Endpoint) {
        self.told(|told| {
            told.returns += 1;
            endpoint.returned_as(told.returns);
        });
    }

    fn told(&self, what: impl FnOnce(&mut Told)) {
        // Whoever comes later hears of what comes later.
        if let Some(recalls) = self.recalls.get() {
            recalls.send_modify(what);
        }
    }
}

impl Pool {
    /// Hears from now on when the active tier moves, when an operator's `failover` or `failback` was
    /// obeyed, and when endpoints come up or are put back.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = l4_failover::Pool::builder().primary("127.0.0.1:9000").backup("127.0.0.1:9001").build()?;
    /// let mut recalls = pool.recalls();
    /// // The primary is active: the pool has nothing to move.
    /// assert_eq!(pool.failback(false).await?, None);
    /// assert!(recalls.next().await.ok_or("the pool is gone")?.is_ordered);
    /// // An endpoint was out for a moment.
    /// pool.maintenance("127.0.0.1:9001", Some("a new kernel")).await?;
    /// pool.maintenance("127.0.0.1:9001", None).await?;
    /// let recall = recalls.next().await.ok_or("the pool is gone")?;
    /// assert_eq!(**recall.returned[0].name(), *"127.0.0.1:9001");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn recalls(&self) -> Recalls {
        let heard = self.0.recalls.get_or_init(nothing_told).subscribe();
        let before = *heard.borrow();
        let pool = Weak::clone(&self.0.me);
        Recalls {
            pool,
            heard,
            before,
        }
    }
}

impl Recalls {
    /// The next recall, once there is one; none when the pool is gone. Nothing is lost if the
    /// future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Recall> {
        self.heard.changed().await.ok()?;
        let told = *self.heard.borrow_and_update();
        let before = std::mem::replace(&mut self.before, told);
        Some(Recall {
            cause: (told.moves != before.moves).then_some(told.cause),
            is_ordered: told.orders != before.orders,
            returned: match told.returns != before.returns {
                true => self.returned_after(before.returns),
                false => Vec::new(),
            },
        })
    }

    fn returned_after(&self, nth: u64) -> Vec<Arc<Endpoint>> {
        let Some(pool) = self.pool.upgrade() else {
            return Vec::new();
        };
        let state = pool.state();
        let endpoints = state.endpoints.iter();
        let returned = endpoints.filter(|it| it.has_returned_after(nth));
        returned.map(Arc::clone).collect()
    }
}
