//! Hellos that are on their way to other gateways, so that one which comes back is known.
//!
//! Two data centres that send each other's names to the address for clients, rather than to the one
//! for gateways, would pass a connection round and round until one of them has no place left. A
//! hello is told from every other by its random (RFC 8446 §4.1.2).

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Locks: connections of all workers come and go here.
const SHARDS: usize = 16;

/// The hellos that are on their way, each of a connection that is open and waits for an answer.
#[derive(Clone, Debug, Default)]
pub struct OnTheWay(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Clients choose what they send: a hash that they do not know.
    hash: RandomState,
    shards: [Mutex<HashSet<u64>>; SHARDS],
}

/// A hello that is on its way until this is dropped.
#[derive(Debug)]
pub struct Way {
    all: OnTheWay,
    hello: u64,
}

impl OnTheWay {
    /// Notes that the hello with this random goes to another gateway; none if it is on its way
    /// already, and has come back.
    ///
    /// ```
    /// let hellos = gateway::circle::OnTheWay::default();
    /// let way = hellos.begin(&[7; 32]);
    /// assert!(way.is_some() && hellos.begin(&[7; 32]).is_none());
    /// drop(way);
    /// assert!(hellos.begin(&[7; 32]).is_some());
    /// ```
    #[must_use]
    pub fn begin(&self, random: &[u8; 32]) -> Option<Way> {
        let hello = self.0.hash.hash_one(random);
        let is_new = self.shard(hello).insert(hello);
        // Not `then_some`: a way that was never begun must not be ended.
        is_new.then(|| Way {
            all: self.clone(),
            hello,
        })
    }

    fn shard(&self, hello: u64) -> MutexGuard<'_, HashSet<u64>> {
        let shard = &self.0.shards[hello as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.all.shard(self.hello).remove(&self.hello);
    }
}
