//! A login by SoupBinTCP, and whether it is accepted.

use std::ops::ControlFlow;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::SoupBinProbe;
use super::failure::Failure;
use crate::socket::Stream;
use crate::soupbin::packet::{FRAME_MAX, Frame, LoginAccepted, LoginRequest, Packet, split};
use crate::soupbin::session::{ClientLimits, ClientSession, FromServer};

/// The newest message there is, and none of those before: a check wants nothing of the feed.
const NEWEST: u64 = 0;

/// Bytes read at once: an answer has 33, and a server's greeting is short.
const CHUNK: usize = 512;

/// Logs in over `line`, and out again; whoever calls bounds the time.
pub(super) async fn log_in(line: &mut Stream, wanted: &SoupBinProbe) -> Result<(), Failure> {
    let now = Instant::now().into_std();
    let mut session = ClientSession::new(login(wanted), ClientLimits::default(), now);
    send(line, &session.login()).await?;
    let accepted = answer(line, &mut session).await?;
    let (found, named) = (accepted.session, wanted.session);
    if !named.is_blank() && found != named {
        return Err(Failure::OtherSession {
            found,
            wanted: named,
        });
    }
    // It has answered: whatever becomes of this says nothing of it.
    _ = send(line, &Packet::Logout).await;
    Ok(())
}

fn login(wanted: &SoupBinProbe) -> LoginRequest {
    LoginRequest {
        credentials: wanted.credentials,
        session: wanted.session,
        sequence: NEWEST,
        heartbeat_timeout: None,
    }
}

async fn send(line: &mut Stream, packet: &Packet<'_>) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    // Neither a login nor a logout has a payload that could be too long.
    _ = packet.encode(&mut bytes);
    let sent = async {
        line.write_all(&bytes).await?;
        line.flush().await
    };
    sent.await.map_err(|error| Failure::of_login(&error))
}

/// Reads until the login is answered.
async fn answer(line: &mut Stream, session: &mut ClientSession) -> Result<LoginAccepted, Failure> {
    let mut held = Vec::new();
    let mut chunk = [0; CHUNK];
    loop {
        let read = line.read(&mut chunk).await;
        let read = read.map_err(|error| Failure::of_login(&error))?;
        if read == 0 {
            return Err(Failure::LeftLogin);
        }
        held.extend_from_slice(&chunk[..read]);
        // No frame is longer: one is whole by then.
        debug_assert!(held.len() < FRAME_MAX + CHUNK);
        while let Some(frame) = split(&held)? {
            let length = frame.len();
            if let ControlFlow::Break(accepted) = understood(session, frame)? {
                return Ok(accepted);
            }
            held.drain(..length);
        }
    }
}

fn understood(
    session: &mut ClientSession,
    frame: Frame<'_>,
) -> Result<ControlFlow<LoginAccepted>, Failure> {
    match session.received(frame)? {
        FromServer::Accepted(accepted) => Ok(ControlFlow::Break(accepted)),
        FromServer::Rejected(reject) => Err(Failure::Rejected(reject)),
        // Before the answer only text may come; what may not, the session has refused.
        FromServer::Debug(_)
        | FromServer::Sequenced { .. }
        | FromServer::Unsequenced(_)
        | FromServer::Heartbeat
        | FromServer::End => Ok(ControlFlow::Continue(())),
    }
}
