//! A primary that comes and goes: how often does the pool move?

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use l4_failover::choice::{Choice, Event, HealthPolicy, Member, Policy};
use proptest::prelude::*;

const EVERY: Duration = Duration::from_millis(200);
const HOUR: Duration = Duration::from_secs(3600);
/// Checks of three hours.
const CHECKS: u32 = 3 * 3600 * 5;

fn pool(hold_down: Duration, start: Instant) -> Choice {
    let tiers = vec![
        vec![Member::named("primary")],
        vec![Member::named("backup")],
    ];
    let policy = Policy {
        hold_down,
        ..Policy::default()
    };
    let health = HealthPolicy {
        fast_interval: EVERY,
        ..HealthPolicy::default()
    };
    Choice::new(tiers, policy, health, start)
}

/// The most moves within any hour, where `is_good` says how the primary is each time.
fn moves_an_hour(hold_down: Duration, mut is_good: impl FnMut(u32, &Choice) -> bool) -> usize {
    let start = Instant::now();
    let mut choice = pool(hold_down, start);
    let (mut recent, mut most) = (VecDeque::new(), 0);
    for nth in 0..CHECKS {
        let now = start + nth * EVERY;
        let good = is_good(nth, &choice);
        for event in [
            Event::Checked { endpoint: 0, good },
            Event::Checked {
                endpoint: 1,
                good: true,
            },
        ] {
            recent.extend(choice.observe(event, now).moved.map(|_| now));
        }
        while recent.front().is_some_and(|at| now - *at >= HOUR) {
            recent.pop_front();
        }
        most = most.max(recent.len());
    }
    most
}

const HOLD_DOWN: Duration = Duration::from_secs(30);

/// The worst that a primary can do: it is well exactly as long as nobody uses it.
#[test]
fn a_primary_that_fails_whenever_it_is_used_moves_the_pool_at_most_20_times_an_hour() {
    let most = moves_an_hour(HOLD_DOWN, |_, choice| choice.active() == 1);
    eprintln!("with hold-down: {most} moves an hour");
    assert!((10..=20).contains(&most), "{most}");
}

/// What the hold-down is for: without it the same primary moves the pool all the time.
#[test]
fn without_hold_down_it_moves_all_the_time() {
    let most = moves_an_hour(Duration::ZERO, |_, choice| choice.active() == 1);
    eprintln!("without: {most} moves an hour");
    assert!(most > 1000, "{most}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_rhythm_moves_it_more_than_20_times_an_hour(
        rhythm in proptest::collection::vec((1..2000_u32, 1..200_u32), 1..8),
    ) {
        let mut phases = rhythm.iter().copied().cycle();
        let (mut good, mut bad) = (0, 0);
        let most = moves_an_hour(HOLD_DOWN, |_, _| {
            if good == 0 && bad == 0 {
                (good, bad) = phases.next().unwrap();
            }
            let is_good = good > 0;
            if is_good { good -= 1 } else { bad -= 1 }
            is_good
        });
        prop_assert!(most <= 20, "{most}");
    }
}
