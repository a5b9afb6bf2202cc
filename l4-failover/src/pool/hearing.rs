//! Who listens to a pool, and what waits for each of them.
//!
//! Not tokio's `broadcast`, whose room is taken when it is made: 170 KB for a pool of which nothing is
//! ever told, times the services of a large configuration. Here room is taken by what waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use tokio::sync::Notify;

use super::event::{Happened, PoolEvent};

/// Events that wait for a slow listener; of more, the first are missed, and it is told how many.
pub(super) const EVENTS_MAX: usize = 1024;

/// Hears what happens to a pool from the time on that it was made.
#[derive(Debug)]
pub struct Events {
    pool: Arc<str>,
    queue: Arc<Queue>,
}

/// Those who listen to one pool. Once it is dropped, they hear no more.
#[derive(Debug, Default)]
pub(super) struct Listeners(Mutex<Vec<Weak<Queue>>>);

/// What waits for one listener.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// There is more, or there will be no more.
    more: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<PoolEvent>,
    missed: u64,
    is_closed: bool,
}

impl Events {
    /// The next event, once there is one; none when the pool is gone. A listener that is more than
    /// 1024 events behind is told how many it missed. Nothing is lost if the future is dropped before
    /// it is ready.
    pub async fn next(&mut self) -> Option<PoolEvent> {
        loop {
            {
                let mut waiting = self.queue.waiting();
                if let Some(missed) = waiting.take_missed() {
                    return Some(PoolEvent {
                        at: SystemTime::now(),
                        pool: Arc::clone(&self.pool),
                        what: Happened::Missed(missed),
                    });
                }
                if let Some(event) = waiting.events.pop_front() {
                    return Some(event);
                }
                if waiting.is_closed {
                    return None;
                }
            }
            self.queue.more.notified().await;
        }
    }
}

impl Listeners {
    pub(super) fn add(&self, pool: &Arc<str>) -> Events {
        let queue = Arc::default();
        let mut queues = self.queues();
        // Those who left would else stay until something happens.
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(&queue));
        Events {
            pool: Arc::clone(pool),
            queue,
        }
    }

    pub(super) fn tell(&self, event: &PoolEvent) {
        self.queues().retain(|queue| match queue.upgrade() {
            Some(queue) => {
                queue.waiting().push(event.clone());
                queue.more.notify_one();
                true
            }
            None => false,
        });
    }

    fn queues(&self) -> MutexGuard<'_, Vec<Weak<Queue>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        for queue in self.queues().iter().filter_map(Weak::upgrade) {
            queue.waiting().is_closed = true;
            queue.more.notify_one();
        }
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn push(&mut self, event: PoolEvent) {
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
            self.missed += 1;
        }
        self.events.push_back(event);
    }

    fn take_missed(&mut self) -> Option<u64> {
        let missed = std::mem::take(&mut self.missed);
        (missed > 0).then_some(missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::State;

    fn event(nth: usize) -> PoolEvent {
        PoolEvent {
            at: SystemTime::UNIX_EPOCH,
            pool: "orders".into(),
            what: Happened::Endpoint {
                endpoint: nth.to_string().into(),
                from: State::Up,
                to: State::Down,
                reason: None,
            },
        }
    }

    #[tokio::test]
    async fn each_listener_hears_what_happens_from_then_on() {
        let (listeners, pool) = (Listeners::default(), "orders".into());
        listeners.tell(&event(0));
        let mut first = listeners.add(&pool);
        listeners.tell(&event(1));
        let mut second = listeners.add(&pool);
        listeners.tell(&event(2));
        for nth in [1, 2] {
            assert_eq!(first.next().await, Some(event(nth)));
        }
        assert_eq!(second.next().await, Some(event(2)));
        drop(second);
        listeners.tell(&event(3));
        assert_eq!(listeners.queues().len(), 1);
        drop(listeners);
        assert_eq!(first.next().await, Some(event(3)));
        assert_eq!(first.next().await, None);
    }

    #[tokio::test]
    async fn one_that_waits_is_woken_by_an_event_and_by_the_end() {
        let listeners = Listeners::default();
        let mut events = listeners.add(&"orders".into());
        let waiting = tokio::spawn(async move { (events.next().await, events.next().await) });
        tokio::task::yield_now().await;
        listeners.tell(&event(1));
        tokio::task::yield_now().await;
        drop(listeners);
        assert_eq!(waiting.await.unwrap(), (Some(event(1)), None));
    }

    #[tokio::test]
    async fn one_that_is_too_slow_misses_the_first_and_is_told() {
        let listeners = Listeners::default();
        let mut events = listeners.add(&"orders".into());
        for nth in 0..EVENTS_MAX + 3 {
            listeners.tell(&event(nth));
        }
        let missed = events.next().await.map(|it| it.what);
        assert_eq!(missed, Some(Happened::Missed(3)));
        assert_eq!(events.next().await, Some(event(3)));
    }
}
