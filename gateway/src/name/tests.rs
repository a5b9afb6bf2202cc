//! Names, patterns, suffixes.

use super::*;

fn parse(bytes: &[u8]) -> Result<String, NameError> {
    ServerName::parse(bytes).map(|name| name.to_string())
}

#[test]
fn names_are_folded_and_lose_one_dot() {
    for (sent, name) in [
        ("currency.dc1", "currency.dc1"),
        ("CURRENCY.Dc1", "currency.dc1"),
        ("currency.dc1.", "currency.dc1"),
        ("my_service.dc-1", "my_service.dc-1"),
        ("localhost", "localhost"),
        ("1.2.3", "1.2.3"),
        ("xn--caf-dma.dc1", "xn--caf-dma.dc1"),
    ] {
        assert_eq!(parse(sent.as_bytes()).as_deref(), Ok(name));
    }
}

#[test]
fn what_is_no_name_is_called_by_its_fault() {
    use NameError::*;
    for (sent, error) in [
        (&b""[..], Empty),
        (b".", Empty),
        (b"..", EmptyLabel),
        (b"a..dc1", EmptyLabel),
        (b".dc1", EmptyLabel),
        (b"currency.dc1..", EmptyLabel),
        (b"10.0.0.1", IpAddress),
        (b"10.0.0.1.", IpAddress),
        (b"::1", IpAddress),
        (b"[2001:db8::1]", IpAddress),
        (b"currency.dc1:443", Port),
        (b"10.0.0.1:443", Port),
        (b"[::1]:443", Port),
        (b"currency\0.dc1", Character(0)),
        (b"currency .dc1", Character(b' ')),
        (b"*.dc1", Character(b'*')),
        (b"currency/dc1", Character(b'/')),
        ("caf\u{e9}.dc1".as_bytes(), Character(0xc3)),
        (b"\xff\xfe", Character(0xff)),
    ] {
        assert_eq!(parse(sent), Err(error), "{}", Escaped(sent));
    }
}

#[test]
fn lengths_are_bounded() {
    let label = "a".repeat(63);
    let name = [&label[..], &label, &label, &label[..61]].join(".");
    assert_eq!(name.len(), 253);
    assert_eq!(parse(name.as_bytes()).as_deref(), Ok(&name[..]));
    assert_eq!(
        parse(format!("{name}.").as_bytes()).as_deref(),
        Ok(&name[..])
    );
    assert_eq!(
        parse(format!("a{name}").as_bytes()),
        Err(NameError::TooLong(254))
    );
    assert_eq!(
        parse(format!("a{label}.dc1").as_bytes()),
        Err(NameError::LabelTooLong(64))
    );
}

#[test]
fn errors_are_fit_for_a_terminal() {
    assert_eq!(
        NameError::Character(0x1b).to_string(),
        r"a name with the character \x1b"
    );
    assert_eq!(
        Escaped(b"\"\\\x7f\x80~!").to_string(),
        r"\x22\x5c\x7f\x80~!"
    );
}

#[test]
fn a_label_is_lower_case_and_has_no_dot() {
    assert_eq!(
        Label::parse("itch-feed_2")
            .map(|label| label.to_string())
            .as_deref(),
        Ok("itch-feed_2")
    );
    assert_eq!(Label::parse("Currency"), Err(NameError::UpperCase(b'C')));
    assert_eq!(Label::parse("a.b"), Err(NameError::Character(b'.')));
    assert_eq!(Label::parse(""), Err(NameError::Empty));
    assert_eq!(
        Label::parse(&"a".repeat(64)),
        Err(NameError::LabelTooLong(64))
    );
}

fn names(pattern: &str) -> (String, String) {
    let pattern = NamePattern::parse(pattern).expect("a pattern");
    let name = pattern.name("currency", "dc2").expect("a name");
    let suffix = pattern.suffix("dc2").expect("a suffix");
    assert!(suffix.matches(&name));
    (name.to_string(), suffix.to_string())
}

#[test]
fn patterns_build_names_and_suffixes() {
    for (pattern, name, suffix) in [
        ("{service}.{datacenter}", "currency.dc2", ".dc2"),
        (
            "{service}.default.{datacenter}.internal.TD.consul",
            "currency.default.dc2.internal.td.consul",
            ".dc2.internal.td.consul",
        ),
        (
            "v1.{service}.a.b.{datacenter}.c",
            "v1.currency.a.b.dc2.c",
            ".dc2.c",
        ),
    ] {
        assert_eq!(
            names(pattern),
            (name.to_owned(), suffix.to_owned()),
            "{pattern}"
        );
    }
}

#[test]
fn a_suffix_spans_any_number_of_labels_and_starts_at_a_dot() {
    let pattern = NamePattern::parse("{service}.{datacenter}").unwrap();
    let suffix = pattern.suffix("dc2").unwrap();
    for (name, matches) in [
        ("currency.dc2", true),
        ("v1.currency.dc2", true),
        ("dc2", false),
        ("currency.notdc2", false),
        ("currency.dc2.example", false),
    ] {
        assert_eq!(suffix.matches(&name.parse().unwrap()), matches, "{name}");
    }
}

#[test]
fn patterns_that_could_not_be_meant_are_refused() {
    use PatternError::*;
    let label = |label: &str, source| Label {
        label: label.to_owned(),
        source,
    };
    for (pattern, error) in [
        ("", label("", NameError::EmptyLabel)),
        ("{service}", Missing("{datacenter}")),
        ("{datacenter}.consul", Missing("{service}")),
        ("{service}.{service}.{datacenter}", Repeated("{service}")),
        (
            "{service}.{datacenter}.{datacenter}",
            Repeated("{datacenter}"),
        ),
        ("{datacenter}.{service}", Order),
        (
            "x-{service}.{datacenter}",
            Placeholder("x-{service}".to_owned()),
        ),
        (
            "{service}{datacenter}",
            Placeholder("{service}{datacenter}".to_owned()),
        ),
        ("{service}.{dc}", Placeholder("{dc}".to_owned())),
        ("{service}..{datacenter}", label("", NameError::EmptyLabel)),
        ("{service}.{datacenter}.", label("", NameError::EmptyLabel)),
        (
            "{service}.{datacenter}.a b",
            label("a b", NameError::Character(b' ')),
        ),
    ] {
        assert_eq!(NamePattern::parse(pattern), Err(error), "{pattern}");
    }
}

#[test]
fn a_pattern_takes_labels_only_and_gives_names_only() {
    let pattern = NamePattern::parse("{service}.{datacenter}").unwrap();
    assert_eq!(pattern.name("a.b", "dc1"), Err(NameError::Character(b'.')));
    assert_eq!(pattern.name("a", ""), Err(NameError::Empty));
    let numbers = NamePattern::parse("{service}.{datacenter}.0.1").unwrap();
    assert_eq!(numbers.name("10", "0"), Err(NameError::IpAddress));
    let long = format!("{{service}}.{{datacenter}}{}", ".abcdefghi".repeat(25));
    let long = NamePattern::parse(&long).unwrap();
    assert_eq!(long.suffix("dc1"), Err(NameError::TooLong(255)));
}
