//! When checks are made, in a time that stands still but for the sleeping.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::ask::{Asked, Outcome};
use super::{Checker, Probe, Subject, Verdict, Watch};
use crate::pool::Addresses;

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

/// Endpoints that answer after a while, and remember when they were asked.
#[derive(Clone)]
struct Endpoints(Arc<Record>);

struct Record {
    origin: Instant,
    answer: fn() -> Outcome,
    delay: Duration,
    /// The port that was asked, and when.
    asked: Mutex<Vec<(u16, Duration)>>,
    addresses: Mutex<Vec<Arc<Addresses>>>,
    under_way: AtomicUsize,
    under_way_max: AtomicUsize,
}

impl Endpoints {
    fn answering_after(delay: Duration) -> Self {
        Self::answering(|| Outcome::Verdict(Ok(())), delay)
    }

    fn answering(answer: fn() -> Outcome, delay: Duration) -> Self {
        Self(Arc::new(Record {
            origin: Instant::now(),
            answer,
            delay,
            asked: Mutex::default(),
            addresses: Mutex::default(),
            under_way: AtomicUsize::new(0),
            under_way_max: AtomicUsize::new(0),
        }))
    }

    fn checker(&self) -> Checker {
        let record = Arc::clone(&self.0);
        Checker::asking(Box::new(move |subject| {
            Box::pin(Arc::clone(&record).ask(subject))
        }))
    }

    /// When the endpoint at this port was asked.
    fn asked(&self, port: u16) -> Vec<Duration> {
        let asked = self.0.asked.lock().unwrap();
        let of_port = asked.iter().filter(|(it, _)| *it == port);
        of_port.map(|(_, at)| *at).collect()
    }

    fn all_asked(&self) -> Vec<Duration> {
        let asked = self.0.asked.lock().unwrap();
        asked.iter().map(|(_, at)| *at).collect()
    }

    /// Until this time, counted from the start.
    async fn until(&self, at: Duration) {
        sleep_until(self.0.origin + at).await;
    }
}

impl Record {
    async fn ask(self: Arc<Self>, subject: Subject) -> Asked {
        let at = self.origin.elapsed();
        self.asked.lock().unwrap().push((subject.target.port, at));
        self.addresses.lock().unwrap().push(subject.addresses);
        let under_way = self.under_way.fetch_add(1, SeqCst) + 1;
        self.under_way_max.fetch_max(under_way, SeqCst);
        sleep(self.delay).await;
        self.under_way.fetch_sub(1, SeqCst);
        Asked {
            outcome: (self.answer)(),
            line: None,
        }
    }
}

fn subject(port: u16) -> Subject {
    at(&format!("127.0.0.1:{port}"))
}

/// Every 5 s, in doubt every second.
fn at(target: &str) -> Subject {
    let target = target.parse().unwrap();
    Subject {
        addresses: Arc::new(Addresses::new(&target)),
        target,
        probe: Probe::Tcp,
        tls: None,
        port: None,
        proxy: false,
        interval: 5 * S,
        fast_interval: S,
        timeout: S,
    }
}

type Heard = Arc<Mutex<Vec<Verdict>>>;

/// What an observer hears.
fn ear() -> (Heard, impl Fn(&Verdict) + Send + Sync + 'static) {
    let heard = Heard::default();
    let kept = Arc::clone(&heard);
    let observer = move |verdict: &Verdict| kept.lock().unwrap().push(verdict.clone());
    (heard, observer)
}

fn watch_all(checker: &Checker, ports: impl Iterator<Item = u16>) -> Vec<Watch> {
    let watch = |port| checker.watch(subject(port), |_| ());
    ports.map(watch).collect()
}

