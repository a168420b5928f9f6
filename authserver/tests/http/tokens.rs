//! A token is shown to the server, which says what it is: to the API and on the console's page, in the same words.

use crate::admin_api::Api;
use crate::assertions::Party;
use crate::keys::Key;
use crate::people::{act, promote};
use crate::support::{Answer, Browser, ISSUER, SERVICE, Server, WEB, claims, client, encode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward::custom_claims::CustomClaims;
use bearward::model::{AccessTokenFormat, AuditFilter, AuthorizationType, ExchangePolicy, GrantType, IssuerSettings};
use bearward::secret;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PAGE: &str = "/admin/tokens";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

async fn api() -> Api {
    let api = Api::start().await;
    promote(&api.server).await;
    api
}

pub(crate) async fn pasted(browser: &mut Browser<'_>, token: &str) -> Answer {
    act(browser, PAGE, &[("do", "look-up"), ("token", token)]).await
}

/// What the API says of a token; the page says the same, and neither repeats the token.
async fn look(api: &Api, token: &str) -> Value {
    let answer = api.call(Method::POST, "/tokens/lookup", None, Some(json!({ "token": token }))).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"), "{}", answer.body);
    let found = answer.json();
    let mut browser = api.server.browser_of_alice().await;
    let page = pasted(&mut browser, token).await;
    assert_eq!((page.status, page.header("cache-control")), (StatusCode::OK, "no-store"), "{}", page.body);
    let reasons = found["reasons"].as_array().unwrap();
    let texts = reasons.iter().map(|reason| &reason["text"]).chain([&found["description"]]);
    for text in texts {
        assert!(page.body.contains(text.as_str().unwrap()), "{text}: {}", page.body);
    }
    assert_eq!(page.body.contains(">not good<"), found["good"] == false, "{}", page.body);
    assert_eq!(reasons.is_empty(), found["good"] == true);
    let last = token.rsplit('.').next().unwrap();
    assert!(!answer.body.contains(last) && !page.body.contains(last), "the token is shown back");
    found
}

/// Why it is not good, and since when.
#[track_caller]
fn faults(found: &Value) -> Vec<(&str, Option<i64>)> {
    let reasons = found["reasons"].as_array().unwrap();
    reasons.iter().map(|reason| (reason["fault"].as_str().unwrap(), reason["at"].as_i64())).collect()
}

fn text(json: &Value, name: &str) -> String {
    json[name].as_str().unwrap_or_else(|| panic!("no {name}: {json}")).to_owned()
}

async fn exchanged(server: &Server, subject: &str) -> String {
    let pairs = vec![("grant_type", EXCHANGE), ("subject_token", subject), ("subject_token_type", ACCESS)];
    text(&server.token(Some(("del", "s")), pairs).await.json(), "access_token")
}

/// A client that exchanges, and whose tokens say much.
async fn delegate(server: &Server) {
    let mut del = client("del", Some("s"), &[GrantType::TokenExchange, GrantType::ClientCredentials]);
    del.options.token_exchange = ExchangePolicy { delegation: true, ..ExchangePolicy::default() };
    let own = json!({ "tier": "gold", "teams": ["a", "b"] });
    del.options.claims = CustomClaims::try_from(own.as_object().unwrap().clone()).unwrap();
    del.options.authorization_details_types = vec!["payment".into()];
    server.app.store.create_client(&del).await.unwrap();
    let payment = AuthorizationType {
        name: "payment".into(),
        title: "Pay".into(),
        description: String::new(),
        fields: BTreeMap::from([("amount".to_owned(), bearward::model::AuthorizationField::default())]),
    };
    server.app.store.add_authorization_type(&crate::support::first(payment), &crate::people::change()).await.unwrap();
}

#[tokio::test]
async fn a_good_token_says_everything() {
    let api = api().await;
    let tokens = api.server.web_tokens().await;
    let (token, now) = (text(&tokens, "access_token"), api.server.now());
    let says = claims(&token);
    let found = look(&api, &token).await;
    assert_eq!((&found["kind"], &found["good"]), (&"jwt_access_token".into(), &true.into()));
    let issued = &found["token"];
    for (name, claim) in
        [("jti", "jti"), ("client_id", "client_id"), ("sub", "sub"), ("scope", "scope"), ("grant_id", "gid")]
    {
        assert_eq!(issued[name], says[claim], "{name}");
    }
    assert_eq!((&issued["client_name"], &issued["username"]), (&"Client demo-web".into(), &"alice".into()));
    assert_eq!((&issued["audience"], &issued["key_state"]), (&json!(["https://api.example"]), &"active".into()));
    assert_eq!((issued["issued_at"].as_i64(), issued["expires_at"].as_i64()), (Some(now), Some(now + 600)));
    let mut browser = api.server.browser_of_alice().await;
    // As it is copied out of a header, over two lines.
    let (first, rest) = token.split_at(60);
    let page = pasted(&mut browser, &format!("Authorization: Bearer {first}\r\n {rest}\n")).await;
    for link in [
        "/admin/clients/demo%2Dweb",
        "/admin/people/person%2Dalice",
        "/admin/grants?client=demo%2Dweb&amp;person=person%2Dalice",
        "/admin/keys",
    ] {
        assert!(page.body.contains(&format!("href=\"{link}\"")), "{link}: {}", page.body);
    }
    assert!(browser.get("/admin/grants?client=demo%2Dweb&person=person%2Dalice").await.body.contains(">live<"));

    // The key that signed it is retired: it stays good.
    api.call(Method::POST, "/keys/rotate", None, Some(json!({ "now": true }))).await;
    api.server.clock.advance(1);
    let found = look(&api, &token).await;
    assert_eq!((&found["good"], &found["token"]["key_state"]), (&true.into(), &"retired".into()));

    // Another token was exchanged from it, for somebody who acts; that says so, and what else it holds.
    delegate(&api.server).await;
    let acting = look(&api, &exchanged(&api.server, &token).await).await;
    let issued = &acting["token"];
    assert_eq!((&issued["act"], &issued["exchanged_from"]), (&json!({ "sub": "del" }), &json!([says["jti"]])));
    assert_eq!(issued["claims"], json!({ "tier": "gold", "teams": ["a", "b"] }));
    let details = r#"[{"type":"payment","amount":"12 EUR"}]"#;
    let pairs = vec![("grant_type", "client_credentials"), ("authorization_details", details)];
    let token = text(&api.server.token(Some(("del", "s")), pairs).await.json(), "access_token");
    let found = look(&api, &token).await;
    assert_eq!(found["token"]["authorization_details"][0]["amount"], "12 EUR");
    let page = pasted(&mut browser, &token).await;
    assert!(
        page.body.contains("the client itself") && page.body.contains("amount 12 EUR") && page.body.contains("a, b")
    );
}

#[tokio::test]
async fn a_bound_token_says_to_which_key() {
    let api = api().await;
    let key = Key::new();
    let proof = json!({ "jti": "1", "htm": "POST", "htu": format!("{ISSUER}/oauth2/token"), "iat": api.server.now() });
    let proof = key.sign(Some("dpop+jwt"), Some(&key.jwk), &proof);
    let pairs = vec![("grant_type", "client_credentials")];
    let answer = api.server.post_with("/oauth2/token", SERVICE, pairs, &[("dpop", &proof)]).await;
    let token = text(&answer.json(), "access_token");
    assert_eq!(look(&api, &token).await["token"]["confirmation"], json!({ "jkt": key.thumbprint() }));
    let page = pasted(&mut api.server.browser_of_alice().await, &token).await;
    assert!(page.body.contains(&key.thumbprint()) && page.body.contains("has to hold its key"), "{}", page.body);
}

#[tokio::test]
async fn a_token_that_is_over_says_since_when() {
    let api = api().await;
    let (token, at) = (api.server.service_token().await, api.server.now() + 600);
    api.server.clock.advance(600);
    let found = look(&Api { token: fresh(&api).await, ..api }, &token).await;
    assert_eq!(faults(&found), [("expired", Some(at))]);
    assert_eq!(found["reasons"][0]["text"], "It expired on 15 Jan 2027, 08:10 UTC.");
    assert_eq!(found["token"]["client_id"], "demo-service");
}

/// Another token for the API.
async fn fresh(api: &Api) -> String {
    let pairs = vec![("grant_type", "client_credentials"), ("scope", "admin")];
    text(&api.server.token(Some(("robot", "robot-secret")), pairs).await.json(), "access_token")
}

#[tokio::test]
async fn a_revoked_token_says_by_what() {
    let api = api().await;
    let (server, now) = (&api.server, api.server.now());
    let mut browser = server.browser_of_alice().await;
    delegate(server).await;
    // By itself: from the page that looked at it.
    let token = text(&server.web_tokens().await, "access_token");
    let acting = exchanged(server, &token).await;
    let page = pasted(&mut browser, &token).await;
    let revoke = [("do", "token"), ("jti", &page.field("jti"))];
    assert_eq!(act(&mut browser, PAGE, &revoke).await.location(), "/admin/tokens?done=revoked");
    assert_eq!(faults(&look(&api, &token).await), [("token_revoked", Some(now))]);
    assert_eq!(faults(&look(&api, &acting).await), [("source_revoked", Some(now))]);
    assert!(!pasted(&mut browser, &token).await.body.contains("Revoke this token"));
    let log = server.app.store.audit(&AuditFilter::default(), i64::MAX, 1).await.unwrap();
    assert_eq!(
        (log[0].action.as_str(), &Value::from(log[0].object.as_str())),
        ("token.revoke", &claims(&token)["jti"])
    );
    // By its grant, from the page too; its refresh token with it.
    let tokens = server.web_tokens().await;
    let (token, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    server.clock.advance(7);
    let page = pasted(&mut browser, &refresh).await;
    act(&mut browser, PAGE, &[("do", "grant"), ("grant", &page.field("grant"))]).await.location();
    assert_eq!(faults(&look(&api, &token).await), [("grant_revoked", Some(now + 7))]);
    assert_eq!(faults(&look(&api, &refresh).await), [("grant_revoked", Some(now + 7))]);
    assert!(!pasted(&mut browser, &refresh).await.body.contains("Revoke its grant"));
    // By its client: up to a few seconds after, as another server may still have signed.
    let token = text(&server.web_tokens().await, "access_token");
    api.call(Method::POST, "/clients/demo-web/disable", None, None).await;
    assert_eq!(faults(&look(&api, &token).await), [("client_revoked", Some(now + 12))]);
    api.call(Method::POST, "/clients/demo-web/enable", None, None).await;
    // By its person, and its client still.
    server.admin().sign_out_everywhere("person-alice").await.unwrap();
    let found = look(&api, &token).await;
    let mut both = faults(&found);
    both.sort();
    assert_eq!(both, [("client_revoked", Some(now + 12)), ("person_revoked", Some(now + 12))]);
    assert!(found.to_string().contains("signed out everywhere"));
}

#[tokio::test]
async fn a_token_that_was_changed_or_is_of_another_key_says_so() {
    let api = api().await;
    let token = api.server.service_token().await;
    let parts: Vec<_> = token.split('.').collect();
    let encoded = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let mut said = claims(&token);
    said["scope"] = "admin".into();
    let changed = format!("{}.{}.{}", parts[0], encoded(said.clone()), parts[2]);
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let with = |name: &str, value: &str| {
        let mut header = header.clone();
        header[name] = value.into();
        format!("{}.{}.{}", encoded(header), parts[1], parts[2])
    };
    let own = Key::new().sign(Some("at+jwt"), None, &said);
    for (token, fault, kind) in [
        (changed, "signature", "jwt_access_token"),
        (with("alg", "RS256"), "algorithm", "jwt_access_token"),
        (with("alg", "none"), "algorithm", "jwt_access_token"),
        (with("kid", "unheard-of"), "key", "jwt_access_token"),
        (with("typ", "JWT"), "type", "other_jwt"),
        (own, "key", "jwt_access_token"),
    ] {
        let found = look(&api, &token).await;
        assert_eq!((faults(&found), text(&found, "kind").as_str()), (vec![(fault, None)], kind));
        assert!(found["token"].is_null(), "nothing of it is believed: {found}");
    }
    // Of a key that may be gone, its own word for when it expired helps.
    said["exp"] = (api.server.now() - 1).into();
    let found = look(&api, &Key::new().sign(Some("at+jwt"), None, &said)).await;
    assert!(
        found["reasons"][0]["text"]
            .as_str()
            .unwrap()
            .ends_with("It says itself that it expired on 15 Jan 2027, 07:59 UTC.")
    );
}

#[tokio::test]
async fn an_opaque_token_is_told_by_the_database() {
    let api = api().await;
    let mut opaque = client("opaque", Some("s"), &[GrantType::ClientCredentials]);
    opaque.options.access_token_format = AccessTokenFormat::Opaque;
    api.server.app.store.create_client(&opaque).await.unwrap();
    let pairs = vec![("grant_type", "client_credentials")];
    let token = text(&api.server.token(Some(("opaque", "s")), pairs).await.json(), "access_token");
    let found = look(&api, &token).await;
    assert_eq!(
        (&found["kind"], &found["good"], &found["token"]["client_id"]),
        (&"opaque_access_token".into(), &true.into(), &"opaque".into())
    );
    assert!(found["token"]["kid"].is_null());
    let jti = text(&found["token"], "jti");
    api.call(Method::POST, "/tokens/revoke", None, Some(json!({ "jti": jti }))).await;
    let revoked = api.server.now();
    assert_eq!(faults(&look(&api, &token).await), [("token_revoked", Some(revoked))]);
    for (text, fault) in [
        (&token[..token.len() - 1], "malformed"),
        (&*secret::generate(api.server.app.env.random.as_ref(), secret::ACCESS_TOKEN), "not_known"),
    ] {
        assert_eq!(faults(&look(&api, text).await), [(fault, None)]);
    }
    api.server.clock.advance(600);
    let api = Api { token: fresh(&api).await, ..api };
    assert_eq!(faults(&look(&api, &token).await), [("token_revoked", Some(revoked)), ("expired", Some(revoked + 600))]);
}

#[tokio::test]
async fn a_refresh_token_is_told_by_the_database() {
    let api = api().await;
    let server = &api.server;
    let tokens = server.web_tokens().await;
    let refresh = text(&tokens, "refresh_token");
    let found = look(&api, &refresh).await;
    assert_eq!((&found["kind"], &found["good"]), (&"refresh_token".into(), &true.into()));
    assert_eq!(found["token"]["grant_id"], claims(&text(&tokens, "access_token"))["gid"]);
    assert!(found["token"]["jti"].is_null() && found["token"]["username"] == "alice");
    server.clock.advance(20);
    let used = server.now();
    let answer = server.token(WEB, vec![("grant_type", "refresh_token"), ("refresh_token", &refresh)]).await;
    let next = text(&answer.json(), "refresh_token");
    assert_eq!(faults(&look(&api, &refresh).await), [("spent", Some(used))]);
    assert_eq!(look(&api, &next).await["good"], true, "looking is not using");
    api.call(Method::POST, "/clients/demo-web/disable", None, None).await;
    assert_eq!(faults(&look(&api, &next).await), [("client_disabled", Some(used))]);
    api.call(Method::POST, "/clients/demo-web/enable", None, None).await;
    for (text, fault) in [
        (&next[..20], "malformed"),
        (&*secret::generate(server.app.env.random.as_ref(), secret::REFRESH_TOKEN), "not_known"),
    ] {
        assert_eq!(faults(&look(&api, text).await), [(fault, None)]);
    }
    server.clock.advance(31 * 86_400);
    let api = Api { token: fresh(&api).await, ..api };
    let found = look(&api, &next).await;
    assert_eq!(faults(&found)[0].0, "expired");
}

#[tokio::test]
async fn what_is_no_token_of_ours_is_said_plainly() {
    let api = api().await;
    let idp = Party::new();
    crate::assertions::trust(&api.server, &idp, IssuerSettings::default()).await;
    let trusted = crate::assertions::assertion(&api.server, &json!({}));
    let issuer = text(&trusted, "iss");
    let foreign = Key::new().sign(Some("JWT"), None, &json!({ "iss": "https://<elsewhere>.example", "exp": 1 }));
    let secret = |prefix| secret::generate(api.server.app.env.random.as_ref(), prefix).to_string();
    for (token, kind, fault, words) in [
        (idp.sign(&trusted), "other_jwt", "trusted_issuer", issuer.as_str()),
        (foreign, "other_jwt", "foreign", "nobody here trusts"),
        ("hello".to_owned(), "unknown", "foreign", "neither a JWT"),
        ("a.b.c".to_owned(), "unknown", "foreign", "neither a JWT"),
        (secret(secret::CLIENT_SECRET), "other_secret", "not_a_token", "a client secret"),
        (secret(secret::AUTHORIZATION_CODE), "other_secret", "not_a_token", "an authorization code"),
    ] {
        let answer = api.call(Method::POST, "/tokens/lookup", None, Some(json!({ "token": token }))).await;
        let found = answer.json();
        assert_eq!((text(&found, "kind").as_str(), faults(&found)), (kind, vec![(fault, None)]), "{token}");
        assert!(found["reasons"][0]["text"].as_str().unwrap().contains(words) && found["token"].is_null(), "{found}");
        let page = pasted(&mut api.server.browser_of_alice().await, &token).await;
        assert!(page.body.contains(">not good<") && page.body.contains(words) && !page.body.contains("<elsewhere>"));
    }
}

#[tokio::test]
async fn only_administrators_look_and_only_by_the_form() {
    let mut api = api().await;
    let token = api.server.service_token().await;
    let mut browser = api.server.browser_of_alice().await;
    let form = vec![("do", "look-up"), ("token", token.as_str())];
    assert_eq!(browser.post(PAGE, form.clone()).await.status, StatusCode::FORBIDDEN, "without the form's token");
    // Of the session before: forms that hold no token are shown to be sent again.
    let old = [&[("csrf", "old")][..], &form].concat();
    let again = browser.post(PAGE, old).await;
    assert!(again.status == StatusCode::UNPROCESSABLE_ENTITY && again.body.contains("Paste it once more"));
    assert!(!again.body.contains(&token) && !again.body.contains("demo-service"), "{}", again.body);
    let asked = browser.get(&format!("{PAGE}?{}", encode(&form))).await;
    assert!(asked.status == StatusCode::OK && !asked.body.contains("demo-service"), "not by a link");
    assert!(asked.body.contains("<textarea id=\"token\" name=\"token\" rows=\"5\" required autocomplete=\"off\""));
    for nothing in ["", " \r\n", "Bearer "] {
        let page = pasted(&mut browser, nothing).await;
        assert!(
            page.status == StatusCode::UNPROCESSABLE_ENTITY && page.body.contains("id=\"token-wrong\""),
            "{nothing}"
        );
    }
    let page = act(&mut browser, PAGE, &[("do", "token"), ("jti", "")]).await;
    assert!(page.body.contains("id=\"jti-wrong\""), "{}", page.body);
    // What does not fit is not repeated either.
    for body in
        [json!(token), json!({}), json!({ "token": 5 }), json!({ "token": "", "more": token }), json!({ "token": "" })]
    {
        let answer = api.call(Method::POST, "/tokens/lookup", None, Some(body)).await;
        assert!(answer.problem(422)["field"] == "token" && !answer.body.contains(&token), "{}", answer.body);
    }
    let pairs = vec![("grant_type", "client_credentials"), ("scope", "orders:read")];
    api.token = text(&api.server.token(Some(("robot", "robot-secret")), pairs).await.json(), "access_token");
    api.call(Method::POST, "/tokens/lookup", None, Some(json!({ "token": token }))).await.problem(403);
    let person = Server::start().await;
    let mut browser = person.browser_of_alice().await;
    assert_eq!(browser.get(PAGE).await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.post(PAGE, form).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn looking_is_not_in_the_audit_log() {
    let api = api().await;
    let tokens = api.server.web_tokens().await;
    let entries = async || api.server.app.store.audit(&AuditFilter::default(), i64::MAX, 500).await.unwrap().len();
    let before = entries().await;
    for token in [text(&tokens, "access_token"), text(&tokens, "refresh_token"), "bw_at_broken".to_owned()] {
        look(&api, &token).await;
    }
    assert_eq!(entries().await, before);
}
