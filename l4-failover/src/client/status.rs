//! `status`: the process and its pools at a glance.

use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, sleep};

use super::connect::Peer;
use super::document::{Rates, Reading};
use super::out::{Out, Paint, printable};
use super::request::with_query;
use super::table::table;
use super::units::span;
use super::{ClientError, Connection};

/// Between the two readings that a rate is made of: long enough to mean something, and short enough
/// to wait for.
const RATE_WINDOW: Duration = Duration::from_millis(500);
/// The shortest time between two looks of `--watch`: each is work for the process.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
/// The line about a restart stays for so many looks.
const RESTART_SHOWN: u32 = 10;

/// What to show.
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// The one to show. [default: all]
    name: Option<String>,
    /// Only what serves this: port, inbound, service, adoption, datacenter.
    #[arg(long)]
    kind: Option<String>,
    /// Prints JSON: what the process answers at /status.
    #[arg(long)]
    json: bool,
    /// Looks again each second, or as often as said, until interrupted.
    #[arg(
        long,
        value_name = "INTERVAL",
        num_args = 0..=1,
        default_missing_value = "1s",
        value_parser = interval,
        conflicts_with = "json",
    )]
    watch: Option<Duration>,
    #[command(flatten)]
    pub(super) connection: Connection,
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| {
        format!("{error}; an interval is written as 2s or 500ms, and a name goes before --watch")
    })?;
    match interval >= INTERVAL_MIN {
        true => Ok(interval),
        false => Err(format!("at least {INTERVAL_MIN:?} are between two looks")),
    }
}

impl StatusArgs {
    fn path(&self) -> String {
        let query = [
            ("pool", self.name.as_deref()),
            ("kind", self.kind.as_deref()),
        ];
        with_query("/status", &query)
    }
}

pub(super) async fn status(
    args: &StatusArgs,
    peer: &Peer,
    out: &mut Out<'_>,
) -> Result<(), ClientError> {
    if args.json {
        let answer = peer.get(&args.path()).await?;
        // As it came: a newer process may say more than is known here.
        return out.say(&format!(
            "{}\n",
            String::from_utf8_lossy(&answer).trim_end()
        ));
    }
    let first = read(args, peer).await?;
    if let Some(interval) = args.watch {
        return tokio::select! {
            // Whoever interrupts it has seen enough.
            _ = tokio::signal::ctrl_c() => Ok(()),
            watched = watch(args, interval, first, peer, out) => watched,
        };
    }
    sleep(RATE_WINDOW).await;
    let (now, rates) = match read(args, peer).await {
        Ok(now) => {
            let rates = now.rates(&first);
            (now, rates)
        }
        // It has answered once.
        Err(_) => (first, Rates::default()),
    };
    let text = table(&now.document, &rates, out.paint());
    out.show(&text)
}

async fn read(args: &StatusArgs, peer: &Peer) -> Result<Reading, ClientError> {
    let answer = peer.get(&args.path()).await?;
    Ok(Reading {
        document: peer.parsed(&answer)?,
        at: Instant::now(),
    })
}

/// Draws what there is again and again. Whoever watches wants to see the process come back as well.
async fn watch(
    args: &StatusArgs,
    interval: Duration,
    first: Reading,
    peer: &Peer,
    out: &mut Out<'_>,
) -> Result<(), ClientError> {
    let (mut last, mut rates) = (first, Rates::default());
    let (mut gone, mut shown): (Option<ClientError>, u32) = (None, 0);
    loop {
        let notice = match &gone {
            Some(error) => not_there(error, &last, out.paint()),
            None if shown > 0 => restarted(&last, out.paint()),
            None => String::new(),
        };
        let text = table(&last.document, &rates, out.paint());
        out.redraw(&format!("{notice}{text}"))?;
        sleep(interval).await;
        shown = shown.saturating_sub(1);
        gone = match read(args, peer).await {
            Ok(now) => {
                rates = match now.is_of_another_process(&last) {
                    true => {
                        shown = RESTART_SHOWN;
                        Rates::default()
                    }
                    false => now.rates(&last),
                };
                last = now;
                None
            }
            Err(error) => Some(error),
        };
    }
}

fn not_there(error: &ClientError, last: &Reading, paint: Paint) -> String {
    let ago = span(last.at.elapsed().as_secs_f64());
    let sentence = printable(&error.sentence());
    let line = paint.bad(&sentence);
    format!(
        "{line}\n{}\n\n",
        paint.dim(&format!("below: as it was {ago} ago"))
    )
}

fn restarted(last: &Reading, paint: Paint) -> String {
    let ago = last.document.uptime_seconds + last.at.elapsed().as_secs_f64();
    let line = format!(
        "{} was restarted {} ago",
        last.document.program(),
        span(ago)
    );
    format!("{}\n\n", paint.doubtful(&line))
}
