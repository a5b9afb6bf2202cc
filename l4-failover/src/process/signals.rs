//! The signals that a process answers.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Mutex;

/// The signals that end a process: SIGTERM and SIGINT.
///
/// One watcher serves every wait, so that a signal which comes between two waits is still there
/// for the second.
#[derive(Debug)]
pub struct Signals(Mutex<Watched>);

#[derive(Debug)]
struct Watched {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes both signals from the kernel's hands, in a runtime with I/O. They stay taken for the
    /// life of the process: once this is dropped, nothing answers them.
    ///
    /// # Errors
    ///
    /// When the system refuses a handler.
    pub fn new() -> io::Result<Self> {
        let watched = Watched {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        };
        Ok(Self(Mutex::new(watched)))
    }

    /// The next signal. Of several that wait, one goes on, and the others wait for the next.
    pub async fn next(&self) {
        let mut watched = self.0.lock().await;
        let Watched {
            terminate,
            interrupt,
        } = &mut *watched;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// SIGHUP: the request to read the configuration again.
///
/// Left to the kernel, it would end the process at once, and cut its connections so that they look
/// whole: every program takes it, also one that has nothing to read, and before it does anything
/// else. In the first milliseconds, until its runtime is there, nothing can be done without unsafe
/// code: who starts it must wait for `ready`, or READY=1, before the first hangup. What comes between
/// this and [`next`](Self::next) is not lost.
#[derive(Debug)]
pub struct Hangups(Signal);

impl Hangups {
    /// Takes the signal from the kernel's hands, in a runtime with I/O. It stays taken for the
    /// life of the process.
    ///
    /// # Errors
    ///
    /// When the system refuses a handler.
    pub fn new() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// The next one. Several that come before this is asked are one.
    pub async fn next(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::process::{Signal as Number, getpid, kill_process};
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// Sends itself signals, so what is watched is watched first.
    #[tokio::test]
    async fn signals_that_end_and_hangups_are_told_apart() {
        let (signals, mut hangups) = (Signals::new().unwrap(), Hangups::new().unwrap());
        kill_process(getpid(), Number::HUP).unwrap();
        timeout(PATIENCE, hangups.next()).await.unwrap();
        kill_process(getpid(), Number::TERM).unwrap();
        timeout(PATIENCE, signals.next()).await.unwrap();
        // The second wait does not see the first's signal again.
        tokio::select! {
            biased;
            () = signals.next() => panic!("one signal, one answer"),
            () = std::future::ready(()) => {}
        }
        kill_process(getpid(), Number::INT).unwrap();
        timeout(PATIENCE, signals.next()).await.unwrap();
    }
}
