//! Dynamic client registration, RFC 7591, and its management, RFC 7592.

use crate::keys::Key;
use crate::support::{Answer, CALLBACK, ISSUER, Server, request};
use axum::body::Body;
use bearward::admin::NewRegistrationToken;
use bearward::model::{AuditFilter, Digest, Recorded};
use bearward_token::scope::ScopeSet;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

const REGISTER: &str = "/oauth2/register";

async fn server() -> Server {
    Server::with(|config| config.registration.enabled = true).await
}

/// An initial access token that can be used so often.
async fn initial(server: &Server, uses: u32) -> String {
    let scopes = ScopeSet::parse("orders:read").unwrap();
    let new = NewRegistrationToken { note: "partner".into(), scope: scopes.to_string(), uses, expires_in: 100 };
    server.admin().create_registration_token(new).await.unwrap().initial_access_token
}

/// What the audit log says of a client, the oldest entry first.
async fn audited(server: &Server, client: &Value) -> Vec<Recorded> {
    let filter = AuditFilter { object: client.as_str().map(ToOwned::to_owned), ..AuditFilter::default() };
    let mut log = server.app.store.audit(&filter, i64::MAX, 100).await.unwrap();
    log.reverse();
    log
}

async fn send(server: &Server, method: Method, path: &str, token: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let request = request.header("authorization", format!("Bearer {token}"));
    server.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn register(server: &Server, metadata: &Value) -> Answer {
    let token = initial(server, 1).await;
    send(server, Method::POST, REGISTER, &token, metadata).await
}

fn web() -> Value {
    json!({
        "client_name": "Partner", "redirect_uris": [CALLBACK], "scope": "orders:read",
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"], "unknown": { "is": "ignored" },
    })
}

/// The path of a registration, and its token.
fn managed(answer: &Value) -> (String, String) {
    let uri = answer["registration_client_uri"].as_str().unwrap();
    (uri.strip_prefix(ISSUER).unwrap().to_owned(), answer["registration_access_token"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_client_registers_itself_and_gets_tokens() {
    let server = server().await;
    let answer = register(&server, &web()).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::CREATED, "no-store"), "{}", answer.body);
    let json = answer.json();
    assert_eq!((&json["client_name"], &json["scope"]), (&"Partner".into(), &"orders:read".into()));
    assert_eq!(json["token_endpoint_auth_method"], "client_secret_basic");
    assert_eq!((&json["response_types"], &json["client_secret_expires_at"]), (&json!(["code"]), &json!(0)));
    assert_eq!(json["client_id_issued_at"].as_i64(), Some(server.now()));
    let (id, secret) = (json["client_id"].as_str().unwrap(), json["client_secret"].as_str().unwrap());
    let tokens = server.token(Some((id, secret)), vec![("grant_type", "client_credentials")]).await;
    assert_eq!(tokens.json()["scope"], "orders:read", "{}", tokens.body);
    // A public client has no secret.
    let public = json!({ "redirect_uris": ["com.example.app:/cb"], "token_endpoint_auth_method": "none" });
    let json = register(&server, &public).await.json();
    assert!(json.get("client_secret").is_none() && json["grant_types"] == json!(["authorization_code"]));
    // RFC 9700 §4.15.1: whatever it asks for, its id is made here.
    let mut posing = web();
    posing["client_id"] = "person-alice".into();
    assert_ne!(register(&server, &posing).await.json()["client_id"], "person-alice");
    // Keys of its own.
    let keys = json!({
        "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [Key::new().jwk] },
    });
    let json = register(&server, &keys).await.json();
    assert!(json.get("client_secret").is_none() && json["jwks"]["keys"][0]["kty"] == "EC", "{json}");
}

#[tokio::test]
async fn an_initial_access_token_is_needed_and_is_used_up() {
    let server = server().await;
    let token = initial(&server, 2).await;
    for expected in [StatusCode::CREATED, StatusCode::CREATED, StatusCode::UNAUTHORIZED] {
        assert_eq!(send(&server, Method::POST, REGISTER, &token, &web()).await.status, expected);
    }
    // What is refused costs no use.
    let once = initial(&server, 1).await;
    for bad in [json!({ "redirect_uris": [] }), json!([])] {
        assert_eq!(send(&server, Method::POST, REGISTER, &once, &bad).await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(send(&server, Method::POST, REGISTER, &once, &web()).await.status, StatusCode::CREATED);
    let late = initial(&server, 1).await;
    server.clock.advance(100);
    for bad in ["", "junk", late.as_str()] {
        let answer = send(&server, Method::POST, REGISTER, bad, &web()).await;
        answer.is_error(401, "invalid_token");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"bearward\", error=\"invalid_token\"");
    }
    // RFC 6750 §3.1: no error to a request without a token.
    let none = request(Method::POST, REGISTER, &[("content-type", "application/json")], b"{}");
    let none = server.send(none).await;
    none.is_error(401, "invalid_token");
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"bearward\"");
    let off = Server::start().await;
    let token = initial(&off, 1).await;
    assert_eq!(send(&off, Method::POST, REGISTER, &token, &web()).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn metadata_that_does_not_hold_together_is_refused() {
    let server = server().await;
    let with = |name: &str, value: Value| {
        let mut metadata = web();
        metadata[name] = value;
        metadata
    };
    let (redirect, metadata) = ("invalid_redirect_uri", "invalid_client_metadata");
    for (bad, error) in [
        (json!([]), metadata),
        (with("redirect_uris", json!("x")), metadata),
        (with("redirect_uris", json!([])), redirect),
        (with("redirect_uris", json!(["http://a.example/cb"])), redirect),
        (with("redirect_uris", json!(["https://a.example/cb#f"])), redirect),
        (with("redirect_uris", json!(["javascript:alert(1)"])), redirect),
        (with("grant_types", json!(["client_credentials"])), redirect),
        (with("grant_types", json!([])), metadata),
        (with("grant_types", json!(["implicit", "authorization_code"])), metadata),
        (with("grant_types", json!(["password"])), metadata),
        (with("grant_types", json!(["nonsense"])), metadata),
        (with("response_types", json!(["token"])), metadata),
        (with("response_types", json!([])), metadata),
        (with("token_endpoint_auth_method", json!("none")), metadata),
        (with("token_endpoint_auth_method", json!("tls_client_auth")), metadata),
        (with("token_endpoint_auth_method", json!("private_key_jwt")), metadata),
        (with("scope", json!("orders:read orders:write")), metadata),
        (with("scope", json!("a\"b")), metadata),
        (with("client_name", json!("")), metadata),
        (with("client_name", json!("a\nb")), metadata),
        (with("client_name", json!("x".repeat(129))), metadata),
        (with("jwks", json!({ "keys": [] })), metadata),
        (with("jwks", json!({ "keys": [{ "kty": "EC", "d": "AA" }] })), metadata),
        (with("jwks_uri", json!("http://a.example/jwks")), metadata),
        (with("jwks_uri", json!("http://127.0.0.1:9000/x")), metadata),
        (with("jwks_uri", json!("https://127.0.0.1:9000/x")), metadata),
        (with("jwks_uri", json!("https://localhost/x")), metadata),
        (with("jwks_uri", json!("https://169.254.169.254/latest/meta-data")), metadata),
        (with("jwks_uri", json!("https://[::ffff:10.0.0.1]/x")), metadata),
        (with("require_signed_request_object", json!(true)), metadata),
        (with("authorization_details_types", json!(["payment"])), metadata),
        (with("dpop_bound_access_tokens", json!("yes")), metadata),
        (with("software_statement", json!("a.b.c")), "unapproved_software_statement"),
    ] {
        let answer = register(&server, &bad).await;
        assert_eq!(answer.json()["error"], error, "{bad}: {}", answer.body);
        answer.is_error(400, error);
    }
    let token = initial(&server, 1).await;
    let form = Request::post(REGISTER).header("authorization", format!("Bearer {token}"));
    server.send(form.body(Body::from("{}")).unwrap()).await.is_error(400, "invalid_client_metadata");
}

#[tokio::test]
async fn a_client_reads_changes_and_ends_its_registration() {
    let server = server().await;
    let first = register(&server, &web()).await.json();
    let (path, token) = managed(&first);
    let read = send(&server, Method::GET, &path, &token, &json!({})).await;
    assert_eq!(read.status, StatusCode::OK);
    assert!(read.json().get("client_secret").is_none(), "only its digest is there");
    assert_eq!((&read.json()["client_id"], &read.json()["scope"]), (&first["client_id"], &first["scope"]));

    let mut change = web();
    change["client_id"] = first["client_id"].clone();
    change["client_name"] = "Renamed".into();
    change["grant_types"] = json!(["authorization_code"]);
    let changed = send(&server, Method::PUT, &path, &token, &change).await;
    assert_eq!((changed.status, &changed.json()["client_name"]), (StatusCode::OK, &"Renamed".into()));
    assert!(changed.json().get("client_secret").is_none(), "it keeps the secret it has");
    let stored = server.app.store.client(first["client_id"].as_str().unwrap()).await.unwrap().unwrap();
    assert!(stored.secret.unwrap().matches(&Digest::of(first["client_secret"].as_str().unwrap())));
    assert_eq!(stored.grant_types.len(), 1);
    // From public to confidential, a secret is made.
    let public = json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
    let public = register(&server, &public).await.json();
    let (public_path, public_token) = managed(&public);
    let mut upgrade = json!({ "redirect_uris": [CALLBACK], "client_id": public["client_id"] });
    let upgraded = send(&server, Method::PUT, &public_path, &public_token, &upgrade).await.json();
    assert!(upgraded["client_secret"].as_str().unwrap().starts_with("bw_cs_"));

    // RFC 7592 §2.2: its own client_id, its own secret.
    upgrade["client_id"] = first["client_id"].clone();
    let answer = send(&server, Method::PUT, &public_path, &public_token, &upgrade).await;
    answer.is_error(400, "invalid_client_metadata");
    change["client_secret"] = "chosen".into();
    send(&server, Method::PUT, &path, &token, &change).await.is_error(400, "invalid_client_metadata");
    change["client_secret"] = first["client_secret"].clone();
    assert_eq!(send(&server, Method::PUT, &path, &token, &change).await.status, StatusCode::OK);
    // Another client's token, an initial token, none.
    for bad in [public_token.as_str(), &initial(&server, 1).await, ""] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            send(&server, method, &path, bad, &change).await.is_error(401, "invalid_token");
        }
    }
    // With a secret it can get tokens; once ended, neither they nor it work any more.
    let service = json!({ "grant_types": ["client_credentials"] });
    let service = register(&server, &service).await.json();
    let (service_path, service_token) = managed(&service);
    let basic = Some((service["client_id"].as_str().unwrap(), service["client_secret"].as_str().unwrap()));
    let pairs = || vec![("grant_type", "client_credentials"), ("scope", "orders:read")];
    let issued = server.token(basic, pairs()).await.json()["access_token"].as_str().unwrap().to_owned();
    let ended = send(&server, Method::DELETE, &service_path, &service_token, &json!({})).await;
    assert_eq!((ended.status, ended.body.as_str()), (StatusCode::NO_CONTENT, ""));
    server.clock.advance(2);
    server.token(basic, pairs()).await.is_error(401, "invalid_client");
    let told = server.post("/oauth2/introspect", crate::support::WEB, vec![("token", &issued)]).await;
    assert_eq!(told.json(), json!({ "active": false }));
    send(&server, Method::GET, &service_path, &service_token, &json!({})).await.is_error(401, "invalid_token");

    // Each of it is in the audit log, by the client itself, and without anything that opens a door.
    let log = audited(&server, &first["client_id"]).await;
    let actions: Vec<_> = log.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["client.register", "client.edit", "client.edit"]);
    assert!(log.iter().all(|entry| entry.actor_kind == "client" && first["client_id"] == entry.actor));
    let (before, after) = (log[1].before.as_ref().unwrap(), log[1].after.as_ref().unwrap());
    assert_eq!((&before["name"], &after["name"]), (&"Partner".into(), &"Renamed".into()));
    let version = |view: &serde_json::Value| view["version"].as_i64().unwrap();
    assert_eq!((version(after), &log[2].before), (version(before) + 1, &log[1].after));
    let text = serde_json::to_string(&log).unwrap();
    assert!(!text.contains("bw_") && !text.contains(first["client_secret"].as_str().unwrap()), "{text}");
    let log = audited(&server, &service["client_id"]).await;
    assert_eq!(log[1].action, "client.unregister");
}
