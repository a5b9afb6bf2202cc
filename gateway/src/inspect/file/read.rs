//! Reads a capture file, or a pipe as it comes.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::buffer::Buffer;
use super::damage::{Damage, FileError, FileErrorKind};
use super::pcap::Pcap;
use super::pcapng::{PcapNg, SECTION};
use super::step::{Packet, Part, Step};
use super::{PACKET_MAX, Precision};
use crate::inspect::frame::{Frame, LinkType};

/// The name of what comes in on stdin.
pub const STDIN: &str = "-";

const GZIP: [u8; 2] = [0x1f, 0x8b];
/// What tells formats from each other.
const MAGIC: usize = 4;

/// What is read of a packed file at once.
const PACKED_CAPACITY: usize = 1 << 18;

/// An open capture.
///
/// Memory is bounded, whatever the file says: a buffer of a MiB, and of pcapng the description of
/// [`INTERFACES_MAX`](super::INTERFACES_MAX) interfaces.
pub struct Reader {
    file: PathBuf,
    source: Box<dyn Read + Send>,
    is_packed: bool,
    buffer: Buffer,
    format: Format,
    /// Packets of link types that are not read.
    unread: u64,
}

enum Format {
    Pcap(Pcap),
    PcapNg(PcapNg),
}

impl Reader {
    /// Opens a file, or stdin for [`STDIN`], and reads until it has said how packets begin.
    ///
    /// # Errors
    /// Says which file, where in it and what is wrong.
    pub fn open(file: &Path) -> Result<Self, FileError> {
        let source = open(file).map_err(|source| FileError {
            file: file.to_owned(),
            kind: FileErrorKind::Open(source),
        })?;
        Self::from_source(file, Box::new(source))
    }

