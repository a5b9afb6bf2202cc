//! What each kind of value takes, and how it refuses.

use super::{Kind, Table, duration, flag, integer, one_of, or_word, read, schema, size};
use crate::{Host, Target};
use std::time::Duration;

/// Reads `key = …` as one kind, and gives the value or the mistakes.
fn value<K: Kind>(kind: K, value: &str) -> Result<K::Value, String> {
    let text = format!("key = {value}\n");
    let build = |table: &mut Table<'_>| table.required("key", kind);
    read("f", &text, build).map_err(|mistakes| mistakes.to_string())
}

fn is_refused<K: Kind>(kind: K, text: &str) -> bool {
    match value(kind, text) {
        Ok(_) => false,
        Err(mistakes) => mistakes.starts_with("f:1: key: expected "),
    }
}

fn seconds(range: std::ops::RangeInclusive<u64>) -> impl super::Shown<Value = Duration> {
    duration(Duration::from_secs(*range.start())..=Duration::from_secs(*range.end()))
}

#[test]
fn integers_are_taken_within_their_range() {
    for (text, number) in [("1", 1), ("0xff", 255), ("1_0", 10)] {
        assert_eq!(value(integer(1..=255u16), text), Ok(number));
    }
    for text in [
        "0",
        "256",
        "-1",
        "1.5",
        "'1'",
        "99999999999999999999999",
        "true",
    ] {
        assert!(is_refused(integer(1..=255u16), text), "{text}");
    }
}

#[test]
fn durations_have_units_and_bounds() {
    assert_eq!(
        value(seconds(1..=60), "'1s 500ms'"),
        Ok(Duration::from_millis(1500))
    );
    for text in [
        "'5'",
        "'61s'",
        "'1ms'",
        "'-1s'",
        "'s'",
        "''",
        "5",
        "'99999999999999999999s'",
    ] {
        assert!(is_refused(seconds(1..=60), text), "{text}");
    }
}

#[test]
fn sizes_have_units_and_bounds() {
    for (text, bytes) in [("'16KiB'", 16384), ("'1 kB'", 1000), ("'512B'", 512)] {
        assert_eq!(value(size(512..=1 << 20), text), Ok(bytes));
    }
    for text in [
        "'16384'", "'16'", "'511B'", "'2MiB'", "'B'", "'-1KiB'", "16384", "'1e9GiB'",
    ] {
        assert!(is_refused(size(512..=1 << 20), text), "{text}");
    }
}

#[test]
fn a_word_may_stand_for_the_absence_of_a_value() {
    let off = || or_word("off", seconds(1..=60));
    assert_eq!(value(off(), "'off'"), Ok(None));
    assert_eq!(value(off(), "'2s'"), Ok(Some(Duration::from_secs(2))));
    let refused = value(off(), "false").unwrap_err();
    assert!(
        refused.ends_with("from \"1s\" to \"1m\", or \"off\", found false"),
        "{refused}"
    );
}

#[test]
fn flags_and_words_are_themselves() {
    assert_eq!(value(flag(), "true"), Ok(true));
    assert!(is_refused(flag(), "'true'"));
    let words = || one_of(&[("auto", 1), ("manual", 2)]);
    assert_eq!(value(words(), "'manual'"), Ok(2));
    let refused = value(words(), "'manuel'").unwrap_err();
    assert!(
        refused.ends_with("found \"manuel\"; did you mean \"manual\"?"),
        "{refused}"
    );
}

#[test]
fn targets_are_hosts_with_ports() {
    let host = |text: &str| text.parse::<Target>().map(|target| target.host);
    assert_eq!(
        host("Feed.Example:1"),
        Ok(Host::Name("feed.example".to_owned()))
    );
    assert_eq!(host("127.0.0.1:65535"), Ok(Host::Ip([127, 0, 0, 1].into())));
    assert_eq!(host("[::ffff:127.0.0.1]:80"), host("127.0.0.1:80"));
    assert_eq!(
        "[::1]:80".parse::<Target>().unwrap().to_string(),
        "[::1]:80"
    );
    for text in [
        "",
        ":",
        "a",
        "a:",
        "a:0",
        "a:65536",
        "a:+1",
        "a:b",
        ":80",
        "::1",
        "::1:80",
        "[::1]",
        "[::1:80",
        "[a]:80",
        "a b:80",
        "-a:80",
        "a..b:80",
        "1.2.3:80",
        "256.0.0.1:80",
        "unix:/a",
    ] {
        assert!(text.parse::<Target>().is_err(), "{text}");
    }
}

#[test]
fn names_are_as_long_as_dns_allows() {
    let longest = "a.".repeat(126) + "a";
    assert!(format!("{longest}:80").parse::<Target>().is_ok());
    assert!(format!("a{longest}:80").parse::<Target>().is_err());
    assert!(format!("{}:80", "a".repeat(63)).parse::<Target>().is_ok());
    assert!(format!("{}:80", "a".repeat(64)).parse::<Target>().is_err());
}

#[test]
fn a_mistake_knows_its_column_in_characters() {
    let build = |table: &mut Table<'_>| table.required("key", flag());
    let mistakes = read("f", "# ü\n'key' = \"ü\"\n", build).unwrap_err();
    let position = mistakes.iter().next().unwrap().position.unwrap();
    assert_eq!((position.line, position.column), (2, 9));
}

#[test]
fn any_text_is_read_without_a_panic() {
    let build =
        |table: &mut Table<'_>| Some(table.tables("a", |table| table.required("b", flag())));
    for text in [
        "\u{feff}a = 1",
        "a",
        "a =",
        "[a",
        "[[a]]\n[a]",
        "a.b = 1",
        "\0",
        "a = \"\\",
        "= 1",
    ] {
        assert!(read("f", text, build).is_err(), "{text:?}");
    }
}

#[test]
fn the_schema_knows_keys_of_tables_that_no_file_has() {
    fn outer(table: &mut Table<'_>) -> Option<()> {
        table.with_default("a", flag(), true);
        table.optional_table("b", |table| table.required("c", flag()));
        table.tables("d", |table| table.optional("e", flag(), "neither"));
        Some(())
    }
    let schema = schema(outer);
    let keys: Vec<_> = schema
        .keys()
        .map(|key| format!("{} {key}", key.path))
        .collect();
    assert_eq!(
        keys,
        ["a default true", "b.c required", "d.e default: neither"]
    );
}
