//! Finding a route, by how many there are.

use std::hint::black_box;
use std::sync::Arc;

use gateway::name::NamePattern;
use gateway::route::Routes;

use super::{Amount, Micro};

pub(super) fn all() -> Vec<Micro> {
    let each = |count: usize| {
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
        names.map(|(case, name)| {
            let group = format!("route/{count} services");
            Micro::new(group, case, Amount::One, move || {
                let (routes, name) = (routes(count), name.clone());
                move || match routes.find(Some(black_box(name.as_bytes()))) {
                    Ok(_) => 1,
                    Err(_) => 2,
                }
            })
        })
    };
    [10, 1000, 100_000].into_iter().flat_map(each).collect()
}

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
