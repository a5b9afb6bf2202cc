//! A feed whose primary dies in mid-stream, and a consumer that does not notice.
//!
//! The feeds and l4-failover are processes of their own, so that what kills one is a real SIGKILL.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use l4_failover::soupbin::packet::Credentials;
use rustix::process::Signal;
use serde_json::Value;
use soupbintcp_sim::consumer::{self, Options, Report};
use tests::http;
use tests::page::{Page, digits, time};
use tests::ports::Reserved;
use tests::process::Program;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;

use crate::story::Story;
use crate::world::{DATACENTERS, World};

/// The service's name, and the port's.
pub(crate) const FEED: &str = "itch-feed";
const SEED: u64 = 7;
const RATE: u64 = 20_000;
/// Messages before something happens, and after it: half a second each.
const MESSAGES: u64 = 10_000;
/// What is waited for takes a moment.
const MOMENT: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(10);

/// The programs that this one becomes when it is called so.
pub(crate) const FAILOVER: &str = "l4-failover";
pub(crate) const SIMULATOR: &str = "soupbintcp-sim";

/// Everything that takes part. Dropped, it ends.
struct Cast {
    /// The feeds, that of the first data centre first.
    feeds: Vec<Feed>,
    /// What takes TLS off before the second.
    _inbound: Program,
    port: Program,
    consumer: JoinHandle<Result<Report>>,
    stop: oneshot::Sender<()>,
}

/// A feed, where it is, and since when it runs.
struct Feed {
    place: Reserved,
    start: u64,
    program: Option<Program>,
}

/// Kills the primary while a consumer is reading, starts it again, and fails back.
pub(crate) async fn tell(page: &Page, world: &World) -> Result<Story> {
    page.part("Market data: the same feed in both data centres, and a consumer in dc1");
    let files = tempfile::tempdir()?;
    let mut cast = Cast::enter(page, world, files.path()).await?;
    let mut story = Story::default();
    let mut check = |what: String, held: bool| {
        page.line(&format!("  {} {what}", if held { "✓" } else { "✗" }));
        story.checks += 1;
        if !held {
            story.failures.push(what);
        }
    };
    let before = cast.passed(1 + MESSAGES).await?;
    let from = before.consumer.clone();
    let [primary, _] = DATACENTERS;
    cast.feeds[0].kill();
    let lost = cast.joined("failover").await?;
    check(
        format!(
            "the primary in {primary} is killed in mid-stream; message {} comes from dc2",
            digits(lost.next)
        ),
        lost.is_verified,
    );
    page.line(&format!("    {}", lost.split()));
    cast.passed(lost.next + MESSAGES).await?;
    cast.feeds[0].start().await?;
    let back = cast.fail_back().await?;
    check(
        format!(
            "the primary is back, and `l4-failover failback {FEED}` carries the consumer to it at \
             message {}",
            digits(back.next)
        ),
        back.is_verified,
    );
    let after = cast.passed(back.next + MESSAGES).await?;
    check(
        format!("the consumer kept its connection, from {from}"),
        after.consumer == from,
    );
    let report = cast.end().await?;
    check(verdict(&report, &lost), report.is_clean());
    Ok(story)
}

fn verdict(report: &Report, lost: &Joined) -> String {
    format!(
        "{} messages: {} gaps, {} duplicates, {} reorders, {} corrupt, {} disconnects; without a \
         line for {}",
        digits(report.messages),
        report.faults.gaps,
        report.faults.duplicates,
        report.faults.reorders,
        report.faults.corrupt,
        report.disconnects,
        time(lost.took()),
    )
}

impl Cast {
    async fn enter(page: &Page, world: &World, files: &Path) -> Result<Self> {
        let start = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let mut feeds = Vec::new();
        for _ in DATACENTERS {
            let mut feed = Feed {
                place: Reserved::new()?,
                start,
                program: None,
            };
            feed.start().await?;
            feeds.push(feed);
        }
        let [here, there] = DATACENTERS;
        let inbound = inbound(world, feeds[1].place.address(), files)?;
        let text = port(world, feeds[0].place.address(), files)?;
        page.line(&format!(
            "  # {FAILOVER}.toml, in {here}; the backup is in {there}"
        ));
        text.lines()
            .for_each(|line| page.line(&format!("  {line}")));
        let port = failover(&text, files, "port").await?;
        let inbound = failover(&inbound, files, "inbound").await?;
        let (stop, stopped) = oneshot::channel();
        let mut options = Options::new(port.address(FEED).to_string(), Credentials::new("", "")?);
        options.seed = Some(SEED);
        let stopped = async { drop(stopped.await) };
        let consumer = tokio::spawn(async { Ok(consumer::run(options, stopped).await?) });
        Ok(Self {
            feeds,
            _inbound: inbound,
            port,
            consumer,
            stop,
        })
    }

    /// Waits until the consumer waits for this message, or a later one.
    async fn passed(&self, next: u64) -> Result<Place> {
        let (admin, until) = (self.port.address("admin"), Instant::now() + PATIENCE);
        loop {
            let status = spawn_blocking(move || http::get(admin, "/status").body).await?;
            let place = Place::of(&serde_json::from_str(&status)?);
            if let Some(place) = place.filter(|place| place.next >= next) {
                return Ok(place);
            }
            ensure!(
                Instant::now() < until,
                "the consumer does not get to message {next}: {status}"
            );
            sleep(MOMENT).await;
        }
    }

    /// Waits until the consumer has another line, for this reason.
    async fn joined(&self, why: &str) -> Result<Joined> {
        let until = Instant::now() + PATIENCE;
        loop {
            let mut lines = self.port.lines().into_iter();
            if let Some(joined) = lines.find_map(|line| Joined::of(&line, why)) {
                return Ok(joined);
            }
            ensure!(
                Instant::now() < until,
                "no line is joined: {:#?}",
                self.port.lines()
            );
            sleep(MOMENT).await;
        }
    }

