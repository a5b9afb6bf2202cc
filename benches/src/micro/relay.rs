//! What passes through a relay: over sockets, all in one thread, so that nothing waits for another.

use l4_failover::socket::relay::{RelayContext, RelayLimits, Tally, relay};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

use super::{Amount, Micro};

pub(super) fn all() -> Vec<Micro> {
    let there_and_back = |case, bytes: usize| {
        Micro::new(
            "relay/there and back",
            case,
            Amount::Bytes(2 * bytes as u64),
            move || {
                let (runtime, (mut client, mut server)) = line();
                let mut piece = vec![7; bytes];
                move || {
                    runtime.block_on(async {
                        pass(&mut client, &mut server, &mut piece).await;
                        pass(&mut server, &mut client, &mut piece).await;
                    });
                    bytes
                }
            },
        )
    };
    vec![
        there_and_back("64 B", 64),
        there_and_back("4 KiB", 4096),
        there_and_back("32 KiB", 32 << 10),
    ]
}

async fn pass(from: &mut TcpStream, to: &mut TcpStream, piece: &mut [u8]) {
    from.write_all(piece).await.expect("the line stands");
    to.read_exact(piece).await.expect("the line stands");
}

/// The outer ends of a relay, which runs as long as the runtime.
fn line() -> (Runtime, (TcpStream, TcpStream)) {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let ends = runtime.block_on(async {
        let (client, mut inner_client) = connected().await;
        let (server, mut inner_server) = connected().await;
        tokio::spawn(async move {
            let context = RelayContext::new(RelayLimits::default());
            let tally = Tally::default();
            // It ends with its thread.
            let _ = relay(&mut inner_client, &mut inner_server, &tally, &context).await;
        });
        (client, server)
    });
    (runtime, ends)
}

async fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (outer, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (outer, inner) = (outer.expect("it listens"), accepted.expect("it comes").0);
    for stream in [&outer, &inner] {
        stream.set_nodelay(true).expect("a socket");
    }
    (outer, inner)
}
