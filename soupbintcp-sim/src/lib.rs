//! A believable ITCH-over-SoupBinTCP feed, to test market-data consumers against.
//!
//! [`itch`] writes and reads the messages of Nasdaq TotalView-ITCH 5.0; [`day`] makes a whole day
//! of them from a seed, from any message on; [`binary_file`] keeps them in files. [`server`] serves
//! them over SoupBinTCP, and has things go wrong when that is ordered, also by a [`script`];
//! [`consumer`] takes a feed in, and judges it. [`cli`] is the program.

pub mod binary_file;
pub mod cli;
pub mod consumer;
pub mod day;
pub mod itch;
pub mod script;
pub mod server;
