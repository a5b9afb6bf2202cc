//! The messages as frames, from any number on. Nothing of the past is kept but what clients that
//! stand at the same place share: each chunk is made once for all of them.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::{spawn_blocking, yield_now};

use super::chunk::Chunk;
use super::source::{Maker, Source};

/// Bytes of the chunks that are kept: about 400 000 of a day's messages, some seconds of a fast
/// feed. Clients further apart are served from chunks of their own.
const SHELF_BYTES: usize = 16 * 1024 * 1024;

/// Makes chunks, and keeps the newest made.
#[derive(Debug)]
pub(super) struct Tape {
    source: Source,
    shelf: Mutex<Shelf>,
}

#[derive(Debug)]
struct Shelf {
    chunks: HashMap<u64, Arc<Chunk>>,
    /// Numbers of the chunks, the oldest made first.
    order: VecDeque<u64>,
    bytes: usize,
    bytes_max: usize,
    /// Where clients are to go on, the least recently used first.
    makers: VecDeque<Maker>,
    makers_max: usize,
}

/// What there is of a chunk.
enum There {
    Chunk(Arc<Chunk>),
    Maker(Maker),
    Nothing,
}

impl Tape {
    /// For `clients` at different places, about 200 KiB each; with more, some are slow.
    pub(super) fn new(source: Source, clients: usize) -> Self {
        let shelf = Shelf {
            chunks: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            bytes_max: SHELF_BYTES,
            makers: VecDeque::new(),
            makers_max: clients.max(1),
        };
        Self {
            source,
            shelf: Mutex::new(shelf),
        }
    }

    /// The chunk of this number: at once where somebody stands there; else it takes some
    /// milliseconds, on a thread of its own. Whoever had one made lets others have their turn before
    /// the next: a client that catches up wants thousands, and its socket takes all of them.
    pub(super) async fn chunk(&self, number: u64) -> io::Result<Arc<Chunk>> {
        let there = self.shelf().take(number);
        let (chunk, maker) = match there {
            There::Chunk(chunk) => return Ok(chunk),
            There::Maker(maker) => made(maker)?,
            There::Nothing => {
                let source = self.source.clone();
                spawn_blocking(move || made(source.maker(number)?)).await??
            }
        };
        let chunk = Arc::new(chunk);
        self.shelf().put(number, Arc::clone(&chunk), maker);
        yield_now().await;
        Ok(chunk)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn made(mut maker: Maker) -> io::Result<(Chunk, Maker)> {
    Ok((maker.next()?, maker))
}

impl Shelf {
    fn take(&mut self, number: u64) -> There {
        if let Some(chunk) = self.chunks.get(&number) {
            return There::Chunk(Arc::clone(chunk));
        }
        let mut makers = self.makers.iter();
        let at = makers.position(|maker| maker.chunk() == number);
        match at.and_then(|at| self.makers.remove(at)) {
            Some(maker) => There::Maker(maker),
            None => There::Nothing,
        }
    }

    fn put(&mut self, number: u64, chunk: Arc<Chunk>, maker: Maker) {
        self.bytes += chunk.bytes().len();
        if let Some(other) = self.chunks.insert(number, chunk) {
            // Two asked at once; its place in the order stays.
            self.bytes -= other.bytes().len();
        } else {
            self.order.push_back(number);
        }
        while self.bytes > self.bytes_max && self.order.len() > 1 {
            self.drop_oldest();
        }
        if self.makers.len() >= self.makers_max {
            self.makers.pop_front();
        }
        self.makers.push_back(maker);
    }

    fn drop_oldest(&mut self) {
        let oldest = self.order.pop_front();
        if let Some(chunk) = oldest.and_then(|number| self.chunks.remove(&number)) {
            self.bytes -= chunk.bytes().len();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::sync::atomic::Ordering::Relaxed;

    use super::super::chunk::chunk_of;
    use super::*;
    use crate::day::Day;

    #[tokio::test]
    async fn what_is_kept_is_bounded_and_what_was_dropped_is_made_again() {
        let day = Day::new(7);
        let tape = Tape::new(Source::Day(day.clone()), 2);
        let max = 256 * 1024;
        tape.shelf().bytes_max = max;
        for number in 0..200 {
            tape.chunk(number).await.unwrap();
        }
        let (bytes, makers) = {
            let shelf = tape.shelf();
            assert_eq!(shelf.order.len(), shelf.chunks.len());
            let bytes: usize = shelf.chunks.values().map(|it| it.bytes().len()).sum();
            assert_eq!(bytes, shelf.bytes);
            (bytes, shelf.makers.len())
        };
        assert!(bytes <= max && bytes > max / 2);
        assert_eq!(makers, 1, "one client goes on with one");
        let again = tape.chunk(0).await.unwrap();
        let from = again.start(100);
        let message = &again.bytes()[from + 3..again.start(101)];
        assert_eq!(message, day.message(100));
        assert_eq!(chunk_of(100), 0);
        for number in [10_000, 20_000, 30_000] {
            tape.chunk(number).await.unwrap();
        }
        assert_eq!(tape.shelf().makers.len(), 2);
    }

    #[tokio::test]
    async fn others_have_their_turn_after_each_chunk_that_was_made() {
        let tape = Arc::new(Tape::new(Source::Day(Day::new(7)), 2));
        tape.chunk(0).await.unwrap();
        let turns = Arc::new(AtomicU64::new(0));
        let other = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move {
                loop {
                    turns.fetch_add(1, Relaxed);
                    yield_now().await;
                }
            }
        });
        for number in 1..=50 {
            tape.chunk(number).await.unwrap();
            assert!(turns.load(Relaxed) >= number, "chunk {number}");
        }
        other.abort();
    }
}
