//! A believable ITCH-over-SoupBinTCP feed, to test market-data consumers against.
//!
//! The simulator is not built yet: this crate reserves its place in the workspace, and offers
//! nothing. It will stand on the SoupBinTCP types that `l4-failover` makes public.
