//! Until when what the files hold is good.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::CertificateError;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};
use x509_parser::time::ASN1Time;

use super::TlsFile;

/// Until when what a file holds is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expiry {
    pub(super) file: TlsFile,
    pub(super) path: PathBuf,
    pub(super) at: SystemTime,
}

/// The `notAfter` of a certificate.
pub(super) fn of_certificate(der: &[u8]) -> Result<SystemTime, rustls::Error> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| BAD)?;
    Ok(time(certificate.validity().not_after))
}

/// The `nextUpdate` of a list of the revoked, if it has one.
pub(super) fn of_list(der: &[u8]) -> Result<Option<SystemTime>, rustls::Error> {
    let (_, list) = CertificateRevocationList::from_der(der).map_err(|_| BAD)?;
    Ok(list.next_update().map(time))
}

const BAD: rustls::Error = rustls::Error::InvalidCertificate(CertificateError::BadEncoding);

fn time(at: ASN1Time) -> SystemTime {
    // Before 1970 is as far in the past as 1970.
    let seconds = u64::try_from(at.timestamp()).unwrap_or(0);
    UNIX_EPOCH + Duration::from_secs(seconds)
}

impl Expiry {
    pub(super) fn is_past(&self, now: SystemTime) -> bool {
        self.at < now
    }
}

/// What is to be said when it is past; a sentence.
impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = humantime::format_rfc3339_seconds(self.at);
        let (noun, path) = (self.file.noun(), self.path.display());
        write!(f, "the {noun} in {path} expired at {at}; ")?;
        f.write_str(match self.file {
            TlsFile::Crl => "who was revoked since then is still let in",
            TlsFile::Ca | TlsFile::Cert | TlsFile::Key => "peers will refuse it",
        })
    }
}

/// The first of those of one kind to come.
pub(super) fn first(expiries: &[Expiry], file: TlsFile) -> Option<SystemTime> {
    let those = expiries.iter().filter(|expiry| expiry.file == file);
    those.map(|expiry| expiry.at).min()
}
