//! Commands, one by one.

use std::time::{Duration, Instant};

use l4_failover::choice::{
    AWAY_MAX, Cause, Changes, Choice, Command, Event, HealthPolicy, Member, MoveKind, Policy,
    Refusal, State,
};

const SECOND: Duration = Duration::from_secs(1);

/// A primary and two backups, all up.
fn pool(start: Instant) -> Choice {
    let tiers = ["primary", "near", "far"].map(|name| vec![Member::named(name)]);
    let health = HealthPolicy {
        rise: 1,
        fall: 1,
        ..HealthPolicy::default()
    };
    Choice::new(tiers.to_vec(), Policy::default(), health, start)
}

fn maintain(endpoint: usize) -> Command {
    Command::Maintain {
        endpoint,
        reason: "a new kernel".into(),
    }
}

fn check(choice: &mut Choice, endpoint: usize, good: bool, now: Instant) -> Changes {
    choice.observe(Event::Checked { endpoint, good }, now)
}

#[test]
fn a_failover_holds_until_the_failback_under_auto_too() {
    let start = Instant::now();
    let mut choice = pool(start);
    let moved = choice
        .command(&Command::Failover, start)
        .unwrap()
        .moved
        .unwrap();
    assert_eq!(
        (moved.kind, moved.cause, moved.to),
        (MoveKind::Failover, Cause::Operator, 1)
    );
    assert!(choice.is_held() && choice.hold_down_left(start).is_none());
    assert!(
        choice
            .observe(Event::Tick, start + 10_000 * SECOND)
            .is_empty()
    );
    let back = choice.command(&Command::Failback { force: false }, start + 10_001 * SECOND);
    let moved = back.unwrap().moved.unwrap();
    assert_eq!(
        (moved.kind, moved.cause, moved.to),
        (MoveKind::Failback, Cause::Operator, 0)
    );
    assert!(!choice.is_held());
}

#[test]
fn a_failover_skips_what_is_down_and_is_refused_at_the_end() {
    let start = Instant::now();
    let mut choice = pool(start);
    check(&mut choice, 1, false, start);
    choice.command(&Command::Failover, start).unwrap();
    assert_eq!(choice.active(), 2);
    let refused = choice.command(&Command::Failover, start).unwrap_err();
    assert_eq!(
        refused,
        Refusal::NoBackup {
            active: "far".into()
        }
    );
    assert_eq!((choice.active(), choice.is_held()), (2, true));
}

#[test]
fn a_hold_ends_when_only_a_better_tier_is_left() {
    let start = Instant::now();
    let mut choice = pool(start);
    choice.command(&Command::Failover, start).unwrap();
    check(&mut choice, 2, false, start);
    let moved = check(&mut choice, 1, false, start).moved.unwrap();
    assert_eq!(
        (moved.kind, moved.cause, moved.to),
        (MoveKind::Failover, Cause::Unhealthy, 0)
    );
    assert!(!choice.is_held());
}

#[test]
fn a_hold_stays_away_from_the_primary_as_long_as_another_backup_is_up() {
    let start = Instant::now();
    let mut choice = pool(start);
    choice.command(&Command::Failover, start).unwrap();
    let moved = check(&mut choice, 1, false, start).moved.unwrap();
    assert_eq!((moved.to, choice.is_held()), (2, true));
}

#[test]
fn one_that_goes_down_in_maintenance_is_told() {
    let start = Instant::now();
    let mut choice = pool(start);
    choice.command(&maintain(0), start).unwrap();
    let changes = check(&mut choice, 0, false, start);
    assert_eq!((changes.fell, changes.endpoints), (vec![0], vec![]));
    assert!(!changes.out[0].is_healthy && choice.endpoints()[0].state() == State::Maintenance);
    assert!(check(&mut choice, 0, true, start).out[0].is_healthy);
}

