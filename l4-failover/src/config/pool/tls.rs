//! How to speak TLS to an endpoint.

use crate::config::kinds::{Shown, checked, path, text};
use crate::config::table::Table;
use crate::error::with_causes;
use crate::socket::tls::{Identity, TlsClient, TlsError, TlsOptions};
use rustls::pki_types::ServerName;

/// Reads a table `tls`, and the files that it names, so that a check finds the one that is wrong.
pub(super) fn read(table: &mut Table<'_>) -> Option<TlsOptions> {
    let server_name = table.required("server_name", server_name());
    let ca = table.optional("ca", path(), "the authorities that the system trusts");
    let identity = identity(table);
    let options = TlsOptions {
        server_name: server_name?,
        ca,
        identity,
    };
    report_unusable(table, TlsClient::load(&options));
    Some(options)
}

/// Notes what of the files that `table` names cannot be used; reading them is all the proof.
pub(crate) fn report_unusable<T>(table: &Table<'_>, loaded: Result<T, TlsError>) {
    if let Err(error) = loaded {
        table.report(error.key(), with_causes(&error));
    }
}

/// A name that a certificate can carry.
fn server_name() -> impl Shown<Value = String> {
    checked(text(), |name: &String| {
        let wrong = ServerName::try_from(name.as_str()).is_err();
        wrong.then(|| format!("{name:?} is neither a DNS name nor an IP address"))
    })
}

/// A certificate and its key stand together or not at all.
fn identity(table: &mut Table<'_>) -> Option<Identity> {
    let cert = table.optional("cert", path(), "none is shown");
    let key = table.optional("key", path(), "none");
    match (table.has("cert"), table.has("key")) {
        (true, false) => table.report("cert", "this needs \"key\" beside it, the private key"),
        (false, true) => table.report("key", "this needs \"cert\" beside it, the certificate"),
        _ => {}
    }
    Some(Identity {
        cert: cert?,
        key: key?,
    })
}