    /// Reads what comes from `source`; `file` is its name in errors.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn from_source(file: &Path, source: Box<dyn Read + Send>) -> Result<Self, FileError> {
        let mut reader = Self {
            file: file.to_owned(),
            source,
            is_packed: false,
            buffer: Buffer::new(),
            format: Format::PcapNg(PcapNg::new()),
            unread: 0,
        };
        let mut magic = reader.magic()?;
        if magic.starts_with(&GZIP) {
            reader.unpack();
            magic = reader.magic()?;
        }
        reader.begin(magic)?;
        Ok(reader)
    }

    /// How packets begin; those of the first interface, where there are several.
    pub fn link(&self) -> Option<LinkType> {
        match &self.format {
            Format::Pcap(pcap) => Some(pcap.link()),
            Format::PcapNg(pcapng) => pcapng.first_interface()?.link,
        }
    }

    /// Whether all packets begin so, whatever comes: a pcapng may describe an interface at any place.
    pub fn has_one_link(&self) -> bool {
        match &self.format {
            Format::Pcap(_) => true,
            Format::PcapNg(_) => false,
        }
    }

    /// Most bytes that were captured of a packet, as the file says; where it does not, the most that a
    /// packet has.
    pub fn snapshot_len(&self) -> u32 {
        let said = match &self.format {
            Format::Pcap(pcap) => pcap.snapshot_len(),
            Format::PcapNg(pcapng) => pcapng.first_interface().map_or(0, |it| it.snapshot_len),
        };
        match said {
            0 => PACKET_MAX as u32,
            said => said,
        }
    }

    /// How fine times are; those of the first interface, where there are several.
    pub fn precision(&self) -> Precision {
        match &self.format {
            Format::Pcap(pcap) => pcap.precision(),
            Format::PcapNg(pcapng) => pcapng
                .first_interface()
                .map_or(Precision::Microseconds, |it| it.precision()),
        }
    }

    /// How many packets of link types that are not read were passed over.
    pub fn unread(&self) -> u64 {
        self.unread
    }

    /// The next frame that is whole in memory; none if [`Self::fill`] is to be called.
    ///
    /// # Errors
    /// What is wrong with the file; there is nothing more to read then.
    #[allow(
        clippy::should_implement_trait,
        reason = "a frame borrows from the reader"
    )]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, FileError> {
        loop {
            match self.step()? {
                Step::More(_) => return Ok(None),
                Step::Pass(len) => self.buffer.pass(len),
                Step::Packet(packet) => match packet.link {
                    Some(link) => return Ok(Some(self.frame(&packet, link))),
                    None => {
                        self.unread += 1;
                        self.buffer.take(packet.taken);
                    }
                },
            }
        }
    }

    /// Reads once, and waits if it must. False at the end.
    ///
    /// # Errors
    /// What the system says; and at the end, if it comes within a packet, where that begins.
    pub fn fill(&mut self) -> Result<bool, FileError> {
        let offset = self.buffer.offset();
        let filled = self.buffer.fill(&mut self.source);
        match filled {
            Ok(true) => Ok(true),
            Ok(false) => self.check_end().map(|()| false),
            // A packed file that was cut is short for its unpacker.
            Err(source) => Err(self.error(FileErrorKind::Read {
                offset: offset + self.buffer.front().len() as u64,
                is_packed: self.is_packed,
                source,
            })),
        }
    }

    fn frame(&mut self, packet: &Packet, link: LinkType) -> Frame<'_> {
        let block = self.buffer.take(packet.taken);
        Frame {
            time: packet.time,
            link,
            tag: None,
            bytes: &block[packet.captured.clone()],
            wire_len: packet.wire_len,
        }
    }

    fn step(&mut self) -> Result<Step, FileError> {
        if self.buffer.to_pass() > 0 {
            return Ok(Step::More(Part::Body(self.buffer.to_pass())));
        }
        let front = self.buffer.front();
        let step = match &mut self.format {
            Format::Pcap(pcap) => pcap.step(front),
            Format::PcapNg(pcapng) => pcapng.step(front),
        };
        step.map_err(|damage| self.damaged(damage))
    }

    /// Nothing may be left when a file ends.
    fn check_end(&mut self) -> Result<(), FileError> {
        let there = self.buffer.front().len() as u64;
        if there == 0 && self.buffer.to_pass() == 0 {
            return Ok(());
        }
        match self.step()? {
            Step::More(part) => Err(self.damaged(Damage::Truncated { part, there })),
            // Whoever asks for more has taken everything else.
            Step::Pass(_) | Step::Packet(_) => Ok(()),
        }
    }

    /// The first bytes.
    fn magic(&mut self) -> Result<[u8; MAGIC], FileError> {
        loop {
            if let Some(magic) = self.buffer.front().first_chunk() {
                return Ok(*magic);
            }
            self.fill_header()?;
        }
    }

    /// Goes on with what the file was packed from.
    fn unpack(&mut self) {
        let buffer = std::mem::replace(&mut self.buffer, Buffer::new());
        let source = std::mem::replace(&mut self.source, Box::new(io::empty()));
        let packed = Cursor::new(buffer.front().to_vec()).chain(source);
        let packed = BufReader::with_capacity(PACKED_CAPACITY, packed);
        self.source = Box::new(MultiGzDecoder::new(packed));
        self.is_packed = true;
    }

    fn begin(&mut self, magic: [u8; MAGIC]) -> Result<(), FileError> {
        match magic {
            magic if Pcap::begins(magic) => self.begin_pcap(),
            magic if u32::from_be_bytes(magic) == SECTION => self.begin_pcapng(),
            magic => Err(self.damaged(Damage::Unknown(magic))),
        }
    }

    fn begin_pcap(&mut self) -> Result<(), FileError> {
        loop {
            let parsed = Pcap::parse(self.buffer.front());
            if let Some((pcap, taken)) = parsed.map_err(|damage| self.damaged(damage))? {
                self.format = Format::Pcap(pcap);
                self.buffer.take(taken);
                return Ok(());
            }
            self.fill_header()?;
        }
    }

    /// Reads on to the first interface.
    fn begin_pcapng(&mut self) -> Result<(), FileError> {
        loop {
            match self.step()? {
                Step::Pass(len) => self.buffer.pass(len),
                // One of an interface that nobody described is an error before.
                Step::Packet(_) => return Ok(()),
                Step::More(_) => {
                    if !self.fill()? {
                        return Err(self.damaged(Damage::NoInterface));
                    }
                }
            }
            if matches!(&self.format, Format::PcapNg(it) if it.first_interface().is_some()) {
                return Ok(());
            }
        }
    }

    fn fill_header(&mut self) -> Result<(), FileError> {
        let there = self.buffer.front().len() as u64;
        let filled = self.buffer.fill(&mut self.source);
        match filled {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.damaged(Damage::Truncated {
                part: Part::FileHeader,
                there,
            })),
            Err(source) => Err(self.error(FileErrorKind::Read {
                offset: there,
                is_packed: self.is_packed,
                source,
            })),
        }
    }

    fn damaged(&self, damage: Damage) -> FileError {
        self.error(FileErrorKind::Damaged {
            offset: self.buffer.offset(),
            is_packed: self.is_packed,
            damage,
        })
    }

    fn error(&self, kind: FileErrorKind) -> FileError {
        FileError {
            file: self.file.clone(),
            kind,
        }
    }
}

/// Opens a file, or stdin for [`STDIN`].
pub(in crate::inspect) fn open(file: &Path) -> io::Result<File> {
    match file == Path::new(STDIN) {
        // Not through std's handle, whose buffer is small.
        true => Ok(io::stdin().as_fd().try_clone_to_owned()?.into()),
        false => File::open(file),
    }
}
