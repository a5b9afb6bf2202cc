//! Hellos: recorded from real clients, cut and put together in every way, mutated, and compared
//! with another reader of hellos.

mod differential;
mod mutate;
mod oracle;
mod properties;
mod recorded;
