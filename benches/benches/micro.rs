//! Times each step by itself.

use benches::micro::{self, Amount, Micro};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn steps(c: &mut Criterion) {
    for micro in micro::all() {
        time(c, &micro);
    }
}

fn time(c: &mut Criterion, micro: &Micro) {
    let mut group = c.benchmark_group(&micro.group);
    match micro.amount {
        Amount::One => {}
        Amount::Bytes(bytes) => {
            group.throughput(Throughput::Bytes(bytes));
        }
        Amount::Messages(messages) => {
            group.throughput(Throughput::Elements(messages));
        }
    }
    // Prepared only where it is not filtered out.
    let mut step = None;
    group.bench_function(micro.case, |b| {
        b.iter(step.get_or_insert_with(|| (micro.prepare)()));
    });
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
