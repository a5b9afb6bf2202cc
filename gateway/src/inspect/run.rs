//! The subcommand `mesh-gateway sni`: reads or captures, and writes what is to be said.

use std::fs;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;

use jiff::tz::TimeZone;

use super::args::SniArgs;
use super::capture::{self, CaptureError, CaptureOptions, Live};
use super::file::{Reader, shown};
use super::filter::Filter;
use super::flow::FlowBounds;
use super::frame::Frame;
use super::heard::Heard;
use super::inspector::{Form, Inspector, Orders, counted};
use super::out::{Out, Packets, check_not_read};
use super::print::{Dump, Fields, Lines, Summary, TimeStyle, Times};
use super::say::say;
use super::source::Source;

/// Why it came to nothing, or to less.
#[derive(Debug)]
pub enum SniFailure {
    /// Something failed.
    Failed(String),
    /// What was typed was mistaken.
    Mistaken(String),
}

/// Does what was typed.
///
/// # Errors
/// A sentence for stderr.
pub fn run(args: &SniArgs) -> Result<(), SniFailure> {
    if args.list_interfaces {
        return list_interfaces();
    }
    let orders = Orders {
        filter: filter(args)?,
        form: form(args)?,
        limit: args.count,
        picks: args.write.is_some(),
        bounds: FlowBounds {
            flows: args.flows as usize,
            ..FlowBounds::default()
        },
    };
    check_not_read(args)?;
    let mut source = open(args, &orders.filter)?;
    let mut out = Out::new(args.line_buffered);
    let mut packets = Packets::begin(args, &source)?;
    let mut inspector = Inspector::new(orders);
    let snapshot = args.snapshot() as usize;
    let read = inspect(
        &mut source,
        &mut inspector,
        &mut out,
        &mut packets,
        snapshot,
    );
    inspector.finish(&mut out.text);
    let flushed = out.flush().map_err(Stop::from);
    let flushed = flushed.and_then(|()| packets.finish());
    say_missing(&inspector);
    say_counts(&mut source);
    // Why reading ended comes first.
    match read.and(flushed) {
        Ok(()) => missing(&source, &packets),
        // Whoever closed the pipe has read enough.
        Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(stop) => Err(stop.into()),
    }
}

/// What was not looked at, or not written, is a failure.
fn missing(source: &Source, packets: &Packets) -> Result<(), SniFailure> {
    let unread = (source.unread() > 0).then(|| unread(source.unread()));
    let missing: Vec<_> = unread.into_iter().chain(packets.left_out()).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(SniFailure::Failed(missing.join("\n"))),
    }
}

/// Why the look at frames ended early.
pub(super) enum Stop {
    /// In a sentence.
    Source(String),
    /// What was found could not be written.
    Output(io::Error),
}

impl From<Stop> for SniFailure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Output(error) => Self::Failed(format!("cannot write: {error}")),
            Stop::Source(why) => Self::Failed(why),
        }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Looks at all frames of `source`. What was found is written before anything is waited for.
fn inspect(
    source: &mut Source,
    inspector: &mut Inspector,
    out: &mut Out,
    packets: &mut Packets,
    snapshot: usize,
) -> Result<(), Stop> {
    let stop = |error| Stop::Source(format!("{error}"));
    loop {
        let seen = source.each(|frame| {
            let frame = clipped(*frame, snapshot);
            match look(&frame, inspector, out, packets) {
                Ok(()) if !inspector.is_done() => ControlFlow::Continue(()),
                ended => ControlFlow::Break(ended),
            }
        });
        if let ControlFlow::Break(ended) = seen.map_err(stop)? {
            return ended;
        }
        out.flush()?;
        packets.flush()?;
        if !source.fill().map_err(stop)? {
            return Ok(());
        }
    }
}

/// Looks at a frame, and writes what was found.
fn look(
    frame: &Frame<'_>,
    inspector: &mut Inspector,
    out: &mut Out,
    packets: &mut Packets,
) -> Result<(), Stop> {
    let pick = inspector.frame(frame, &mut out.text);
    packets.write(pick, frame)?;
    Ok(out.written_lines()?)
}

