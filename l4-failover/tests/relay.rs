//! The relay over real sockets: bytes, ends, and bounds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, ErrorKind};
use std::time::Duration;

use l4_failover::socket::relay::{RelayContext, RelayError, RelayLimits, Side, Tally, relay};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sha2::{Digest, Sha256};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// Nothing here takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

type Ended = (Result<(), RelayError>, Tally);

/// A client and a server with a relay between them.
struct Line {
    client: TcpStream,
    server: TcpStream,
    relay: JoinHandle<Ended>,
}

/// Two connected sockets; `buffer` bounds what the first one receives and the second one sends
/// ahead.
async fn connected(buffer: Option<u32>) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    if let Some(bytes) = buffer {
        socket.set_recv_buffer_size(bytes).unwrap();
    }
    let address = listener.local_addr().unwrap();
    let (outer, accepted) = tokio::join!(socket.connect(address), listener.accept());
    let (outer, inner) = (outer.unwrap(), accepted.unwrap().0);
    if let Some(bytes) = buffer {
        SockRef::from(&inner)
            .set_send_buffer_size(bytes as usize)
            .unwrap();
    }
    (outer, inner)
}

async fn line(context: &RelayContext, buffer: Option<u32>) -> Line {
    between(connected(buffer).await, connected(buffer).await, context)
}

/// A relay between the inner ends of two connections.
fn between(
    (client, mut inner_client): (TcpStream, TcpStream),
    (server, mut inner_server): (TcpStream, TcpStream),
    context: &RelayContext,
) -> Line {
    let context = context.clone();
    let relay = tokio::spawn(async move {
        let tally = Tally::default();
        let end = relay(&mut inner_client, &mut inner_server, &tally, &context).await;
        (end, tally)
    });
    Line {
        client,
        server,
        relay,
    }
}

/// Lets the relays go on until they have come so far.
async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting)
        .await
        .expect("it never came to that");
}

fn context(limits: RelayLimits) -> RelayContext {
    RelayContext::new(limits)
}

const LINGER: Duration = Duration::from_secs(1);

fn copying_with(linger: Duration) -> RelayContext {
    context(RelayLimits {
        linger,
        pipes: 0,
        ..RelayLimits::default()
    })
}

fn splicing_with(linger: Duration) -> RelayContext {
    context(RelayLimits {
        linger,
        ..RelayLimits::default()
    })
}

fn copying() -> RelayContext {
    context(RelayLimits {
        pipes: 0,
        ..RelayLimits::default()
    })
}

fn splicing() -> RelayContext {
    context(RelayLimits::default())
}

/// Bytes that do not repeat within any window that a relay could mix up (xorshift).
struct Payload(u64);

impl Payload {
    fn next(&mut self, bytes: usize) -> Vec<u8> {
        let words = (0..bytes.div_ceil(8)).flat_map(|_| {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0.to_le_bytes()
        });
        words.take(bytes).collect()
    }
}

fn payload(seed: u64, bytes: usize) -> Vec<u8> {
    Payload(seed | 1).next(bytes)
}

/// The number of bytes that passed, and their hash.
#[derive(Debug, PartialEq, Eq)]
struct Passed(usize, [u8; 32]);

/// Writes `bytes` in pieces of these sizes, over and over, then FIN.
async fn send(
    mut stream: OwnedWriteHalf,
    seed: u64,
    bytes: usize,
    pieces: Vec<usize>,
) -> io::Result<Passed> {
    let (mut payload, mut hash, mut left) = (Payload(seed | 1), Sha256::new(), bytes);
    for piece in pieces.iter().cycle() {
        if left == 0 {
            break;
        }
        let piece = payload.next((*piece).min(left));
        hash.update(&piece);
        stream.write_all(&piece).await?;
        left -= piece.len();
    }
    stream.shutdown().await?;
    Ok(Passed(bytes, hash.finalize().into()))
}

async fn receive(mut stream: OwnedReadHalf) -> io::Result<Passed> {
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 18]);
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(Passed(bytes, hash.finalize().into())),
            read => {
                hash.update(&buffer[..read]);
                bytes += read;
            }
        }
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Sends payloads of these sizes both ways and compares what arrives; how the relay ended.
async fn both_ways(line: Line, up: usize, down: usize, pieces: Vec<usize>) -> Tally {
    let (client_read, client_write) = line.client.into_split();
    let (server_read, server_write) = line.server.into_split();
    let all = async {
        tokio::join!(
            send(client_write, 1, up, pieces.clone()),
            receive(server_read),
            send(server_write, 2, down, pieces.clone()),
            receive(client_read),
        )
    };
    // 10 MB/s is what a machine that is busy with other things still does.
    let patience = PATIENCE + Duration::from_micros((up + down) as u64 / 10);
    let (sent_up, got_up, sent_down, got_down) = timeout(patience, all).await.expect("no hang");
    assert_eq!(got_up.unwrap(), sent_up.unwrap());
    assert_eq!(got_down.unwrap(), sent_down.unwrap());
    let (end, tally) = line.relay.await.unwrap();
    end.unwrap();
    assert_eq!(
        (tally.from_client(), tally.from_upstream()),
        (up as u64, down as u64)
    );
    tally
}

