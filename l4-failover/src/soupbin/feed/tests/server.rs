//! A server that says what a test has it say.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::soupbin::feed::{Feed, FeedBuilder};
use crate::soupbin::packet::{Kind, LoginAccepted, LoginRequest, Packet, Reject, split};

pub(super) const SESSION: &str = "FEED000001";

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Server(TcpListener);

/// One line, logged in to.
pub(super) struct Line {
    stream: TcpStream,
    pub(super) login: LoginRequest,
    came: Vec<u8>,
}

/// What number `number` says.
pub(super) fn text(number: u64) -> String {
    format!("message {number}")
}

impl Server {
    pub(super) async fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(super) fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// A feed of this line.
    pub(super) fn feed(&self) -> FeedBuilder {
        let feed = Feed::builder("test").primary(self.address());
        feed.connect_wait(Duration::from_secs(3))
    }

    /// The next connection that logs in; checks do not.
    pub(super) async fn line(&self) -> Line {
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
    pub(super) async fn accept(&self, first: u64) -> Line {
        let mut line = self.line().await;
        line.accept(first).await;
        line
    }
}

impl Line {
    pub(super) async fn accept(&mut self, first: u64) {
        let accepted = LoginAccepted {
            session: SESSION.parse().unwrap(),
            sequence: first,
        };
        self.send(&[Packet::LoginAccepted(accepted)]).await;
    }

    pub(super) async fn reject(mut self, reject: Reject) {
        self.send(&[Packet::LoginRejected(reject)]).await;
    }

    pub(super) async fn send(&mut self, packets: &[Packet<'_>]) {
        let mut bytes = Vec::new();
        for packet in packets {
            packet.encode(&mut bytes).unwrap();
        }
        self.stream.write_all(&bytes).await.unwrap();
    }

    /// Sends these messages.
    pub(super) async fn tell(&mut self, numbers: impl IntoIterator<Item = u64>) {
        let texts: Vec<_> = numbers.into_iter().map(text).collect();
        let packets = texts.iter().map(|text| Packet::Sequenced(text.as_bytes()));
        self.send(&packets.collect::<Vec<_>>()).await;
    }

    /// Says that it lives, as servers do.
    pub(super) async fn live(&mut self) {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            self.send(&[Packet::ServerHeartbeat]).await;
        }
    }

    /// The next frame that comes; none once the line has ended.
    pub(super) async fn frame(&mut self) -> Option<(Kind, Vec<u8>)> {
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
    pub(super) async fn rest(mut self) -> Vec<Kind> {
        let mut kinds = Vec::new();
        while let Some((kind, _)) = self.frame().await {
            kinds.push(kind);
        }
        kinds.retain(|kind| *kind != Kind::ClientHeartbeat);
        kinds
    }
}
