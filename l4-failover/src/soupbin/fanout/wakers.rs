//! Tasks that wait for the same thing: one list, and one call that wakes them all.

use std::task::{Context, Waker};

use slab::Slab;

/// Whoever may wait has a place here for as long as it is there.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    places: Slab<Option<Waker>>,
    /// The places of those who wait now.
    waiting: Vec<usize>,
}

impl Wakers {
    /// A place for one more.
    pub(super) fn enter(&mut self) -> usize {
        self.places.insert(None)
    }

    /// Whoever had this place is gone.
    pub(super) fn leave(&mut self, place: usize) {
        if self.places.remove(place).is_some() {
            self.waiting.retain(|it| *it != place);
        }
    }

    /// The task waits until it is [woken](Self::take).
    pub(super) fn wait(&mut self, place: usize, cx: &Context<'_>) {
        match &mut self.places[place] {
            Some(waker) => waker.clone_from(cx.waker()),
            none => {
                *none = Some(cx.waker().clone());
                self.waiting.push(place);
            }
        }
    }

    /// Moves those who wait to `woken`: they are woken once nothing is locked.
    pub(super) fn take(&mut self, woken: &mut Vec<Waker>) {
        let places = &mut self.places;
        let waiting = self.waiting.drain(..);
        woken.extend(waiting.filter_map(|place| places[place].take()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn each_who_waits_is_woken_once_and_who_left_not_at_all() {
        let (count, mut wakers) = (Arc::new(Count::default()), Wakers::default());
        let waker = Waker::from(Arc::clone(&count));
        let cx = Context::from_waker(&waker);
        let (one, two, three) = (wakers.enter(), wakers.enter(), wakers.enter());
        for place in [one, two, two, three] {
            wakers.wait(place, &cx);
        }
        wakers.leave(three);
        assert_eq!(wakers.enter(), three, "the place is given again");
        let mut woken = Vec::new();
        wakers.take(&mut woken);
        woken.drain(..).for_each(Waker::wake);
        assert_eq!(count.0.load(Relaxed), 2);
        wakers.take(&mut woken);
        assert!(woken.is_empty());
    }
}
