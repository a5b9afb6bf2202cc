//! Clients that ask all the time, whatever happens meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use tests::client::AskError;
use tests::process::until;

/// A stretch of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    began: Instant,
    ended: Instant,
}

impl Span {
    /// Does something, and notes how long that was.
    pub(crate) fn of<T>(what: impl FnOnce() -> T) -> (T, Self) {
        let began = Instant::now();
        let done = what();
        let ended = Instant::now();
        (done, Self { began, ended })
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.began <= other.ended && other.began <= self.ended
    }
}

/// What came of the questions of all clients.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) answered: u32,
    failed: Vec<(Span, AskError)>,
}

impl Tally {
    /// How the questions failed that were not answered, each of which was under way in one of these
    /// moments: none is lost otherwise.
    pub(crate) fn failed_in(self, moments: &[Span]) -> Vec<AskError> {
        let is_in = |span: &Span| moments.iter().any(|moment| moment.overlaps(span));
        let (cut, lost): (Vec<_>, Vec<_>) = self.failed.into_iter().partition(|it| is_in(&it.0));
        assert!(lost.is_empty(), "{lost:#?}");
        cut.into_iter().map(|(_, error)| error).collect()
    }
}

/// Does something while so many clients ask, each as `ask` does that is told which of them it is.
pub(crate) fn during<T>(
    clients: usize,
    ask: impl Fn(usize) -> Result<(), AskError> + Sync,
    what: impl FnOnce(&Progress) -> T,
) -> (T, Tally) {
    let (goes_on, progress) = (AtomicBool::new(true), Progress::default());
    thread::scope(|scope| {
        let (ask, goes_on, progress) = (&ask, &goes_on, &progress);
        let client = |nth| scope.spawn(move || ask_while(|| ask(nth), goes_on, progress));
        let clients: Vec<_> = (0..clients).map(client).collect();
        let stop = Stop(goes_on);
        let done = what(progress);
        drop(stop);
        let failed = clients.into_iter().flat_map(|it| it.join().unwrap());
        let failed = failed.collect();
        let answered = progress.0.load(Relaxed);
        (done, Tally { answered, failed })
    })
}

/// How many questions were answered so far.
#[derive(Debug, Default)]
pub(crate) struct Progress(AtomicU32);

impl Progress {
    /// Waits until so many more were answered.
    pub(crate) fn await_more(&self, more: u32) {
        let before = self.0.load(Relaxed);
        until("clients are answered", || {
            self.0.load(Relaxed) >= before + more
        });
    }
}

fn ask_while(
    ask: impl Fn() -> Result<(), AskError>,
    goes_on: &AtomicBool,
    progress: &Progress,
) -> Vec<(Span, AskError)> {
    let mut failed = Vec::new();
    while goes_on.load(Relaxed) {
        let (asked, span) = Span::of(&ask);
        match asked {
            Ok(()) => _ = progress.0.fetch_add(1, Relaxed),
            Err(error) => failed.push((span, error)),
        }
    }
    failed
}

/// Ends the clients when it is dropped, by a panic too.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}
