//! What holds for whatever bytes come where a PROXY header is to be. The fuzz target uses this too.

use l4_failover::socket::proxy::{Header, Origin, Progress, V2_LENGTH_MAX, decode};

/// Reads `bytes` as they would come, one after the other.
pub(crate) fn hold(bytes: &[u8]) {
    let whole = decode(bytes);
    // The first of the cuts at which it is told what the bytes are: from there on nothing changes.
    let cuts = (0..=bytes.len()).map(|end| (end, decode(&bytes[..end])));
    let told = { cuts }.find(|(_, read)| *read != Ok(Progress::Partial));
    let Some((end, told)) = told else {
        assert!(bytes.len() < V2_LENGTH_MAX, "it waits for ever");
        return;
    };
    assert_eq!(told, whole, "more bytes made it another");
    if let Ok(Progress::Whole { header, length }) = told {
        assert_eq!(length, end, "the header's last byte is its last");
        assert_written(&header);
    }
}

/// What was read is written so that it is read again.
fn assert_written(header: &Header) {
    let written = header.encode();
    let length = written.len();
    let read = decode(&written);
    let header = header.clone();
    assert_eq!(read, Ok(Progress::Whole { header, length }));
    if let Ok(Progress::Whole { header, .. }) = read
        && header.origin == Origin::Local
    {
        assert_eq!(header, Header::LOCAL, "what is to be ignored says nothing");
    }
}
