//! The table of messages, in the order of the specification.

use super::field::{Field, MatchNumber, OrderReference, Price, Price8, Stock, Timestamp};
use super::letter::{CrossType, Imbalance, Side, SystemEventCode, TradingState};

/// Bytes of what every message begins with: letter, locate, tracking number, timestamp.
pub const HEADER_LENGTH: usize = 11;

/// Bytes of the longest message, [`ImbalanceIndicator`].
pub const LENGTH_MAX: usize = 50;

/// What every message has, besides its letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The stock's number of the day; 0 where a message is about no stock.
    pub locate: u16,
    /// A number that only the exchange makes sense of.
    pub tracking: u16,
    /// When it was made.
    pub timestamp: Timestamp,
}

/// A whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// What all messages have.
    pub header: Header,
    /// What this one says.
    pub body: Body,
}

/// Why bytes are no ITCH 5.0 message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// There are none.
    #[error("an empty message: ITCH 5.0 has none")]
    Empty,
    /// No kind begins like this.
    #[error("no ITCH 5.0 message begins with byte {0:#04x}")]
    Kind(u8),
    /// Too short or too long for its kind.
    #[error("message {} has {found} bytes; ITCH 5.0 gives it {expected}", char::from(*kind))]
    Length {
        /// Its first byte.
        kind: u8,
        /// What the kind has.
        expected: usize,
        /// What it has.
        found: usize,
    },
    /// A field whose bytes mean nothing.
    #[error("message {}: {field} means nothing", char::from(*kind))]
    Field {
        /// Its first byte.
        kind: u8,
        /// Which field.
        field: &'static str,
    },
}

