//! Silence, measured: one lazily armed timer per relay.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Tells when nothing has moved for a while. An idle relay without a limit owns no timer.
#[derive(Debug, Default)]
pub(super) struct Watch(Option<Box<Armed>>);

#[derive(Debug)]
struct Armed {
    /// The relay's count of steps when it last moved, and when that was.
    steps: u32,
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Watch {
    pub(super) fn disarm(&mut self) {
        self.0 = None;
    }

    /// Ready once `steps` has stood still for `limit`, counted from the arming at the earliest.
    pub(super) fn poll_silence(
        &mut self,
        cx: &mut Context<'_>,
        steps: u32,
        limit: Duration,
    ) -> Poll<()> {
        let now = Instant::now();
        let armed = self.0.get_or_insert_with(|| {
            let timer = Box::pin(sleep_until(now + limit));
            Box::new(Armed {
                steps,
                since: now,
                timer,
            })
        });
        if armed.steps != steps {
            (armed.steps, armed.since) = (steps, now);
        }
        armed.poll(cx, armed.since + limit)
    }
}

impl Armed {
    /// A timer that is due too early is moved when it fires, not with every byte.
    fn poll(&mut self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        if self.timer.deadline() > due {
            self.timer.as_mut().reset(due);
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            if self.timer.deadline() >= due {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(due);
        }
    }
}
