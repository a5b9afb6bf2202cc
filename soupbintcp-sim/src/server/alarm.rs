//! Wakes a task at a moment, to some microseconds.
//!
//! The runtime's own timers tick in milliseconds: at 100 000 messages a second, a hundred messages.
//! A timer of the kernel that is waited for like a socket (timerfd) has no such grain, needs no
//! thread, and takes no time of the processor while it waits.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A timer of the kernel. It takes a descriptor.
#[derive(Debug)]
pub(super) struct Alarm {
    timer: AsyncFd<OwnedFd>,
    /// What it is set to.
    at: Option<Instant>,
}

impl Alarm {
    /// In a runtime with I/O.
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[allow(
            deprecated,
            reason = "what takes its place is unsafe, for types that give up their descriptor; an \
                      OwnedFd does not"
        )]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        Ok(Self { timer, at: None })
    }

    /// Waits until `at`; at once if that has passed. May be given up and asked again.
    pub(super) async fn until(&mut self, at: Instant) -> io::Result<()> {
        if self.at != Some(at) && !self.set(at)? {
            return Ok(());
        }
        loop {
            let mut guard = self.timer.readable().await?;
            // It is not read: to set it anew does the same.
            guard.clear_ready();
            // What it was set to before may have come first.
            if Instant::now() >= at {
                self.at = None;
                return Ok(());
            }
        }
    }

    /// Whether there is something to wait for.
    fn set(&mut self, at: Instant) -> io::Result<bool> {
        let wait = at.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            // 0 would turn it off.
            return Ok(false);
        }
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let once = Itimerspec {
            it_interval: zero,
            it_value: Timespec {
                tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: wait.subsec_nanos().into(),
            },
        };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
        self.at = Some(at);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_wakes_no_earlier_again_and_again() {
        let mut alarm = Alarm::new().unwrap();
        for micros in [0, 50, 300, 2000, 100] {
            let at = Instant::now() + Duration::from_micros(micros);
            alarm.until(at).await.unwrap();
            assert!(Instant::now() >= at);
        }
    }

    #[tokio::test]
    async fn what_was_given_up_wakes_nobody_early() {
        let mut alarm = Alarm::new().unwrap();
        let soon = Instant::now() + Duration::from_millis(1);
        tokio::select! {
            biased;
            _ = alarm.until(soon) => panic!("it is not time yet"),
            () = std::future::ready(()) => {}
        }
        // It expires meanwhile, unread.
        alarm.until(soon).await.unwrap();
        let later = Instant::now() + Duration::from_millis(20);
        alarm.until(later).await.unwrap();
        assert!(Instant::now() >= later);
    }
}
