//! `soupbintcp-sim serve`.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use l4_failover::admin::{Address, AdminError, AdminOptions};
use l4_failover::process::log::{Format, Level, Log, LogOptions};
use l4_failover::process::notify;
use l4_failover::process::signals::{Hangups, Signals};
use l4_failover::soupbin::packet::{Credentials, SessionId};
use l4_failover::soupbin::session::ServerLimits;
use tracing::info;

use super::Failure;
use crate::script::Script;
use crate::server::{
    BeyondEnd, Burst, Content, Limits, LoginRules, Options, Order, Rate, Server, StartError, Zero,
};

const ROUTES: &str = "\
Orders, by POST to /faults of the admin address (curl -d 'cut client=3 reset' ADDR/faults; several
lines are several orders), or by the lines of a script, each behind its moment: a time after the
server is ready (5s, 250ms), or # and a message number: as soon as a client is about to be sent that
message, or has logged in beyond it. A # with a space behind it begins a comment.
";

const READS: &str = "
The admin address has GET /status (JSON: the session, its newest message, each client's id, place,
messages sent and behind), /faults (the list above), /metrics, /health/live and /health/ready.
";

/// Serves a feed until SIGTERM or SIGINT.
///
/// Prints one line on stderr when all addresses are bound: `ready feed=ADDR … admin=ADDR`. Message n
/// is due at start + n / rate: two servers of one seed, start and rate, or one that was restarted,
/// stand at the same place.
#[derive(Debug, Args)]
#[command(after_long_help = format!("{ROUTES}{}{READS}", Order::HELP))]
pub(super) struct Serve {
    /// Where clients connect, such as 127.0.0.1:9000; port 0 takes a free one. Several are allowed.
    #[arg(long, value_name = "ADDRESS", required = true)]
    listen: Vec<SocketAddr>,
    /// The seed of the day that is served.
    #[arg(long, value_name = "NUMBER", default_value_t = 7)]
    seed: u64,
    /// Messages a second; 0 or max: as fast as each client reads.
    ///
    /// With max nothing is scheduled: all messages are there from the start, without end or
    /// --messages of them; each client gets Z after the last, and others may still log in. The
    /// newest is the highest that any client was sent.
    #[arg(long, value_name = "RATE", default_value = "10000")]
    rate: Rate,
    /// Bursts: 60%:100ms/1s sends 60 % of each second's messages within its first 100 ms.
    ///
    /// The rest comes evenly in what is left of the second; the rate over whole seconds is as it is
    /// without. When a message is due depends on its number alone.
    #[arg(long, value_name = "PROFILE")]
    burst: Option<Burst>,
    /// Messages of the session, after which clients get Z and nobody logs in any more; without it
    /// the feed has no end.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    messages: Option<u64>,
    /// The name of the session, up to ten characters.
    #[arg(long, value_name = "NAME", default_value = "FEED000001", value_parser = session)]
    session: SessionId,
    /// When the session started: @ and seconds since 1970, to the microsecond. Default: now.
    #[arg(long, value_name = "@SECONDS", value_parser = super::start::start)]
    start: Option<SystemTime>,
    /// What a login beyond the end is answered: the next number, its own, or J S.
    #[arg(long, value_name = "HOW", value_enum, default_value = "clamp")]
    beyond_end: Beyond,
    /// What a login at 0 gets first: the newest message, or the next.
    #[arg(long, value_name = "HOW", value_enum, default_value = "last")]
    zero: ZeroFlag,
    /// Who may log in, without regard to case; without it anybody. Others get J A.
    #[arg(long, value_name = "NAME", requires = "password_file")]
    username: Option<String>,
    /// A file whose first line is the password.
    #[arg(long, value_name = "FILE", requires = "username")]
    password_file: Option<PathBuf>,
    /// Messages of a BinaryFILE instead of a seed's.
    #[arg(long, value_name = "FILE", conflicts_with = "seed")]
    replay: Option<PathBuf>,
    /// A file of faults and their moments; see below.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Where operators are served, on this machine; without it they are not.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<Address>,
    /// A file that holds the bearer token which operators must show.
    #[arg(long, value_name = "FILE", requires = "admin")]
    token_file: Option<PathBuf>,
    /// Clients at once; more wait until one leaves.
    #[arg(long, value_name = "NUMBER", default_value_t = 256, value_parser = clients)]
    clients_max: usize,
    /// A client that sent nothing for so long is dropped, unless its login named a time. Servers have
    /// 15 s by tradition; some clients begin with 20 s of silence.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    silence: Duration,
    /// A client that did not log in within this time is dropped.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    login_timeout: Duration,
    /// A client that took nothing for so long, though there was something, is dropped.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    stall: Duration,
    /// The least severe message that is logged, on stderr.
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "info")]
    log_level: LogLevel,
    /// How the log is written.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Beyond {
    Clamp,
    Echo,
    Reject,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ZeroFlag {
    Last,
    Live,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

pub(super) fn serve(flags: Serve) -> Result<(), Failure> {
    let log = flags.log();
    let options = flags.options()?;
    let _log = Log::start(log);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("cannot start: {error}")))?;
    runtime.block_on(run(options))
}

