//! A run over several lines, by way of the library's own feed.

use std::future::Future;
use std::pin::Pin;
use std::time::{Instant, SystemTime};

use l4_failover::soupbin::feed::{Batch, Feed, FeedBuilder, FeedEvent, FeedEvents};
use l4_failover::soupbin::join::{OnGap, Why};
use l4_failover::soupbin::packet::LoginAccepted;
use tokio::task::yield_now;

use super::RECONNECT_MAX;
use super::error::{Cause, ConsumeError};
use super::intake::Intake;
use super::line::{FRAMES_PER_LOOK, TURN};
use super::options::Options;
use super::report::LinesReport;
use super::watch::Watch;

/// Consumes a feed until all that was wanted has come, the session is over or the feed ends.
pub(super) async fn consume(
    options: &Options,
    intake: &mut Intake,
    mut watch: Watch<'_>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<(), ConsumeError> {
    let feed = tokio::select! {
        () = stop.as_mut() => return Err(ConsumeError::start(options, Cause::Unanswered)),
        feed = builder(options).connect() => feed?,
    };
    let begin = feed.cursor();
    let accepted = LoginAccepted {
        session: begin.session(),
        sequence: begin.next(),
    };
    let begins = intake.begins(accepted, SystemTime::now());
    begins.map_err(|cause| ConsumeError::start(options, cause))?;
    intake.lines = Some(LinesReport::default());
    let mut run = Run {
        events: feed.events(),
        feed,
        batch: Batch::default(),
        read_at: SystemTime::now(),
    };
    let taken = run.take(intake, &mut watch, stop).await;
    run.feed.close().await;
    taken
}

fn builder(options: &Options) -> FeedBuilder {
    let (login, limits) = (options.login, options.limits);
    let feed = Feed::builder("feed")
        .primary(&options.address)
        .login_as(login.credentials)
        .begin(login.session, login.sequence)
        .silence(limits.silence)
        .max_outage(RECONNECT_MAX)
        // It is judged here.
        .on_gap(OnGap::Report);
    let feed = match login.heartbeat_timeout {
        Some(timeout) => feed.heartbeat_timeout(timeout),
        None => feed,
    };
    options.backups.iter().fold(feed, FeedBuilder::backup)
}

struct Run {
    feed: Feed,
    events: FeedEvents,
    /// What came and is not judged yet.
    batch: Batch,
    /// When it was taken.
    read_at: SystemTime,
}

impl Run {
    async fn take(
        &mut self,
        intake: &mut Intake,
        watch: &mut Watch<'_>,
        mut stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<(), ConsumeError> {
        loop {
            let is_behind = !self.batch.is_empty();
            // In this order: a stream without a pause must not keep the rest waiting.
            tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                () = watch.second(intake) => {}
                Some(event) = self.events.next() => happened(&event, intake),
                () = yield_now(), if is_behind => self.judge(intake)?,
                batch = self.feed.next_batch(), if !is_behind => match batch {
                    Ok(Some(batch)) => {
                        self.read_at = SystemTime::now();
                        intake.miss_before(batch.sequence());
                        self.batch = batch;
                        self.judge(intake)?;
                    }
                    Ok(None) => return Ok(()),
                    Err(error) => {
                        intake.disconnected(error.to_string());
                        return Ok(());
                    }
                },
            }
            if intake.is_enough() {
                return Ok(());
            }
        }
    }

    /// Judges messages for a turn.
    fn judge(&mut self, intake: &mut Intake) -> Result<(), ConsumeError> {
        let until = Instant::now() + TURN;
        for nth in 1.. {
            let Some(message) = self.batch.next() else {
                break;
            };
            intake.take(message.sequence(), message.payload(), self.read_at)?;
            let is_over = nth % FRAMES_PER_LOOK == 0 && Instant::now() >= until;
            if intake.is_enough() || is_over {
                break;
            }
        }
        Ok(())
    }
}

fn happened(event: &FeedEvent, intake: &mut Intake) {
    let lines = intake.lines.get_or_insert_default();
    match event {
        FeedEvent::FailoverStarted { .. } => lines.lost += 1,
        FeedEvent::Joined(joined) if joined.why != Why::Login => {
            lines.joined += 1;
            if joined.why == Why::Failover {
                lines.longest = lines.longest.max(joined.took.total());
            }
        }
        _ => {}
    }
}
