//! Telling whoever holds on to an endpoint to look again which one is meant for it.

use tokio::sync::watch;

use super::Pool;
use super::inner::Inner;
use crate::choice::Cause;

/// The active tier moved, or an operator asked for it to be where it is.
///
/// A pool leaves sessions alone that can go on. One that can be carried from endpoint to endpoint, as
/// a feed's consumer, may be on another tier than the active one, because its line alone was lost;
/// an operator's `failback` is meant for it too, though the pool has nowhere to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recall {
    /// Why, of the last.
    pub cause: Cause,
    /// Whether an operator's `failover` or `failback` is among what happened since the one before.
    pub is_ordered: bool,
}

/// Hears of recalls from the time on that it was made.
///
/// Several that come before anybody listens are one.
#[derive(Debug)]
pub struct Recalls {
    heard: watch::Receiver<Told>,
    orders: u64,
}

/// What was told last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    cause: Cause,
    /// How often an operator was the cause.
    orders: u64,
}

/// For a pool of which nothing was told.
fn nothing_told() -> watch::Sender<Told> {
    let (cause, orders) = (Cause::Reload, 0);
    watch::Sender::new(Told { cause, orders })
}

impl Inner {
    pub(super) fn recall(&self, cause: Cause) {
        // Whoever comes later hears of what comes later.
        let Some(recalls) = self.recalls.get() else {
            return;
        };
        recalls.send_modify(|told| {
            told.cause = cause;
            told.orders += u64::from(cause == Cause::Operator);
        });
    }
}

impl Pool {
    /// Hears from now on when the active tier moves, and when an operator's `failover` or `failback`
    /// was obeyed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = l4_failover::Pool::builder().primary("127.0.0.1:9000").backup("127.0.0.1:9001").build()?;
    /// let mut recalls = pool.recalls();
    /// // The primary is active: the pool has nothing to move.
    /// assert_eq!(pool.failback(false).await?, None);
    /// assert!(recalls.next().await.ok_or("the pool is gone")?.is_ordered);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn recalls(&self) -> Recalls {
        let heard = self.0.recalls.get_or_init(nothing_told).subscribe();
        let orders = heard.borrow().orders;
        Recalls { heard, orders }
    }
}

impl Recalls {
    /// The next recall, once there is one; none when the pool is gone. Nothing is lost if the
    /// future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Recall> {
        self.heard.changed().await.ok()?;
        let Told { cause, orders } = *self.heard.borrow_and_update();
        let before = std::mem::replace(&mut self.orders, orders);
        Some(Recall {
            cause,
            is_ordered: orders != before,
        })
    }
}
