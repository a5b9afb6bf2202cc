//! Benchmarks of the gateway that anyone can run.
