//! Handshakes that are under way: their number is bounded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A handshake owns some 40 KiB until it is finished: 20 MiB in all.
const HANDSHAKES_MAX: usize = 512;

/// The handshakes under way. One more than may be ends the oldest: a caller needs a fraction of a
/// second, and whoever opens connections and says nothing holds up nobody else for longer.
#[derive(Debug)]
pub(super) struct Handshakes {
    max: usize,
    under_way: Mutex<UnderWay>,
}

#[derive(Debug, Default)]
struct UnderWay {
    next: u64,
    ends: BTreeMap<u64, Arc<Notify>>,
}

/// A handshake under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    handshakes: &'a Handshakes,
    number: u64,
    end: Arc<Notify>,
}

impl Default for Handshakes {
    fn default() -> Self {
        Self::new(HANDSHAKES_MAX)
    }
}

impl Handshakes {
    fn new(max: usize) -> Self {
        Self {
            max,
            under_way: Mutex::default(),
        }
    }

    /// One more, for which the oldest ends if there are too many.
    pub(super) fn begin(&self) -> Place<'_> {
        let end = Arc::new(Notify::new());
        let mut under_way = self.under_way();
        let number = under_way.next;
        under_way.next += 1;
        under_way.ends.insert(number, Arc::clone(&end));
        if under_way.ends.len() > self.max
            && let Some((_, oldest)) = under_way.ends.pop_first()
        {
            oldest.notify_one();
        }
        drop(under_way);
        Place {
            handshakes: self,
            number,
            end,
        }
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Done when the place was given to another.
    pub(super) async fn is_taken(&self) {
        self.end.notified().await;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.handshakes.under_way().ends.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    async fn is_taken(place: &Place<'_>) -> bool {
        let mut taken = pin!(place.is_taken());
        poll_fn(|cx| Poll::Ready(taken.as_mut().poll(cx).is_ready())).await
    }

    #[tokio::test]
    async fn the_oldest_gives_way_and_a_finished_one_to_nobody() {
        let handshakes = Handshakes::new(2);
        let (first, second) = (handshakes.begin(), handshakes.begin());
        assert!(!is_taken(&first).await);
        drop(second);
        let third = handshakes.begin();
        assert!(!is_taken(&first).await && !is_taken(&third).await);
        let fourth = handshakes.begin();
        assert!(is_taken(&first).await);
        drop(first);
        assert!(!is_taken(&third).await && !is_taken(&fourth).await);
        assert_eq!(handshakes.under_way().ends.len(), 2);
    }
}
