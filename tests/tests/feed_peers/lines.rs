//! Servers of others as lines behind the bridge.

use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;
use tests::peers;
use tests::process::{Program, until};
use tests::wire::End;

use crate::world::{Line, SESSION, at, bridge, consume, day, joined, logged, write_day};

const COUNT: u64 = 2000;
/// The message that a paused line sends last.
const LAST: u64 = 1000;

/// A server of another make; it accepts every login with number `first`, and sends all from there.
struct Theirs {
    program: Program,
    _directory: TempDir,
}

impl Theirs {
    fn start(mut command: Command, first: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("day");
        write_day(COUNT, &file);
        command.arg(file).arg(first.to_string()).arg(SESSION);
        Self {
            program: Program::spawn(&mut command),
            _directory: directory,
        }
    }

    fn address(&self) -> SocketAddr {
        self.program.address("feed")
    }

    /// The sequence number that a login asked for, once it has come.
    fn asked_for(&self, session: &str) -> u64 {
        let start = format!("login user {session} ");
        let line = self.program.line(|line| line.starts_with(&start));
        line[start.len()..].parse().unwrap()
    }
}

/// The makes there are here.
fn makes() -> Vec<fn() -> Option<Command>> {
    vec![|| peers::python("nasdaq_server.py"), || {
        peers::node("npm_server.js")
    }]
}

/// Has `try_it` done with a server of each make, which sends from `first` on.
fn with_each(first: u64, try_it: impl Fn(&Theirs)) {
    let commands = makes().into_iter().filter_map(|make| make());
    commands.for_each(|command| try_it(&Theirs::start(command, first)));
}

/// A consumer whose simulated line stops after message [`LAST`] and is killed, so that the bridge
/// has to join another make's; what it got, and the bridge.
fn lose_the_first_line(theirs: &Theirs, keys: &str) -> (Vec<Vec<u8>>, String, End, Program) {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("script");
    std::fs::write(&script, format!("#{} pause\n", LAST + 1)).unwrap();
    let mut ours = Line::start(&format!("--rate 5000 --script {}", script.display()));
    let bridge = bridge(&[ours.address(), theirs.address()], keys);
    let address = bridge.address("feed");
    let (received, end) = std::thread::scope(|scope| {
        let consumer = scope.spawn(move || consume(address));
        joined(&bridge, 1);
        until("the line has stopped", || at(&bridge) == Some(LAST + 1));
        ours.kill();
        consumer.join().unwrap()
    });
    (received.messages, received.others, end, bridge)
}

#[test]
fn a_line_of_another_make_alone_is_carried_to_its_end() {
    with_each(1, |theirs| {
        let bridge = bridge(&[theirs.address()], "");
        let (received, end) = consume(bridge.address("feed"));
        assert_eq!((&*received.others, end), ("AZ", End::Fin));
        assert!(received.messages == day(COUNT));
        assert_eq!(theirs.asked_for("-"), 1);
    });
}

#[test]
fn a_line_that_repeats_everything_is_joined_and_verified() {
    with_each(1, |theirs| {
        let (messages, others, end, bridge) = lose_the_first_line(theirs, "");
        assert!(messages == day(COUNT), "{} messages", messages.len());
        assert_eq!((&*others, end), ("AZ", End::Fin));
        let join = joined(&bridge, 2);
        assert_eq!(
            (&join["verified"], &join["next"]),
            (&true.into(), &(LAST + 1).into()),
            "{join}"
        );
    });
}

#[test]
fn a_line_that_repeats_nothing_is_refused() {
    with_each(LAST + 1, |theirs| {
        let (messages, others, _, bridge) = lose_the_first_line(theirs, "max_outage = \"1s\"");
        assert!(messages == day(LAST), "{} messages", messages.len());
        assert_eq!(others, "A", "no end of session is invented");
        let down = logged(&bridge, "line down");
        let refusal = down
            .iter()
            .find(|line| line["line"] == theirs.address().to_string());
        assert_eq!(refusal.unwrap()["fault"], "unverified", "{down:?}");
        // It was asked for the messages that it could have been compared by.
        assert_eq!(theirs.asked_for(SESSION), LAST + 1 - 16);
    });
}

#[test]
fn a_line_that_repeats_nothing_is_joined_where_that_is_allowed() {
    with_each(LAST + 1, |theirs| {
        let (messages, others, end, bridge) =
            lose_the_first_line(theirs, "on_unverified = \"join\"");
        assert!(messages == day(COUNT), "{} messages", messages.len());
        assert_eq!((&*others, end), ("AZ", End::Fin));
        assert_eq!(joined(&bridge, 2)["verified"], false);
    });
}
