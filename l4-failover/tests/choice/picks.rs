//! Where dials go.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use l4_failover::choice::{
    Balance, Choice, Command, Dial, Event, HealthPolicy, Member, NoneHealthy, Policy, Request,
    State,
};
use proptest::prelude::*;

use super::history::{has_one_up, history, plan};

/// Everyone whom one dial would try, in order.
fn order(
    choice: &mut Choice,
    load: impl Fn(usize) -> u64 + Copy,
    random: u64,
    now: Instant,
) -> Vec<usize> {
    let mut tried = Vec::new();
    let request = Request {
        random,
        ..Request::default()
    };
    while let Some(pick) = choice.pick(&tried, request, load, now) {
        assert!(!tried.contains(&pick.endpoint));
        let tier = choice.endpoints()[pick.endpoint].tier();
        assert_eq!(pick.is_spilled, tier != choice.active());
        tried.push(pick.endpoint);
    }
    tried
}

proptest! {
    #[test]
    fn a_dial_tries_all_it_may_and_the_healthy_first(plan in plan(), history in history(), random: u64) {
        let (mut choice, now) = plan.run(&history, |_| {});
        let order = order(&mut choice, |_| 0, random, now);
        let is_allowed = |tier: usize| plan.policy.dial == Dial::Any || tier == choice.active();
        let state = |nth: &usize| choice.endpoints()[*nth].state();
        let allowed = |nth: &usize| is_allowed(choice.endpoints()[*nth].tier());
        let all = 0..choice.endpoints().len();
        let expected = |wanted: &[State]| all.clone().filter(|nth| allowed(nth) && wanted.contains(&state(nth))).count();
        let up = expected(&[State::Up]);
        let tried = match plan.policy.when_none_healthy {
            NoneHealthy::Try => expected(&[State::Up, State::Down]),
            NoneHealthy::Refuse => up,
        };
        let is_forced = !has_one_up(&choice, 0) && choice.active() == 0;
        if !is_forced {
            prop_assert_eq!(order.len(), tried);
            prop_assert!(order[..up].iter().all(|nth| state(nth) == State::Up));
            // The active tier before the others, but for one that is tried whether it answers again.
            let tier = |nth: &usize| choice.endpoints()[*nth].tier();
            let is_trial = |nth: &&usize| tier(nth) < choice.active();
            let own = order[..up].iter().skip_while(is_trial);
            let own = own.take_while(|nth| tier(nth) == choice.active());
            let active_up = choice.tier(choice.active()).iter().filter(|it| it.state() == State::Up).count();
            prop_assert_eq!(own.count(), active_up);
        }
        prop_assert!(order.iter().all(|nth| state(nth) != State::Maintenance && allowed(nth)));
    }
}

fn pair(policy: Policy, now: Instant) -> Choice {
    let tiers = vec![
        vec![Member::named("a"), Member::named("b")],
        vec![Member::named("c")],
    ];
    let health = HealthPolicy {
        rise: 1,
        fall: 1,
        ..HealthPolicy::default()
    };
    Choice::new(tiers, policy, health, now)
}

#[test]
fn a_full_endpoint_is_passed_over_and_a_full_tier_does_not_spill() {
    let now = Instant::now();
    let limited = |name: &str| Member {
        max_connections: Some(2),
        ..Member::named(name)
    };
    let tiers = vec![vec![limited("a"), limited("b")], vec![Member::named("c")]];
    let mut choice = Choice::new(tiers, Policy::default(), HealthPolicy::default(), now);
    let first = |choice: &mut Choice, loads: [u64; 3]| {
        choice
            .pick(&[], Request::default(), |nth| loads[nth], now)
            .map(|it| (it.endpoint, it.is_spilled))
    };
    assert_eq!(first(&mut choice, [2, 1, 0]), Some((1, false)));
    assert_eq!(first(&mut choice, [2, 2, 0]), None);
}

#[test]
fn after_a_failback_sessions_return_by_share() {
    let start = Instant::now();
    let ramp = Duration::from_secs(100);
    let mut choice = pair(
        Policy {
            failback_ramp: Some(ramp),
            ..Policy::default()
        },
        start,
    );
    choice.command(&Command::Failover, start).unwrap();
    choice
        .command(&Command::Failback { force: false }, start)
        .unwrap();
    let mut share = |percent: u32| {
        let now = start + ramp * percent / 100;
        let picks = (0..1000_u64).map(|nth| {
            let request = Request {
                random: nth << 54,
                ..Request::default()
            };
            let pick = choice.pick(&[], request, |_| 0, now).unwrap();
            assert!(!pick.is_spilled);
            pick.endpoint
        });
        picks.filter(|endpoint| *endpoint < 2).count()
    };
    assert_eq!(share(0), 0);
    assert!((200..300).contains(&share(25)));
    assert!((700..800).contains(&share(75)));
    assert_eq!(share(100), 1000);
}

