//! The SAML 2.0 bearer grant, RFC 7522, with assertions that signxml and pysaml2 made (`tests/saml`).

use crate::support::{Server, claims, client};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use bearward::model::{AssertionKind, GrantType, IssuerSettings, Keys, Person, Subjects, TrustedIssuer};
use bearward_token::scope::ScopeSet;
use std::path::Path;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";
const ISSUER: &str = "https://idp.example/metadata";
const APP: Option<(&str, &str)> = Some(("app", "app-secret"));

fn fixture(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/saml/fixtures").join(name)).unwrap()
}

fn encoded(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(fixture(&format!("accepted/{name}.xml")))
}

fn trusted() -> TrustedIssuer {
    let certificates = ["rsa", "p256", "p384"].map(|name| fixture(&format!("{name}.pem"))).into();
    let keys = Keys { certificates, ..Keys::default() };
    let settings = IssuerSettings { kind: AssertionKind::Saml, keys, ..IssuerSettings::default() };
    TrustedIssuer { issuer: ISSUER.into(), settings, created_at: 1 }
}

/// A server with a client, a person and an issuer as this test wants it.
async fn server(change: impl FnOnce(&mut TrustedIssuer)) -> Server {
    let server = Server::start().await;
    server.app.store.create_client(&client("app", Some("app-secret"), &[GrantType::Saml2Bearer])).await.unwrap();
    let alice = server.app.store.person_by_username("alice").await.unwrap().unwrap();
    let named = Person { id: "person-mail".into(), username: "alice@example.com".into(), ..alice };
    server.app.store.create_person(&named).await.unwrap();
    let mut issuer = trusted();
    change(&mut issuer);
    server.app.store.put_issuer(&issuer).await.unwrap();
    server
}

#[tokio::test]
async fn an_assertion_gives_a_token_about_its_subject() {
    let server = server(|_| {}).await;
    for name in ["pysaml2", "signxml-p384-sha384"] {
        let answer = server.token(APP, vec![("grant_type", GRANT), ("assertion", &encoded(name))]).await;
        let json = answer.json();
        assert_eq!((answer.status.as_u16(), json["scope"].as_str()), (200, Some("orders:read")), "{}", answer.body);
        assert!(json.get("refresh_token").is_none(), "RFC 7521 §4.1");
        let token = claims(json["access_token"].as_str().unwrap());
        assert_eq!((token["sub"].as_str(), token["client_id"].as_str()), (Some("person-mail"), Some("app")));
    }
}

#[tokio::test]
async fn an_assertion_is_used_once_whoever_brings_it() {
    let server = server(|_| {}).await;
    server.app.store.create_client(&client("b", Some("b-secret"), &[GrantType::Saml2Bearer])).await.unwrap();
    let assertion = encoded("signxml-rsa-sha256");
    let bring = async |who| server.token(who, vec![("grant_type", GRANT), ("assertion", &assertion)]).await;
    // What fails for another reason uses nothing up.
    server
        .token(APP, vec![("grant_type", GRANT), ("assertion", &assertion), ("scope", "admin")])
        .await
        .is_error(400, "invalid_scope");
    let (one, two) = tokio::join!(bring(APP), bring(Some(("b", "b-secret"))));
    let mut both = [one.status.as_u16(), two.status.as_u16()];
    both.sort_unstable();
    assert_eq!(both, [200, 400]);
    bring(APP).await.is_error(400, "invalid_grant");
    // Another assertion with the same ID, by another key of the issuer, is the same assertion.
    let again = encoded("signxml-p256-sha256");
    server.token(APP, vec![("grant_type", GRANT), ("assertion", &again)]).await.is_error(400, "invalid_grant");
    // Just before it expires it is still known.
    server.clock.advance(329);
    bring(APP).await.is_error(400, "invalid_grant");
}

#[tokio::test]
async fn base64url_with_padding_passes_and_other_forms_do_not() {
    let server = server(|_| {}).await;
    let xml = fixture("accepted/by-hand.xml");
    let padded = URL_SAFE.encode(format!("{xml}\n\n").as_bytes());
    let standard = STANDARD.encode(&xml);
    assert!(padded.ends_with('=') || padded.len() % 4 == 0);
    for wrong in [xml.as_str(), "", "!", &standard[..standard.len() - 3]] {
        let answer = server.token(APP, vec![("grant_type", GRANT), ("assertion", wrong)]).await;
        answer.is_error(400, if wrong.is_empty() { "invalid_request" } else { "invalid_grant" });
    }
    let answer = server.token(APP, vec![("grant_type", GRANT), ("assertion", &padded)]).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
}

