//! What the kernel knows of a connection and no event tells.

use std::os::fd::AsFd;

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::GetStruct;
use nix::{getsockopt_impl, libc};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;

/// The words of `SO_MEMINFO` (linux/sock_diag.h, `SK_MEMINFO_VARS`).
const MEMINFO_WORDS: usize = 9;
/// `SK_MEMINFO_WMEM_QUEUED`: bytes of memory in the send queue, unsent or not yet acknowledged.
const WMEM_QUEUED: usize = 5;

/// `SO_MEMINFO`: how much memory a socket holds, by purpose.
#[derive(Clone, Copy)]
struct MemInfo;

getsockopt_impl!(
    MemInfo,
    libc::SOL_SOCKET,
    libc::SO_MEMINFO,
    [u32; MEMINFO_WORDS],
    GetStruct<[u32; MEMINFO_WORDS]>
);

/// Whether the peer's kernel has acknowledged all that was written to `socket`.
///
/// A kernel that cannot say (before Linux 4.12) counts as having delivered.
#[must_use]
pub fn is_delivered(socket: &impl AsFd) -> bool {
    let words = getsockopt(&socket.as_fd(), MemInfo);
    words.map_or(true, |words| words[WMEM_QUEUED] == 0)
}

/// Whether `socket` was reset, or given up by the kernel. Asks the kernel, and leaves its error for
/// the next read or write.
///
/// Not `POLLHUP`: it is also there once both directions have ended, with bytes still to be read.
pub(crate) fn is_broken(socket: &impl AsFd) -> bool {
    let mut asked = [PollFd::new(socket, PollFlags::empty())];
    let now = Timespec::default();
    let answered = retry_on_intr(|| poll(&mut asked, Some(&now)));
    answered.is_ok() && asked[0].revents().contains(PollFlags::ERR)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (client, listener.accept().unwrap().0)
    }

    #[test]
    fn what_is_read_was_delivered() {
        let (mut writer, mut reader) = pair();
        writer.write_all(b"x").unwrap();
        reader.read_exact(&mut [0]).unwrap();
        assert!(is_delivered(&writer));
    }

    #[test]
    fn a_kernel_that_cannot_say_counts_as_having_delivered() {
        assert!(is_delivered(&tempfile::tempfile().unwrap()));
    }

    #[test]
    fn a_reset_breaks_and_a_fin_does_not() {
        let (client, mut server) = pair();
        assert!(!is_broken(&server));
        client.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(server.read(&mut [0]).unwrap(), 0);
        assert!(!is_broken(&server));
        socket2::SockRef::from(&client)
            .set_linger(Some(std::time::Duration::ZERO))
            .unwrap();
        drop(client);
        assert!(is_broken(&server));
        // The error is still there to be read.
        assert!(server.take_error().unwrap().is_some());
    }

    #[test]
    fn an_end_in_both_directions_is_no_break() {
        let (mut client, mut server) = pair();
        client.write_all(b"unread").unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        server.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        let mut rest = String::new();
        server.read_to_string(&mut rest).unwrap();
        assert!(!is_broken(&server) && !is_broken(&client));
    }
}
