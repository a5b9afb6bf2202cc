//! Where `sni` writes: lines to stdout, packets to a file.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use super::args::SniArgs;
use super::file::{WriteError, Writer};
use super::frame::{Frame, LinkType};
use super::keep::Pick;
use super::run::{SniFailure, Stop};
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
    writer: Option<Writer<BufWriter<Box<dyn Write>>>>,
    /// As `-w` has it.
    file: String,
    is_packet_buffered: bool,
}

impl Packets {
    /// Creates the file, and writes its header.
    pub(super) fn begin(args: &SniArgs, source: &Source) -> Result<Self, SniFailure> {
        let mut packets = Self {
            writer: None,
            file: String::new(),
            is_packet_buffered: args.packet_buffered,
        };
        if let Some(file) = &args.write {
            packets.file = file.display().to_string();
            let begun = packets.create(args, source);
            let cannot = |error| format!("{}: cannot be written: {error}", packets.file);
            packets.writer = Some(begun.map_err(|error| SniFailure::Failed(cannot(error)))?);
        }
        Ok(packets)
    }

    pub(super) fn write(&mut self, pick: Pick, frame: &Frame<'_>) -> Result<(), Stop> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        let written = match pick {
            Pick::Leave => return Ok(()),
            Pick::Take => writer.write(frame),
            Pick::TakeAfter(before) => before
                .iter()
                .try_for_each(|stored| writer.write(&stored.frame()))
                .and_then(|()| writer.write(frame)),
        };
        written.map_err(|error| self.stop(error))?;
        match self.is_packet_buffered {
            true => self.flush(),
            false => Ok(()),
        }
    }

    pub(super) fn flush(&mut self) -> Result<(), Stop> {
        match &mut self.writer {
            Some(writer) => writer.flush().map_err(|error| self.stop(error.into())),
            None => Ok(()),
        }
    }

    fn create(
        &self,
        args: &SniArgs,
        source: &Source,
    ) -> io::Result<Writer<BufWriter<Box<dyn Write>>>> {
        let to: Box<dyn Write> = match args.writes_to_stdout() {
            true => Box::new(io::stdout()),
            false => Box::new(File::create(&self.file)?),
        };
        let to = BufWriter::with_capacity(GATHERED, to);
        let link = source.link().unwrap_or(LinkType::Ethernet);
        Writer::begin(to, link, source.snapshot_len(), source.precision())
    }

    /// A pipe that was closed is no failure.
    fn stop(&self, error: WriteError) -> Stop {
        match error {
            WriteError::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                Stop::Output(error)
            }
            error => Stop::Source(format!("{}: cannot be written: {error}", self.file)),
        }
    }
}
