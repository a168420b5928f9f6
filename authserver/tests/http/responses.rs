//! How an authorization is answered: the implicit grant (RFC 6749 §4.2), response modes, step-up (RFC 9470).

use crate::support::{Answer, Browser, CALLBACK, CHALLENGE, ISSUER, PASSWORD, Pairs, Server, claims, client};
use bearward::model::{AccessTokenFormat, Client, Digest, GrantType, Session};
use bearward::secret;
use http::StatusCode;
use std::collections::BTreeMap;

fn pairs<'a>(change: &[(&'a str, &'a str)]) -> Pairs<'a> {
    let mut pairs = vec![("response_type", "code"), ("client_id", "app"), ("redirect_uri", CALLBACK), ("state", "s t")];
    for (name, value) in change {
        pairs.retain(|(n, _)| n != name);
        pairs.push((name, value));
    }
    pairs
}

/// A server with a client `app` that may do both.
async fn server(change: impl FnOnce(&mut Client)) -> Server {
    let server = Server::start().await;
    let mut app = client("app", Some("s"), &[GrantType::AuthorizationCode, GrantType::Implicit]);
    change(&mut app);
    server.app.store.create_client(&app).await.unwrap();
    server
}

/// The parameters in the fragment of a redirect.
#[track_caller]
fn fragment(answer: &Answer) -> BTreeMap<String, String> {
    let location = answer.location();
    let fragment = location.strip_prefix(&format!("{CALLBACK}#")).unwrap_or_else(|| panic!("{location}"));
    form_urlencoded::parse(fragment.as_bytes()).into_owned().collect()
}

#[tokio::test]
async fn the_implicit_grant_answers_in_the_fragment_with_scope_and_without_refresh_token() {
    for format in [AccessTokenFormat::Jwt, AccessTokenFormat::Opaque] {
        let server = server(|app| app.options.access_token_format = format).await;
        let mut browser = server.browser_of_alice().await;
        let asked = browser.authorize(pairs(&[("response_type", "token"), ("scope", "orders:read")])).await;
        let returned = fragment(&browser.allow(&asked).await);
        assert_eq!(
            returned.keys().collect::<Vec<_>>(),
            ["access_token", "expires_in", "iss", "scope", "state", "token_type"]
        );
        assert_eq!((returned["token_type"].as_str(), returned["expires_in"].as_str()), ("Bearer", "600"));
        assert_eq!((returned["scope"].as_str(), returned["state"].as_str()), ("orders:read", "s t"));
        let token = returned["access_token"].as_str();
        let told = server.post("/oauth2/introspect", Some(("app", "s")), vec![("token", token)]).await.json();
        assert_eq!((&told["active"], &told["sub"]), (&true.into(), &"person-alice".into()));
        // Its grant can be withdrawn like that of a code.
        let grant = server.app.store.grant(told["gid"].as_str().unwrap()).await.unwrap().unwrap();
        assert_eq!(grant.client_id, "app");
        bearward::grants::revoke_grant(&server.app, &grant.id).await.unwrap();
        let told = server.post("/oauth2/introspect", Some(("app", "s")), vec![("token", token)]).await.json();
        assert_eq!(told, serde_json::json!({ "active": false }));
    }
}

#[tokio::test]
async fn the_implicit_grant_is_off_unless_registered_and_its_errors_come_in_the_fragment() {
    let server = server(|_| {}).await;
    let mut browser = server.browser_of_alice().await;
    let token = |change: &[(&'static str, &'static str)]| pairs(&[&[("response_type", "token")], change].concat());
    for (request, error) in [
        (token(&[("client_id", "demo-web")]), "unauthorized_client"),
        (token(&[("scope", "admin")]), "invalid_scope"),
        (token(&[("prompt", "none")]), "consent_required"),
        (token(&[("response_mode", "query")]), "invalid_request"),
        (token(&[("resource", "https://other.example")]), "invalid_target"),
    ] {
        let returned = fragment(&browser.authorize(request).await);
        assert_eq!((returned["error"].as_str(), returned["iss"].as_str()), (error, ISSUER));
        assert!(!returned.contains_key("access_token") && returned["state"] == "s t");
    }
}

#[tokio::test]
async fn a_client_whose_tokens_are_bound_gets_none_through_the_browser() {
    let server = server(|app| app.options.dpop_bound_access_tokens = true).await;
    let mut browser = server.browser_of_alice().await;
    let asked = browser.authorize(pairs(&[("response_type", "token")])).await;
    assert_eq!(fragment(&browser.allow(&asked).await)["error"], "unauthorized_client");
}

#[tokio::test]
async fn an_answer_can_be_posted_by_a_page_that_needs_no_script() {
    let server = server(|_| {}).await;
    let mut browser = server.browser_of_alice().await;
    let form_post =
        |change: &[(&'static str, &'static str)]| pairs(&[&[("response_mode", "form_post")], change].concat());
    let asked = browser.authorize(form_post(&[])).await;
    let page = browser.allow(&asked).await;
    assert_eq!((page.status, page.header("cache-control")), (StatusCode::OK, "no-store"));
    assert_eq!(page.header("location"), "");
    assert!(page.body.contains(&format!("<form method=\"post\" action=\"{CALLBACK}\">")));
    assert!(page.field("code").starts_with("bw_ac_") && page.field("state") == "s t" && page.field("iss") == ISSUER);
    assert!(page.body.contains("<button type=\"submit\""), "for browsers without scripts");
    let policy = page.header("content-security-policy");
    let script = page.body.split_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
    let digest = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, Digest::of(script).0);
    assert!(policy.contains(&format!("script-src 'sha256-{digest}'")) && !policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    // Errors and tokens the same way; what a client sent is escaped.
    let page = browser.authorize(form_post(&[("scope", "admin"), ("state", "\"><script>x")])).await;
    assert_eq!((page.field("error").as_str(), page.field("iss").as_str()), ("invalid_scope", ISSUER));
    assert!(!page.body.contains("><script>x"));
    let asked = browser.authorize(form_post(&[("response_type", "token"), ("prompt", "consent")])).await;
    assert_eq!(browser.allow(&asked).await.field("scope"), "orders:read");
}

