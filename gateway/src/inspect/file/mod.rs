//! Capture files: pcap and pcapng, plain or packed with gzip, from a file or a pipe.
//!
//! Both formats are read here, not by the crate pcap-parser (0.17), for what that does with files
//! that are sound: its readers fail where the first read of a pipe brings less than a header, and
//! forget why a read failed; of pcapng it takes no resolution of a power of two, reads the offset of
//! times in big-endian files backwards, knows no packet blocks of the first version, and allocates
//! for each packet that has options.
//!
//! The two formats are pure modules; [`Reader`] feeds them.
//!
//! ```
//! use gateway::inspect::file::Reader;
//! # let dir = std::env::temp_dir().join(format!("frames-{}", std::process::id()));
//! # let header = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
//! # let packet = [7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0xab];
//! # std::fs::write(&dir, [&header[..], &packet[..]].concat())?;
//! # let path = dir.as_path();
//!
//! let mut reader = Reader::open(path)?;
//! let mut frames = 0;
//! loop {
//!     while let Some(frame) = reader.next()? {
//!         assert_eq!(frame.time.0, 7_000_000_000);
//!         frames += 1;
//!     }
//!     // Nothing whole is left in the buffer: now is the time to write what was found so far.
//!     if !reader.fill()? {
//!         break;
//!     }
//! }
//! assert_eq!(frames, 1);
//! # std::fs::remove_file(path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod buffer;
mod damage;
mod number;
mod pcap;
mod pcapng;
mod read;
mod shown;
mod step;
mod write;

// The public interface is:
pub use damage::{Damage, FileError, FileErrorKind};
pub use read::{Reader, STDIN};
pub use step::Part;
pub use write::{Precision, WriteError, Writer};

pub(super) use read::open;
pub(super) use shown::shown;

/// Most bytes of one packet; libpcap's bound for all link types that are read here.
pub const PACKET_MAX: usize = 256 * 1024;

/// Most interfaces of a section of pcapng. A hostile file could else hold millions, 20 bytes each.
pub const INTERFACES_MAX: usize = 65_536;
