//! Hellos that are on their way to other gateways, so that one which comes back is known.
//!
//! Two data centres that send each other's names to the address for clients, rather than to the one
//! for gateways, would pass a connection round and round until one of them has no place left. A
//! hello is told from every other by its random (RFC 8446 §4.1.2).
//!
//! Where such data centres have several gateways each, a hello that is refused would go on to the next,
//! and from there to all of ours again, over every way that there is: hundreds of connections for three
//! gateways a side. So a hello that nobody answered is remembered for a while, and a gateway leads it on
//! once: each of them is then connected to by each other at most once. Nobody else notices: whoever asks
//! again does so with another random, and a gateway is never asked twice for one connection. The checks
//! that are known to send the same hello again and again send one without a name; where such are led on
//! at all and two come at once, the second is told alert 80, which those checks take for an answer.

use std::collections::hash_map::RandomState;
use std::collections::{HashSet, VecDeque};
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Locks: connections of all workers come and go here.
const SHARDS: usize = 16;

/// A hello that nobody answered is not led on again for this long: twice a dial as it is by default,
/// and a checker that always sends the same hello finds out soon that somebody answers again.
const LOST_FOR: Duration = Duration::from_secs(10);

/// Of so many in each shard: 64 KiB in all. Each took a dial that failed; where there are more, some
/// are forgotten early, and may be led on again.
const LOST_MAX: usize = 256;

/// The hellos that are on their way, each of a connection that is open and waits for an answer.
#[derive(Clone, Debug, Default)]
pub struct OnTheWay(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Clients choose what they send: a hash that they do not know.
    hash: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    on_the_way: HashSet<u64>,
    /// Those that nobody answered, and when they came to their end.
    lost: VecDeque<(Instant, u64)>,
}

/// A hello that is on its way until this is dropped: in vain, unless [`answered`](Self::answered).
#[derive(Debug)]
pub struct Way {
    all: OnTheWay,
    hello: u64,
    is_answered: bool,
}

impl Way {
    /// Somebody took the hello.
    pub fn answered(mut self) {
        self.is_answered = true;
    }
}

impl OnTheWay {
    /// Notes that the hello with this random goes to another gateway; none if it is on its way
    /// already, or was in vain a moment ago, and has come back.
    ///
    /// ```
    /// let hellos = gateway::circle::OnTheWay::default();
    /// let way = hellos.begin(&[7; 32]).ok_or("it is new")?;
    /// assert!(hellos.begin(&[7; 32]).is_none());
    /// way.answered();
    /// drop(hellos.begin(&[7; 32]).ok_or("it is new again")?);
    /// assert!(hellos.begin(&[7; 32]).is_none()); // nobody answered it
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn begin(&self, random: &[u8; 32]) -> Option<Way> {
        let hello = self.0.hash.hash_one(random);
        let is_new = self.shard(hello).begin(hello, Instant::now());
        // Not `then_some`: a way that was never begun must not be ended.
        is_new.then(|| Way {
            all: self.clone(),
            hello,
            is_answered: false,
        })
    }

    fn shard(&self, hello: u64) -> MutexGuard<'_, Shard> {
        let shard = &self.0.shards[hello as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn begin(&mut self, hello: u64, now: Instant) -> bool {
        let is_over = |at: Instant| now.saturating_duration_since(at) >= LOST_FOR;
        while self.lost.front().is_some_and(|(at, _)| is_over(*at)) {
            self.lost.pop_front();
        }
        let is_lost = self.lost.iter().any(|(_, lost)| *lost == hello);
        !is_lost && self.on_the_way.insert(hello)
    }

    fn end(&mut self, hello: u64, is_answered: bool, now: Instant) {
        self.on_the_way.remove(&hello);
        if !is_answered {
            self.lost.push_back((now, hello));
            let beyond = self.lost.len().saturating_sub(LOST_MAX);
            self.lost.drain(..beyond);
        }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        let mut shard = self.all.shard(self.hello);
        shard.end(self.hello, self.is_answered, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_answered_is_forgotten_after_a_while() {
        let (mut shard, start) = (Shard::default(), Instant::now());
        assert!(shard.begin(1, start));
        shard.end(1, false, start);
        let later = LOST_FOR - Duration::from_millis(1);
        assert!(!shard.begin(1, start + later));
        assert!(shard.begin(1, start + LOST_FOR) && shard.lost.is_empty());
    }

    #[test]
    fn of_those_that_nobody_answered_the_last_are_remembered() {
        let (mut shard, now) = (Shard::default(), Instant::now());
        for hello in 0..=LOST_MAX as u64 {
            assert!(shard.begin(hello, now));
            shard.end(hello, false, now);
        }
        assert_eq!(shard.lost.len(), LOST_MAX);
        assert!(shard.begin(0, now) && !shard.begin(1, now));
    }
}