async fn run(options: Options) -> Result<(), Failure> {
    let signals = Signals::new().map_err(no_signals)?;
    let hangups = Hangups::new().map_err(no_signals)?;
    let server = Server::bind(options)?;
    let _ = writeln!(std::io::stderr(), "{server}");
    notify::ready("serving").await;
    let serving = server.serve(async {
        signals.next().await;
        info!("stopping");
    });
    let ended = tokio::select! {
        ended = serving => ended,
        never = ignore(hangups) => match never {},
    };
    ended.map_err(|error| Failure::Failed(format!("cannot serve: {error}")))
}

/// There is nothing to read again.
async fn ignore(mut hangups: Hangups) -> std::convert::Infallible {
    loop {
        hangups.next().await;
        info!("SIGHUP: there is no file to read again; all was given by flags");
    }
}

fn no_signals(error: std::io::Error) -> Failure {
    Failure::Failed(format!("cannot wait for signals: {error}"))
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let is_mistaken = matches!(
            error,
            StartError::Replay(_)
                | StartError::TooFew { .. }
                | StartError::Admin(AdminError::Exposed(_) | AdminError::Token(_))
        );
        // With its causes, on one line.
        let sentence = format!("{:#}", anyhow::Error::from(error));
        match is_mistaken {
            true => Self::Mistaken(sentence),
            false => Self::Failed(sentence),
        }
    }
}

impl Serve {
    fn log(&self) -> LogOptions {
        LogOptions {
            level: match self.log_level {
                LogLevel::Error => Level::Error,
                LogLevel::Warn => Level::Warn,
                LogLevel::Info => Level::Info,
                LogLevel::Debug => Level::Debug,
                LogLevel::Trace => Level::Trace,
            },
            format: match self.log_format {
                LogFormat::Text => Format::Text,
                LogFormat::Json => Format::Json,
            },
        }
    }

    fn options(self) -> Result<Options, Failure> {
        let login = self.login()?;
        let script = self.script.as_deref().map(Script::load).transpose();
        let script = script.map_err(mistaken)?.unwrap_or_default();
        if self.burst.is_some() && self.rate == Rate::Max {
            let why =
                "--burst spreads the messages of a rate: give --rate a number, or leave it out";
            return Err(Failure::Mistaken(why.to_owned()));
        }
        if let Some(address) = self.admin.as_ref().filter(|it| !it.is_private()) {
            // There is no flag for a certificate.
            return Err(Failure::Mistaken(format!(
                "--admin {address} can be reached from other machines, and anybody there could \
                 order faults: take a loopback address, such as 127.0.0.1:9100, or unix:PATH"
            )));
        }
        let admin = self.admin.map(|address| AdminOptions {
            token_file: self.token_file,
            ..AdminOptions::at(address)
        });
        Ok(Options {
            listen: self.listen,
            admin,
            content: match self.replay {
                Some(path) => Content::Replay { path },
                None => Content::Day { seed: self.seed },
            },
            rate: self.rate,
            burst: self.burst,
            messages: self.messages,
            session: self.session,
            start: self.start,
            login,
            limits: Limits {
                session: ServerLimits {
                    login: self.login_timeout,
                    silence: self.silence,
                },
                stall: self.stall,
                clients_max: self.clients_max,
            },
            script,
        })
    }

    fn login(&self) -> Result<LoginRules, Failure> {
        let credentials = match (&self.username, &self.password_file) {
            (Some(username), Some(file)) => Some(credentials(username, file)?),
            _ => None,
        };
        Ok(LoginRules {
            credentials,
            beyond_end: match self.beyond_end {
                Beyond::Clamp => BeyondEnd::Clamp,
                Beyond::Echo => BeyondEnd::Echo,
                Beyond::Reject => BeyondEnd::Reject,
            },
            zero: match self.zero {
                ZeroFlag::Last => Zero::Last,
                ZeroFlag::Live => Zero::Live,
            },
        })
    }
}

fn mistaken(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::Mistaken(format!("{:#}", anyhow::Error::from(error)))
}

fn credentials(username: &str, file: &Path) -> Result<Credentials, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let file = file.display();
        Failure::Mistaken(format!("cannot read the password file {file}: {error}"))
    })?;
    let password = text.lines().next().unwrap_or_default();
    Credentials::new(username, password).map_err(mistaken)
}

fn session(text: &str) -> Result<SessionId, String> {
    let session: SessionId = text.parse().map_err(|error| format!("{error}"))?;
    match session.is_blank() {
        true => Err("a session needs a name".to_owned()),
        false => Ok(session),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    match (Duration::from_millis(1)..=Duration::from_hours(24)).contains(&time) {
        true => Ok(time),
        false => Err("expected 1ms to 24h".to_owned()),
    }
}

fn clients(text: &str) -> Result<usize, String> {
    let count = text
        .parse()
        .ok()
        .filter(|count| (1..=100_000).contains(count));
    count.ok_or_else(|| "expected a number from 1 to 100000".to_owned())
}
