//! What is said of hellos: lines, objects of JSON, fields, and a summary.
//!
//! Nothing here writes; everything is put into text. What comes from the wire is escaped by
//! [`Escaped`](crate::name::Escaped).

mod answer;
mod details;
mod dump;
mod events;
mod fields;
mod known;
mod line;
mod names;
mod record;
mod summary;
#[cfg(test)]
mod tests;
mod times;
mod told;

// The public interface is:
pub use answer::{answer_line, answer_record};
pub use events::{end_line, end_record};
pub use fields::{FieldError, Fields};
pub use known::Known;
pub use line::{Dump, Lines};
pub use record::{FIELDS, Field, hello_record};
pub use summary::{NAMES_MAX, Summary};
pub use times::{TimeStyle, Times};
pub use told::{Name, Told};