#[test]
fn an_endpoint_that_came_up_starts_slowly() {
    let start = Instant::now();
    let slow_start = Duration::from_secs(100);
    let mut choice = pair(
        Policy {
            slow_start: Some(slow_start),
            ..Policy::default()
        },
        start,
    );
    choice.observe(
        Event::Checked {
            endpoint: 0,
            good: false,
        },
        start,
    );
    choice.observe(
        Event::Checked {
            endpoint: 0,
            good: true,
        },
        start,
    );
    let mut share = |percent: u32| {
        let now = start + slow_start * percent / 100;
        let mut counts = HashMap::new();
        for _ in 0..1000 {
            let pick = choice.pick(&[], Request::default(), |_| 0, now).unwrap();
            *counts.entry(pick.endpoint).or_insert(0_u32) += 1;
        }
        counts[&0]
    };
    assert!((80..100).contains(&share(0))); // 0.1 of 1.1
    assert!((340..370).contains(&share(50))); // 0.55 of 1.55
    assert_eq!(share(100), 500);
}

#[test]
fn a_client_keeps_its_endpoint_by_hash() {
    let now = Instant::now();
    let mut choice = pair(
        Policy {
            balance: Balance::SourceHash,
            ..Policy::default()
        },
        now,
    );
    for last in 0..=255_u8 {
        let request = |random| Request {
            source: Some([192, 0, 2, last].into()),
            random,
            ..Request::default()
        };
        let mut pick = |random| choice.pick(&[], request(random), |_| 0, now);
        assert_eq!(pick(1), pick(2));
    }
}

#[test]
fn a_forced_tier_is_tried_first_though_it_is_down() {
    let now = Instant::now();
    let mut choice = pair(Policy::default(), now);
    for endpoint in [0, 1] {
        choice.observe(
            Event::Checked {
                endpoint,
                good: false,
            },
            now,
        );
    }
    choice
        .command(&Command::Failback { force: true }, now)
        .unwrap();
    let order = order(&mut choice, |_| 0, 0, now);
    assert!(order[0] < 2 && order.len() == 3, "{order:?}");
}

#[test]
fn where_nothing_is_checked_a_dial_now_and_then_tries_the_primary() {
    let start = Instant::now();
    let second = Duration::from_secs(1);
    let tiers = vec![
        vec![Member::named("primary")],
        vec![Member::named("backup")],
    ];
    let health = HealthPolicy {
        is_checked: false,
        ..HealthPolicy::default()
    };
    let mut choice = Choice::new(tiers, Policy::default(), health, start);
    let mut is_dead = true;
    let (mut trials, mut back_at) = (0, None);
    for nth in 0..3600 {
        let now = start + nth * second;
        is_dead &= nth < 1800;
        let mut moved = choice.observe(Event::Tick, now).moved;
        // A dial each second.
        let mut tried = Vec::new();
        while let Some(pick) = choice.pick(&tried, Request::default(), |_| 0, now) {
            let endpoint = pick.endpoint;
            trials += u32::from(endpoint == 0 && choice.active() == 1);
            let refuses = endpoint == 0 && is_dead;
            let event = match refuses {
                true => Event::Refused { endpoint },
                false => Event::Answered { endpoint },
            };
            moved = moved.or(choice.observe(event, now).moved);
            if !refuses {
                break;
            }
            tried.push(endpoint);
        }
        if moved.is_some_and(|it| it.to == 0) {
            back_at.get_or_insert(nth);
        }
    }
    // Back-off of a minute: some forty trials in all, none of which moved the pool.
    assert!((10..60).contains(&trials), "{trials}");
    let back_at = back_at.expect("it is back in the end");
    assert!((1830..1900).contains(&back_at), "{back_at}");
}

proptest! {
    /// Whoever was led here may go to the first tiers alone, and finds what is healthy there whoever
    /// is active beyond.
    #[test]
    fn a_dial_of_short_reach_never_leaves_its_tiers(plan in plan(), history in history(), random: u64, reach in 1..4_usize) {
        let (mut choice, now) = plan.run(&history, |_| {});
        let reach = reach.min(choice.tiers());
        let request = Request { random, tiers: Some(reach), ..Request::default() };
        let first = choice.pick(&[], request, |_| 0, now);
        let healthy = (0..reach).any(|tier| choice.is_healthy(tier));
        let is_beyond = choice.active() >= reach;
        if let Some(pick) = first {
            let endpoint = &choice.endpoints()[pick.endpoint];
            prop_assert!(endpoint.tier() < reach);
            prop_assert!(!(healthy && is_beyond) || endpoint.state() == State::Up);
        }
        prop_assert!(first.is_some() || !(healthy && is_beyond));
    }
}