macro_rules! messages {
    ($($(#[$doc:meta])* $letter:literal $length:literal $name:ident {
        $($(#[$about:meta])* $field:ident: $type:ty,)*
    })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $name { $($(#[$about])* pub $field: $type,)* }

            // The table says each length twice, so that a field of the wrong size does not compile.
            const _: () = assert!(HEADER_LENGTH $(+ <$type as Field>::SIZE)* == $length);

            impl $name {
                fn put(&self, mut out: &mut [u8]) {
                    $(
                        let (own, rest) = out.split_at_mut(<$type as Field>::SIZE);
                        self.$field.put(own);
                        out = rest;
                    )*
                    debug_assert!(out.is_empty());
                }

                fn take(mut bytes: &[u8]) -> Result<Self, DecodeError> {
                    $(
                        let (own, rest) = bytes.split_at(<$type as Field>::SIZE);
                        let $field = <$type as Field>::take(own).ok_or(DecodeError::Field {
                            kind: $letter,
                            field: stringify!($field),
                        })?;
                        bytes = rest;
                    )*
                    debug_assert!(bytes.is_empty());
                    Ok(Self { $($field),* })
                }
            }
        )*

        /// What a message says, by its kind.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Body { $($(#[$doc])* $name($name),)* }

        impl Body {
            /// The first byte of such a message.
            pub const fn kind(&self) -> u8 {
                match self { $(Self::$name(_) => $letter,)* }
            }

            /// Bytes of such a message, header included.
            pub const fn length(&self) -> usize {
                match self { $(Self::$name(_) => $length,)* }
            }

            fn put(&self, out: &mut [u8]) {
                match self { $(Self::$name(body) => body.put(out),)* }
            }

            fn take(kind: u8, bytes: &[u8]) -> Result<Self, DecodeError> {
                match kind {
                    $($letter => $name::take(bytes).map(Self::$name),)*
                    _ => Err(DecodeError::Kind(kind)),
                }
            }
        }

        /// Every kind: its first byte, its length.
        pub const KINDS: [(u8, usize); 23] = [$(($letter, $length)),*];

        /// Bytes of a message that begins with this byte; none if no kind does.
        pub const fn length_of(kind: u8) -> Option<usize> {
            match kind { $($letter => Some($length),)* _ => None }
        }
    };
}

messages! {
    /// Begins and ends the parts of a day.
    b'S' 12 SystemEvent {
        /// Which part.
        code: SystemEventCode,
    }

    /// Says that a stock exists, and what it is.
    b'R' 39 StockDirectory {
        /// Its symbol.
        stock: Stock,
        /// Where it is listed: `Q`, `G`, `S` on Nasdaq, `N` NYSE, `A` NYSE American, `P` Arca.
        market_category: u8,
        /// `N` normal, `D` deficient and others; a space elsewhere than on Nasdaq.
        financial_status: u8,
        /// Shares in a round lot.
        round_lot: u32,
        /// Whether only round lots are taken: `Y` or `N`.
        round_lots_only: u8,
        /// `C` common stock, `A` depositary share, `Q` exchange traded and others.
        classification: u8,
        /// Two letters that refine the classification.
        subtype: [u8; 2],
        /// `P` for a real one, `T` for a test.
        authenticity: u8,
        /// Whether short sales must be bought in: `Y`, `N` or a space.
        short_sale_threshold: u8,
        /// Whether it is newly listed today: `Y`, `N` or a space.
        ipo: u8,
        /// The tier of its price bands: `1`, `2` or a space.
        luld_tier: u8,
        /// Whether it is an exchange traded product: `Y`, `N` or a space.
        etp: u8,
        /// How many times such a product follows its index; 0 otherwise.
        leverage: u32,
        /// Whether it follows its index backwards: `Y` or `N`.
        inverse: u8,
    }

    /// A stock begins to trade, or stops.
    b'H' 25 TradingAction {
        /// Which.
        stock: Stock,
        /// What it does now.
        state: TradingState,
        /// A space.
        reserved: u8,
        /// Why, in four letters.
        reason: [u8; 4],
    }

    /// Whether short sales of a stock are restricted.
    b'Y' 20 RegSho {
        /// Which.
        stock: Stock,
        /// `0` no, `1` from today, `2` still.
        action: u8,
    }

    /// What a market participant is for a stock.
    b'L' 26 ParticipantPosition {
        /// Who.
        participant: [u8; 4],
        /// For which stock.
        stock: Stock,
        /// Whether a primary market maker: `Y` or `N`.
        is_primary: u8,
        /// `N` normal, `P` passive and others.
        mode: u8,
        /// `A` active, `E` excused and others.
        state: u8,
    }

    /// The index levels at which the whole market halts.
    b'V' 35 DeclineLevels {
        /// 7 % below yesterday.
        level1: Price8,
        /// 13 % below.
        level2: Price8,
        /// 20 % below.
        level3: Price8,
    }

    /// Such a level was reached.
    b'W' 12 DeclineStatus {
        /// `1`, `2` or `3`.
        level: u8,
    }

    /// When a new listing may be quoted.
    b'K' 28 QuotingPeriod {
        /// Which.
        stock: Stock,
        /// Seconds since midnight.
        release_time: u32,
        /// `A` anticipated, `C` cancelled.
        qualifier: u8,
        /// Its offering price.
        price: Price,
    }

    /// Between which prices a paused stock may reopen.
    b'J' 35 LuldCollar {
        /// Which.
        stock: Stock,
        /// In the middle.
        reference: Price,
        /// At most.
        upper: Price,
        /// At least.
        lower: Price,
        /// How often the limits were widened.
        extension: u32,
    }

    /// One market has stopped a stock for its own reasons.
    b'h' 21 OperationalHalt {
        /// Which stock.
        stock: Stock,
        /// `Q` Nasdaq, `B` BX, `X` PSX.
        market: u8,
        /// `H` stopped, `T` resumed.
        action: u8,
    }

    /// A new order, nameless.
    b'A' 36 AddOrder {
        /// Its name from here on.
        reference: OrderReference,
        /// Bid or ask.
        side: Side,
        /// How many are shown.
        shares: u32,
        /// Of which stock.
        stock: Stock,
        /// For how much.
        price: Price,
    }

    /// A new order that says whose it is.
    b'F' 40 AttributedOrder {
        /// Its name from here on.
        reference: OrderReference,
        /// Bid or ask.
        side: Side,
        /// How many are shown.
        shares: u32,
        /// Of which stock.
        stock: Stock,
        /// For how much.
        price: Price,
        /// Whose.
        participant: [u8; 4],
    }

    /// An order was executed, all or some of it, at its own price.
    b'E' 31 OrderExecuted {
        /// Which.
        reference: OrderReference,
        /// How many of its shares.
        shares: u32,
        /// The execution's name.
        match_number: MatchNumber,
    }

    /// An order was executed at another price than its own.
    b'C' 36 OrderExecutedAtPrice {
        /// Which.
        reference: OrderReference,
        /// How many of its shares.
        shares: u32,
        /// The execution's name.
        match_number: MatchNumber,
        /// Whether it counts in statistics: `Y`, or `N` if a cross reports it in bulk.
        printable: u8,
        /// At how much.
        price: Price,
    }

    /// An order has fewer shares than before, but still some.
    b'X' 23 OrderCancel {
        /// Which.
        reference: OrderReference,
        /// How many are gone.
        shares: u32,
    }

    /// An order is gone.
    b'D' 19 OrderDelete {
        /// Which.
        reference: OrderReference,
    }

    /// An order makes place for another one of the same stock and side.
    b'U' 35 OrderReplace {
        /// Which is gone.
        old: OrderReference,
        /// Which is new.
        new: OrderReference,
        /// Its shares.
        shares: u32,
        /// Its price.
        price: Price,
    }

    /// An execution against an order that was never shown.
    b'P' 44 Trade {
        /// 0: the order has no name here.
        reference: OrderReference,
        /// `Buy`, whatever it was.
        side: Side,
        /// How many.
        shares: u32,
        /// Of which stock.
        stock: Stock,
        /// For how much.
        price: Price,
        /// The execution's name.
        match_number: MatchNumber,
    }

    /// An auction's one bulk execution.
    b'Q' 40 CrossTrade {
        /// How many in all.
        shares: u64,
        /// Of which stock.
        stock: Stock,
        /// For how much.
        price: Price,
        /// The execution's name.
        match_number: MatchNumber,
        /// Which auction.
        cross: CrossType,
    }

    /// An execution never was.
    b'B' 19 BrokenTrade {
        /// Which.
        match_number: MatchNumber,
    }

    /// How an auction would end now.
    b'I' 50 ImbalanceIndicator {
        /// Shares that find a partner.
        paired: u64,
        /// Shares that find none.
        imbalance: u64,
        /// On which side those are.
        direction: Imbalance,
        /// Of which stock.
        stock: Stock,
        /// Where the auction's own orders would clear.
        far: Price,
        /// Where they would clear with those of the book.
        near: Price,
        /// Where the most are paired.
        reference: Price,
        /// Which auction.
        cross: CrossType,
        /// How far `near` is from the reference: `L` below 1 %, `1` to `9`, `A` to `C`.
        variation: u8,
    }

    /// Whether retail orders find better prices.
    b'N' 20 RetailInterest {
        /// Of which stock.
        stock: Stock,
        /// `B`, `S`, `A` for both, `N` for neither.
        interest: u8,
    }

    /// How a direct listing finds its first price.
    b'O' 48 DirectListing {
        /// Of which stock.
        stock: Stock,
        /// Whether it may open: `Y` or `N`.
        is_open: u8,
        /// At least.
        minimum: Price,
        /// At most.
        maximum: Price,
        /// Where it would open now.
        near: Price,
        /// When that was so: nanoseconds since midnight.
        near_time: u64,
        /// The collar's lower end.
        lower: Price,
        /// The collar's upper end.
        upper: Price,
    }
}

impl Message {
    /// Writes itself into the front of `out`, and returns that part.
    pub fn encode<'a>(&self, out: &'a mut [u8; LENGTH_MAX]) -> &'a [u8] {
        let out = &mut out[..self.body.length()];
        out[0] = self.body.kind();
        self.header.locate.put(&mut out[1..3]);
        self.header.tracking.put(&mut out[3..5]);
        self.header.timestamp.put(&mut out[5..HEADER_LENGTH]);
        self.body.put(&mut out[HEADER_LENGTH..]);
        out
    }

    /// Reads one whole message, and nothing else.
    ///
    /// # Errors
    ///
    /// If it is no kind of ITCH 5.0, is not exactly as long as its kind, or has a field that
    /// means nothing. Fields that are kept as plain letters are not judged.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let kind = *bytes.first().ok_or(DecodeError::Empty)?;
        let expected = length_of(kind).ok_or(DecodeError::Kind(kind))?;
        if bytes.len() != expected {
            let found = bytes.len();
            return Err(DecodeError::Length {
                kind,
                expected,
                found,
            });
        }
        let part = |field| DecodeError::Field { kind, field };
        let header = Header {
            locate: u16::take(&bytes[1..3]).ok_or(part("locate"))?,
            tracking: u16::take(&bytes[3..5]).ok_or(part("tracking"))?,
            timestamp: Timestamp::take(&bytes[5..HEADER_LENGTH]).ok_or(part("timestamp"))?,
        };
        let body = Body::take(kind, &bytes[HEADER_LENGTH..])?;
        Ok(Self { header, body })
    }
}
