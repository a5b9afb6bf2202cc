//! One connection, from its login to its end.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Buf, BytesMut};
use l4_failover::soupbin::packet::{FRAME_MAX, LoginRequest, Packet, split};
use l4_failover::soupbin::session::{ClientLimits, ClientSession, FromServer, Tick};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::{sleep_until, timeout};

use super::error::{Cause, ConsumeError};
use super::intake::Intake;
use super::watch::Watch;

/// How long a connection may take to be made: an address that drops packets must not hold a test.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What is read at once: some thousand messages, and four times the longest frame.
const BUFFER: usize = 4 * FRAME_MAX;

/// How long messages are judged before a stop and heartbeats have their turn. What is as it should
/// be takes far less for a whole buffer; each message of a wrong seed takes milliseconds.
pub(super) const TURN: Duration = Duration::from_millis(20);

/// The time is asked for after so many frames: it costs as much as judging one.
pub(super) const FRAMES_PER_LOOK: usize = 16;

/// How long the logout may take to leave where the server does not read any more.
const LOGOUT_TIMEOUT: Duration = Duration::from_millis(200);

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// By the end of the session.
    Session,
    /// By this side: all that was wanted has come, or the time is over.
    Own,
    /// By a mishap.
    Broken(Cause),
}

/// Why the frames of a connection are not followed any further.
enum Halt {
    End(End),
    Failed(ConsumeError),
}

impl<E: Into<Cause>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::End(End::Broken(error.into()))
    }
}

/// A connection, and what came over it that is not a whole frame yet.
#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    session: ClientSession,
    input: BytesMut,
    /// When the last of it was read.
    read_at: SystemTime,
    /// Whether whole frames of it were left for the next turn.
    is_behind: bool,
    silence: Duration,
    was_in: bool,
}

impl Line {
    /// Connects, and asks for a login.
    pub(super) async fn open(
        address: &str,
        login: LoginRequest,
        limits: ClientLimits,
    ) -> Result<Self, Cause> {
        let connecting = timeout(CONNECT_TIMEOUT, TcpStream::connect(address));
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        let stream = connecting.await.map_err(late).and_then(|it| it);
        let stream = stream.map_err(Cause::Connect)?;
        stream.set_nodelay(true).map_err(Cause::Connect)?;
        let session = ClientSession::new(login, limits, Instant::now());
        let silence = limits.silence;
        let mut line = Self {
            stream,
            session,
            input: BytesMut::new(),
            read_at: SystemTime::now(),
            is_behind: false,
            silence,
            was_in: false,
        };
        let login = line.session.login();
        line.send(&login).await?;
        Ok(line)
    }

    /// Whether its login was accepted.
    pub(super) const fn was_in(&self) -> bool {
        self.was_in
    }

    /// Takes in what comes, until the end; `stop` is this side's own.
    pub(super) async fn follow(
        &mut self,
        intake: &mut Intake,
        watch: &mut Watch<'_>,
        mut stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<End, ConsumeError> {
        loop {
            if !self.is_behind {
                self.input.reserve(BUFFER);
            }
            let due = self.session.due().into();
            // In this order: a stream without a pause must not keep the rest waiting.
            let halt = tokio::select! {
                biased;
                () = &mut stop => Err(Halt::End(End::Own)),
                () = watch.second(intake) => Ok(()),
                () = sleep_until(due) => self.tick(intake).await,
                // Timers move on only while nobody has the thread.
                () = yield_now(), if self.is_behind => self.go_on(intake),
                read = self.stream.read_buf(&mut self.input), if !self.is_behind => {
                    self.came(read, intake)
                }
            };
            match halt {
                Ok(()) => {}
                Err(Halt::Failed(error)) => return Err(error),
                Err(Halt::End(end)) => {
                    self.leave(&end).await;
                    return Ok(end);
                }
            }
        }
    }

    async fn tick(&mut self, intake: &mut Intake) -> Result<(), Halt> {
        let mut tick = self.session.tick(Instant::now());
        if let Tick::Silent | Tick::NoLogin = tick {
            self.look(intake).await?;
            tick = self.session.tick(Instant::now());
        }
        match tick {
            Tick::Nothing => Ok(()),
            Tick::Heartbeat => Ok(self.send(&Packet::ClientHeartbeat).await?),
            Tick::Silent | Tick::NoLogin => Err(Cause::Silent(self.silence).into()),
        }
    }

    /// Takes in what came already. Where this process stood still for longer than a server may be
    /// silent, that is what the server said meanwhile.
    async fn look(&mut self, intake: &mut Intake) -> Result<(), Halt> {
        if self.is_behind {
            return self.go_on(intake);
        }
        // A process that goes on is told of its timers before it is told of its sockets.
        yield_now().await;
        match self.stream.try_read_buf(&mut self.input) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            read => self.came(read, intake),
        }
    }

