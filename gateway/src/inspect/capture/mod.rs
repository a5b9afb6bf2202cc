//! Frames as they pass, by AF_PACKET.
//!
//! A ring (TPACKET_V3) that the kernel fills and that is mapped into the process: no system call and
//! no copy for each packet. It is netring's, which offers it without unsafe code of ours. With its
//! features off it brings flowscope, of which then little is left, and four small crates. The other
//! way, `recvmmsg` on a packet socket, is none without unsafe code: nix, rustix and socket2 cannot bind
//! such a socket to an interface, nor ask for promiscuous mode. Nor could it be faster: it copies each
//! packet once more.
//!
//! `any` opens a ring for each interface that is up, so that each frame comes with its link type, and
//! looks for new ones each second. One that goes down is waited for: the kernel hands its frames to the
//! same ring again once it is up.

mod around;
mod counts;
mod error;
mod interfaces;
mod ring;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

pub use counts::Counts;
pub use error::CaptureError;
pub use interfaces::{ANY, Interface, interfaces, list};

use super::filter::Filter;
use super::frame::{Frame, LinkType};
use super::signals::Signals;
use ring::{BLOCK_MS, Ring, RingOptions};

/// Blocks of the ring of one interface: 32 MiB, what comes in a quarter of a second at 1 Gbit/s.
const BLOCKS: usize = 64;

/// Blocks of all rings of `any` together, 64 MiB, as far as each has [`BLOCKS_MIN`].
const BLOCKS_OF_ALL: usize = 128;

/// Least blocks of a ring, 2 MiB: one is filled while others are read.
const BLOCKS_MIN: usize = 4;

/// Most interfaces of `any`: their rings take 256 MiB.
pub const INTERFACES_MAX: usize = 128;

/// How often the kernel's counters are read, which have 32 bits, and `any` looks for interfaces.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// How long frames are waited for when the capture is to end: the kernel still has the block that it is
/// filling, and hands it out within [`BLOCK_MS`]. Who writes a pipe and was told by the same keys, needs
/// no more.
pub(super) const LAST_FRAMES: Duration = Duration::from_millis(4 * BLOCK_MS as u64);

/// What to capture.
#[derive(Clone, Debug)]
pub struct CaptureOptions {
    /// The interface: its name, its number in [`list`], or [`ANY`].
    pub interface: String,
    /// Which packets are wanted. The kernel leaves out what it can; the rest is still to be judged.
    pub filter: Filter,
    /// Most bytes of a packet that are captured.
    pub snapshot: u32,
    /// Whether the interface is to take frames that are for others. `any` never does, as with tcpdump.
    pub is_promiscuous: bool,
}

/// A capture that runs.
#[derive(Debug)]
pub struct Live {
    options: CaptureOptions,
    rings: Vec<Ring>,
    signals: Signals,
    /// Counts of rings that are gone.
    gone: Counts,
    looked_around: Instant,
    /// When it ends, once it is to.
    ends: Option<Instant>,
    /// Why it ends then, if nobody wanted it.
    failure: Option<CaptureError>,
}

/// Why a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// There may be frames.
    Frames,
    /// SIGUSR1 asks for the counts.
    CountsAsked,
    /// The interface went down; its frames come again once it is up. Not told of `any`.
    WentDown,
    /// The capture is over; all frames were shown.
    End,
}

impl Live {
    /// Begins to capture. Takes SIGINT, SIGTERM, SIGHUP and SIGUSR1 for this process, so there are to be no
    /// other threads yet.
    ///
    /// # Errors
    ///
    /// [`CaptureError`]: why it cannot be.
    pub fn open(options: CaptureOptions) -> Result<Self, CaptureError> {
        let signals = Signals::new();
        let signals = signals.map_err(|error| CaptureError::system("wait for signals", error))?;
        let mut live = Self {
            options,
            rings: Vec::new(),
            signals,
            gone: Counts::default(),
            looked_around: Instant::now(),
            ends: None,
            failure: None,
        };
        match live.is_any() {
            true => live.open_new()?,
            false => live.open_one()?,
        }
        Ok(live)
    }

    /// What is said when it begins, as tcpdump says it.
    #[must_use]
    pub fn banner(&self) -> String {
        let mut links: Vec<&str> = self.rings.iter().map(|ring| ring.link().name()).collect();
        links.dedup();
        format!(
            "listening on {}, link-type {}, snapshot length {} bytes",
            self.interface(),
            links.join(", "),
            self.options.snapshot
        )
    }

    /// The name of the interface, or [`ANY`].
    #[must_use]
    pub fn interface(&self) -> &str {
        match (self.is_any(), &self.rings[..]) {
            (false, [ring]) => ring.name(),
            _ => ANY,
        }
    }

