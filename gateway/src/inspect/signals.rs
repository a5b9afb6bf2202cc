//! Signals while a capture runs, or is read: SIGINT and SIGTERM end it, and so does SIGHUP unless it is
//! ignored, as under nohup; SIGUSR1 asks for its counts.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::pipe::{PipeFlags, pipe_with};

/// What a shell adds to the number of the signal that ended a process, to tell how it ended: with their
/// sum the process ends if it is told to a second time.
const ENDED_AT_ONCE: i32 = 128;

/// Signals that are waited for beside frames.
#[derive(Debug)]
pub(super) struct Signals {
    told: Arc<Told>,
    /// Readable once something was told.
    wake: OwnedFd,
}

#[derive(Debug, Default)]
struct Told {
    end: AtomicBool,
    counts: AtomicBool,
}

impl Signals {
    /// Takes the signals from the kernel's hands: in this thread and those that it starts from now on,
    /// so it is to be the only one.
    pub(super) fn new() -> io::Result<Self> {
        let mut signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGUSR1]);
        // One that is waited for comes even if it is ignored.
        if !is_ignored(Signal::SIGHUP) {
            signals.add(Signal::SIGHUP);
        }
        signals.thread_block()?;
        let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)?;
        let (wake, waker) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let told = Arc::new(Told::default());
        let watched = Arc::clone(&told);
        // A thread of its own: a write to a pipe that nobody reads must not outlast a second SIGINT.
        let watch = move || watch(&signals, &waker, &watched);
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(watch)?;
        Ok(Self { told, wake })
    }

    /// Whether the capture is to end.
    pub(super) fn is_end(&self) -> bool {
        self.told.end.load(Relaxed)
    }

    /// Whether counts were asked for since this was called last.
    pub(super) fn take_counts(&self) -> bool {
        // One asked for after this has its own byte.
        let mut bytes = [0; 16];
        let _ = rustix::io::read(&self.wake, &mut bytes);
        self.told.counts.swap(false, Relaxed)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

/// Whether who started this process wants the signal ignored. Where the kernel does not tell, nobody does.
fn is_ignored(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal as u32 - 1) & 1 == 1)
}

fn watch(signals: &SignalFd, waker: &OwnedFd, told: &Told) {
    while let Ok(Some(signal)) = signals.read_signal() {
        let is_usr1 = signal.ssi_signo == Signal::SIGUSR1 as u32;
        if is_usr1 {
            told.counts.store(true, Relaxed);
        } else if told.end.swap(true, Relaxed) {
            // Numbers of signals end at 64.
            std::process::exit(ENDED_AT_ONCE + signal.ssi_signo.cast_signed());
        }
        // A full pipe wakes as well.
        let _ = rustix::io::write(waker, &[0]);
    }
}
