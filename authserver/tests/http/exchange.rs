//! Token exchange, RFC 8693.

use crate::assertions::{Party, assertion, trust};
use crate::keys::Key;
use crate::support::{Answer, ISSUER, Server, claims, client};
use bearward::model::{AccessTokenFormat, AuthorizationType, ExchangePolicy, GrantType, IssuerSettings};
use bearward_token::scope::ScopeSet;
use http::StatusCode;
use serde_json::json;
use std::collections::BTreeMap;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

async fn server() -> Server {
    let server = Server::start().await;
    let policy = |impersonation, delegation| ExchangePolicy {
        impersonation,
        delegation,
        audiences: vec!["https://billing.example".to_owned()],
    };
    for (id, policy) in
        [("imp", policy(true, false)), ("del", policy(false, true)), ("neither", ExchangePolicy::default())]
    {
        let mut one = client(id, Some("s"), &[GrantType::TokenExchange, GrantType::ClientCredentials]);
        one.options.token_exchange = policy;
        server.app.store.create_client(&one).await.unwrap();
    }
    server
}

async fn person(server: &Server) -> String {
    server.web_tokens().await["access_token"].as_str().unwrap().to_owned()
}

async fn exchange(server: &Server, id: &str, token: &str, more: &[(&str, &str)]) -> Answer {
    let mut pairs = vec![("grant_type", GRANT), ("subject_token", token)];
    if !more.iter().any(|(name, _)| *name == "subject_token_type") {
        pairs.push(("subject_token_type", ACCESS));
    }
    pairs.extend(more.iter().copied().filter(|(_, value)| !value.is_empty()));
    server.token(Some((id, "s")), pairs).await
}

