//! Who is let in.

use std::cell::RefCell;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, SignatureScheme};

use super::{Caller, San};

/// What makes rustls send the alert `access_denied`.
pub(super) const DENIED: CertificateError = CertificateError::ApplicationVerificationFailure;

tokio::task_local! {
    /// Whom the gate saw in the handshake that is under way: neither a session that failed nor an
    /// error can tell.
    static SEEN: RefCell<Option<Caller>>;
}

/// Lets a handshake come to its end; who came to the gate with a certificate that is good.
pub(super) async fn watch<T>(shaking: impl Future<Output = T>) -> (T, Option<Caller>) {
    let watching = async { (shaking.await, SEEN.with(RefCell::take)) };
    SEEN.scope(RefCell::default(), watching).await
}

/// Lets callers in whose certificate is good and carries an allowed name.
#[derive(Debug)]
pub(super) struct Gate {
    chain: Arc<dyn ClientCertVerifier>,
    allow: Vec<San>,
}

impl Gate {
    pub(super) fn new(chain: Arc<dyn ClientCertVerifier>, allow: Vec<San>) -> Self {
        Self { chain, allow }
    }
}

impl ClientCertVerifier for Gate {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self
            .chain
            .verify_client_cert(certificate, intermediates, now)?;
        let caller = Caller::of(certificate).ok_or(CertificateError::BadEncoding)?;
        let is_allowed = caller.is_any_of(&self.allow);
        // There is a handshake under way: nothing else asks.
        let _ = SEEN.try_with(|seen| seen.replace(Some(caller)));
        match is_allowed {
            true => Ok(verified),
            false => Err(DENIED.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
