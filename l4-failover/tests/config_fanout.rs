//! What the configuration file of `l4-failover` may say of one login for many consumers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use l4_failover::settings::{Protocol, Settings, describe};
use l4_failover::soupbin::fanout::{FanoutOptions, HistoryLimits};
use l4_failover::soupbin::packet::Credentials;
use tempfile::TempDir;

/// A file with a password for each of these names, and a port in front of one target.
struct Given {
    dir: TempDir,
}

impl Given {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("desk"), "EXCHANGE\n").unwrap();
        fs::write(dir.path().join("trader"), "SECRET\n").unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// A consumer of this name.
    fn consumer(&self, name: &str) -> String {
        let file = self.path("trader");
        format!("[[port.consumer]]\nusername = {name:?}\npassword_file = {file:?}\n")
    }

    /// The file of a port with these further keys and tables.
    fn text(&self, keys: &str, tables: &str) -> String {
        let file = self.path("desk");
        format!(
            r#"[[port]]
name = "itch-feed"
listen = "127.0.0.1:19100"
primary = [{{ address = "127.0.0.1:9000", username = "DESK01", password_file = {file:?} }}]
protocol = "soupbintcp"
{keys}
{tables}"#
        )
    }
}

fn fanout(text: &str) -> Option<FanoutOptions> {
    let settings = Settings::parse("f.toml", text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    match &settings.ports[0].protocol {
        Protocol::SoupBinTcp(feed) => feed.fanout.clone(),
        Protocol::Tcp => panic!("no feed"),
    }
}

fn mistakes(text: &str) -> String {
    let mistakes = Settings::parse("f.toml", text).expect_err("this is wrong");
    mistakes.to_string()
}

#[test]
fn consumers_and_what_is_kept_for_them_are_read() {
    let given = Given::new();
    assert_eq!(fanout(&given.text("", "")), None);
    let both = [given.consumer("trader"), given.consumer("second")].concat();
    let who = |name| Credentials::new(name, "SECRET").unwrap();
    let consumers = vec![who("trader"), who("second")];
    assert_eq!(
        fanout(&given.text("", &both)),
        Some(FanoutOptions {
            consumers: consumers.clone(),
            history: HistoryLimits::default(),
        })
    );
    let keys = "history = \"1MiB\"\nhistory_messages = 5000";
    let history = HistoryLimits {
        bytes: 1 << 20,
        messages: 5000,
    };
    assert_eq!(
        fanout(&given.text(keys, &both)),
        Some(FanoutOptions { consumers, history })
    );
}

#[test]
fn no_password_is_shown() {
    let given = Given::new();
    let text = given.text("", &given.consumer("trader"));
    let settings = Settings::parse("f.toml", &text).unwrap();
    let shown = describe(&settings);
    assert!(shown.contains("one for trader"), "{shown}");
    assert!(shown.contains("64.0 MiB, 1000000 messages"), "{shown}");
    let all = format!("{shown}{settings:?}{:?}", Settings::effective(&text));
    assert!(!all.contains("SECRET") && !all.contains("EXCHANGE"));
}

#[test]
fn what_is_wrong_is_said_and_what_to_do() {
    let given = Given::new();
    let consumer = given.consumer("trader");
    for (text, said) in [
        (
            given.text("", &format!("{consumer}{}", given.consumer("TRADER"))),
            "\"trader\" is already the username of a consumer",
        ),
        (
            given.text("", &given.consumer("toolong")),
            "\"toolong\" cannot log in: a username has at most 6",
        ),
        (
            given.text("", &given.consumer(" ")),
            "a consumer needs a username",
        ),
        (
            given.text("", "[[port.consumer]]\nusername = \"a\"\n"),
            "password_file",
        ),
        (
            given.text("", &format!("{consumer}pasword_file = \"x\"\n")),
            "did you mean \"password_file\"?",
        ),
        (
            given
                .text("", &consumer)
                .replace("username = \"DESK01\", ", "")
                .replace(&format!("password_file = {:?} }}", given.path("desk")), "}")
                .replace("9000\", }", "9000\" }"),
            "\"127.0.0.1:9000\" has no \"username\" and \"password_file\"",
        ),
        (
            given.text("", &consumer).replace("soupbintcp", "tcp"),
            "only a port of protocol = \"soupbintcp\" has this",
        ),
        (
            given.text("history = \"1MiB\"", ""),
            "add a [[port.consumer]], or remove it",
        ),
        (
            given.text("history = \"1KiB\"", &consumer),
            "from \"256KiB\" to \"64GiB\"",
        ),
        (
            given.text("history_messages = 0", &consumer),
            "from 1 to 1000000000",
        ),
    ] {
        let mistakes = mistakes(&text);
        assert!(mistakes.contains(said), "{said}: {mistakes}");
    }
}

#[test]
fn a_password_that_cannot_be_sent_is_said_without_it() {
    let given = Given::new();
    fs::write(given.path("trader"), "much too long for a login\n").unwrap();
    let mistakes = mistakes(&given.text("", &given.consumer("trader")));
    assert!(
        mistakes.contains("at most 10") && !mistakes.contains("much too"),
        "{mistakes}"
    );
}
