//! What a section says of an interface.

use super::super::damage::Damage;
use super::super::number::Order;
use crate::inspect::file::Precision;
use crate::inspect::frame::{LinkType, Timestamp};

const OPTION_HEADER: usize = 4;
const OPTION_RESOLUTION: u16 = 9;
const OPTION_OFFSET: u16 = 14;

const NANOSECONDS: u128 = 1_000_000_000;

/// 10^-19 s is the finest of which a second fits into 64 bits, in which packets have their times.
const DIGITS_MAX: u8 = 19;

/// An interface that packets were captured on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Interface {
    /// None for one that is not read.
    pub(in super::super) link: Option<LinkType>,
    /// 0 where there is no limit.
    pub(in super::super) snapshot_len: u32,
    /// Units of time in a second.
    units: u128,
    /// What is to be added to times, in seconds.
    offset: i64,
}

impl Interface {
    /// Reads the block's first 16 bytes, and the options behind them.
    pub(super) fn parse(order: Order, fixed: &[u8], options: &[u8]) -> Result<Self, Damage> {
        let mut interface = Self {
            link: LinkType::from_number(u32::from(order.u16(fixed, 8))),
            snapshot_len: order.u32(fixed, 12),
            units: 1_000_000,
            offset: 0,
        };
        interface.read_options(order, options)?;
        Ok(interface)
    }

    /// What is cut short, or unknown, is passed over: nothing in a packet depends on it.
    fn read_options(&mut self, order: Order, mut options: &[u8]) -> Result<(), Damage> {
        while let Some((header, rest)) = options.split_at_checked(OPTION_HEADER) {
            let value_len = usize::from(order.u16(header, 2));
            let Some(value) = rest.get(..value_len) else {
                break;
            };
            match (order.u16(header, 0), value) {
                (0, _) => break,
                (OPTION_RESOLUTION, [resolution, ..]) => self.units = units(*resolution)?,
                (OPTION_OFFSET, [_, _, _, _, _, _, _, _]) => self.offset = order.i64(value, 0),
                _ => {}
            }
            options = rest.get(value_len.next_multiple_of(4)..).unwrap_or(&[]);
        }
        Ok(())
    }

    /// The time of a packet that has `ticks` of this interface's units.
    pub(super) fn time(&self, ticks: u64) -> Timestamp {
        let ticks = match self.units {
            1_000_000 => u128::from(ticks) * 1000,
            NANOSECONDS => u128::from(ticks),
            units => u128::from(ticks) * NANOSECONDS / units,
        };
        let offset = i128::from(self.offset) * NANOSECONDS.cast_signed();
        // At most 2^94 and 2^93: far from the ends of an i128.
        let time = ticks.cast_signed() + offset;
        Timestamp(u64::try_from(time.max(0)).unwrap_or(u64::MAX))
    }

    pub(in super::super) fn precision(&self) -> Precision {
        match self.units > 1_000_000 {
            true => Precision::Nanoseconds,
            false => Precision::Microseconds,
        }
    }
}

/// `if_tsresol`: a power of ten, or of two where the highest bit is set.
fn units(resolution: u8) -> Result<u128, Damage> {
    match resolution {
        0x80.. => Ok(1 << (resolution & 0x7f)),
        digits if digits > DIGITS_MAX => Err(Damage::Resolution(digits)),
        digits => Ok(10_u128.pow(u32::from(digits))),
    }
}
