//! The servers behind a proxy: one thread that does what each connection's command says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

use crate::greeting::Greeting;
use crate::wire::{ANSWER, COMMAND, Command, HELLO, discard, exchange, send};

/// The longest piece that is sent back at once.
const ECHO: usize = 16 * 1024;

/// Starts a backend on a free port; it serves for as long as this process lives.
///
/// # Errors
///
/// When there is no port or no thread to be had.
pub fn start() -> Result<SocketAddr> {
    start_on(Ipv4Addr::LOCALHOST.into())
}

/// As [`start`], on another address of the calling thread's network namespace.
///
/// # Errors
///
/// When there is no such address, no port or no thread to be had.
pub fn start_on(address: IpAddr) -> Result<SocketAddr> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let listener = runtime.block_on(TcpListener::bind((address, 0)))?;
    let address = listener.local_addr()?;
    let accept = async move {
        loop {
            // What fails here fails at the client as well, which says so.
            if let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream));
            }
        }
    };
    let thread = thread::Builder::new().name("backend".into());
    thread.spawn(move || runtime.block_on(accept))?;
    Ok(address)
}

/// A connection that breaks needs no word: its client misses an answer, or wanted it so.
async fn serve(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let command = greeted(&mut stream).await?;
    stream.write_u8(ANSWER).await?;
    match command {
        Command::Finish => {}
        Command::Echo => return echo(&mut stream).await,
        Command::Send(bytes) => {
            stream.read_u8().await?;
            send(&mut stream, bytes).await?;
        }
        Command::Take(bytes) => {
            discard(&stream, bytes).await?;
            stream.write_u8(ANSWER).await?;
        }
        Command::Both(bytes) => {
            exchange(&mut stream, bytes).await?;
            stream.write_u8(ANSWER).await?;
        }
    }
    finish(&mut stream).await
}

/// Reads the hello, which must have come through unchanged, and the command.
async fn greeted(stream: &mut TcpStream) -> Result<Command> {
    // None is shorter than this one.
    let mut begun = [0; HELLO.len()];
    stream.read_exact(&mut begun).await?;
    let greeting = Greeting::that_begins(&begun).context("the proxy changed the hello")?;
    let hello = greeting.bytes();
    let mut rest = vec![0; hello.len() - begun.len() + COMMAND];
    stream.read_exact(&mut rest).await?;
    let Some((rest, command)) = rest.split_last_chunk() else {
        bail!("no command");
    };
    ensure!(hello.ends_with(rest), "the proxy changed the hello");
    match Command::decode(*command) {
        Some(command) => Ok(command),
        None => bail!("the proxy changed the command"),
    }
}

async fn echo(stream: &mut TcpStream) -> Result<()> {
    // On the heap, and only once there is something to send back: thousands of idle connections
    // should cost this process little.
    stream.readable().await?;
    let mut bytes = vec![0; ECHO];
    loop {
        match stream.read(&mut bytes).await? {
            0 => return Ok(()),
            read => stream.write_all(&bytes[..read]).await?,
        }
    }
}

/// Closes first and waits for the peer, so that no local port of the proxy is left waiting
/// (TIME_WAIT) however many connections there are.
async fn finish(stream: &mut TcpStream) -> Result<()> {
    stream.shutdown().await?;
    while stream.read(&mut [0; 64]).await? > 0 {}
    Ok(())
}
