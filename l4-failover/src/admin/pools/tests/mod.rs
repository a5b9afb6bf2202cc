//! The routes over pools, on a real server, with requests written by hand.

mod command;
mod events;
mod show;

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{NamedPool, Pools, router_with};
use crate::Pool;
use crate::admin::{AdminOptions, Bound, Site};
use crate::probe::{CheckOptions, Probe};

/// Nothing that a test waits for takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

async fn soon<T>(happening: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, happening).await;
    waited.expect("it takes too long")
}

/// A pool of a primary and a backup that nobody checks.
fn pair(name: &str) -> Pool {
    Pool::builder()
        .name(name)
        .primary("127.0.0.1:9000")
        .backup("127.0.0.1:9001")
        .check(CheckOptions {
            probe: Some(Probe::None),
            ..CheckOptions::default()
        })
        .build()
        .unwrap()
}

/// The fields of an object, which tools rely on.
fn fields(object: &Value) -> String {
    let fields = object.as_object().expect("an object").keys();
    fields.cloned().collect::<Vec<_>>().join(" ")
}

/// Serves routes over pools until it is told to stop.
struct Server {
    pools: Pools,
    address: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    fn start(named: Vec<NamedPool>) -> Self {
        Self::start_with(named, 2, Duration::from_secs(3600))
    }

    fn start_with(named: Vec<NamedPool>, listeners_max: usize, keep_alive: Duration) -> Self {
        let pools = Pools::default();
        pools.replace(named);
        let options = AdminOptions::at("127.0.0.1:0".parse().unwrap());
        let bound = Bound::bind(&options).unwrap();
        let address = bound.address().to_string();
        let site = Site {
            operators: router_with(pools.clone(), listeners_max, keep_alive),
            ..Site::default()
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(bound.serve(site, async {
            let _ = stopped.await;
        }));
        Self {
            pools,
            address,
            stop,
            task,
        }
    }

    /// A server over one port.
    fn over(pool: &Pool) -> Self {
        Self::start(vec![NamedPool::new(pool.clone(), "port")])
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }

    async fn send(&self, line: &str, headers: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let length = match body.len() {
            0 => String::new(),
            length => format!("Content-Length: {length}\r\n"),
        };
        let host = &self.address;
        let request = format!("{line} HTTP/1.1\r\nHost: {host}\r\n{headers}{length}\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Status and JSON of the answer.
    async fn ask_with(&self, line: &str, headers: &str, body: &str) -> (u16, Value) {
        let headers = format!("{headers}Connection: close\r\n");
        let mut stream = self.send(line, &headers, body).await;
        let mut answer = String::new();
        soon(stream.read_to_string(&mut answer)).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    async fn ask(&self, line: &str) -> (u16, Value) {
        self.ask_with(line, "", "").await
    }

    async fn ask_json(&self, line: &str, body: &str) -> (u16, Value) {
        let headers = "Content-Type: application/json; charset=utf-8\r\n";
        self.ask_with(line, headers, body).await
    }

    /// Begins to follow the events: whatever happens from now on will be heard.
    async fn follow(&self, query: &str) -> Following {
        let stream = self.send(&format!("GET /events{query}"), "", "").await;
        let mut following = Following(BufReader::new(stream).lines());
        while following.line().await.is_some_and(|line| !line.is_empty()) {}
        following
    }
}

/// A stream of events.
struct Following(Lines<BufReader<TcpStream>>);

impl Following {
    async fn line(&mut self) -> Option<String> {
        soon(self.0.next_line()).await.unwrap()
    }

    /// The next event; none if the stream came to its proper end.
    async fn event(&mut self) -> Option<Value> {
        loop {
            let line = self
                .line()
                .await
                .expect("a stream ends with its last chunk");
            match line.strip_prefix("data: ") {
                Some(event) => return Some(serde_json::from_str(event).unwrap()),
                None if line == "0" => return None,
                None => {}
            }
        }
    }
}
