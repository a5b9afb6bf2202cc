//! The messages of Nasdaq TotalView-ITCH 5.0: all 23 kinds, written strictly and read strictly.
//!
//! A message has a fixed length by its first letter, a [`Header`] that all share, and a [`Body`].
//! Everything is big-endian; nothing here allocates.
//!
//! ```
//! use soupbintcp_sim::itch::{
//!     Body, Header, LENGTH_MAX, Message, OrderDelete, OrderReference, Timestamp,
//! };
//!
//! let message = Message {
//!     header: Header { locate: 7, tracking: 0, timestamp: Timestamp::from_nanos(1) },
//!     body: Body::OrderDelete(OrderDelete { reference: OrderReference(42) }),
//! };
//! let mut buffer = [0; LENGTH_MAX];
//! let bytes = message.encode(&mut buffer);
//! assert_eq!(bytes.len(), 19);
//! assert_eq!(Message::decode(bytes), Ok(message));
//! ```

mod field;
mod letter;
mod message;

// The public interface is:
pub use field::{MatchNumber, OrderReference, Price, Price8, Stock, StockError, Timestamp};
pub use letter::{CrossType, Imbalance, Side, SystemEventCode, TradingState};
pub use message::{
    AddOrder, AttributedOrder, Body, BrokenTrade, CrossTrade, DeclineLevels, DeclineStatus,
    DecodeError, DirectListing, HEADER_LENGTH, Header, ImbalanceIndicator, KINDS, LENGTH_MAX,
    LuldCollar, Message, OperationalHalt, OrderCancel, OrderDelete, OrderExecuted,
    OrderExecutedAtPrice, OrderReplace, ParticipantPosition, QuotingPeriod, RegSho, RetailInterest,
    StockDirectory, SystemEvent, Trade, TradingAction, length_of,
};
