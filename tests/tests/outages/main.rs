//! Whole data centres of processes that are killed or cut off under load, and come back.
//!
//! `OUTAGES` and `GATEWAY_KILLS` say how often; the figures are printed (`--nocapture`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "figures are for people")]

mod cut_off;
mod figures;
mod killed;
mod load;
mod world;
