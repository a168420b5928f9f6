//! Every sample, as a person would run it, with a browser without a window in their place.

use bearward_tests::stack::Stack;
use bearward_tests::{artifacts, workspace};
use std::process::Command;

/// All of them: one that is not run here is one that nobody knows to work.
const SAMPLES: [&str; 11] = [
    "authorization_code",
    "client_credentials",
    "device",
    "implicit_grant",
    "jwt_bearer",
    "password",
    "refresh",
    "revoke",
    "saml_bearer",
    "token_exchange",
    "token_info",
];

pub async fn all_of_them_work(stack: &Stack) {
    let samples = artifacts::samples().unwrap();
    assert_eq!(samples.keys().map(String::as_str).collect::<Vec<_>>(), SAMPLES);
    for page in ["README.md", "docs/grants.md"] {
        let text = std::fs::read_to_string(workspace::root().join(page)).unwrap();
        let missing: Vec<_> = SAMPLES.iter().filter(|name| !text.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "{page} does not name {missing:?}");
    }
    let failed: Vec<String> = samples
        .iter()
        .filter_map(|(name, path)| {
            let mut command = Command::new(path);
            let output = command.args(["--headless", "--gateway", &stack.url]).output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
            assert_eq!(secrets(&said), Vec::<&str>::new(), "{name} shows secrets");
            let ended_with_the_call = said.contains("> GET") && said.contains("authorization: Bearer");
            (!output.status.success() || !ended_with_the_call).then(|| format!("{name}:\n{said}"))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// Whole JWTs, and whole secrets of the authserver.
fn secrets(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)));
    words
        .filter(|word| {
            (word.starts_with("eyJ") && word.matches('.').count() == 2) || (word.starts_with("bw_") && word.len() > 40)
        })
        .collect()
}
