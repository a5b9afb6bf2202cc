//! A port for plain clients.

use super::fanout;
use super::feed::{self, report_not_a_feed, report_not_plain};
use super::listener::Listeners;
use crate::choice::{Dial, Failback};
use crate::config::{Ends, Listen, PoolBase, Pools, Table, one_of};
use crate::pool::{DialLimits, PoolOptions};
use crate::soupbin::bridge::FeedOptions;

/// An address that an application keeps, whoever is active behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// What logs, metrics, commands and the `ready` line call it; no other port or inbound has it.
    pub name: String,
    /// Where clients connect.
    pub listen: Listen,
    /// What is understood of the bytes.
    pub protocol: Protocol,
    /// Where it leads, when it moves, how that is checked.
    pub pool: PoolOptions,
}

/// What a port understands of the bytes that it passes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Nothing: a stream that is cut stays cut.
    Tcp,
    /// Numbered messages: a consumer whose line dies is carried to another.
    SoupBinTcp(Box<FeedOptions>),
}

/// What the file may say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Tcp,
    SoupBinTcp,
}

const WORDS: &[(&str, Word)] = &[("tcp", Word::Tcp), ("soupbintcp", Word::SoupBinTcp)];

const NO_WAY_OUT: &str = "a consumer whose line dies would be cut while the checks have yet to find \
     out; write \"any\", or remove it";

impl Port {
    pub(super) fn read(
        table: &mut Table<'_>,
        listeners: &mut Listeners,
        pools: &mut Pools,
        dial: DialLimits,
    ) -> Option<Self> {
        let name = listeners.name(table);
        let listen = listeners.listen(table);
        let word = table.with_default("protocol", one_of(WORDS), Word::Tcp);
        let is_known = table.sound("protocol");
        match word {
            Word::Tcp if is_known => report_not_a_feed(table),
            Word::Tcp => {}
            Word::SoupBinTcp => report_not_plain(table),
        }
        let feed = feed::read(table);
        let base = PoolBase {
            name: name.as_deref(),
            ends: word.ends(is_known),
            failback: word.failback(),
            dial,
        };
        let read = pools.lines(table, ["primary", "endpoints"], base);
        if word == Word::SoupBinTcp && read.pool.policy.dial == Dial::Active {
            table.report("dial", NO_WAY_OUT);
        }
        if feed.fanout.is_some() && word == Word::SoupBinTcp {
            fanout::report_nobody(table, &read.lines);
        }
        let protocol = match word {
            Word::Tcp => Protocol::Tcp,
            Word::SoupBinTcp => Protocol::SoupBinTcp(Box::new(feed::with_lines(feed, read.lines))),
        };
        Some(Self {
            name: name?,
            listen: listen?,
            protocol,
            pool: read.pool,
        })
    }
}

impl Word {
    /// Who moves back, where the file does not say.
    fn failback(self) -> Failback {
        match self {
            Self::Tcp => Failback::Auto,
            Self::SoupBinTcp => Failback::Manual,
        }
    }

    /// What targets can be asked for; anything, where nobody knows which word was meant.
    fn ends(self, is_known: bool) -> Ends {
        match self {
            Self::Tcp if is_known => Ends::Tls,
            Self::Tcp | Self::SoupBinTcp => Ends::Lines,
        }
    }
}