#[test]
fn bytes_in_are_bytes_out_for_any_sizes_and_writes() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let sizes = (0..300_000_usize, 0..300_000_usize);
    let pieces = proptest::collection::vec(1..70_000_usize, 1..8);
    let cases = Config::with_cases(40);
    TestRunner::new(cases)
        .run(
            &(sizes, pieces, any::<bool>(), any::<bool>()),
            |((up, down), pieces, splice, small)| {
                runtime.block_on(async {
                    let context = if splice { splicing() } else { copying() };
                    let line = line(&context, small.then_some(4096)).await;
                    both_ways(line, up, down, pieces).await;
                    assert_eq!((context.owned_bytes(), context.pipes_lent()), (0, 0));
                });
                Ok(())
            },
        )
        .unwrap();
}

#[tokio::test]
async fn nothing_at_all_is_passed_on_as_nothing() {
    let tally = both_ways(line(&splicing(), None).await, 0, 0, vec![1]).await;
    assert_eq!(tally.spliced(), 0);
}

const BULK: usize = 64 << 20;

/// `RELAY_BYTES` makes it longer: 2 GiB in a soak.
fn bulk() -> usize {
    let bytes = std::env::var("RELAY_BYTES");
    bytes.map_or(BULK, |bytes| {
        bytes.parse().expect("RELAY_BYTES is a number of bytes")
    })
}

#[tokio::test]
async fn bulk_by_copy() {
    let tally = both_ways(line(&copying(), None).await, bulk(), 1000, vec![1 << 20]).await;
    assert_eq!(tally.spliced(), 0);
}

#[tokio::test]
async fn bulk_by_splice() {
    let context = splicing();
    let tally = both_ways(line(&context, None).await, 1000, bulk(), vec![1 << 20]).await;
    assert!(tally.spliced() > bulk() as u64 * 9 / 10, "{tally:?}");
    assert_eq!(context.pipes_lent(), 0);
}

#[tokio::test]
async fn bulk_both_ways_at_once() {
    both_ways(
        line(&splicing(), None).await,
        BULK / 4,
        BULK / 4,
        vec![1 << 20],
    )
    .await;
}

/// Bulk, then small messages, then bulk again: the direction goes to splice and back.
#[tokio::test]
async fn a_direction_changes_between_copy_and_splice() {
    let context = splicing();
    let Line {
        mut client,
        mut server,
        relay,
    } = line(&context, None).await;
    let mut hashes = (Sha256::new(), Sha256::new());
    for round in 0..6 {
        let large = payload(round, 4 << 20);
        hashes.0.update(&large);
        let mut received = vec![0; large.len()];
        let (sent, got) = tokio::join!(client.write_all(&large), server.read_exact(&mut received));
        sent.unwrap();
        got.unwrap();
        hashes.1.update(&received);
        for _ in 0..20 {
            client.write_all(b"tick").await.unwrap();
            let mut tick = [0; 4];
            server.read_exact(&mut tick).await.unwrap();
            assert_eq!(&tick, b"tick");
        }
        until(|| context.pipes_lent() == 0).await;
    }
    assert_eq!(hashes.0.finalize(), hashes.1.finalize());
    client.shutdown().await.unwrap();
    server.shutdown().await.unwrap();
    let (end, tally) = relay.await.unwrap();
    end.unwrap();
    let copied = tally.from_client() - tally.spliced();
    assert!(tally.spliced() > 6 << 20, "spliced {}", tally.spliced());
    assert!(copied > 6 * 20 * 4, "copied {copied}");
}

/// Three bulk directions and one pipe: those that get none copy.
#[tokio::test]
async fn without_a_free_pipe_bulk_is_copied() {
    let context = context(RelayLimits {
        pipes: 1,
        ..RelayLimits::default()
    });
    let mut running = Vec::new();
    for _ in 0..3 {
        let line = line(&context, None).await;
        running.push(tokio::spawn(both_ways(
            line,
            BULK / 8,
            BULK / 8,
            vec![1 << 20],
        )));
    }
    for run in running {
        run.await.unwrap();
    }
}

