//! `soupbintcp-sim consume`.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use l4_failover::process::signals::Signals;
use l4_failover::soupbin::packet::{Credentials, LoginRequest, SessionId};
use l4_failover::soupbin::session::ClientLimits;

use super::Failure;
use super::progress::Progress;
use super::start::start;
use crate::consumer::{self, Options, Report, Scheduled};
use crate::server::{Burst, Rate, Schedule};

#[derive(Debug, Args)]
pub(super) struct Consume {
    /// Where the feed is, as HOST:PORT. Of several the first is the primary, and the others are its
    /// backups: a dead line is then replaced, and does not count as a disconnect.
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<String>,
    /// Who logs in: at most 6 characters.
    #[arg(long, default_value = "", hide_default_value = true)]
    username: String,
    /// With which password: at most 10 characters. Others can read it in the list of processes.
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        conflicts_with = "password_file"
    )]
    password: String,
    /// A file with the password in its first line.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Which session; by default the one that is active.
    #[arg(long, default_value = "", hide_default_value = true)]
    session: SessionId,
    /// The message to begin with, counted from 1; 0 is the newest.
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    from: u64,
    /// The version whose login is sent.
    #[arg(long = "version", value_name = "VERSION", default_value = "3.0")]
    protocol: Protocol,
    /// After which silence of this side the server may leave: only version 4.1 can say so.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = humantime::parse_duration)]
    heartbeat_timeout: Duration,
    /// After which silence of the server the connection is given up.
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = humantime::parse_duration)]
    silence: Duration,
    /// Ends after so many messages.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Ends after so long.
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
    /// Compares every message with that of `serve --seed`.
    #[arg(long, value_name = "SEED")]
    verify_seed: Option<u64>,
    /// Measures latency, from when message n was due: START + n / RATE. As given to `serve`. What
    /// was due before the login is not measured.
    #[arg(long, value_name = "RATE", requires = "start")]
    rate: Option<Rate>,
    /// The bursts that were given to `serve`.
    #[arg(long, value_name = "PROFILE", requires = "rate")]
    burst: Option<Burst>,
    /// When the session started: @ and seconds since 1970, to the microsecond.
    #[arg(long, value_name = "@SECONDS", requires = "rate", value_parser = start)]
    start: Option<SystemTime>,
    /// Connects again after a disconnect, and goes on with the message that is missing. The
    /// disconnect counts.
    #[arg(long)]
    reconnect: bool,
    /// Keeps the messages in a file, each behind its length (BinaryFILE).
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Ends with one line of JSON on stdout instead of words.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Protocol {
    #[value(name = "3.0")]
    V30,
    #[value(name = "4.0")]
    V40,
    #[value(name = "4.1")]
    V41,
}

pub(super) fn consume(consume: Consume) -> Result<(), Failure> {
    let is_json = consume.json;
    let options = options(consume)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("cannot start: {error}")))?;
    let result = runtime.block_on(watched(options));
    // Not dropped: that would wait for a look-up of a name that is under way.
    runtime.shutdown_background();
    tell(&result?, is_json)
}

fn options(consume: Consume) -> Result<Options, Failure> {
    let login = login(&consume)?;
    let scheduled = scheduled(&consume)?;
    let mut addresses = consume.addresses.into_iter();
    let primary = addresses.next().unwrap_or_default();
    let backups: Vec<_> = addresses.collect();
    if consume.reconnect && !backups.is_empty() {
        return Err(Failure::Mistaken(
            "a feed of several addresses connects again by itself; remove --reconnect".to_owned(),
        ));
    }
    Ok(Options {
        backups,
        login,
        limits: ClientLimits {
            silence: consume.silence,
        },
        count: consume.count,
        duration: consume.duration,
        seed: consume.verify_seed,
        scheduled,
        out: consume.out,
        reconnects: consume.reconnect,
        ..Options::new(primary, login.credentials)
    })
}

fn scheduled(consume: &Consume) -> Result<Option<Scheduled>, Failure> {
    let (Some(rate), Some(start)) = (consume.rate, consume.start) else {
        return Ok(None);
    };
    match rate {
        Rate::PerSecond(rate) => {
            let schedule = Schedule::new(rate, consume.burst);
            Ok(Some(Scheduled { start, schedule }))
        }
        Rate::Max => Err(Failure::Mistaken(
            "latency counts from when a message was due: with --rate max none is".to_owned(),
        )),
    }
}

fn login(consume: &Consume) -> Result<LoginRequest, Failure> {
    let password = match &consume.password_file {
        None => consume.password.clone(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::Mistaken(format!("{}: {error}", path.display())))?;
            text.lines().next().unwrap_or_default().to_owned()
        }
    };
    let credentials = Credentials::new(&consume.username, &password)
        .map_err(|error| Failure::Mistaken(error.to_string()))?;
    let heartbeat_timeout = match consume.protocol {
        Protocol::V30 | Protocol::V40 => None,
        Protocol::V41 => Some(consume.heartbeat_timeout),
    };
    Ok(LoginRequest {
        credentials,
        session: consume.session,
        sequence: consume.from,
        heartbeat_timeout,
    })
}

async fn watched(options: Options) -> Result<Report, Failure> {
    let signals = Signals::new().map_err(|error| Failure::Failed(error.to_string()))?;
    let mut progress = Progress::new();
    let result = consumer::run_watched(options, signals.next(), |it| progress.show(it)).await;
    progress.end();
    result.map_err(|error| Failure::Mistaken(error.to_string()))
}

fn tell(report: &Report, is_json: bool) -> Result<(), Failure> {
    let line = if is_json {
        report.to_json()
    } else {
        report.to_string()
    };
    writeln!(std::io::stdout(), "{line}")
        .map_err(|error| Failure::Failed(format!("cannot write to stdout: {error}")))?;
    if report.is_clean() {
        return Ok(());
    }
    let told = report.told.iter().map(ToString::to_string);
    let why: Vec<_> = told.chain(report.causes.iter().cloned()).collect();
    Err(Failure::Failed(why.join("\n")))
}
