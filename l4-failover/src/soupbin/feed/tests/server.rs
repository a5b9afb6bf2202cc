//! A server that says what a test has it say.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::soupbin::feed::{Feed, FeedBuilder};
use crate::soupbin::packet::{Kind, LoginAccepted, LoginRequest, Packet, Reject, split};

pub(in crate::soupbin) const SESSION: &str = "FEED000001";

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

pub(in crate::soupbin) struct Server(TcpListener);

/// One line, logged in to.
pub(in crate::soupbin) struct Line {
    stream: TcpStream,
    pub(in crate::soupbin) login: LoginRequest,
    came: Vec<u8>,
}

/// What number `number` says.
pub(in crate::soupbin) fn text(number: u64) -> String {
    format!("message {number}")
}

impl Server {
    pub(in crate::soupbin) async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    /// One that was gone, where it was.
    pub(in crate::soupbin) async fn start_again(address: &str) -> Self {
        Self(TcpListener::bind(address).await.unwrap())
    }

    pub(in crate::soupbin) fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// A feed of this line.
    pub(in crate::soupbin) fn feed(&self) -> FeedBuilder {
        let feed = Feed::builder("test").primary(self.address());
        feed.connect_wait(Duration::from_secs(3))
    }

    /// The next connection that logs in; checks do not.
    pub(in crate::soupbin) async fn line(&self) -> Line {
        loop {
            let (stream, _) = timeout(PATIENCE, self.0.accept()).await.unwrap().unwrap();
            let mut line = Line {
                stream,
                login: LoginRequest {
                    credentials: crate::soupbin::packet::Credentials::new("", "").unwrap(),
                    session: SESSION.parse().unwrap(),
                    sequence: 0,
                    heartbeat_timeout: None,
                },
                came: Vec::new(),
            };
            if let Some((Kind::LoginRequest, payload)) = line.frame().await {
                let mut whole = Vec::from(((payload.len() + 1) as u16).to_be_bytes());
                whole.push(b'L');
                whole.extend(payload);
                let frame = split(&whole).unwrap().unwrap();
                let Packet::LoginRequest(login) = frame.packet().unwrap() else {
                    panic!("a login");
                };
                line.login = login;
                return line;
            }
        }
    }

    /// The next login, accepted from `first` on.
    pub(in crate::soupbin) async fn accept(&self, first: u64) -> Line {
        let mut line = self.line().await;
        line.accept(first).await;
        line
    }
}

impl Line {
    pub(in crate::soupbin) async fn accept(&mut self, first: u64) {
        self.accept_in(SESSION, first).await;
    }

    pub(in crate::soupbin) async fn accept_in(&mut self, session: &str, first: u64) {
        let accepted = LoginAccepted {
            session: session.parse().unwrap(),
            sequence: first,
        };
        self.send(&[Packet::LoginAccepted(accepted)]).await;
    }

    pub(in crate::soupbin) async fn reject(mut self, reject: Reject) {
        self.send(&[Packet::LoginRejected(reject)]).await;
    }

    pub(in crate::soupbin) async fn send(&mut self, packets: &[Packet<'_>]) {
        let mut bytes = Vec::new();
        for packet in packets {
            packet.encode(&mut bytes).unwrap();
        }
        self.stream.write_all(&bytes).await.unwrap();
    }

    /// Sends these messages.
    pub(in crate::soupbin) async fn tell(&mut self, numbers: impl IntoIterator<Item = u64>) {
        let texts: Vec<_> = numbers.into_iter().map(text).collect();
        let packets = texts.iter().map(|text| Packet::Sequenced(text.as_bytes()));
        self.send(&packets.collect::<Vec<_>>()).await;
    }

    /// Says that it lives.
    pub(in crate::soupbin) async fn beat(&mut self) {
        self.send(&[Packet::ServerHeartbeat]).await;
    }

    /// Says that it lives, as servers do.
    pub(in crate::soupbin) async fn live(&mut self) {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            self.beat().await;
        }
    }

    /// The next frame that comes; none once the line has ended.
    pub(in crate::soupbin) async fn frame(&mut self) -> Option<(Kind, Vec<u8>)> {
        loop {
            if let Some(frame) = split(&self.came).unwrap() {
                let (kind, payload, length) = (frame.kind, frame.payload.to_vec(), frame.len());
                self.came.drain(..length);
                return Some((kind, payload));
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.came)).await;
            if !read.unwrap().is_ok_and(|read| read > 0) {
                return None;
            }
        }
    }

    /// The kinds of what comes until the line ends, heartbeats left out.
    pub(in crate::soupbin) async fn rest(mut self) -> Vec<Kind> {
        let mut kinds = Vec::new();
        while let Some((kind, _)) = self.frame().await {
            kinds.push(kind);
        }
        kinds.retain(|kind| *kind != Kind::ClientHeartbeat);
        kinds
    }
}
