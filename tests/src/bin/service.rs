//! A TLS service to be killed: `service-under-test NAME ADDRESS CERTIFICATE KEY`.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tests::service::Service;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, address, certificate, key] = words.as_slice() else {
        eprintln!("usage: service-under-test NAME ADDRESS CERTIFICATE KEY");
        return ExitCode::from(2);
    };
    match serve(name, address, certificate, key) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot serve at {address}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves for ever; says `ready ADDRESS` once it is bound.
#[tokio::main(flavor = "current_thread")]
async fn serve(
    name: &str,
    address: &str,
    certificate: &str,
    key: &str,
) -> Result<(), Box<dyn Error>> {
    let address: SocketAddr = address.parse()?;
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let config = ServerConfig::builder().with_no_client_auth();
    let tls = Arc::new(config.with_single_cert(chain, key)?);
    let service = Service::start_at(address, name, tls).await?;
    eprintln!("ready {}", service.address());
    std::future::pending().await
}
