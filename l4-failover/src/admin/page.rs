//! The page at `/`: the whole at a glance, in a browser. It is of one piece with the program, fetches
//! nothing from elsewhere, and changes nothing.
//!
//! Its shell is for anybody; what it shows it fetches from this address, with the token that whoever
//! looks gives it. Its script and its style are files of their own, so that its policy can forbid all
//! others: a name that got into its text could not run.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// What the browser may do for the page: nothing but run its script, apply its style, and ask this
/// server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The files: path, type, content.
const FILES: [(&str, &str, &str); 3] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("page/page.html"),
    ),
    (
        "/page.css",
        "text/css; charset=utf-8",
        include_str!("page/page.css"),
    ),
    (
        "/page.js",
        "text/javascript; charset=utf-8",
        include_str!("page/page.js"),
    ),
];

/// The paths that are served without the token, for [`Site::public_paths`](super::Site).
#[must_use]
pub fn paths() -> Vec<String> {
    FILES.iter().map(|(path, ..)| (*path).to_owned()).collect()
}

/// The page, to be merged with the routes that it asks.
pub fn router() -> Router {
    let page = Router::new();
    FILES.into_iter().fold(page, |page, (path, kind, content)| {
        page.route(path, get(async move || file(kind, content)))
    })
}

fn file(kind: &'static str, content: &'static str) -> Response {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        // Another version may answer next time.
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, content).into_response()
}
