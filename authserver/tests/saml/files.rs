//! The fixtures, and what accepting one means.

use bearward::saml::{Bearer, Expected, Key, Refused, Untrusted};
use std::path::PathBuf;

/// The clock of `make_fixtures.py`: 2027-01-15T08:00:00Z.
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const EXPECTED: Expected<'_> = Expected {
    issuer: "https://idp.example/metadata",
    audiences: &["http://127.0.0.1:8080"],
    recipients: &["http://127.0.0.1:8080/oauth2/token"],
    now: NOW,
    skew: 30,
    longest: 3600,
};

pub(crate) fn is_accepted(name: &str) {
    let bearer = check(&read("accepted", name), &pinned(), &EXPECTED).unwrap();
    assert_eq!(bearer.subject, "alice@example.com");
    assert_eq!(bearer.id, if name == "pysaml2" { "_pysaml2" } else { "_a1" });
    assert_eq!(bearer.expires_at, NOW + 300 + EXPECTED.skew);
}

/// All steps, as the grant takes them.
pub(crate) fn check(document: &[u8], keys: &[Key], expected: &Expected<'_>) -> Result<Bearer, Refused> {
    let untrusted = Untrusted::read(document)?;
    untrusted.verify(keys)?.bearer(expected)
}

pub(crate) fn key(name: &str) -> Key {
    Key::from_certificate(&pem(name)).unwrap()
}

pub(crate) fn pem(name: &str) -> String {
    std::fs::read_to_string(directory().join(format!("{name}.pem"))).unwrap()
}

/// The issuer's keys: all but mallory's.
pub(crate) fn pinned() -> Vec<Key> {
    ["rsa", "p256", "p384"].map(key).into()
}

pub(crate) fn names(kind: &str) -> Vec<String> {
    let entries = std::fs::read_dir(directory().join(kind)).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

pub(crate) fn read(kind: &str, name: &str) -> Vec<u8> {
    std::fs::read(directory().join(kind).join(format!("{name}.xml"))).unwrap()
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/saml/fixtures")
}
