//! Which keys count, which can be pinned, and bytes gone wrong.

use crate::files::{EXPECTED, check, key, pem, pinned, read};
use bearward::saml::{Key, KeyError, Refused};

pub(crate) fn only_pinned_keys_count() {
    let signed = read("accepted", "by-hand");
    assert!(check(&signed, &[key("mallory"), key("rsa")], &EXPECTED).is_ok(), "a key that comes second");
    let none = Err(Refused::Signature("no key pinned for its issuer made it"));
    assert_eq!(check(&signed, &[], &EXPECTED), none);
    assert_eq!(check(&signed, &[key("mallory"), key("p256")], &EXPECTED), none);
    // The key that did sign it is in the message; that it is not pinned is what counts.
    let foreign = read("refused", "foreign-key-with-its-certificate");
    assert!(check(&foreign, &[key("mallory")], &EXPECTED).is_ok());
}

pub(crate) fn unfit_keys_are_not_pinned() {
    for name in ["unfit-short", "unfit-p521"] {
        assert_eq!(Key::from_certificate(&pem(name)), Err(KeyError::Key), "{name}");
    }
    assert_eq!(Key::from_certificate("no certificate"), Err(KeyError::Certificate));
    let bare: String = pem("rsa").lines().filter(|line| !line.starts_with('-')).collect();
    assert_eq!(Key::from_certificate(&bare), Ok(key("rsa")), "as SAML metadata has it");
}

/// Whatever byte is changed, dropped or doubled: no panic, and never another subject.
pub(crate) fn no_mutation_panics_or_changes_who() {
    let keys = pinned();
    for name in ["by-hand", "signxml-p256-sha256"] {
        let original = read("accepted", name);
        for position in 0..original.len() {
            let mut changed = vec![original.clone(), original.clone(), original.clone()];
            changed[0][position] = b"<&\"a"[position % 4];
            changed[1].remove(position);
            changed[2].truncate(position);
            for document in changed {
                if let Ok(bearer) = check(&document, &keys, &EXPECTED) {
                    assert_eq!(bearer.subject, "alice@example.com", "{}", String::from_utf8_lossy(&document));
                }
            }
        }
    }
}
