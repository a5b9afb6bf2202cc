//! One login for many consumers: who gets what, and from whom.

use serde_json::Value;
use tempfile::TempDir;
use tests::config::{DESK, fan, secret};
use tests::consumer::{Consumer, Login, frame};
use tests::events::Events;
use tests::failover;
use tests::feed::{Feed, began};
use tests::process::until;
use tests::wire::End;

use crate::world::{BACKUP, PRIMARY, World};

/// Two feeds that let in nobody but the port, and a port with two consumers.
pub(crate) struct Fan {
    pub(crate) world: World,
    pub(crate) secrets: TempDir,
}

/// As [`Login::at`] logs in.
pub(crate) const USER: (&str, &str) = ("USER", "PASSWORD");
pub(crate) const OTHER: (&str, &str) = ("other", "secret");

impl Fan {
    /// Two feeds that stand at the same place, with these flags, and a port with these keys.
    pub(crate) fn new(flags: &[&str], keys: &str) -> Self {
        Self::after(flags, keys, |_| ())
    }

    /// The same, once something was done with the feeds.
    pub(crate) fn after(flags: &[&str], keys: &str, before: impl FnOnce(&[Feed; 2])) -> Self {
        let secrets = TempDir::new().unwrap();
        let desk = secret(secrets.path(), "desk", DESK);
        let (start, desk) = (began(10.0), format!("--password-file={desk}"));
        let own = [&*start, "--username=DESK01", &*desk];
        let rate: &[&str] = match flags.iter().any(|flag| flag.starts_with("--rate")) {
            true => &[],
            false => &["--rate=1000"],
        };
        let flags = [&own, rate, flags].concat();
        let feeds = [tests::feed!(&flags), tests::feed!(&flags)];
        before(&feeds);
        let addresses = feeds.each_ref().map(Feed::address);
        let config = fan(&addresses, keys, secrets.path(), &[USER, OTHER]);
        let port = failover!(config);
        let events = Events::of(&port);
        let world = World {
            feeds,
            port,
            events,
        };
        Self { world, secrets }
    }

    /// The one login, as operators see it.
    pub(crate) fn login(&self) -> Value {
        self.world.status()["feed"]["login"].clone()
    }

    /// Waits until there is a session.
    pub(crate) fn begun(self) -> Self {
        until("there is a session", || self.login()["history"].is_object());
        self
    }

    /// Who is logged in to a feed.
    fn clients(&self, feed: usize) -> Vec<Value> {
        self.world.feeds[feed].clients()
    }
}

#[test]
fn one_login_serves_consumers_at_any_place_and_its_failover_is_nothing_to_them() {
    let mut fan = Fan::new(&[], "").begun();
    let address = fan.world.address();
    let places = (0..20).map(|nth| 1 + nth * nth * 20);
    let consumers: Vec<_> = places.map(|place| Consumer::at(address, place)).collect();
    for victim in [PRIMARY, BACKUP] {
        for consumer in &consumers {
            consumer.await_more(200);
        }
        let clients = fan.clients(victim);
        assert_eq!(clients.len(), 1, "{clients:?}");
        assert_eq!(clients[0]["username"], "DESK01");
        assert_eq!(fan.world.feeds[victim].status()["logins"], 1);
        fan.world.feeds[victim].kill();
        for consumer in &consumers {
            consumer.await_more(500);
            consumer.assert_whole();
        }
        fan.world.feeds[victim].start_again();
        fan.world.await_state(victim, "up");
    }
    let joined = fan.world.events.nth("line_joined", 1);
    assert_eq!(
        (&joined["cause"], &joined["verified"]),
        (&"failover".into(), &true.into())
    );
    assert!(joined["consumer"].is_null(), "{joined}");
    assert_eq!(fan.world.joins("failover"), 2.0);
    assert_eq!(fan.world.status()["feed"]["consumers"], 20);
}

#[test]
fn what_is_older_than_the_history_comes_by_a_line_of_the_consumers_own() {
    let fan = Fan::new(&[], "history_messages = 1000").begun();
    let consumers = [1, 2000, 7000].map(|place| Consumer::at(fan.world.address(), place));
    let newest = fan.world.feeds[PRIMARY].newest();
    for consumer in &consumers {
        consumer.await_message(newest + 100);
        consumer.assert_whole();
    }
    until("their lines are left", || fan.clients(PRIMARY).len() == 1);
    assert_eq!(fan.login()["catching_up"], 0);
    let history = fan.login()["history"].clone();
    assert_eq!(history["messages"], 1000, "{history}");
    for consumer in &consumers {
        let shown = fan.world.shown(consumer);
        assert_eq!(
            (&shown["user"], &shown["catching_up"]),
            (&"USER".into(), &false.into())
        );
        consumer.await_more(100);
        consumer.assert_whole();
    }
}

#[test]
fn who_is_too_slow_is_cut_alone_and_comes_back_to_where_it_was() {
    let keys = "history_messages = 20000\nstall = \"60s\"";
    let fan = Fan::new(&["--rate=20000"], keys).begun();
    let slow = fan.world.consumer();
    let quick = fan.world.consumer();
    slow.read_nothing();
    let ended = fan.world.ended();
    assert_eq!(ended, ("client".to_owned(), "lagged".to_owned()));
    slow.read_on();
    let gone = slow.gone();
    assert_eq!((gone.end, gone.ends_of_session), (End::Reset, 0));
    let back = Consumer::at(fan.world.address(), gone.next.unwrap());
    back.await_more(5000);
    back.assert_whole();
    quick.await_more(1000);
    quick.assert_whole();
}

#[test]
fn who_takes_nothing_is_cut_when_its_time_is_over() {
    let fan = Fan::new(&["--rate=30000"], "stall = \"1s\"").begun();
    let (stuck, quick) = (fan.world.consumer(), fan.world.consumer());
    stuck.read_nothing();
    let ended = fan.world.ended();
    assert_eq!(ended, ("timeout".to_owned(), "stalled".to_owned()));
    quick.await_more(1000);
    quick.assert_whole();
}

#[test]
fn what_consumers_send_is_dropped_and_counted() {
    let fan = Fan::new(&[], "").begun();
    let consumer = fan.world.consumer();
    consumer.send(&frame(b'U', b"an order"));
    let dropped = fan.world.events.nth("unsequenced_dropped", 0);
    assert_eq!(dropped["reason"], "1, since one login serves many");
    assert_eq!(dropped["consumer"], consumer.address().to_string());
    assert_eq!(fan.world.metric("unsequenced_dropped_total", ""), 1.0);
    consumer.await_more(100);
    consumer.assert_whole();
}

#[test]
fn what_has_no_number_goes_to_those_who_are_there_and_may_have_it() {
    let fan = Fan::new(&[], "").begun();
    let old = fan.world.consumer();
    let new = fan.world.login(&Login {
        timeout: Some(5000),
        ..Login::at(0)
    });
    new.accepted();
    for order in ["unsequenced hello", "debug text"] {
        assert_eq!(fan.world.feeds[PRIMARY].order(order), 1);
    }
    until("both came", || new.unnumbered().len() == 2);
    assert_eq!(new.unnumbered(), [b"Uhello".to_vec(), b"+text".to_vec()]);
    until("it came", || !old.unnumbered().is_empty());
    assert_eq!(old.unnumbered(), [b"+text".to_vec()]);
    // It is no history.
    let late = fan.world.login(&Login {
        timeout: Some(5000),
        ..Login::at(1)
    });
    late.await_message(fan.world.feeds[PRIMARY].newest());
    assert!(late.unnumbered().is_empty());
}
