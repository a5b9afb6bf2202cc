//! A port before servers that say what a test has them say, and its consumers.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::{Fanout, FanoutOptions, HistoryLimits, Seen, Served, serve};
use crate::pool::Pool;
use crate::probe::CheckOptions;
use crate::socket::live::Live;
use crate::socket::relay::Tally;
use crate::soupbin::bridge::{FeedOptions, SharedFeed, Watched};
use crate::soupbin::feed::tests::server::{Server, text};
use crate::soupbin::join::{JoinOptions, LineOptions};
use crate::soupbin::packet::{Credentials, LoginRequest, Packet, Reject, SessionId, split};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn credentials() -> Credentials {
    Credentials::new("trader", "secret").unwrap()
}

/// How a port is served that waits for nothing for long.
pub(super) fn options() -> FeedOptions {
    FeedOptions {
        join: JoinOptions {
            login_wait: Duration::from_secs(1),
            max_outage: Duration::from_millis(200),
            ..JoinOptions::default()
        },
        other_lines: LineOptions {
            credentials: Some(Credentials::new("DESK01", "EXCHANGE").unwrap()),
            ..LineOptions::default()
        },
        fanout: Some(FanoutOptions {
            consumers: vec![credentials()],
            history: HistoryLimits::default(),
        }),
        ..FeedOptions::default()
    }
}

/// A port that logs in at these servers, the first of which is preferred.
pub(super) struct Port {
    pub(super) fanout: Fanout,
    pub(super) feed: SharedFeed,
}

impl Port {
    pub(super) fn before(servers: &[&Server], options: FeedOptions) -> Self {
        let port = Self::still(servers, options);
        port.fanout.start(&Handle::current());
        port
    }

    /// One that does not log in.
    pub(super) fn still(servers: &[&Server], options: FeedOptions) -> Self {
        let mut pool = Pool::builder().name("test").check(CheckOptions {
            probe: None,
            ..CheckOptions::default()
        });
        for (nth, server) in servers.iter().enumerate() {
            pool = match nth {
                0 => pool.primary(&server.address()),
                _ => pool.backup(&server.address()),
            };
        }
        let feed = SharedFeed::new(options);
        let pool = pool.build().unwrap();
        let fanout = Fanout::new("test".into(), feed.clone(), pool, Box::new(|_| ()));
        Self { fanout, feed }
    }

    /// Waits until there is a session that stands at this message.
    pub(super) async fn stands_at(&self, next: u64) {
        let is_there = || {
            let history = self.fanout.status().history;
            history.is_some_and(|it| it.next == next)
        };
        until(is_there).await;
    }

    pub(super) async fn has_no_session(&self) {
        until(|| self.fanout.status().session.is_none()).await;
    }

    /// A consumer that asks for this message of whichever session there is.
    pub(super) async fn consumer(&self, sequence: u64) -> Client {
        Client::login(self, SessionId::BLANK, sequence).await
    }
}

/// Looks now and then: there is no event to wait for.
pub(super) async fn until(mut is_so: impl FnMut() -> bool) {
    let looking = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, looking).await.unwrap();
}

/// A consumer that is logged in, or tries to be.
pub(super) struct Client {
    stream: DuplexStream,
    came: Vec<u8>,
    served: JoinHandle<Served>,
}

impl Client {
    pub(super) async fn login(port: &Port, session: SessionId, sequence: u64) -> Self {
        Self::with_room(port, session, sequence, 1 << 20).await
    }

    /// The same, and so many bytes wait in its socket.
    pub(super) async fn with_room(
        port: &Port,
        session: SessionId,
        sequence: u64,
        room: usize,
    ) -> Self {
        let (mut stream, mut far) = duplex(room);
        let fanout = port.fanout.clone();
        let served = tokio::spawn(async move {
            let live = Live::new(1, 1);
            let address = "192.0.2.1:5".parse().unwrap();
            let entry = live.open(live.try_reserve().unwrap(), 0, address, ());
            let (consumer, tally) = (Watched::new(entry.id, address), Tally::default());
            let seen = Seen {
                consumer: &consumer,
                tally: &tally,
                hear: &mut |_| (),
                watch: Arc::new(|_| ()),
            };
            serve(&mut far, &fanout, seen).await
        });
        let mut bytes = Vec::new();
        let login = LoginRequest {
            credentials: credentials(),
            session,
            sequence,
            heartbeat_timeout: None,
        };
        Packet::LoginRequest(login).encode(&mut bytes).unwrap();
        stream.write_all(&bytes).await.unwrap();
        Self {
            stream,
            came: Vec::new(),
            served,
        }
    }

    /// What comes next, but for heartbeats; none at the end.
    async fn next<T>(&mut self, take: impl Fn(Packet<'_>) -> T) -> Option<T> {
        loop {
            while let Some(frame) = split(&self.came).unwrap() {
                let (packet, length) = (frame.packet().unwrap(), frame.len());
                let is_beat = matches!(packet, Packet::ServerHeartbeat);
                let taken = (!is_beat).then(|| take(packet));
                self.came.drain(..length);
                if taken.is_some() {
                    return taken;
                }
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.came)).await;
            if read.unwrap().unwrap() == 0 {
                return None;
            }
        }
    }

    pub(super) async fn accepted(&mut self) -> (String, u64) {
        let take = |packet: Packet<'_>| match packet {
            Packet::LoginAccepted(it) => (it.session.to_string(), it.sequence),
            other => panic!("{other:?}"),
        };
        self.next(take).await.unwrap()
    }

    pub(super) async fn rejected(&mut self) -> Reject {
        let take = |packet: Packet<'_>| match packet {
            Packet::LoginRejected(reject) => reject,
            other => panic!("{other:?}"),
        };
        self.next(take).await.unwrap()
    }

    /// Messages of these numbers come.
    pub(super) async fn gets(&mut self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            let take =
                |packet: Packet<'_>| assert_eq!(packet, Packet::Sequenced(text(number).as_bytes()));
            self.next(take).await.unwrap();
        }
    }

    /// The session is over, as it is told.
    pub(super) async fn is_told_the_end(&mut self) {
        let take = |packet: Packet<'_>| assert_eq!(packet, Packet::EndOfSession);
        self.next(take).await.unwrap();
    }

    /// Takes as little as there is at once, and that only so often: how it ended.
    pub(super) async fn trickles(mut self, every: Duration) -> Served {
        loop {
            tokio::time::sleep(every).await;
            if self.stream.read(&mut [0]).await.unwrap() == 0 {
                return self.served.await.unwrap();
            }
        }
    }

    /// How it ended; nothing more came.
    pub(super) async fn gone(mut self) -> Served {
        let take = |packet: Packet<'_>| panic!("{packet:?}");
        assert_eq!(self.next(take).await, None);
        timeout(PATIENCE, self.served).await.unwrap().unwrap()
    }
}
