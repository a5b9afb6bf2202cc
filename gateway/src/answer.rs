//! What another gateway makes of a hello: it connects whether or not anybody behind it answers.

use std::io;
use std::pin::pin;
use std::time::Duration;

use l4_failover::LedNowhere;
use l4_failover::socket::is_delivered;
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::refuse::Alert;

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerLimits {
    /// Until the other kernel has acknowledged the hello.
    pub delivery: Duration,
    /// Until the answer, where somebody else could be asked. At least `delivery`.
    pub patience: Duration,
    /// Until the answer, where nobody else is left. A client that waits for longer waits as for any
    /// slow service.
    pub answer: Duration,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Unanswered {
    /// The client is gone.
    Client(io::Error),
    /// The gateway says that nobody answers behind it, or says nothing.
    LedNowhere(LedNowhere),
}

impl From<LedNowhere> for Unanswered {
    fn from(why: LedNowhere) -> Self {
        Self::LedNowhere(why)
    }
}

/// Bytes that were taken from the gateway, and are the client's.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct First {
    bytes: [u8; Alert::BYTES],
    len: usize,
}

impl First {
    /// The bytes; none as a rule.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn is_whole(&self) -> bool {
        self.len == Alert::BYTES
    }
}

/// Waits for the first byte that `gateway` sends in answer to a hello; `is_last` if nobody else could
/// be asked. What the client sends meanwhile, its end included, is left where it is: until somebody
/// answers it can be told to another gateway as well.
///
/// # Errors
///
/// [`Unanswered`]: nobody answers, or nobody waits for it any more.
pub async fn first(
    client: &TcpStream,
    gateway: &mut TcpStream,
    limits: AnswerLimits,
    is_last: bool,
) -> Result<First, Unanswered> {
    match heard(client, gateway, limits, is_last).await? {
        Heard::Gone => Err(Unanswered::Client(io::ErrorKind::ConnectionReset.into())),
        Heard::Closed => Err(LedNowhere::Closed.into()),
        Heard::Broken(error) => Err(LedNowhere::Broken(error).into()),
        Heard::Alert => Ok(alert(gateway, limits).await?),
        Heard::Answer | Heard::Nothing => Ok(First::default()),
    }
}

/// What happened first.
enum Heard {
    /// The client was reset, or given up by the kernel.
    Gone,
    /// The gateway passes an answer on.
    Answer,
    /// The gateway passes an alert on, or has one of its own.
    Alert,
    Closed,
    Broken(io::Error),
    /// Nothing did for so long that it is left to the client to wait.
    Nothing,
}

async fn heard(
    client: &TcpStream,
    gateway: &TcpStream,
    limits: AnswerLimits,
    is_last: bool,
) -> Result<Heard, LedNowhere> {
    let mut event = pin!(event(client, gateway));
    match timeout(limits.delivery, &mut event).await {
        Ok(heard) => return Ok(heard),
        Err(_) if !is_delivered(gateway) => return Err(LedNowhere::Silent(limits.delivery)),
        Err(_) => {}
    }
    let limit = if is_last {
        limits.answer
    } else {
        limits.patience
    };
    match timeout(limit.saturating_sub(limits.delivery), event).await {
        Ok(heard) => Ok(heard),
        Err(_) if is_last => Ok(Heard::Nothing),
        Err(_) => Err(LedNowhere::Late(limit)),
    }
}

async fn event(client: &TcpStream, gateway: &TcpStream) -> Heard {
    let mut from_gateway = [0];
    tokio::select! {
        biased;
        peeked = gateway.peek(&mut from_gateway) => match peeked {
            Ok(0) => Heard::Closed,
            Ok(_) if from_gateway == [Alert::CONTENT_TYPE] => Heard::Alert,
            Ok(_) => Heard::Answer,
            Err(error) => Heard::Broken(error),
        },
        _ = client.ready(Interest::ERROR) => Heard::Gone,
    }
}

/// Reads an alert: one that says that nobody answers, or else it is for the client.
async fn alert(gateway: &mut TcpStream, limits: AnswerLimits) -> Result<First, LedNowhere> {
    let mut first = First::default();
    // Late, what has come until then is passed on, and the rest as it comes; broken, nothing of it was.
    let filled = timeout(limits.delivery, fill(gateway, &mut first)).await;
    filled.unwrap_or(Ok(())).map_err(LedNowhere::Broken)?;
    let refusals = [Alert::InternalError, Alert::UnrecognizedName];
    match refusals
        .iter()
        .find(|it| it.record()[3..] == first.bytes[3..])
    {
        Some(refusal) if first.is_whole() => Err(LedNowhere::Alert(*refusal as u8)),
        _ => Ok(first),
    }
}

async fn fill(gateway: &mut TcpStream, first: &mut First) -> io::Result<()> {
    while !first.is_whole() {
        match gateway.read(&mut first.bytes[first.len..]).await? {
            0 => break,
            read => first.len += read,
        }
    }
    Ok(())
}
