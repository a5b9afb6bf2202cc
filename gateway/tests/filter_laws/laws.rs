//! What holds for whatever text is a filter, and whatever bytes are a frame. The fuzz target uses this
//! too.

use gateway::inspect::filter::{Filter, Verdict};
use gateway::inspect::frame::{Frame, LinkType, Timestamp, VlanTag};
use gateway::inspect::packet::{Decoder, Packet, Transport};

use super::bpf;

const SNAPSHOT: u32 = 262_144;

/// Reads a filter, and after a NUL a frame.
#[allow(dead_code, reason = "for the fuzz target")]
pub(crate) fn hold(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == 0);
    let (text, frame) = bytes.split_at(end.unwrap_or(bytes.len()));
    let text = String::from_utf8_lossy(text);
    match Filter::parse(&[&text]) {
        Ok(filter) => passes_enough(&filter, &whole(frame.get(1..).unwrap_or(&[]), None)),
        Err(error) => {
            assert!(error.at().end <= text.len());
            assert_eq!(error.to_string().lines().count(), 3, "{error}");
        }
    }
}

/// A frame of Ethernet that was captured whole.
pub(crate) fn whole(bytes: &[u8], tag: Option<u16>) -> Frame<'_> {
    Frame {
        time: Timestamp(0),
        link: LinkType::Ethernet,
        tag: tag.map(|id| VlanTag { id }),
        bytes,
        wire_len: bytes.len(),
    }
}

/// The kernel takes the program, and it passes what the matcher may want.
pub(crate) fn passes_enough(filter: &Filter, frame: &Frame<'_>) {
    let Some(program) = filter.kernel(frame.link, SNAPSHOT) else {
        return;
    };
    bpf::check(&program);
    let passed = bpf::run(&program, frame);
    assert!(passed == 0 || passed == SNAPSHOT);
    let mut decoder = Decoder::default();
    let Some(decoded) = decoder.decode(frame) else {
        return;
    };
    let verdict = filter.judge(&decoded, frame);
    let is_sound = is_sound(&decoded.outer);
    assert!(
        passed > 0 || verdict == Verdict::No || !is_sound,
        "{filter:?} wants {decoded:?}: {frame:?}"
    );
    for name in [None, Some(&b"a.dc1"[..])] {
        let wanted = filter.judge_name(&decoded, frame, name);
        match verdict {
            Verdict::Yes => assert!(wanted),
            Verdict::No => assert!(!wanted),
            Verdict::OnName => {}
        }
    }
}

/// Not where TCP or UDP is only said: a header that makes no sense has ports for the kernel.
fn is_sound(packet: &Packet<'_>) -> bool {
    !matches!(packet.transport, Transport::Other(6 | 17))
}

/// The program passes this frame just if the matcher wants it.
#[allow(dead_code, reason = "not for the fuzz target")]
pub(crate) fn passes_just_that(filter: &Filter, frame: &Frame<'_>) {
    passes_enough(filter, frame);
    let program = filter.kernel(frame.link, SNAPSHOT).unwrap();
    let mut decoder = Decoder::default();
    let wanted = decoder
        .decode(frame)
        .map(|decoded| filter.judge(&decoded, frame));
    let passed = bpf::run(&program, frame) > 0;
    assert_eq!(
        wanted == Some(Verdict::Yes),
        passed,
        "{filter:?}: {frame:?}"
    );
}