#[tokio::test]
async fn impersonation_hands_the_subject_on() {
    let server = server().await;
    let subject = person(&server).await;
    server.clock.advance(100);
    let answer = exchange(&server, "imp", &subject, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let json = answer.json();
    assert_eq!((&json["issued_token_type"], &json["token_type"]), (&ACCESS.into(), &"Bearer".into()));
    assert!(json.get("refresh_token").is_none());
    let (before, after) = (claims(&subject), claims(json["access_token"].as_str().unwrap()));
    for same in ["sub", "gid", "scope", "aud", "exp"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert!(after["client_id"] == "imp" && after.get("act").is_none() && after["jti"] != before["jti"]);
    // Whoever ends the grant ends both.
    server.app.store.grant(before["gid"].as_str().unwrap()).await.unwrap().unwrap();
}

#[tokio::test]
async fn delegation_says_who_acts() {
    let server = server().await;
    let subject = person(&server).await;
    let token = |answer: &Answer| answer.json()["access_token"].as_str().unwrap().to_owned();
    let once = token(&exchange(&server, "del", &subject, &[]).await);
    assert_eq!(claims(&once)["act"], json!({"sub": "del"}));
    let actor = server.service_token().await;
    let more = [("actor_token", actor.as_str()), ("actor_token_type", ACCESS)];
    let twice = token(&exchange(&server, "del", &once, &more).await);
    assert_eq!(claims(&twice)["act"], json!({"sub": "demo-service", "act": {"sub": "del"}}));
    assert_eq!(claims(&twice)["sub"], "person-alice");
    exchange(&server, "imp", &subject, &more).await.is_error(400, "unauthorized_client");
    exchange(&server, "neither", &subject, &more).await.is_error(400, "unauthorized_client");
    exchange(&server, "neither", &subject, &[]).await.is_error(400, "unauthorized_client");
    // Impersonation keeps what was said before.
    assert_eq!(claims(&token(&exchange(&server, "imp", &once, &[]).await))["act"], json!({"sub": "del"}));
}

#[tokio::test]
async fn what_was_exchanged_ends_with_the_client_that_had_it() {
    let server = server().await;
    let token = |answer: Answer| answer.json()["access_token"].as_str().unwrap().to_owned();
    let active = async |token: &str| {
        let answer = server.post("/oauth2/introspect", Some(("del", "s")), vec![("token", token)]).await;
        answer.json()["active"].as_bool().unwrap()
    };
    let own = token(server.token(Some(("imp", "s")), vec![("grant_type", "client_credentials")]).await);
    let once = token(exchange(&server, "imp", &own, &[]).await);
    assert!(claims(&once).get("exchanged_by").is_none(), "its own client is named already");
    let by_another = token(exchange(&server, "del", &once, &[]).await);
    assert_eq!(claims(&by_another)["exchanged_by"], json!(["imp"]));
    let at_third = token(exchange(&server, "del", &by_another, &[]).await);
    assert_eq!(claims(&at_third)["exchanged_by"], json!(["imp"]));
    let unrelated = token(server.token(Some(("del", "s")), vec![("grant_type", "client_credentials")]).await);

    server.admin().set_client_disabled("imp", true).await.unwrap();
    for ended in [&own, &once, &by_another, &at_third] {
        assert!(!active(ended).await, "{}", claims(ended));
    }
    assert!(active(&unrelated).await);
    exchange(&server, "del", &by_another, &[]).await.is_error(400, "invalid_request");
    // The feed's entry for the client is what the token names, so filters end it as well.
    let named = bearward_token::feed::Subject::Client("imp").key();
    let entries = server.app.store.revocations(&[named], server.now()).await.unwrap();
    assert_eq!(entries.len(), 1);
}

#[tokio::test]
async fn what_was_exchanged_ends_with_what_it_was_exchanged_from() {
    let server = server().await;
    let own = async |id: &str| {
        let answer = server.token(Some((id, "s")), vec![("grant_type", "client_credentials")]).await;
        answer.json()["access_token"].as_str().unwrap().to_owned()
    };
    let exchanged = async |subject: &str| {
        let answer = exchange(&server, "del", subject, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    };
    let active = async |token: &str| {
        let answer = server.post("/oauth2/introspect", Some(("del", "s")), vec![("token", token)]).await;
        answer.json()["active"].as_bool().unwrap()
    };
    for with_grant in [false, true] {
        let (owner, subject) = if with_grant {
            (crate::support::WEB, person(&server).await)
        } else {
            (Some(("del", "s")), own("del").await)
        };
        let once = exchanged(&subject).await;
        let (twice, sibling) = (exchanged(&once).await, exchanged(&subject).await);
        assert_eq!(claims(&once)["exchanged_from"], json!([claims(&subject)["jti"]]));
        assert_eq!(claims(&twice)["exchanged_from"], json!([claims(&once)["jti"], claims(&subject)["jti"]]));
        // One in the middle takes along what came of it, and nothing else.
        server.post("/oauth2/revoke", Some(("del", "s")), vec![("token", &once)]).await;
        assert_eq!([active(&subject).await, active(&sibling).await], [true; 2], "{with_grant}");
        assert_eq!([active(&once).await, active(&twice).await], [false; 2], "{with_grant}");
        exchange(&server, "del", &twice, &[]).await.is_error(400, "invalid_request");
        server.post("/oauth2/revoke", owner, vec![("token", &subject)]).await;
        assert!(!active(&sibling).await, "{with_grant}");
    }
    // It does not go on for ever: each time adds to the token. A chain of actors ends before.
    server.clock.advance(1);
    let (mut token, mut times) = (own("imp").await, 0);
    let refused = loop {
        let answer = exchange(&server, "imp", &token, &[]).await;
        if answer.status != StatusCode::OK {
            break answer;
        }
        (token, times) = (answer.json()["access_token"].as_str().unwrap().to_owned(), times + 1);
    };
    refused.is_error(400, "invalid_request");
    assert_eq!(times, 8);
}

#[tokio::test]
async fn scope_and_audience_only_narrow() {
    let server = server().await;
    let subject = person(&server).await;
    let scope = exchange(&server, "imp", &subject, &[("scope", "orders:read")]).await;
    assert_eq!(scope.json()["scope"], "orders:read");
    let narrow = scope.json()["access_token"].as_str().unwrap().to_owned();
    exchange(&server, "imp", &narrow, &[("scope", "orders:read orders:write")]).await.is_error(400, "invalid_scope");
    assert_eq!(exchange(&server, "imp", &narrow, &[]).await.json()["scope"], "orders:read");
    for (name, target, good) in [
        ("audience", "https://api.example", true),
        ("resource", "https://api.example", true),
        ("audience", "https://billing.example", true),
        ("audience", "https://elsewhere.example", false),
        ("resource", "https://elsewhere.example", false),
    ] {
        let answer = exchange(&server, "imp", &subject, &[(name, target)]).await;
        if good {
            assert_eq!(claims(answer.json()["access_token"].as_str().unwrap())["aud"], target, "{}", answer.body);
        } else {
            answer.is_error(400, "invalid_target");
        }
    }
    let both = [("audience", "https://api.example"), ("audience", "https://billing.example")];
    let token = exchange(&server, "imp", &subject, &both).await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&token)["aud"], json!(["https://api.example", "https://billing.example"]));
}

#[tokio::test]
async fn what_is_no_good_token_is_refused() {
    let server = server().await;
    let subject = person(&server).await;
    for more in [
        &[("subject_token_type", "urn:ietf:params:oauth:token-type:saml2")][..],
        &[("subject_token_type", "")],
        &[("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")],
        &[("actor_token", "x")],
        &[("actor_token_type", ACCESS)],
        &[("actor_token", "x"), ("actor_token_type", ACCESS)],
    ] {
        exchange(&server, "del", &subject, more).await.is_error(400, "invalid_request");
    }
    for junk in ["x", "a.b.c", &format!("{subject}x")] {
        exchange(&server, "imp", junk, &[]).await.is_error(400, "invalid_request");
    }
    server.token(Some(("imp", "s")), vec![("grant_type", GRANT)]).await.is_error(400, "invalid_request");
    let public = client("public", None, &[GrantType::TokenExchange]);
    server.app.store.create_client(&public).await.unwrap();
    let pairs = vec![("grant_type", GRANT), ("client_id", "public"), ("subject_token", &subject)];
    server.token(None, pairs).await.is_error(400, "unauthorized_client");
    // Not for this client: issued to another, for another audience.
    let mut elsewhere = client("elsewhere", Some("s"), &[GrantType::ClientCredentials]);
    elsewhere.audience = vec!["https://elsewhere.example".to_owned()];
    server.app.store.create_client(&elsewhere).await.unwrap();
    let foreign = server.token(Some(("elsewhere", "s")), vec![("grant_type", "client_credentials")]).await;
    let foreign = foreign.json()["access_token"].as_str().unwrap().to_owned();
    exchange(&server, "imp", &foreign, &[]).await.is_error(400, "invalid_request");
    // Revoked, expired.
    let revoked = person(&server).await;
    server.post("/oauth2/revoke", crate::support::WEB, vec![("token", &revoked)]).await;
    exchange(&server, "imp", &revoked, &[]).await.is_error(400, "invalid_request");
    server.clock.advance(600);
    exchange(&server, "imp", &subject, &[]).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn a_jwt_of_a_trusted_issuer_is_a_subject_too() {
    let server = server().await;
    let idp = Party::new();
    let scopes = Some(ScopeSet::parse("orders:read").unwrap());
    trust(&server, &idp, IssuerSettings { scopes, ..IssuerSettings::default() }).await;
    let text = idp.sign(&assertion(&server, &json!({"exp": server.now() + 60})));
    for _ in 0..2 {
        let answer = exchange(&server, "imp", &text, &[("subject_token_type", JWT)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(claims(answer.json()["access_token"].as_str().unwrap())["sub"], "person-alice");
        assert!(answer.json()["expires_in"].as_i64().unwrap() <= 90, "no longer than the subject's");
    }
    exchange(&server, "imp", &text, &[]).await.is_error(400, "invalid_request");
    let more = [("subject_token_type", JWT), ("scope", "orders:write")];
    exchange(&server, "imp", &text, &more).await.is_error(400, "invalid_scope");
    let stranger = Party::new().sign(&assertion(&server, &json!({})));
    exchange(&server, "imp", &stranger, &[("subject_token_type", JWT)]).await.is_error(400, "invalid_request");
    // RFC 8693 §4.4.
    let chosen = idp.sign(&assertion(&server, &json!({"may_act": {"sub": "another"}})));
    exchange(&server, "del", &chosen, &[("subject_token_type", JWT)]).await.is_error(400, "invalid_request");
    let chosen = idp.sign(&assertion(&server, &json!({"may_act": {"sub": "del"}})));
    assert_eq!(exchange(&server, "del", &chosen, &[("subject_token_type", JWT)]).await.status, StatusCode::OK);
}

/// RFC 8693 §2.2.1, RFC 9396: what the subject did not grant is not in the new token, whatever its client may ask for.
#[tokio::test]
async fn authorization_details_only_narrow() {
    let server = server().await;
    let fields = BTreeMap::default();
    for name in ["payment", "letter"] {
        let (name, title) = (name.to_owned(), "Make one".to_owned());
        let kind = AuthorizationType { name, title, description: "Once.".to_owned(), fields: fields.clone() };
        server.admin().put_authorization_type(&kind).await.unwrap();
    }
    let types = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let mut pays = client("pays", Some("s"), &[GrantType::ClientCredentials]);
    pays.options.authorization_details_types = types(&["payment", "letter"]);
    let mut hands = client("hands", Some("s"), &[GrantType::TokenExchange]);
    hands.options.authorization_details_types = types(&["payment"]);
    hands.options.token_exchange.impersonation = true;
    for client in [&pays, &hands] {
        server.app.store.create_client(client).await.unwrap();
    }
    let (payment, letter) = (json!([{ "type": "payment" }]), json!([{ "type": "letter" }]));
    let both = json!([{ "type": "payment" }, { "type": "letter" }]).to_string();
    let granted = async |details: &str| {
        let pairs = vec![("grant_type", "client_credentials"), ("authorization_details", details)];
        server.token(Some(("pays", "s")), pairs).await.json()["access_token"].as_str().unwrap().to_owned()
    };
    let (rich, poor) = (granted(&both).await, granted("").await);
    let asking = payment.to_string();
    let asked = async |token: &str, details: &str| {
        exchange(&server, "hands", token, &[("authorization_details", details)]).await
    };
    asked(&poor, &asking).await.is_error(400, "invalid_authorization_details");
    asked(&person(&server).await, &asking).await.is_error(400, "invalid_authorization_details");
    asked(&rich, &letter.to_string()).await.is_error(400, "invalid_authorization_details");
    for details in ["", &asking] {
        let answer = asked(&rich, details).await;
        assert_eq!(answer.json()["authorization_details"], payment, "{}", answer.body);
        assert_eq!(claims(answer.json()["access_token"].as_str().unwrap())["authorization_details"], payment);
    }
    assert!(asked(&poor, "").await.json().get("authorization_details").is_none());
}

/// RFC 8693 §2.1, RFC 9449 §7: a token that is bound to a key is of use to whoever holds that.
#[tokio::test]
async fn a_bound_token_is_exchanged_by_whoever_holds_its_key() {
    let server = server().await;
    let (key, other) = (Key::new(), Key::new());
    let proof = |key: &Key| {
        let id = uuid::Uuid::new_v4().to_string();
        let claims = json!({ "jti": id, "htm": "POST", "htu": format!("{ISSUER}/oauth2/token"), "iat": server.now() });
        key.sign(Some("dpop+jwt"), Some(&key.jwk), &claims)
    };
    let service = crate::support::SERVICE;
    let bound = vec![("grant_type", "client_credentials")];
    let bound = server.post_with("/oauth2/token", service, bound, &[("dpop", &proof(&key))]).await;
    let bound = bound.json()["access_token"].as_str().unwrap().to_owned();
    let plain = person(&server).await;
    let ask = async |as_what: &'static str, by: Option<&Key>| {
        let mut pairs = vec![("grant_type", GRANT), ("subject_token_type", ACCESS)];
        match as_what {
            "subject" => pairs.push(("subject_token", &bound)),
            _ => pairs.extend([("subject_token", &*plain), ("actor_token", &bound), ("actor_token_type", ACCESS)]),
        }
        let proof = by.map(proof);
        let headers: Vec<_> = proof.iter().map(|proof| ("dpop", proof.as_str())).collect();
        server.post_with("/oauth2/token", Some(("del", "s")), pairs, &headers).await
    };
    for as_what in ["subject", "actor"] {
        ask(as_what, None).await.is_error(400, "invalid_request");
        ask(as_what, Some(&other)).await.is_error(400, "invalid_request");
        let answer = ask(as_what, Some(&key)).await;
        assert_eq!((answer.status, &answer.json()["token_type"]), (StatusCode::OK, &"DPoP".into()), "{}", answer.body);
    }
}

/// RFC 8693 §2.1: a token is checked as what it is said to be.
#[tokio::test]
async fn a_token_is_of_the_type_that_is_named() {
    let server = server().await;
    let mut opaque = client("opaque", Some("s"), &[GrantType::ClientCredentials]);
    opaque.options.access_token_format = AccessTokenFormat::Opaque;
    server.app.store.create_client(&opaque).await.unwrap();
    let token = server.token(Some(("opaque", "s")), vec![("grant_type", "client_credentials")]).await;
    let token = token.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(exchange(&server, "imp", &token, &[]).await.status, StatusCode::OK);
    exchange(&server, "imp", &token, &[("subject_token_type", JWT)]).await.is_error(400, "invalid_request");
    let ours = person(&server).await;
    assert_eq!(exchange(&server, "imp", &ours, &[("subject_token_type", JWT)]).await.status, StatusCode::OK);
}
