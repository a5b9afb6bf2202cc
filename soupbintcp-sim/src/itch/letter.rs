//! Fields of one letter that decide something.

use super::field::Field;

macro_rules! letters {
    ($($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $letter:literal),* $(,)? })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$each])* $variant),* }

        impl $name {
            /// As it stands on the wire.
            pub const fn letter(self) -> u8 {
                match self { $(Self::$variant => $letter),* }
            }
        }

        impl Field for $name {
            const SIZE: usize = 1;

            fn put(&self, out: &mut [u8]) {
                out[0] = self.letter();
            }

            fn take(bytes: &[u8]) -> Option<Self> {
                match bytes {
                    $([$letter] => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    )* };
}

letters! {
    /// Who made the order.
    Side {
        /// A bid.
        Buy = b'B',
        /// An ask.
        Sell = b'S',
    }

    /// What a day is bracketed by, in this order.
    SystemEventCode {
        /// The first message of a day.
        StartOfMessages = b'O',
        /// Orders are accepted from here on.
        StartOfSystemHours = b'S',
        /// Market hours begin.
        StartOfMarketHours = b'Q',
        /// Market hours end.
        EndOfMarketHours = b'M',
        /// No order is accepted any more.
        EndOfSystemHours = b'E',
        /// The last message of a day.
        EndOfMessages = b'C',
    }

    /// Whether a stock trades.
    TradingState {
        /// Halted in all markets.
        Halted = b'H',
        /// Paused in all markets.
        Paused = b'P',
        /// Orders are taken, but not executed.
        Quotation = b'Q',
        /// It trades.
        Trading = b'T',
    }

    /// Which auction.
    CrossType {
        /// The opening of the day.
        Opening = b'O',
        /// The close of the day.
        Closing = b'C',
        /// The first trade of a new listing, or after a halt.
        Halted = b'H',
        /// After hours, at the price of the close.
        AfterHours = b'A',
    }

    /// On which side an auction has more shares.
    Imbalance {
        /// More to buy.
        Buy = b'B',
        /// More to sell.
        Sell = b'S',
        /// As many to buy as to sell.
        None = b'N',
        /// Too few orders to say.
        Insufficient = b'O',
        /// The stock is paused.
        Paused = b'P',
    }
}