#[tokio::test]
async fn a_code_can_come_in_the_fragment() {
    let server = server(|_| {}).await;
    let mut browser = server.browser_of_alice().await;
    let asked = browser.authorize(pairs(&[("response_mode", "fragment")])).await;
    assert!(fragment(&browser.allow(&asked).await)["code"].starts_with("bw_ac_"));
}

#[tokio::test]
async fn a_client_can_be_held_to_pkce() {
    let server = server(|app| app.options.require_pkce = true).await;
    let mut browser = server.browser_of_alice().await;
    assert_eq!(browser.authorize(pairs(&[])).await.returned()["error"], "invalid_request");
    let with = pairs(&[("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]);
    assert!(browser.authorize(with).await.location().starts_with("/consent?"));
    // A token has no code to protect.
    assert!(browser.authorize(pairs(&[("response_type", "token")])).await.location().starts_with("/consent?"));
}

/// A browser in which alice signed in so long ago, in such a way.
async fn signed_in<'a>(server: &'a Server, ago: i64, acr: &str) -> Browser<'a> {
    let mut browser = server.browser_of_alice().await;
    let cookie = secret::generate(server.app.env.random.as_ref(), secret::SESSION);
    let now = server.now();
    let session = Session {
        person_id: "person-alice".into(),
        auth_time: now - ago,
        acr: acr.into(),
        expires_at: now + 3600,
        used_at: now,
    };
    server.app.store.create_session(&Digest::of(&cookie), &session, None).await.unwrap();
    browser.cookies.insert("bearward".into(), cookie.to_string());
    browser
}

async fn sign_in(browser: &mut Browser<'_>, to_login: &Answer) -> Answer {
    let page = browser.follow(to_login).await;
    let (sealed, csrf) = (page.field("continue"), page.field("csrf"));
    let form = vec![("continue", sealed.as_str()), ("csrf", &csrf), ("username", "alice"), ("password", PASSWORD)];
    browser.post("/login", form).await
}

#[tokio::test]
async fn max_age_asks_for_a_sign_in_that_is_young_enough() {
    let server = server(|_| {}).await;
    let mut browser = signed_in(&server, 100, "pwd").await;
    assert!(browser.authorize(pairs(&[("max_age", "100")])).await.location().starts_with("/consent?"));
    let silent = browser.authorize(pairs(&[("max_age", "99"), ("prompt", "none")])).await;
    assert_eq!(silent.returned()["error"], "login_required");
    for max_age in ["99", "0"] {
        let mut browser = signed_in(&server, 100, "pwd").await;
        let to_login = browser.authorize(pairs(&[("max_age", max_age), ("prompt", "consent")])).await;
        assert!(to_login.location().starts_with("/login?"));
        // Going around the sign-in page leads back to it.
        let around = to_login.location().replace("/login?", "/consent?");
        assert!(browser.get(&around).await.location().starts_with("/login?"));
        let signed_in = sign_in(&mut browser, &to_login).await;
        // However long the person reads what is asked.
        server.clock.advance(60);
        let returned = browser.allow(&signed_in).await.returned();
        let answer = server.token(
            Some(("app", "s")),
            vec![("grant_type", "authorization_code"), ("code", &returned["code"]), ("redirect_uri", CALLBACK)],
        );
        let said = claims(answer.await.json()["access_token"].as_str().unwrap());
        assert_eq!(said["auth_time"].as_i64(), Some(server.now() - 60));
        let consent = browser.authorize(pairs(&[("prompt", "consent")])).await;
        assert!(consent.location().starts_with("/consent?"));
    }
    for bad in ["-1", "x", "1.5", "+1", "99999999999999999999"] {
        assert_eq!(browser.authorize(pairs(&[("max_age", bad)])).await.returned()["error"], "invalid_request", "{bad}");
    }
}

#[tokio::test]
async fn acr_values_ask_for_a_way_of_signing_in() {
    let server = server(|_| {}).await;
    let mut browser = signed_in(&server, 5, "pwd").await;
    let unmet = "unmet_authentication_requirements";
    assert!(browser.authorize(pairs(&[("acr_values", "pwd")])).await.location().starts_with("/consent?"));
    assert!(browser.authorize(pairs(&[("acr_values", "gold pwd")])).await.location().starts_with("/consent?"));
    assert_eq!(browser.authorize(pairs(&[("acr_values", "gold")])).await.returned()["error"], unmet);
    // More than was asked for is enough; less is not, however often the person signs in with it.
    let mut strong = signed_in(&server, 5, "mfa").await;
    assert!(strong.authorize(pairs(&[("acr_values", "pwd")])).await.location().starts_with("/consent?"));
    let to_login = browser.authorize(pairs(&[("acr_values", "mfa")])).await;
    assert!(to_login.location().starts_with("/login?"));
    let weak = sign_in(&mut browser, &to_login).await;
    assert_eq!(browser.follow(&weak).await.returned()["error"], unmet);
    // A session of another kind: sign in again, and that meets it.
    let mut browser = signed_in(&server, 5, "other").await;
    let to_login = browser.authorize(pairs(&[("acr_values", "pwd")])).await;
    assert!(to_login.location().starts_with("/login?"));
    let signed_in_again = sign_in(&mut browser, &to_login).await;
    assert!(browser.allow(&signed_in_again).await.returned().contains_key("code"));
}
