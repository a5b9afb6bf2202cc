//! Where dials go, and what they say when they fail.

use std::collections::HashMap;
use std::time::Duration;

use l4_failover::choice::{Balance, Dial, NoneHealthy, Policy};
use l4_failover::outcome::{Cause, Ending};
use l4_failover::probe::{CheckOptions, HttpProbe, Probe};
use l4_failover::socket::tls::TlsOptions;
use l4_failover::{
    AttemptError, BuildError, DialError, EndpointOptions, LedNowhere, Pool, PoolOptions, Reach,
};

use super::server::{Server, often, pair, soon};

/// Nothing is checked: what dials see is all there is.
fn unchecked() -> CheckOptions {
    CheckOptions {
        probe: Some(Probe::None),
        ..often()
    }
}

#[tokio::test]
async fn a_refused_dial_goes_on_within_itself_and_is_counted() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let gone = primary.stop().await;
    let pool = pair(&gone, &backup.address, Policy::default())
        .check(unchecked())
        .build()
        .unwrap();
    let connected = soon(pool.connect()).await.unwrap();
    assert_eq!(connected.address.to_string(), backup.address);
    assert!(connected.is_spilled);
    assert_eq!(pool.spilled(), 1);
    let status = pool.status();
    let [one, other] = [0, 1].map(|tier: usize| status.tiers[tier].endpoints[0].clone());
    assert_eq!(
        (
            one.connects,
            one.failures,
            other.connects,
            other.connections
        ),
        (0, 1, 1, 1)
    );
    assert!(one.last_failure.unwrap().contains("refused"));
}

#[tokio::test]
async fn active_means_never_elsewhere() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let gone = primary.stop().await;
    let policy = Policy {
        dial: Dial::Active,
        ..Policy::default()
    };
    let pool = pair(&gone, &backup.address, policy)
        .check(unchecked())
        .build()
        .unwrap();
    let error = soon(pool.connect()).await.unwrap_err();
    let DialError::Exhausted { attempts } = &error else {
        panic!("{error}");
    };
    assert_eq!(attempts.len(), 1);
    assert!(
        error
            .to_string()
            .starts_with(&format!("no endpoint reachable: {gone}: ")),
        "{error}"
    );
}

#[tokio::test]
async fn without_checks_refusals_eject_and_the_state_flips() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let gone = primary.stop().await;
    let pool = pair(&gone, &backup.address, Policy::default())
        .check(unchecked())
        .build()
        .unwrap();
    soon(async {
        while pool.status().active == 0 {
            pool.connect().await.unwrap();
        }
    })
    .await;
    let connected = soon(pool.connect()).await.unwrap();
    assert!(!connected.is_spilled && connected.failed.is_empty());
}

#[tokio::test]
async fn nobody_healthy_is_refused_at_once_or_tried_all_the_same() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let (one, other) = (primary.stop().await, backup.stop().await);
    let build = |when_none_healthy| {
        let policy = Policy {
            when_none_healthy,
            ..Policy::default()
        };
        pair(&one, &other, policy).build().unwrap()
    };
    let (refusing, trying) = (build(NoneHealthy::Refuse), build(NoneHealthy::Try));
    for pool in [&refusing, &trying] {
        soon(async {
            while pool.is_healthy() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    let error = soon(refusing.connect()).await.unwrap_err();
    assert!(matches!(error, DialError::NoneHealthy), "{error}");
    let error = soon(trying.connect()).await.unwrap_err();
    assert_eq!(error.attempts().len(), 2, "{error}");
}

#[tokio::test]
async fn a_limit_on_connections_is_exact_however_many_come_at_once() {
    let server = Server::start().await;
    let limited = EndpointOptions {
        max_connections: Some(10),
        ..EndpointOptions::at(server.address.parse().unwrap())
    };
    let pool = Pool::builder().primary_endpoint(limited).build().unwrap();
    let dials: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let pool = pool.clone();
                async move { pool.connect().await }
            })
        })
        .collect();
    let mut held = Vec::new();
    for dial in dials {
        match soon(dial).await.unwrap() {
            Ok(connected) => held.push(connected),
            Err(error) => assert!(
                matches!(error.attempts()[0].error, AttemptError::Full(10)),
                "{error}"
            ),
        }
    }
    assert_eq!(held.len(), 10);
    held.pop();
    assert!(soon(pool.connect()).await.is_ok());
}

