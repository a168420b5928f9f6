//! Metadata (RFC 8414) held against behaviour: whatever it says works, and whatever works it says.

use crate::keys::Key;
use crate::support::{Answer, CALLBACK, CHALLENGE, ISSUER, Pairs, SERVICE, Server, client};
use axum::body::Body;
use bearward::config::{Config, Gateway, Secret};
use bearward::jwt::Algorithm;
use bearward::model::{AuthorizationType, ClientAuthMethod, GrantType};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// A server with a client `app` that may do what a client can, and its metadata.
async fn server(change: impl FnOnce(&mut Config)) -> (Server, Key, Value) {
    let server = Server::with(change).await;
    let kind = |name: &str| AuthorizationType {
        name: name.into(),
        title: "T".into(),
        description: String::new(),
        fields: [].into(),
    };
    for name in ["a", "b"] {
        server.admin().put_authorization_type(&kind(name)).await.unwrap();
    }
    let key = Key::new();
    let mut app = client("app", Some("s"), GrantType::ALL);
    app.options.keys.jwks = Some(json!({ "keys": [key.jwk] }));
    app.options.authorization_details_types = vec!["a".into(), "b".into()];
    server.app.store.create_client(&app).await.unwrap();
    let metadata = server.get("/.well-known/oauth-authorization-server").await.json();
    (server, key, metadata)
}

fn names<'m>(metadata: &'m Value, member: &str) -> Vec<&'m str> {
    metadata[member].as_array().unwrap_or_else(|| panic!("{member}")).iter().map(|v| v.as_str().unwrap()).collect()
}

/// The error that an authorization request of `app` comes to, wherever it is said; none if the person is asked next.
async fn error(server: &Server, change: &[(&str, &str)]) -> Option<String> {
    let mut pairs = vec![("response_type", "code"), ("client_id", "app"), ("redirect_uri", CALLBACK)];
    for (name, value) in change {
        pairs.retain(|(n, _)| n != name);
        pairs.push((name, value));
    }
    let answer = server.browser_of_alice().await.authorize(pairs).await;
    match answer.status {
        StatusCode::SEE_OTHER if answer.location().starts_with('/') => None,
        StatusCode::SEE_OTHER => {
            let query = answer.location().split(['?', '#']).next_back().unwrap().to_owned();
            form_urlencoded::parse(query.as_bytes()).find(|(n, _)| n == "error").map(|(_, v)| v.into_owned())
        }
        StatusCode::OK => Some(answer.field("error")),
        _ => Some("page".to_owned()),
    }
}

