//! One check, from connecting to the answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::Probe;
use super::failure::{Failure, alert};
use super::subject::{Subject, SubjectTls};
use super::{http, soupbin};
use crate::socket::connect::connect;
use crate::socket::proxy::Header;
use crate::socket::tls::TlsClient;
use crate::socket::{Stream, TcpOptions};

/// Addresses of one name that are tried: a dial's time is over by then too, unless all refuse at
/// once, and a sentence about more helps nobody.
const ADDRESSES_MAX: usize = 8;

/// How long the peer may take to close after us. It is long enough for a round trip between data
/// centres, and a peer that keeps its half open holds a check's place no longer.
const PARTING_MAX: Duration = Duration::from_millis(250);
/// What a peer may still send after its answer, in bytes; with more in the queue, closing resets.
const PARTING_BYTES_MAX: u64 = 64 << 10;

/// Nothing that a connection of a second needs.
const PLAIN: TcpOptions = TcpOptions {
    keepalive: None,
    user_timeout: None,
};

/// A check that was made.
pub(super) struct Asked {
    pub(super) outcome: Outcome,
    /// The line over which it was made.
    pub(super) line: Option<Stream>,
}

/// What came of a check.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// Why the endpoint failed, if it did.
    Verdict(Result<(), Arc<str>>),
    /// What this process lacked; the endpoint was not asked.
    NotAsked(String),
}

impl Asked {
    /// Closes as a peer would have it: our end first (`close_notify` over TLS, then FIN), then
    /// what it was about to say is taken, then its end is awaited. An application sees a
    /// connection that came and went, which servers log least; a RST is an error to most of them,
    /// and queued bytes that nobody read would make one.
    pub(super) async fn part(self) {
        let Some(mut line) = self.line else { return };
        let parting = async {
            line.shutdown().await?;
            let mut rest = line.take(PARTING_BYTES_MAX);
            tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
        };
        _ = timeout(PARTING_MAX, parting).await;
    }
}

/// Checks `subject` once, within its timeout.
pub(super) async fn ask(subject: Subject) -> Asked {
    let until = Instant::now() + subject.timeout;
    let (result, line) = match reach(&subject).await {
        Ok(line) => question(line, &subject, until).await,
        Err(failure) => (Err(failure), None),
    };
    let outcome = match result {
        Ok(()) => Outcome::Verdict(Ok(())),
        Err(failure) if failure.is_local() => Outcome::NotAsked(failure.to_string()),
        Err(failure) => Outcome::Verdict(Err(failure.sentence())),
    };
    Asked { outcome, line }
}

/// Connects, and shakes hands where the probe goes over TLS, with the first address that lets us.
async fn reach(subject: &Subject) -> Result<Stream, Failure> {
    let tls = tls(subject)?;
    let addresses = subject.addresses.get().map_err(Failure::Unresolved)?;
    let tried = &addresses[..addresses.len().min(ADDRESSES_MAX)];
    let mut failed = Vec::new();
    let mut left = subject.timeout;
    for (index, &address) in tried.iter().enumerate() {
        let started = Instant::now();
        let address = SocketAddr::new(address.ip(), subject.asked_port());
        let limit = share(left, index + 1 == tried.len());
        match reach_at(address, subject, tls, limit).await {
            Ok(line) => return Ok(line),
            // For want of our own resources nobody was asked, and the next would fare no better.
            Err(failure) if failure.is_local() => return Err(failure),
            Err(failure) => failed.push((address, failure)),
        }
        left = left.saturating_sub(started.elapsed());
    }
    Err(Failure::of_all(failed))
}

/// How to speak TLS, if the probe does.
fn tls(subject: &Subject) -> Result<Option<&TlsClient>, Failure> {
    let client = subject.tls.as_ref().map(|SubjectTls { client, .. }| client);
    match (&subject.probe, client) {
        (Probe::Tls, None) => Err(Failure::NoServerName),
        (Probe::Tls | Probe::Http(_) | Probe::SoupBinTcp(_), client) => Ok(client),
        (Probe::None | Probe::Tcp, _) => Ok(None),
    }
}

/// The time for one address: half of what is left, so that one which never answers leaves some to
/// the next; all of it for the last. In whole milliseconds, as timers count, and people.
fn share(left: Duration, is_last: bool) -> Duration {
    let share = if is_last { left } else { left / 2 };
    let rounded = share.as_micros().div_ceil(1000);
    Duration::from_millis(u64::try_from(rounded).unwrap_or(u64::MAX))
}

