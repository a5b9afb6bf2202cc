//! Bytes that depend on a seed and a length only: both ends know them, and nobody stores them.

use std::io;

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A few TLS records at a time.
const CHUNK: usize = 64 * 1024;

/// A SHA-256.
pub type Digest = [u8; 32];

/// Bytes to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    /// What the bytes are made from.
    pub seed: u64,
    /// How many they are.
    pub length: u64,
}

impl Payload {
    /// The digest of the bytes.
    pub fn digest(self) -> Digest {
        let mut hash = Sha256::new();
        let mut chunks = Chunks::new(self);
        while let Some(chunk) = chunks.next() {
            hash.update(chunk);
        }
        hash.finalize().into()
    }

    /// Sends the bytes.
    pub async fn send(self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let mut chunks = Chunks::new(self);
        while let Some(chunk) = chunks.next() {
            to.write_all(chunk).await?;
        }
        to.flush().await
    }
}

/// Receives this many bytes; their digest.
pub async fn receive(from: &mut (impl AsyncRead + Unpin), length: u64) -> io::Result<Digest> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    let mut left = length;
    while left > 0 {
        let room = &mut buffer[..CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
        let read = from.read(room).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        hash.update(&room[..read]);
        left -= read as u64;
    }
    Ok(hash.finalize().into())
}

/// Receives until the end; the digest. `length` is how many bytes came, also where they are cut.
pub async fn receive_to_end(
    from: &mut (impl AsyncRead + Unpin),
    length: &mut u64,
) -> io::Result<Digest> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    *length = 0;
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(hash.finalize().into());
        }
        hash.update(&buffer[..read]);
        *length += read as u64;
    }
}

/// The bytes of a payload, piece by piece.
struct Chunks {
    state: u64,
    left: u64,
    buffer: Vec<u8>,
}

impl Chunks {
    fn new(payload: Payload) -> Self {
        Self {
            state: payload.seed,
            left: payload.length,
            buffer: vec![0; CHUNK],
        }
    }

    fn next(&mut self) -> Option<&[u8]> {
        let length = CHUNK.min(usize::try_from(self.left).unwrap_or(CHUNK));
        if length == 0 {
            return None;
        }
        self.left -= length as u64;
        for word in self.buffer.chunks_exact_mut(size_of::<u64>()) {
            word.copy_from_slice(&splitmix(&mut self.state).to_le_bytes());
        }
        Some(&self.buffer[..length])
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): no byte repeats its neighbour's pattern, and a gigabyte
/// takes less than a second.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