    async fn fail_back(&self) -> Result<Joined> {
        let (admin, until) = (self.port.address("admin"), Instant::now() + PATIENCE);
        loop {
            // Refused until the checks have found the primary healthy again.
            let path = format!("/pools/{FEED}/failback");
            let answer = spawn_blocking(move || http::post(admin, &path, "{}")).await?;
            if answer.status == 200 {
                return self.joined("preferred").await;
            }
            ensure!(Instant::now() < until, "no failback: {}", answer.body);
            sleep(MOMENT).await;
        }
    }

    async fn end(self) -> Result<Report> {
        drop(self.stop);
        self.consumer.await?
    }
}

impl Feed {
    /// Starts it, or starts it again: at the same place, as message n is due when it is due.
    async fn start(&mut self) -> Result<()> {
        let (listen, start) = (self.place.address().to_string(), format!("@{}", self.start));
        let (seed, rate) = (SEED.to_string(), RATE.to_string());
        let words = [
            SIMULATOR, "serve", "--listen", &listen, "--seed", &seed, "--rate", &rate, "--start",
            &start,
        ];
        self.program = Some(become_program(&words.map(str::to_owned)).await?);
        Ok(())
    }

    /// Ends it by SIGKILL.
    fn kill(&mut self) {
        if let Some(program) = self.program.take() {
            program.signal(Signal::KILL);
        }
    }
}

/// This program again, as another one that says when it is ready.
async fn become_program(words: &[String]) -> Result<Program> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(words);
    Ok(spawn_blocking(move || Program::spawn(&mut command)).await?)
}

async fn failover(text: &str, files: &Path, name: &str) -> Result<Program> {
    let file = files.join(format!("{name}.toml"));
    std::fs::write(&file, text)?;
    let file = file.to_str().context("a path that is no text")?.to_owned();
    let words = [FAILOVER, "run", "--config"].map(str::to_owned);
    become_program(&[&words[..], &[file]].concat()).await
}

/// The port of the first data centre: its own feed, then the other's, through the gateways.
fn port(world: &World, primary: SocketAddr, files: &Path) -> Result<String> {
    let [here, there] = DATACENTERS;
    let ca = world.authority().write(files);
    let (cert, key) = world.authority().issue(&[here]).write(files, here);
    let gateway = world.gateway(here)?;
    let mut text = String::new();
    writeln!(
        text,
        "[[port]]\nname = \"{FEED}\"\nlisten = \"127.0.0.1:0\""
    )?;
    writeln!(text, "protocol = \"soupbintcp\"\nprimary = [\"{primary}\"]")?;
    writeln!(
        text,
        "check = {{ interval = \"100ms\", timeout = \"90ms\" }}"
    )?;
    writeln!(text, "[[port.backup]]\naddress = \"{gateway}\"")?;
    writeln!(
        text,
        "tls = {{ server_name = \"{FEED}.{there}\", ca = {ca:?}, cert = {cert:?}, key = {key:?} }}"
    )?;
    write!(
        text,
        "[admin]\naddress = \"127.0.0.1:0\"\n[log]\nformat = \"json\""
    )?;
    Ok(text)
}

/// What takes TLS off in the second data centre, before its feed.
fn inbound(world: &World, target: SocketAddr, files: &Path) -> Result<String> {
    let [here, there] = DATACENTERS;
    let name = format!("{FEED}.{there}");
    let ca = world.authority().write(files);
    let (cert, key) = world.authority().issue(&[&name]).write(files, there);
    let listen = world.feed(there)?;
    Ok(format!(
        "[[inbound]]\nname = \"{FEED}\"\nlisten = \"{listen}\"\ntarget = \"{target}\"\n\
         cert = {cert:?}\nkey = {key:?}\nca = {ca:?}\nallow = [\"{here}\"]\n"
    ))
}

/// Where the consumer is.
struct Place {
    /// Its address.
    consumer: String,
    /// The number of its next message.
    next: u64,
}

impl Place {
    /// Reads `/status`; none while no consumer has its place.
    fn of(status: &Value) -> Option<Self> {
        let consumer = &status["pools"][0]["feed"]["shown"][0];
        Some(Self {
            consumer: consumer["address"].as_str()?.to_owned(),
            next: consumer["next"].as_u64()?,
        })
    }
}

/// A line that the consumer was put on, as the log tells it.
struct Joined {
    next: u64,
    is_verified: bool,
    /// Detecting, connecting, logging in, catching up.
    took: [f64; 4],
}

impl Joined {
    const PARTS: [&str; 4] = ["detect", "connect", "login", "catch_up"];

    fn of(line: &str, why: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(line).ok()?;
        let is_it = line["message"] == "line joined" && line["why"] == why;
        let took = Self::PARTS.map(|part| line[format!("{part}_ms")].as_f64());
        is_it.then_some(Self {
            next: line["next"].as_u64()?,
            is_verified: line["verified"].as_bool()?,
            took: took.map(Option::unwrap_or_default),
        })
    }

    /// From the last byte of one line to the first of the other.
    fn took(&self) -> Duration {
        Duration::from_secs_f64(self.took.iter().sum::<f64>() / 1000.0)
    }

    fn split(&self) -> String {
        let parts = Self::PARTS.iter().zip(self.took);
        let parts = parts.map(|(part, took)| format!("{} {took:.1} ms", part.replace('_', " ")));
        format!(
            "{} in all: {}",
            time(self.took()),
            parts.collect::<Vec<_>>().join(", ")
        )
    }
}
