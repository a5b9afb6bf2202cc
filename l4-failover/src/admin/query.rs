//! What is said of a query that is not understood.

use std::error::Error;

use axum::extract::rejection::QueryRejection;

/// What is wrong with a query, in a sentence: the parameter, and what would do.
#[must_use]
pub fn mistake(rejection: &QueryRejection) -> String {
    // Above the cause there is only that something of the library's failed.
    let mut cause: &dyn Error = rejection;
    while let Some(below) = cause.source() {
        cause = below;
    }
    format!("the query is not understood: {cause}")
}

#[cfg(test)]
mod tests {
    use axum::extract::Query;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        #[allow(dead_code, reason = "it is only read")]
        name: Option<String>,
    }

    #[test]
    fn the_parameter_is_named_and_what_would_do() {
        let asked = |query: &str| {
            let uri = format!("http://localhost/routes?{query}").parse().unwrap();
            mistake(&Query::<Asked>::try_from_uri(&uri).unwrap_err())
        };
        assert_eq!(
            asked("nam=x"),
            "the query is not understood: nam: unknown field `nam`, expected `name`"
        );
        assert_eq!(
            asked("name=a&name=b"),
            "the query is not understood: duplicate field `name`"
        );
    }
}
