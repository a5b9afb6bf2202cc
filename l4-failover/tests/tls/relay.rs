//! The relay between plain TCP and TLS: the bytes, and how it ends.

use std::io::ErrorKind;
use std::time::Duration;

use l4_failover::socket::Stream;
use l4_failover::socket::relay::Side;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use crate::line::{
    SIDES, Speaks, TLS, broken, context, copying, line, line_between, payload, read_to_reset,
    within,
};

async fn send(mut stream: WriteHalf<Stream>, bytes: &[u8]) {
    // Pieces of every size, whole records and parts of them.
    for piece in bytes.chunks(50_001) {
        stream.write_all(piece).await.unwrap();
    }
    stream.shutdown().await.unwrap();
}

async fn receive(mut stream: ReadHalf<Stream>) -> Vec<u8> {
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    received
}

#[tokio::test]
async fn bytes_in_are_bytes_out_in_both_directions() {
    // With small buffers the kernel is slow, and every write is a partial one.
    let cases = [
        (None, 3_000_001, 1_700_000),
        (Some(16_384), 200_001, 100_000),
    ];
    for (sides, (buffer, up, down)) in SIDES
        .into_iter()
        .flat_map(|it| cases.map(|case| (it, case)))
    {
        let context = context();
        let line = line(sides, &context, buffer).await;
        let (up, down) = (payload(1, up), payload(2, down));
        let (client_read, client_write) = tokio::io::split(line.client);
        let (server_read, server_write) = tokio::io::split(line.server);
        let ((), (), got_up, got_down) = within(async {
            tokio::join!(
                send(client_write, &up),
                send(server_write, &down),
                receive(server_read),
                receive(client_read),
            )
        })
        .await;
        assert!(got_up == up && got_down == down, "{sides:?} {buffer:?}");
        let (end, tally) = line.relay.await.unwrap();
        end.unwrap();
        assert_eq!(tally.from_client(), up.len() as u64);
        assert_eq!(tally.from_upstream(), down.len() as u64);
        assert_eq!((context.owned_bytes(), context.pipes_lent()), (0, 0));
        let is_plain = matches!(sides, (Speaks::Tcp, Speaks::Tcp));
        assert!(is_plain || tally.spliced() == 0);
    }
}

#[tokio::test]
async fn the_clients_end_goes_through_and_the_answer_still_comes() {
    for sides in SIDES {
        let mut line = line(sides, &context(), None).await;
        line.client.write_all(b"question").await.unwrap();
        line.client.shutdown().await.unwrap();
        let mut question = String::new();
        within(line.server.read_to_string(&mut question))
            .await
            .unwrap();
        assert_eq!(question, "question");
        line.server.write_all(b"answer").await.unwrap();
        line.server.shutdown().await.unwrap();
        let mut answer = String::new();
        within(line.client.read_to_string(&mut answer))
            .await
            .unwrap();
        assert_eq!(answer, "answer");
        within(line.relay).await.unwrap().0.unwrap();
    }
}

#[tokio::test]
async fn the_servers_end_goes_through_and_the_client_may_go_on() {
    for sides in SIDES {
        let mut line = line(sides, &context(), None).await;
        line.server.shutdown().await.unwrap();
        assert_eq!(within(line.client.read(&mut [0; 8])).await.unwrap(), 0);
        line.client.write_all(b"still here").await.unwrap();
        line.client.shutdown().await.unwrap();
        let mut rest = String::new();
        within(line.server.read_to_string(&mut rest)).await.unwrap();
        assert_eq!(rest, "still here");
        within(line.relay).await.unwrap().0.unwrap();
    }
}

