//! The files that operators copy say what the parser does.

use l4_failover::config::Reference;
use l4_failover::settings::Settings;

const REFERENCE: &str = include_str!("../../configs/l4-failover.reference.toml");
const SHORT: &str = include_str!("../../configs/l4-failover.toml");

#[test]
fn both_files_load_as_they_stand() {
    for (name, text) in [("reference", REFERENCE), ("short", SHORT)] {
        if let Err(mistakes) = Settings::parse(name, text) {
            panic!("{mistakes}");
        }
    }
}

#[test]
fn the_reference_has_every_key_of_the_parser_with_its_facts_and_no_other() {
    let errors = Reference::of(REFERENCE).errors(&Settings::schema());
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn what_is_commented_out_is_right_too_but_for_files_that_are_not_there() {
    let text = Reference::of(REFERENCE).uncommented();
    let mistakes = Settings::parse("reference", &text).unwrap_err();
    let paths: Vec<_> = mistakes.iter().map(|mistake| &mistake.path).collect();
    let files = [
        "admin.token_file",
        "admin.tls.cert",
        "port[1].primary[0].tls.ca",
        "port[1].check.tls.ca",
        "port[2].primary[0].password_file",
        "port[2].check.password_file",
        "port[2].consumer[0].password_file",
        "inbound[0].cert",
    ];
    assert_eq!(paths, files, "{mistakes}");
}