#[test]
fn one_that_is_out_is_so_since_it_was_taken_out() {
    let start = Instant::now();
    let mut choice = pool(start);
    check(&mut choice, 0, false, start);
    let since = |choice: &Choice| choice.endpoints()[0].since();
    assert_eq!(since(&choice), Some(start));
    choice.command(&maintain(0), start + SECOND).unwrap();
    assert_eq!(since(&choice), Some(start + SECOND));
    // Whatever its checks say, and however often it is said.
    check(&mut choice, 0, true, start + 2 * SECOND);
    choice.command(&maintain(0), start + 3 * SECOND).unwrap();
    assert_eq!(since(&choice), Some(start + SECOND));
    let resume = Command::Resume { endpoint: 0 };
    choice.command(&resume, start + 4 * SECOND).unwrap();
    assert_eq!(since(&choice), Some(start + 2 * SECOND));
}

#[test]
fn another_reason_is_told_and_the_same_again_is_not() {
    let start = Instant::now();
    let mut choice = pool(start);
    let mut order = |command| choice.command(&command, start).unwrap().endpoints;
    assert_eq!(order(Command::Resume { endpoint: 0 }), []);
    assert_eq!(order(maintain(0)).len(), 1);
    assert_eq!(order(maintain(0)), []);
    let reason = "a new disk".into();
    let other = order(Command::Maintain {
        endpoint: 0,
        reason,
    });
    let states = other.iter().map(|it| (it.from, it.to));
    let out = State::Maintenance;
    assert_eq!(states.collect::<Vec<_>>(), [(out, out)]);
    assert_eq!(
        choice.endpoints()[0].maintenance().unwrap(),
        &"a new disk".into()
    );
}

#[test]
fn who_resumes_an_endpoint_is_not_told_of_maintenance() {
    let start = Instant::now();
    let mut choice = pool(start);
    choice.command(&maintain(0), start).unwrap();
    check(&mut choice, 1, false, start);
    check(&mut choice, 2, false, start);
    let resume = Command::Resume { endpoint: 0 };
    let moved = choice.command(&resume, start).unwrap().moved.unwrap();
    assert_eq!((moved.cause, moved.to), (Cause::Unhealthy, 0));
}

#[test]
fn no_length_of_time_is_too_long() {
    let start = Instant::now();
    let mut choice = Choice::new(
        vec![vec![Member::named("primary")], vec![Member::named("near")]],
        Policy {
            hold_down: Duration::MAX,
            flap_window: Duration::MAX,
            failback_ramp: Some(Duration::MAX),
            ..Policy::default()
        },
        HealthPolicy::default(),
        start,
    );
    check(&mut choice, 0, false, start);
    for nth in 1..5 {
        check(&mut choice, 0, true, start + nth * SECOND);
    }
    assert_eq!((choice.active(), choice.due(start)), (1, None));
    let failback = Command::Failback { force: false };
    choice.command(&failback, start + 5 * SECOND).unwrap();
    assert!(choice.observe(Event::Tick, start + 6 * SECOND).is_empty());
}

#[test]
fn a_forced_failback_survives_a_restart() {
    let start = Instant::now();
    let mut choice = pool(start);
    check(&mut choice, 0, false, start);
    let failback = Command::Failback { force: true };
    choice.command(&failback, start).unwrap();
    let mut restarted = pool(start);
    restarted.restore(&choice.memory(), start);
    // Before anybody has looked at the primary.
    restarted.observe(Event::Tick, start);
    check(&mut restarted, 1, true, start);
    assert!(check(&mut restarted, 0, false, start).moved.is_none());
    assert!(restarted.memory().is_forced);
}