/// FIN without `close_notify`: somebody on the way may have cut the stream.
#[tokio::test]
async fn an_end_without_close_notify_becomes_a_reset() {
    for sides in SIDES {
        if let (Speaks::Tls(_), _) = sides {
            let mut line = line(sides, &context(), None).await;
            line.client.write_all(b"half a ques").await.unwrap();
            line.client.flush().await.unwrap();
            SockRef::from(line.client.tcp())
                .shutdown(std::net::Shutdown::Write)
                .unwrap();
            assert_eq!(read_to_reset(&mut line.server).await, b"half a ques");
            let (side, source) = broken(within(line.relay).await.unwrap());
            assert_eq!(
                (side, source.kind()),
                (Side::Client, ErrorKind::UnexpectedEof)
            );
            assert!(source.to_string().contains("close_notify"), "{source}");
            assert_eq!(read_to_reset(&mut line.client).await, b"");
        }
        if let (_, Speaks::Tls(_)) = sides {
            let mut line = line(sides, &context(), None).await;
            line.server.write_all(b"half an ans").await.unwrap();
            line.server.flush().await.unwrap();
            drop(line.server);
            assert_eq!(read_to_reset(&mut line.client).await, b"half an ans");
            let (side, source) = broken(within(line.relay).await.unwrap());
            assert_eq!(
                (side, source.kind()),
                (Side::Upstream, ErrorKind::UnexpectedEof)
            );
        }
    }
}

#[tokio::test]
async fn a_reset_goes_through_after_the_bytes_before_it() {
    for sides in SIDES {
        let mut line = line(sides, &context(), None).await;
        line.client.write_all(b"before").await.unwrap();
        line.client.flush().await.unwrap();
        let mut before = [0; 6];
        within(line.server.read_exact(&mut before)).await.unwrap();
        line.client.tcp().set_zero_linger().unwrap();
        drop(line.client);
        assert_eq!(read_to_reset(&mut line.server).await, b"");
        assert_eq!(broken(within(line.relay).await.unwrap()).0, Side::Client);
    }
}

/// A relay that is ended by force tells TLS peers nothing that looks like an end.
#[tokio::test]
async fn a_relay_that_is_dropped_resets_both_sides() {
    for sides in SIDES {
        let mut line = line(sides, &context(), None).await;
        line.client.write_all(b"x").await.unwrap();
        line.client.flush().await.unwrap();
        within(line.server.read_exact(&mut [0])).await.unwrap();
        line.relay.abort();
        assert!(line.relay.await.unwrap_err().is_cancelled());
        assert_eq!(read_to_reset(&mut line.client).await, b"");
        assert_eq!(read_to_reset(&mut line.server).await, b"");
    }
}

#[tokio::test]
async fn what_is_not_tls_breaks_the_side_that_sent_it() {
    let mut line = line((TLS, Speaks::Tcp), &context(), None).await;
    SockRef::from(line.client.tcp())
        .send(b"GET / HTTP/1.1\r\n\r\n")
        .unwrap();
    assert_eq!(read_to_reset(&mut line.server).await, b"");
    let (side, source) = broken(within(line.relay).await.unwrap());
    assert_eq!(
        (side, source.kind()),
        (Side::Client, ErrorKind::InvalidData)
    );
}

/// Both sides have said their end, and the reader is slow: that is no break, however long it takes
/// (a relay looks for breaks once a second).
#[tokio::test]
async fn an_end_that_waits_for_a_slow_reader_stays_an_end() {
    let all = SIDES.map(|sides| tokio::spawn(end_waits_for_a_slow_reader(sides)));
    for one in all {
        one.await.unwrap();
    }
}

async fn end_waits_for_a_slow_reader(sides: (Speaks, Speaks)) {
    // The client's kernel and the relay take a part of the answer. The rest, and the end, wait in
    // the relay's kernel.
    let buffers = [Some(8192), Some(200_000)];
    let mut line = line_between(sides, &copying(), buffers).await;
    line.client.shutdown().await.unwrap();
    assert_eq!(within(line.server.read(&mut [0])).await.unwrap(), 0);
    let bytes = payload(5, 200_000);
    within(line.server.write_all(&bytes)).await.unwrap();
    line.server.shutdown().await.unwrap();
    // Nothing happens meanwhile that could be waited for.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(!line.relay.is_finished());
    let mut received = Vec::new();
    within(line.client.read_to_end(&mut received))
        .await
        .unwrap();
    assert!(received == bytes);
    within(line.relay).await.unwrap().0.unwrap();
}
