//! Active checks: asking endpoints whether they would serve, spread over time, shared between all
//! who want to know.
//!
//! [`Checker::watch`] tells an observer of each [`Verdict`] about a [`Subject`]; who watches
//! decides what it means.

mod ask;
mod checker;
mod failure;
mod http;
mod options;
mod phase;
mod series;
mod shortage;
mod soupbin;
mod subject;
#[cfg(test)]
mod tests;

pub use checker::{Checker, Watch};
pub use options::{CheckOptions, HttpProbe, Probe, SoupBinProbe};
pub use series::Verdict;
pub use subject::{Subject, SubjectTls};
