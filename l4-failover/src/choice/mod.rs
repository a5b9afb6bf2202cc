//! Who is active: pure, without socket or clock.

mod policy;

pub use policy::{Balance, Dial, Failback, HealthPolicy, NoneHealthy, Policy, Sessions};
