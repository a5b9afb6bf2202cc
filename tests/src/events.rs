//! What a program tells those who listen to its pools.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use serde_json::Value;

use crate::process::{PATIENCE, Program};
use crate::wire::connect;

/// Everything that was told from a moment on.
#[derive(Debug)]
pub struct Events(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    events: Mutex<Vec<Value>>,
    more: Condvar,
}

impl Events {
    /// Listens to `program`: hears everything from now on.
    pub fn of(program: &Program) -> Self {
        Self::at(program, "/events")
    }

    /// Follows the stream at `path` of `program`: hears everything from now on.
    pub fn at(program: &Program, path: &str) -> Self {
        let admin = program.address("admin");
        let mut stream = connect(admin);
        stream.set_read_timeout(None).unwrap();
        let request = format!("GET {path} HTTP/1.0\r\nHost: {admin}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert!(line.contains(" 200 "), "{line}");
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).unwrap();
            assert!(!line.is_empty(), "no events");
        }
        let told = Arc::new(Told::default());
        let teller = Arc::clone(&told);
        std::thread::spawn(move || teller.follow(reader));
        Self(told)
    }

    /// All so far that `wanted` accepts.
    pub fn all(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let events = self.0.events.lock().unwrap();
        events.iter().filter(|it| wanted(it)).cloned().collect()
    }

    /// All of this name so far.
    pub fn named(&self, name: &str) -> Vec<Value> {
        self.all(|event| event["event"] == name)
    }

    /// The `nth` of this name, counted from 0, once it was told.
    pub fn nth(&self, name: &str, nth: usize) -> Value {
        let until = Instant::now() + PATIENCE;
        let mut events = self.0.events.lock().unwrap();
        loop {
            let mut named = events.iter().filter(|event| event["event"] == name);
            if let Some(event) = named.nth(nth) {
                return event.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {nth}th {name} in {:#?}", *events);
            events = self.0.more.wait_timeout(events, left).unwrap().0;
        }
    }
}

impl Told {
    fn follow(&self, reader: BufReader<TcpStream>) {
        for line in reader.lines().map_while(Result::ok) {
            let Some(json) = line.strip_prefix("data:") else {
                continue;
            };
            let event = serde_json::from_str(json).unwrap();
            self.events.lock().unwrap().push(event);
            self.more.notify_all();
        }
    }
}
