//! What becomes of a search when checks see a target come up.

use super::super::*;
use super::rig::{MS, Rig, SECOND};
use crate::soupbin::packet::Reject;

/// A consumer with a line to target 1 that is not in need of another.
fn served(standby: Standby) -> (Rig, LineId) {
    let options = JoinOptions {
        standby,
        ..JoinOptions::default()
    };
    Rig::joined(options, 1, &["message"])
}

/// A consumer that has no line, and waits for one for longer than most.
fn waiting() -> (Rig, LineId) {
    let options = JoinOptions {
        max_outage: 600 * SECOND,
        consumer_silence: 600 * SECOND,
        ..JoinOptions::default()
    };
    Rig::joined(options, 1, &["message"])
}

impl Rig {
    fn up(&mut self, target: u32) {
        self.join.target_up(TargetId(target), self.now);
        self.act();
    }

    /// Lets time go by in which the line that there is lives; targets other than 1 are dialled as soon as
    /// that is wanted, and refuse. How often.
    fn refused(&mut self, line: Option<LineId>, time: Duration) -> u32 {
        let (end, mut dials) = (self.now + time, 0);
        while self.now < end {
            while let Some(but) = self.wanted() {
                match but.contains(&2) {
                    true => self.nobody(),
                    false => {
                        self.refuse(2);
                        dials += 1;
                    }
                }
            }
            self.pass(10 * MS);
            if let Some(line) = line {
                self.says(line, &Packet::ServerHeartbeat);
            }
            self.consumer_sends(&Packet::ClientHeartbeat);
        }
        dials
    }

    /// As [`refused`](Self::refused), until target 2 rests for more than a second yet.
    fn tired(&mut self, line: Option<LineId>) {
        loop {
            self.refused(line, 10 * MS);
            let rests = self.join.targets.get(TargetId(2)).retry_at;
            if rests.is_some_and(|until| until > self.now + SECOND) {
                return;
            }
        }
    }
}

#[test]
fn a_standby_that_is_back_is_dialled_at_once() {
    let (mut rig, first) = served(Standby::Hot);
    rig.tired(Some(first));
    rig.up(2);
    // Of many consumers each in its turn.
    rig.pass(50 * MS);
    let second = rig.open(2);
    rig.accept(second, "S", 1);
    rig.messages(second, &["message"]);
    let standing = |it: &JoinEvent| {
        matches!(
            it,
            JoinEvent::StandingBy {
                target: TargetId(2),
                ..
            }
        )
    };
    assert!(rig.events.iter().any(standing));
}

/// The pool leaves out what is in maintenance.
#[test]
fn one_that_nobody_knew_of_is_dialled_at_once() {
    let (mut rig, _) = served(Standby::Hot);
    rig.nobody();
    assert_eq!(rig.wanted(), None);
    rig.pass(100 * MS);
    assert_eq!(rig.wanted(), None);
    rig.up(2);
    rig.pass(50 * MS);
    assert_eq!(rig.wanted(), Some(vec![1]));
}

#[test]
fn a_consumer_that_waits_is_carried_on_at_once() {
    let (mut rig, first) = waiting();
    rig.fail(first, LineFault::Closed);
    rig.refuse(2);
    rig.tired(None);
    rig.up(2);
    let second = rig.open(2);
    rig.accept(second, "S", 1);
    rig.messages(second, &["message"]);
    assert_eq!(rig.target(), Some(2));
}

#[test]
fn one_that_is_served_and_wants_no_other_stays_as_it_is() {
    let (mut rig, first) = served(Standby::Cold);
    rig.up(2);
    rig.pass(SECOND);
    assert_eq!(rig.wanted(), None);
    rig.says(first, &Packet::ServerHeartbeat);
    rig.up(1);
    rig.pass(SECOND);
    assert_eq!((rig.wanted(), rig.target()), (None, Some(1)));
}

/// A failure is followed by a rest as long as if nobody had called.
#[test]
fn checks_that_flap_bring_one_login_a_second_at_most() {
    for is_served in [true, false] {
        let dials = [false, true].map(|is_flapping| {
            let (mut rig, first) = match is_served {
                true => served(Standby::Hot),
                false => waiting(),
            };
            let line = is_served.then_some(first);
            if !is_served {
                rig.fail(first, LineFault::Closed);
            }
            rig.tired(line);
            let mut dials = 0;
            for _ in 0..6000 {
                if is_flapping {
                    rig.up(2);
                }
                dials += rig.refused(line, 10 * MS);
            }
            dials
        });
        let [alone, woken] = dials;
        assert!((50..=alone + 61).contains(&woken), "{alone}, {woken}");
    }
}

#[test]
fn who_is_locked_out_or_has_diverged_stays_so() {
    let (mut rig, first) = served(Standby::Hot);
    let second = rig.open(2);
    rig.reject(second, Reject::NotAuthorized);
    rig.up(2);
    assert_eq!(rig.refused(Some(first), 5 * SECOND), 0);

    let (mut rig, first) = served(Standby::Hot);
    let second = rig.open(2);
    rig.accept(second, "S", 1);
    rig.messages(second, &["another"]);
    assert_eq!(rig.join.status(rig.now).diverged, [(TargetId(2), 1)]);
    rig.up(2);
    assert_eq!(rig.refused(Some(first), 5 * SECOND), 0);
}

/// What is preferred is tried at once, and nobody else is in its place.
#[test]
fn a_target_that_is_preferred_is_dialled_once_it_is_back() {
    let (mut rig, first) = served(Standby::Cold);
    rig.join.prefer_another(rig.now);
    rig.act();
    rig.tired(Some(first));
    rig.up(3);
    rig.pass(50 * MS);
    assert_eq!(rig.wanted(), None);
    rig.up(2);
    rig.pass(50 * MS);
    let second = rig.open(2);
    rig.accept(second, "S", 1);
    rig.messages(second, &["message"]);
    assert_eq!(
        (rig.target(), rig.last_joined().why),
        (Some(2), Why::Preferred)
    );
}
