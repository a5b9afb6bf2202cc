//! The subcommand `mesh-gateway sni`: reads or captures, and writes what is to be said.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use jiff::tz::TimeZone;

use super::args::SniArgs;
use super::file::Reader;
use super::flow::FlowBounds;
use super::inspector::{Form, Inspector, counted};
use super::print::{Dump, Fields, Lines, Summary, TimeStyle, Times};
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
    let form = form(args)?;
    let mut source = open(args)?;
    let bounds = FlowBounds {
        flows: args.flows as usize,
        ..FlowBounds::default()
    };
    let mut inspector = Inspector::new(form, args.count, bounds);
    let mut out = Out::new(args.line_buffered);
    let read = inspect(&mut source, &mut inspector, &mut out);
    inspector.finish(&mut out.text);
    let written = read.and_then(|()| Ok(out.flush()?));
    let said = match written {
        // What was read before is said first.
        Err(Stop::Source(why)) => out.flush().map(|()| Err(SniFailure::Failed(why))),
        Err(Stop::Output(error)) => Err(error),
        Ok(()) => Ok(Ok(())),
    };
    say_forgotten(&inspector);
    match said {
        Ok(result) => result,
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(SniFailure::Failed(format!("cannot write: {error}"))),
    }
}

/// Why the look at frames ended early.
enum Stop {
    Source(String),
    Output(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Looks at all frames of `source`. What was said is written before anything is waited for.
fn inspect(source: &mut Source, inspector: &mut Inspector, out: &mut Out) -> Result<(), Stop> {
    let stop = |error| Stop::Source(format!("{error}"));
    loop {
        while let Some(frame) = source.next().map_err(stop)? {
            inspector.frame(&frame, &mut out.text);
            out.written_lines()?;
            if inspector.is_done() {
                return Ok(());
            }
        }
        out.flush()?;
        if !source.fill().map_err(stop)? {
            return Ok(());
        }
    }
}

/// Text on its way to stdout.
struct Out {
    to: io::Stdout,
    text: String,
    is_line_buffered: bool,
}

/// What is gathered before it is written, where nothing is waited for.
const GATHERED: usize = 64 * 1024;

impl Out {
    fn new(is_line_buffered: bool) -> Self {
        Self {
            to: io::stdout(),
            text: String::with_capacity(GATHERED),
            is_line_buffered,
        }
    }

    /// To be called after lines were put.
    fn written_lines(&mut self) -> io::Result<()> {
        match self.text.len() {
            0 => Ok(()),
            len if self.is_line_buffered || len >= GATHERED => self.flush(),
            _ => Ok(()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.text.is_empty() {
            self.to.write_all(self.text.as_bytes())?;
            self.text.clear();
            self.to.flush()?;
        }
        Ok(())
    }
}

fn form(args: &SniArgs) -> Result<Form, SniFailure> {
    let mistaken = |why: String| SniFailure::Mistaken(why);
    if args.write.is_some() && !args.print {
        return Ok(Form::Nothing);
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

fn open(args: &SniArgs) -> Result<Source, SniFailure> {
    match &args.read {
        Some(file) => open_file(file),
        None => Err(SniFailure::Mistaken("-r is missing".to_owned())),
    }
}

fn open_file(file: &Path) -> Result<Source, SniFailure> {
    let reader = Reader::open(file).map_err(|error| SniFailure::Failed(error.to_string()))?;
    let link = reader.link().map_or("unknown", |link| link.name());
    say(&format!(
        "reading from file {}, link-type {link}, snapshot length {}",
        file.display(),
        reader.snapshot_len()
    ));
    Ok(Source::File(reader))
}

/// Says what may be missing.
fn say_forgotten(inspector: &Inspector) {
    let flows = inspector.flows();
    let counts = flows.counts();
    if counts.evicted > 0 {
        say(&format!(
            "{} forgotten, since more than {} were open at once (--flows)",
            counted(counts.evicted, "connection"),
            flows.bounds().flows
        ));
    }
    if counts.given_up > 0 {
        say(&format!(
            "{} given up, since more than {} bytes would have been held",
            counted(counts.given_up, "hello"),
            flows.bounds().held_bytes
        ));
    }
}

fn say(sentence: &str) {
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(io::stderr(), "{sentence}");
}

/// The expression, from the command line or a file.
///
/// # Errors
/// Why the file cannot be read.
#[allow(dead_code, reason = "the filter")]
fn expression(args: &SniArgs) -> Result<Vec<String>, SniFailure> {
    match &args.expression_file {
        None => Ok(args.expression.clone()),
        Some(file) => match fs::read_to_string(file) {
            Ok(text) => Ok(vec![text]),
            Err(error) => Err(SniFailure::Failed(format!("{}: {error}", file.display()))),
        },
    }
}
