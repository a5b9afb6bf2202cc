//! What an operator sees of the ports and may command, over HTTP, as the command line does it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::Incoming;
use l4_failover::admin::pools::{ClustersJson, CommandJson, EventJson, PoolJson};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::http::{Connection, once};

/// Whatever a story waits for takes a second or two, or does not come.
const PATIENCE: Duration = Duration::from_secs(8);
/// Events that wait until the story comes to them: there are a few dozen in all.
const EVENTS_MAX: usize = 1024;

/// Where operators are served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator {
    admin: SocketAddr,
}

impl Operator {
    pub(crate) fn new(admin: SocketAddr) -> Self {
        Self { admin }
    }

    /// The pool behind a port, as it is now.
    pub(crate) async fn pool(self, name: &str) -> Result<PoolJson> {
        let path = format!("/clusters?pool={name}");
        let clusters: ClustersJson = self.ask(Method::GET, &path, "").await?;
        let pool = clusters.pools.into_iter().next();
        pool.with_context(|| format!("no pool {name} is shown"))
    }

    /// Commands `what` of a pool.
    pub(crate) async fn order(self, pool: &str, what: &str, json: &str) -> Result<CommandJson> {
        let path = format!("/pools/{pool}/{what}");
        self.ask(Method::POST, &path, json).await
    }

    async fn ask<T: DeserializeOwned>(self, method: Method, path: &str, json: &str) -> Result<T> {
        let (status, body) = once(self.admin, method, path, json).await?;
        let said = String::from_utf8_lossy(&body);
        ensure!(status.is_success(), "{path}: {status} {said}");
        Ok(serde_json::from_slice(&body)?)
    }

    /// Follows what happens, from now on.
    pub(crate) async fn events(self) -> Result<Events> {
        let mut connection = Connection::open(self.admin).await?;
        let answer = connection.send(Method::GET, "/events", "").await?;
        ensure!(answer.status().is_success(), "/events: {}", answer.status());
        let (heard, events) = mpsc::channel(EVENTS_MAX);
        tokio::spawn(async move {
            // When it ends, so do the events, and whoever waits for one says so.
            let _ = hear(answer.into_body(), &heard).await;
            drop(connection);
        });
        Ok(Events {
            events,
            waiting: Vec::new(),
        })
    }
}

/// An event, and when it was heard.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) event: EventJson,
    pub(crate) at: Instant,
}

/// What happens to the ports, as `/events` tells it.
#[derive(Debug)]
pub(crate) struct Events {
    events: mpsc::Receiver<Heard>,
    waiting: Vec<Heard>,
}

impl Events {
    /// Nothing that was heard until now is waited for any more.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
        while self.events.try_recv().is_ok() {}
    }

    /// The first event of a pool that is so; `what` says what is waited for.
    pub(crate) async fn until(
        &mut self,
        pool: &str,
        what: &str,
        is_so: impl Fn(&EventJson) -> bool,
    ) -> Result<Heard> {
        let is_it = |heard: &Heard| heard.event.pool == pool && is_so(&heard.event);
        if let Some(place) = self.waiting.iter().position(is_it) {
            return Ok(self.waiting.remove(place));
        }
        let next = async {
            while let Some(heard) = self.events.recv().await {
                if is_it(&heard) {
                    return Ok(heard);
                }
                self.waiting.push(heard);
            }
            bail!("/events ended")
        };
        let next = timeout(PATIENCE, next).await;
        next.with_context(|| format!("{pool}: expected within {PATIENCE:?}: {what}"))?
    }
}

/// Reads server-sent events: lines of `data`, between others that say nothing here.
async fn hear(mut body: Incoming, heard: &mpsc::Sender<Heard>) -> Result<()> {
    let mut text = Vec::new();
    while let Some(frame) = body.frame().await {
        text.extend_from_slice(&frame?.into_data().unwrap_or_default());
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            if let Some(json) = line.strip_prefix(b"data:") {
                let (event, at) = (serde_json::from_slice(json)?, Instant::now());
                heard.send(Heard { event, at }).await?;
            }
        }
    }
    Ok(())
}
