//! Consumers that take what is left in their own time, which is one that a test can have pass.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::tape::{Tape, TapeEnd};
use super::super::{Departure, HistoryLimits};
use super::rig::{Client, Port, options};
use crate::soupbin::bridge::FeedOptions;
use crate::soupbin::feed::tests::server::{SESSION, Server};
use crate::soupbin::packet::{Packet, SessionId};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn who_takes_a_byte_now_and_then_has_half_a_minute_for_the_rest() {
    let server = Server::start().await;
    let mut options = FeedOptions {
        stall: HOUR,
        ..options()
    };
    options.join.consumer_silence = HOUR;
    let port = Port::still(&[&server], options);
    let limits = HistoryLimits::default();
    let tape = Arc::new(Tape::new(SESSION.parse().unwrap(), 1, limits));
    let mut frame = Vec::new();
    Packet::Sequenced(b"message 1").encode(&mut frame).unwrap();
    tape.write(&frame);
    port.fanout.shared().show(&tape);
    let mut client = Client::with_room(&port, SessionId::BLANK, 1, 1).await;
    assert_eq!(client.accepted().await.1, 1);
    tape.end(TapeEnd::Session);
    tape.wake(&mut Vec::new());
    // The message takes so long that the word of the end is still on its way when time is over.
    let began = Instant::now();
    let served = client.trickles(Duration::from_millis(2300)).await;
    let took = began.elapsed();
    assert_eq!(
        (served.departure, served.is_whole),
        (Departure::Late, false)
    );
    let half_a_minute = Duration::from_secs(30)..Duration::from_secs(35);
    assert!(half_a_minute.contains(&took), "{took:?}");
}
