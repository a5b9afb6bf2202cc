//! Two simulated feeds, and a port that carries consumers from one to the other.

use std::net::SocketAddr;

use serde_json::Value;
use tests::config::{FAST_CHECK, feed};
use tests::consumer::{Consumer, Login};
use tests::events::Events;
use tests::feed::{Feed, began};
use tests::process::{Program, until};
use tests::{failover, feed};

/// Messages that a line repeats to be trusted.
pub(crate) const COMPARED: u64 = 16;

pub(crate) const PRIMARY: usize = 0;
pub(crate) const BACKUP: usize = 1;

pub(crate) struct World {
    /// The primary and the backup.
    pub(crate) feeds: [Feed; 2],
    pub(crate) port: Program,
    pub(crate) events: Events,
}

/// The configuration of a port before these; `keys` are more of the port's.
pub(crate) fn config(endpoints: &[SocketAddr], keys: &str, sections: &str) -> String {
    let keys = format!("protocol = \"soupbintcp\"\n{FAST_CHECK}\n{keys}");
    feed(endpoints, &keys, sections)
}

impl World {
    /// Two feeds that stand at the same place, at 1000 messages a second; `flags` are more of both,
    /// and `keys` of the port.
    pub(crate) fn of_twins(flags: &[&str], keys: &str) -> Self {
        Self::new([flags, flags], keys)
    }

    /// Two feeds that began at the same moment, ten seconds ago, each with flags of its own.
    pub(crate) fn new(flags: [&[&str]; 2], keys: &str) -> Self {
        let start = began(10.0);
        let feeds = flags.map(|own| {
            let rate: &[&str] = match own.iter().any(|flag| flag.starts_with("--rate")) {
                true => &[],
                false => &["--rate=1000"],
            };
            feed!(&[&[start.as_str()], rate, own].concat())
        });
        Self::before(feeds, keys)
    }

    /// A port before these feeds.
    pub(crate) fn before(feeds: [Feed; 2], keys: &str) -> Self {
        let port = failover!(config(&feeds.each_ref().map(Feed::address), keys, ""));
        let events = Events::of(&port);
        Self {
            feeds,
            port,
            events,
        }
    }

    /// Where consumers connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address("feed")
    }

    /// A consumer that logs in so.
    pub(crate) fn login(&self, login: &Login) -> Consumer {
        Consumer::login(self.address(), login)
    }

    /// A consumer that wants the newest message first, and has got enough to compare lines by.
    pub(crate) fn consumer(&self) -> Consumer {
        let consumer = self.login(&Login::at(0));
        consumer.accepted();
        consumer.await_more(2 * COMPARED);
        consumer
    }

    /// What an endpoint is called.
    pub(crate) fn name(&self, feed: usize) -> String {
        self.feeds[feed].address().to_string()
    }

    /// Which of the feeds this names.
    pub(crate) fn feed_of(&self, name: &Value) -> usize {
        let named = |feed: &Feed| *name == feed.address().to_string();
        self.feeds.iter().position(named).expect("a feed")
    }

    /// The port as operators see it.
    pub(crate) fn status(&self) -> Value {
        let mut all: Value = serde_json::from_str(&self.port.get("/clusters").body).unwrap();
        all["pools"][0].take()
    }

    /// A consumer as operators see it.
    pub(crate) fn shown(&self, consumer: &Consumer) -> Value {
        let status = self.status();
        let shown = status["feed"]["shown"].as_array().unwrap();
        let address = consumer.address().to_string();
        let found = shown.iter().find(|it| it["address"] == address);
        found.expect("it is connected").clone()
    }

    /// The feed that a consumer gets its messages from.
    pub(crate) fn active(&self, consumer: &Consumer) -> usize {
        self.feed_of(&self.shown(consumer)["line"])
    }

    /// Waits until an endpoint counts as this.
    pub(crate) fn await_state(&self, feed: usize, state: &str) {
        let name = self.name(feed);
        until(&format!("{name} is {state}"), || {
            let status = self.status();
            let tiers = status["tiers"].as_array().unwrap().clone();
            let endpoints = tiers
                .iter()
                .flat_map(|it| it["endpoints"].as_array().unwrap());
            let mut named = endpoints.filter(|it| it["endpoint"] == name);
            named.any(|it| it["state"] == state)
        });
    }

    /// The `nth` change of a consumer's line: for this reason, to this feed.
    pub(crate) fn joined(&self, nth: usize, why: &str, to: usize) -> Value {
        let joined = self.events.nth("line_joined", nth);
        assert_eq!(joined["cause"], why, "{joined}");
        assert_eq!(self.feed_of(&joined["endpoint"]), to, "{joined}");
        joined
    }

    /// A consumer gets more, all of it whole, from this feed.
    pub(crate) fn goes_on(&self, consumer: &Consumer, feed: usize) {
        consumer.await_more(100);
        consumer.assert_whole();
        assert_eq!(self.active(consumer), feed);
    }

    /// Kills a feed, and starts it again once checks have found out; they have found that out, too.
    pub(crate) fn kill_for_a_while(&mut self, feed: usize) {
        self.feeds[feed].kill();
        self.await_state(feed, "down");
        self.feeds[feed].start_again();
        self.await_state(feed, "up");
    }

    /// A series of this port.
    pub(crate) fn metric(&self, family: &str, labels: &str) -> f64 {
        let comma = if labels.is_empty() { "" } else { "," };
        // In the order of the alphabet.
        let labels = match labels < "port" {
            true => format!("{labels}{comma}port=\"feed\""),
            false => format!("port=\"feed\"{comma}{labels}"),
        };
        self.port
            .metric(&format!("l4_failover_{family}{{{labels}}}"))
    }

    /// How many consumers were carried, for this reason.
    pub(crate) fn joins(&self, why: &str) -> f64 {
        self.metric("line_joins_total", &format!("why=\"{why}\""))
    }

    /// The cause and the reason in the log's line about the first connection that ended.
    pub(crate) fn ended(&self) -> (String, String) {
        let line = self.port.first_ended();
        let word = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        (word("cause"), word("reason"))
    }
}