#[tokio::test]
async fn the_clients_fin_goes_through_and_the_answer_still_comes() {
    let Line {
        mut client,
        mut server,
        relay,
    } = line(&splicing(), None).await;
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    let mut question = String::new();
    server.read_to_string(&mut question).await.unwrap();
    assert_eq!(question, "question");
    server.write_all(b"answer").await.unwrap();
    drop(server);
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "answer");
    relay.await.unwrap().0.unwrap();
}

#[tokio::test]
async fn the_servers_fin_goes_through_and_the_client_may_go_on() {
    let Line {
        mut client,
        mut server,
        relay,
    } = line(&splicing(), None).await;
    server.shutdown().await.unwrap();
    assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    client.write_all(b"still here").await.unwrap();
    drop(client);
    let mut rest = String::new();
    server.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "still here");
    relay.await.unwrap().0.unwrap();
}

/// Reads all that comes before the reset; how many bytes that were.
async fn read_to_reset(mut stream: TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    let error = timeout(PATIENCE, stream.read_to_end(&mut received))
        .await
        .expect("no hang");
    let error = error.expect_err("a cut stream must not look whole");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    received
}

fn reset(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
    drop(stream);
}

fn assert_broken(ended: Ended, by: Side) {
    match ended.0.unwrap_err() {
        RelayError::Broken { side, .. } => assert_eq!(side, by),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_reset_of_the_client_reaches_the_server_as_a_reset() {
    let Line {
        client,
        server,
        relay,
    } = line(&splicing(), None).await;
    reset(client);
    assert_eq!(read_to_reset(server).await, b"");
    assert_broken(relay.await.unwrap(), Side::Client);
}

#[tokio::test]
async fn a_reset_of_the_server_reaches_the_client_as_a_reset() {
    let Line {
        client,
        mut server,
        relay,
    } = line(&splicing(), None).await;
    server.write_all(b"half an ans").await.unwrap();
    let mut client_read = client;
    let mut start = [0; 4];
    client_read.read_exact(&mut start).await.unwrap();
    reset(server);
    assert_eq!(read_to_reset(client_read).await, b" an ans");
    assert_broken(relay.await.unwrap(), Side::Upstream);
}

/// The other side is slow and its window small: what was read before the reset still arrives,
/// from our memory and from the kernel's.
#[tokio::test]
async fn a_reset_does_not_overtake_the_bytes_before_it() {
    for context in [copying(), splicing()] {
        let Line {
            client,
            mut server,
            relay,
        } = line(&context, Some(65_536)).await;
        let bytes = payload(3, 16 << 20);
        let mut sent = 0;
        // As much as everything between the two takes, without the client reading.
        while let Ok(written) =
            timeout(Duration::from_millis(300), server.write(&bytes[sent..])).await
        {
            sent += written.unwrap();
        }
        assert!(sent > 100_000 && sent < bytes.len(), "{sent}");
        // What the relay has read of it arrives; what waits in its receive queue as well.
        reset(server);
        let received = read_to_reset(client).await;
        assert_eq!(digest(&received), digest(&bytes[..received.len()]));
        let (end, tally) = relay.await.unwrap();
        assert_eq!(received.len() as u64, tally.from_upstream());
        assert_broken((end, tally), Side::Upstream);
    }
}

/// A client that closes, rather than wait for the server's last words, was not cut.
#[tokio::test]
async fn a_client_that_is_gone_after_its_fin_does_not_make_the_end_a_reset() {
    for _ in 0..20 {
        let (client, mut inner_client) = connected(None).await;
        let (mut server, mut inner_server) = connected(None).await;
        let (context, tally) = (splicing(), Tally::default());
        let talk = async {
            drop(client);
            assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
            server.write_all(b"last words").await.unwrap();
            // Passed on, so answered with a RST by the client's kernel.
            until(|| tally.from_upstream() == 10).await;
            drop(server);
        };
        let relaying = relay(&mut inner_client, &mut inner_server, &tally, &context);
        let (end, ()) = tokio::join!(relaying, talk);
        end.unwrap();
    }
}

/// Neither side is read from while the other takes nothing; a reset is noticed all the same, and
/// `linger` bounds what follows.
#[tokio::test]
async fn a_reset_is_noticed_while_the_other_side_takes_nothing() {
    for context in [copying_with(LINGER), splicing_with(LINGER)] {
        let Line {
            mut client,
            server,
            relay,
        } = line(&context, Some(65_536)).await;
        fill(&mut client).await;
        let start = Instant::now();
        reset(client);
        let ended = timeout(PATIENCE, relay).await.expect("no hang").unwrap();
        assert_broken(ended, Side::Client);
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{:?}",
            start.elapsed()
        );
        drop(server);
    }
}

/// A client that has finished and is then reset waits for no answer.
#[tokio::test]
async fn a_reset_after_the_fin_is_noticed_while_the_server_is_silent() {
    let Line {
        client,
        mut server,
        relay,
    } = line(&splicing(), None).await;
    SockRef::from(&client)
        .shutdown(std::net::Shutdown::Write)
        .unwrap();
    assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
    reset(client);
    let ended = timeout(Duration::from_secs(10), relay).await;
    assert_broken(ended.expect("noticed").unwrap(), Side::Client);
    // A reader that has seen the FIN sees nothing after it; a writer does.
    let error = server.write_all(b"too late").await.unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
    ));
}

