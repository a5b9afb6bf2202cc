//! What watchers get, and what they cost.

use std::net::SocketAddr;
use std::sync::Arc;

use super::wanted::GLOB_MAX;
use super::*;
use crate::outcome::{Cause, Outcome, Phase};

fn client(nth: u16) -> SocketAddr {
    ([192, 0, 2, 1], nth).into()
}

fn sighting(nth: u16) -> Sighting {
    Sighting::denied("listen", client(nth))
}

/// A connection of this name that ended so.
fn ended(name: Option<&[u8]>, outcome: Outcome) -> Sighting {
    Sighting {
        server_name: name.map(Into::into),
        end: Some(End {
            outcome,
            error: None,
            bytes: [1, 2],
        }),
        ..sighting(1)
    }
}

#[test]
fn without_a_watcher_nothing_is_made() {
    let tap = Arc::new(Tap::default());
    tap.tell(|| panic!("nobody watches"));
    drop(tap.watch().unwrap());
    tap.tell(|| panic!("nobody watches any more"));
}

#[tokio::test]
async fn a_watcher_gets_all_in_order() {
    let tap = Arc::new(Tap::with_ring(4));
    let mut watch = tap.watch().unwrap();
    for nth in 1..=4 {
        tap.tell(|| sighting(nth));
    }
    for nth in 1..=4 {
        match watch.next().await {
            Seen::Sighting(it) => assert_eq!(it.client, client(nth)),
            Seen::Dropped(dropped) => panic!("{dropped} dropped"),
        }
    }
}

/// It reads nothing while the ring goes round a thousand times, and nobody waits for it.
#[tokio::test]
async fn a_watcher_that_does_not_read_loses_the_oldest_and_learns_how_many() {
    const ROUNDS: u64 = 1000;
    let tap = Arc::new(Tap::with_ring(8));
    let mut watch = tap.watch().unwrap();
    let told = 8 * (ROUNDS + 1);
    for nth in 0..told {
        tap.tell(|| sighting(nth as u16));
    }
    let dropped = match watch.next().await {
        Seen::Dropped(dropped) => dropped,
        Seen::Sighting(it) => panic!("{it:?}"),
    };
    assert_eq!(dropped, 8 * ROUNDS);
    for nth in dropped..told {
        let Seen::Sighting(it) = watch.next().await else {
            panic!("more was dropped");
        };
        assert_eq!(it.client, client(nth as u16));
    }
}

#[test]
fn watchers_are_bounded_and_their_places_come_back() {
    let tap = Arc::new(Tap::default());
    let mut watching: Vec<_> = (0..WATCHERS_MAX).map(|_| tap.watch().unwrap()).collect();
    assert!(tap.watch().is_none());
    watching.pop();
    assert!(tap.watch().is_some());
}

#[test]
fn what_is_wanted_is_seen_and_nothing_else() {
    let asked = |name: Option<&str>, source: Option<&str>, outcome: Option<&str>| {
        let asked = Asked {
            name: name.map(str::to_owned),
            source: source.map(str::to_owned),
            outcome: outcome.map(str::to_owned),
        };
        asked.wanted().unwrap()
    };
    let unknown = Outcome::new(Phase::Route, Cause::Policy, "unknown_name");
    let it = ended(Some(b"Currency.DC1."), unknown);
    for name in ["currency.dc1", "*.dc1", "CURRENCY.*", "curr?ncy.dc1.", "*"] {
        assert!(asked(Some(name), None, None).has(&it), "{name}");
    }
    for name in ["currency", "*.dc2", "?"] {
        assert!(!asked(Some(name), None, None).has(&it), "{name}");
    }
    for word in ["route", "policy", "unknown_name"] {
        assert!(asked(None, None, Some(word)).has(&it), "{word}");
    }
    assert!(!asked(None, None, Some("timeout")).has(&it));
    assert!(asked(None, Some("192.0.2.0/24"), None).has(&it));
    assert!(asked(None, Some("192.0.2.1"), None).has(&it));
    assert!(!asked(None, Some("10.0.0.0/8"), None).has(&it));
    assert!(!asked(Some("*.dc1"), Some("10.0.0.0/8"), None).has(&it));
    let open = Sighting { end: None, ..it };
    assert!(asked(None, None, None).has(&open) && !asked(None, None, Some("route")).has(&open));
    let nameless = ended(None, unknown);
    assert!(asked(None, None, None).has(&nameless) && !asked(Some("*"), None, None).has(&nameless));
    let hostile = ended(Some(b"a\x1b[2J"), unknown);
    assert!(asked(Some(r"a\x1b*"), None, None).has(&hostile));
}

#[test]
fn mistakes_are_sentences() {
    let mistake = |asked: Asked| asked.wanted().unwrap_err().to_string();
    let source = |source: &str| Asked {
        source: Some(source.to_owned()),
        ..Asked::default()
    };
    let said = mistake(source("10.0.0.300"));
    assert_eq!(
        said,
        "source: \"10.0.0.300\" is neither an address nor a network such as 10.0.0.0/8"
    );
    assert!(mistake(source("10.0.0.1/8")).contains("10.0.0.0/8"));
    let outcome = Asked {
        outcome: Some("no way".to_owned()),
        ..Asked::default()
    };
    assert!(mistake(outcome).contains("no phase, cause or reason"));
    let outcome = Asked {
        outcome: Some("nonsense".to_owned()),
        ..Asked::default()
    };
    let said = mistake(outcome);
    assert!(
        said.contains("phases are hello, route, connect, replay, relay; causes done, client, "),
        "{said}"
    );
    assert!(said.contains("reasons not_tls, sslv2, "), "{said}");
    let empty = Asked {
        name: Some(String::new()),
        ..Asked::default()
    };
    assert!(mistake(empty).contains("an empty glob matches no server name"));
    let long = Asked {
        name: Some("*".repeat(GLOB_MAX + 1)),
        ..Asked::default()
    };
    assert!(mistake(long).contains("1024 bytes"));
}
