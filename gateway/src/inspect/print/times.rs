//! Times as tcpdump prints them.

use std::fmt::{self, Write};

use jiff::tz::TimeZone;

use crate::inspect::frame::Timestamp;

const SECOND: u64 = 1_000_000_000;
const DAY_SECONDS: u64 = 24 * 60 * 60;

/// How the time of a line is written: what `-t` chooses, by how often it is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeStyle {
    /// The time of day.
    #[default]
    OfDay,
    /// None: `-t`.
    Absent,
    /// Seconds since 1970: `-tt`.
    Epoch,
    /// What passed since the line before: `-ttt`.
    SincePrevious,
    /// Date and time of day: `-tttt`.
    Dated,
    /// What passed since the first line: `-ttttt`.
    SinceFirst,
}

impl TimeStyle {
    /// The style for so many `-t`; none for more than five.
    #[must_use]
    pub fn of(count: u8) -> Option<Self> {
        match count {
            0 => Some(Self::OfDay),
            1 => Some(Self::Absent),
            2 => Some(Self::Epoch),
            3 => Some(Self::SincePrevious),
            4 => Some(Self::Dated),
            5 => Some(Self::SinceFirst),
            _ => None,
        }
    }
}

/// Writes the times of lines, one after the other.
#[derive(Clone, Debug)]
pub struct Times {
    style: TimeStyle,
    zone: TimeZone,
    /// What the next one is compared with.
    reference: Option<Timestamp>,
}

impl Times {
    /// Times of `zone`.
    ///
    /// ```
    /// use gateway::inspect::frame::Timestamp;
    /// use gateway::inspect::print::{TimeStyle, Times};
    /// use jiff::tz::TimeZone;
    ///
    /// let mut times = Times::new(TimeStyle::OfDay, TimeZone::UTC);
    /// let mut line = String::new();
    /// times.put(Timestamp(1_763_640_000_123_456_789), &mut line);
    /// assert_eq!(line, "12:00:00.123456 ");
    /// ```
    #[must_use]
    pub fn new(style: TimeStyle, zone: TimeZone) -> Self {
        Self {
            style,
            zone,
            reference: None,
        }
    }

    /// Puts a time and a space in front of a line; nothing, if lines have none.
    pub fn put(&mut self, time: Timestamp, line: &mut String) {
        // A String takes everything.
        let _ = self.try_put(time, line);
    }

    fn try_put(&mut self, time: Timestamp, line: &mut String) -> fmt::Result {
        match self.style {
            TimeStyle::OfDay => self.of_day(time, line),
            TimeStyle::Absent => Ok(()),
            TimeStyle::Epoch => {
                write!(line, "{}.{:06} ", time.0 / SECOND, microseconds(time.0))
            }
            TimeStyle::Dated => {
                let days = i64::try_from(self.local_seconds(time).div_euclid(DAY_SECONDS));
                let date = jiff::civil::date(1970, 1, 1);
                // Times end in 2554.
                let days = jiff::Span::new().days(days.unwrap_or_default());
                write!(line, "{} ", date.checked_add(days).unwrap_or(date))?;
                self.of_day(time, line)
            }
            TimeStyle::SincePrevious => {
                let reference = self.reference.replace(time).unwrap_or(time);
                since(reference, time, line)
            }
            TimeStyle::SinceFirst => {
                let reference = *self.reference.get_or_insert(time);
                since(reference, time, line)
            }
        }
    }

    fn of_day(&self, time: Timestamp, line: &mut String) -> fmt::Result {
        let of_day = self.local_seconds(time) % DAY_SECONDS;
        clock(of_day, time.0, line)
    }