/// Bytes behind urgent data, which splice(2) does not see.
#[tokio::test]
async fn what_follows_urgent_data_arrives() {
    let Line {
        client,
        mut server,
        relay,
    } = line(&splicing(), None).await;
    let (bulk, rest) = (payload(6, 8 << 20), payload(7, 4000));
    let receiving = tokio::spawn(receive(client.into_split().0));
    server.write_all(&bulk).await.unwrap();
    // Urgent: out of band, so it is no part of the stream.
    SockRef::from(&server).send_out_of_band(b"!").unwrap();
    server.write_all(&rest).await.unwrap();
    server.shutdown().await.unwrap();
    let all = [bulk, rest].concat();
    let received = timeout(PATIENCE, receiving)
        .await
        .expect("no hang")
        .unwrap()
        .unwrap();
    assert_eq!(received, Passed(all.len(), digest(&all)));
    let (end, tally) = relay.await.unwrap();
    assert!(tally.spliced() > 0);
    drop(end);
}

/// After the reset was reported to a write, the kernel calls the end of reading "end of file".
#[tokio::test]
async fn a_reset_that_a_write_notices_first_is_not_taken_for_a_fin() {
    for _ in 0..50 {
        let Line {
            mut client,
            server,
            relay,
        } = line(&splicing(), None).await;
        // Unread bytes make the close a reset, while more are on their way.
        client.write_all(&payload(4, 100_000)).await.unwrap();
        server.readable().await.unwrap();
        drop(server);
        while client.write_all(&[0; 1000]).await.is_ok() {}
        let (end, _) = timeout(PATIENCE, relay).await.expect("no hang").unwrap();
        assert_broken((end, Tally::default()), Side::Upstream);
    }
}

#[tokio::test]
async fn a_relay_that_is_dropped_resets_both_sides() {
    let Line {
        mut client,
        mut server,
        relay,
    } = line(&splicing(), None).await;
    client.write_all(b"up").await.unwrap();
    server.read_exact(&mut [0; 2]).await.unwrap();
    relay.abort();
    assert!(relay.await.unwrap_err().is_cancelled());
    assert_eq!(read_to_reset(client).await, b"");
    assert_eq!(read_to_reset(server).await, b"");
}

#[tokio::test]
async fn silence_after_one_sides_fin_is_bounded_by_linger() {
    let limits = RelayLimits {
        linger: Duration::from_millis(200),
        ..RelayLimits::default()
    };
    let Line {
        mut client,
        mut server,
        relay,
    } = line(&context(limits), None).await;
    client.shutdown().await.unwrap();
    assert_eq!(server.read(&mut [0; 8]).await.unwrap(), 0);
    let start = Instant::now();
    // The open direction is not silent for this long: four times half of the limit.
    for _ in 0..4 {
        tokio::time::sleep(limits.linger / 2).await; // the silence is what is tested
        server.write_all(b"x").await.unwrap();
    }
    let received = read_to_reset(client).await;
    assert_eq!(received, b"xxxx");
    assert!(start.elapsed() >= limits.linger * 3);
    let (end, _) = relay.await.unwrap();
    assert!(
        matches!(
            end,
            Err(RelayError::Lingered {
                finished: Side::Client,
                ..
            })
        ),
        "{end:?}"
    );
}

#[tokio::test]
async fn silence_of_both_sides_is_bounded_by_idle_if_that_is_set() {
    let limits = RelayLimits {
        idle: Some(Duration::from_millis(200)),
        ..RelayLimits::default()
    };
    let start = Instant::now();
    let Line {
        client,
        server,
        relay,
    } = line(&context(limits), None).await;
    let (end, _) = timeout(PATIENCE, relay).await.expect("no hang").unwrap();
    assert!(matches!(end, Err(RelayError::Idle(_))), "{end:?}");
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert_eq!(read_to_reset(client).await, b"");
    assert_eq!(read_to_reset(server).await, b"");
}

