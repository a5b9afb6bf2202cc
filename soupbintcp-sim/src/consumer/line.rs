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
use tokio::time::{sleep_until, timeout};

use super::error::{Cause, ConsumeError};
use super::intake::Intake;
use super::watch::Watch;

/// How long a connection may take to be made: an address that drops packets must not hold a test.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What is read at once: some thousand messages, and four times the longest frame.
const BUFFER: usize = 4 * FRAME_MAX;

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
            self.input.reserve(BUFFER);
            let due = self.session.due().into();
            // In this order: a stream without a pause must not keep the rest waiting.
            let halt = tokio::select! {
                biased;
                () = &mut stop => Err(Halt::End(End::Own)),
                () = watch.second(intake) => Ok(()),
                () = sleep_until(due) => self.tick().await,
                read = self.stream.read_buf(&mut self.input) => self.came(read, intake),
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

    async fn tick(&mut self) -> Result<(), Halt> {
        match self.session.tick(Instant::now()) {
            Tick::Nothing => Ok(()),
            Tick::Heartbeat => Ok(self.send(&Packet::ClientHeartbeat).await?),
            Tick::Silent | Tick::NoLogin => Err(Cause::Silent(self.silence).into()),
        }
    }

    fn came(&mut self, read: io::Result<usize>, intake: &mut Intake) -> Result<(), Halt> {
        match read {
            Ok(0) => Err(Cause::Closed.into()),
            Ok(_) => {
                self.session.heard(Instant::now());
                self.understand(intake)
            }
            Err(error) => Err(Cause::Broke(error).into()),
        }
    }

    /// All whole frames that are there. They share the moment at which they were read.
    fn understand(&mut self, intake: &mut Intake) -> Result<(), Halt> {
        let now = SystemTime::now();
        let mut understood = 0;
        while let Some(frame) = split(&self.input[understood..])? {
            understood += frame.len();
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
