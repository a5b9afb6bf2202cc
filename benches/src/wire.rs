//! What clients and backends say to each other: a recorded hello, a command, then bytes.

use std::io;
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest};
use tokio::net::TcpStream;

use crate::greeting::Greeting;

/// A hello of OpenSSL's, as recorded; the name in it is currency.dc1.
pub const HELLO: &[u8] = include_bytes!("../../gateway/testdata/hello/openssl-tls13.bin");

/// What a backend answers first, whatever it is asked for.
pub const ANSWER: u8 = b'!';

/// One read or write of bulk. Larger ones gained nothing; smaller ones cost the load's own CPU.
pub const CHUNK: usize = 256 * 1024;

/// Bytes of a command.
pub const COMMAND: usize = 9;

/// What a client asks of a backend, right after the hello. The backend answers one byte first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send everything back, until the client finishes.
    Echo,
    /// Finish at once.
    Finish,
    /// After one more byte of the client, send this many.
    Send(u64),
    /// Take this many, then answer one byte.
    Take(u64),
    /// Send this many and take as many meanwhile, then answer one byte.
    Both(u64),
}

impl Command {
    fn encode(self) -> [u8; COMMAND] {
        let (kind, bytes) = match self {
            Self::Echo => (b'e', 0),
            Self::Finish => (b'f', 0),
            Self::Send(bytes) => (b's', bytes),
            Self::Take(bytes) => (b't', bytes),
            Self::Both(bytes) => (b'b', bytes),
        };
        let mut encoded = [kind; COMMAND];
        encoded[1..].copy_from_slice(&bytes.to_be_bytes());
        encoded
    }

    /// Reads a command; none where it is no command.
    #[must_use]
    pub fn decode(encoded: [u8; COMMAND]) -> Option<Self> {
        let [kind, bytes @ ..] = encoded;
        let bytes = u64::from_be_bytes(bytes);
        match kind {
            b'e' => Some(Self::Echo),
            b'f' => Some(Self::Finish),
            b's' => Some(Self::Send(bytes)),
            b't' => Some(Self::Take(bytes)),
            b'b' => Some(Self::Both(bytes)),
            _ => None,
        }
    }
}

/// Connects, sends the hello and the command, and waits for the answer.
///
/// # Errors
///
/// Whatever goes wrong on the way.
pub async fn ask(address: SocketAddr, command: Command) -> Result<TcpStream> {
    greet(address, Greeting::Small, command).await
}

/// The same with another hello.
///
/// # Errors
///
/// Whatever goes wrong on the way.
pub async fn greet(address: SocketAddr, hello: Greeting, command: Command) -> Result<TcpStream> {
    let connected = TcpStream::connect(address).await;
    let mut stream = connected.with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    hello.send(&mut stream, &command.encode()).await?;
    answered(&mut stream).await?;
    Ok(stream)
}

/// Waits for a backend's answer.
///
/// # Errors
///
/// When the connection ends before, or another byte comes.
pub async fn answered(stream: &mut TcpStream) -> Result<()> {
    let answer = stream.read_u8().await.context("no answer of the backend")?;
    ensure!(
        answer == ANSWER,
        "byte {answer:#04x} in place of the backend's answer"
    );
    Ok(())
}

/// Takes `bytes` off a stream. The kernel drops them without a copy (tcp(7), `MSG_TRUNC`), so that
/// the load costs little beside the proxy.
///
/// # Errors
///
/// When the stream ends before, or breaks.
pub async fn discard(stream: &TcpStream, bytes: u64) -> io::Result<()> {
    // Never touched, so never backed by memory.
    let mut nothing = vec![0; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let most = nothing.len().min(usize::try_from(left).unwrap_or(CHUNK));
        let take = || Ok(recv(stream, &mut nothing[..most], RecvFlags::TRUNC)?.1);
        match stream.async_io(Interest::READABLE, take).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            taken => left -= taken as u64,
        }
    }
    Ok(())
}

/// Sends `bytes` of no meaning.
///
/// # Errors
///
/// When the stream breaks.
pub async fn send(mut stream: impl AsyncWrite + Unpin, bytes: u64) -> io::Result<()> {
    static NOTHING: [u8; CHUNK] = [0; CHUNK];
    let mut left = bytes;
    while left > 0 {
        let most = CHUNK.min(usize::try_from(left).unwrap_or(CHUNK));
        left -= stream.write(&NOTHING[..most]).await? as u64;
    }
    Ok(())
}

/// Sends `bytes` and takes as many, at once.
///
/// # Errors
///
/// When the stream ends before, or breaks.
pub async fn exchange(stream: &mut TcpStream, bytes: u64) -> io::Result<()> {
    let (read, write) = stream.split();
    let sent = send(write, bytes);
    tokio::try_join!(sent, discard(read.as_ref(), bytes))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_it_was_written() {
        let commands = [
            Command::Echo,
            Command::Finish,
            Command::Send(7 << 40),
            Command::Take(1),
            Command::Both(3),
        ];
        for command in commands {
            assert_eq!(Command::decode(command.encode()), Some(command));
        }
    }
}
