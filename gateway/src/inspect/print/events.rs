//! What is told of a flow after its hello.

use std::fmt::{self, Write};
use std::time::Duration;

use serde_json::json;

use super::known::Known;
use super::line::ends;
use super::record::object;
use super::times::{Times, rfc3339};
use crate::inspect::flow::{Ended, Ending};

/// Puts the line of a flow's end.
pub fn end_line(known: &Known, ended: &Ended, times: &mut Times, text: &mut String) {
    times.put(ended.time, text);
    // A String takes everything.
    let _ = try_end_line(known, ended, text);
}

fn try_end_line(known: &Known, ended: &Ended, text: &mut String) -> fmt::Result {
    ends(known.client, known.server, text)?;
    let (from, back) = (ended.from_client, ended.from_server);
    writeln!(
        text,
        " End {} after {:.6} s, {} bytes in {} packets sent, {} bytes in {} packets received",
        word(ended.ending),
        passed(ended).as_secs_f64(),
        from.bytes,
        from.packets,
        back.bytes,
        back.packets,
    )
}

/// Puts a flow's end as one line of JSON.
pub fn end_record(ended: &Ended, text: &mut String) {
    let members = [
        ("event", json!("end")),
        ("time", json!(rfc3339(ended.time))),
        ("flow", json!(ended.flow.0)),
        ("ending", json!(word(ended.ending))),
        (
            "duration_ms",
            json!(passed(ended).as_micros() as f64 / 1000.0),
        ),
        ("client_bytes", json!(ended.from_client.bytes)),
        ("client_packets", json!(ended.from_client.packets)),
        ("server_bytes", json!(ended.from_server.bytes)),
        ("server_packets", json!(ended.from_server.packets)),
    ];
    object(members.into_iter(), text);
}

/// A clock that was set back makes it nothing.
fn passed(ended: &Ended) -> Duration {
    Duration::from_nanos(ended.time.0.saturating_sub(ended.began.0))
}

fn word(ending: Ending) -> &'static str {
    match ending {
        Ending::Fin => "fin",
        Ending::ClientReset => "client_reset",
        Ending::ServerReset => "server_reset",
        Ending::Reused => "reused",
        Ending::Evicted => "evicted",
        Ending::CaptureEnd => "capture_end",
    }
}
