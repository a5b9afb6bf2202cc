//! Whether a direction has proved to be bulk.

/// Whether a direction has proved to be bulk.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Large reads in a row, up to `BULK`; once bulk, falls with every small piece.
    score: u8,
    is_bulk: bool,
}

impl Pace {
    /// A read of this size is worth a pipe: below, splicing takes more system calls than copying.
    const LARGE: usize = 16 * 1024;
    /// A spliced piece below this size counts against the direction.
    const SMALL: usize = 4 * 1024;
    /// Large reads in a row that make a direction bulk, and small pieces that unmake it.
    const BULK: u8 = 4;

    pub(super) fn is_bulk(&self) -> bool {
        self.is_bulk
    }

    pub(super) fn copied(&mut self, bytes: usize) {
        self.score = match bytes {
            Self::LARGE.. => Self::BULK.min(self.score + 1),
            _ => 0,
        };
        self.is_bulk = self.score == Self::BULK;
    }

    pub(super) fn spliced(&mut self, bytes: usize) {
        if bytes >= Self::LARGE {
            self.score = Self::BULK;
        } else if bytes < Self::SMALL {
            self.score -= 1;
        }
        if self.score == 0 {
            self.reset();
        }
    }

    /// The direction has to prove itself anew.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn large_reads_in_a_row_make_bulk() {
        let mut pace = Pace::default();
        for bytes in [65536, 65536, 65536, 100, 65536, 65536, 65536] {
            pace.copied(bytes);
            assert!(!pace.is_bulk());
        }
        pace.copied(16384);
        assert!(pace.is_bulk());
        // No pipe was free: it stays bulk.
        pace.copied(65536);
        assert!(pace.is_bulk());
    }

    #[test]
    fn small_pieces_unmake_it_unless_large_ones_come_between() {
        let mut pace = Pace::default();
        (0..4).for_each(|_| pace.copied(65536));
        for bytes in [1448, 1448, 1448, 65536, 1448, 1448, 1448, 8192] {
            pace.spliced(bytes);
            assert!(pace.is_bulk());
        }
        pace.spliced(1448);
        assert!(!pace.is_bulk());
    }
}
