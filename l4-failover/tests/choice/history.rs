//! Random pools and what happens to them.

use std::time::{Duration, Instant};

use l4_failover::choice::{
    Changes, Choice, Command, Dial, Event, Failback, HealthPolicy, Member, NoneHealthy, Policy,
    State,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Something that happens to an endpoint, which is named modulo their number.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    Check(usize, bool),
    /// What the endpoint leads on to answered, or did not.
    Led(usize, bool),
    Refusal(usize),
    Answer(usize),
    Tick,
    Failover,
    Failback(bool),
    Maintain(usize),
    Resume(usize),
}

/// What happens, and how long after what happened before.
pub(crate) type History = Vec<(Duration, Happening)>;

/// The sizes of the tiers of a pool, and how it behaves.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) tiers: Vec<usize>,
    pub(crate) policy: Policy,
    pub(crate) health: HealthPolicy,
}

pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    let policy = (any::<bool>(), any::<bool>(), any::<bool>(), 0..40_u64);
    let policy = policy.prop_map(|(manual, active_only, refuse, hold_down)| Policy {
        failback: if manual {
            Failback::Manual
        } else {
            Failback::Auto
        },
        dial: if active_only { Dial::Active } else { Dial::Any },
        when_none_healthy: if refuse {
            NoneHealthy::Refuse
        } else {
            NoneHealthy::Try
        },
        hold_down: Duration::from_secs(hold_down),
        flap_window: Duration::from_secs(300),
        ..Policy::default()
    });
    let health = (any::<bool>(), 1..4_u32, 1..4_u32);
    let health = health.prop_map(|(is_checked, rise, fall)| HealthPolicy {
        is_checked,
        rise,
        fall,
        ..HealthPolicy::default()
    });
    (vec(1..4_usize, 1..4), policy, health).prop_map(|(tiers, policy, health)| Plan {
        tiers,
        policy,
        health,
    })
}

pub(crate) fn history() -> impl Strategy<Value = History> {
    let which = 0..16_usize;
    let happening = prop_oneof![
        8 => (which.clone(), any::<bool>()).prop_map(|(at, good)| Happening::Check(at, good)),
        4 => which.clone().prop_map(Happening::Refusal),
        3 => (which.clone(), any::<bool>()).prop_map(|(at, somewhere)| Happening::Led(at, somewhere)),
        2 => which.clone().prop_map(Happening::Answer),
        4 => Just(Happening::Tick),
        1 => Just(Happening::Failover),
        1 => any::<bool>().prop_map(Happening::Failback),
        1 => which.clone().prop_map(Happening::Maintain),
        1 => which.prop_map(Happening::Resume),
    ];
    let pause = prop_oneof![0..50_u64, 100..2000_u64, 5000..60_000_u64];
    vec((pause.prop_map(Duration::from_millis), happening), 0..200)
}

/// One step of a history: what the pool was, what happened, what came of it.
pub(crate) struct Step<'a> {
    pub(crate) before: &'a Choice,
    pub(crate) happening: &'a Happening,
    pub(crate) changes: &'a Changes,
    pub(crate) after: &'a Choice,
    pub(crate) now: Instant,
}

impl Plan {
    pub(crate) fn members(&self) -> Vec<Vec<Member>> {
        let member = |tier, nth| Member::named(format!("{tier}-{nth}"));
        let tiers = self.tiers.iter().enumerate();
        let tier =
            |(tier, size): (usize, &usize)| (0..*size).map(|nth| member(tier, nth)).collect();
        tiers.map(tier).collect()
    }

    pub(crate) fn choice(&self, now: Instant) -> Choice {
        Choice::new(self.members(), self.policy.clone(), self.health, now)
    }

    /// Where nothing is checked, no check ends.
    fn possible(&self, happening: &Happening) -> Happening {
        match *happening {
            Happening::Check(at, true) if !self.health.is_checked => Happening::Answer(at),
            Happening::Check(at, false) if !self.health.is_checked => Happening::Refusal(at),
            _ => happening.clone(),
        }
    }

    /// Lets `history` happen, and shows each step to `look`.
    pub(crate) fn run(
        &self,
        history: &History,
        mut look: impl FnMut(Step<'_>),
    ) -> (Choice, Instant) {
        let mut now = Instant::now();
        let mut choice = self.choice(now);
        for (pause, happening) in history {
            now += *pause;
            let before = choice.clone();
            let happening = &self.possible(happening);
            let changes = happen(&mut choice, happening, now);
            look(Step {
                before: &before,
                happening,
                changes: &changes,
                after: &choice,
                now,
            });
        }
        (choice, now)
    }
}

pub(crate) fn happen(choice: &mut Choice, happening: &Happening, now: Instant) -> Changes {
    let all = choice.endpoints().len();
    let command = match *happening {
        Happening::Check(at, good) => {
            let endpoint = at % all;
            return choice.observe(Event::Checked { endpoint, good }, now);
        }
        Happening::Led(at, true) => {
            return choice.observe(Event::LedOn { endpoint: at % all }, now);
        }
        Happening::Led(at, false) => {
            return choice.observe(Event::LedNowhere { endpoint: at % all }, now);
        }
        Happening::Refusal(at) => {
            return choice.observe(Event::Refused { endpoint: at % all }, now);
        }
        Happening::Answer(at) => {
            return choice.observe(Event::Answered { endpoint: at % all }, now);
        }
        Happening::Tick => return choice.observe(Event::Tick, now),
        Happening::Failover => Command::Failover,
        Happening::Failback(force) => Command::Failback { force },
        Happening::Maintain(at) => Command::Maintain {
            endpoint: at % all,
            reason: ["patching", "a new disk"][at % 2].into(),
        },
        Happening::Resume(at) => Command::Resume { endpoint: at % all },
    };
    choice.command(&command, now).unwrap_or_default()
}

/// Whether a tier has an endpoint that is up, asked of the endpoints themselves.
pub(crate) fn has_one_up(choice: &Choice, tier: usize) -> bool {
    choice.tier(tier).iter().any(|it| it.state() == State::Up)
}
