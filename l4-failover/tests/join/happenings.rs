//! What tests of many worlds share: how many there are, how each begins, what may happen in it, and who
//! could have helped.

use std::time::Duration;

use l4_failover::soupbin::join::{JoinOptions, LineFault};
use l4_failover::soupbin::packet::Reject;

use super::server::Beyond;
use super::world::World;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// How long a server must have been good for the bridge to have found it: the longest rest after a
/// failure, the lines that are tried before it, and some for its answer.
const SLACK: Duration = Duration::from_millis(3500);

/// How many worlds there are, for so many where nothing else is said.
pub(crate) fn cases(usual: u64) -> u64 {
    let cases = std::env::var("PROPTEST_CASES").ok();
    let cases = cases.and_then(|it| it.parse::<u64>().ok());
    cases.map_or(usual, |cases| (usual * cases).div_ceil(256))
}

/// A consumer that is logged in, with a line.
pub(crate) fn a_world(seed: u64, servers: usize, options: JoinOptions) -> World {
    let mut world = World::new(seed, servers, options);
    let head = world.feed.head(Duration::ZERO);
    let sequence = match world.random.u32(0..4) {
        0 => 0,
        1 => world.random.u64(1..=head),
        2 => head,
        _ => 1,
    };
    world.log_in(sequence);
    assert!(world.run(SECOND, |it| it.joined().is_some()), "seed {seed}");
    world
}

/// One more thing goes wrong with a server, or is well again: by its number, from 0; all from 20 on are
/// the same. A server that is behind is so by less than `lag_max` messages.
pub(crate) fn happen(world: &mut World, server: usize, which: u32, lag_max: u64) {
    let lag = world.random.u64(1..lag_max);
    let answer = Duration::from_millis(world.random.u64(0..800));
    let begins = world.feed.head(world.time) / 2 + 1;
    match which {
        0 | 1 => world.kill(server),
        2 => world.change(server, |it| it.is_stopped = true),
        3 => world.cut(server, LineFault::Closed),
        4 => world.change(server, |it| it.lag = lag),
        5 => world.change(server, |it| it.session = "FEED000002".parse().unwrap()),
        6 => world.change(server, |it| it.beyond = Beyond::Echo),
        7 => world.change(server, |it| it.beyond = Beyond::Reject),
        8 => world.change(server, |it| it.is_live_only = true),
        9 => world.change(server, |it| it.begins = begins),
        10 => world.change(server, |it| it.reject = Some(Reject::SessionUnavailable)),
        11 => world.change(server, |it| it.ends = true),
        12 => world.change(server, |it| it.has_heartbeats = false),
        13 => world.change(server, |it| it.answers_after = answer),
        14 => world.prefer(server),
        15 => world.block(true),
        16 | 17 => world.block(false),
        18 | 19 => world.see_up(server),
        _ => world.mend(server),
    }
}

/// Whether some server of these could have carried on, for so long that the consumer should have been
/// on it.
pub(crate) fn could_carry_on(world: &World, which: impl Fn(usize) -> bool) -> bool {
    let mut servers = world.good_since.iter().enumerate();
    servers.any(|(server, since)| {
        let is_found = since.is_some_and(|since| world.time - since >= SLACK);
        is_found && which(server)
    })
}
