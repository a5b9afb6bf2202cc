//! A hello in one line, and what may follow below it.

use std::fmt::{self, Write};
use std::net::SocketAddr;

use super::details;
use super::dump;
use super::names::protocol;
use super::times::Times;
use super::told::{Name, Told};
use crate::inspect::flow::Carrier;
use crate::inspect::frame::Frame;
use crate::name::Escaped;

/// Which bytes follow a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dump {
    /// None.
    #[default]
    None,
    /// The hello, in digits and letters: `-X`.
    Hello,
    /// The frame that completed the hello, its link-level header included, and the hello: `-XX`.
    Frame,
    /// The hello, in letters: `-A`.
    Ascii,
}

/// How lines are written.
#[derive(Clone, Debug)]
pub struct Lines {
    /// The times in front of them.
    pub times: Times,
    /// Leaves out all but addresses and name: `-q`.
    pub is_quiet: bool,
    /// How much is told below them: how often `-v` is given.
    pub verbosity: u8,
    /// Which bytes follow them.
    pub dump: Dump,
}

impl Lines {
    /// Puts the line of a hello, and what follows it; `frame` is the one that completed it.
    pub fn put(&mut self, told: &Told<'_>, frame: Option<&Frame<'_>>, text: &mut String) {
        let sighting = told.sighting;
        self.times.put(sighting.time, text);
        // A String takes everything.
        let _ = match self.is_quiet {
            true => quiet(told, text),
            false => line(told, text),
        };
        text.push('\n');
        if self.verbosity > 0 {
            details::put(told, self.verbosity, text);
        }
        let hello = sighting.message.bytes();
        match (self.dump, frame) {
            (Dump::None, _) => {}
            (Dump::Hello, _) | (Dump::Frame, None) => dump::hex(hello, text),
            (Dump::Frame, Some(frame)) => {
                dump::hex(frame.bytes, text);
                text.push('\n');
                dump::hex(hello, text);
            }
            (Dump::Ascii, _) => dump::ascii(hello, text),
        }
    }
}

fn quiet(told: &Told<'_>, text: &mut String) -> fmt::Result {
    ends(told.sighting.source, told.sighting.destination, text)?;
    text.push_str(" ClientHello sni=");
    put_name(told.name, text)?;
    // A name that was not captured is not an absent one.
    if told.is_cut() {
        text.push_str(" [|tls]");
    }
    put_fault(told, text)
}

fn put_fault(told: &Told<'_>, text: &mut String) -> fmt::Result {
    match &told.malformed {
        Some(why) => write!(text, " malformed: {why}"),
        None => Ok(()),
    }
}

fn line(told: &Told<'_>, text: &mut String) -> fmt::Result {
    ends(told.sighting.source, told.sighting.destination, text)?;
    let version = told.version().map(|it| protocol(told.sighting.carrier, it));
    write!(
        text,
        " ClientHello {} sni=",
        version.as_deref().unwrap_or("-")
    )?;
    put_name(told.name, text)?;
    text.push_str(" alpn=");
    put_alpn(told, text)?;
    match told.ja4() {
        Some(ja4) => write!(text, " ja4={ja4}")?,
        None => text.push_str(" ja4=-"),
    }
    put_marks(told, text)?;
    put_fault(told, text)
}

/// `IP 10.0.0.1.52936 > 34.212.93.65.443:`
pub(super) fn ends(source: SocketAddr, destination: SocketAddr, text: &mut String) -> fmt::Result {
    let ip = match source {
        SocketAddr::V4(_) => "IP",
        SocketAddr::V6(_) => "IP6",
    };
    let (from, to) = (source.ip(), destination.ip());
    let (from_port, to_port) = (source.port(), destination.port());
    write!(text, "{ip} {from}.{from_port} > {to}.{to_port}:")
}

/// A name that is a single `-` is no absent one.
pub(super) fn put_name(name: Name<'_>, text: &mut String) -> fmt::Result {
    match name {
        Name::Absent => text.write_str("-"),
        Name::Empty => text.write_str("\"\""),
        Name::Sent(b"-") => text.write_str("\\x2d"),
        Name::Sent(name) => write!(text, "{}", Escaped(name)),
    }
}

fn put_alpn(told: &Told<'_>, text: &mut String) -> fmt::Result {
    let mut separator = "";
    for protocol in told.hello.iter().flat_map(|hello| hello.alpn()) {
        write!(text, "{separator}{}", Escaped(protocol))?;
        separator = ",";
    }
    match separator {
        "" => text.write_str("-"),
        _ => Ok(()),
    }
}

fn put_marks(told: &Told<'_>, text: &mut String) -> fmt::Result {
    let sighting = told.sighting;
    if sighting.packets > 1 {
        write!(text, " frag={}", sighting.packets)?;
    }
    let carrier = match sighting.carrier {
        Carrier::Tcp => None,
        Carrier::QuicV1 | Carrier::QuicV2 | Carrier::QuicDraft29 => Some("quic"),
        Carrier::Dtls => Some("dtls"),
    };
    let marks = [
        told.hello
            .as_ref()
            .is_some_and(|hello| hello.ech)
            .then_some("ech"),
        sighting.is_second.then_some("hrr"),
        carrier,
        sighting.has_overlap.then_some("overlap"),
        told.is_cut().then_some("[|tls]"),
    ];
    for mark in marks.into_iter().flatten() {
        write!(text, " {mark}")?;
    }
    Ok(())
}
