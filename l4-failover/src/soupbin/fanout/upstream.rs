//! The one login of a port: a consumer within this process, carried from line to line as any other.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tracing::{info, warn};

use super::begin::{Begin, Ended, Memory, Said};
use super::heard::Heard;
use super::resume::{Apart, Resume};
use super::settling::{Pace, Settling};
use super::shared::Shared;
use super::tape::{Tape, TapeEnd};
use crate::choice::Jitter;
use crate::pool::{Endpoint, Pool};
use crate::soupbin::bridge::Told;
use crate::soupbin::feed::intake::{Intake, Wanted};
use crate::soupbin::join::{End, JoinEvent};
use crate::soupbin::packet::{Credentials, LoginAccepted, LoginRequest, SessionId};

/// Bytes that may wait between the line and the history before the line is not read: it is filled and
/// emptied by the same thread.
const ROOM: usize = 256 * 1024;
/// The shortest and the longest wait before a login that has ended is begun anew.
const WAIT_MIN: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_secs(5);
/// A line that does not go on with what is held is left for so long, which is longer than the others have.
/// One that stands behind may soon have come there: it is left for [`WAIT_MAX`].
const REST: Duration = Duration::from_secs(30);
/// After a login that lived for so long, the wait is a short one again.
const STABLE: Duration = Duration::from_secs(10);
/// A session that ended while it was repeated is shown for so long to those who wait for one.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// Logs in, and again whenever the login has ended, until `stop` is dropped.
pub(super) async fn keep(shared: Arc<Shared>, pool: Pool, stop: oneshot::Receiver<()>) {
    let upstream = Upstream {
        shared,
        pool,
        memory: Memory::default(),
        told_over: None,
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
    memory: Memory,
    /// The session of which it was said that its line shows it, though it is over.
    told_over: Option<SessionId>,
    /// Room to wake those who wait.
    woken: Vec<Waker>,
}

impl Upstream {
    async fn go_on(mut self) -> std::convert::Infallible {
        let mut jitter = Jitter::new(WAIT_MIN, WAIT_MAX, fastrand::u64(..));
        loop {
            let (began, reloads) = (Instant::now(), self.shared.reloads());
            let (begin, heard) = (self.memory.begin(), Arc::new(Heard::default()));
            let ended = self.log_in(&begin, &heard).await;
            self.shared.next.store(0, Relaxed);
            if began.elapsed() >= STABLE {
                jitter.reset();
            }
            let waited = (
                Instant::now().into_std(),
                self.shared.options().join.max_outage,
            );
            let next = self.memory.ended(&begin, &ended, waited);
            if let Some((session, why)) = next.dropped {
                self.shared.lines.refusals().forget_apart();
                let port = &*self.shared.name;
                warn!(target: "feed", port, %session, reason = %why, "what was kept of the session is dropped, and all begins anew");
            }
            if next.waits {
                self.say(&ended, &heard);
                self.wait(&ended, &heard, jitter.next_wait(), reloads).await;
            }
        }
    }

    /// Says why there is no login.
    fn say(&mut self, ended: &Ended, heard: &Heard) {
        let (port, over) = (&*self.shared.name, self.memory.over);
        match ended {
            Ended::StillOver if std::mem::replace(&mut self.told_over, over) != over => {
                let session = over.map(|it| it.to_string());
                info!(target: "feed", port, session, "the line still has the session that is over; another is waited for");
            }
            ended => heard.say(port, ended),
        }
    }

    /// Waits before the next login, unless there was a reload since this one began that may have changed
    /// what it was refused for.
    async fn wait(&self, ended: &Ended, heard: &Heard, wait: Duration, reloads: u64) {
        // It hears of every reload from here on.
        let hurried = self.shared.hurry.notified();
        let was_in = matches!(ended, Ended::Lost(..));
        if !was_in && self.shared.reloads() != reloads {
            return self.shared.lines.refusals().forget();
        }
        let until = Instant::now() + wait;
        let rests = self.rests_until(ended, heard);
        let until = rests.map_or(until, |it| it.max(until));
        tokio::select! {
            () = sleep_until(until) => {}
            () = hurried => {}
            () = self.returned(), if rests.is_none() => {}
        }
    }

    /// Waits until an endpoint is back.
    async fn returned(&self) {
        let mut recalls = self.pool.recalls();
        while let Some(recall) = recalls.next().await {
            if !recall.returned.is_empty() {
                return;
            }
        }
        pending().await
    }

    /// Until when there is nobody to ask, since every target refuses the credentials.
    fn rests_until(&self, ended: &Ended, heard: &Heard) -> Option<Instant> {
        let is_each = matches!(ended, Ended::Refused(End::Rejected(_), Said::Nothing));
        let is_any_gone = heard.gone() != Said::Nothing;
        let first_over = || self.shared.lines.refusals().first_over();
        (is_each && !is_any_gone).then(first_over).flatten()
    }

    /// One login, from its request to its end.
    async fn log_in(&mut self, begin: &Begin, heard: &Arc<Heard>) -> Ended {
        let mut intake = self.start(begin, heard);
        let ended = match intake.accepted().await {
            Ok(accepted) => self.take_in(&mut intake, begin, accepted, heard).await,
            Err(end) => Ended::refused(end, self.said(heard)),
        };
        // An exchange may allow one login at a time, and what this one says must not come later.
        intake.leave().await;
        ended
    }

    /// What lines said of the session. Those that were not asked have said nothing.
    fn said(&self, heard: &Heard) -> Said {
        match heard.gone() {
            Said::Gone if !self.shared.lines.refusals().now().is_empty() => Said::GoneByOne,
            said => said,
        }
    }

    async fn take_in(
        &mut self,
        intake: &mut Intake,
        begin: &Begin,
        accepted: LoginAccepted,
        heard: &Heard,
    ) -> Ended {
        let LoginAccepted { session, sequence } = accepted;
        if self.memory.over == Some(session) {
            return Ended::StillOver;
        }
        let is_newest = matches!(begin, Begin::Newest);
        if is_newest && !self.memory.wants_newest_of(session) {
            return Ended::Another;
        }
        let tape = match begin {
            Begin::Kept(tape) => match self.resume(intake, tape, sequence).await {
                Ok(()) => Arc::clone(tape),
                Err(ended) => return self.apart(ended, heard),
            },
            Begin::First | Begin::Newest => {
                let limits = self.shared.fanout().history;
                Arc::new(Tape::new(session, sequence, limits))
            }
        };
        if !is_newest {
            let settling = self.settling(begin, heard);
            match self.settle(intake, &tape, settling).await {
                Ok(Pace::TooLong) => {
                    // Whoever comes to what was kept of it comes to its end.
                    let next = tape.held().next;
                    self.end(&tape, End::Outage { next });
                    return Ended::TooLong(session);
                }
                Ok(Pace::Settled | Pace::Unknown) => {}
                Err(end) => return self.ended_early(&tape, end).await,
            }
        }
        self.memory.begun(session, is_newest);
        self.shared.lines.refusals().forget_apart();
        self.show(&tape);
        let end = self.fill(intake, &tape).await;
        self.shared.hide();
        self.end(&tape, end)
    }

    fn start(&self, begin: &Begin, heard: &Arc<Heard>) -> Intake {
        let (session, sequence) = match begin {
            Begin::First => (SessionId::BLANK, 1),
            Begin::Newest => (SessionId::BLANK, 0),
            Begin::Kept(tape) => {
                let held = tape.held();
                (held.session, Resume::begin(held.first, held.next))
            }
        };
        let wanted = Wanted {
            login: LoginRequest {
                // Each target has credentials of its own.
                credentials: blank(),
                session,
                sequence,
                heartbeat_timeout: None,
            },
            subscription: Vec::new(),
            room: ROOM,
        };
        let (shared, heard, over) = (
            Arc::clone(&self.shared),
            Arc::clone(heard),
            self.memory.over,
        );
        let watch = move |told: Told<'_>| {
            heard.hear(&told);
            // A line that has the session that is over is asked again and again, and is no news.
            let is_over = over == Some(told.status.session);
            if !(is_over && matches!(told.event, JoinEvent::Joined(_))) {
                shared.told(told);
            }
        };
        let way = (self.pool.clone(), self.shared.lines.clone());
        Intake::start(way, &wanted, Arc::clone(&self.shared.next), watch)
    }

    /// The line that was joined does not go on with what is kept: another is asked, if there is one that
    /// was not yet.
    fn apart(&self, ended: Ended, heard: &Heard) -> Ended {
        let refusals = self.shared.lines.refusals();
        let (resting, joined) = (refusals.now(), heard.joined());
        let endpoints = self.pool.endpoints();
        let is_asked = |it: &Arc<Endpoint>| {
            let mut asked = resting.iter().map(|it| &it.endpoint).chain(&joined);
            asked.any(|asked| asked.is(it))
        };
        let is_last = endpoints.iter().all(is_asked);
        match (&ended, joined.as_ref()) {
            (Ended::Apart(..), Some(joined)) if !is_last => refusals.is_apart(joined, REST),
            (Ended::Behind, Some(joined)) if !is_last => refusals.is_apart(joined, WAIT_MAX),
            _ => refusals.forget_apart(),
        }
        match ended {
            Ended::Apart(apart, _) => Ended::Apart(apart, is_last),
            ended => ended,
        }
    }

    /// Compares what the line repeats with what is kept, until it has come to its end.
    async fn resume(&mut self, intake: &mut Intake, tape: &Tape, first: u64) -> Result<(), Ended> {
        let join = &self.shared.options().join;
        let resume = Resume::new(tape, first, join.on_unverified);
        let apart = |apart: Apart| Ended::Apart(apart, false);
        let mut resume = resume.map_err(apart)?;
        let (until, mut new) = (Instant::now() + join.catch_up, Bytes::new());
        while !resume.is_through() {
            let came = timeout_at(until, take(intake)).await;
            let frames = came.map_err(|_| Ended::Behind)?;
            let frames = frames.map_err(|end| Ended::refused(end, Said::Nothing))?;
            new = resume.take(frames).map_err(apart)?;
        }
        let (port, session, compared) = (&*self.shared.name, tape.session(), resume.same);
        info!(target: "feed", port, %session, compared, "the session goes on where it was kept");
        tape.resume();
        self.write(intake, tape, new);
        Ok(())
    }

    fn settling(&self, begin: &Begin, heard: &Heard) -> Settling {
        let kept = self.shared.fanout().history.messages;
        let settling = Settling::new(Instant::now().into_std(), heard.round_trip(), kept);
        match begin {
            Begin::Kept(_) => settling.resumed(),
            Begin::First | Begin::Newest => settling,
        }
    }

    /// Takes in what the session had before, until what comes is new.
    async fn settle(
        &mut self,
        intake: &mut Intake,
        tape: &Tape,
        mut settling: Settling,
    ) -> Result<Pace, End> {
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

    fn show(&self, tape: &Arc<Tape>) {
        let held = tape.held();
        let (port, session) = (&*self.shared.name, held.session);
        info!(target: "feed", port, %session, first = held.first, next = held.next, "one login for all consumers");
        self.shared.show(tape);
    }

    /// The session ended before all of it was there: whoever waits gets what there is.
    async fn ended_early(&mut self, tape: &Arc<Tape>, end: End) -> Ended {
        let is_over = end == End::EndOfSession;
        if is_over {
            self.show(tape);
        }
        let ended = self.end(tape, end);
        if is_over {
            sleep(LAST_LOOK).await;
            self.shared.hide();
        }
        ended
    }

    fn end(&mut self, tape: &Arc<Tape>, end: End) -> Ended {
        tape.end(match &end {
            End::EndOfSession => TapeEnd::Session,
            end => TapeEnd::Cut(end.clone()),
        });
        tape.wake(&mut self.woken);
        Ended::Lost(Arc::clone(tape), end)
    }
}

async fn take(intake: &mut Intake) -> Result<Bytes, End> {
    // A feed that never pauses must not have the thread for itself.
    consume_budget().await;
    poll_fn(|cx| intake.poll_frames(cx)).await
}

/// Nobody's: no line is spoken to with these.
pub(super) fn blank() -> Credentials {
    match Credentials::new("", "") {
        Ok(blank) => blank,
        Err(_) => unreachable!("blanks are printable, and few"),
    }
}