async fn token(server: &Server, grant_type: &str) -> String {
    let answer = server.token(Some(("app", "s")), vec![("grant_type", grant_type)]).await;
    answer.json()["error"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn endpoints_answer_and_only_those_that_are_on_are_named() {
    for on in [false, true] {
        let (server, _, metadata) = server(|config| config.registration.enabled = on).await;
        assert_eq!(metadata.get("registration_endpoint").is_some(), on);
        let mut named = 0;
        for (name, value) in metadata.as_object().unwrap() {
            let Some(path) = value.as_str().filter(|_| name != "issuer").and_then(|url| url.strip_prefix(ISSUER))
            else {
                continue;
            };
            let get = ["authorization_endpoint", "jwks_uri"].contains(&name.as_str());
            let method = if get { Method::GET } else { Method::POST };
            let answer = server.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await;
            let missing = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED];
            assert!(!missing.contains(&answer.status), "{name}: {}", answer.status);
            named += 1;
        }
        assert_eq!(named, if on { 8 } else { 7 });
    }
}

#[tokio::test]
async fn response_types_modes_and_challenge_methods() {
    let (server, _, metadata) = server(|_| {}).await;
    let types = names(&metadata, "response_types_supported");
    for kind in ["code", "token", "id_token", "none", "code token", "code id_token"] {
        let refused = error(&server, &[("response_type", kind)]).await.as_deref() == Some("unsupported_response_type");
        assert_eq!(refused, !types.contains(&kind), "{kind}");
    }
    let modes = names(&metadata, "response_modes_supported");
    for mode in ["query", "fragment", "form_post", "web_message", "query.jwt", "jwt"] {
        assert_eq!(error(&server, &[("response_mode", mode)]).await.is_none(), modes.contains(&mode), "{mode}");
    }
    let methods = names(&metadata, "code_challenge_methods_supported");
    for method in ["S256", "plain", "S512"] {
        let asked = error(&server, &[("code_challenge", CHALLENGE), ("code_challenge_method", method)]).await;
        assert_eq!(asked.is_none(), methods.contains(&method), "{method}");
    }
    for acr in names(&metadata, "acr_values_supported") {
        assert_eq!(error(&server, &[("acr_values", acr), ("prompt", "consent")]).await, None, "{acr}");
    }
    let unmet = error(&server, &[("acr_values", "gold")]).await;
    assert_eq!(unmet.as_deref(), Some("unmet_authentication_requirements"));
    for scope in names(&metadata, "scopes_supported") {
        assert_eq!(error(&server, &[("scope", scope)]).await, None, "{scope}");
    }
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(names(&metadata, "authorization_details_types_supported"), ["a", "b"]);
    for (kind, works) in [("a", true), ("b", true), ("c", false)] {
        let details = json!([{ "type": kind }]).to_string();
        assert_eq!(error(&server, &[("authorization_details", &details)]).await.is_none(), works, "{kind}");
    }
}

#[tokio::test]
async fn grant_types_and_client_authentication() {
    for certificates in [false, true] {
        let secret = certificates.then(|| Secret(Zeroizing::new("0123456789abcdef0123456789abcdef".into())));
        let (server, key, metadata) =
            server(|config| config.gateway = Gateway { secret, ..config.gateway.clone() }).await;
        let grants = names(&metadata, "grant_types_supported");
        for grant in GrantType::ALL.iter().map(|grant| grant.wire_name()).chain(["urn:x", "none"]) {
            // The implicit grant is not for this endpoint.
            let known = grant == "implicit" || token(&server, grant).await != "unsupported_grant_type";
            assert_eq!(known, grants.contains(&grant), "{grant}");
        }
        let methods = names(&metadata, "token_endpoint_auth_methods_supported");
        let by_certificate = ["tls_client_auth", "self_signed_tls_client_auth"];
        for method in ClientAuthMethod::ALL.iter().map(|method| method.wire_name()) {
            let expected = method != "client_secret" && (certificates || !by_certificate.contains(&method));
            assert_eq!(methods.contains(&method), expected, "{method}");
        }
        assert_eq!(names(&metadata, "revocation_endpoint_auth_methods_supported"), methods);
        let proving: Vec<_> = methods.iter().copied().filter(|method| *method != "none").collect();
        assert_eq!(names(&metadata, "introspection_endpoint_auth_methods_supported"), proving);
        assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], certificates);
        // A client of each kind that signs, with an algorithm that is named.
        let algorithms = names(&metadata, "token_endpoint_auth_signing_alg_values_supported");
        assert!(algorithms.contains(&"ES256") && algorithms.contains(&"HS256") && !algorithms.contains(&"none"));
        let mut signer = client("signer", None, &[GrantType::ClientCredentials]);
        signer.auth_method = ClientAuthMethod::PrivateKeyJwt;
        signer.options.keys.jwks = Some(json!({ "keys": [key.jwk] }));
        server.app.store.create_client(&signer).await.unwrap();
        let assertion = key.sign(
            None,
            None,
            &json!({
                "iss": "signer", "sub": "signer", "aud": ISSUER, "jti": "1", "exp": server.now() + 60,
            }),
        );
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let pairs = vec![
            ("grant_type", "client_credentials"),
            ("client_assertion_type", kind),
            ("client_assertion", assertion.as_str()),
        ];
        assert_eq!(server.token(None, pairs).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn pushed_and_signed_requests() {
    for required in [false, true] {
        let (server, key, metadata) = server(|c| c.authorization.require_pushed_requests = required).await;
        assert_eq!(metadata["require_pushed_authorization_requests"], required);
        assert_eq!(error(&server, &[]).await.is_some(), required);
        let claims = json!({ "client_id": "app", "aud": ISSUER, "response_type": "code", "redirect_uri": CALLBACK });
        let object = key.sign(None, None, &claims);
        assert!(names(&metadata, "request_object_signing_alg_values_supported").contains(&"ES256"));
        let path = metadata["pushed_authorization_request_endpoint"].as_str().unwrap().strip_prefix(ISSUER).unwrap();
        let pushed: Answer = server.post(path, Some(("app", "s")), vec![("request", &object)]).await;
        assert_eq!((pushed.status, &metadata["request_parameter_supported"]), (StatusCode::CREATED, &true.into()));
        let fetched: Pairs<'_> = vec![("client_id", "app"), ("request_uri", "https://app.example/request.jwt")];
        let fetched = server.browser_of_alice().await.authorize(fetched).await;
        assert_eq!(
            (fetched.status, &metadata["request_uri_parameter_supported"]),
            (StatusCode::BAD_REQUEST, &false.into())
        );
        assert_eq!(metadata["require_signed_request_object"], false);
    }
}

#[tokio::test]
async fn signatures_are_by_what_is_named() {
    let (server, _, metadata) = server(|_| {}).await;
    assert!(names(&metadata, "dpop_signing_alg_values_supported").contains(&"ES256"));
    for name in ["dpop_signing_alg_values_supported", "request_object_signing_alg_values_supported"] {
        assert!(names(&metadata, name).iter().all(|alg| !alg.starts_with("HS") && *alg != "none"), "{name}");
    }
    // RFC 9701: the answer is a JWT for whoever asks for one.
    let token = server.service_token().await;
    let ask = |accept: &'static str| {
        let basic = crate::support::basic_header("demo-service", "demo-service-secret");
        let request = Request::post("/oauth2/introspect")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", basic)
            .header("accept", accept);
        server.send(request.body(Body::from(format!("token={token}"))).unwrap())
    };
    let plain = ask("application/json").await.json();
    let answer = ask("application/json;q=0.5, application/token-introspection+jwt").await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
    assert_eq!(answer.header("content-type"), "application/token-introspection+jwt");
    let header = jsonwebtoken::decode_header(&answer.body).unwrap();
    assert_eq!(header.typ.as_deref(), Some("token-introspection+jwt"));
    assert!(
        names(&metadata, "introspection_signing_alg_values_supported").contains(&format!("{:?}", header.alg).as_str())
    );
    // By one of the published keys; checked with another library.
    let keys = server.get("/oauth2/jwks").await.json();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header.kid.as_deref().unwrap()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(&serde_json::from_value(key.clone()).unwrap()).unwrap();
    let mut rules = jsonwebtoken::Validation::new(header.alg);
    rules.set_audience(&["demo-service"]);
    rules.set_issuer(&[ISSUER]);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Value>(&answer.body, &key, &rules).unwrap().claims;
    assert_eq!((&claims["token_introspection"], claims["iat"].as_i64()), (&plain, Some(server.now())));
    assert!(claims.get("sub").is_none() && claims.get("exp").is_none(), "RFC 9701 §5: it is no access token");
    // Nor is it taken for one.
    let told = server.post("/oauth2/introspect", SERVICE, vec![("token", &answer.body)]).await;
    assert_eq!(told.json(), json!({ "active": false }));
}

#[tokio::test]
async fn access_tokens_are_signed_as_a_client_is_registered() {
    let more = vec![Algorithm::RS256, Algorithm::PS256];
    let (server, _, metadata) = server(|config| config.keys.more_algorithms = more).await;
    let named = names(&metadata, "access_token_signing_alg_values_supported");
    assert_eq!(named, ["ES256", "RS256", "PS256"]);
    assert_eq!(names(&metadata, "introspection_signing_alg_values_supported"), ["ES256"]);
    for name in named {
        let mut one = client(name, Some("s"), &[GrantType::ClientCredentials]);
        one.options.access_token_signing_alg = Some(name.to_owned());
        server.admin().register_client(one.clone()).await.unwrap();
        let answer = server.token(Some((name, "s")), vec![("grant_type", "client_credentials")]).await.json();
        let token = answer["access_token"].as_str().unwrap();
        let header = jsonwebtoken::decode_header(token).unwrap();
        assert_eq!(format!("{:?}", header.alg), name);
        // By one of the published keys; checked with another library.
        let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_value(server.get("/oauth2/jwks").await.json()).unwrap();
        let key = jsonwebtoken::DecodingKey::from_jwk(keys.find(header.kid.as_deref().unwrap()).unwrap()).unwrap();
        let mut rules = jsonwebtoken::Validation::new(header.alg);
        rules.set_audience(&["https://api.example"]);
        rules.validate_exp = false;
        assert!(jsonwebtoken::decode::<Value>(token, &key, &rules).is_ok(), "{name}");
        let told = server.post("/oauth2/introspect", SERVICE, vec![("token", token)]).await.json();
        assert_eq!(told["active"], true, "{name}");
    }
    for name in ["EdDSA", "RS512", "HS256", "none", "rs256"] {
        let mut one = client("one", Some("s"), &[GrantType::ClientCredentials]);
        one.options.access_token_signing_alg = Some(name.to_owned());
        assert!(server.admin().register_client(one.clone()).await.is_err(), "{name}");
        // One that was registered when the server still had it: no token is better than one by another algorithm.
        server.app.store.create_client(&bearward::model::Client { id: name.to_owned(), ..one }).await.unwrap();
        let answer = server.token(Some((name, "s")), vec![("grant_type", "client_credentials")]).await;
        answer.is_error(500, "server_error");
    }
}

#[tokio::test]
async fn nothing_is_named_that_is_not_tried_here() {
    let (_, _, metadata) = server(|config| config.registration.enabled = true).await;
    let mut members: Vec<_> = metadata.as_object().unwrap().keys().map(String::as_str).collect();
    members.retain(|name| !name.ends_with("_endpoint") && !name.contains("_endpoint_auth_"));
    members.sort_unstable();
    let tried = [
        "access_token_signing_alg_values_supported",
        "acr_values_supported",
        "authorization_details_types_supported",
        "authorization_response_iss_parameter_supported",
        "code_challenge_methods_supported",
        "dpop_signing_alg_values_supported",
        "grant_types_supported",
        "introspection_signing_alg_values_supported",
        "issuer",
        "jwks_uri",
        "request_object_signing_alg_values_supported",
        "request_parameter_supported",
        "request_uri_parameter_supported",
        "require_pushed_authorization_requests",
        "require_signed_request_object",
        "response_modes_supported",
        "response_types_supported",
        "scopes_supported",
        "tls_client_certificate_bound_access_tokens",
    ];
    assert_eq!(members, tried);
}
