//! The line that a consumer is on ends, again and again: what it got, and how long it waited.

use std::net::SocketAddr;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use l4_failover::admin::pools::{ClustersJson, ConsumerJson, EventJson, TookJson};
use rustix::process::Signal;
use serde_json::{Value, json};
use soupbintcp_sim::day::Day;

use super::Conditions;
use super::consumer::Consumer;
use super::frames::stuck;
use super::http;
use super::oracle::Faults;
use super::stage::{Bridge, Feed, Server, Standby};
use super::witness::Witness;
use crate::progress::Progress;

/// Every line is told of, and every message comes, within this time; more is a failure.
const PATIENCE: Duration = Duration::from_secs(15);

/// Between two faults the feed runs for so long: a line that ends within a quarter of a second of
/// being joined is held to have died of that, and its server is left alone for a while.
const CALM: Duration = Duration::from_millis(300);

/// And at random up to so much longer: far more than the time from one message to the next.
const PHASE: Duration = Duration::from_millis(40);

/// How often it is looked whether something has happened that nobody tells.
const LOOK: Duration = Duration::from_millis(20);

/// As long as it may take until the buffers of a paused consumer are full, and until they move again: the
/// kernel drops what came in pieces too small for them, and what was dropped often is sent again late.
const BUFFERS: Duration = Duration::from_secs(60);

/// A server stands within a frame nearly always: there are some 40 bytes in each.
const TRIES: usize = 10;

/// What becomes of the server that the consumer's line leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is killed at any moment.
    Kill,
    /// It is killed while it has written a part of a frame, because its consumer took no more.
    KillWithinFrame,
    /// It is stopped, and goes on, or is killed, once the consumer is elsewhere.
    Stop,
}

/// One failover. Times in milliseconds; none at the consumer where what it gets was piled up before.
#[derive(Clone, Debug)]
pub(super) struct Failover {
    /// From the last message of the one line to the first new one of the other, at the consumer. With a
    /// hot standby both deliver all the time: the longest from one message to the next, from the signal
    /// to the first message after the line was given up.
    pub(super) pause: Option<f64>,
    /// From the signal to the first new message of the other line, at the consumer.
    pub(super) since_fault: Option<f64>,
    /// With a hot standby: the pause at the same time of one who reads at the other server itself.
    pub(super) witness: Option<f64>,
    /// How the bridge says that the time was spent.
    pub(super) took: TookJson,
}

/// What came of the faults of one kind.
#[derive(Clone, Debug)]
pub(super) struct Failovers {
    pub(super) fault: Fault,
    pub(super) standby: Standby,
    pub(super) wanted: usize,
    pub(super) each: Vec<Failover>,
    pub(super) faults: Faults,
    pub(super) messages: u64,
    /// What was not as it must be, if anything.
    pub(super) failed: Option<String>,
}

impl Failovers {
    /// What happened to whom, for people.
    pub(super) fn name(&self) -> String {
        name(self.fault, self.standby)
    }

    pub(super) fn json(&self) -> Value {
        let each = self.each.iter().map(|it| {
            json!({
                "pause_ms": it.pause,
                "since_fault_ms": it.since_fault,
                "witness_pause_ms": it.witness,
                "took_ms": it.took,
            })
        });
        json!({
            "fault": format!("{:?}", self.fault),
            "standby": format!("{:?}", self.standby).to_lowercase(),
            "wanted": self.wanted,
            "messages": self.messages,
            "faults": self.faults.json(),
            "failed": self.failed,
            "each": each.collect::<Vec<_>>(),
        })
    }
}

/// Two servers, a bridge, a consumer.
struct Scene {
    day: Day,
    servers: [Server; 2],
    events: Receiver<EventJson>,
    consumer: Consumer,
    first: u64,
    bridge: Bridge,
    standby: Standby,
    /// Which server the consumer's line leads to, and from which message on.
    victim: usize,
    since: u64,
}

/// What happens to whom, for people.
pub(super) fn name(fault: Fault, standby: Standby) -> String {
    match standby {
        Standby::Cold => fault.to_string(),
        Standby::Hot => format!("{fault}, hot standby"),
    }
}

