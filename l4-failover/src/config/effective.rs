//! What is in force: what the file says, and defaults where it says nothing.

use serde::{Serialize, Serializer};
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Every key that is in force with its value, in the order in which the reader asks for them.
///
/// A key is its path, such as `service[0].endpoints`; a value is as the file writes it, so that a
/// duration is a string. Keys without a value, and without a default, are left out.
///
/// ```
/// use l4_failover::config::{Table, effective, integer, list, text};
///
/// let read = |table: &mut Table<'_>| {
///     let words = table.required("words", list("words", text()));
///     Some((words?, table.with_default("times", integer(1..=9), 2)))
/// };
/// let dump = serde_json::to_string(&effective("words = ['a', 'b']", read))?;
/// assert_eq!(dump, r#"{"words":["a","b"],"times":2}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effective(Vec<(String, Value)>);

impl Effective {
    /// The value at a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Value> {
        let mut all = self.0.iter();
        all.find_map(|(at, value)| (at == path).then_some(value))
    }

    /// What the file says. Keys of tables are noted as they are read.
    pub(super) fn given(&mut self, path: &str, value: &DeValue<'_>) {
        match value {
            DeValue::Table(_) => {}
            DeValue::Array(elements) if elements.iter().any(|it| has_tables(it.get_ref())) => {
                for (nth, element) in elements.iter().enumerate() {
                    self.given(&format!("{path}[{nth}]"), element.get_ref());
                }
            }
            value => self.0.push((path.to_owned(), json(value))),
        }
    }

    /// What holds by default, as the file would write it.
    pub(super) fn default(&mut self, path: &str, text: &str) {
        let line = format!("it = {text}");
        let parsed = DeTable::parse(&line).ok();
        let value = parsed.and_then(|it| it.get_ref().get("it").map(|it| json(it.get_ref())));
        let value = value.unwrap_or_else(|| text.into());
        self.0.push((path.to_owned(), value));
    }
}

fn has_tables(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(elements) => elements.iter().any(|it| has_tables(it.get_ref())),
        _ => false,
    }
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(&**text),
        DeValue::Integer(number) => {
            let digits = i64::from_str_radix(number.as_str(), number.radix());
            digits.map_or_else(|_| number.to_string().into(), Value::from)
        }
        DeValue::Float(number) => number
            .as_str()
            .parse::<f64>()
            .map_or(Value::Null, Value::from),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Array(elements) => elements.iter().map(|it| json(it.get_ref())).collect(),
        DeValue::Table(table) => {
            let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                let key: &std::borrow::Cow<'_, str> = key.get_ref();
                (key.to_string(), json(value.get_ref()))
            };
            Value::Object(table.iter().map(entry).collect())
        }
    }
}

impl Serialize for Effective {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(path, value)| (path, value)))
    }
}
