//! The ledger against a token bucket written down as one learns it, over random histories.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::ledger::{Ledger, TooMany};
use super::{Rate, SOURCES_RESTING_MAX, Source, SourceLimits, Sources};

/// What happens, to one source of a few.
#[derive(Clone, Copy, Debug)]
enum Step {
    Open(u8),
    Close(u8),
    Wait(Duration),
}

/// The limits, in numbers.
#[derive(Clone, Copy, Debug)]
struct Given {
    connections: u32,
    per_second: u32,
    burst: u32,
}

/// A source as it is on paper.
#[derive(Clone, Copy)]
struct Bucket {
    connections: u32,
    /// What is left in the bucket, in nanoseconds of filling.
    left: Duration,
    looked_at: Instant,
}

impl Given {
    fn limits(self) -> SourceLimits {
        let [connections, per_second, burst] =
            [self.connections, self.per_second, self.burst].map(|it| NonZeroU32::new(it).unwrap());
        SourceLimits {
            connections: Some(connections),
            rate: Some(Rate::new(per_second, burst)),
            ipv6_prefix: 64,
            ..SourceLimits::default()
        }
    }

    fn price(self) -> Duration {
        Duration::from_secs(1) / self.per_second
    }

    fn rested(self) -> Duration {
        self.price() * self.burst
    }

    fn admits(self, bucket: &mut Bucket, now: Instant) -> Result<(), TooMany> {
        let filled = bucket.left + now.duration_since(bucket.looked_at);
        (bucket.left, bucket.looked_at) = (filled.min(self.rested()), now);
        if bucket.connections >= self.connections {
            return Err(TooMany::Connections);
        }
        bucket.left = bucket.left.checked_sub(self.price()).ok_or(TooMany::New)?;
        bucket.connections += 1;
        Ok(())
    }
}

fn given() -> impl Strategy<Value = Given> {
    // Divisors of a second, so that paper and ledger round alike.
    let rates = select(vec![1, 2, 5, 10, 100, 1000]);
    (1..6_u32, rates, 1..6_u32).prop_map(|(connections, per_second, burst)| Given {
        connections,
        per_second,
        burst,
    })
}

fn steps(sources: u8) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..sources).prop_map(Step::Open),
        3 => (0..sources).prop_map(Step::Close),
        2 => (0..2000_u64).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
    ];
    vec(step, 1..200)
}

fn source(number: u8) -> Source {
    Source::of([192, 0, 2, number].into(), 64)
}

/// Lets `steps` happen to a ledger and on paper; `agree` is given the two verdicts.
fn follow(
    given: Given,
    resting_max: usize,
    steps: &[Step],
    mut agree: impl FnMut(Result<(), TooMany>, Result<(), TooMany>),
) {
    let (start, limits) = (Instant::now(), given.limits());
    let (mut now, mut ledger, mut paper) = (start, Ledger::new(resting_max), HashMap::new());
    for step in steps {
        match *step {
            Step::Wait(time) => now += time,
            Step::Open(number) => {
                let bucket = paper.entry(number).or_insert(Bucket {
                    connections: 0,
                    left: given.rested(),
                    looked_at: start,
                });
                let before = *bucket;
                let verdict = ledger.admit(source(number), &limits, now);
                agree(verdict, given.admits(bucket, now));
                if verdict.is_ok() && bucket.connections == before.connections {
                    // Forgotten too soon: it is connected all the same.
                    bucket.connections += 1;
                }
            }
            Step::Close(number) => {
                let bucket = paper.get_mut(&number).filter(|it| it.connections > 0);
                if let Some(bucket) = bucket {
                    bucket.connections -= 1;
                    ledger.leave(source(number), now);
                }
            }
        }
        let present = paper.values().filter(|it| it.connections > 0).count();
        assert!(ledger.len() <= present + resting_max);
    }
    for (number, bucket) in paper {
        (0..bucket.connections).for_each(|_| ledger.leave(source(number), now));
    }
    ledger.tidy(now + given.rested() * 2);
    assert_eq!(ledger.len(), 0, "who has rested is forgotten");
}

proptest! {
    #[test]
    fn each_source_gets_what_a_token_bucket_gives(given in given(), steps in steps(4)) {
        follow(given, 8, &steps, |ledger, paper| assert_eq!(ledger, paper));
    }

    #[test]
    fn where_memory_is_short_nobody_is_refused_for_it(given in given(), steps in steps(40)) {
        follow(given, 4, &steps, |ledger, paper| {
            // The count of connections is exact, however many there are.
            let is_counted = (ledger == Err(TooMany::Connections)) == (paper == Err(TooMany::Connections));
            assert!(is_counted && (ledger.is_ok() || paper.is_err()), "{ledger:?} {paper:?}");
        });
    }
}

#[test]
fn a_flood_of_sources_is_bounded_and_does_not_keep_out_others() {
    let (sources, start) = (Arc::new(Sources::new()), Instant::now());
    let once_an_hour = Rate::new(NonZeroU32::MIN, NonZeroU32::new(3600).unwrap());
    let limits = SourceLimits {
        rate: Some(once_an_hour),
        ipv6_prefix: 128,
        ..SourceLimits::default()
    };
    for number in 0..3 * SOURCES_RESTING_MAX as u128 {
        let client = std::net::Ipv6Addr::from_bits(number << 32).into();
        assert!(sources.admit(client, &limits, start).is_ok());
    }
    assert!(sources.len() <= SOURCES_RESTING_MAX);
    assert!(sources.admit([192, 0, 2, 1].into(), &limits, start).is_ok());
    sources.tidy(start + Duration::from_secs(7200));
    assert!(sources.is_empty());
}

#[test]
fn what_is_not_limited_does_not_count() {
    let sources = Arc::new(Sources::new());
    let client = [192, 0, 2, 1].into();
    let stay = sources.admit(client, &SourceLimits::default(), Instant::now());
    assert!(stay.unwrap().is_none() && sources.is_empty());
}

#[test]
fn an_exempt_network_does_not_count() {
    let sources = Arc::new(Sources::new());
    let limits = SourceLimits {
        connections: Some(NonZeroU32::MIN),
        exempt: ["192.0.2.0/24".parse().unwrap()].into_iter().collect(),
        ipv6_prefix: 64,
        ..SourceLimits::default()
    };
    let admit = |client: &str| sources.admit(client.parse().unwrap(), &limits, Instant::now());
    assert!(admit("192.0.2.1").unwrap().is_none());
    assert!(admit("::ffff:192.0.2.1").unwrap().is_none());
    let stay = admit("198.51.100.1").unwrap();
    assert!(stay.is_some() && admit("198.51.100.1").is_err());
    drop(stay);
    assert!(admit("198.51.100.1").is_ok());
}

#[test]
fn workers_that_come_and_go_at_once_are_all_counted() {
    const WORKERS: usize = 4;
    let sources = Arc::new(Sources::new());
    let limits = SourceLimits {
        connections: NonZeroU32::new(WORKERS as u32),
        ipv6_prefix: 64,
        ..SourceLimits::default()
    };
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                for number in 0..10_000_u32 {
                    let client = [10, 0, 0, (number % 3) as u8].into();
                    let stay = sources.admit(client, &limits, Instant::now());
                    assert!(stay.is_ok_and(|stay| stay.is_some()));
                }
            });
        }
    });
    assert!(sources.is_empty());
}
