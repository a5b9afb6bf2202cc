//! The checks of a pool's endpoints.

use std::sync::{Arc, Weak};

use super::build::{BuildError, Clients};
use super::inner::{Inner, State};
use super::options::PoolOptions;
use super::{Endpoint, Upkeep};
use crate::probe::{Subject, SubjectTls, Verdict, Watch};
use crate::socket::tls::TlsClient;

impl Inner {
    /// Watches every endpoint, in order.
    pub(super) fn watches(&self, state: &State, upkeep: &Upkeep) -> Vec<Watch> {
        let watch = |(place, endpoint): (usize, &Arc<Endpoint>)| {
            let (me, checked) = (Weak::clone(&self.me), Arc::clone(endpoint));
            let tell = move |verdict: &Verdict| {
                if let Some(inner) = me.upgrade() {
                    inner.checked(&checked, verdict);
                }
            };
            let watch = upkeep
                .checker()
                .watch(subject(state, place, endpoint), tell);
            watch.doubt(state.choice.endpoints()[place].health().is_in_doubt());
            watch
        };
        state.endpoints.iter().enumerate().map(watch).collect()
    }
}

fn subject(state: &State, place: usize, endpoint: &Endpoint) -> Subject {
    let options = endpoint.options();
    let check = state.options.check_of(options);
    let own = |client: &TlsClient| {
        let options = options.tls.clone()?;
        let client = client.clone();
        Some(SubjectTls { client, options })
    };
    let tls = state.check_tls[place]
        .clone()
        .or_else(|| endpoint.tls().and_then(own));
    Subject {
        target: options.target.clone(),
        addresses: Arc::clone(endpoint.shared_addresses()),
        probe: check.probe_of(options.tls.as_ref()),
        tls,
        port: check.port,
        proxy: options.proxy,
        interval: check.interval,
        fast_interval: check.fast_interval,
        timeout: check.timeout,
    }
}

/// For each endpoint, in order, TLS of its checks where that is not its own.
pub(super) fn check_tls(
    options: &PoolOptions,
    clients: &mut Clients,
) -> Result<Vec<Option<SubjectTls>>, BuildError> {
    // Just the room that it takes: there is one for each endpoint of each pool, as a rule of nothing.
    let mut all = Vec::with_capacity(options.endpoints().count());
    for endpoint in options.endpoints() {
        let tls = options.check_of(endpoint).tls.as_ref();
        let tls = tls.map(|options| {
            let (client, options) = (clients.of(options)?, options.clone());
            Ok::<_, BuildError>(SubjectTls { client, options })
        });
        all.push(tls.transpose()?);
    }
    Ok(all)
}
