//! RFC 8414 metadata, the JWK Set, and what every answer has.

use crate::support::{ISSUER, Server, request};
use bearward::http::{Route, Urls};
use http::{Method, StatusCode};
use serde_json::json;
use url::Url;

#[tokio::test]
async fn metadata_says_what_is_there() {
    let server = Server::start().await;
    let answer = server.get("/.well-known/oauth-authorization-server").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
    let metadata = answer.json();
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(metadata["scopes_supported"], json!(["orders:read", "orders:write"]));
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
}

#[tokio::test]
async fn the_request_does_not_change_the_links() {
    let server = Server::start().await;
    let headers = [("host", "evil.example"), ("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")];
    let answer = server.send(request(Method::GET, "/.well-known/oauth-authorization-server", &headers, b"")).await;
    assert!(!answer.body.contains("evil"));
}

#[tokio::test]
async fn an_issuer_with_a_path_answers_under_it() {
    let server = Server::with(|config| config.issuer = Url::parse("https://id.example/auth").unwrap()).await;
    let metadata = server.get("/.well-known/oauth-authorization-server/auth").await.json();
    assert_eq!(metadata["token_endpoint"], "https://id.example/auth/oauth2/token");
    assert_eq!(server.get("/auth/oauth2/jwks").await.status, StatusCode::OK);
    assert_eq!(server.get("/oauth2/jwks").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_jwk_set_holds_public_keys_only() {
    let server = Server::start().await;
    let answer = server.get("/oauth2/jwks").await;
    assert!(answer.header("cache-control").contains("max-age="));
    let keys = answer.json()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 2, "the active one and the next");
    assert!(keys.iter().all(|key| key.get("d").is_none() && key["alg"] == "ES256"));
}

#[tokio::test]
async fn every_route_has_a_handler_and_nothing_else_has() {
    let server = Server::with(|config| config.registration.enabled = true).await;
    let urls = Urls::new(&Url::parse(ISSUER).unwrap());
    for route in Route::ALL {
        let path = match route {
            Route::Assets => server.app_style().await,
            _ => urls.path(route),
        };
        let answer = server.get(&path).await;
        assert_ne!(answer.status, StatusCode::NOT_FOUND, "{route:?}");
    }
    let nothing = server.get("/nothing/here").await;
    assert_eq!((nothing.status, nothing.header("x-frame-options")), (StatusCode::NOT_FOUND, "DENY"));
    assert_eq!(server.get("/assets/../Cargo.toml").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn browser_apps_may_read_the_oauth_endpoints_and_nothing_with_a_cookie() {
    let server = Server::start().await;
    for path in ["/oauth2/jwks", "/.well-known/oauth-authorization-server"] {
        assert_eq!(server.get(path).await.header("access-control-allow-origin"), "*", "{path}");
    }
    for path in ["/oauth2/token", "/oauth2/revoke"] {
        assert_eq!(server.post(path, None, vec![]).await.header("access-control-allow-origin"), "*", "{path}");
        let unread = server.send(request(Method::POST, path, &[("content-type", "application/json")], b"{}")).await;
        assert_eq!(unread.header("access-control-allow-origin"), "*", "{path}: what could not be read");
    }
    for path in ["/oauth2/token", "/oauth2/par", "/oauth2/revoke"] {
        let answer = server.send(request(Method::OPTIONS, path, &[("origin", "https://app.example")], b"")).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert!(answer.header("access-control-allow-headers").contains("DPoP"), "{path}");
    }
    for path in ["/login", "/consent", "/oauth2/authorize"] {
        assert_eq!(server.get(path).await.header("access-control-allow-origin"), "", "{path}");
    }
}
