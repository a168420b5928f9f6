//! RFC 9700, the best current practice, a row a rule: what takes a person, a browser or more than one request to show.

use crate::support::{
    Answer, Browser, CALLBACK, CHALLENGE, ISSUER, PASSWORD, Pairs, SERVICE, Server, VERIFIER, WEB, claims, client,
    encode, first, request,
};
use bearward::admin::NewRegistrationToken;
use bearward::model::{Change, Digest, GrantType};
use bearward::storage::Registration;
use bearward_token::scope::ScopeSet;
use http::{Method, StatusCode};
use serde_json::json;
use std::pin::Pin;

type Check = for<'s> fn(&'s Server) -> Pin<Box<dyn Future<Output = ()> + 's>>;

/// Where other files go into a rule at length, they are named: `authorize.rs` beside this one has the tricks with
/// redirect_uri, `../refresh.rs` and `../code.rs` the races, `../pages.rs` the forms, `tests/tests/e2e` what the gateway does.
const RULES: &[(&str, Check)] = &[
    ("§2.1: no open redirector; what is wrong about client or redirect_uri is a page", |s| Box::pin(no_redirector(s))),
    ("§2.1.1: public clients use PKCE", |s| Box::pin(public_clients_use_pkce(s))),
    ("§2.1.1: plain is no PKCE", |s| Box::pin(plain_is_refused(s))),
    ("§2.1.2: response_type=token is off", |s| Box::pin(implicit_is_off(s))),
    ("§2.2.2: a public client's refresh token is replaced at each use", |s| Box::pin(refresh_rotates(s))),
    ("§2.4: the password grant is off", |s| Box::pin(password_is_off(s))),
    ("§2.5: a client's secret never in a query", |s| Box::pin(no_secret_in_queries(s))),
    ("§2.6: metadata says what there is, PKCE and iss too", |s| Box::pin(metadata_is_published(s))),
    ("§2.6: no CORS at the authorization endpoint", |s| Box::pin(no_cors_where_people_are(s))),
    ("§2.6: no redirect URI that is plain http, on a loopback address apart", |s| Box::pin(no_plain_http(s))),
    ("§4.1.3: the port of a loopback address is free, and nothing else", |s| Box::pin(loopback_ports(s))),
    ("§4.1.3: redirect_uri to the letter, also where the code is redeemed", |s| Box::pin(redirect_uri_twice(s))),
    ("§4.2.4: no referrer and no cache holds what is in an authorization response", |s| Box::pin(nothing_leaks(s))),
    ("§4.2.4: pages have nothing from elsewhere", |s| Box::pin(nothing_from_elsewhere(s))),
    ("§4.2.4: a code is good once; the second time takes back what the first gave", |s| Box::pin(code_twice(s))),
    ("§4.3.2: no access token in a query", |s| Box::pin(no_token_in_queries(s))),
    ("§4.3.1: no authorization response with a token in the query", |s| Box::pin(no_token_in_a_redirect(s))),
    ("§4.4.2: mix-up: iss in every authorization response", |s| Box::pin(every_response_names_us(s))),
    ("§4.4.2: mix-up: another issuer's code is no code here", |s| Box::pin(codes_of_others(s))),
    ("§4.5.3: a code in another client's hands", |s| Box::pin(code_of_another_client(s))),
    ("§4.5.3: a code injected into another sign-in of the same client", |s| Box::pin(code_of_another_sign_in(s))),
    ("§4.7.1: state comes back as it was sent", |s| Box::pin(state_comes_back(s))),
    ("§4.8.2: no downgrade: a challenge is held to", |s| Box::pin(challenge_is_held_to(s))),
    ("§4.8.2: no downgrade: a verifier without a challenge is refused", |s| Box::pin(verifier_alone(s))),
    ("§4.9.1: a token names whom it is for", |s| Box::pin(tokens_name_an_audience(s))),
    ("§4.11.2: no redirect before the person signed in and agreed", |s| Box::pin(no_redirect_unasked(s))),
    ("§4.11.2: a client that registered itself sends nobody to itself by a mistake", |s| Box::pin(untrusted(s))),
    ("§4.11.2: sign-in leads nowhere that we did not write ourselves", |s| Box::pin(sign_in_leads_nowhere_else(s))),
    ("§4.12: 303, never 307: a password is not posted on", |s| Box::pin(see_other(s))),
    ("§4.14.2: a spent refresh token ends the grant", |s| Box::pin(refresh_replay(s))),
    ("§4.14.2: a refresh token that is not used expires", |s| Box::pin(idle_refresh_tokens_expire(s))),
    ("§4.14.2: only clients that are registered for it get one", |s| Box::pin(refresh_tokens_for_some(s))),
    ("§4.14.2: a refresh token stays with its client and its scope", |s| Box::pin(refresh_is_bound(s))),
    ("§4.15.1: a client's subject is nobody's", |s| Box::pin(clients_are_no_people(s))),
    ("§4.16: no page of ours in a frame", |s| Box::pin(no_frames(s))),
    ("§4.17: no response by postMessage", |s| Box::pin(no_web_message(s))),
];

