//! The `mesh-gateway` command.

fn main() {}
