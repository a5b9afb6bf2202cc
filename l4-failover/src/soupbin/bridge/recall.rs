//! When a consumer is to be carried to a line that is preferred, though its own is good.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::choice::Cause;
use crate::pool::{Endpoint, Pool, Recalls};

type Heard = Pin<Box<dyn Future<Output = (Recalls, Option<crate::pool::Recall>)> + Send>>;

type Timer = Option<Pin<Box<Sleep>>>;

/// How soon a recall that could not be followed is looked at again: a consumer with a good line is in
/// no hurry, and there may be thousands of them.
const AGAIN: Duration = Duration::from_secs(1);

/// Listens to a pool on behalf of one consumer.
pub(super) struct Recall {
    heard: Option<Heard>,
    /// When the consumer returns by itself from a line outside of the active tier.
    returns: Timer,
    /// When a recall is looked at again that came while nobody of the active tier was healthy, as
    /// with a failback by force, or while there was no line.
    again: Timer,
    news: News,
}

/// What was heard of a pool, besides that another line is preferred.
#[derive(Debug, Default)]
pub(super) struct News {
    /// There was a recall: endpoints may have gone into maintenance.
    pub(super) is_any: bool,
    /// An operator's `failover` or `failback` was among them.
    pub(super) is_ordered: bool,
    /// Endpoints that came up, or were put back.
    pub(super) returned: Vec<Arc<Endpoint>>,
}

impl Recall {
    pub(super) fn new(pool: &Pool) -> Self {
        Self {
            heard: Some(listen(pool.recalls())),
            returns: None,
            again: None,
            news: News::default(),
        }
    }

    /// What was heard since this was asked last.
    pub(super) fn news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }

    /// The consumer gets its messages from there from now on.
    pub(super) fn joined(&mut self, pool: &Pool, endpoint: &Endpoint) {
        let hold_down = pool.hold_down().filter(|_| !pool.is_active(endpoint));
        self.returns = hold_down.map(|time| Box::pin(sleep_until(Instant::now() + time)));
    }

    /// Ready when a line to somewhere else than `joined` is preferred.
    pub(super) fn poll(
        &mut self,
        pool: &Pool,
        joined: Option<&Endpoint>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        while self.is_recalled(cx) | is_over(&mut self.returns, cx) | is_over(&mut self.again, cx) {
            match joined {
                Some(it) if pool.is_active(it) && !pool.is_in_maintenance(it) => self.again = None,
                Some(_) if pool.is_active_healthy() => {
                    self.again = None;
                    return Poll::Ready(());
                }
                _ => self.again = Some(Box::pin(sleep(AGAIN))),
            }
        }
        Poll::Pending
    }

    fn is_recalled(&mut self, cx: &mut Context<'_>) -> bool {
        let mut is_recalled = false;
        while let Some(heard) = &mut self.heard {
            let Poll::Ready((recalls, recall)) = heard.as_mut().poll(cx) else {
                break;
            };
            self.heard = None;
            let Some(mut recall) = recall else {
                break;
            };
            self.heard = Some(listen(recalls));
            self.news.is_any |= recall.cause.is_some();
            self.news.is_ordered |= recall.is_ordered;
            self.news.returned.append(&mut recall.returned);
            // A line that lives is its own check: that others failed is nothing to it.
            let is_move = recall.cause.is_some_and(|it| it != Cause::Unhealthy);
            is_recalled |= recall.is_ordered || is_move;
        }
        is_recalled
    }
}

/// Whether a timer has just rung, which it does once.
fn is_over(timer: &mut Timer, cx: &mut Context<'_>) -> bool {
    let ringing = timer.as_mut();
    let is_over = ringing.is_some_and(|timer| timer.as_mut().poll(cx).is_ready());
    if is_over {
        *timer = None;
    }
    is_over
}

fn listen(mut recalls: Recalls) -> Heard {
    Box::pin(async move {
        let recall = recalls.next().await;
        (recalls, recall)
    })
}
