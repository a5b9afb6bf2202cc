//! What a relay with TLS on a side owns.

use std::time::Duration;

use l4_failover::socket::scratch;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::line::{SIDES, context, copying, line, payload, within};

/// While the reader takes nothing, the relay owns at most what one flow may, sealed bytes
/// included; afterwards everything arrives, and nothing is owned.
#[tokio::test]
async fn what_a_slow_reader_does_not_take_is_bounded_and_not_lost() {
    for sides in SIDES {
        let context = copying();
        let mut line = line(sides, &context, Some(65_536)).await;
        let piece = payload(7, 1 << 20);
        let mut sent = Vec::new();
        let silence = Duration::from_millis(300);
        while let Ok(written) = timeout(silence, line.client.write(&piece)).await {
            sent.extend_from_slice(&piece[..written.unwrap()]);
            assert!(context.owned_bytes() <= scratch::BYTES);
        }
        let owned = context.owned_bytes();
        assert!(owned > 0 && owned <= scratch::BYTES, "{sides:?}: {owned}");
        let mut start = vec![0; sent.len() / 2];
        within(line.server.read_exact(&mut start)).await.unwrap();
        let (_, mut client_write) = tokio::io::split(line.client);
        let mut rest = Vec::new();
        let (shut, read) = within(async {
            tokio::join!(client_write.shutdown(), line.server.read_to_end(&mut rest))
        })
        .await;
        shut.unwrap();
        read.unwrap();
        assert!([start, rest].concat() == sent, "{sides:?}");
        line.server.shutdown().await.unwrap();
        within(line.relay).await.unwrap().0.unwrap();
        assert_eq!(context.owned_bytes(), 0);
    }
}

#[tokio::test]
async fn a_relay_that_ends_by_force_while_bytes_are_held_gives_them_back() {
    for sides in SIDES {
        let context = context();
        let mut line = line(sides, &context, Some(65_536)).await;
        let piece = payload(7, 1 << 20);
        let silence = Duration::from_millis(100);
        while timeout(silence, line.client.write(&piece)).await.is_ok() {}
        assert!(context.owned_bytes() > 0 || context.pipes_lent() > 0);
        line.relay.abort();
        assert!(line.relay.await.unwrap_err().is_cancelled());
        assert_eq!((context.owned_bytes(), context.pipes_lent()), (0, 0));
    }
}

#[tokio::test]
async fn an_idle_relay_owns_nothing() {
    for sides in SIDES {
        let context = context();
        let mut line = line(sides, &context, None).await;
        let bytes = payload(3, 500_000);
        let mut received = vec![0; bytes.len()];
        let (sent, got) = within(async {
            tokio::join!(
                async {
                    line.client.write_all(&bytes).await?;
                    line.client.flush().await
                },
                line.server.read_exact(&mut received)
            )
        })
        .await;
        sent.unwrap();
        got.unwrap();
        assert!(received == bytes);
        let idle = async {
            while (context.owned_bytes(), context.pipes_lent()) != (0, 0) {
                tokio::task::yield_now().await;
            }
        };
        within(idle).await;
    }
}
