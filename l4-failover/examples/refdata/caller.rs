//! An application that calls refdata, at one address for ever.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hyper::{Method, StatusCode};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::http::{AskError, Connection, End};
use crate::service::{Datacenter, Rates};
use crate::tally::{Expected, Failed, Kind, Session, Tally, Who};

/// Sessions that a caller holds open, and how often it asks on each: 80 requests a second.
pub(crate) const SESSIONS: usize = 4;
const PAUSE_HELD: Duration = Duration::from_millis(50);
/// Tasks of a caller that take a new connection for each request: 100 requests a second.
const NEWCOMERS: usize = 2;
const PAUSE_NEW: Duration = Duration::from_millis(20);
/// Whatever a story waits for takes a second or two, or does not come.
const PATIENCE: Duration = Duration::from_secs(8);

/// A caller, asking all the time.
#[derive(Debug)]
pub(crate) struct Caller {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The port that it calls.
    pub(crate) port: &'static str,
    /// Its address.
    pub(crate) address: SocketAddr,
    tally: Arc<watch::Sender<Tally>>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Caller {
    /// Begins to ask.
    pub(crate) fn start(name: &'static str, port: &'static str, address: SocketAddr) -> Self {
        let tally = Arc::new(watch::Sender::new(Tally::new(SESSIONS)));
        let (stop, questions) = (watch::Sender::new(false), Arc::new(AtomicU64::new(0)));
        let mut tasks = JoinSet::new();
        let held = (0..SESSIONS).map(Kind::Held);
        for kind in held.chain([Kind::New; NEWCOMERS]) {
            let asker = Asker {
                address,
                kind,
                connection: None,
                tally: Arc::clone(&tally),
                questions: Arc::clone(&questions),
            };
            tasks.spawn(asker.ask_until(stop.subscribe()));
        }
        Self {
            name,
            port,
            address,
            tally,
            stop,
            tasks,
        }
    }

    /// From now on these should answer.
    pub(crate) fn expect(&self, new: Who, held: Who) {
        self.tally.send_modify(|tally| tally.expect(new, held));
    }

    /// What it got so far.
    pub(crate) fn tally(&self) -> Tally {
        self.tally.borrow().clone()
    }

    /// Waits until what it got is so; `what` says what is waited for.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Tally) -> bool) -> Result<Tally> {
        let mut tally = self.tally.subscribe();
        let waited = timeout(PATIENCE, tally.wait_for(is_so)).await;
        let so = waited.with_context(|| {
            let (name, found) = (self.name, self.tally().in_words());
            format!("{name}: expected within {PATIENCE:?}: {what}; found: {found}")
        })?;
        Ok(so?.clone())
    }

    /// Ends when all its requests have ended.
    pub(crate) async fn stop(&mut self) -> Result<Tally> {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            ended.with_context(|| format!("{} panicked", self.name))?;
        }
        Ok(self.tally())
    }
}

/// One that asks, and waits for the answer before it asks again.
#[derive(Debug)]
struct Asker {
    address: SocketAddr,
    kind: Kind,
    connection: Option<Connection>,
    tally: Arc<watch::Sender<Tally>>,
    questions: Arc<AtomicU64>,
}

impl Asker {
    async fn ask_until(mut self, mut stop: watch::Receiver<bool>) {
        let pause = match self.kind {
            Kind::New => PAUSE_NEW,
            Kind::Held(_) => PAUSE_HELD,
        };
        let mut ticks = interval(pause);
        // After a hitch there is no burst: the rate is bounded.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !*stop.borrow_and_update() {
            tokio::select! {
                // Changed, or gone with the caller: either is the end.
                _ = stop.changed() => break,
                _ = ticks.tick() => self.ask().await,
            }
        }
    }

    /// Asks; where no answer comes, once more, as HTTP clients do with what may be repeated.
    async fn ask(&mut self) {
        let (sent, began): (Expected, _) = (self.tally.borrow().expected, Instant::now());
        let mut result = self.try_to_ask().await;
        if let Err(Failed::Lost(first)) = result {
            self.tally.send_modify(|tally| tally.retried += 1);
            result = self.try_to_ask().await.map_err(|failed| match failed {
                Failed::Lost(second) => Failed::Lost(format!("{first}; then: {second}")),
                wrong @ Failed::Wrong(_) => wrong,
            });
        }
        let took = began.elapsed();
        self.tally
            .send_modify(|tally| tally.record(self.kind, sent, took, result));
    }

    async fn try_to_ask(&mut self) -> Result<Datacenter, Failed> {
        let n = self.questions.fetch_add(1, Relaxed);
        let mut connection = self.connection().await?;
        let asked = connection
            .ask(Method::GET, &format!("/rates?n={n}"), "")
            .await;
        match asked {
            Ok((status, body)) => {
                if let Kind::Held(_) = self.kind {
                    self.connection = Some(connection);
                }
                answerer(n, status, &body)
            }
            Err(error) => {
                let end = connection.ended(&error).await;
                self.count(|session| session.reset += u64::from(end == End::Reset));
                Err(lost(error))
            }
        }
    }

    async fn connection(&mut self) -> Result<Connection, Failed> {
        if let Some(kept) = self.connection.take() {
            return Ok(kept);
        }
        self.count(|session| session.opened += 1);
        let opened = Connection::open(self.address).await;
        opened.map_err(lost)
    }

    fn count(&self, count: impl FnOnce(&mut Session)) {
        if let Kind::Held(session) = self.kind {
            self.tally
                .send_modify(|tally| count(&mut tally.held[session]));
        }
    }
}

/// With its causes.
fn lost(error: AskError) -> Failed {
    Failed::Lost(format!("{:#}", anyhow::Error::from(error)))
}

/// Who answered, if it is the answer to this question.
fn answerer(n: u64, status: StatusCode, body: &[u8]) -> Result<Datacenter, Failed> {
    let wrong = |what: &str| {
        let body = String::from_utf8_lossy(body);
        Failed::Wrong(format!("{what}: {status} {body}"))
    };
    if status != StatusCode::OK {
        return Err(wrong("not a good status"));
    }
    let rates: Rates = serde_json::from_slice(body).map_err(|_| wrong("not the rates"))?;
    match rates.n == n {
        true => Ok(rates.datacenter),
        false => Err(wrong("the answer to another question")),
    }
}
