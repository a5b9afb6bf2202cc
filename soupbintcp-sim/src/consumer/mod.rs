//! A consumer that judges what it gets: the other end of [`serve`](crate), or of anything that
//! stands between.
//!
//! At one address it speaks the protocol for itself, one connection at a time: it is what the joining of
//! lines is judged by, which must not be judged by its own count, and it must see what a
//! [`Feed`](l4_failover::soupbin::Feed) promises to hide. At several addresses it is such a feed, and
//! judges what that brings.
//!
//! ```no_run
//! use l4_failover::soupbin::packet::Credentials;
//! use soupbintcp_sim::consumer::{self, Options};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut options = Options::new("127.0.0.1:19100", Credentials::new("", "")?);
//! options.seed = Some(7);
//! options.count = Some(100_000);
//! let report = consumer::run(options, std::future::pending()).await?;
//! assert!(report.is_clean(), "{report}");
//! # Ok(())
//! # }
//! ```

mod against_seed;
mod against_time;
mod error;
mod intake;
mod lateness;
mod line;
mod lines;
mod options;
mod out;
mod report;
#[cfg(test)]
mod tests;
mod verdict;
mod watch;

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use intake::Intake;
use line::{End, Line};
use watch::Watch;

// The public interface is:
pub use error::{Cause, ConsumeError};
pub use lateness::Scheduled;
pub use options::Options;
pub use report::{LinesReport, Report};
pub use verdict::{Fault, Faults};
pub use watch::Glance;

/// Between two attempts to come back: short beside any failover that is measured.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// Nobody accepted a login for so long: the server is not coming back.
const RECONNECT_MAX: Duration = Duration::from_secs(60);

/// Consumes until all that was wanted has come, the session or the time is over, or `shutdown`.
///
/// # Errors
///
/// [`ConsumeError`]: there was no first login, or the messages could not be kept. Whatever happens
/// after the first login is in the report.
pub async fn run(
    options: Options,
    shutdown: impl Future<Output = ()>,
) -> Result<Report, ConsumeError> {
    run_watched(options, shutdown, |_| {}).await
}

/// As [`run`], with a glance once a second.
///
/// # Errors
///
/// As [`run`].
pub async fn run_watched(
    options: Options,
    shutdown: impl Future<Output = ()>,
    mut tell: impl FnMut(Glance) + Send,
) -> Result<Report, ConsumeError> {
    let mut intake = Intake::new(&options)?;
    let stop = pin!(stop(options.duration, shutdown));
    let watch = Watch::new(&mut tell);
    match options.backups.is_empty() {
        true => consume(&options, &mut intake, watch, stop).await?,
        false => lines::consume(&options, &mut intake, watch, stop).await?,
    }
    intake.report()
}

/// Waits for the end of the time, or of the process.
async fn stop(duration: Option<Duration>, shutdown: impl Future<Output = ()>) {
    let Some(duration) = duration else {
        return shutdown.await;
    };
    tokio::select! {
        () = sleep(duration) => {}
        () = shutdown => {}
    }
}

/// The connections of a run, one after another.
async fn consume(
    options: &Options,
    intake: &mut Intake,
    mut watch: Watch<'_>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<(), ConsumeError> {
    let mut lost = None;
    loop {
        let (was_in, end) = connection(options, intake, &mut watch, stop.as_mut()).await?;
        let End::Broken(cause) = end else {
            let has_login = was_in || lost.is_some();
            let without = || ConsumeError::start(options, Cause::Unanswered);
            return has_login.then_some(()).ok_or_else(without);
        };
        let since = match lost {
            Some(since) if !was_in => since,
            None if !was_in => return Err(ConsumeError::start(options, cause)),
            _ => {
                intake.disconnected(cause.to_string());
                *lost.insert(Instant::now())
            }
        };
        if !options.reconnects || since.elapsed() >= RECONNECT_MAX {
            return Ok(());
        }
        tokio::select! {
            () = stop.as_mut() => return Ok(()),
            () = sleep(RECONNECT_PAUSE) => {}
        }
    }
}

/// One connection: whether its login was accepted, and how it ended.
async fn connection(
    options: &Options,
    intake: &mut Intake,
    watch: &mut Watch<'_>,
    mut stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<(bool, End), ConsumeError> {
    let login = intake.login();
    let line = tokio::select! {
        () = stop.as_mut() => return Ok((false, End::Own)),
        line = Line::open(&options.address, login, options.limits) => line,
    };
    let mut line = match line {
        Ok(line) => line,
        Err(cause) => return Ok((false, End::Broken(cause))),
    };
    let end = line.follow(intake, watch, stop).await?;
    Ok((line.was_in(), end))
}
