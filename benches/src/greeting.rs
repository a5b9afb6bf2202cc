//! The hellos that clients begin with, and the pieces in which they come.
//!
//! Each connection has a random of its own, as clients have: a gateway that meets one twice at a time
//! takes it for a hello that came back to it.

use std::ops::Range;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::wire::HELLO;

/// One of Chromium's with a post-quantum key share, as recorded; the name in it is currency.dc1.
const POST_QUANTUM: &[u8] = include_bytes!("../../gateway/testdata/hello/chromium.bin");

/// One of OpenSSL's in records of 512 bytes, as recorded; the name in it is currency.dc1.
const FIVE_RECORDS: &[u8] =
    include_bytes!("../../gateway/testdata/hello/openssl-small-records.bin");

/// What a small record holds: TLS allows any number of bytes but none.
const SMALL_RECORD: usize = 16;

/// Bytes before a record's content, and of them those that say its type and version.
const HEADER: usize = 5;
const TYPE_AND_VERSION: usize = 3;

/// Where every connection differs: the first bytes of the hello's random, behind the headers of record
/// and message and a version. They are in the first record, whatever that holds.
const RANDOM: Range<usize> = 11..19;

/// Between two segments: long enough that a proxy has read the first before the second comes.
const GAP: Duration = Duration::from_millis(20);

/// A hello, and how it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// A small one, in one piece.
    Small,
    /// A post-quantum one, in two segments.
    TwoSegments,
    /// In five records, in one piece.
    FiveRecords,
    /// In records of 16 bytes, in one piece.
    SmallRecords,
}

impl Greeting {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Small,
        Self::TwoSegments,
        Self::FiveRecords,
        Self::SmallRecords,
    ];

    /// Its bytes as recorded.
    #[must_use]
    pub fn bytes(self) -> &'static [u8] {
        static SMALL_RECORDS: LazyLock<Vec<u8>> = LazyLock::new(in_small_records);
        match self {
            Self::Small => HELLO,
            Self::TwoSegments => POST_QUANTUM,
            Self::FiveRecords => FIVE_RECORDS,
            Self::SmallRecords => &SMALL_RECORDS,
        }
    }

    /// Sends it, and with its last piece what follows it.
    ///
    /// # Errors
    ///
    /// When the stream breaks.
    pub async fn send(self, stream: &mut TcpStream, then: &[u8]) -> std::io::Result<()> {
        let mut bytes = [self.bytes(), then].concat();
        bytes[RANDOM].copy_from_slice(&fastrand::u64(..).to_ne_bytes());
        let first = match self {
            Self::TwoSegments => self.bytes().len() / 2,
            Self::Small | Self::FiveRecords | Self::SmallRecords => 0,
        };
        if first > 0 {
            stream.write_all(&bytes[..first]).await?;
            sleep(GAP).await;
        }
        stream.write_all(&bytes[first..]).await
    }

    /// Which one begins like this; `begun` is as long as the shortest of them.
    #[must_use]
    pub fn that_begins(begun: &[u8]) -> Option<Self> {
        let is_same = |greeting: &Self| {
            let bytes = &greeting.bytes()[..begun.len()];
            bytes[..RANDOM.start] == begun[..RANDOM.start]
                && bytes[RANDOM.end..] == begun[RANDOM.end..]
        };
        Self::ALL.into_iter().find(is_same)
    }
}

/// The small hello, which is one record, as many.
fn in_small_records() -> Vec<u8> {
    let (header, message) = HELLO.split_at(HEADER);
    let record = |content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap_or(u16::MAX);
        [&header[..TYPE_AND_VERSION], &length.to_be_bytes(), content].concat()
    };
    message.chunks(SMALL_RECORD).flat_map(record).collect()
}

#[cfg(test)]
mod tests {
    use gateway::hello::{ClientHello, HelloBounds, Progress, Reassembly, SniField};

    use super::*;

    #[test]
    fn all_are_whole_hellos_that_name_the_service() {
        for greeting in Greeting::ALL {
            let mut reassembly = Reassembly::default();
            let progress = reassembly.push(greeting.bytes(), &HelloBounds::default());
            assert_eq!(progress.unwrap(), Progress::Complete, "{greeting:?}");
            let hello = ClientHello::parse(reassembly.message()).unwrap();
            assert_eq!(hello.server_name, SniField::Name(b"currency.dc1"));
        }
    }

    #[test]
    fn a_backend_can_tell_them_apart_by_their_first_bytes() {
        for greeting in Greeting::ALL {
            let mut begun = greeting.bytes()[..HELLO.len()].to_vec();
            begun[RANDOM].fill(7);
            assert_eq!(Greeting::that_begins(&begun), Some(greeting));
            begun[RANDOM.end] ^= 1;
            assert_eq!(Greeting::that_begins(&begun), None);
        }
    }
}
