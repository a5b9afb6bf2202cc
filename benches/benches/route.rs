//! Finding a route, by how many there are.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use gateway::name::NamePattern;
use gateway::route::Routes;

/// As many services, and a tenth as many data centres.
fn routes(count: usize) -> Routes<usize> {
    let patterns = [NamePattern::default()];
    let mut builder = Routes::builder("dc1", &patterns);
    for index in 0..count {
        let service = builder.service(&format!("service-{index}"), &Arc::new(index));
        service.expect("a name of its own");
    }
    for index in 0..count.div_ceil(10) {
        let datacenter = builder.datacenter(&format!("far-{index}"), &Arc::new(index));
        datacenter.expect("a name of its own");
    }
    builder.build().expect("no conflict")
}

fn route(c: &mut Criterion) {
    for count in [10, 1000, 100_000] {
        let routes = routes(count);
        let mut group = c.benchmark_group(format!("route/{count} services"));
        let last = count - 1;
        let names = [
            ("exact", format!("service-{last}.dc1")),
            ("upper case", format!("SERVICE-{last}.DC1")),
            ("suffix", format!("currency.far-{}", last / 10)),
            (
                "suffix, 8 labels",
                format!("a.b.c.d.e.f.g.far-{}", last / 10),
            ),
            ("unknown", "currency.nowhere".to_owned()),
        ];
        for (case, name) in names {
            group.bench_function(case, |b| {
                b.iter(|| routes.find(Some(black_box(name.as_bytes()))).is_ok())
            });
        }
        group.finish();
    }
}

criterion_group!(benches, route);
criterion_main!(benches);
