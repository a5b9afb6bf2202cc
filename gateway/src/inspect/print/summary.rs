//! The names of a capture, by connections and bytes.

use std::collections::HashMap;
use std::fmt::Write;

use super::line::put_name;
use super::told::{Name, Told};
use crate::inspect::flow::{Ended, FlowId};

/// Most names that are counted on their own. Those that come when there are as many are counted
/// together: names come from the wire, and a hostile client has a new one for each hello.
pub const NAMES_MAX: usize = 65_536;

/// The longest name that is counted on its own: DNS has no longer ones (RFC 1035 §2.3.4).
const NAME_BYTES_MAX: usize = 255;

/// What is counted of each name.
#[derive(Debug, Default)]
pub struct Summary {
    rows: HashMap<Key, Row>,
    /// The names of flows that are open: as many as the table of flows holds.
    open: HashMap<FlowId, Key>,
}

/// What is counted on its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    /// A name, in lower case and without a dot at its end: as gateways compare names.
    Name(Box<[u8]>),
    Absent,
    /// Names that are longer than [`NAME_BYTES_MAX`].
    TooLong,
    /// No name could be read.
    Unread,
    /// There were too many.
    Others,
}

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    connections: u64,
    client_bytes: u64,
    server_bytes: u64,
}

impl Summary {
    /// Counts the connection of a hello; the second hello of one is no other.
    pub fn hello(&mut self, told: &Told<'_>) {
        let flow = told.sighting.flow;
        if self.open.contains_key(&flow) {
            return;
        }
        let mut key = key(told);
        if self.rows.len() >= NAMES_MAX && !self.rows.contains_key(&key) {
            key = Key::Others;
        }
        self.rows.entry(key.clone()).or_default().connections += 1;
        self.open.insert(flow, key);
    }

    /// Counts the bytes of a flow that ended.
    pub fn end(&mut self, ended: &Ended) {
        let Some(key) = self.open.remove(&ended.flow) else {
            return;
        };
        let row = self.rows.entry(key).or_default();
        row.client_bytes += ended.from_client.bytes;
        row.server_bytes += ended.from_server.bytes;
    }

    /// The table: most connections first, then most bytes.
    #[must_use]
    pub fn table(&self) -> String {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_unstable_by(|(name, row), (other_name, other)| {
            other.rank().cmp(&row.rank()).then(name.cmp(other_name))
        });
        let mut text = String::from("CONNECTIONS  BYTES SENT  BYTES RECEIVED  NAME\n");
        for (key, row) in rows {
            let Row {
                connections,
                client_bytes,
                server_bytes,
            } = row;
            // A String takes everything.
            let _ = write!(
                text,
                "{connections:>11}  {client_bytes:>10}  {server_bytes:>14}  "
            );
            put_key(key, &mut text);
            text.push('\n');
        }
        text
    }
}

impl Row {
    fn rank(&self) -> (u64, u64) {
        (self.connections, self.client_bytes + self.server_bytes)
    }
}

fn key(told: &Told<'_>) -> Key {
    match told.name {
        Name::Sent(name) => {
            let name = name.strip_suffix(b".").unwrap_or(name);
            match name.len() <= NAME_BYTES_MAX {
                true => Key::Name(name.to_ascii_lowercase().into()),
                false => Key::TooLong,
            }
        }
        Name::Absent if told.malformed.is_none() && !told.is_cut() => Key::Absent,
        Name::Absent | Name::Empty => Key::Unread,
    }
}

fn put_key(key: &Key, text: &mut String) {
    match key {
        Key::Name(name) => {
            // A String takes everything.
            let _ = put_name(Name::Sent(name), text);
        }
        Key::Absent => text.push('-'),
        Key::TooLong => text.push_str("(longer than 255 bytes)"),
        Key::Unread => text.push_str("(malformed or cut)"),
        Key::Others => text.push_str("(others)"),
    }
}