    /// Seconds since 1970 on a clock on the wall there.
    fn local_seconds(&self, time: Timestamp) -> u64 {
        let seconds = time.0 / SECOND;
        let instant = i64::try_from(seconds).ok();
        let instant = instant.and_then(|it| jiff::Timestamp::from_second(it).ok());
        let offset = instant.map_or(0, |it| self.zone.to_offset(it).seconds());
        // West of Greenwich, the first hours of 1970 are those of 1969: they stay at its beginning.
        seconds.saturating_add_signed(i64::from(offset))
    }
}

/// tcpdump has a space in front of these, for the sign of one that goes backwards.
fn since(reference: Timestamp, time: Timestamp, line: &mut String) -> fmt::Result {
    let sign = if time < reference { '-' } else { ' ' };
    let passed = time.0.abs_diff(reference.0);
    line.push(sign);
    clock(passed / SECOND, passed, line)
}

/// Hours may be more than a day's.
fn clock(seconds: u64, nanoseconds: u64, line: &mut String) -> fmt::Result {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let micros = microseconds(nanoseconds);
    write!(
        line,
        "{hours:02}:{minutes:02}:{:02}.{micros:06} ",
        seconds % 60
    )
}

fn microseconds(nanoseconds: u64) -> u64 {
    nanoseconds % SECOND / 1000
}

/// A time for machines: RFC 3339, in UTC, to the nanosecond.
pub(super) fn rfc3339(time: Timestamp) -> String {
    // Times end in 2554, those of jiff in 9999.
    let nanoseconds = i128::from(time.0);
    let instant = jiff::Timestamp::from_nanosecond(nanoseconds).unwrap_or_default();
    format!("{instant:.9}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2025-11-20T23:59:59.000001999Z.
    const TIME: Timestamp = Timestamp(1_763_683_199_000_001_999);

    fn put(style: TimeStyle, zone: TimeZone, times: &[Timestamp]) -> String {
        let mut all = Times::new(style, zone);
        let mut line = String::new();
        for time in times {
            all.put(*time, &mut line);
        }
        line
    }

    #[test]
    fn every_style_is_that_of_tcpdump() {
        let later = Timestamp(TIME.0 + 3_661_000_002_000);
        let first = Timestamp(TIME.0 - 1_000_000_000);
        for (count, expected) in [
            (0, "23:59:59.000001 01:01:00.000003 23:59:58.000001 "),
            (1, ""),
            (2, "1763683199.000001 1763686860.000003 1763683198.000001 "),
            (3, " 00:00:00.000000  01:01:01.000002 -01:01:02.000002 "),
            (
                4,
                "2025-11-20 23:59:59.000001 2025-11-21 01:01:00.000003 2025-11-20 23:59:58.000001 ",
            ),
            (5, " 00:00:00.000000  01:01:01.000002 -00:00:01.000000 "),
        ] {
            let style = TimeStyle::of(count).unwrap();
            assert_eq!(
                put(style, TimeZone::UTC, &[TIME, later, first]),
                expected,
                "{count}"
            );
        }
        assert_eq!(TimeStyle::of(6), None);
    }

    #[test]
    fn a_zone_moves_the_time_and_the_day() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let dated = put(TimeStyle::Dated, zone.clone(), &[TIME]);
        assert_eq!(dated, "2025-11-21 00:59:59.000001 ");
        // 2025-06-20T12:00:00Z: summer.
        let summer = Timestamp(1_750_420_800_000_000_000);
        assert_eq!(put(TimeStyle::OfDay, zone, &[summer]), "14:00:00.000000 ");
    }

    #[test]
    fn the_ends_of_time_are_no_end() {
        let west = TimeZone::posix("EST5").unwrap();
        for time in [Timestamp(0), Timestamp(u64::MAX)] {
            for count in 0..=5 {
                put(TimeStyle::of(count).unwrap(), west.clone(), &[time]);
            }
        }
        assert_eq!(
            rfc3339(Timestamp(u64::MAX)),
            "2554-07-21T23:34:33.709551615Z"
        );
        assert_eq!(rfc3339(Timestamp(0)), "1970-01-01T00:00:00.000000000Z");
    }
}
