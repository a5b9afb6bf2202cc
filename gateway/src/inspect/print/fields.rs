//! Chosen fields of a hello, with tabs between them.

use serde_json::Value;
use thiserror::Error;

use super::record::{FIELDS, Field};
use super::told::Told;

/// A field that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no field is called {name:?}; there are {}", names())]
pub struct FieldError {
    /// What was asked for.
    pub name: String,
}

/// Fields that were asked for.
#[derive(Clone, Debug)]
pub struct Fields(Vec<&'static Field>);

impl Fields {
    /// The fields of a list of names with commas between them.
    ///
    /// # Errors
    /// The first name that no field has; it lists all that there are.
    ///
    /// ```
    /// use gateway::inspect::print::Fields;
    ///
    /// assert!(Fields::parse("time,sni,ja4").is_ok());
    /// let error = Fields::parse("name").unwrap_err();
    /// assert!(error.to_string().starts_with("no field is called \"name\"; there are event, time, "));
    /// ```
    pub fn parse(names: &str) -> Result<Self, FieldError> {
        names
            .split(',')
            .map(known)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Puts the line of a hello.
    pub fn put(&self, told: &Told<'_>, text: &mut String) {
        let mut separator = "";
        for field in &self.0 {
            text.push_str(separator);
            text.push_str(&shown(&(field.value)(told)));
            separator = "\t";
        }
        text.push('\n');
    }
}

fn known(name: &str) -> Result<&'static Field, FieldError> {
    let name = name.trim();
    let field = FIELDS.iter().find(|field| field.name == name);
    field.ok_or_else(|| FieldError {
        name: name.to_owned(),
    })
}

fn names() -> String {
    FIELDS.map(|field| field.name).join(", ")
}

/// Absent is `-`, and empty is `""`; a text that is `-` itself is escaped.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => match text.as_str() {
            "" => "\"\"".to_owned(),
            "-" => "\\x2d".to_owned(),
            text => text.to_owned(),
        },
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
