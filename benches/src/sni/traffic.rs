//! A capture of mixed traffic: many flows at once, the same for the same seed.

use std::io::{self, Write};

use anyhow::{Context, Result};
use fastrand::Rng;
use gateway::inspect::file::{Precision, WriteError, Writer};
use gateway::inspect::frame::{Frame, LinkType, Timestamp};

use super::flow::{Flow, Noise};

/// How many flows are open at once, as long as the file grows.
const FLOWS: usize = 4000;
/// Between two packets, on average; in nanoseconds.
const PAUSE: u64 = 5_000;
/// 2026-01-01.
const START: u64 = 1_767_225_600_000_000_000;
const FILE_HEADER: u64 = 24;
const PACKET_HEADER: u64 = 16;
const SNAPSHOT: u32 = 262_144;

/// What a capture holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) bytes: u64,
    pub(crate) packets: u64,
    /// Whole hellos: each flow with one has one.
    pub(crate) hellos: u64,
    pub(crate) flows: u64,
}

/// Writes a capture of at least `bytes`, and hardly more. No hello in it is cut by its end.
pub(crate) fn write(to: impl Write, bytes: u64, seed: u64) -> Result<Held> {
    let mut rng = Rng::with_seed(seed);
    let noise = Noise::new(&mut rng);
    let mut file = File::begin(to)?;
    let mut flows: Vec<Flow> = Vec::new();
    while file.held.bytes < bytes {
        while flows.len() < FLOWS {
            flows.push(Flow::new(&mut rng));
            file.held.flows += 1;
        }
        let at = rng.usize(..flows.len());
        step(&mut flows[at], &noise, &mut rng, &mut file)?;
        if flows[at].is_over() {
            flows.swap_remove(at);
        }
    }
    for flow in &mut flows {
        while flow.owes_hello() {
            step(flow, &noise, &mut rng, &mut file)?;
        }
    }
    file.writer
        .flush()
        .context("the capture cannot be written")?;
    Ok(file.held)
}

fn step<W: Write>(flow: &mut Flow, noise: &Noise, rng: &mut Rng, file: &mut File<W>) -> Result<()> {
    let ends_hello = flow.next(noise, rng, |frame| file.put(frame))?;
    file.held.hellos += u64::from(ends_hello);
    Ok(())
}

/// A capture in the making.
struct File<W> {
    writer: Writer<W>,
    held: Held,
    time: u64,
}

impl<W: Write> File<W> {
    fn begin(to: W) -> io::Result<Self> {
        let precision = Precision::Microseconds;
        Ok(Self {
            writer: Writer::begin(to, LinkType::Ethernet, SNAPSHOT, precision)?,
            held: Held {
                bytes: FILE_HEADER,
                ..Held::default()
            },
            time: START,
        })
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.held.bytes += PACKET_HEADER + bytes.len() as u64;
        self.held.packets += 1;
        self.time += PAUSE;
        self.writer.write(&Frame {
            time: Timestamp(self.time),
            link: LinkType::Ethernet,
            tag: None,
            bytes,
            wire_len: bytes.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::micro::inspect::hellos;

    #[test]
    fn every_hello_that_was_put_in_is_seen() {
        let mut capture = Vec::new();
        let held = write(&mut capture, 20_000_000, 7).unwrap();
        assert_eq!(capture.len() as u64, held.bytes);
        assert!(held.bytes < 21_000_000 && held.hellos > 1000);
        assert_eq!(hellos(&capture) as u64, held.hellos);
    }

    #[test]
    fn a_seed_makes_the_same_capture_again() {
        let make = |seed| {
            let mut capture = Vec::new();
            write(&mut capture, 1_000_000, seed).unwrap();
            capture
        };
        assert!(make(1) == make(1) && make(1) != make(2));
    }
}
