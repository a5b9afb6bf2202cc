//! What holds after every event.

use std::time::{Duration, Instant};

use l4_failover::choice::{
    Cause, Choice, Event, Failback, HealthPolicy, Member, MoveKind, Policy, Request, State,
};
use proptest::prelude::*;

use super::history::{Happening, Step, has_one_up, history, plan};

proptest! {
    #[test]
    fn never_active_on_a_tier_that_is_down_while_another_is_up(plan in plan(), history in history()) {
        let mut is_forced = false;
        plan.run(&history, |step| {
            let active = step.after.active();
            is_forced = match step.happening {
                Happening::Failback(true) => active == 0,
                _ => is_forced && active == 0,
            } && !has_one_up(step.after, active);
            let is_up = has_one_up(step.after, active);
            let other = (0..step.after.tiers()).any(|tier| has_one_up(step.after, tier));
            assert!(is_up || !other || is_forced, "{:?}", step.happening);
        });
    }

    #[test]
    fn it_moves_only_with_a_transition_which_tells_the_truth(plan in plan(), history in history()) {
        plan.run(&history, |step| match step.changes.moved {
            None => assert_eq!(step.before.active(), step.after.active()),
            Some(moved) => {
                assert_eq!((moved.from, moved.to), (step.before.active(), step.after.active()));
                assert_ne!(moved.from, moved.to);
                assert_eq!(moved.after, step.now - step.before.since());
                assert_eq!((step.after.last_move(), step.after.since()), (Some(&moved), step.now));
                assert!(moved.kind == MoveKind::Failover || moved.to < moved.from);
            }
        });
    }

    #[test]
    fn it_is_never_back_before_the_hold_down(plan in plan(), history in history()) {
        let mut dates = Dates::default();
        plan.run(&history, |step| {
            dates.note(&step);
            if let Some(moved) = step.changes.moved.filter(|it| it.cause == Cause::Recovered) {
                let since = dates.up_since[moved.to].expect("it is up");
                let healthy_for = step.now - since;
                assert!(healthy_for >= plan.policy.hold_down, "{healthy_for:?}");
                assert!(healthy_for >= step.before.hold_down(step.now));
            }
        });
    }

    #[test]
    fn it_returns_by_itself_once_the_hold_down_is_over(plan in plan(), history in history()) {
        let (mut choice, now) = plan.run(&history, |_| {});
        // Where nothing is checked, it takes a dial that tries.
        let is_free = plan.policy.failback == Failback::Auto && plan.health.is_checked;
        if !is_free || choice.is_held() || !has_one_up(&choice, 0) {
            return Ok(());
        }
        let later = now + plan.policy.hold_down_max + Duration::from_secs(60);
        choice.observe(Event::Tick, later);
        // Where an endpoint led nowhere, it takes a dial that tries as well.
        for endpoint in 0..choice.tier(0).len() {
            choice.observe(Event::LedOn { endpoint }, later);
        }
        let later = later + plan.policy.hold_down_max + Duration::from_secs(60);
        choice.observe(Event::Tick, later);
        prop_assert_eq!(choice.active(), 0);
    }

    #[test]
    fn manual_means_manual_and_a_hold_holds(plan in plan(), history in history()) {
        plan.run(&history, |step| {
            let Some(moved) = step.changes.moved.filter(|it| it.to < it.from) else {
                return;
            };
            let is_manual = plan.policy.failback == Failback::Manual || step.before.is_held();
            let is_forced_out = !has_one_up(step.after, moved.from);
            assert!(
                !is_manual || is_forced_out || moved.cause == Cause::Operator,
                "{moved:?}"
            );
            // A hold goes to what comes after, if there is anything.
            let other = (moved.from..step.after.tiers()).any(|tier| has_one_up(step.after, tier));
            assert!(!step.before.is_held() || !other || moved.cause == Cause::Operator);
        });
    }

    #[test]
    fn endpoints_change_only_as_they_say(plan in plan(), history in history()) {
        plan.run(&history, |step| {
            for (nth, (old, new)) in step.before.endpoints().iter().zip(step.after.endpoints()).enumerate() {
                let told = step.changes.endpoints.iter().find(|it| it.endpoint == nth);
                let told = told.map(|it| (it.from, it.to));
                let is_other = old.state() != new.state() || old.maintenance() != new.maintenance();
                assert_eq!(told, is_other.then(|| (old.state(), new.state())));
            }
        });
    }

    #[test]
    fn what_checks_say_of_one_that_is_out_is_told_apart(plan in plan(), history in history()) {
        plan.run(&history, |step| {
            for (nth, (old, new)) in step.before.endpoints().iter().zip(step.after.endpoints()).enumerate() {
                let told = step.changes.out.iter().find(|it| it.endpoint == nth);
                let is_out = old.maintenance().is_some() && new.maintenance().is_some();
                let (was, is) = (old.is_healthy(), new.is_healthy());
                let wanted = (is_out && was != is && plan.health.is_checked).then_some(is);
                assert_eq!(told.map(|it| it.is_healthy), wanted);
            }
        });
    }

    #[test]
    fn what_is_forced_is_told_and_holds_the_primary_alone(plan in plan(), history in history()) {
        plan.run(&history, |step| {
            let (was, is) = (step.before.is_forced(), step.after.is_forced());
            assert_eq!(step.changes.forced, (was != is).then_some(is));
            assert!(!is || (step.after.active() == 0 && !step.after.is_held()));
        });
    }

    #[test]
    fn time_that_is_due_lies_ahead_once_it_was_told(plan in plan(), history in history()) {
        let (mut choice, mut now) = plan.run(&history, |_| {});
        choice.observe(Event::Tick, now);
        for _ in 0..50 {
            let Some(due) = choice.due(now) else { break };
            prop_assert!(due > now);
            now = due;
            choice.observe(Event::Tick, now);
        }
    }

    #[test]
    fn a_restart_that_refuses_for_a_moment_moves_nobody(
        plan in plan(),
        moments in proptest::collection::vec((0..1900_u64, any::<bool>()), 0..300),
    ) {
        let start = Instant::now();
        let mut choice = plan.choice(start);
        let restarts = plan.health.fall >= 3;
        choice.observe(Event::Checked { endpoint: 0, good: true }, start);
        let mut moments = moments;
        moments.sort_unstable();
        let mut checked = None;
        for (ms, is_check) in moments {
            let at = Duration::from_millis(ms);
            // While in doubt, a check comes once in the fast interval.
            let is_due = checked.is_none_or(|last| at - last >= plan.health.fast_interval);
            let event = match is_check && plan.health.is_checked && is_due {
                true => {
                    checked = Some(at);
                    Event::Checked { endpoint: 0, good: false }
                }
                false => Event::Refused { endpoint: 0 },
            };
            let changes = choice.observe(event, start + at);
            prop_assert!(!restarts || changes.is_empty(), "{event:?} at {at:?}: {changes:?}");
        }
    }

    #[test]
    fn a_changed_configuration_keeps_what_it_can(
        plan in plan(),
        next in plan(),
        history in history(),
    ) {
        let (choice, now) = plan.run(&history, |_| {});
        let (after, changes) =
            choice.reconfigured(next.members(), next.policy.clone(), next.health, now);
        let is_up = has_one_up(&after, after.active());
        let other = (0..after.tiers()).any(|tier| has_one_up(&after, tier));
        let was_forced = !has_one_up(&choice, 0) && choice.active() == 0;
        prop_assert!(is_up || !other || was_forced);
        for endpoint in after.endpoints() {
            let known = choice.endpoints().iter().find(|it| it.name() == endpoint.name());
            let reason = known.and_then(|it| it.maintenance());
            prop_assert_eq!(endpoint.maintenance(), reason);
        }
        let names: Vec<_> = choice.tier(choice.active()).iter().map(|it| it.name()).collect();
        let stays = after.tier(after.active()).iter().any(|it| names.contains(&it.name()));
        prop_assert!(stays || changes.moved.is_some());
        prop_assert!(!after.is_held() || choice.is_held());
    }

    #[test]
    fn what_was_remembered_is_restored(plan in plan(), history in history()) {
        let (choice, now) = plan.run(&history, |_| {});
        let mut restarted = plan.choice(now);
        restarted.restore(&choice.memory(), now);
        prop_assert_eq!(restarted.memory(), choice.memory());
        prop_assert_eq!(restarted.active(), choice.active());
    }

    #[test]
    fn the_same_configuration_again_changes_nothing(plan in plan(), history in history()) {
        let (choice, now) = plan.run(&history, |_| {});
        let (again, changes) =
            choice.reconfigured(plan.members(), plan.policy.clone(), plan.health, now);
        prop_assert!(changes.is_empty() || changes.moved.is_some_and(|it| it.cause == Cause::Recovered));
        if changes.is_empty() {
            prop_assert_eq!(format!("{:?}", summary(&again, now)), format!("{:?}", summary(&choice, now)));
        }
    }
}