/// The rules, each with its section.
pub(super) fn rules() -> impl Iterator<Item = (&'static str, &'static str)> {
    RULES.iter().filter_map(|(rule, _)| rule.split_once(": "))
}

#[tokio::test]
async fn best_current_practice() {
    for (rule, check) in RULES {
        // On a server of its own: several of them end a grant.
        let named = Named(rule);
        check(&Server::start().await).await;
        drop(named);
    }
}

/// Says which rule it was, when a check panics.
struct Named(&'static str);

impl Drop for Named {
    #[allow(clippy::print_stderr, reason = "beside the panic's own words")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("RFC 9700 {}", self.0);
        }
    }
}

fn asking<'a>(client_id: &'a str, more: &[(&'a str, &'a str)]) -> Pairs<'a> {
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", CALLBACK),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in more {
        pairs.retain(|(n, _)| n != name);
        pairs.push((name, value));
    }
    pairs
}

async fn asked(server: &Server, client_id: &str, more: &[(&str, &str)]) -> Answer {
    server.get(&format!("/oauth2/authorize?{}", encode(&asking(client_id, more)))).await
}

async fn login_form(browser: &mut Browser<'_>) -> (String, String) {
    let to_login = browser.authorize(asking("demo-web", &[])).await;
    let page = browser.follow(&to_login).await;
    (page.field("continue"), page.field("csrf"))
}

async fn no_redirector(server: &Server) {
    let evil = "https://evil.example/";
    for change in [[("redirect_uri", evil)], [("client_id", "nobody")], [("client_id", "")]] {
        for more in [("prompt", "none"), ("response_type", "magic"), ("scope", "admin")] {
            let answer = asked(server, "demo-spa", &[change[0], more]).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (StatusCode::BAD_REQUEST, ""),
                "{change:?} {more:?}"
            );
            assert!(answer.header("content-type").starts_with("text/html") && !answer.body.contains("evil"));
        }
    }
}

async fn public_clients_use_pkce(server: &Server) {
    let without = asked(server, "demo-spa", &[("code_challenge", ""), ("code_challenge_method", "")]).await;
    assert_eq!(without.returned()["error"], "invalid_request");
}

async fn plain_is_refused(server: &Server) {
    for client in ["demo-spa", "demo-web"] {
        for method in ["plain", ""] {
            let answer = asked(server, client, &[("code_challenge_method", method)]).await.returned();
            assert_eq!(answer["error"], "invalid_request", "{client} {method}");
        }
    }
}

async fn implicit_is_off(server: &Server) {
    for client in ["demo-spa", "demo-web"] {
        let location = asked(server, client, &[("response_type", "token")]).await.location();
        assert!(location.contains("#error=unauthorized_client"), "{location}");
    }
}