/// The distances between starts.
fn gaps(asked: &[Duration]) -> Vec<Duration> {
    asked.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// A timer's millisecond either way.
fn is_about(gap: Duration, wanted: Duration) -> bool {
    gap.abs_diff(wanted) <= 2 * MS
}

/// The most starts within any 100 ms of this time.
fn busiest(asked: &[Duration], from: Duration, to: Duration) -> usize {
    let mut buckets = HashMap::<_, usize>::new();
    for at in asked.iter().filter(|at| (from..to).contains(*at)) {
        *buckets.entry(at.as_millis() / 100).or_default() += 1;
    }
    buckets.into_values().max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn a_thousand_subjects_are_checked_evenly_from_the_first_second_on() {
    let endpoints = Endpoints::answering_after(Duration::ZERO);
    let checker = endpoints.checker();
    let _watches = watch_all(&checker, 1..=1000);
    endpoints.until(30 * S).await;
    let asked = endpoints.all_asked();
    let within = |from: Duration, to: Duration| {
        let asked = asked.iter().filter(|at| (from..to).contains(*at));
        asked.count()
    };
    assert_eq!(within(Duration::ZERO, S + 2 * MS), 1000, "first checks");
    assert!(busiest(&asked, Duration::ZERO, 2 * S) < 2 * 100);
    // Between first and second checks too.
    assert!(busiest(&asked, 2 * S, 30 * S) < 3 * 20);
    assert!((4990..=5010).contains(&within(5 * S, 30 * S)));
    for port in 1..=1000 {
        let gaps = gaps(&endpoints.asked(port));
        let (first, steady) = gaps.split_first().unwrap();
        assert!((5 * S / 2 - 2 * MS..15 * S / 2).contains(first));
        assert!(steady.iter().all(|gap| is_about(*gap, 5 * S)), "{gaps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn out_of_a_doubt_that_all_fell_into_at_once_they_come_evenly() {
    let endpoints = Endpoints::answering_after(Duration::ZERO);
    let checker = endpoints.checker();
    let watches = watch_all(&checker, 1..=1000);
    endpoints.until(20 * S).await;
    watches.iter().for_each(|watch| watch.doubt(true));
    endpoints.until(25 * S).await;
    watches.iter().for_each(|watch| watch.doubt(false));
    endpoints.until(60 * S).await;
    let asked = endpoints.all_asked();
    assert!(busiest(&asked, 25 * S + 100 * MS, 60 * S) < 3 * 20);
}

#[tokio::test(start_paused = true)]
async fn watches_of_one_thing_share_its_checks_at_the_shortest_interval() {
    let endpoints = Endpoints::answering_after(10 * MS);
    let checker = endpoints.checker();
    let ((one, tell_one), (other, tell_other)) = (ear(), ear());
    let _slow = checker.watch(subject(1), tell_one);
    let fast = Subject {
        interval: 2 * S,
        ..subject(1)
    };
    let fast = checker.watch(fast, tell_other);
    endpoints.until(20 * S).await;
    let asked = endpoints.asked(1);
    let steady = &gaps(&asked)[1..];
    assert!(steady.iter().all(|gap| is_about(*gap, 2 * S)), "{steady:?}");
    assert_eq!(other.lock().unwrap().len(), asked.len());
    // Every second one is soon enough after the last for the slower of them.
    let slow = one.lock().unwrap().len();
    assert!(
        (asked.len() / 3..=asked.len() / 2 + 1).contains(&slow),
        "{slow}"
    );

    drop(fast);
    endpoints.until(60 * S).await;
    let later = gaps(&endpoints.asked(1)[asked.len() + 1..]);
    assert!(later.len() > 5 && later.iter().all(|gap| is_about(*gap, 5 * S)));
    assert_eq!(other.lock().unwrap().len(), asked.len(), "it has left");
}

#[tokio::test(start_paused = true)]
async fn what_differs_in_what_it_asks_is_not_shared() {
    let endpoints = Endpoints::answering_after(Duration::ZERO);
    let checker = endpoints.checker();
    let patient = Subject {
        timeout: 2 * S,
        ..subject(1)
    };
    let elsewhere = Subject {
        port: Some(2),
        ..subject(1)
    };
    let own_port = Subject {
        port: Some(1),
        ..subject(1)
    };
    let watch = |subject| checker.watch(subject, |_| ());
    let _three = [subject(1), patient, elsewhere, own_port].map(watch);
    endpoints.until(S + 2 * MS).await;
    assert_eq!(endpoints.asked(1).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn anybody_s_doubt_makes_it_fast() {
    let endpoints = Endpoints::answering_after(Duration::ZERO);
    let checker = endpoints.checker();
    let calm = checker.watch(subject(1), |_| ());
    let doubting = checker.watch(subject(1), |_| ());
    endpoints.until(20 * S).await;
    let before = endpoints.asked(1).len();

    doubting.doubt(true);
    calm.doubt(false);
    endpoints.until(25 * S + 10 * MS).await;
    let fast = endpoints.asked(1).split_off(before);
    assert!(fast.len() >= 5, "{fast:?}");
    assert!(fast[0] <= 21 * S + 2 * MS);
    assert!(gaps(&fast).iter().all(|gap| is_about(*gap, S)), "{fast:?}");

    drop(doubting);
    endpoints.until(60 * S).await;
    let slow = gaps(&endpoints.asked(1).split_off(before + fast.len() + 1));
    assert!(slow.len() >= 4 && slow.iter().all(|gap| is_about(*gap, 5 * S)));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_is_wanted_now_is_made_once() {
    let endpoints = Endpoints::answering_after(500 * MS);
    let checker = endpoints.checker();
    let watch = checker.watch(subject(1), |_| ());
    // Of a new subject too.
    watch.now();
    sleep(MS).await;
    assert_eq!(endpoints.asked(1), [Duration::ZERO]);

    // One is running; then one has just been.
    watch.now();
    sleep(900 * MS).await;
    watch.now();
    sleep(99 * MS).await;
    assert_eq!(endpoints.asked(1).len(), 1);

    sleep(10 * MS).await;
    watch.now();
    watch.now();
    sleep(10 * MS).await;
    watch.now();
    sleep(S).await;
    assert_eq!(endpoints.asked(1), [Duration::ZERO, 1010 * MS]);

    // What was due anyway does not follow at once, and keeps its place.
    endpoints.until(20 * S).await;
    let gaps = gaps(&endpoints.asked(1)[1..]);
    assert!(gaps[0] >= 5 * S / 2 && gaps[0] < 15 * S / 2, "{gaps:?}");
    assert!(gaps[1..].iter().all(|gap| is_about(*gap, 5 * S)));
}

/// When 200 subjects are asked while `reload` happens to their watches at 12 s.
async fn through(reload: impl FnOnce(&Checker, Vec<Watch>) -> Vec<Watch>) -> Vec<Vec<Duration>> {
    let endpoints = Endpoints::answering_after(Duration::ZERO);
    let checker = endpoints.checker();
    let watches = watch_all(&checker, 1..=200);
    endpoints.until(12 * S).await;
    let _watches = reload(&checker, watches);
    endpoints.until(30 * S).await;
    (1..=200).map(|port| endpoints.asked(port)).collect()
}

#[tokio::test(start_paused = true)]
async fn no_check_notices_that_watches_are_made_anew() {
    let undisturbed = through(|_, watches| watches).await;
    let dropped_first = through(|checker, watches| {
        drop(watches);
        watch_all(checker, 1..=200)
    });
    let made_first = through(|checker, watches| {
        let new = watch_all(checker, 1..=200);
        drop(watches);
        new
    });
    let same = |these: Vec<Vec<Duration>>| {
        let both = these.iter().flatten().zip(undisturbed.iter().flatten());
        these
            .iter()
            .map(Vec::len)
            .eq(undisturbed.iter().map(Vec::len))
            && { both }.all(|(this, that)| is_about(*this, *that))
    };
    assert!(same(dropped_first.await));
    assert!(same(made_first.await));
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_within_the_grace_makes_up_for_nothing() {
    let endpoints = Endpoints::answering_after(Duration::ZERO);
    let checker = endpoints.checker();
    drop(watch_all(&checker, 1..=1000));
    let watches = watch_all(&checker, 1..=1000);
    endpoints.until(20 * S).await;
    drop(watches);
    // Nearly every subject would have been asked once meanwhile.
    endpoints.until(24 * S + 900 * MS).await;
    assert!(endpoints.all_asked().iter().all(|at| *at < 20 * S + 2 * MS));
    let _watches = watch_all(&checker, 1..=1000);
    endpoints.until(60 * S).await;
    assert!(busiest(&endpoints.all_asked(), 24 * S, 60 * S) < 3 * 20);
}

#[tokio::test(start_paused = true)]
async fn a_shorter_interval_for_all_at_once_is_no_burst() {
    let endpoints = Endpoints::answering_after(Duration::ZERO);
    let checker = endpoints.checker();
    let slow = |port| Subject {
        interval: 60 * S,
        ..subject(port)
    };
    let watch = |port| checker.watch(slow(port), |_| ());
    let slow: Vec<_> = (1..=1000).map(watch).collect();
    endpoints.until(200 * S).await;
    let _fast = watch_all(&checker, 1..=1000);
    drop(slow);
    endpoints.until(230 * S).await;
    assert!(busiest(&endpoints.all_asked(), 200 * S, 230 * S) < 3 * 20);
}

#[tokio::test(start_paused = true)]
async fn few_are_asked_at_once_and_waiting_is_not_their_time() {
    let endpoints = Endpoints::answering_after(S);
    let checker = endpoints.checker();
    let heard: Vec<_> = (1..=300)
        .map(|port| {
            let (heard, tell) = ear();
            (heard, checker.watch(subject(port), tell))
        })
        .collect();
    endpoints.until(12 * S).await;
    assert_eq!(endpoints.0.under_way_max.load(SeqCst), 64);
    for (heard, _watch) in &heard {
        let heard = heard.lock().unwrap();
        assert!(!heard.is_empty());
        assert!(heard.iter().all(|verdict| is_about(verdict.took, S)));
    }
}

#[tokio::test(start_paused = true)]
async fn checks_of_one_subject_never_overlap_and_late_ones_are_left_out() {
    let endpoints = Endpoints::answering_after(12 * S);
    let checker = endpoints.checker();
    let watch = checker.watch(subject(1), |_| ());
    for _ in 0..100 {
        sleep(S).await;
        watch.now();
    }
    assert_eq!(endpoints.0.under_way_max.load(SeqCst), 1);
    let gaps = gaps(&endpoints.asked(1));
    assert!(gaps.iter().all(|gap| *gap >= 12 * S), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn with_its_last_watch_a_series_ends() {
    let endpoints = Endpoints::answering_after(Duration::ZERO);
    let checker = endpoints.checker();
    let (one, other) = (watch_all(&checker, 1..=9), watch_all(&checker, 1..=9));
    endpoints.until(7 * S).await;
    drop(one);
    endpoints.until(20 * S).await;
    assert_eq!(checker.series(), 9);
    drop(other);
    let asked = endpoints.all_asked().len();
    endpoints.until(26 * S).await;
    assert_eq!(checker.series(), 0);
    assert_eq!(endpoints.all_asked().len(), asked);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_where_dials_decide() {
    let endpoints = Endpoints::answering_after(Duration::ZERO);
    let none = Subject {
        probe: Probe::None,
        ..subject(1)
    };
    let watch = endpoints.checker().watch(none, |_| ());
    watch.now();
    watch.doubt(true);
    endpoints.until(20 * S).await;
    assert!(endpoints.all_asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_this_process_lacks_is_no_verdict() {
    let endpoints = Endpoints::answering(
        || Outcome::NotAsked("no descriptors".to_owned()),
        Duration::ZERO,
    );
    let (heard, tell) = ear();
    let _watch = endpoints.checker().watch(subject(1), tell);
    endpoints.until(20 * S).await;
    assert!(endpoints.asked(1).len() >= 4);
    assert!(heard.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_newest_watcher_s_addresses_are_asked_once_they_are_known() {
    let endpoints = Endpoints::answering_after(Duration::ZERO);
    let checker = endpoints.checker();
    let (old, new) = (at("feed.example:1"), at("feed.example:1"));
    let cells = [&old, &new].map(|it| Arc::clone(&it.addresses));
    cells[0].set(&["127.0.0.1:1".parse().unwrap()]);
    let _watches = [old, new].map(|subject| checker.watch(subject, |_| ()));
    endpoints.until(2 * S).await;
    cells[1].set(&["127.0.0.1:1".parse().unwrap()]);
    endpoints.until(10 * S).await;
    let used = endpoints.0.addresses.lock().unwrap();
    assert!(Arc::ptr_eq(used.first().unwrap(), &cells[0]));
    assert!(Arc::ptr_eq(used.last().unwrap(), &cells[1]));
}

#[tokio::test(start_paused = true)]
async fn an_observer_may_use_its_watch() {
    let endpoints = Endpoints::answering(|| Outcome::Verdict(Err("down".into())), Duration::ZERO);
    let watch = Arc::new(std::sync::OnceLock::<Watch>::new());
    let own = Arc::downgrade(&watch);
    let doubting = move |verdict: &Verdict| {
        let own = own.upgrade().unwrap();
        own.get().unwrap().doubt(verdict.result.is_err());
    };
    let made = endpoints.checker().watch(subject(1), doubting);
    watch.set(made).unwrap();
    endpoints.until(10 * S).await;
    assert!(endpoints.asked(1).len() >= 9);
}

#[tokio::test(start_paused = true)]
async fn an_observer_may_hold_the_last_of_another_watch() {
    let endpoints = Endpoints::answering_after(Duration::ZERO);
    let checker = endpoints.checker();
    let held = checker.watch(subject(1), |_| ());
    let holder = checker.watch(subject(1), move |_| _ = &held);
    endpoints.until(10 * S).await;
    drop(holder);
    endpoints.until(20 * S).await;
    assert_eq!(checker.series(), 0);
}
