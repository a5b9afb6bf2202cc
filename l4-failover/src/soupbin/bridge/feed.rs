//! A feed, and everybody who consumes it now.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slab::Slab;

use super::consumer::Watched;
use super::options::FeedOptions;

/// What a port of protocol `soupbintcp` has beyond others.
#[derive(Clone, Debug)]
pub struct Feed {
    /// How its consumers are carried; a reload changes it for those to come.
    pub options: Arc<FeedOptions>,
    consumers: Arc<Mutex<Slab<Arc<Watched>>>>,
}

impl Feed {
    /// A feed that nobody consumes yet.
    #[must_use]
    pub fn new(options: FeedOptions) -> Self {
        Self {
            options: Arc::new(options),
            consumers: Arc::default(),
        }
    }

    /// The same feed, for the consumers to come with other options.
    #[must_use]
    pub fn with(&self, options: FeedOptions) -> Self {
        Self {
            options: Arc::new(options),
            consumers: Arc::clone(&self.consumers),
        }
    }

    /// Everybody who consumes it now.
    #[must_use]
    pub fn consumers(&self) -> Vec<Arc<Watched>> {
        let consumers = self.lock();
        consumers.iter().map(|(_, it)| Arc::clone(it)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Slab<Arc<Watched>>> {
        self.consumers
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
    feed: Feed,
    pub(crate) consumer: Arc<Watched>,
    key: usize,
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.feed.lock().remove(self.key);
    }
}