async fn password_is_off(server: &Server) {
    let pairs = vec![("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)];
    server.token(WEB, pairs).await.is_error(400, "unauthorized_client");
}

async fn no_secret_in_queries(server: &Server) {
    let secret = "client_id=demo-service&client_secret=demo-service-secret";
    for path in ["token", "introspect", "revoke", "par"] {
        let answer = server.post(&format!("/oauth2/{path}?{secret}"), None, vec![("token", "x")]).await;
        answer.is_error(401, "invalid_client");
    }
}

async fn metadata_is_published(server: &Server) {
    let metadata = server.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    assert_eq!(metadata["issuer"], ISSUER);
}

async fn no_cors_where_people_are(server: &Server) {
    let origin = [("origin", "https://app.example")];
    for path in ["/oauth2/authorize", "/login", "/consent", "/device", "/account"] {
        for method in [Method::GET, Method::OPTIONS] {
            let answer = server.send(request(method, path, &origin, b"")).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        }
    }
}

async fn redirect_uri_twice(server: &Server) {
    for other in [None, Some("http://127.0.0.1:8401/callback"), Some("http://127.0.0.1:8400/callback/")] {
        let code = server.code("demo-web", None).await;
        let mut pairs = vec![("grant_type", "authorization_code"), ("code", &code)];
        pairs.extend(other.map(|uri| ("redirect_uri", uri)));
        server.token(WEB, pairs).await.is_error(400, "invalid_grant");
    }
}

async fn nothing_leaks(server: &Server) {
    let mut browser = server.browser_of_alice().await;
    let to_consent = browser.authorize(asking("demo-web", &[])).await;
    let page = browser.follow(&to_consent).await;
    assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("same-origin", "no-store"));
    let answer = browser.allow(&to_consent).await;
    assert!(answer.returned().contains_key("code"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.body, "", "nothing that could load something else");
    let token = server.token(SERVICE, vec![("grant_type", "client_credentials")]).await;
    assert_eq!((token.header("cache-control"), token.header("pragma")), ("no-store", "no-cache"));
}

async fn code_twice(server: &Server) {
    let code = server.code("demo-spa", Some(CHALLENGE)).await;
    let first = server.redeem("demo-spa", &code).await.json();
    server.redeem("demo-spa", &code).await.is_error(400, "invalid_grant");
    let refresh = first["refresh_token"].as_str().unwrap();
    let again = vec![("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", "demo-spa")];
    server.token(None, again).await.is_error(400, "invalid_grant");
    let token = first["access_token"].as_str().unwrap();
    let told = server.post("/oauth2/introspect", WEB, vec![("token", token)]).await;
    assert_eq!(told.json(), json!({ "active": false }));
}

async fn no_token_in_queries(server: &Server) {
    let token = server.service_token().await;
    for path in ["introspect", "revoke", "tokeninfo"] {
        let answer = server.post(&format!("/oauth2/{path}?token={token}&access_token={token}"), SERVICE, vec![]).await;
        answer.is_error(400, "invalid_request");
    }
}

async fn no_token_in_a_redirect(server: &Server) {
    let both = client("both", Some("s"), &[GrantType::AuthorizationCode, GrantType::Implicit]);
    server.app.store.create_client(&both).await.unwrap();
    let mut browser = server.browser_of_alice().await;
    let asked = browser.authorize(asking("both", &[("response_type", "token"), ("response_mode", "query")])).await;
    let location = asked.location();
    assert!(location.contains("error=invalid_request") && !location.contains("access_token"), "{location}");
}

async fn every_response_names_us(server: &Server) {
    let mut browser = server.browser_of_alice().await;
    let to_consent = browser.authorize(asking("demo-web", &[])).await;
    assert_eq!(browser.allow(&to_consent).await.returned()["iss"], ISSUER);
    for mistake in [("scope", "admin"), ("response_type", "magic"), ("code_challenge", "x")] {
        assert_eq!(asked(server, "demo-web", &[mistake]).await.returned()["iss"], ISSUER, "{mistake:?}");
    }
}

async fn codes_of_others(server: &Server) {
    let other = Server::start().await;
    let code = other.code("demo-web", None).await;
    server.redeem("demo-web", &code).await.is_error(400, "invalid_grant");
    // Nor is anything spent there by it.
    assert_eq!(other.redeem("demo-web", &code).await.status, StatusCode::OK);
}

async fn code_of_another_client(server: &Server) {
    let other = client("other", Some("s"), &[GrantType::AuthorizationCode]);
    server.app.store.create_client(&other).await.unwrap();
    let code = server.code("demo-web", None).await;
    let stolen = vec![("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
    server.token(Some(("other", "s")), stolen).await.is_error(400, "invalid_grant");
}

async fn code_of_another_sign_in(server: &Server) {
    // The attacker's own sign-in has a verifier that the victim's code was not asked with.
    let victims = server.code("demo-spa", Some("YTJjZDRlNmY4YTBiMmM0ZDZlOGYwYTFiMmMzZDRlNWY")).await;
    let injected = vec![
        ("grant_type", "authorization_code"),
        ("code", &victims),
        ("redirect_uri", CALLBACK),
        ("client_id", "demo-spa"),
        ("code_verifier", VERIFIER),
    ];
    server.token(None, injected).await.is_error(400, "invalid_grant");
}

async fn state_comes_back(server: &Server) {
    let state = "a b&c=d#e%20\u{e9}";
    let mut browser = server.browser_of_alice().await;
    let to_consent = browser.authorize(asking("demo-web", &[("state", state)])).await;
    assert_eq!(browser.allow(&to_consent).await.returned()["state"], state);
}

async fn challenge_is_held_to(server: &Server) {
    let code = server.code("demo-web", Some(CHALLENGE)).await;
    server.redeem("demo-web", &code).await.is_error(400, "invalid_grant");
}

async fn verifier_alone(server: &Server) {
    let code = server.code("demo-web", None).await;
    let pairs = vec![
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    server.token(WEB, pairs).await.is_error(400, "invalid_grant");
}

async fn tokens_name_an_audience(server: &Server) {
    for token in [server.service_token().await, server.web_tokens().await["access_token"].as_str().unwrap().to_owned()]
    {
        assert_eq!(claims(&token)["aud"], "https://api.example");
    }
}

async fn no_redirect_unasked(server: &Server) {
    assert!(asked(server, "demo-web", &[]).await.location().starts_with("/login?"));
    let mut browser = server.browser_of_alice().await;
    assert!(browser.authorize(asking("demo-web", &[])).await.location().starts_with("/consent?"));
    // Silent authentication gives nothing away.
    assert_eq!(asked(server, "demo-web", &[("prompt", "none")]).await.returned()["error"], "login_required");
}

async fn untrusted(server: &Server) {
    let admin = server.admin();
    let new = NewRegistrationToken { note: String::new(), scope: String::new(), uses: 1, expires_in: 100 };
    let token = admin.create_registration_token(new).await.unwrap().initial_access_token;
    let client = client("itself", Some("s"), &[GrantType::AuthorizationCode]);
    let registration = Registration { token: Digest::of("x"), scopes: ScopeSet::default() };
    let change = Change {
        at: server.now(),
        actor_kind: "client",
        actor: "itself".to_owned(),
        address: None,
        action: "client.register",
        object_kind: "client",
        object: "itself".to_owned(),
        before: None,
        after: None,
    };
    let initial = (&Digest::of(&token), server.now());
    assert!(server.app.store.register_by_token(initial, &first(client.clone()), &registration, &change).await.unwrap());
    for mistake in [("scope", "admin"), ("response_type", "magic"), ("code_challenge", "x")] {
        let answer = asked(server, "itself", &[mistake]).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::BAD_REQUEST, ""), "{mistake:?}");
        // Who is signed in knows where they are; a client of the operator's is trusted anyway.
        let mut browser = server.browser_of_alice().await;
        assert!(browser.authorize(asking("itself", &[mistake])).await.returned().contains_key("error"));
        assert!(asked(server, "demo-web", &[mistake]).await.returned().contains_key("error"));
    }
    assert_eq!(asked(server, "itself", &[("prompt", "none")]).await.returned()["error"], "login_required");
    assert!(asked(server, "itself", &[]).await.location().starts_with("/login?"));
}

async fn sign_in_leads_nowhere_else(server: &Server) {
    let mut browser = server.browser();
    let (_, csrf) = login_form(&mut browser).await;
    for target in ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", ""] {
        let form = vec![("continue", target), ("csrf", &csrf), ("username", "alice"), ("password", PASSWORD)];
        let answer = browser.post("/login", form).await;
        assert!(answer.status.is_client_error() && answer.header("location").is_empty(), "{target}");
    }
}

async fn see_other(server: &Server) {
    let mut browser = server.browser();
    let (to, csrf) = login_form(&mut browser).await;
    let form = vec![("continue", to.as_str()), ("csrf", &csrf), ("username", "alice"), ("password", PASSWORD)];
    let signed_in = browser.post("/login", form).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.allow(&signed_in).await.status, StatusCode::SEE_OTHER);
    let posted = server.post("/oauth2/authorize", None, asking("demo-web", &[])).await;
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
}

async fn refresh(server: &Server, basic: Option<(&str, &str)>, token: &str, scope: &str) -> Answer {
    server.token(basic, vec![("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)]).await
}

async fn refresh_replay(server: &Server) {
    let one = server.web_tokens().await["refresh_token"].as_str().unwrap().to_owned();
    let two = refresh(server, WEB, &one, "").await.json()["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(one, two);
    server.clock.advance(11);
    refresh(server, WEB, &one, "").await.is_error(400, "invalid_grant");
    refresh(server, WEB, &two, "").await.is_error(400, "invalid_grant");
}

async fn refresh_is_bound(server: &Server) {
    let other = client("other", Some("s"), &[GrantType::AuthorizationCode, GrantType::RefreshToken]);
    server.app.store.create_client(&other).await.unwrap();
    let token = server.web_tokens().await["refresh_token"].as_str().unwrap().to_owned();
    refresh(server, Some(("other", "s")), &token, "").await.is_error(400, "invalid_grant");
    refresh(server, WEB, &token, "orders:read admin").await.is_error(400, "invalid_scope");
    assert_eq!(refresh(server, WEB, &token, "").await.status, StatusCode::OK, "and nothing of that spent it");
}

async fn clients_are_no_people(server: &Server) {
    // Whoever may choose a client's name cannot choose a person's.
    let posing = client("person-alice", Some("s"), &[GrantType::ClientCredentials]);
    server.app.store.create_client(&posing).await.unwrap();
    let answer = server.token(Some(("person-alice", "s")), vec![("grant_type", "client_credentials")]).await.json();
    let claims = claims(answer["access_token"].as_str().unwrap());
    assert_eq!(claims["sub"], claims["client_id"]);
    assert!(claims.get("auth_time").is_none() && claims.get("gid").is_none(), "what tells a person's token apart");
}

async fn no_frames(server: &Server) {
    let mut browser = server.browser_of_alice().await;
    let to_consent = browser.authorize(asking("demo-web", &[])).await;
    let consent = browser.follow(&to_consent).await;
    let to_login = server.get(&asked(server, "demo-web", &[]).await.location()).await;
    let refused = asked(server, "nobody", &[]).await;
    for page in [consent, to_login, refused] {
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    }
}

async fn no_web_message(server: &Server) {
    let answer = asked(server, "demo-spa", &[("response_mode", "web_message")]).await.returned();
    assert_eq!(answer["error"], "invalid_request");
}

async fn refresh_rotates(server: &Server) {
    let code = server.code("demo-spa", Some(CHALLENGE)).await;
    let one = server.redeem("demo-spa", &code).await.json()["refresh_token"].as_str().unwrap().to_owned();
    let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", one.as_str()), ("client_id", "demo-spa")];
    let two = server.token(None, pairs.clone()).await.json()["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(one, two);
    server.clock.advance(11);
    server.token(None, pairs).await.is_error(400, "invalid_grant");
}

async fn no_plain_http(server: &Server) {
    let scopes = server.app.store.scopes().await.unwrap();
    let with = |uri: &str| {
        let mut client = client("c", Some("s"), &[GrantType::AuthorizationCode]);
        client.redirect_uris = vec![uri.to_owned()];
        bearward::admin::client_rules::check(&client, &scopes)
    };
    for good in ["https://app.example/cb", "http://127.0.0.1/cb", "http://[::1]:8400/cb", "com.example.app:/cb"] {
        assert!(with(good).is_ok(), "{good}");
    }
    for bad in
        ["http://app.example/cb", "http://10.0.0.1/cb", "http://127.0.0.1.evil.example/cb", "HTTP://app.example/"]
    {
        assert!(with(bad).is_err(), "{bad}");
    }
}

async fn loopback_ports(server: &Server) {
    for good in ["http://127.0.0.1:1/callback", "http://127.0.0.1/callback", "http://127.0.0.1:65535/callback"] {
        let answer = asked(server, "demo-web", &[("redirect_uri", good)]).await;
        assert!(answer.location().starts_with("/login?"), "{good}");
    }
    for bad in ["http://127.0.0.1:0/callback", "http://127.0.0.1:65536/callback", "http://localhost:8400/callback"] {
        let answer = asked(server, "demo-web", &[("redirect_uri", bad)]).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::BAD_REQUEST, ""), "{bad}");
    }
}

async fn nothing_from_elsewhere(server: &Server) {
    let mut browser = server.browser_of_alice().await;
    let to_consent = browser.authorize(asking("demo-web", &[])).await;
    let consent = browser.follow(&to_consent).await;
    let login = server.get(&asked(server, "demo-web", &[]).await.location()).await;
    let refused = asked(server, "nobody", &[]).await;
    let posted = browser.authorize(asking("demo-web", &[("response_mode", "form_post"), ("scope", "admin")])).await;
    for page in [consent, login, refused, posted] {
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
        for elsewhere in ["src=\"http", "src=\"//", "href=\"http", "href=\"//", "url(", "@import"] {
            assert!(!page.body.contains(elsewhere), "{elsewhere}: {}", page.body);
        }
    }
}

async fn idle_refresh_tokens_expire(server: &Server) {
    let one = server.web_tokens().await["refresh_token"].as_str().unwrap().to_owned();
    server.clock.advance(30 * 86_400);
    refresh(server, WEB, &one, "").await.is_error(400, "invalid_grant");
}

async fn refresh_tokens_for_some(server: &Server) {
    let plain = client("plain", Some("s"), &[GrantType::AuthorizationCode]);
    server.app.store.create_client(&plain).await.unwrap();
    let code = server.code("plain", None).await;
    let pairs = vec![("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
    let answer = server.token(Some(("plain", "s")), pairs).await;
    assert_eq!((answer.status, answer.json().get("refresh_token")), (StatusCode::OK, None));
}
