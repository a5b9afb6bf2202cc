//! How long a client waits for its first answer once a service or a data centre is gone, and that
//! nothing but what was under way at that moment is lost.

use std::time::{Duration, Instant};

use tests::figures::{figures, random_phase, times};

use crate::load::{Progress, Span, during};
use crate::world::{ATTEMPT_TIMEOUT, Asker, World};

/// Checks come this often, or more often.
const INTERVAL: Duration = Duration::from_millis(400);

/// What everything else may take, of which nothing takes more than milliseconds, on a busy machine.
const SLACK: Duration = Duration::from_secs(2);

/// As many as keep something under way at every moment, and leave the machine time for the rest.
const CLIENTS: usize = 2;

/// Something that fails again and again, and comes back.
struct Outage {
    what: &'static str,
    /// What clients of dc1 ask for.
    name: &'static str,
    /// Who answers, and who does meanwhile.
    by: [&'static str; 2],
    /// The pool of dc1's gateway whose first tier it is.
    pool: &'static str,
    begin: fn(&mut World),
    end: fn(&mut World),
    /// What the first answer may take by the configuration.
    bound: Duration,
}

impl Outage {
    fn again_and_again(&self, world: &mut World) {
        let asker = world.asker(self.name);
        let (mut took, mut moments) = (Vec::new(), Vec::new());
        let ask = |_| asker.ask().result.map(drop);
        let ((), tally) = during(CLIENTS, ask, |load| {
            for _ in 0..times("OUTAGES", 6) {
                moments.push(self.once(world, &asker, load, &mut took));
            }
        });
        let max = figures(self.what, took);
        assert!(max < self.bound + SLACK, "{max:?}");
        let (what, answered) = (self.what, tally.answered);
        let cut = tally.failed_in(&moments).len();
        println!("{what}: meanwhile {answered} questions answered, {cut} cut at the moment");
    }

    /// Fails and comes back; the moment in which it failed.
    fn once(
        &self,
        world: &mut World,
        asker: &Asker,
        load: &Progress,
        took: &mut Vec<Duration>,
    ) -> Span {
        world.dc1.await_primary(self.pool, true);
        asker.await_answer(self.by[0]);
        random_phase(INTERVAL);
        let since = Instant::now();
        let ((), moment) = Span::of(|| (self.begin)(world));
        assert_eq!(asker.answer().0, self.by[1]);
        took.push(since.elapsed());
        world.dc1.await_primary(self.pool, false);
        load.await_more(10);
        (self.end)(world);
        moment
    }
}

#[test]
fn a_service_that_is_killed_is_answered_for_at_once() {
    let mut world = World::on_loopback();
    world.start([r#"failover = ["dc2"]"#, r#"adopts = ["dc1"]"#]);
    let outage = Outage {
        what: "a service killed, to the first answer of the other data centre",
        name: "currency.dc1",
        by: ["dc1", "dc2"],
        pool: "currency",
        begin: |world| world.dc1.kill_service(),
        end: |world| world.dc1.restart_service(),
        // Refused, the dial goes on within itself.
        bound: Duration::ZERO,
    };
    outage.again_and_again(&mut world);
}

#[test]
fn a_data_centre_whose_gateway_is_killed_is_answered_for_at_once() {
    let mut world = World::on_loopback();
    world.start([r#"adopts = ["dc2"]"#, ""]);
    let outage = Outage {
        what: "a data centre's gateway killed, to the first answer of who adopted its names",
        name: "currency.dc2",
        by: ["dc2", "dc1"],
        pool: "currency.dc2",
        begin: |world| world.dc2.kill_gateway(),
        end: |world| world.dc2.start_gateway(),
        bound: Duration::ZERO,
    };
    outage.again_and_again(&mut world);
}

#[test]
fn a_data_centre_that_is_cut_off_costs_one_attempt() {
    let Some(mut world) = World::over_a_link() else {
        return;
    };
    world.start([r#"adopts = ["dc2"]"#, ""]);
    let outage = Outage {
        what: "a data centre cut off, to the first answer of who adopted its names",
        name: "currency.dc2",
        by: ["dc2", "dc1"],
        pool: "currency.dc2",
        begin: |world| world.dc2.network().unplug(),
        end: |world| world.dc2.network().plug(),
        // Its one gateway says nothing for so long.
        bound: ATTEMPT_TIMEOUT,
    };
    outage.again_and_again(&mut world);
}
