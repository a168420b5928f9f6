//! What is accepted, and the one line that is said about what is not.

use super::Config;
use std::time::Duration;

const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn load(more: &[(&str, &str)]) -> Result<Config, String> {
    let base = [
        ("BEARWARD_ISSUER", "https://auth.example.com"),
        ("BEARWARD_DATABASE__URL", "sqlite:///var/lib/bearward.db"),
        ("BEARWARD_MASTER_KEY", KEY),
        ("HOME", "/nowhere"),
    ];
    let mut variables: std::collections::BTreeMap<String, String> =
        base.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    for (name, value) in more {
        if value.is_empty() {
            variables.remove(*name)
        } else {
            variables.insert((*name).to_owned(), (*value).to_owned())
        };
    }
    Config::load(None, variables).map_err(|e| e.to_string())
}

fn load_file(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("bearward.toml");
    std::fs::write(&file, text).unwrap();
    let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let place = dir.path().display().to_string();
    Config::load(Some(&file), variables).map_err(|e| e.to_string().replace(&format!("{place}/"), ""))
}

#[test]
fn defaults_hold() {
    let config = load(&[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:9000");
    assert_eq!(config.tokens.access_lifetime, Duration::from_secs(600));
    assert_eq!(config.tokens.audience, ["https://auth.example.com"]);
    assert_eq!(config.keys.rotate_every, Duration::from_secs(30 * 86_400));
    assert!(config.passwords.max_concurrent_hashes >= 1);
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = format!(
        "issuer = 'http://127.0.0.1:8080'\nmaster_key = '{KEY}'\n[database]\nurl_file = '/nowhere'\n[tokens]\n\
         access_lifetime = 300\naudience = ['a', 'b']\n"
    );
    let variables = [
        ("BEARWARD_DATABASE__URL", "postgres://u:p@h/n"),
        ("BEARWARD_TOKENS__AUDIENCE", "c, d"),
        ("BEARWARD_CONFIG", "/x"),
    ];
    let config = load_file(&file, &variables).unwrap();
    assert_eq!(config.tokens.access_lifetime, Duration::from_secs(300));
    assert_eq!(config.tokens.audience, ["c", "d"]);
    assert_eq!(*config.database.url.0, "postgres://u:p@h/n");
}

#[test]
fn unknown_keys_are_refused_with_the_nearest() {
    let says = |text: &str| load_file(text, &[]).unwrap_err();
    assert_eq!(says("isuer = 'x'"), "bearward.toml: isuer: there is no such setting; did you mean issuer?");
    assert_eq!(
        says("[tokens]\naccess_lifetme = '1m'"),
        "bearward.toml: tokens.access_lifetme: there is no such setting; did you mean tokens.access_lifetime?"
    );
    assert!(says("[token]\nx = 1").starts_with("bearward.toml: token: there is no such setting"));
    assert!(says("issuer = [").starts_with("bearward.toml, line 1: "));
    assert_eq!(
        load(&[("BEARWARD_TOKENS_ACCESS_LIFETIME", "1m")]).unwrap_err(),
        "BEARWARD_TOKENS_ACCESS_LIFETIME: there is no such setting; did you mean BEARWARD_TOKENS__ACCESS_LIFETIME?"
    );
    assert!(load(&[("BEARWARD_SERVICE_HOST", "10.0.0.1"), ("BEARWARD_PORT", "tcp://10.0.0.1:9000")]).is_ok());
    assert!(load(&[("BEARWARD_DB_PORT_5432_TCP_ADDR", "10.0.0.1")]).is_ok());
}

#[test]
fn an_issuer_is_exact() {
    for good in [
        "https://a.example",
        "https://a.example/tenant",
        "http://127.0.0.1:8080",
        "http://localhost:1",
        "http://[::1]:2",
    ] {
        assert!(load(&[("BEARWARD_ISSUER", good)]).is_ok(), "{good}");
    }
    for (bad, why) in [
        ("http://a.example", "has to be https"),
        ("https://a.example/", "slash"),
        ("https://a.example?x", "query"),
        ("https://a.example#x", "query"),
        ("https://u@a.example", "user name"),
        ("https://A.example", "written as https://a.example"),
        ("https://a.example:443", "written as https://a.example"),
        ("ftp://a.example", "https://"),
        ("a.example", "not a URL"),
    ] {
        let says = load(&[("BEARWARD_ISSUER", bad)]).unwrap_err();
        assert!(says.starts_with("BEARWARD_ISSUER: ") && says.contains(why), "{bad}: {says}");
    }
    assert!(load(&[("BEARWARD_ISSUER", "")]).unwrap_err().starts_with("issuer: is not set"));
}

#[test]
fn a_secret_comes_from_one_place_and_is_never_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    let file = file.to_str().unwrap();
    assert!(load(&[("BEARWARD_MASTER_KEY", ""), ("BEARWARD_MASTER_KEY_FILE", file)]).is_ok());
    let says = load(&[("BEARWARD_MASTER_KEY_FILE", file)]).unwrap_err();
    assert!(says.contains("give master_key or master_key_file, not both"), "{says}");
    let says = load(&[("BEARWARD_MASTER_KEY", "")]).unwrap_err();
    assert!(says.contains("generate-master") && says.contains("BEARWARD_MASTER_KEY_FILE"), "{says}");

    for (name, secret) in [
        ("BEARWARD_MASTER_KEY", "c2VjcmV0LXNlY3JldA=="),
        ("BEARWARD_DATABASE__URL", "mysql://user:secret-secret@host/db"),
        ("BEARWARD_DATABASE__URL", "postgres://user:secret-secret@host:port/db"),
        ("BEARWARD_DATABASE__URL", "secret-secret"),
    ] {
        let says = load(&[(name, secret)]).unwrap_err();
        assert!(says.starts_with(name) && !says.contains("secret-secret") && !says.contains(secret), "{says}");
    }
    let config = load(&[("BEARWARD_DATABASE__URL", "postgres://u:secret-secret@h/n")]).unwrap();
    let shown = format!("{config} {config:?}");
    assert!(!shown.contains("secret-secret") && !shown.contains(KEY), "{shown}");
}

#[test]
fn limits_are_kept() {
    for (name, value) in [
        ("BEARWARD_TOKENS__ACCESS_LIFETIME", "25h"),
        ("BEARWARD_TOKENS__ACCESS_LIFETIME", "0"),
        ("BEARWARD_TOKENS__ACCESS_LIFETIME", "ten minutes"),
        ("BEARWARD_TOKENS__REFRESH_LIFETIME", "5m"),
        ("BEARWARD_TOKENS__REFRESH_GRACE", "6m"),
        ("BEARWARD_TOKENS__CODE_LIFETIME", "11m"),
        ("BEARWARD_TOKENS__AUDIENCE", "a,,b"),
        ("BEARWARD_KEYS__ROTATE_EVERY", "10m"),
        ("BEARWARD_LISTEN", "localhost:9000"),
        ("BEARWARD_LISTEN", "127.0.0.1"),
        ("BEARWARD_DATABASE__MAX_CONNECTIONS", "0"),
        ("BEARWARD_PASSWORDS__MAX_CONCURRENT_HASHES", "many"),
        ("BEARWARD_LOG__FORMAT", "xml"),
    ] {
        let says = load(&[(name, value)]).unwrap_err();
        assert!(says.starts_with(&format!("{name}: ")), "{value}: {says}");
    }
    let same = load(&[("BEARWARD_LISTEN", "127.0.0.1:9090")]).unwrap_err();
    assert_eq!(same, "management_listen: has to differ from listen");
}
