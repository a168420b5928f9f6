//! The canonicaliser against libxml2, on random documents.

use bearward::saml::canonical_of;
use bearward_tests::{python, workspace};
use std::process::Command;

const DOCUMENTS: usize = 3000;

pub(crate) fn agrees_with_libxml2() {
    let here = workspace::root().join("authserver/tests/saml");
    let python = python::environment("saml", &here.join("requirements.txt"), &|step| println!("{step}")).unwrap();
    // Another corpus on another day: what fails is said with its seed.
    let seed = std::env::var("C14N_SEED").unwrap_or_else(|_| "1".to_owned());
    let output = Command::new(python).arg(here.join("c14n.py")).args([&seed, &DOCUMENTS.to_string()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let corpus = String::from_utf8(output.stdout).unwrap();
    let mut compared = 0;
    for line in corpus.lines() {
        let (document, id, prefixes, expected): (String, String, Vec<String>, String) =
            serde_json::from_str(line).unwrap();
        let prefixes: Vec<&str> = prefixes.iter().map(String::as_str).collect();
        let canonical = canonical_of(document.as_bytes(), &prefixes, |found| found == Some(id.as_str()));
        assert_eq!(canonical.as_deref(), Ok(expected.as_str()), "seed {seed}, {id} with {prefixes:?} of {document:?}");
        compared += 1;
    }
    assert!(compared > DOCUMENTS * 9 / 10, "only {compared} documents were small enough");
}