#[tokio::test]
async fn a_tier_shares_its_load_as_it_is_told() {
    let servers = [Server::start().await, Server::start().await];
    let shares = async |balance| {
        let endpoint = |nth: usize, weight| EndpointOptions {
            weight,
            ..EndpointOptions::at(servers[nth].address.parse().unwrap())
        };
        let policy = Policy {
            balance,
            ..Policy::default()
        };
        let builder = Pool::builder().policy(policy);
        let builder = builder
            .primary_endpoint(endpoint(0, 3))
            .primary_endpoint(endpoint(1, 1));
        let pool = builder.build().unwrap();
        let (mut held, mut counts) = (Vec::new(), HashMap::new());
        for _ in 0..40 {
            let connected = pool.connect().await.unwrap();
            *counts.entry(connected.address.to_string()).or_insert(0) += 1;
            held.push(connected);
        }
        counts[&servers[0].address]
    };
    assert_eq!(soon(shares(Balance::RoundRobin)).await, 30);
    assert_eq!(soon(shares(Balance::LeastConnections)).await, 30);
}

#[tokio::test]
async fn a_dial_ends_when_its_time_is_over() {
    // A listener whose queue is full answers nobody.
    let full = tokio::net::TcpSocket::new_v4().unwrap();
    full.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = full.listen(0).unwrap();
    let address = full.local_addr().unwrap();
    let mut held = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(
        Duration::from_millis(200),
        tokio::net::TcpStream::connect(address),
    )
    .await
    {
        held.push(stream);
    }
    let dial = l4_failover::DialLimits {
        attempt: Duration::from_millis(50),
        total: Duration::from_millis(80),
        ..l4_failover::DialLimits::default()
    };
    let limits = dial;
    let builder = Pool::builder()
        .primary(&address.to_string())
        .backup("127.0.0.2:1");
    let pool = builder.dial(limits).check(unchecked()).build().unwrap();
    let error = soon(pool.connect()).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
}

#[test]
fn what_no_pool_can_be_made_of_is_said() {
    let wrong = |builder: l4_failover::PoolBuilder| builder.build().unwrap_err().to_string();
    assert_eq!(
        wrong(Pool::builder().primary("nowhere")),
        "\"nowhere\" is not a \"host:port\""
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _in_runtime = runtime.enter();
    assert!(matches!(
        Pool::builder().build().unwrap_err(),
        BuildError::NoEndpoint
    ));
    let twice = Pool::builder().primary("127.0.0.1:1").backup("127.0.0.1:1");
    assert_eq!(
        wrong(twice),
        "the endpoint 127.0.0.1:1 is listed twice; remove one of them"
    );
    let check = CheckOptions {
        fall: 0,
        ..CheckOptions::default()
    };
    assert_eq!(
        wrong(Pool::builder().primary("127.0.0.1:1").check(check)),
        "fall is 0; give at least 1"
    );
    let http = HttpProbe {
        path: "health".to_owned(),
        ..HttpProbe::default()
    };
    for probe in [Probe::Http(http), Probe::Tls] {
        let check = CheckOptions {
            probe: Some(probe),
            ..CheckOptions::default()
        };
        let said = wrong(Pool::builder().primary("127.0.0.1:1").check(check));
        assert!(said.starts_with("a check cannot work so: "), "{said}");
    }
    let both = EndpointOptions {
        proxy: true,
        tls: Some(TlsOptions {
            server_name: "feed.dc1".to_owned(),
            ca: None,
            identity: None,
        }),
        ..EndpointOptions::at("127.0.0.1:1".parse().unwrap())
    };
    assert_eq!(
        wrong(Pool::builder().primary_endpoint(both)),
        "the endpoint 127.0.0.1:1/feed.dc1 is to get a PROXY header before TLS of its own; give \
         it one of them"
    );
    let check = CheckOptions {
        timeout: Duration::from_secs(5),
        ..CheckOptions::default()
    };
    let said = wrong(Pool::builder().primary("127.0.0.1:1").check(check));
    assert_eq!(
        said,
        "the timeout of a check, 5s, is not under its interval, 5s"
    );
}

#[test]
fn a_pool_without_a_runtime_is_an_error() {
    let error = Pool::builder().primary("127.0.0.1:1").build().unwrap_err();
    assert!(matches!(error, BuildError::NoRuntime));
}

#[tokio::test]
async fn what_is_in_maintenance_is_never_tried_and_said() {
    let server = Server::start().await;
    let pool = Pool::builder().primary(&server.address).build().unwrap();
    pool.maintenance(&server.address, Some("a new disk"))
        .await
        .unwrap();
    let error = soon(pool.connect()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("it is in maintenance (a new disk)"),
        "{error}"
    );
}

/// The options of `pool`, with its backup as one that only leads on, and is checked on its own.
fn leading_on(pool: &Pool, check: CheckOptions) -> PoolOptions {
    let mut options = pool.options();
    let backup = &mut options.tiers[1][0];
    (backup.leads_on, backup.check) = (true, Some(check));
    options
}

#[tokio::test]
async fn an_answer_that_is_none_counts_and_sends_the_dial_on() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let pool = pair(&primary.address, &backup.address, Policy::default())
        .check(unchecked())
        .build()
        .unwrap();
    let mut dial = pool.dial(None, Reach::All);
    let first = soon(dial.next()).await.unwrap();
    assert_eq!(first.address.to_string(), primary.address);
    dial.led_nowhere(first.endpoint, first.address, LedNowhere::Alert(80));
    let second = soon(dial.next()).await.unwrap();
    assert_eq!(second.address.to_string(), backup.address);
    dial.left(second.endpoint, second.address, LedNowhere::Closed);
    let error = soon(dial.next()).await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("refused with TLS alert 80"), "{said}");
    assert!(said.contains("closed without an answer"), "{said}");
    let status = pool.status();
    let failures: Vec<u64> = status.endpoints().map(|it| it.failures).collect();
    // The second was left, and not blamed.
    assert_eq!(failures, [1, 0]);
}

