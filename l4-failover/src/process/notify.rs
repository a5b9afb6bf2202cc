//! What a supervisor such as systemd is told: `sd_notify(3)`. Where none asks, nobody is told.
//!
//! By hand, as what there is for it waits without bound for a supervisor that does not read, and
//! does not know abstract addresses, which containers use. `NOTIFY_SOCKET` stays in the
//! environment: taking it out is not sound once there are threads, and these programs start no
//! others that could speak in their name.
//!
//! Whoever tells waits until it is told, for a bounded time; connections and signals do not.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram as StdDatagram};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::net::UnixDatagram;
use tokio::time::timeout;
use tracing::warn;

/// A supervisor that is alive reads at once; for one that is not, nobody should wait.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// After the time that stopping may take by the configuration, for what comes after it: threads
/// that end, lines of the log that are written out.
const STOP_SLACK: Duration = Duration::from_secs(10);

/// Connections are accepted. `status` is a sentence for `systemctl status`.
pub async fn ready(status: &str) {
    send(&format!("READY=1\n{}", said(status))).await;
}

/// The configuration is being read again; [`ready`] must follow, also where it was refused.
pub async fn reloading() {
    // Without the time, which systemd compares with that of its request, a reload would fail.
    let now = clock_gettime(ClockId::Monotonic);
    let micros = now.tv_sec * 1_000_000 + now.tv_nsec / 1_000;
    send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}")).await;
}

/// The process is on its way out, which takes no longer than `within`: the service manager's own
/// bound (90 s, if nothing else was said) must not end it before.
pub async fn stopping(status: &str, within: Duration) {
    let (status, micros) = (said(status), (within + STOP_SLACK).as_micros());
    send(&format!(
        "STOPPING=1\n{status}\nEXTEND_TIMEOUT_USEC={micros}"
    ))
    .await;
}

/// Says what the process does, for `systemctl status`.
pub async fn status(status: &str) {
    send(&said(status)).await;
}

/// On one line: a second one would be another assignment.
fn said(status: &str) -> String {
    let words: Vec<_> = status.split_whitespace().collect();
    format!("STATUS={}", words.join(" "))
}

async fn send(message: &str) {
    if let Some(address) = env::var_os("NOTIFY_SOCKET")
        && let Err(error) = send_in_time(&address, message).await
    {
        warn!(%error, "cannot tell the service manager: {message:?}");
    }
}

async fn send_in_time(address: &OsStr, message: &str) -> io::Result<()> {
    let socket = connected(address)?;
    timeout(SEND_TIMEOUT, socket.send(message.as_bytes())).await??;
    Ok(())
}

/// Connected, so that the kernel says when a supervisor who was slow has room again.
fn connected(address: &OsStr) -> io::Result<UnixDatagram> {
    let socket = StdDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    let address = match address.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(address)?,
    };
    socket.connect_addr(&address)?;
    UnixDatagram::from_std(socket)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_status_is_one_line() {
        assert_eq!(said("two\nlines\r\n of  it"), "STATUS=two lines of it");
    }

    /// A supervisor that does not read, at an abstract address; as many messages as it has room for
    /// are on their way.
    async fn silent(name: &str) -> (StdDatagram, String, usize) {
        let name = format!("l4-failover-{name}-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = StdDatagram::bind_addr(&address).unwrap();
        let (address, mut sent) = (format!("@{name}"), 0);
        let first = connected(address.as_ref()).unwrap();
        first.writable().await.unwrap();
        while first.try_send(b"READY=1").is_ok() {
            sent += 1;
        }
        assert!(sent > 0);
        (socket, address, sent)
    }

    fn read(socket: &StdDatagram) -> String {
        let mut message = [0; 100];
        let length = socket.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    }

    /// On one thread: were it kept waiting, it could not read.
    #[tokio::test]
    async fn who_is_slow_keeps_nobody_else_waiting_and_is_told_all_the_same() {
        let (socket, address, sent) = silent("slow").await;
        let mut telling = Box::pin(send_in_time(address.as_ref(), "STOPPING=1"));
        assert!((&mut telling).now_or_never().is_none());
        for _ in 0..sent {
            assert_eq!(read(&socket), "READY=1");
        }
        telling.await.unwrap();
        assert_eq!(read(&socket), "STOPPING=1");
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_reads_is_given_up() {
        let (_socket, address, _) = silent("never").await;
        let error = send_in_time(address.as_ref(), "READY=1").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
