//! A gateway that is killed under load, again and again: what was cut must not look whole.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use tests::client::{AskError, Client, Request};
use tests::figures::{random_phase, times};
use tests::process::until;

use crate::load::Stop;
use crate::world::{World, block_on};

/// A few of them are always under way.
const CLIENTS: u64 = 4;
/// Takes some milliseconds, and goes by splice for the most part.
const PAYLOAD: u64 = 1 << 20;
/// A few downloads take about this long.
const DOWNLOADS: Duration = Duration::from_millis(50);

/// What came of the downloads.
#[derive(Debug, Default)]
struct Downloads {
    /// Ended as a whole one does, and were.
    finished: AtomicU32,
    /// Seen to be cut, with bytes of the payload there already.
    cut: AtomicU32,
    /// Over before the first of them.
    broken: AtomicU32,
    /// Nobody listened.
    refused: AtomicU32,
}

impl Downloads {
    fn go_on(&self, client: &Client, gateway: SocketAddr, seed: u64, goes_on: &AtomicBool) {
        let wanted = Request::new(seed, 0, PAYLOAD);
        while goes_on.load(Relaxed) {
            let fetched = block_on(client.fetch(gateway, "currency.dc1", &wanted));
            self.count(fetched).fetch_add(1, Relaxed);
        }
    }

    fn count(&self, fetched: Result<(), AskError>) -> &AtomicU32 {
        match fetched {
            Ok(()) => &self.finished,
            Err(AskError::Cut(1.., _)) => &self.cut,
            Err(AskError::Io(error)) if error.kind() == ErrorKind::ConnectionRefused => {
                &self.refused
            }
            Err(AskError::Io(_) | AskError::Cut(..)) => &self.broken,
            Err(other) => panic!("neither whole nor seen to be cut: {other}"),
        }
    }

    /// Waits until one more is finished.
    fn await_finished(&self) {
        let before = self.finished.load(Relaxed);
        until("a download is finished", || {
            self.finished.load(Relaxed) > before
        });
    }
}

#[test]
fn no_payload_that_a_killed_gateway_cut_looks_whole() {
    let mut world = World::on_loopback();
    let elsewhere = [world.dc2.entrance()];
    world.dc1.start("", &elsewhere);
    let (gateway, client) = (world.dc1.listen(), world.client.clone());
    let (downloads, goes_on) = (Downloads::default(), AtomicBool::new(true));
    let kills = times("GATEWAY_KILLS", 15);
    thread::scope(|scope| {
        let _stop = Stop(&goes_on);
        for seed in 0..CLIENTS {
            let (downloads, client, goes_on) = (&downloads, &client, &goes_on);
            scope.spawn(move || downloads.go_on(client, gateway, seed, goes_on));
        }
        for _ in 0..kills {
            downloads.await_finished();
            random_phase(DOWNLOADS);
            world.dc1.kill_gateway();
            world.dc1.start_gateway();
        }
        downloads.await_finished();
    });
    println!("a gateway killed {kills} times: {downloads:?}");
    // One after each start at least; and clients that are always under way are met in the middle.
    assert!(downloads.finished.into_inner() > kills);
    assert!(downloads.cut.into_inner() > 0);
}