#[tokio::test]
async fn who_was_led_here_is_not_led_on() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let gone = primary.stop().await;
    let pool = pair(&gone, &backup.address, Policy::default())
        .check(unchecked())
        .build()
        .unwrap();
    let options = leading_on(&pool, unchecked());
    soon(async { pool.reload(options) }).await.unwrap();
    let connected = soon(pool.dial(None, Reach::All).next()).await.unwrap();
    assert_eq!(connected.address.to_string(), backup.address);
    let error = soon(pool.dial(None, Reach::Own).next()).await.unwrap_err();
    assert_eq!(error.attempts().len(), 1, "{error}");
    // Also after the pool has moved to whom it is not to go to.
    pool.failover().await.unwrap();
    let error = soon(pool.dial(None, Reach::Own).next()).await.unwrap_err();
    assert!(error.to_string().contains(&gone), "{error}");
}

#[tokio::test]
async fn an_endpoint_is_checked_as_it_is_told_to_be() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let http = CheckOptions {
        probe: Some(Probe::Http(HttpProbe::default())),
        ..often()
    };
    // Neither speaks HTTP; the backup is asked for a connection only.
    let pool = pair(&primary.address, &backup.address, Policy::default())
        .check(http)
        .build()
        .unwrap();
    let mut events = pool.events();
    let tcp = CheckOptions {
        probe: Some(Probe::Tcp),
        ..often()
    };
    pool.reload(leading_on(&pool, tcp)).unwrap();
    while pool.status().active != 1 {
        soon(events.next()).await.unwrap();
    }
    let status = pool.status();
    assert!(!status.tiers[0].is_healthy && status.tiers[1].is_healthy);
}

#[tokio::test]
async fn who_is_full_and_who_refuses_is_told_apart() {
    let (one, other) = (Server::start().await, Server::start().await);
    let endpoint = |at: &str| EndpointOptions::at(at.parse().unwrap());
    let limited = EndpointOptions {
        max_connections: Some(1),
        ..endpoint(&one.address)
    };
    let pool = Pool::builder().primary_endpoint(limited).check(unchecked());
    let pool = pool.build().unwrap();
    let _session = pool.connect().await.unwrap();
    let gone = other.stop().await;
    let mut options = pool.options();
    options.tiers[0].insert(0, endpoint(&gone));
    pool.reload(options.clone()).unwrap();
    let error = soon(pool.connect()).await.unwrap_err();
    let said = error.to_string();
    let start = format!("no endpoint that is reachable has a place: {gone}: ");
    let end = format!(
        "; {}: not tried: it has the 1 sessions that it may have",
        one.address
    );
    assert!(said.starts_with(&start) && said.ends_with(&end), "{said}");
    assert_eq!(Ending::from(&error).reason, "unreachable");
    // Nobody was tried.
    pool.maintenance(&gone, Some("a new disk")).await.unwrap();
    let error = soon(pool.connect()).await.unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("no endpoint has a place: "), "{said}");
    assert_eq!(Ending::from(&error), Ending::new(Cause::Policy, "full"));
    options.tiers[0].pop();
    pool.reload(options).unwrap();
    let error = soon(pool.connect()).await.unwrap_err();
    assert_eq!(Ending::from(&error).reason, "unreachable");
}
