//! What a supervisor such as systemd is told: `sd_notify(3)`. Where none asks, nobody is told.
//!
//! By hand, as what there is for it waits without bound for a supervisor that does not read, and
//! does not know abstract addresses, which containers use. `NOTIFY_SOCKET` stays in the
//! environment: taking it out is not sound once there are threads, and these programs start no
//! others that could speak in their name.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tracing::warn;

/// A supervisor that is alive reads at once; for one that is not, nobody should wait.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// After the time that stopping may take by the configuration, for what comes after it: threads
/// that end, lines of the log that are written out.
const STOP_SLACK: Duration = Duration::from_secs(10);

/// Connections are accepted. `status` is a sentence for `systemctl status`.
pub fn ready(status: &str) {
    send(&format!("READY=1\n{}", said(status)));
}

/// The configuration is being read again; [`ready`] must follow, also where it was refused.
pub fn reloading() {
    // Without the time, which systemd compares with that of its request, a reload would fail.
    let now = clock_gettime(ClockId::Monotonic);
    let micros = now.tv_sec * 1_000_000 + now.tv_nsec / 1_000;
    send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
}

/// The process is on its way out, which takes no longer than `within`: the service manager's own
/// bound (90 s, if nothing else was said) must not end it before.
pub fn stopping(status: &str, within: Duration) {
    let (status, micros) = (said(status), (within + STOP_SLACK).as_micros());
    send(&format!(
        "STOPPING=1\n{status}\nEXTEND_TIMEOUT_USEC={micros}"
    ));
}

/// Says what the process does, for `systemctl status`.
pub fn status(status: &str) {
    send(&said(status));
}

/// On one line: a second one would be another assignment.
fn said(status: &str) -> String {
    let words: Vec<_> = status.split_whitespace().collect();
    format!("STATUS={}", words.join(" "))
}

fn send(message: &str) {
    if let Some(address) = env::var_os("NOTIFY_SOCKET")
        && let Err(error) = try_send(&address, message)
    {
        warn!(%error, "cannot tell the service manager: {message:?}");
    }
}

fn try_send(address: &OsStr, message: &str) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(SEND_TIMEOUT))?;
    let address = match address.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(address)?,
    };
    socket.send_to_addr(message.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_line() {
        assert_eq!(said("two\nlines\r\n of  it"), "STATUS=two lines of it");
    }

    #[test]
    fn an_abstract_address_is_reached_and_one_that_nobody_reads_is_given_up() {
        let name = format!("l4-failover-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        let address = format!("@{name}");
        let send = || try_send(address.as_ref(), "READY=1");
        let sent = std::iter::repeat_with(send)
            .take_while(Result::is_ok)
            .count();
        assert!(sent > 0);
        let mut message = [0; 100];
        assert_eq!(socket.recv(&mut message).unwrap(), 7);
        assert_eq!(&message[..7], b"READY=1");
    }
}