/// Writes until nothing more is taken for a while; how many bytes were.
async fn fill(stream: &mut TcpStream) -> usize {
    let piece = vec![7; 1 << 20];
    let mut sent = 0;
    while let Ok(written) = timeout(Duration::from_millis(300), stream.write(&piece)).await {
        sent += written.unwrap();
    }
    sent
}

/// What a kernel holds for a server that does not read, each way: less than one read of a relay.
const SMALL: u32 = 8192;

/// Servers that read nothing: what the relays own stays under the bound, and when one reads
/// again, everything arrives.
#[tokio::test]
async fn what_peers_do_not_take_is_bounded_and_not_lost() {
    let limits = RelayLimits {
        owned_max: 1 << 20,
        relays: 40,
        pipes: 0,
        ..RelayLimits::default()
    };
    let context = context(limits);
    let mut stalled = Vec::new();
    for _ in 0..limits.relays {
        stalled.push(line_with_much_to_read(&context).await);
    }
    until(|| {
        assert!(context.owned_bytes() <= limits.owned_max);
        context.owned_bytes() > limits.owned_max / 4
    })
    .await;
    for (line, sent) in &mut stalled {
        *sent += fill_at_once(&line.client);
        assert!(context.owned_bytes() <= limits.owned_max);
    }
    others_go_on(&context).await;
    assert!(context.owned_bytes() <= limits.owned_max);
    let drained: Vec<_> = stalled
        .into_iter()
        .map(|(line, sent)| (tokio::spawn(drain(line)), sent))
        .collect();
    for (drained, sent) in drained {
        assert_eq!(drained.await.unwrap(), sent);
    }
    assert_eq!(context.owned_bytes(), 0);
}

/// A line to a server that takes little, whose client has sent much before the relay begins, so
/// that its reads bring more than the server takes; and how many bytes were sent.
async fn line_with_much_to_read(context: &RelayContext) -> (Line, usize) {
    let (client, inner_client) = connected(None).await;
    let ahead = SockRef::from(&client).set_send_buffer_size(1 << 20);
    ahead.unwrap();
    let sent = fill_at_once(&client);
    let (server, inner_server) = connected(Some(SMALL)).await;
    let line = between((client, inner_client), (server, inner_server), context);
    (line, sent)
}

/// Writes what the kernel takes now; how many bytes that were.
fn fill_at_once(stream: &TcpStream) -> usize {
    let piece = vec![7; 64 << 10];
    let mut sent = 0;
    while let Ok(written) = stream.try_write(&piece) {
        sent += written;
    }
    sent
}

/// While peers take nothing, and most of the budget is gone, a relay between others does its work.
async fn others_go_on(context: &RelayContext) {
    let line = line(context, None).await;
    both_ways(line, 1 << 20, 1 << 20, vec![100_000]).await;
}

/// The server reads after all, to the end; how many bytes there were.
async fn drain(line: Line) -> usize {
    let Line {
        mut client,
        mut server,
        relay,
    } = line;
    client.shutdown().await.unwrap();
    SockRef::from(&server)
        .set_recv_buffer_size(1 << 20)
        .unwrap();
    let mut received = Vec::new();
    let reading = server.read_to_end(&mut received);
    timeout(PATIENCE, reading).await.expect("no hang").unwrap();
    drop((client, server));
    relay.await.unwrap().0.unwrap();
    received.len()
}

/// A bulk direction whose sink stalls gives its pipe back, and nothing of what was in it is lost.
#[tokio::test]
async fn a_stalled_sink_does_not_keep_a_pipe() {
    let context = context(RelayLimits {
        pipes: 1,
        ..RelayLimits::default()
    });
    let Line {
        mut client,
        mut server,
        relay,
    } = line(&context, None).await;
    let warm = payload(5, 8 << 20);
    let mut received = vec![0; warm.len()];
    let (sent, got) = tokio::join!(client.write_all(&warm), server.read_exact(&mut received));
    sent.unwrap();
    got.unwrap();
    let sent = fill(&mut client).await;
    until(|| context.pipes_lent() == 0).await;
    assert!(context.owned_bytes() > 0);
    client.shutdown().await.unwrap();
    let mut rest = Vec::new();
    server.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, vec![7; sent]);
    drop((client, server));
    let (end, tally) = relay.await.unwrap();
    end.unwrap();
    assert!(tally.spliced() > 0);
}
