//! A gateway that is killed under load, again and again: what was cut must not look whole.

use std::io::ErrorKind;
use std::time::Duration;

use tests::client::{AskError, Request};
use tests::figures::{random_phase, times};

use crate::load::{Span, during};
use crate::world::{World, block_on};

/// What clients ask for, one each: a few of them are always under way.
const SEEDS: [u64; 4] = [0, 1, 2, 3];
/// Takes longer than the handshake before it, and goes by splice for the most part.
const PAYLOAD: u64 = 4 << 20;
/// Downloads that finish after each start, so that the clients are no longer in step.
const BETWEEN: u32 = 6;
/// About as long as a download: each is met somewhere else.
const DOWNLOAD: Duration = Duration::from_millis(100);

/// How those downloads failed that did.
#[derive(Debug, Default)]
struct Failed {
    /// Seen to be cut, with bytes of the payload there already.
    cut: u32,
    /// Over before the first of them.
    broken: u32,
    /// Nobody listened.
    refused: u32,
}

impl Failed {
    fn count(mut self, error: AskError) -> Self {
        let count = match error {
            AskError::Cut(1.., _) => &mut self.cut,
            AskError::Io(it) if it.kind() == ErrorKind::ConnectionRefused => &mut self.refused,
            AskError::Io(_) | AskError::Cut(..) => &mut self.broken,
            other => panic!("neither whole nor seen to be cut: {other}"),
        };
        *count += 1;
        self
    }
}

#[test]
fn no_payload_that_a_killed_gateway_cut_looks_whole() {
    let mut world = World::on_loopback();
    let elsewhere = [world.dc2.entrance()];
    world.dc1.start("", &elsewhere);
    let (gateway, client) = (world.dc1.listen(), world.client.clone());
    let wanted = SEEDS.map(|seed| Request::new(seed, 0, PAYLOAD));
    let fetch = |nth: usize| block_on(client.fetch(gateway, "currency.dc1", &wanted[nth]));

    let kills = times("GATEWAY_KILLS", 15);
    let mut moments = Vec::new();
    let ((), tally) = during(SEEDS.len(), fetch, |load| {
        for _ in 0..kills {
            load.await_more(BETWEEN);
            random_phase(DOWNLOAD);
            let ((), moment) = Span::of(|| {
                world.dc1.kill_gateway();
                world.dc1.start_gateway();
            });
            moments.push(moment);
        }
        load.await_more(BETWEEN);
    });
    let finished = tally.answered;
    let failed = tally.failed_in(&moments);
    let failed = failed.into_iter().fold(Failed::default(), Failed::count);
    println!("a gateway killed {kills} times: {finished} downloads finished, {failed:?}");
    // Clients that are always under way are met in the middle.
    assert!(finished >= BETWEEN * kills && failed.cut > 0);
}
