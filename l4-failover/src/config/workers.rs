//! The key `workers`, the same for every program that serves connections.

use super::kinds::integer;
use super::table::Table;
use std::thread::available_parallelism;

/// More threads than this serve no machine.
const WORKERS_MAX: usize = 256;

/// Reads how many threads pass connections on, 1 to 256; one for each CPU by default.
pub fn workers(table: &mut Table<'_>) -> usize {
    let workers = integer(1..=WORKERS_MAX);
    let workers = table.optional("workers", workers, "the number of CPUs");
    let workers = workers
        .unwrap_or_else(|| available_parallelism().map_or(1, |cpus| cpus.get().min(WORKERS_MAX)));
    table.holds("workers", || workers.to_string());
    workers
}
