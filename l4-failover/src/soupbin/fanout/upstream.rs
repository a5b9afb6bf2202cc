//! The one login of a port: a consumer within this process, carried from line to line as any other.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{info, warn};

use super::settling::{Pace, Settling};
use super::shared::Shared;
use super::tape::{Tape, TapeEnd};
use crate::choice::Jitter;
use crate::pool::Pool;
use crate::soupbin::bridge::Told;
use crate::soupbin::feed::intake::{Intake, Wanted};
use crate::soupbin::join::{End, JoinEvent, LineFault};
use crate::soupbin::packet::{Credentials, LoginRequest, Reject, SessionId};

/// Bytes that may wait between the line and the history before the line is not read: it is filled and
/// emptied by the same thread.
const ROOM: usize = 256 * 1024;
/// The shortest and the longest wait before a login that has ended is begun anew.
const WAIT_MIN: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_secs(5);
/// After a login that lived for so long, the wait is a short one again.
const STABLE: Duration = Duration::from_secs(10);
/// Exchanges hold a dead login for a while, and count attempts.
const REFUSED: Duration = Duration::from_secs(30);
/// A session that ended while it was repeated is shown for so long to those who wait for one.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// What says that the credentials of a target are wrong.
const REFUSAL: LineFault = LineFault::Rejected(Reject::NotAuthorized);

/// Where a login begins.
const FIRST: u64 = 1;
const NEWEST: u64 = 0;

/// How a login ended.
enum Ended {
    /// It is to be begun with the newest message instead.
    TooLong,
    /// The session that was over is still shown by its line.
    StillOver,
    /// No line goes on with it.
    Lost(End),
}

/// Logs in, and again whenever the login has ended, until `stop` is dropped.
pub(super) async fn keep(shared: Arc<Shared>, pool: Pool, stop: oneshot::Receiver<()>) {
    let upstream = Upstream {
        shared,
        pool,
        over: None,
        woken: Vec::new(),
    };
    tokio::select! {
        never = upstream.go_on() => match never {},
        _ = stop => {}
    }
}

struct Upstream {
    shared: Arc<Shared>,
    pool: Pool,
    /// The session that has ended, which nobody can enter again.
    over: Option<SessionId>,
    /// Room to wake those who wait.
    woken: Vec<Waker>,
}

impl Upstream {
    async fn go_on(mut self) -> std::convert::Infallible {
        let mut jitter = Jitter::new(WAIT_MIN, WAIT_MAX, fastrand::u64(..));
        let mut begin = FIRST;
        loop {
            let began = Instant::now();
            let ended = self.log_in(begin).await;
            self.shared.next.store(0, Relaxed);
            if began.elapsed() >= STABLE {
                jitter.reset();
            }
            begin = match &ended {
                Ended::TooLong => NEWEST,
                Ended::StillOver | Ended::Lost(_) => FIRST,
            };
            if begin == FIRST {
                self.wait(&ended, jitter.next_wait()).await;
            }
        }
    }

    /// Waits before the next login, and says why.
    async fn wait(&self, ended: &Ended, wait: Duration) {
        let is_refused = self.shared.is_refused.load(Relaxed);
        let wait = if is_refused { REFUSED } else { wait };
        let (port, again_ms) = (&*self.shared.name, wait.as_millis() as u64);
        match ended {
            _ if is_refused => {
                warn!(target: "feed", port, again_ms, "the exchange refuses this port's own login: see to the username and password_file of its targets; consumers are told that the session is not available");
            }
            Ended::Lost(End::EndOfSession) => {}
            Ended::Lost(end) => {
                warn!(target: "feed", port, again_ms, reason = %end, "the port's login has ended");
            }
            Ended::StillOver | Ended::TooLong => {}
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = self.shared.hurry.notified() => {}
        }
    }