    fn came(&mut self, read: io::Result<usize>, intake: &mut Intake) -> Result<(), Halt> {
        match read {
            Ok(0) => Err(Cause::Closed.into()),
            Ok(_) => {
                self.read_at = SystemTime::now();
                self.go_on(intake)
            }
            Err(error) => Err(Cause::Broke(error).into()),
        }
    }

    /// A turn. What waits to be judged is no silence.
    fn go_on(&mut self, intake: &mut Intake) -> Result<(), Halt> {
        let now = Instant::now();
        self.session.heard(now);
        self.understand(intake, now + TURN)
    }

    /// The whole frames that are there, as far as they can be judged before `until`. They share the
    /// moment at which they were read.
    fn understand(&mut self, intake: &mut Intake, until: Instant) -> Result<(), Halt> {
        let now = self.read_at;
        let (mut understood, mut frames) = (0, 0);
        self.is_behind = false;
        while let Some(frame) = split(&self.input[understood..])? {
            understood += frame.len();
            frames += 1;
            match self.session.received(frame)? {
                FromServer::Sequenced { number, message } => {
                    intake.take(number, message, now).map_err(Halt::Failed)?;
                    if intake.is_enough() {
                        return Err(Halt::End(End::Own));
                    }
                }
                FromServer::Accepted(accepted) => {
                    intake.begins(accepted, now)?;
                    self.was_in = true;
                }
                FromServer::Rejected(reject) => return Err(Cause::Rejected(reject).into()),
                FromServer::End => return Err(Halt::End(End::Session)),
                FromServer::Unsequenced(_) | FromServer::Debug(_) | FromServer::Heartbeat => {}
            }
            if frames % FRAMES_PER_LOOK == 0 && Instant::now() >= until {
                self.is_behind = true;
                break;
            }
        }
        self.input.advance(understood);
        Ok(())
    }

    async fn send(&mut self, packet: &Packet<'_>) -> Result<(), Cause> {
        let mut frame = Vec::new();
        // Only messages can be too long, and none is sent here.
        if packet.encode(&mut frame).is_ok() {
            let sending = timeout(self.silence, self.stream.write_all(&frame));
            let late = |_| io::Error::from(io::ErrorKind::TimedOut);
            sending
                .await
                .map_err(late)
                .and_then(|it| it)
                .map_err(Cause::Broke)?;
        }
        self.session.sent(Instant::now());
        Ok(())
    }

    /// Takes leave, where it is this side that goes.
    async fn leave(&mut self, end: &End) {
        if let End::Own = end {
            // A server that is gone or does not read needs no farewell.
            let _ = timeout(LOGOUT_TIMEOUT, self.send(&Packet::Logout)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use l4_failover::soupbin::packet::{Credentials, LoginAccepted};
    use tokio::net::TcpListener;

    use super::super::options::Options;
    use super::*;

    #[tokio::test]
    async fn what_waits_to_be_read_is_no_silence() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut options = Options::new(&address, Credentials::new("", "").unwrap());
        options.limits.silence = Duration::from_millis(50);
        let mut intake = Intake::new(&options).unwrap();
        let opening = Line::open(&address, options.login, options.limits);
        let mut line = opening.await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let mut frame = Vec::new();
        let session = "FEED".parse().unwrap();
        let accepted = LoginAccepted {
            session,
            sequence: 1,
        };
        Packet::LoginAccepted(accepted).encode(&mut frame).unwrap();
        server.write_all(&frame).await.unwrap();
        // As a process that is stopped.
        std::thread::sleep(2 * options.limits.silence);
        assert!(line.tick(&mut intake).await.is_ok());
        assert!(line.was_in());
        std::thread::sleep(2 * options.limits.silence);
        assert!(line.tick(&mut intake).await.is_err(), "nothing came");
    }

    #[tokio::test]
    async fn what_takes_long_is_judged_in_turns() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let options = Options::new(&address, Credentials::new("", "").unwrap());
        let mut intake = Intake::new(&options).unwrap();
        let mut line = Line::open(&address, options.login, options.limits)
            .await
            .unwrap();
        let mut frames = Vec::new();
        let session = "FEED".parse().unwrap();
        let accepted = LoginAccepted {
            session,
            sequence: 1,
        };
        Packet::LoginAccepted(accepted).encode(&mut frames).unwrap();
        for _ in 0..100 {
            Packet::Sequenced(b"hello").encode(&mut frames).unwrap();
        }
        line.input.extend_from_slice(&frames);
        // Its time is over: it looks up at the first occasion.
        assert!(line.understand(&mut intake, Instant::now()).is_ok());
        assert!(line.is_behind);
        assert_eq!(intake.messages, FRAMES_PER_LOOK as u64 - 1);
        let later = Instant::now() + Duration::from_secs(60);
        assert!(line.understand(&mut intake, later).is_ok());
        assert!(!line.is_behind && line.input.is_empty());
        assert_eq!(intake.messages, 100);
    }
}
