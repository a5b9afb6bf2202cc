//! A feed, and everybody who consumes it now.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use slab::Slab;

use super::consumer::Watched;
use super::options::FeedOptions;
use super::refusals::Refusals;
use super::unfit::{Memory, Unfit};
use super::watch::Told;
use crate::soupbin::join::JoinEvent;

/// What the consumers of one feed share: how they are carried, who they are, what they found out.
/// Clones are the same feed.
#[derive(Clone, Debug)]
pub struct SharedFeed(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: ArcSwap<FeedOptions>,
    consumers: Mutex<Slab<Arc<Watched>>>,
    unfit: Memory,
    refusals: Arc<Refusals>,
}

impl SharedFeed {
    /// A feed that nobody consumes yet.
    #[must_use]
    pub fn new(options: FeedOptions) -> Self {
        Self::refused_by(Arc::default(), options)
    }

    fn refused_by(refusals: Arc<Refusals>, options: FeedOptions) -> Self {
        Self(Arc::new(Shared {
            options: ArcSwap::from_pointee(options),
            consumers: Mutex::default(),
            unfit: Memory::default(),
            refusals,
        }))
    }

    /// Another feed with lines of the same credentials, which the same endpoints refuse.
    pub(in crate::soupbin) fn sibling(&self, options: FeedOptions) -> Self {
        Self::refused_by(Arc::clone(&self.0.refusals), options)
    }

    /// The endpoints that refused all logins of this feed. Nothing is noted there by itself: where
    /// consumers log in with credentials of their own, one is refused and another is not.
    pub(in crate::soupbin) fn refusals(&self) -> &Refusals {
        &self.0.refusals
    }

    /// How its consumers are carried.
    #[must_use]
    pub fn options(&self) -> Arc<FeedOptions> {
        self.0.options.load_full()
    }

    /// From here on consumers that come are carried so, and lines that are dialled spoken to, those of
    /// consumers that are there included.
    pub fn change(&self, options: FeedOptions) {
        self.0.options.store(Arc::new(options));
    }

    /// Everybody who consumes it now.
    #[must_use]
    pub fn consumers(&self) -> Vec<Arc<Watched>> {
        let consumers = self.lock();
        consumers.iter().map(|(_, it)| Arc::clone(it)).collect()
    }

    /// The endpoints that answered and whose lines could not be joined, whichever consumer found that
    /// out, until a line to them is joined.
    #[must_use]
    pub fn unfit(&self) -> Vec<Unfit> {
        self.0.unfit.all()
    }

    /// Something happened to a line.
    pub(in crate::soupbin) fn heard(&self, told: Told<'_>) {
        let unfit = &self.0.unfit;
        match told.event {
            JoinEvent::LineDown { target, fault, .. } => {
                unfit.failed(told.names.of(*target), fault)
            }
            JoinEvent::Joined(joined) => unfit.joined(told.names.of(joined.to)),
            JoinEvent::StandingBy { target, .. } => unfit.joined(told.names.of(*target)),
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slab<Arc<Watched>>> {
        self.0
            .consumers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a consumer to others until what this gives is dropped.
    pub(crate) fn show(&self, consumer: Watched) -> Shown {
        let consumer = Arc::new(consumer);
        let key = self.lock().insert(Arc::clone(&consumer));
        Shown {
            feed: self.clone(),
            consumer,
            key,
        }
    }
}

/// A consumer that others can see.
#[derive(Debug)]
pub(crate) struct Shown {
    feed: SharedFeed,
    pub(crate) consumer: Arc<Watched>,
    key: usize,
}

impl Shown {
    /// Something happened to the consumer.
    pub(crate) fn told(&self, told: Told<'_>) {
        self.consumer.told(told);
        self.feed.heard(told);
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.feed.lock().remove(self.key);
    }
}
