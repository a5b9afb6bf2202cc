//! Reads and writes that do not ask the runtime first whether a socket is ready for them.
//!
//! To the runtime a socket that was connected here is ready for nothing until it has looked at its
//! events. The first bytes for it would wait for a turn of the event loop, with a timer and a wake-up, though there is
//! always room for them. Reads wait for the runtime all the same: what they want is seldom there
//! before it knows.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    RecvFlags, SendAncillaryBuffer, SendFlags, recv as recv_now, send as send_now, sendmsg,
};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// Reads what is there; none while nothing is, 0 bytes at the end.
fn recv(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    let read = retry_on_intr(|| recv_now(stream, &mut *buffer, RecvFlags::empty()));
    now(read.map(|(read, _)| read))
}

/// Writes what the kernel takes: how many bytes.
pub(super) fn send(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let sent = retry_on_intr(|| send_now(stream, bytes, SendFlags::NOSIGNAL));
    Ok(now(sent)?.unwrap_or_default())
}

/// Writes what the kernel takes of `pieces`, one behind the other, without waiting: how many bytes.
///
/// # Errors
///
/// Whatever sendmsg(2) says; that there is no room is none.
pub fn send_pieces(stream: &TcpStream, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    let sent = retry_on_intr(|| {
        let mut nothing = SendAncillaryBuffer::default();
        sendmsg(stream, pieces, &mut nothing, SendFlags::NOSIGNAL)
    });
    Ok(now(sent)?.unwrap_or_default())
}

fn now<T>(done: Result<T, Errno>) -> io::Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads once, when the runtime says that there may be something: how many bytes, 0 at the end.
pub(super) fn poll_recv(
    stream: &TcpStream,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    loop {
        ready!(stream.poll_read_ready(cx))?;
        let mut read = None;
        let room = buffer.len();
        let told = stream.try_io(Interest::READABLE, || {
            read = recv(stream, &mut *buffer)?;
            match read {
                // The socket is drained: to read again before its next event would find nothing.
                Some(0) => Ok(()),
                Some(bytes) if bytes == room => Ok(()),
                _ => Err(io::ErrorKind::WouldBlock.into()),
            }
        });
        match (read, told) {
            (Some(read), _) => return Poll::Ready(Ok(read)),
            (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => {
                return Poll::Ready(Err(error));
            }
            // The runtime was wrong: it waits for the next event.
            (None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (one, other) = tokio::join!(TcpStream::connect(address), listener.accept());
        (one.unwrap(), other.unwrap().0)
    }

    async fn read(stream: &TcpStream, room: usize) -> usize {
        let mut buffer = vec![0; room];
        let read = poll_fn(|cx| poll_recv(stream, cx, &mut buffer));
        let read = timeout(Duration::from_secs(10), read).await;
        read.expect("a wake-up was lost").unwrap()
    }

    #[tokio::test]
    async fn what_comes_after_the_socket_was_drained_wakes_its_reader() {
        let (mut writer, reader) = pair().await;
        for length in [1, 99, 7] {
            let write = async { writer.write_all(&vec![7; length]).await.unwrap() };
            let ((), read) = tokio::join!(write, read(&reader, 100));
            assert_eq!(read, length);
        }
        writer.shutdown().await.unwrap();
        assert_eq!(read(&reader, 100).await, 0);
        assert_eq!(read(&reader, 100).await, 0, "the end stays");
    }

    #[tokio::test]
    async fn what_had_no_room_is_read_without_another_event() {
        let (mut writer, reader) = pair().await;
        writer.write_all(&[7; 35]).await.unwrap();
        for expected in [10, 10, 10, 5] {
            assert_eq!(read(&reader, 10).await, expected);
        }
    }

    #[tokio::test]
    async fn pieces_are_sent_in_order_and_no_more_than_the_kernel_takes() {
        let (writer, reader) = pair().await;
        let sent = send_pieces(&writer, &[b"head", &b"body"[..]].map(IoSlice::new)).unwrap();
        let mut buffer = [0; 100];
        assert_eq!(sent, 8);
        let came = poll_fn(|cx| poll_recv(&reader, cx, &mut buffer)).await;
        assert_eq!(&buffer[..came.unwrap()], b"headbody");

        let much = vec![7; 64 << 20];
        let first = send_pieces(&writer, &[IoSlice::new(&much)]).unwrap();
        assert!(0 < first && first < much.len(), "{first}");
        // Nobody reads: in the end there is no room at all, which is no error.
        while send(&writer, &much).unwrap() > 0 {}
    }

    #[tokio::test]
    async fn a_connection_that_was_reset_takes_nothing_and_says_so() {
        let (writer, reader) = pair().await;
        reader.set_zero_linger().unwrap();
        drop(reader);
        assert!(poll_fn(|cx| writer.poll_read_ready(cx)).await.is_ok());
        let error = send(&writer, b"late").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}
