//! Connections as they come, and as they should not.

mod answers;
mod carriers;
mod hellos;
mod lives;
mod wire;
