//! The token endpoint's own rules, and client credentials.

use crate::support::{ISSUER, SERVICE, START, Server, WEB, basic_header, claims, client, request};
use bearward::model::GrantType;
use bearward_token::scope::ScopeSet;
use http::{Method, StatusCode};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

#[tokio::test]
async fn client_credentials_give_an_rfc_9068_token() {
    let server = Server::start().await;
    let answer = server.token(SERVICE, vec![GRANT]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
    assert_eq!(answer.header("content-type"), "application/json");
    let json = answer.json();
    assert_eq!((json["token_type"].as_str(), json["expires_in"].as_u64()), (Some("Bearer"), Some(600)));
    assert_eq!(json["scope"], "orders:read");
    assert!(json.get("refresh_token").is_none());
    let claims = claims(json["access_token"].as_str().unwrap());
    let expected = serde_json::json!({
        "iss": ISSUER, "sub": "demo-service", "client_id": "demo-service", "aud": "https://api.example",
        "scope": "orders:read", "iat": START, "exp": START + 600, "jti": claims["jti"],
    });
    assert_eq!(claims, expected);
    assert!(claims["jti"].as_str().unwrap().len() >= 22, "128 bits");
}

#[tokio::test]
async fn scope_is_what_was_asked_and_is_allowed() {
    let server = Server::start().await;
    let mut bare = client("bare", Some("s"), &[GrantType::ClientCredentials]);
    bare.default_scopes = ScopeSet::default();
    bare.audience = vec!["a".into(), "b".into()];
    server.app.store.create_client(&bare).await.unwrap();
    let ask = async |basic, scope| server.token(basic, vec![GRANT, ("scope", scope)]).await;
    assert_eq!(ask(SERVICE, "orders:write").await.json()["scope"], "orders:write");
    assert_eq!(ask(SERVICE, "orders:write admin  orders:read").await.json()["scope"], "orders:read orders:write");
    assert_eq!(ask(SERVICE, "").await.json()["scope"], "orders:read", "empty is omitted");
    ask(SERVICE, "admin").await.is_error(400, "invalid_scope");
    ask(SERVICE, "orders:read \"").await.is_error(400, "invalid_scope");
    let bare = Some(("bare", "s"));
    ask(bare, "").await.is_error(400, "invalid_scope");
    let token = ask(bare, "orders:read").await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&token)["aud"], serde_json::json!(["a", "b"]));
}

#[tokio::test]
async fn a_grant_must_exist_be_registered_and_be_for_such_a_client() {
    let server = Server::start().await;
    let public = client("public", None, &[GrantType::ClientCredentials]);
    server.app.store.create_client(&public).await.unwrap();
    server.token(SERVICE, vec![]).await.is_error(400, "invalid_request");
    for unknown in ["implicit", "urn:x", "Client_Credentials", "x"] {
        server.token(SERVICE, vec![("grant_type", unknown)]).await.is_error(400, "unsupported_grant_type");
    }
    server.token(SERVICE, vec![("grant_type", "password")]).await.is_error(400, "unauthorized_client");
    server.token(WEB, vec![GRANT]).await.is_error(400, "unauthorized_client");
    server.token(SERVICE, vec![("grant_type", "refresh_token")]).await.is_error(400, "unauthorized_client");
    server.token(None, vec![GRANT, ("client_id", "public")]).await.is_error(400, "unauthorized_client");
}

#[tokio::test]
async fn the_request_must_be_a_well_formed_form() {
    let server = Server::start().await;
    let auth = basic_header("demo-service", "demo-service-secret");
    let send = async |media: &'static str, body: &'static [u8]| {
        let headers = [("authorization", auth.as_str()), ("content-type", media)];
        server.send(request(Method::POST, "/oauth2/token", &headers, body)).await
    };
    let form = "application/x-www-form-urlencoded";
    let good: &[u8] = b"grant_type=client_credentials&unknown=1";
    assert_eq!(send("Application/X-WWW-Form-Urlencoded; charset=UTF-8", good).await.status, StatusCode::OK);
    for media in ["application/json", "multipart/form-data; boundary=x", "", "application/x-www-form-urlencodedx"] {
        send(media, good).await.is_error(400, "invalid_request");
    }
    let malformed: [&[u8]; 6] = [
        b"grant_type=client_credentials&grant_type=client_credentials",
        b"grant_type=client_credentials&scope=a&scope=",
        b"grant_type=client_credentials&scope=%ff",
        b"grant_type=client_credentials&scope=\xff",
        b"grant_type=client_credentials&scope=%",
        b"grant_type=client_credentials&scope=%00",
    ];
    for body in malformed {
        send(form, body).await.is_error(400, "invalid_request");
    }
    let huge: &'static [u8] = Box::leak(format!("grant_type={}", "x".repeat(65_536)).into_bytes().into_boxed_slice());
    send(form, huge).await.is_error(413, "invalid_request");
    // Parameters in the URL are not parameters of this request (RFC 6749 §2.3.1, §3.2).
    let headers = [("authorization", auth.as_str()), ("content-type", form)];
    let in_url = request(Method::POST, "/oauth2/token?grant_type=client_credentials", &headers, b"");
    server.send(in_url).await.is_error(400, "invalid_request");
    assert_eq!(server.get("/oauth2/token").await.status, StatusCode::METHOD_NOT_ALLOWED);
}