    /// Whether all frames begin so, whatever comes: of [`ANY`], an interface may come up that has others.
    #[must_use]
    pub fn has_one_link(&self) -> bool {
        !self.is_any()
    }

    /// How frames begin, if all do so up to now.
    #[must_use]
    pub fn link(&self) -> Option<LinkType> {
        let (first, others) = self.rings.split_first()?;
        let is_same = others.iter().all(|ring| ring.link() == first.link());
        is_same.then_some(first.link())
    }

    /// Most bytes of a frame.
    #[must_use]
    pub fn snapshot(&self) -> u32 {
        self.options.snapshot
    }

    /// Shows the frames that are there, until `see` breaks.
    pub fn each<B>(&mut self, mut see: impl FnMut(&Frame<'_>) -> ControlFlow<B>) -> ControlFlow<B> {
        // Each ring has its turn, however fast another is filled.
        let blocks = self.blocks();
        let mut rings = self.rings.iter_mut();
        rings.try_for_each(|ring| ring.each(blocks, &mut see))
    }

    /// Waits until there is something to do.
    ///
    /// # Errors
    ///
    /// [`CaptureError`]: why there is nothing more to come. Frames that came before were announced.
    pub fn wait(&mut self) -> Result<Wake, CaptureError> {
        if self.ends.is_some_and(|ends| Instant::now() >= ends) {
            return self.failure.take().map_or(Ok(Wake::End), Err);
        }
        if self.looked_around.elapsed() >= LOOK_AROUND {
            self.look_around()?;
        }
        let failed = self.poll()?;
        if self.signals.take_counts() {
            return Ok(Wake::CountsAsked);
        }
        if self.signals.is_end() {
            self.end();
        }
        let has_news = match failed {
            Some(index) => self.failed(index)?,
            None => false,
        };
        match has_news && !self.is_any() && self.ends.is_none() {
            true => Ok(Wake::WentDown),
            false => Ok(Wake::Frames),
        }
    }

    fn end(&mut self) {
        self.ends
            .get_or_insert_with(|| Instant::now() + LAST_FRAMES);
    }

    /// What was counted up to now.
    ///
    /// # Errors
    ///
    /// [`CaptureError::System`] if the kernel does not tell.
    pub fn counts(&mut self) -> Result<Counts, CaptureError> {
        let mut sum = self.gone;
        for ring in &mut self.rings {
            sum = sum.plus(ring.counts()?);
        }
        Ok(sum)
    }

    fn is_any(&self) -> bool {
        self.options.interface == ANY
    }

    fn blocks(&self) -> usize {
        match self.is_any() {
            true => (BLOCKS_OF_ALL / self.rings.len().max(1)).clamp(BLOCKS_MIN, BLOCKS),
            false => BLOCKS,
        }
    }

    fn ring_options(&self, blocks: usize) -> RingOptions<'_> {
        RingOptions {
            filter: &self.options.filter,
            snapshot: self.options.snapshot,
            is_promiscuous: self.options.is_promiscuous && !self.is_any(),
            blocks,
        }
    }

    fn open_one(&mut self) -> Result<(), CaptureError> {
        let interface = interfaces::find(&self.options.interface)?;
        let ring = Ring::open(&interface, self.ring_options(BLOCKS))?;
        self.rings.push(ring);
        Ok(())
    }

    /// Waits for a signal, frames, or the time to look around; the ring that failed, if one did.
    fn poll(&self) -> Result<Option<usize>, CaptureError> {
        let mut waited: Vec<PollFd<'_>> = Vec::with_capacity(1 + self.rings.len());
        waited.push(PollFd::new(&self.signals, PollFlags::IN));
        waited.extend(
            self.rings
                .iter()
                .map(|ring| PollFd::new(ring, PollFlags::IN)),
        );
        let longest = match self.ends {
            Some(ends) => ends.saturating_duration_since(Instant::now()),
            None => LOOK_AROUND,
        };
        let longest = Timespec {
            tv_sec: longest.as_secs().cast_signed(),
            tv_nsec: longest.subsec_nanos().into(),
        };
        match poll(&mut waited, Some(&longest)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(CaptureError::system("wait for packets", error)),
        }
        let bad = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
        let mut rings = waited[1..].iter();
        Ok(rings.position(|ring| ring.revents().intersects(bad)))
    }
}

impl Counts {
    fn plus(self, other: Self) -> Self {
        Self {
            captured: self.captured + other.captured,
            received: self.received + other.received,
            dropped: self.dropped + other.dropped,
        }
    }
}
