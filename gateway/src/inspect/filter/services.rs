//! Ports by name.

/// The ports that have a name here, each of TCP and UDP: what a hello is looked for on, and what is
/// excluded by name most. A table of our own: `/etc/services` is missing in many containers, and a
/// filter should mean the same everywhere. Names and numbers are those of IANA's registry.
const SERVICES: &[(&str, u16)] = &[
    ("amqp", 5672),
    ("amqps", 5671),
    ("domain", 53),
    ("domain-s", 853),
    ("ftp", 21),
    ("ftp-data", 20),
    ("ftps", 990),
    ("http", 80),
    ("http-alt", 8080),
    ("https", 443),
    ("https-alt", 8443),
    ("imap", 143),
    ("imap2", 143),
    ("imaps", 993),
    ("kerberos", 88),
    ("ldap", 389),
    ("ldaps", 636),
    ("mqtt", 1883),
    ("mysql", 3306),
    ("nfs", 2049),
    ("nntp", 119),
    ("nntps", 563),
    ("ntp", 123),
    ("pop3", 110),
    ("pop3s", 995),
    ("postgresql", 5432),
    ("redis", 6379),
    ("secure-mqtt", 8883),
    ("sip", 5060),
    ("sip-tls", 5061),
    ("sips", 5061),
    ("smtp", 25),
    ("smtps", 465),
    ("snmp", 161),
    ("socks", 1080),
    ("ssh", 22),
    ("submission", 587),
    ("submissions", 465),
    ("syslog-tls", 6514),
    ("telnet", 23),
    ("xmpp-client", 5222),
    ("xmpp-server", 5269),
];

/// The port of this name.
pub(super) fn port(name: &str) -> Option<u16> {
    let found = SERVICES.iter().find(|(known, _)| *known == name);
    found.map(|(_, port)| *port)
}

/// A name like this one, if there is one.
pub(super) fn alike(name: &str) -> Option<&'static str> {
    let starts = |known: &&(&str, u16)| known.0.starts_with(name) || name.starts_with(known.0);
    SERVICES.iter().find(starts).map(|(known, _)| *known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_found() {
        assert!(SERVICES.is_sorted_by(|one, next| one.0 < next.0));
        assert_eq!(port("https"), Some(443));
        assert_eq!(port("HTTPS"), None);
        assert_eq!(alike("postgres"), Some("postgresql"));
    }
}
