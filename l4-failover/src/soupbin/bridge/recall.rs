//! When a consumer is to be carried to a line that is preferred, though its own is good.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::choice::Cause;
use crate::pool::{Endpoint, Pool, Recalls};

type Heard = Pin<Box<dyn Future<Output = (Recalls, Option<crate::pool::Recall>)> + Send>>;

/// Listens to a pool on behalf of one consumer.
pub(super) struct Recall {
    heard: Option<Heard>,
    /// When the consumer returns by itself from a line outside of the active tier.
    returns: Option<Pin<Box<Sleep>>>,
}

impl Recall {
    pub(super) fn new(pool: &Pool) -> Self {
        Self {
            heard: Some(listen(pool.recalls())),
            returns: None,
        }
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
        let is_recalled = self.is_recalled(cx) | self.is_time_over(cx);
        let is_elsewhere = joined.is_some_and(|it| !pool.is_active(it));
        match is_recalled && is_elsewhere && pool.is_active_healthy() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    fn is_recalled(&mut self, cx: &mut Context<'_>) -> bool {
        let mut is_recalled = false;
        while let Some(heard) = &mut self.heard {
            let Poll::Ready((recalls, recall)) = heard.as_mut().poll(cx) else {
                break;
            };
            // A line that lives is its own check: that others failed is nothing to it.
            is_recalled |= recall.is_some_and(|it| it.is_ordered || it.cause != Cause::Unhealthy);
            self.heard = recall.map(|_| listen(recalls));
        }
        is_recalled
    }

    fn is_time_over(&mut self, cx: &mut Context<'_>) -> bool {
        let timer = self.returns.as_mut();
        let is_over = timer.is_some_and(|timer| timer.as_mut().poll(cx).is_ready());
        if is_over {
            self.returns = None;
        }
        is_over
    }
}

fn listen(mut recalls: Recalls) -> Heard {
    Box::pin(async move {
        let recall = recalls.next().await;
        (recalls, recall)
    })
}
