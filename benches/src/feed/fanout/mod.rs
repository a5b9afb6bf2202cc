//! What one login for many costs: the same deliveries a second to few consumers and to many, and how
//! far apart they get a message; the same with one more who takes nothing.

mod case;
mod reader;
mod stage;
mod tally;

use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::net::sockopt::set_socket_recv_buffer_size;

use super::Conditions;
use super::consumer::LoggedIn;
use super::latency::{Clock, micros};
use super::stage::Feed;
use crate::process;
use crate::progress::Progress;
use crate::quantiles::Sorted;
pub(super) use case::Fanout;
use case::{Case, Round, cases};
use reader::{Reader, read_all};
use stage::Stage;
use tally::{Mark, Span, Tally};

/// Threads that read for all consumers.
const THREADS: usize = 2;

/// The first message is due so long after a round begins: all log in before, so that the history is
/// empty, and what comes is not taken for a past that is repeated. Where they are later, as on a busy
/// machine, it is done again with the next.
const LEADS: [Duration; 3] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(8),
];

/// And so much longer for each consumer.
const LOGIN: Duration = Duration::from_millis(1);

/// Messages that are due this long after the start are not measured: connections and code are new.
const WARM: Duration = Duration::from_millis(300);

/// What comes after the last message that is measured keeps the end of the session out of it.
const TAIL: Duration = Duration::from_millis(50);

/// What has not come so long after its time will not.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bytes that a consumer who takes nothing holds; the kernel doubles them.
const STALLED: usize = 2048;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// How many consumers there are, of each case; at least 1.
    pub(super) consumers: &'static [usize],
    /// Deliveries a second, to all together.
    pub(super) deliveries: u32,
    pub(super) lasts: Duration,
    pub(super) rounds: usize,
}

/// Measures each case in each round.
pub(super) fn run(extent: &Extent, conditions: &Conditions) -> Result<Vec<Fanout>> {
    let most = extent.consumers.iter().max().copied().unwrap_or_default();
    let (needed, allowed) = (process::for_idle(most), process::raise_descriptors());
    ensure!(
        needed <= allowed,
        "{most} consumers take {needed} open files, and a process may have {allowed} (ulimit -Hn)"
    );
    let mut cases = cases(extent.consumers);
    let mut progress = Progress::start("one login for many", extent.rounds);
    for round in 0..extent.rounds {
        for it in &mut cases {
            let measured = once(it.case, extent, conditions);
            it.rounds.push(measured.with_context(|| it.name())?);
        }
        // Whoever comes first in one round does not in the next.
        cases.rotate_left(1);
        progress.done(round + 1);
    }
    cases.sort_by_key(|it| (it.case.consumers, it.case.is_one_stalled));
    Ok(cases)
}

fn once(case: Case, extent: &Extent, conditions: &Conditions) -> Result<Round> {
    for lead in LEADS {
        if let Some(round) = attempt(case, lead, extent, conditions)? {
            return Ok(round);
        }
    }
    bail!("consumers were not logged in when the feed began, which was after {LEADS:?}")
}

/// None if consumers were not logged in when the feed began.
fn attempt(
    case: Case,
    lead: Duration,
    extent: &Extent,
    conditions: &Conditions,
) -> Result<Option<Round>> {
    let (feed, rate) = feed(case, lead, extent, conditions);
    let stage = Stage::start(&feed, conditions.cpus)?;
    let span = span(&feed, rate, extent);
    let stalled = case.is_one_stalled.then(|| stalled(&stage)).transpose();
    let logged_in = log_in(&stage, case.consumers);
    if Instant::now() >= span.clock.start {
        return Ok(None);
    }
    let stalled = stalled.context("a login")?;
    let (readers, memory) = logged_in.context("a login")?;
    let (tally, cpu, took) = measure(&stage, readers, span)?;
    drop(stalled);
    let deliveries = (span.last - span.first) as f64 * case.consumers as f64;
    let skews = Sorted::of(tally.skews());
    Ok(Some(Round {
        rate: deliveries / took.as_secs_f64(),
        cpu: cpu.as_secs_f64() * 1e6 / deliveries,
        skew: [0.5, 0.99].map(|share| skews.quantile(share)),
        late: micros(&tally.late, 0.999),
        memory,
    }))
}

