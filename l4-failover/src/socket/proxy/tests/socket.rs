//! Headers that come over a socket.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::super::*;
use super::{DESTINATION, SOURCE, client, tcp4};

const PATIENCE: Duration = Duration::from_secs(30);
const LINE: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.7 5000 443\r\n";

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    let sender = sender.unwrap();
    sender.set_nodelay(true).unwrap();
    (sender, accepted.unwrap().0)
}

async fn rest(mut receiver: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    receiver.read_to_end(&mut rest).await.unwrap();
    rest
}

#[tokio::test]
async fn exactly_the_header_is_taken() {
    let long = tcp4(&super::field(4, &[0; 3000]));
    for header in [LINE, &tcp4(&[]), &long] {
        let (mut sender, mut receiver) = pair().await;
        sender
            .write_all(&[header, b"hello"].concat())
            .await
            .unwrap();
        drop(sender);
        let read = read(&mut receiver, PATIENCE).await.unwrap();
        assert_eq!(read.origin, client(SOURCE, DESTINATION));
        assert_eq!(rest(receiver).await, b"hello");
    }
}

#[tokio::test]
async fn a_header_may_come_byte_by_byte() {
    for header in [LINE, &tcp4(&[])] {
        let (mut sender, mut receiver) = pair().await;
        let sending = async {
            for byte in [header, b"hello"].concat() {
                sender.write_all(&[byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(sender);
        };
        let (read, ()) = tokio::join!(read(&mut receiver, PATIENCE), sending);
        assert_eq!(read.unwrap().origin, client(SOURCE, DESTINATION));
        assert_eq!(rest(receiver).await, b"hello");
    }
}

#[tokio::test]
async fn what_is_no_header_is_told_at_once_and_left_unread() {
    let (mut sender, mut receiver) = pair().await;
    sender.write_all(b"\x16\x03\x01").await.unwrap();
    let error = read(&mut receiver, PATIENCE).await.unwrap_err();
    assert!(matches!(error, ReadError::Header(HeaderError::Absent)));
    drop(sender);
    assert_eq!(rest(receiver).await, b"\x16\x03\x01");
}

#[tokio::test]
async fn who_closes_too_early_is_told_by_how_much_was_sent() {
    let (sender, mut receiver) = pair().await;
    drop(sender);
    let error = read(&mut receiver, PATIENCE).await.unwrap_err();
    assert!(matches!(error, ReadError::Probe));
    let (mut sender, mut receiver) = pair().await;
    sender.write_all(&LINE[..9]).await.unwrap();
    drop(sender);
    let error = read(&mut receiver, PATIENCE).await.unwrap_err();
    assert!(matches!(error, ReadError::Closed { bytes: 9 }), "{error}");
}

#[tokio::test]
async fn a_header_is_waited_for_no_longer_than_the_limit() {
    let (mut sender, mut receiver) = pair().await;
    // A length that lies: what follows would be taken for fields.
    let mut lying = tcp4(&[]);
    lying[15] = 200;
    sender.write_all(&lying).await.unwrap();
    let limit = Duration::from_millis(50);
    let error = read(&mut receiver, limit).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no whole PROXY header within 50ms, which whoever connects from there has to send first: \
         28 bytes arrived"
    );
}