/// Has the active server end, `count` times.
pub(super) fn run(
    (fault, standby): (Fault, Standby),
    count: usize,
    conditions: &Conditions,
) -> Result<Failovers> {
    let mut scene = Scene::set(fault, standby, conditions)?;
    let mut each = Vec::with_capacity(count);
    let mut progress = Progress::start(name(fault, standby), count);
    let mut failed = None;
    for nth in 0..count {
        match scene.fail_over(fault, nth) {
            Ok(failover) => each.push(failover),
            Err(error) => {
                failed = Some(format!("{fault}, {}: {error:#}", nth + 1));
                break;
            }
        }
        progress.done(nth + 1);
    }
    // What comes late is judged as well.
    scene.consumer.listen(Instant::now() + CALM);
    if let Err(error) = scene.once_joined() {
        failed.get_or_insert(format!("{fault}: {error:#}"));
    }
    Ok(Failovers {
        fault,
        standby,
        wanted: count,
        each,
        faults: scene.consumer.oracle.faults,
        messages: scene.consumer.next() - scene.first,
        failed,
    })
}

impl Scene {
    fn set(fault: Fault, standby: Standby, conditions: &Conditions) -> Result<Self> {
        let Conditions { cpus, silence, .. } = *conditions;
        let feed = Feed::now(conditions.seed, Some(fault.rate(conditions)));
        let servers = [
            Server::start(&feed, cpus, 1)?,
            Server::start(&feed, cpus, 2)?,
        ];
        let bridge = Bridge::start(&servers, silence, cpus)?;
        let events = http::events(bridge.admin)?;
        let day = Day::new(feed.seed);
        let mut consumer = Consumer::start(bridge.port(standby), &day, fault.buffer())?;
        let first = consumer.next();
        let active = active(&bridge, &mut consumer)?;
        let victim = servers.iter().position(|it| it.address == active);
        Ok(Self {
            day,
            servers,
            events,
            first,
            consumer,
            bridge,
            standby,
            victim: victim.context("a line to neither server")?,
            since: 1,
        })
    }

    fn fail_over(&mut self, fault: Fault, nth: usize) -> Result<Failover> {
        self.run_calmly()?;
        if fault == Fault::KillWithinFrame {
            self.fill_up()?;
        }
        let witness = self.witness(fault)?;
        let at = Instant::now();
        let signal = match fault {
            Fault::Kill | Fault::KillWithinFrame => Signal::KILL,
            Fault::Stop => Signal::STOP,
        };
        self.servers[self.victim].signal(signal)?;
        self.consumer.resume();
        let joined = self.joined()?;
        let failover = match fault.is_timed() {
            true => self.times(at, &joined, witness.as_ref())?,
            false => self.untimed(&joined)?,
        };
        // A process that was stopped is to do no harm afterwards, either: every second one goes on.
        match (fault, nth % 2) {
            (Fault::Stop, 0) => self.servers[self.victim].signal(Signal::CONT)?,
            _ => self.servers[self.victim].restart()?,
        }
        http::get(self.servers[self.victim].admin, "/status").context("a server that is back")?;
        self.victim = 1 - self.victim;
        self.since = joined.sequence.unwrap_or(0);
        Ok(failover)
    }

    /// Lets the feed run for a while: the line that will end is the one that delivers.
    fn run_calmly(&mut self) -> Result<()> {
        let more = Duration::from_nanos(fastrand::u64(..PHASE.as_nanos() as u64));
        self.consumer.listen(Instant::now() + CALM + more);
        self.consumer.listen_for(self.since + 1, PATIENCE)?;
        if self.standby == Standby::Hot {
            self.stand_by()?;
        }
        self.once_joined()
    }

    /// Waits until the line to the other server stands by, and is trusted.
    fn stand_by(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !stands_by(&self.bridge, self.consumer.local)? {
            ensure!(Instant::now() < deadline, "no line stands by");
            self.consumer.listen(Instant::now() + LOOK);
        }
        Ok(())
    }

    /// Where the other server is to go on without a pause, one who sees whether it does.
    fn witness(&self, fault: Fault) -> Result<Option<Witness>> {
        let other = self.servers[1 - self.victim].address;
        let is_wanted = self.standby == Standby::Hot && fault.is_timed();
        is_wanted.then(|| Witness::at(other)).transpose()
    }

    /// One event a fault: that of the last one was taken.
    fn once_joined(&self) -> Result<()> {
        let more = self.events.try_iter().find(|it| it.event == "line_joined");
        ensure!(more.is_none(), "one fault, two joins: {more:?}");
        Ok(())
    }

    /// Lets bytes pile up until the server has written a part of a frame.
    fn fill_up(&mut self) -> Result<()> {
        let admin = self.servers[self.victim].admin;
        for _ in 0..TRIES {
            self.consumer.pause();
            let place = stuck(admin, BUFFERS)?;
            if place.is_within(&self.day) {
                return Ok(());
            }
            // By chance it stands between two frames.
            self.consumer.resume();
            let deadline = Instant::now() + BUFFERS;
            while !place.is_past(admin)? {
                ensure!(Instant::now() < deadline, "a server did not go on");
                self.consumer.listen(Instant::now() + LOOK);
            }
        }
        bail!("a server never stood within a frame")
    }

