//! The files that operators copy say what the parser does.

use gateway::config::Config;
use l4_failover::config::Need;
use std::collections::BTreeMap;

const REFERENCE: &str = include_str!("../../configs/gateway.reference.toml");
const SHORT: &str = include_str!("../../configs/gateway.toml");

/// A key as the reference file presents it.
#[derive(Debug)]
struct Entry {
    value: String,
    commented_out: bool,
    /// The comment's last line.
    facts: String,
    /// How many lines of explanation stand above the facts.
    explanation: usize,
}

/// The first entry of every key, by its path without indices.
fn entries() -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    let (mut section, mut comment) = (String::new(), Vec::new());
    for line in REFERENCE.lines() {
        let code = line.strip_prefix('#').unwrap_or(line);
        if let Some(prose) = line.strip_prefix("# ") {
            comment.push(prose.to_owned());
        } else if code.starts_with('[') {
            section = format!("{}.", code.trim_matches(['[', ']']));
            comment.clear();
        } else if let Some((key, value)) = code.split_once(" = ") {
            let entry = Entry {
                value: value.to_owned(),
                commented_out: code != line,
                facts: comment.pop().unwrap_or_default(),
                explanation: comment.len(),
            };
            entries.entry(format!("{section}{key}")).or_insert(entry);
            comment.clear();
        } else {
            comment.clear();
        }
    }
    entries
}

/// The file with every key in force.
fn uncommented() -> String {
    let code = |line: &str| match line.strip_prefix('#') {
        Some(code) if !code.is_empty() && !code.starts_with(' ') => code.to_owned(),
        _ => line.to_owned(),
    };
    REFERENCE.lines().map(|line| code(line) + "\n").collect()
}

#[test]
fn both_files_load_as_they_stand() {
    for (name, text) in [("reference", REFERENCE), ("short", SHORT)] {
        if let Err(mistakes) = Config::parse(name, text) {
            panic!("{mistakes}");
        }
    }
}

#[test]
fn every_key_of_the_parser_stands_in_the_reference_and_the_other_way_round() {
    let schema = Config::schema();
    let mut known: Vec<_> = schema.keys().map(|key| key.path.as_str()).collect();
    known.sort_unstable();
    let entries = entries();
    let written: Vec<_> = entries.keys().map(String::as_str).collect();
    assert_eq!(written, known);
}

#[test]
fn every_comment_states_the_default_and_the_range() {
    let entries = entries();
    for key in Config::schema().keys() {
        let entry = &entries[&key.path];
        assert_eq!(entry.facts, key.to_string(), "{}", key.path);
        assert!(entry.explanation > 0, "{} is not explained", key.path);
    }
}

#[test]
fn every_value_is_the_default_where_there_is_one() {
    let entries = entries();
    for key in Config::schema().keys() {
        let entry = &entries[&key.path];
        match &key.need {
            Need::Default(default) => {
                assert_eq!(&entry.value, default, "{}", key.path);
                assert!(!entry.commented_out, "{}", key.path);
            }
            Need::Optional(_) => assert!(entry.commented_out, "{}", key.path),
            Need::Required => {}
        }
    }
}

#[test]
fn what_is_commented_out_is_right_too_but_for_files_that_are_not_there() {
    let mistakes = Config::parse("reference", &uncommented()).unwrap_err();
    let paths: Vec<_> = mistakes.iter().map(|mistake| &mistake.path).collect();
    assert_eq!(paths, ["admin.token_file", "admin.tls.cert"], "{mistakes}");
}