#[test]
fn a_failback_that_is_forced_where_it_is_holds_and_is_told_once() {
    let start = Instant::now();
    let mut choice = pool(start);
    for endpoint in 0..3 {
        check(&mut choice, endpoint, false, start);
    }
    check(&mut choice, 0, true, start);
    check(&mut choice, 0, false, start);
    assert_eq!((choice.active(), choice.is_forced()), (0, false));
    let failback = Command::Failback { force: true };
    let changes = choice.command(&failback, start).unwrap();
    assert_eq!((changes.moved, changes.forced), (None, Some(true)));
    assert!(choice.command(&failback, start).unwrap().is_empty());
    // It is not left for one that is well, until it has been well itself.
    assert!(check(&mut choice, 1, true, start).moved.is_none());
    assert_eq!(check(&mut choice, 0, true, start).forced, Some(false));
}

#[test]
fn a_failback_onto_an_unhealthy_tier_takes_force_and_then_stays() {
    let start = Instant::now();
    let mut choice = pool(start);
    check(&mut choice, 0, false, start);
    assert_eq!(choice.active(), 1);
    let refused = choice
        .command(&Command::Failback { force: false }, start)
        .unwrap_err();
    assert_eq!(
        refused,
        Refusal::Unhealthy {
            primary: "primary".into()
        }
    );
    assert_eq!(choice.active(), 1);
    choice
        .command(&Command::Failback { force: true }, start)
        .unwrap();
    assert!(check(&mut choice, 0, false, start + SECOND).is_empty());
    assert_eq!(choice.active(), 0);
    // Once it was well, what was forced is over.
    check(&mut choice, 0, true, start + 2 * SECOND);
    check(&mut choice, 0, false, start + 3 * SECOND);
    assert_eq!(choice.active(), 1);
}

#[test]
fn maintenance_takes_the_active_one_out_and_is_never_overruled() {
    let start = Instant::now();
    let mut choice = pool(start);
    let changes = choice.command(&maintain(0), start).unwrap();
    assert_eq!(changes.moved.unwrap().cause, Cause::Maintenance);
    assert_eq!(changes.endpoints[0].to, State::Maintenance);
    for endpoint in [1, 2] {
        check(&mut choice, endpoint, false, start);
    }
    // Nobody is left, and yet not the one in maintenance.
    let tried: Vec<_> = std::iter::successors(Some(Vec::new()), |tried: &Vec<usize>| {
        let pick = choice
            .clone()
            .pick(tried, Default::default(), |_| 0, start)?;
        Some(tried.iter().copied().chain([pick.endpoint]).collect())
    })
    .last()
    .unwrap();
    assert_eq!(tried, [1, 2]);
    let changes = choice
        .command(&Command::Resume { endpoint: 0 }, start)
        .unwrap();
    assert_eq!(changes.moved.unwrap().to, 0);
}

#[test]
fn a_changed_order_stays_with_the_endpoint_that_is_active() {
    let start = Instant::now();
    let choice = pool(start);
    let swapped = ["near", "primary"]
        .map(|name| vec![Member::named(name)])
        .to_vec();
    let health = HealthPolicy::default();
    let (swapped, changes) = choice.reconfigured(swapped, Policy::default(), health, start);
    assert!(changes.is_empty() || changes.moved.is_some_and(|it| it.cause == Cause::Recovered));
    let manual = Policy {
        failback: l4_failover::choice::Failback::Manual,
        ..Policy::default()
    };
    let tiers = ["near", "primary"]
        .map(|name| vec![Member::named(name)])
        .to_vec();
    let (manual, changes) = choice.reconfigured(tiers, manual, health, start);
    assert!(changes.is_empty());
    assert_eq!(manual.names(manual.active()), "primary");
    assert!(swapped.tiers() == 2);
}

