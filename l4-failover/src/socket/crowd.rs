//! Connections in a state that anybody can bring them to, such as a handshake that does not go on:
//! their number is bounded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What is under way, at most so much at once. One more than may be ends the oldest: an honest peer
/// needs a fraction of a second, and whoever opens connections and says nothing holds up nobody
/// else for longer.
///
/// Where they come by several entrances, it is the oldest at the one that has most: a crowd at one of
/// them drives nobody out at another that has less than its share.
///
/// Entering and leaving take a lock for a time that grows with the logarithm of the number.
///
/// ```
/// use l4_failover::socket::crowd::Crowd;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let crowd = Crowd::new(1);
/// let first = crowd.enter();
/// let second = crowd.enter();
/// first.is_taken().await; // and not the second
/// assert_eq!(crowd.len(), 1);
/// drop(second);
/// assert!(crowd.is_empty());
/// # });
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct Crowd {
    under_way: Mutex<UnderWay>,
}

#[derive(Debug)]
struct UnderWay {
    max: usize,
    next: u64,
    /// By entrance.
    ends: Vec<BTreeMap<u64, Arc<Notify>>>,
}

/// The place of one in a [`Crowd`], until it is dropped.
#[derive(Debug)]
pub struct Place<'a> {
    crowd: &'a Crowd,
    entrance: usize,
    number: u64,
    end: Arc<Notify>,
}

impl Crowd {
    /// Nobody yet, and never more than `max` at once, at least one.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            under_way: Mutex::new(UnderWay {
                max: max.max(1),
                next: 0,
                ends: Vec::new(),
            }),
        }
    }

    /// One more, for which the oldest ends if there are too many.
    pub fn enter(&self) -> Place<'_> {
        self.enter_at(0)
    }

    /// The same by one of several entrances, which are numbered from 0.
    pub fn enter_at(&self, entrance: usize) -> Place<'_> {
        let end = Arc::new(Notify::new());
        let mut under_way = self.under_way();
        let number = under_way.next;
        under_way.next += 1;
        if under_way.ends.len() <= entrance {
            under_way.ends.resize_with(entrance + 1, BTreeMap::new);
        }
        under_way.ends[entrance].insert(number, Arc::clone(&end));
        under_way.make_room();
        drop(under_way);
        Place {
            crowd: self,
            entrance,
            number,
            end,
        }
    }

    /// From here on there are never more than `max`, at least one; the oldest of those that are
    /// more than that end.
    pub fn resize(&self, max: usize) {
        let mut under_way = self.under_way();
        under_way.max = max.max(1);
        under_way.make_room();
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.under_way().len()
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    fn len(&self) -> usize {
        self.ends.iter().map(BTreeMap::len).sum()
    }

    fn make_room(&mut self) {
        while self.len() > self.max
            && let Some(fullest) = self.ends.iter_mut().max_by_key(|it| it.len())
            && let Some((_, oldest)) = fullest.pop_first()
        {
            oldest.notify_one();
        }
    }
}

impl Place<'_> {
    /// Done when the place was given to another.
    pub async fn is_taken(&self) {
        self.end.notified().await;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.crowd.under_way().ends[self.entrance].remove(&self.number);
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
        let crowd = Crowd::new(2);
        let (first, second) = (crowd.enter(), crowd.enter());
        assert!(!is_taken(&first).await);
        drop(second);
        let third = crowd.enter();
        assert!(!is_taken(&first).await && !is_taken(&third).await);
        let fourth = crowd.enter();
        assert!(is_taken(&first).await);
        drop(first);
        assert!(!is_taken(&third).await && !is_taken(&fourth).await);
        assert_eq!(crowd.len(), 2);
    }

    #[tokio::test]
    async fn a_crowd_at_one_entrance_drives_nobody_out_at_another() {
        let crowd = Crowd::new(4);
        let few = [crowd.enter_at(1), crowd.enter_at(1)];
        let many = [(); 6].map(|()| crowd.enter_at(0));
        assert!(!is_taken(&few[0]).await && !is_taken(&few[1]).await);
        assert!(is_taken(&many[3]).await && !is_taken(&many[4]).await);
        // With more than its share, an entrance gives way like any other.
        let _third = crowd.enter_at(1);
        assert!(is_taken(&few[0]).await && !is_taken(&many[4]).await);
        assert_eq!(crowd.len(), 4);
    }

    #[tokio::test]
    async fn a_smaller_bound_ends_the_oldest_at_once() {
        let crowd = Crowd::new(3);
        let (first, second, third) = (crowd.enter(), crowd.enter(), crowd.enter());
        crowd.resize(1);
        assert!(is_taken(&first).await && is_taken(&second).await);
        assert!(!is_taken(&third).await);
        assert_eq!(crowd.len(), 1);
    }
}
