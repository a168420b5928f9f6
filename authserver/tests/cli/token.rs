//! `bearward token`: a token is read from a file or standard input, and explained.

use super::Bearward;
use bearward::config::Config;
use bearward::env::Env;
use bearward::keys::{KeyRing, Keys as _, Sealer};
use bearward::storage;
use serde_json::json;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;

/// A token as a server on this database would sign it.
fn signed(bearward: &Bearward, claims: &serde_json::Value) -> String {
    let variables = [
        ("BEARWARD_ISSUER", "http://127.0.0.1:8080".to_owned()),
        ("BEARWARD_DATABASE__URL", format!("sqlite://{}", bearward.path("db").display())),
        ("BEARWARD_MASTER_KEY_FILE", bearward.path("master-key").display().to_string()),
    ];
    let config = Config::load(None, variables.into_iter().map(|(name, value)| (name.to_owned(), value))).unwrap();
    let sign = async {
        let store = storage::open(&config.database).await.unwrap();
        let sealer = Arc::new(Sealer::new(&config.master_key));
        let lifetime = config.tokens.access_lifetime;
        let keys = KeyRing::open(store, sealer, Env::system(), config.keys.clone(), lifetime).await.unwrap();
        keys.sign_as("at+jwt", claims.to_string().as_bytes()).unwrap()
    };
    tokio::runtime::Runtime::new().unwrap().block_on(sign)
}

/// What a command says to a text on standard input.
fn tells(bearward: &Bearward, arguments: &[&str], input: &str) -> String {
    let mut command = bearward.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_token_is_shown_and_revoked() {
    let bearward = Bearward::new();
    bearward.says(&["scope", "set", "orders:read", "--title", "Read your orders"]);
    bearward.says(&["client", "create", "job", "--grant", "client_credentials", "--scope", "orders:read"]);
    // Looking makes nothing, not even the first keys.
    assert!(tells(&bearward, &["token", "show"], "hello").starts_with("Nothing that this server gives out.\n"));
    assert_eq!(bearward.json(&["keys", "list", "--json"]).as_array().unwrap().len(), 0);
    let claims = json!({
        "iss": "http://127.0.0.1:8080", "sub": "job", "aud": "https://api.example", "client_id": "job", "scope": "orders:read",
        "iat": 1, "exp": 4_000_000_000_u64, "jti": "a-jti", "tier": "gold\u{1b}[2J",
    });
    let token = signed(&bearward, &claims);
    let shown = tells(&bearward, &["token", "show"], &format!("Bearer {token}\n"));
    assert!(shown.starts_with("An access token of this server, a JWT.\n"), "{shown}");
    for (name, value) in [("state", "good"), ("client", "job"), ("scopes", "orders:read"), ("jti", "a-jti")] {
        let row = shown.lines().find(|line| line.split_whitespace().next() == Some(name));
        assert!(row.is_some_and(|row| row.contains(value)), "{name}: {shown}");
    }
    assert!(!shown.contains('\u{1b}') && !shown.contains(&token) && shown.contains("2096-10-02T07:06:40Z"), "{shown}");
    bearward.says(&["token", "revoke", "a-jti"]);
    let file = bearward.path("token");
    std::fs::write(&file, &token).unwrap();
    let found = bearward.json(&["token", "show", file.to_str().unwrap(), "--json"]);
    assert_eq!((&found["good"], &found["reasons"][0]["fault"]), (&false.into(), &"token_revoked".into()), "{found}");
    assert!(bearward.refuses(&["token", "show", "/nowhere"]).contains("/nowhere"));
}
