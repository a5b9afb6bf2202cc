//! The `[admin]` section, the same for every program that serves operators.

use super::addresses::Addresses;
use super::kinds::{checked, list, parsed, path, text};
use super::pool::report_unusable;
use super::table::Table;
use crate::admin::{Address, AdminOptions, Token, host_of};
use crate::error::with_causes;
use crate::socket::tls::Identity;
use std::path::PathBuf;

const ADDRESS: &str = "an address such as \"127.0.0.1:19000\" or \"unix:/run/name.sock\"";
/// The room in `sockaddr_un`, but for the zero at its end.
const UNIX_PATH_MAX: usize = 107;
const METRICS_ADDRESS: &str = "an address and port such as \"0.0.0.0:9100\"";

/// Reads `[admin]`; its addresses are claimed in `addresses`, next to those of other listeners.
///
/// The files named are read too, so that a check finds the one that is missing or malformed.
pub fn admin_section(table: &mut Table<'_>, addresses: &mut Addresses) -> Option<AdminOptions> {
    let address = table.required("address", checked(parsed(ADDRESS), too_long));
    let hosts = hosts(table);
    let token_file = token_file(table);
    let metrics_address = table.optional("metrics_address", parsed(METRICS_ADDRESS), "none");
    let tls = table.optional_table("tls", tls);
    let options = AdminOptions {
        address: address?,
        hosts,
        token_file,
        tls,
        metrics_address,
    };
    for (key, address) in options.claimed() {
        addresses.claim_for_operators(table, key, address);
    }
    check_exposure(table, &options);
    Some(options)
}

fn too_long(address: &Address) -> Option<String> {
    let Address::Unix(path) = address else {
        return None;
    };
    let bytes = path.as_os_str().len();
    (bytes > UNIX_PATH_MAX).then(|| {
        format!("the system allows the path of a unix socket {UNIX_PATH_MAX} bytes, and this one has {bytes}")
    })
}

fn hosts(table: &mut Table<'_>) -> Vec<String> {
    let hosts = table.with_default("hosts", list("host names", text()), Vec::new());
    if let Some(wrong) = hosts.iter().find(|host| host_of(host).is_none()) {
        table.report("hosts", format!("{wrong:?} is not the name of a host"));
    }
    hosts
}

fn token_file(table: &mut Table<'_>) -> Option<PathBuf> {
    let file = table.optional("token_file", path(), "no token is asked for")?;
    if let Err(error) = Token::load(&file) {
        table.report("token_file", with_causes(&error));
    }
    Some(file)
}

fn tls(table: &mut Table<'_>) -> Option<Identity> {
    let cert = table.required("cert", path());
    let key = table.required("key", path());
    let identity = Identity {
        cert: cert?,
        key: key?,
    };
    report_unusable(table, identity.load());
    Some(identity)
}

/// Nothing is said if what is there to protect the address is merely wrong in itself.
fn check_exposure(table: &Table<'_>, options: &AdminOptions) {
    let meant = (table.has("token_file"), table.has("tls"));
    if meant != (true, true)
        && let Err(error) = options.check_exposure()
    {
        table.report("address", error.to_string());
    }
}