async fn reach_at(
    address: SocketAddr,
    subject: &Subject,
    tls: Option<&TlsClient>,
    limit: Duration,
) -> Result<Stream, Failure> {
    let started = Instant::now();
    let mut tcp = connect(address, limit, &PLAIN).await?;
    if subject.is_announced() {
        // Never waits: nothing was sent before. Without it, the peer would take our end, or our
        // hello, for a broken header, and log it.
        let sent = tcp.write_all(&Header::LOCAL.encode()).await;
        sent.map_err(|error| Failure::from_line(&error))?;
    }
    match tls {
        None => Ok(Stream::from(tcp)),
        Some(client) => {
            let left = limit.saturating_sub(started.elapsed());
            let shaken = client.connect(tcp, left).await;
            shaken.map_err(|error| Failure::from_handshake(error, limit))
        }
    }
}

/// Asks over a line what the probe wants to know.
async fn question(
    mut line: Stream,
    subject: &Subject,
    until: Instant,
) -> (Result<(), Failure>, Option<Stream>) {
    match &subject.probe {
        Probe::None | Probe::Tcp => (Ok(()), Some(line)),
        Probe::Tls => (accepted(&mut line, until).await, Some(line)),
        Probe::Http(wanted) => {
            let get = match http::request(wanted, subject) {
                Ok(request) => http::get(line, request, wanted),
                Err(failure) => return (Err(failure), Some(line)),
            };
            let late = Err(Failure::NoAnswer(subject.timeout));
            timeout_at(until, get).await.unwrap_or((late, None))
        }
        Probe::SoupBinTcp(wanted) => {
            let answer = timeout_at(until, soupbin::log_in(&mut line, wanted)).await;
            let late = Err(Failure::NoLogin(subject.timeout));
            (answer.unwrap_or(late), Some(line))
        }
    }
}

/// Whether the peer has accepted us too. With TLS 1.3 it looks at our certificate only after the
/// handshake has finished here; its refusal is the first, and only, thing that it says.
async fn accepted(line: &mut Stream, until: Instant) -> Result<(), Failure> {
    let farewell = async {
        line.shutdown().await?;
        line.read(&mut [0]).await
    };
    let patience = until.min(Instant::now() + PARTING_MAX);
    match timeout_at(patience, farewell).await {
        Ok(Err(error)) if alert(&error).is_some() => Err(Failure::from_line(&error)),
        // Whatever else it does with a connection that we are closing: the handshake is finished.
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::Addresses;
    use std::net::TcpListener;

    /// A name that stands for all of 127.0.0.1, .2 and so on, at one port.
    fn subject(hosts: u8, port: u16) -> Subject {
        let target = format!("feed.example:{port}").parse().unwrap();
        let addresses = Addresses::new(&target);
        let known = (1..=hosts).map(|host| SocketAddr::from(([127, 0, 0, host], port)));
        addresses.set(&known.collect::<Vec<_>>());
        Subject {
            target,
            addresses: Arc::new(addresses),
            probe: Probe::Tcp,
            tls: None,
            port: None,
            proxy: false,
            interval: Duration::from_secs(120),
            fast_interval: Duration::from_secs(60),
            timeout: Duration::from_secs(60),
        }
    }

    async fn verdict(subject: Subject) -> Result<(), Arc<str>> {
        match ask(subject).await.outcome {
            Outcome::Verdict(verdict) => verdict,
            Outcome::NotAsked(why) => panic!("not asked: {why}"),
        }
    }

    #[tokio::test]
    async fn the_next_address_answers_for_one_that_refuses() {
        let second = TcpListener::bind("127.0.0.2:0").unwrap();
        let port = second.local_addr().unwrap().port();
        assert_eq!(verdict(subject(2, port)).await, Ok(()));
        assert!(verdict(subject(1, port)).await.is_err());
        drop(second);
        let why = verdict(subject(2, port)).await.unwrap_err();
        let each = ["127.0.0.1", "127.0.0.2"].map(|at| format!("{at}:{port}: connection refused"));
        assert_eq!(*why, each.join("; "));
    }

    #[test]
    fn one_that_never_answers_leaves_time_to_the_next() {
        let ms = Duration::from_millis;
        assert_eq!(share(ms(1000), false), ms(500));
        assert_eq!(share(ms(1000), true), ms(1000));
        assert_eq!(share(Duration::from_nanos(499_999_999), true), ms(500));
    }
}
