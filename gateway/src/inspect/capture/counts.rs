//! How much was captured.

use std::fmt;

/// How much was captured: three lines, as tcpdump ends with.
///
/// ```
/// use gateway::inspect::capture::Counts;
///
/// let counts = Counts { captured: 1, received: 3, dropped: 2 };
/// let lines = "1 packet captured\n3 packets received by filter\n2 packets dropped by kernel";
/// assert_eq!(counts.to_string(), lines);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets that were looked at.
    pub captured: u64,
    /// Packets that passed the kernel's filter, those that were dropped among them.
    pub received: u64,
    /// Packets that the kernel dropped, since the ring was full.
    pub dropped: u64,
}

impl Counts {
    /// The same on one line, for one who asked in between.
    #[must_use]
    pub fn on_one_line(&self) -> String {
        self.to_string().replace('\n', ", ")
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packets = |count: u64| if count == 1 { "packet" } else { "packets" };
        let Self {
            captured,
            received,
            dropped,
        } = *self;
        writeln!(f, "{captured} {} captured", packets(captured))?;
        writeln!(f, "{received} {} received by filter", packets(received))?;
        write!(f, "{dropped} {} dropped by kernel", packets(dropped))
    }
}
