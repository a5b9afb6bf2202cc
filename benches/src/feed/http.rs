//! What the programs tell their operators: an answer as a whole, or events as they happen.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use l4_failover::admin::pools::EventJson;
use serde_json::Value;

/// An operator who is not answered by then will not be.
const ANSWER: Duration = Duration::from_secs(5);

/// The JSON that is at `path`.
pub(super) fn get(address: SocketAddr, path: &str) -> Result<Value> {
    let mut answer = String::new();
    ask(address, path)?.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    ensure!(is_ok(head), "{path}: {head}");
    Ok(serde_json::from_str(body)?)
}

/// What happens to pools from now on.
pub(super) fn events(address: SocketAddr) -> Result<Receiver<EventJson>> {
    let mut lines = BufReader::new(ask(address, "/events")?).lines();
    let head = lines.next().context("no answer")??;
    ensure!(is_ok(&head), "/events: {head}");
    lines
        .by_ref()
        .find(|line| !matches!(line, Ok(line) if !line.is_empty()));
    let (said, heard) = channel();
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let event = line.strip_prefix("data:").map(serde_json::from_str);
            let Some(Ok(event)) = event else { continue };
            if said.send(event).is_err() {
                return;
            }
        }
    });
    Ok(heard)
}

fn is_ok(head: &str) -> bool {
    head.split(' ').nth(1) == Some("200")
}

/// HTTP 1.0: an answer ends with its connection, and has no chunks.
fn ask(address: SocketAddr, path: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    if path != "/events" {
        stream.set_read_timeout(Some(ANSWER))?;
    }
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    Ok(stream)
}
