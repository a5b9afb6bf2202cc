//! Connections as they come, and as they should not.

mod again;
mod answers;
mod carriers;
mod hellos;
mod lives;
mod retries;
mod siblings;
mod wire;
