//! What is counted of things that come and go with the configuration.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What is counted of things that come and go with the configuration, by their names, for as long
/// as anybody has it: a name that comes back before that goes on counting.
///
/// Series are taken away by [`forget`](Self::forget) alone, never as they are dropped: what counts
/// under the same name might have been made in between.
///
/// ```
/// use l4_failover::metrics::ByName;
///
/// let ports = ByName::default();
/// let feed = ports.of(&"feed", || 7);
/// assert_eq!(*ports.of(&"feed", || 8), 7);
/// drop(feed);
/// let mut gone = Vec::new();
/// ports.forget(|name| gone.push(*name));
/// assert_eq!(gone, ["feed"]);
/// ```
#[derive(Debug)]
pub struct ByName<K, T>(Mutex<HashMap<K, Weak<T>>>);

impl<K, T> Default for ByName<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash, T> ByName<K, T> {
    /// What is counted of `name`; `make` makes it where nobody has it.
    pub fn of(&self, name: &K, make: impl FnOnce() -> T) -> Arc<T> {
        let mut known = self.known();
        if let Some(counted) = known.get(name).and_then(Weak::upgrade) {
            return counted;
        }
        let counted = Arc::new(make());
        known.insert(name.clone(), Arc::downgrade(&counted));
        counted
    }

    /// Names that nobody has any more are told to `take_away`, once.
    pub fn forget(&self, mut take_away: impl FnMut(&K)) {
        self.known().retain(|name, counted| {
            let is_had = counted.strong_count() > 0;
            if !is_had {
                take_away(name);
            }
            is_had
        });
    }

    fn known(&self) -> MutexGuard<'_, HashMap<K, Weak<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
