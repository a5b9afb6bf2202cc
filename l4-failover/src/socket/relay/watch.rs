//! Silence, and regular looks: one lazily armed timer per relay.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The time between two looks at what no event tells. Longer than any round trip, so that the
/// ordinary backpressure of bulk is over before a look finds it twice.
const LOOK: Duration = Duration::from_secs(1);

/// What a relay wants to be told of. One that wants neither owns no timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// That nothing has moved for this long.
    pub(super) silence: Option<Duration>,
    /// That it is time for a look.
    pub(super) look: bool,
}

/// What has come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Silence,
    Look,
}

/// Tells what is wanted when it is due.
#[derive(Debug, Default)]
pub(super) struct Watch(Option<Box<Armed>>);

#[derive(Debug)]
struct Armed {
    /// The relay's count of steps when it last moved, and when that was.
    steps: u32,
    moved: Instant,
    looked: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Watch {
    /// Ready when something wanted is due; silence is counted from the arming at the earliest.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, steps: u32, wanted: Wanted) -> Poll<Due> {
        if wanted.silence.is_none() && !wanted.look {
            self.0 = None;
            return Poll::Pending;
        }
        let armed = self.0.get_or_insert_with(|| Box::new(Armed::new(steps)));
        if armed.steps != steps {
            (armed.steps, armed.moved) = (steps, Instant::now());
        }
        armed.poll(cx, wanted)
    }
}

impl Armed {
    fn new(steps: u32) -> Self {
        let now = Instant::now();
        Self {
            steps,
            moved: now,
            looked: now,
            timer: Box::pin(sleep_until(now + LOOK)),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, wanted: Wanted) -> Poll<Due> {
        let (due, what) = self.next(wanted);
        // A timer that is due too early is moved when it fires, not with every byte.
        if self.timer.deadline() > due {
            self.timer.as_mut().reset(due);
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            if self.timer.deadline() >= due {
                break;
            }
            self.timer.as_mut().reset(due);
        }
        if what == Due::Look {
            self.looked = Instant::now();
        }
        Poll::Ready(what)
    }

    fn next(&self, wanted: Wanted) -> (Instant, Due) {
        let silence = wanted
            .silence
            .map(|limit| (self.moved + limit, Due::Silence));
        let look = wanted.look.then_some((self.looked + LOOK, Due::Look));
        let next = [silence, look].into_iter().flatten();
        // One of them is wanted.
        next.min_by_key(|(due, _)| *due)
            .unwrap_or((self.looked + LOOK, Due::Look))
    }
}