/// Since when each tier has had an endpoint that is up, by what the changes told.
#[derive(Default)]
struct Dates {
    up_since: Vec<Option<Instant>>,
}

impl Dates {
    fn note(&mut self, step: &Step<'_>) {
        let tiers = step.after.tiers();
        // All count as up at the start, which is when the first step's pool was made.
        self.up_since.resize(tiers, Some(step.before.since()));
        for tier in 0..tiers {
            let since = self.up_since[tier].unwrap_or(step.now);
            self.up_since[tier] = has_one_up(step.after, tier).then_some(since);
        }
    }
}

type Summary = (usize, bool, Vec<State>, Option<Duration>, Duration);

fn summary(choice: &Choice, now: Instant) -> Summary {
    let states = choice.endpoints().iter().map(|it| it.state()).collect();
    let left = choice.hold_down_left(now);
    (
        choice.active(),
        choice.is_held(),
        states,
        left,
        choice.hold_down(now),
    )
}

/// Where a gateway is there and what it leads on to is not: checks of the gateway say nothing of that.
#[test]
fn an_endpoint_that_leads_nowhere_is_left_though_its_checks_are_good() {
    let start = Instant::now();
    let second = Duration::from_secs(1);
    let tiers = vec![vec![Member::named("gateway")], vec![Member::named("here")]];
    let policy = Policy {
        hold_down: second,
        ..Policy::default()
    };
    let mut choice = Choice::new(tiers, policy, HealthPolicy::default(), start);
    for endpoint in [0, 1] {
        choice.observe(
            Event::Checked {
                endpoint,
                good: true,
            },
            start,
        );
    }
    let nowhere = |choice: &mut Choice, at| {
        let changes = choice.observe(Event::LedNowhere { endpoint: 0 }, at);
        choice.observe(
            Event::Checked {
                endpoint: 0,
                good: true,
            },
            at,
        );
        changes.moved
    };
    assert_eq!(nowhere(&mut choice, start), None);
    assert_eq!(nowhere(&mut choice, start + second), None);
    let moved = nowhere(&mut choice, start + 2 * second).unwrap();
    assert_eq!((moved.kind, moved.to), (MoveKind::Failover, 1));
    // The ejection is over, and nobody has tried since: the gateway's own checks do not bring it back.
    let later = start + 4 * second;
    choice.observe(Event::Tick, later);
    choice.observe(
        Event::Checked {
            endpoint: 0,
            good: true,
        },
        later + 60 * second,
    );
    assert_eq!(choice.active(), 1);
    // One dial tries, and is answered; then the hold-down.
    let tried = choice.pick(&[], Request::default(), |_| 0, later + 60 * second);
    assert_eq!(tried.unwrap().endpoint, 0);
    choice.observe(Event::LedOn { endpoint: 0 }, later + 60 * second);
    let moved = choice
        .observe(Event::Tick, later + 62 * second)
        .moved
        .unwrap();
    assert_eq!((moved.kind, moved.to), (MoveKind::Failback, 0));
}
