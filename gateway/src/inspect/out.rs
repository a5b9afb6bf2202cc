//! Where `sni` writes: lines to stdout, packets to a file.

mod same;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::args::SniArgs;
use super::file::{Precision, WriteError, Writer, shown};
use super::frame::{Frame, LinkType};
use super::inspector::counted;
use super::keep::Pick;
use super::run::{SniFailure, Stop};
use super::say::say;
use super::source::Source;

/// What is gathered before it is written, where nothing is waited for.
const GATHERED: usize = 64 * 1024;

/// Text on its way to stdout.
pub(super) struct Out {
    to: io::Stdout,
    pub(super) text: String,
    is_line_buffered: bool,
}

impl Out {
    pub(super) fn new(is_line_buffered: bool) -> Self {
        Self {
            to: io::stdout(),
            text: String::with_capacity(GATHERED),
            is_line_buffered,
        }
    }

    /// To be called after lines may have been put.
    pub(super) fn written_lines(&mut self) -> io::Result<()> {
        match self.text.len() {
            0 => Ok(()),
            len if self.is_line_buffered || len >= GATHERED => self.flush(),
            _ => Ok(()),
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        if !self.text.is_empty() {
            self.to.write_all(self.text.as_bytes())?;
            self.text.clear();
            self.to.flush()?;
        }
        Ok(())
    }
}

/// Packets on their way to a file, if they are wanted at all.
pub(super) struct Packets {
    to: To,
    /// As `-w` has it.
    file: String,
    is_packet_buffered: bool,
    snapshot_len: u32,
    precision: Precision,
    /// The link type of a file without packets.
    link_of_none: LinkType,
    /// Packets of another link type than the file's.
    left_out: u64,
}

type Sink = BufWriter<Box<dyn Write>>;

enum To {
    Nowhere,
    /// The first packet that is written says which link type the file has.
    Begun(Sink),
    File(Writer<Sink>),
}

impl Packets {
    /// Creates the file, and writes its header if it is known how all packets begin that may come.
    pub(super) fn begin(args: &SniArgs, source: &Source) -> Result<Self, SniFailure> {
        let mut packets = Self {
            to: To::Nowhere,
            file: String::new(),
            is_packet_buffered: args.packet_buffered,
            snapshot_len: source.snapshot_len(),
            precision: source.precision(),
            link_of_none: source.link().unwrap_or(LinkType::Ethernet),
            left_out: 0,
        };
        if let Some(file) = &args.write {
            packets.file = shown(file);
            let created = create(args, file).map_err(|error| {
                SniFailure::Failed(format!("{}: cannot be written: {error}", packets.file))
            })?;
            packets.to = To::Begun(created);
            if source.has_one_link() {
                packets.head(packets.link_of_none)?;
            }
        }
        Ok(packets)
    }

    pub(super) fn write(&mut self, pick: Pick, frame: &Frame<'_>) -> Result<(), Stop> {
        match pick {
            Pick::Leave => return Ok(()),
            Pick::Take => self.put(frame)?,
            Pick::TakeAfter(before) => {
                for stored in &before {
                    self.put(&stored.frame())?;
                }
                self.put(frame)?;
            }
        }
        match self.is_packet_buffered {
            true => self.flush(),
            false => Ok(()),
        }
    }

    pub(super) fn flush(&mut self) -> Result<(), Stop> {
        match &mut self.to {
            To::File(writer) => writer.flush().map_err(|error| self.stop(error)),
            To::Nowhere | To::Begun(_) => Ok(()),
        }
    }

    /// Ends the file. One without packets has a header too.
    pub(super) fn finish(&mut self) -> Result<(), Stop> {
        self.head(self.link_of_none)?;
        self.flush()
    }

    /// How many packets the file could not hold, in a sentence.
    pub(super) fn left_out(&self) -> Option<String> {
        let count = counted(self.left_out, "packet");
        let sentence = format!("{}: {count} left out, of other link types", self.file);
        (self.left_out > 0).then_some(sentence)
    }

    /// Writes the header, if it is not there.
    fn head(&mut self, link: LinkType) -> Result<(), Stop> {
        let sink = match std::mem::replace(&mut self.to, To::Nowhere) {
            To::Begun(sink) => sink,
            to => {
                self.to = to;
                return Ok(());
            }
        };
        let writer = Writer::begin(sink, link, self.snapshot_len, self.precision);
        self.to = To::File(writer.map_err(|error| self.stop(error))?);
        Ok(())
    }

    fn put(&mut self, frame: &Frame<'_>) -> Result<(), Stop> {
        self.head(frame.link)?;
        let To::File(writer) = &mut self.to else {
            return Ok(());
        };
        match writer.write(frame) {
            Ok(()) => Ok(()),
            Err(WriteError::Io(error)) => Err(self.stop(error)),
            Err(WriteError::LinkType { packet, file }) => {
                self.leave_out(packet, file);
                Ok(())
            }
        }
    }

    /// The others are worth having: it is said at once, and at the end how many.
    fn leave_out(&mut self, packet: LinkType, file: LinkType) {
        self.left_out += 1;
        if self.left_out == 1 {
            say(&format!(
                "{}: packets of link type {} are left out: a file of pcap has one link type, here {}; \
                 each interface needs a file of its own",
                self.file,
                packet.name(),
                file.name()
            ));
        }
    }

    /// A pipe that was closed is no failure.
    fn stop(&self, error: io::Error) -> Stop {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Stop::Output(error),
            _ => Stop::Source(format!("{}: cannot be written: {error}", self.file)),
        }
    }
}

/// Refuses to write over what is read, which would be empty before it was.
///
/// # Errors
/// A sentence that says so.
pub(super) fn check_not_read(args: &SniArgs) -> Result<(), SniFailure> {
    match (&args.read, &args.write) {
        (Some(read), Some(write)) if same::is_one_file(read, write) => {
            let why = format!(
                "-w {} is the file that is read, and would be written over: give another name",
                shown(write)
            );
            Err(SniFailure::Mistaken(why))
        }
        _ => Ok(()),
    }
}

fn create(args: &SniArgs, file: &Path) -> io::Result<Sink> {
    let to: Box<dyn Write> = match args.writes_to_stdout() {
        true => Box::new(io::stdout()),
        false => Box::new(File::create(file)?),
    };
    Ok(BufWriter::with_capacity(GATHERED, to))
}
