//! Signed authorization requests, RFC 9101.

use crate::keys::Key;
use crate::support::{CALLBACK, ISSUER, Server, WEB, client};
use bearward::model::{Client, GrantType};
use http::StatusCode;
use serde_json::{Value, json};

const APP: Option<(&str, &str)> = Some(("app", "s"));

async fn server(key: &Key, change: impl FnOnce(&mut Client)) -> Server {
    let server = Server::start().await;
    let mut app = client("app", Some("s"), &[GrantType::AuthorizationCode]);
    app.options.keys.jwks = Some(json!({ "keys": [key.jwk] }));
    change(&mut app);
    server.app.store.create_client(&app).await.unwrap();
    server
}

fn request() -> Value {
    json!({
        "iss": "app", "aud": ISSUER, "client_id": "app", "response_type": "code", "redirect_uri": CALLBACK,
        "scope": "orders:write", "state": "inside", "max_age": 3600, "resource": ["https://api.example"],
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut request = request();
    request[name] = value;
    request
}

#[tokio::test]
async fn only_what_was_signed_counts() {
    let key = Key::new();
    let server = server(&key, |app| app.options.require_signed_request_object = true).await;
    let mut browser = server.browser_of_alice().await;
    for typ in [None, Some("JWT"), Some("oauth-authz-req+jwt"), Some("application/oauth-authz-req+jwt")] {
        let object = key.sign(typ, None, &request());
        let pairs = vec![
            ("client_id", "app"),
            ("request", object.as_str()),
            ("scope", "orders:read"),
            ("state", "outside"),
            ("prompt", "consent"),
            ("redirect_uri", "https://evil.example/cb"),
        ];
        let asked = browser.authorize(pairs).await;
        let returned = if asked.location().starts_with(CALLBACK) { asked } else { browser.allow(&asked).await };
        assert_eq!(returned.returned()["state"], "inside");
        let code = returned.returned()["code"].clone();
        let redeem = vec![("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
        assert_eq!(server.token(APP, redeem).await.json()["scope"], "orders:write");
    }
    // Pushed, it is checked there.
    let object = key.sign(None, None, &request());
    let pushed = server.post("/oauth2/par", APP, vec![("request", &object)]).await;
    assert_eq!(pushed.status, StatusCode::CREATED, "{}", pushed.body);
}

#[tokio::test]
async fn what_is_not_the_clients_request_to_this_server_is_refused() {
    let (key, other) = (Key::new(), Key::new());
    let server = server(&key, |_| {}).await;
    let now = server.now();
    let mut browser = server.browser_of_alice().await;
    let unsigned = {
        let signed = key.sign(None, None, &request());
        let payload = signed.split('.').nth(1).unwrap();
        format!("eyJhbGciOiJub25lIn0.{payload}.")
    };
    let rules = [
        ("another key", other.sign(None, None, &request())),
        ("no signature", unsigned),
        ("not a JWT", "junk".to_owned()),
        ("another kind of JWT", key.sign(Some("at+jwt"), None, &request())),
        ("another client's", key.sign(None, None, &with("client_id", "demo-web".into()))),
        ("another issuer", key.sign(None, None, &with("iss", "demo-web".into()))),
        ("an assertion", key.sign(None, None, &with("sub", "app".into()))),
        ("for another server", key.sign(None, None, &with("aud", "https://other.example".into()))),
        ("for nobody", key.sign(None, None, &with("aud", Value::Null))),
        ("expired", key.sign(None, None, &with("exp", now.into()))),
        ("of the future", key.sign(None, None, &with("nbf", (now + 301).into()))),
        ("a time that is no number", key.sign(None, None, &with("exp", "x".into()))),
        ("one in another", key.sign(None, None, &with("request", "x".into()))),
        ("a reference in it", key.sign(None, None, &with("request_uri", "x".into()))),
        ("a NUL in it", key.sign(None, None, &with("state", "a\0b".into()))),
    ];
    for (rule, object) in rules {
        let pairs = vec![("client_id", "app"), ("request", object.as_str())];
        // Where the answer goes is only believed as far as it is registered.
        let returned =
            browser.authorize([pairs.clone(), vec![("redirect_uri", CALLBACK), ("state", "o")]].concat()).await;
        assert_eq!(returned.returned()["error"], "invalid_request_object", "{rule}");
        let page = browser.authorize([pairs.clone(), vec![("redirect_uri", "https://evil.example")]].concat()).await;
        assert_eq!((page.status, page.header("location")), (StatusCode::BAD_REQUEST, ""), "{rule}");
        server.post("/oauth2/par", APP, pairs).await.is_error(400, "invalid_request_object");
    }
    // What is wrong inside is answered as usual; a client without keys signs nothing.
    let object = key.sign(None, None, &with("scope", "admin".into()));
    let pairs = vec![("client_id", "app"), ("request", object.as_str())];
    assert_eq!(browser.authorize(pairs).await.returned()["error"], "invalid_scope");
    let object = key.sign(None, None, &with("client_id", "demo-web".into()));
    server.post("/oauth2/par", WEB, vec![("request", &object)]).await.is_error(400, "invalid_request_object");
}

#[tokio::test]
async fn a_client_can_be_held_to_signing() {
    let key = Key::new();
    let server = server(&key, |app| app.options.require_signed_request_object = true).await;
    let mut browser = server.browser_of_alice().await;
    let plain = vec![("client_id", "app"), ("response_type", "code"), ("redirect_uri", CALLBACK)];
    assert_eq!(browser.authorize(plain.clone()).await.returned()["error"], "invalid_request");
    server.post("/oauth2/par", APP, plain).await.is_error(400, "invalid_request");
}