/// A feed that begins when all have logged in, and its messages a second.
fn feed(case: Case, lead: Duration, extent: &Extent, conditions: &Conditions) -> (Feed, u32) {
    let rate = (extent.deliveries / case.consumers as u32).max(1);
    let mut feed = Feed::now(conditions.seed, Some(rate));
    feed.start += lead + LOGIN * case.consumers as u32;
    feed.messages = Some(count(rate, WARM + extent.lasts + TAIL));
    (feed, rate)
}

fn span(feed: &Feed, rate: u32, extent: &Extent) -> Span {
    let first = count(rate, WARM).max(1);
    Span {
        clock: Clock::of(feed, rate),
        first,
        last: first + count(rate, extent.lasts),
        messages: feed.messages.unwrap_or(u64::MAX),
    }
}

/// Messages that are due in so long a time.
fn count(rate: u32, time: Duration) -> u64 {
    (f64::from(rate) * time.as_secs_f64()).round() as u64
}

/// A consumer whose socket holds next to nothing, and is never read.
fn stalled(stage: &Stage) -> Result<LoggedIn> {
    let stalled = LoggedIn::at(stage.address, 1)?;
    set_socket_recv_buffer_size(&stalled.stream, STALLED)?;
    Ok(stalled)
}

/// So many consumers, and bytes of l4-failover for each beyond the first; none with one alone. All of it
/// is of one process: two differ by more than a few consumers take.
fn log_in(stage: &Stage, consumers: usize) -> Result<(Vec<Reader>, Option<f64>)> {
    let reader = || Reader::new(LoggedIn::at(stage.address, 1)?);
    let mut readers = vec![reader()?];
    let alone = process::memory(stage.pid())?;
    for _ in 1..consumers {
        readers.push(reader()?);
    }
    let all = process::memory(stage.pid())?;
    let each = (all as f64 - alone as f64) / (consumers as f64 - 1.0);
    Ok((readers, (consumers > 1).then_some(each)))
}

/// Reads everything: what came, the CPU time of l4-failover from when all had the first message that is
/// measured until all had the last, and how long that was.
fn measure(stage: &Stage, readers: Vec<Reader>, span: Span) -> Result<(Tally, Duration, Duration)> {
    let deadline = span.clock.start + span.clock.due(span.messages) + PATIENCE;
    let (said, marks) = channel();
    let mut threads = Vec::new();
    for readers in split(readers) {
        let tally = Tally::new(span, readers.len(), said.clone())?;
        let messages = span.messages;
        threads.push(thread::spawn(move || {
            read_all(readers, messages, tally, deadline)
        }));
    }
    drop(said);
    let used = used(stage, &marks, threads.len());
    // What a thread says of its failure is more than that it said nothing.
    let tally = join(threads)?;
    let (cpu, took) = used?;
    Ok((tally, cpu, took))
}

/// As many consumers for each thread.
fn split(readers: Vec<Reader>) -> Vec<Vec<Reader>> {
    let threads = THREADS.min(readers.len());
    let mut parts: Vec<Vec<Reader>> = (0..threads).map(|_| Vec::new()).collect();
    for (nth, reader) in readers.into_iter().enumerate() {
        parts[nth % threads].push(reader);
    }
    parts
}

fn used(stage: &Stage, marks: &Receiver<Mark>, threads: usize) -> Result<(Duration, Duration)> {
    let (mut first, mut last, mut before) = (0, 0, None);
    while last < threads {
        match marks.recv().context("consumers ended early")? {
            Mark::First => first += 1,
            Mark::Last => last += 1,
        }
        if first == threads && before.is_none() {
            before = Some((process::cpu(stage.pid())?, Instant::now()));
        }
    }
    let (cpu, since) = before.context("consumers began with the end")?;
    let used = process::cpu(stage.pid())?.saturating_sub(cpu);
    Ok((used, since.elapsed()))
}

fn join(threads: Vec<JoinHandle<Result<Tally>>>) -> Result<Tally> {
    let mut all: Option<Tally> = None;
    for thread in threads {
        let tally = thread.join().map_err(|_| anyhow!("a reader panicked"))??;
        match &mut all {
            Some(all) => all.add(&tally)?,
            None => all = Some(tally),
        }
    }
    all.context("no consumers")
}
