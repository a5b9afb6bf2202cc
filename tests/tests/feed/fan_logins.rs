//! What a login is answered where one serves many.

use std::time::{Duration, Instant};

use tests::consumer::{Consumer, Login};
use tests::process::until;
use tests::wire::End;

use crate::fan::{Fan, OTHER, USER};
use crate::world::PRIMARY;

/// The login is rejected so, and the connection ends with FIN; within this time.
fn rejected(consumer: &Consumer, reason: char) -> Duration {
    let since = Instant::now();
    let gone = consumer.gone();
    assert_eq!((gone.rejected, gone.end), (Some(reason), End::Fin));
    assert!(gone.heartbeats.is_empty() && gone.tally.messages == 0);
    since.elapsed()
}

fn login(username: &str, password: &str) -> Login {
    Login {
        username: username.to_owned(),
        password: password.to_owned(),
        ..Login::at(0)
    }
}

#[test]
fn only_those_of_the_file_are_let_in_whatever_the_exchange_says() {
    let fan = Fan::new(&[], "").begun();
    for (username, password) in [
        ("USER", "wrong"),
        ("nobody", "PASSWORD"),
        ("DESK01", "EXCHANGE"),
    ] {
        rejected(&fan.world.login(&login(username, password)), 'A');
    }
    for (username, password) in [("user", "Password"), OTHER] {
        let consumer = fan.world.login(&login(username, password));
        consumer.accepted();
        consumer.await_more(10);
        consumer.assert_whole();
    }
    let ended = fan.world.port.ended(3);
    let words = (ended[0]["cause"].as_str(), ended[0]["reason"].as_str());
    assert_eq!(words, (Some("policy"), Some("not_authorized")));
    assert_eq!(fan.world.feeds[PRIMARY].status()["logins"], 1);
    // Nothing of the passwords is said anywhere.
    let dump = fan.world.port.get("/config_dump").body;
    let said = fan.world.port.lines().concat() + &dump;
    for secret in ["EXCHANGE", "PASSWORD", "secret\""] {
        assert!(!said.contains(secret), "{secret}");
    }
}

#[test]
fn zero_is_the_newest_message_and_what_comes_next_is_waited_for() {
    let fan = Fan::new(&[], "").begun();
    let before = fan.world.feeds[PRIMARY].newest();
    let consumer = fan.world.login(&Login::at(0));
    let (session, first) = consumer.accepted();
    assert_eq!(session, "FEED000001");
    let after = fan.world.feeds[PRIMARY].newest();
    assert!(
        first + 500 > before && first <= after,
        "{before} {first} {after}"
    );
    consumer.await_more(10);
    consumer.assert_whole();
}

#[test]
fn a_login_beyond_the_end_is_held_and_never_renumbered() {
    let fan = Fan::new(&[], "login_wait = \"3s\"").begun();
    let wanted = fan.world.feeds[PRIMARY].newest() + 1000;
    let consumer = fan.world.login(&Login::at(wanted));
    assert_eq!(consumer.accepted().1, wanted);
    consumer.await_message(wanted + 100);
    consumer.assert_whole();
    let far = fan.world.login(&Login::at(wanted + 1_000_000));
    let took = rejected(&far, 'S');
    assert!(took > Duration::from_millis(2500), "{took:?}");
    let words = ("client".to_owned(), "beyond_end".to_owned());
    assert_eq!(fan.world.ended(), words);
}

#[test]
fn another_session_is_not_available() {
    let fan = Fan::new(&[], "").begun();
    let other = Login {
        session: "OTHER".to_owned(),
        ..Login::at(1)
    };
    rejected(&fan.world.login(&other), 'S');
    let own = Login {
        session: "FEED000001".to_owned(),
        ..Login::at(1)
    };
    let own = fan.world.login(&own);
    own.await_message(100);
    own.assert_whole();
}

#[test]
fn a_refusal_of_the_ports_own_login_is_the_operators_business_and_said() {
    let keys = "login_wait = \"1s\"";
    let fan = Fan::after(&[], keys, |feeds| {
        for feed in feeds {
            feed.order("reject A");
        }
    });
    rejected(&fan.world.login(&Login::at(1)), 'S');
    let words = ("upstream".to_owned(), "login_refused".to_owned());
    assert_eq!(fan.world.ended(), words);
    let is_said = |line: &str| line.contains("the exchange refuses this port's own login");
    fan.world.port.line(is_said);
}

#[test]
fn a_reload_takes_names_out_and_in_and_leaves_who_is_connected() {
    let fan = Fan::new(&[], "").begun();
    let [user, other] = [USER, OTHER].map(|(name, password)| {
        let consumer = fan.world.login(&login(name, password));
        consumer.accepted();
        consumer
    });
    // `USER` gets another password, `other` is gone, and somebody is new.
    let feeds = fan.world.feeds.each_ref().map(tests::feed::Feed::address);
    let consumers = [("USER", "changed"), ("third", "fresh")];
    let text = tests::config::fan(&feeds, "", fan.secrets.path(), &consumers);
    fan.world.port.rewrite(&text);
    assert_eq!(fan.world.port.post("/reload").status, 200);
    assert_eq!(other.gone().end, End::Reset);
    let words = ("policy".to_owned(), "removed".to_owned());
    assert_eq!(fan.world.ended(), words);
    rejected(&fan.world.login(&login("USER", "PASSWORD")), 'A');
    rejected(&fan.world.login(&login("other", "secret")), 'A');
    for (name, password) in consumers {
        fan.world.login(&login(name, password)).accepted();
    }
    user.await_more(100);
    user.assert_whole();
    until("one login is enough", || {
        fan.world.feeds[PRIMARY].status()["logins"] == 1
    });
}