#[tokio::test]
async fn who_is_not_trusted_gives_nothing() {
    let refused = async |server: &Server, name: &str| {
        let answer = server.token(APP, vec![("grant_type", GRANT), ("assertion", &encoded(name))]).await;
        answer.is_error(400, "invalid_grant");
        answer.json()["error_description"].as_str().unwrap().to_owned()
    };
    let untrusted = "the assertion's issuer, subject or both are not accepted";
    let another = server(|issuer| issuer.issuer = "https://other.example".into()).await;
    assert_eq!(refused(&another, "pysaml2").await, untrusted);
    let jwt = server(|issuer| issuer.settings.kind = AssertionKind::Jwt).await;
    assert_eq!(refused(&jwt, "pysaml2").await, untrusted, "a key for JWTs signs no SAML");
    let others = server(|issuer| issuer.settings.clients = vec!["somebody-else".into()]).await;
    assert_eq!(refused(&others, "pysaml2").await, untrusted);
    let unpinned = server(|issuer| issuer.settings.keys.certificates.truncate(1)).await;
    assert!(refused(&unpinned, "signxml-p256-sha256").await.contains("no key pinned"));
    let none = server(|issuer| issuer.settings.keys.certificates = vec!["broken".into()]).await;
    assert!(refused(&none, "pysaml2").await.contains("no key pinned"));
    let elsewhere = server(|_| {}).await;
    elsewhere.clock.advance(331);
    assert!(refused(&elsewhere, "pysaml2").await.contains("do not hold now"));
}

#[tokio::test]
async fn subjects_are_people_or_kept_apart_from_them() {
    let stranger = Server::start().await;
    stranger.app.store.create_client(&client("app", Some("app-secret"), &[GrantType::Saml2Bearer])).await.unwrap();
    stranger.app.store.put_issuer(&trusted()).await.unwrap();
    let pairs = |assertion| vec![("grant_type", GRANT), ("assertion", assertion)];
    let assertion = encoded("pysaml2");
    stranger.token(APP, pairs(&assertion)).await.is_error(400, "invalid_grant");
    let any = server(|issuer| issuer.settings.subjects = Subjects::Any).await;
    let json = any.token(APP, pairs(&assertion)).await.json();
    let token = claims(json["access_token"].as_str().unwrap());
    assert_eq!(token["sub"], format!("{ISSUER}#alice@example.com"));
}

#[tokio::test]
async fn scopes_are_those_of_client_and_issuer() {
    let server = server(|issuer| issuer.settings.scopes = Some(ScopeSet::parse("orders:read").unwrap())).await;
    let ask = async |scope| {
        let assertion = encoded("pysaml2");
        server.token(APP, vec![("grant_type", GRANT), ("assertion", &assertion), ("scope", scope)]).await
    };
    ask("orders:write").await.is_error(400, "invalid_scope");
    assert_eq!(ask("orders:read orders:write").await.json()["scope"], "orders:read");
}

#[tokio::test]
async fn only_for_clients_that_are_registered_for_it() {
    let server = server(|_| {}).await;
    let pairs = |assertion| vec![("grant_type", GRANT), ("assertion", assertion)];
    let assertion = encoded("pysaml2");
    server.token(crate::support::SERVICE, pairs(&assertion)).await.is_error(400, "unauthorized_client");
    server.token(APP, vec![("grant_type", GRANT)]).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn attributes_that_the_registration_names_go_into_the_token() {
    let map = [("teams", "groups"), ("tier", "groups"), ("away", "not stated")];
    let map = map.map(|(name, source)| (name.to_owned(), source.to_owned()));
    let server = server(|issuer| issuer.settings.claims = map.into()).await;
    let mut other = client("other", Some("s"), &[GrantType::Saml2Bearer]);
    let gold = serde_json::from_value(serde_json::json!({ "tier": "gold" })).unwrap();
    other.options.claims = gold;
    server.app.store.create_client(&other).await.unwrap();
    let assertion = encoded("pysaml2");
    let pairs = vec![("grant_type", GRANT), ("assertion", assertion.as_str())];
    let json = server.token(Some(("other", "s")), pairs.clone()).await.json();
    let token = claims(json["access_token"].as_str().unwrap());
    assert_eq!(token["teams"], serde_json::json!(["staff", "Zoë & co"]));
    assert_eq!(token["tier"], "gold", "what the operator gave the client");
    assert!(token.get("away").is_none() && token.get("groups").is_none());
    // Without a mapping, nothing.
    let plain = self::server(|_| {}).await;
    let json = plain.token(APP, pairs).await.json();
    let token = claims(json["access_token"].as_str().unwrap());
    assert!(token.get("teams").is_none() && token.get("groups").is_none());
}
