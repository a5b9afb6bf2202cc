//! A server that sends what it is told, without any thought.

use std::net::SocketAddr;
use std::time::Duration;

use l4_failover::soupbin::packet::{LoginAccepted, LoginRequest, Packet, Reject, split};
use soupbintcp_sim::day::Day;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) const SEED: u64 = 7;
pub(crate) const SESSION: &str = "FEED000001";

/// What a server does with one connection, in this order.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Accepts the login at this number, or at the one that was asked for.
    Accept(Option<u64>),
    Reject(Reject),
    /// Sends the seed's messages of these numbers.
    Send(Vec<u64>),
    Wait(Duration),
    /// Sends any bytes.
    Raw(Vec<u8>),
    End,
    /// Sends heartbeats for ever.
    Idle,
    /// Says nothing for ever.
    Silence,
    /// Resets the connection.
    Reset,
}

/// Serves as many connections as there are scripts, then closes; yields the logins.
pub(crate) async fn serve(scripts: Vec<Vec<Act>>) -> (SocketAddr, JoinHandle<Vec<LoginRequest>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let mut logins = Vec::new();
        for script in scripts {
            let (mut stream, _) = listener.accept().await.unwrap();
            let login = login(&mut stream).await;
            logins.push(login);
            perform(stream, login, script).await;
        }
        logins
    });
    (address, task)
}

async fn login(stream: &mut TcpStream) -> LoginRequest {
    let mut bytes = Vec::new();
    loop {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
        if let Some(frame) = split(&bytes).unwrap() {
            let Packet::LoginRequest(login) = frame.packet().unwrap() else {
                panic!("{frame:?}");
            };
            return login;
        }
    }
}

async fn perform(mut stream: TcpStream, login: LoginRequest, script: Vec<Act>) {
    let day = Day::new(SEED);
    for act in script {
        let mut out = Vec::new();
        match act {
            Act::Accept(sequence) => {
                let session = SESSION.parse().unwrap();
                let sequence = sequence.unwrap_or(login.sequence);
                let accepted = LoginAccepted { session, sequence };
                Packet::LoginAccepted(accepted).encode(&mut out).unwrap();
            }
            Act::Reject(reject) => Packet::LoginRejected(reject).encode(&mut out).unwrap(),
            Act::Send(numbers) => frames(&day, &numbers, &mut out),
            Act::Wait(pause) => tokio::time::sleep(pause).await,
            Act::Raw(bytes) => out = bytes,
            Act::End => Packet::EndOfSession.encode(&mut out).unwrap(),
            Act::Idle => return idle(stream).await,
            Act::Silence => return silence(stream).await,
            Act::Reset => return stream.set_zero_linger().unwrap(),
        }
        // A client that has enough leaves.
        if stream.write_all(&out).await.is_err() {
            return;
        }
    }
    // A heartbeat that nobody read would make the end a reset, which overtakes what was sent.
    if stream.shutdown().await.is_ok() {
        silence(stream).await;
    }
}

fn frames(day: &Day, numbers: &[u64], out: &mut Vec<u8>) {
    let mut messages = day.from(1);
    for number in numbers {
        if messages.number() != *number {
            messages = day.from(*number);
        }
        Packet::Sequenced(messages.next()).encode(out).unwrap();
    }
}

async fn idle(mut stream: TcpStream) {
    let mut heartbeat = Vec::new();
    Packet::ServerHeartbeat.encode(&mut heartbeat).unwrap();
    while stream.write_all(&heartbeat).await.is_ok() {
        // The pace of a server that says nothing else.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn silence(mut stream: TcpStream) {
    let mut sink = Vec::new();
    let _ = stream.read_to_end(&mut sink).await;
}