/// No more of a frame than was asked for.
fn clipped(frame: Frame<'_>, snapshot: usize) -> Frame<'_> {
    Frame {
        bytes: frame.bytes.get(..snapshot).unwrap_or(frame.bytes),
        ..frame
    }
}

fn form(args: &SniArgs) -> Result<Form, SniFailure> {
    let mistaken = |why: String| SniFailure::Mistaken(why);
    if args.writes_to_stdout() && args.print {
        let why = "with -w -, stdout is for packets, and --print has no place";
        return Err(mistaken(why.to_owned()));
    }
    if args.write.is_some() && !args.print {
        return match args.asks_for_text() {
            None => Ok(Form::Nothing),
            Some(flag) => Err(mistaken(format!(
                "with -w nothing is shown, and {flag} has no place: --print shows it as well"
            ))),
        };
    }
    if let Some(names) = &args.fields {
        let fields = Fields::parse(names);
        return fields
            .map(Form::Fields)
            .map_err(|it| mistaken(it.to_string()));
    }
    if args.json {
        let is_verbose = args.verbose > 0;
        return Ok(Form::Json { is_verbose });
    }
    if args.summary {
        return Ok(Form::Summary(Summary::default()));
    }
    if args.is_count {
        return Ok(Form::Count);
    }
    let style = TimeStyle::of(args.times);
    let style = style.ok_or_else(|| mistaken("-t is given at most five times".to_owned()))?;
    Ok(Form::Lines(Box::new(Lines {
        times: Times::new(style, TimeZone::system()),
        is_quiet: args.quiet,
        verbosity: args.verbose,
        dump: match (args.hex, args.ascii) {
            (0, false) => Dump::None,
            (0, true) => Dump::Ascii,
            (1, _) => Dump::Hello,
            _ => Dump::Frame,
        },
    })))
}

fn filter(args: &SniArgs) -> Result<Filter, SniFailure> {
    let words = match &args.expression_file {
        None => args.expression.clone(),
        Some(file) => match fs::read_to_string(file) {
            // An expression may go over several lines.
            Ok(text) => text.lines().map(str::to_owned).collect(),
            Err(error) => {
                let why = format!("{}: cannot be read: {error}", shown(file));
                return Err(SniFailure::Failed(why));
            }
        },
    };
    Filter::parse(&words).map_err(|error| SniFailure::Mistaken(error.to_string()))
}

fn open(args: &SniArgs, filter: &Filter) -> Result<Source, SniFailure> {
    match (&args.read, &args.interface) {
        (Some(file), _) => open_file(file),
        (None, Some(interface)) => Ok(open_interface(args, interface, filter)?),
        (None, None) => Err(SniFailure::Mistaken("-r or -i is missing".to_owned())),
    }
}

fn open_interface(
    args: &SniArgs,
    interface: &str,
    filter: &Filter,
) -> Result<Source, CaptureError> {
    let live = Live::open(CaptureOptions {
        interface: interface.to_owned(),
        filter: filter.clone(),
        snapshot: args.snapshot(),
        is_promiscuous: !args.no_promiscuous_mode,
    })?;
    say(&live.banner());
    Ok(Source::Live(Box::new(live)))
}

fn list_interfaces() -> Result<(), SniFailure> {
    // A pipe that is closed early has read what it wanted.
    let _ = io::stdout().write_all(capture::list()?.as_bytes());
    Ok(())
}

impl From<CaptureError> for SniFailure {
    fn from(error: CaptureError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Says how much was captured.
fn say_counts(source: &mut Source) {
    let Source::Live(live) = source else { return };
    match live.counts() {
        Ok(counts) => say(&counts.to_string()),
        Err(error) => say(&error.to_string()),
    }
}

fn open_file(file: &Path) -> Result<Source, SniFailure> {
    let heard = Heard::open(file).map_err(|error| SniFailure::Failed(error.to_string()))?;
    say(&banner(&shown(file), heard.reader()));
    Ok(Source::File(Box::new(heard)))
}

/// What is said when reading begins, as tcpdump says it.
fn banner(file: &str, reader: Option<&Reader>) -> String {
    let Some(reader) = reader else {
        return format!("reading from file {file}, which a signal ended before its header came");
    };
    let link = reader.link().map_or("unknown", |link| link.name());
    let snapshot = reader.snapshot_len();
    format!("reading from file {file}, link-type {link}, snapshot length {snapshot}")
}

/// Says what may be missing.
fn say_missing(inspector: &Inspector) {
    let flows = inspector.flows();
    let (counts, bounds) = (flows.counts(), flows.bounds());
    if counts.evicted > 0 {
        say(&format!(
            "{} forgotten, since more than {} were open at once (--flows)",
            counted(counts.evicted, "connection"),
            bounds.flows
        ));
    }
    if counts.given_up > 0 {
        say(&format!(
            "{} given up, since more than {} bytes would have been held",
            counted(counts.given_up, "hello"),
            bounds.held_bytes
        ));
    }
    if inspector.left_out() > 0 {
        say(&format!(
            "{} not kept for -w, since more would have been kept than is allowed",
            counted(inspector.left_out(), "packet")
        ));
    }
    if inspector.incomplete() > 0 {
        say(&format!(
            "{} not kept for -w, since the rest of their packets did not come, or they came again",
            counted(inspector.incomplete(), "fragment")
        ));
    }
}

fn unread(count: u64) -> String {
    let packets = counted(count, "packet");
    format!("{packets} not looked at, of interfaces with a link type that is not read")
}