    /// One login, from its request to its end.
    async fn log_in(&mut self, begin: u64) -> Ended {
        self.shared.is_refused.store(false, Relaxed);
        let mut intake = self.start(begin);
        let accepted = match intake.accepted().await {
            Ok(accepted) => accepted,
            Err(end) => return Ended::Lost(end),
        };
        if self.over == Some(accepted.session) {
            return Ended::StillOver;
        }
        let limits = self.shared.fanout().history;
        let tape = Arc::new(Tape::new(accepted.session, accepted.sequence, limits));
        if begin == FIRST {
            match self.settle(&mut intake, &tape).await {
                Ok(Pace::TooLong) => return Ended::TooLong,
                Ok(Pace::Settled | Pace::Unknown) => {}
                Err(end) => return self.ended_early(&tape, end).await,
            }
        }
        self.begun(&tape);
        let end = self.fill(&mut intake, &tape).await;
        self.shared.show(None);
        self.end(&tape, end)
    }

    fn start(&self, begin: u64) -> Intake {
        let wanted = Wanted {
            login: LoginRequest {
                // Each target has credentials of its own.
                credentials: blank(),
                session: SessionId::BLANK,
                sequence: begin,
                heartbeat_timeout: None,
            },
            subscription: Vec::new(),
            room: ROOM,
        };
        let shared = Arc::clone(&self.shared);
        let watch = move |told: Told<'_>| {
            match told.event {
                JoinEvent::LineDown { fault, .. } if *fault == REFUSAL => {
                    shared.is_refused.store(true, Relaxed);
                }
                JoinEvent::Joined(_) => shared.is_refused.store(false, Relaxed),
                _ => {}
            }
            shared.told(told);
        };
        let way = (self.pool.clone(), self.shared.lines.clone());
        Intake::start(way, &wanted, Arc::clone(&self.shared.next), watch)
    }

    /// Takes in what the session had before, until what comes is new.
    async fn settle(&mut self, intake: &mut Intake, tape: &Tape) -> Result<Pace, End> {
        let mut settling = Settling::new(Instant::now().into_std());
        loop {
            let due = Instant::from_std(settling.due());
            let messages = match timeout_at(due, take(intake)).await {
                Ok(frames) => self.write(intake, tape, frames?),
                Err(_) => 0,
            };
            match settling.came(messages, Instant::now().into_std()) {
                Pace::Unknown => {}
                pace => return Ok(pace),
            }
        }
    }

    /// Takes in what comes, until nothing more does.
    async fn fill(&mut self, intake: &mut Intake, tape: &Tape) -> End {
        loop {
            // A feed that never pauses must not have the thread for itself.
            consume_budget().await;
            match take(intake).await {
                Ok(frames) => self.write(intake, tape, frames),
                Err(end) => return end,
            };
        }
    }

    fn write(&mut self, intake: &mut Intake, tape: &Tape, frames: Bytes) -> u64 {
        let messages = tape.write(&frames);
        tape.wake(&mut self.woken);
        intake.recycle_frames(frames);
        messages
    }

    fn begun(&self, tape: &Arc<Tape>) {
        let held = tape.held();
        let (port, session) = (&*self.shared.name, held.session);
        info!(target: "feed", port, %session, first = held.first, next = held.next, "one login for all consumers");
        self.shared.show(Some(Arc::clone(tape)));
    }

    /// The session ended before all of it was there: whoever waits gets what there is.
    async fn ended_early(&mut self, tape: &Arc<Tape>, end: End) -> Ended {
        let is_over = end == End::EndOfSession;
        if is_over {
            self.begun(tape);
        }
        let ended = self.end(tape, end);
        if is_over {
            sleep(LAST_LOOK).await;
            self.shared.show(None);
        }
        ended
    }

    fn end(&mut self, tape: &Tape, end: End) -> Ended {
        match &end {
            End::EndOfSession => {
                self.over = Some(tape.session());
                tape.end(TapeEnd::Session);
            }
            end => tape.end(TapeEnd::Cut(end.clone())),
        }
        tape.wake(&mut self.woken);
        Ended::Lost(end)
    }
}

async fn take(intake: &mut Intake) -> Result<Bytes, End> {
    poll_fn(|cx| intake.poll_frames(cx)).await
}

/// Nobody's: no line is spoken to with these.
pub(super) fn blank() -> Credentials {
    match Credentials::new("", "") {
        Ok(blank) => blank,
        Err(_) => unreachable!("blanks are printable, and few"),
    }
}
