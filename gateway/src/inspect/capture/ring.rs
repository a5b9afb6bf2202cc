//! One interface, and the ring that the kernel fills.

use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{SystemTime, UNIX_EPOCH};

use netring::{BpfFilter, BpfInsn, Capture, Error, Packet};
use rustix::io::Errno;

use super::counts::Counts;
use super::error::CaptureError;
use super::interfaces::Interface;
use crate::inspect::filter::{Filter, Instruction};
use crate::inspect::frame::{Frame, LinkType, Timestamp, VlanTag};

/// How long the kernel keeps a block that is not full, in milliseconds: the least that a line waits.
/// Shorter than what an eye sees, and long enough that a trickle of packets does not cost a wake-up
/// each.
pub(super) const BLOCK_MS: u32 = 20;

/// A block holds the longest packet that a card puts together (64 KiB, or 512 KiB with BIG TCP, whose
/// end is then cut), and some hundreds of usual size.
pub(super) const BLOCK_BYTES: usize = 512 * 1024;

/// What a capture is to be like.
#[derive(Clone, Copy, Debug)]
pub(super) struct RingOptions<'a> {
    pub(super) filter: &'a Filter,
    pub(super) snapshot: u32,
    pub(super) is_promiscuous: bool,
    /// How many blocks the ring has.
    pub(super) blocks: usize,
}

/// What is captured on one interface.
#[derive(Debug)]
pub(super) struct Ring {
    capture: Capture,
    name: String,
    index: usize,
    link: LinkType,
    /// Whether its interface went down, and was not seen up since.
    is_down: bool,
    /// Packets from before are of other interfaces, or not filtered; none once they are through.
    since: Option<Timestamp>,
    counts: Counts,
}

impl Ring {
    /// Captures on this interface from now on.
    pub(super) fn open(
        interface: &Interface,
        options: RingOptions<'_>,
    ) -> Result<Self, CaptureError> {
        let name = interface.name.clone();
        if !interface.is_up {
            return Err(CaptureError::Down { name });
        }
        let link = interface.link.map_err(|hardware| CaptureError::Hardware {
            name: name.clone(),
            hardware,
        })?;
        let capture = Capture::builder()
            .interface(&name)
            .block_size(BLOCK_BYTES)
            .block_count(options.blocks)
            .block_timeout_ms(BLOCK_MS)
            .fill_rxhash(false)
            .promiscuous(options.is_promiscuous)
            // Else it would show each packet twice, as it goes out and as it comes in.
            .ignore_outgoing(interface.is_loopback)
            .bpf_filter(program(link, options)?)
            .build()
            .map_err(|error| refused(&name, error))?;
        // What was counted and caught up to here came before the filter was there.
        let since = now();
        capture.stats().map_err(|error| refused(&name, error))?;
        Ok(Self {
            capture,
            name,
            index: interface.index,
            link,
            is_down: false,
            since: Some(since),
            counts: Counts::default(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn link(&self) -> LinkType {
        self.link
    }

    /// Shows all frames of the blocks that are full or timed out, at most as many as the ring has.
    pub(super) fn each<B>(
        &mut self,
        blocks_max: usize,
        see: &mut impl FnMut(&Frame<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        for _ in 0..blocks_max {
            let Some(batch) = self.capture.next_batch() else {
                break;
            };
            for packet in &batch {
                let frame = frame(&packet, self.link);
                match self.since {
                    Some(since) if frame.time < since => continue,
                    _ => self.since = None,
                }
                self.counts.captured += 1;
                see(&frame)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// What was counted since it was opened. The kernel's counters have 32 bits, and begin anew with
    /// each reading: to be called now and then.
    pub(super) fn counts(&mut self) -> Result<Counts, CaptureError> {
        let stats = self.capture.stats();
        let stats = stats.map_err(|error| refused(&self.name, error))?;
        self.counts.received += u64::from(stats.packets);
        self.counts.dropped += u64::from(stats.drops);
        Ok(self.counts)
    }

    pub(super) fn is_down(&self) -> bool {
        self.is_down
    }

    /// Takes the error that the kernel tells, if there is one. An interface that goes down is none: its
    /// frames come again once it is up.
    ///
    /// # Errors
    ///
    /// Why there are no more frames.
    pub(super) fn check(&mut self) -> Result<(), CaptureError> {
        match rustix::net::sockopt::socket_error(self.capture.as_fd()) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Errno::NETDOWN)) => {
                self.is_down = true;
                Ok(())
            }
            Ok(Err(error)) | Err(error) => {
                let what = format!("capture on {}", self.name);
                Err(CaptureError::system(what, error))
            }
        }
    }

    /// Looks for its interface among those that are there.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Vanished`]: another may have its name.
    pub(super) fn look_for(&mut self, there: &[Interface]) -> Result<(), CaptureError> {
        let own = there.iter().find(|it| it.index == self.index);
        let name = self.name.clone();
        let own = own.ok_or(CaptureError::Vanished { name })?;
        self.is_down &= !own.is_up;
        Ok(())
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.capture.as_fd()
    }
}

fn frame<'a>(packet: &Packet<'a>, link: LinkType) -> Frame<'a> {
    let time = packet.timestamp();
    let is_tagged = packet.status().vlan_valid;
    let id = packet.vlan_tci() & 0x0fff;
    Frame {
        time: Timestamp(u64::from(time.sec) * 1_000_000_000 + u64::from(time.nsec)),
        link,
        tag: is_tagged.then_some(VlanTag { id }),
        bytes: packet.data(),
        wire_len: packet.original_len(),
    }
}

fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanoseconds = since_1970.unwrap_or_default().as_nanos();
    Timestamp(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// The program for the kernel. Where the filter has none, all passes: it cuts to the snapshot length
/// too.
fn program(link: LinkType, options: RingOptions<'_>) -> Result<BpfFilter, CaptureError> {
    let program = options.filter.kernel(link, options.snapshot);
    let program = program.or_else(|| Filter::default().kernel(link, options.snapshot));
    let made = |it: Instruction| BpfInsn {
        code: it.code,
        jt: it.jt,
        jf: it.jf,
        k: it.k,
    };
    let program = program.unwrap_or_default().into_iter().map(made).collect();
    BpfFilter::new(program)
        .map_err(|error| CaptureError::system("filter", std::io::Error::other(error)))
}

fn refused(name: &str, error: Error) -> CaptureError {
    let what = format!("capture on {name}");
    let source = match error {
        Error::PermissionDenied => return not_permitted(),
        Error::InterfaceNotFound(name) => return CaptureError::Vanished { name },
        Error::Socket(source)
        | Error::Mmap(source)
        | Error::Bind(source)
        | Error::SockOpt { source, .. }
        | Error::Io(source) => source,
        other => std::io::Error::other(other),
    };
    match source.kind() {
        std::io::ErrorKind::PermissionDenied => not_permitted(),
        _ => CaptureError::system(what, source),
    }
}

fn not_permitted() -> CaptureError {
    let program = std::env::current_exe();
    let program = program.map_or_else(|_| "PATH".to_owned(), |path| path.display().to_string());
    CaptureError::NotPermitted { program }
}
