//! The TCP options that every connection carries, on both sides of a relay.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// Options of one TCP connection.
///
/// Set on a listening socket they are inherited by every connection that it accepts (Linux), so
/// that an accepted connection costs no further system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpOptions {
    /// Silence after which the kernel asks whether the peer is alive (`TCP_KEEPIDLE`, and as the
    /// distance of further questions `TCP_KEEPINTVL`); whole seconds, at least 1 s. `None`: never.
    pub keepalive: Option<Duration>,
    /// How long sent bytes may stay unacknowledged, or the peer's window closed, before the kernel
    /// ends the connection with `ETIMEDOUT` (`TCP_USER_TIMEOUT`, RFC 5482); milliseconds.
    /// `None`: the kernel's own bound, about 15 minutes.
    pub user_timeout: Option<Duration>,
}

impl TcpOptions {
    /// Sets the options, and `TCP_NODELAY`, on `socket`.
    ///
    /// # Errors
    ///
    /// Whatever setsockopt(2) says, the first time that it fails.
    pub fn apply(&self, socket: &impl std::os::fd::AsFd) -> io::Result<()> {
        let socket = SockRef::from(socket);
        socket.set_tcp_nodelay(true)?;
        if let Some(silence) = self.keepalive {
            let probes = TcpKeepalive::new()
                .with_time(silence)
                .with_interval(silence);
            socket.set_tcp_keepalive(&probes)?;
        }
        if self.user_timeout.is_some() {
            socket.set_tcp_user_timeout(self.user_timeout)?;
        }
        Ok(())
    }
}

impl Default for TcpOptions {
    /// A question after 60 s of silence, an end after 5 min without an acknowledgement.
    fn default() -> Self {
        Self {
            keepalive: Some(Duration::from_secs(60)),
            user_timeout: Some(Duration::from_secs(300)),
        }
    }
}
