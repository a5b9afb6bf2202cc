//! Clients that ask all the time, whatever happens meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use tests::client::AskError;

use crate::world::Asker;

/// A stretch of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
}

impl Span {
    pub(crate) fn of<T>(what: impl FnOnce() -> T) -> (T, Self) {
        let began = Instant::now();
        let done = what();
        let ended = Instant::now();
        (done, Self { began, ended })
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.began <= other.ended && other.began <= self.ended
    }
}

/// What came of the questions of all clients.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) asked: u32,
    pub(crate) failed: Vec<(Span, AskError)>,
}

/// As many as keep something under way at every moment, and leave the machine time for the rest.
const CLIENTS: usize = 2;

/// Does something while clients ask.
pub(crate) fn during<T>(asker: &Asker, what: impl FnOnce(&Progress) -> T) -> (T, Tally) {
    let (goes_on, progress) = (AtomicBool::new(true), Progress::default());
    thread::scope(|scope| {
        let ask = || ask_while(asker, &goes_on, &progress);
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
        let stop = Stop(&goes_on);
        let done = what(&progress);
        drop(stop);
        let mut all = Tally::default();
        for client in clients {
            let one = client.join().unwrap();
            all.asked += one.asked;
            all.failed.extend(one.failed);
        }
        (done, all)
    })
}

/// How many questions were answered so far.
#[derive(Debug, Default)]
pub(crate) struct Progress(AtomicU32);

impl Progress {
    /// Waits until so many more were answered.
    pub(crate) fn await_more(&self, more: u32) {
        let before = self.0.load(Relaxed);
        tests::process::until("clients are answered", || {
            self.0.load(Relaxed) >= before + more
        });
    }
}

fn ask_while(asker: &Asker, goes_on: &AtomicBool, progress: &Progress) -> Tally {
    let mut tally = Tally::default();
    while goes_on.load(Relaxed) {
        let (asked, span) = Span::of(|| asker.ask());
        tally.asked += 1;
        match asked.result {
            Ok(_) => _ = progress.0.fetch_add(1, Relaxed),
            Err(error) => tally.failed.push((span, error)),
        }
    }
    tally
}

/// Sets its word when it is dropped, by a panic too.
pub(crate) struct Stop<'a>(pub(crate) &'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}
