//! Who logs in to a SoupBinTCP server.

use crate::config::kinds::{checked, path, text};
use crate::config::table::Table;
use crate::error::with_causes;
use crate::process::file;
use crate::soupbin::packet::{Credentials, CredentialsError};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Bytes that are read of a password file: one more than any password with the end of its line.
const FILE_MAX: u64 = 64;

/// Why a password file holds no password. What it holds is never said.
#[derive(Debug, Error)]
enum PasswordError {
    #[error("the password file {} cannot be read", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the password file {} is empty; write the password in its first line", _0.display())]
    Empty(PathBuf),
    #[error("the password file {} holds something else; write nothing but the password there", path.display())]
    Unfit {
        path: PathBuf,
        source: CredentialsError,
    },
}

/// Reads `username` and `password_file`, and the file; `absence` says what holds without both.
pub(super) fn read(table: &mut Table<'_>, absence: &'static str) -> Option<Credentials> {
    let username = table.optional("username", checked(text(), wrong_username), absence);
    let file = table.optional("password_file", path(), "none");
    match (table.has("username"), table.has("password_file")) {
        (true, false) => table.report("username", "this needs \"password_file\" beside it"),
        (false, true) => table.report("password_file", "this needs \"username\" beside it"),
        _ => {}
    }
    loaded(table, &username?, &file?)
}

fn loaded(table: &Table<'_>, username: &str, file: &Path) -> Option<Credentials> {
    match load(username, file) {
        Ok(credentials) => Some(credentials),
        Err(error) => {
            table.report("password_file", with_causes(&error));
            None
        }
    }
}

/// Reads who may log in here: `username` and `password_file`, both of which must be there, and the file.
pub fn consumer_credentials(table: &mut Table<'_>) -> Option<Credentials> {
    let username = table.required("username", checked(text(), wrong_consumer));
    let file = table.required("password_file", path());
    loaded(table, &username?, &file?)
}

fn wrong_consumer(username: &String) -> Option<String> {
    match username.trim().is_empty() {
        true => Some("a consumer needs a username; write the one that it logs in with".to_owned()),
        false => wrong_username(username),
    }
}

fn wrong_username(username: &String) -> Option<String> {
    let error = Credentials::new(username, "").err()?;
    Some(format!("{username:?} cannot log in: {error}"))
}

fn load(username: &str, path: &Path) -> Result<Credentials, PasswordError> {
    let path = || path.to_owned();
    let held = first_bytes(&path()).map_err(|source| PasswordError::Unreadable {
        path: path(),
        source,
    })?;
    let line = held.strip_suffix(b"\n").unwrap_or(&held);
    let password = line.strip_suffix(b"\r").unwrap_or(line);
    if password.is_empty() {
        return Err(PasswordError::Empty(path()));
    }
    // What is no text is refused as a line break is.
    let password = str::from_utf8(password).unwrap_or("\n");
    Credentials::new(username, password).map_err(|source| PasswordError::Unfit {
        path: path(),
        source,
    })
}

fn first_bytes(path: &Path) -> io::Result<Vec<u8>> {
    file::bytes(path, FILE_MAX)
}