    /// The bridge's word that the consumer is on the other line.
    fn joined(&mut self) -> Result<EventJson> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.consumer
                .listen(Instant::now() + Duration::from_micros(500));
            if let Some(why) = &self.consumer.ended {
                bail!("the consumer lost its connection: {why}");
            }
            match self.events.try_iter().find(|it| it.event == "line_joined") {
                Some(event) => return self.expected(event),
                None => ensure!(Instant::now() < deadline, "no line was joined"),
            }
        }
    }

    fn expected(&self, event: EventJson) -> Result<EventJson> {
        let [from, to] = [self.victim, 1 - self.victim].map(|it| self.servers[it].address);
        let is_as_expected = event.cause.as_deref() == Some("failover")
            && event.from == Some(from.to_string())
            && event.endpoint == Some(to.to_string())
            && event.consumer == Some(self.consumer.local)
            && event.verified == Some(true);
        ensure!(is_as_expected, "from {from} to {to}, but {event:?}");
        Ok(event)
    }

    fn times(
        &mut self,
        at: Instant,
        joined: &EventJson,
        witness: Option<&Witness>,
    ) -> Result<Failover> {
        let first = joined.sequence.context("a join without a number")?;
        self.consumer.listen_for(first, PATIENCE)?;
        let came = |n| self.consumer.came(n).context("came too long ago");
        let (before, after) = (came(first - 1)?, came(first)?);
        let pause = match self.standby {
            Standby::Cold => after.duration_since(before),
            Standby::Hot => {
                let pause = self.consumer.longest_pause(at, first);
                pause.context("came too long ago")?
            }
        };
        let witness = witness.map(|it| it.longest_pause(at, after)).transpose()?;
        Ok(Failover {
            pause: Some(milliseconds(pause)),
            since_fault: Some(milliseconds(after.duration_since(at))),
            witness: witness.map(milliseconds),
            took: took(joined)?,
        })
    }

    /// What was piled up for the consumer may be more than it remembers the times of.
    fn untimed(&mut self, joined: &EventJson) -> Result<Failover> {
        let first = joined.sequence.context("a join without a number")?;
        self.consumer.listen_for(first, PATIENCE)?;
        Ok(Failover {
            pause: None,
            since_fault: None,
            witness: None,
            took: took(joined)?,
        })
    }
}

fn took(joined: &EventJson) -> Result<TookJson> {
    joined.took_ms.clone().context("a join without times")
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The server that the consumer's line leads to, as the bridge says.
fn active(bridge: &Bridge, consumer: &mut Consumer) -> Result<SocketAddr> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        // With its first messages.
        consumer.listen(Instant::now() + LOOK);
        if let Some(line) = shown(bridge, consumer.local)?.and_then(|it| it.progress.line) {
            return Ok(line.parse()?);
        }
    }
    bail!("a consumer without a line")
}

/// Whether a consumer has a line that stands by, and is trusted.
pub(super) fn stands_by(bridge: &Bridge, consumer: SocketAddr) -> Result<bool> {
    let lines = shown(bridge, consumer)?.map(|it| it.progress.lines);
    let mut lines = lines.into_iter().flatten();
    Ok(lines.any(|it| it.stage == "standby" && it.verified))
}

/// A consumer as the bridge shows it.
fn shown(bridge: &Bridge, consumer: SocketAddr) -> Result<Option<ConsumerJson>> {
    let clusters = http::get(bridge.admin, "/clusters")?;
    let clusters: ClustersJson = serde_json::from_value(clusters)?;
    let feeds = clusters.pools.into_iter().filter_map(|it| it.feed);
    let mut consumers = feeds.flat_map(|it| it.shown);
    Ok(consumers.find(|it| it.address == consumer))
}

impl Fault {
    /// Whether the consumer's pause says something: not where what it gets was piled up before.
    pub(super) fn is_timed(self) -> bool {
        self != Self::KillWithinFrame
    }

    /// A small one is full soon.
    fn buffer(self) -> Option<usize> {
        (self == Self::KillWithinFrame).then_some(64 * 1024)
    }

    fn rate(self, conditions: &Conditions) -> u32 {
        match self {
            Self::Kill | Self::Stop => conditions.rate,
            // Buffers are full in a fraction of a second.
            Self::KillWithinFrame => conditions.rate.max(200_000),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kill => "SIGKILL",
            Self::KillWithinFrame => "SIGKILL within a frame",
            Self::Stop => "SIGSTOP",
        })
    }
}
