//! Datagrams of DTLS, of both sides. From the root of the repository:
//!
//! ```sh
//! mkdir -p fuzz/corpus/dtls
//! cargo +nightly fuzz run dtls fuzz/corpus/dtls gateway/testdata/dtls -- -max_len=5000
//! ```

#![no_main]

use gateway::hello::{ClientHello, HelloBounds};
use gateway::inspect::dtls::{Heard, Hellos};
use gateway::inspect::server_hello::ServerHello;

libfuzzer_sys::fuzz_target!(|script: &[u8]| {
    let bounds = HelloBounds::default();
    let mut hellos = Hellos::default();
    // Datagrams as long as the first byte says, and the rest at once.
    let (len, datagrams) = script.split_first().unwrap_or((&0, &[]));
    for datagram in datagrams.chunks(64 + usize::from(*len) * 4) {
        match hellos.push(datagram, &bounds) {
            Ok(Some(Heard::ClientHello(body))) => {
                assert!(body.len() <= bounds.handshake_bytes);
                let _ = ClientHello::parse_dtls(&body);
            }
            Ok(Some(Heard::ServerHello(body))) => drop(ServerHello::parse(&body)),
            Ok(_) => assert!(hellos.part().0.len() <= bounds.handshake_bytes),
            Err(_) => break,
        }
    }
});