#[test]
fn when_the_active_tier_is_gone_the_move_says_reload() {
    let start = Instant::now();
    let mut choice = pool(start);
    choice.command(&Command::Failover, start).unwrap();
    let tiers = ["primary", "other"]
        .map(|name| vec![Member::named(name)])
        .to_vec();
    let (next, changes) =
        choice.reconfigured(tiers, Policy::default(), HealthPolicy::default(), start);
    let moved = changes.moved.unwrap();
    // An operator wanted the primary left: it stays left.
    assert_eq!((moved.cause, moved.from, moved.to), (Cause::Reload, 1, 1));
    assert_eq!((next.names(1), next.is_held()), ("other".to_owned(), true));
    let only = vec![vec![Member::named("primary")]];
    let (next, changes) =
        next.reconfigured(only, Policy::default(), HealthPolicy::default(), start);
    let moved = changes.moved.unwrap();
    assert_eq!((moved.from, moved.to, next.is_held()), (1, 0, false));
}

#[test]
fn endpoints_that_stay_keep_their_health_through_a_change() {
    let start = Instant::now();
    let mut choice = pool(start);
    check(&mut choice, 0, false, start);
    let tiers = ["primary", "near", "new"]
        .map(|name| vec![Member::named(name)])
        .to_vec();
    let (next, changes) =
        choice.reconfigured(tiers, Policy::default(), HealthPolicy::default(), start);
    assert!(changes.is_empty());
    let states: Vec<_> = next.endpoints().iter().map(|it| it.state()).collect();
    assert_eq!(states, [State::Down, State::Up, State::Up]);
    assert_eq!(next.active(), 1);
}

/// The same pool of these endpoints, a tier each.
fn of(choice: &Choice, names: &[&str], now: Instant) -> (Choice, Changes) {
    let tiers = names.iter().map(|name| vec![Member::named(*name)]);
    let (policy, health) = (Policy::default(), HealthPolicy::default());
    choice.reconfigured(tiers.collect(), policy, health, now)
}

#[test]
fn maintenance_waits_for_an_endpoint_that_goes_away_and_comes_back() {
    let start = Instant::now();
    let mut choice = pool(start);
    choice.command(&maintain(0), start).unwrap();
    let (choice, changes) = of(&choice, &["near", "far"], start + SECOND);
    assert!(changes.endpoints.is_empty());
    // A restart in between, and a reload: both remember.
    let memory = choice.memory();
    let (choice, _) = of(&choice, &["far"], start + 2 * SECOND);
    let mut restarted = Choice::new(
        vec![vec![Member::named("far")]],
        Policy::default(),
        HealthPolicy::default(),
        start,
    );
    restarted.restore(&memory, start);
    for before in [choice, restarted] {
        let (mut choice, changes) = of(&before, &["primary", "far"], start + 3 * SECOND);
        let (from, to) = (State::Up, State::Maintenance);
        assert_eq!(
            (changes.endpoints[0].from, changes.endpoints[0].to),
            (from, to)
        );
        assert_eq!(
            choice.endpoints()[0].maintenance().unwrap().as_ref(),
            "a new kernel"
        );
        assert_eq!(choice.endpoints()[0].since(), Some(start));
        assert_eq!(choice.active(), 1);
        choice
            .command(&Command::Resume { endpoint: 0 }, start)
            .unwrap();
        let (choice, _) = of(&choice, &["far"], start + 4 * SECOND);
        let (choice, _) = of(&choice, &["primary", "far"], start + 5 * SECOND);
        assert_eq!(choice.endpoints()[0].state(), State::Up);
    }
}

#[test]
fn of_those_who_are_away_the_last_are_remembered() {
    let start = Instant::now();
    let mut choice = pool(start);
    let (first, last) = ("0", AWAY_MAX.to_string());
    for nth in 0..=AWAY_MAX {
        choice = of(&choice, &[&nth.to_string(), "far"], start).0;
        choice.command(&maintain(0), start).unwrap();
    }
    choice = of(&choice, &["far"], start).0;
    assert_eq!(choice.memory().maintenance.len(), AWAY_MAX);
    choice = of(&choice, &["far", first, &last], start).0;
    let states: Vec<_> = choice.endpoints().iter().map(|it| it.state()).collect();
    assert_eq!(states, [State::Up, State::Up, State::Maintenance]);
}
