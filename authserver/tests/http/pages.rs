//! Sign-in, consent and error pages: what they refuse, and how they look after the person.

use crate::support::{Answer, Browser, CALLBACK, ISSUER, PASSWORD, Pairs, Server, client};
use bearward::model::{GrantType, Person};
use http::StatusCode;
use http::header::SET_COOKIE;
use url::Url;

fn pairs(client_id: &str) -> Pairs<'_> {
    vec![("response_type", "code"), ("client_id", client_id), ("redirect_uri", CALLBACK), ("state", "s")]
}

async fn login_page(browser: &mut Browser<'_>) -> Answer {
    let to_login = browser.authorize(pairs("demo-web")).await;
    let page = browser.follow(&to_login).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    page
}

async fn sign_in(browser: &mut Browser<'_>, page: &Answer, username: &str, password: &str) -> Answer {
    let (sealed, csrf) = (page.field("continue"), page.field("csrf"));
    let form = vec![("continue", sealed.as_str()), ("csrf", &csrf), ("username", username), ("password", password)];
    browser.post("/login", form).await
}

async fn consent_page(browser: &mut Browser<'_>, client_id: &str) -> Answer {
    let asked = browser.authorize(pairs(client_id)).await;
    browser.follow(&asked).await
}

#[tokio::test]
async fn signing_in_leads_through_consent_to_the_client() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let page = login_page(&mut browser).await;
    let signed_in = sign_in(&mut browser, &page, " Alice ", PASSWORD).await;
    let cookie = signed_in.headers.get(SET_COOKIE).unwrap().to_str().unwrap();
    for attribute in ["bearward=bw_ss_", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let returned = browser.allow(&signed_in).await.returned();
    assert!(returned.contains_key("code") && returned["state"] == "s");
}

#[tokio::test]
async fn with_tls_the_cookies_are_secure_and_of_this_host() {
    let server = Server::with(|config| config.issuer = Url::parse("https://id.example").unwrap()).await;
    let mut browser = server.browser();
    let page = login_page(&mut browser).await;
    let cookie = page.headers.get(SET_COOKIE).unwrap().to_str().unwrap();
    assert!(cookie.starts_with("__Host-bearward-browser-") && cookie.contains("Secure"), "{cookie}");
    let (sealed, csrf) = (page.field("continue"), page.field("csrf"));
    let form = vec![("continue", &*sealed), ("csrf", &csrf), ("username", "alice"), ("password", PASSWORD)];
    let answer = browser.post_with("/login", form, &[("origin", "https://id.example")]).await;
    let cookie = answer.headers.get(SET_COOKIE).unwrap().to_str().unwrap();
    assert!(cookie.starts_with("__Host-bearward=") && cookie.contains("Secure"), "{cookie}");
}

#[tokio::test]
async fn signing_in_ends_the_session_that_was_there() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let before = browser.cookies["bearward"].clone();
    let to_login = browser.authorize([pairs("demo-web"), vec![("prompt", "login")]].concat()).await;
    let page = browser.follow(&to_login).await;
    sign_in(&mut browser, &page, "alice", PASSWORD).await.location();
    assert_ne!(browser.cookies["bearward"], before);
    browser.cookies.insert("bearward".into(), before);
    assert!(browser.authorize(pairs("demo-web")).await.location().starts_with("/login?"));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_person_get_the_same_answer() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let page = login_page(&mut browser).await;
    for (username, password) in [("alice", "wrong"), ("nobody", PASSWORD), ("alice", &"x".repeat(2000))] {
        let answer = sign_in(&mut browser, &page, username, password).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{username}");
        assert!(answer.body.contains("role=\"alert\"") && answer.body.contains("do not match"));
        assert!(!browser.cookies.contains_key("bearward"));
    }
    let empty = sign_in(&mut browser, &page, "alice", "").await;
    assert!(empty.body.contains("Enter your username and your password."));
    // The page goes on from there.
    let again = sign_in(&mut browser, &empty, "alice", PASSWORD).await;
    assert!(again.location().starts_with("/consent?"));
}

#[tokio::test]
async fn a_sign_in_without_our_own_form_is_refused() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let page = login_page(&mut browser).await;
    let (sealed, csrf) = (page.field("continue"), page.field("csrf"));
    let mut other = server.browser();
    let others_csrf = login_page(&mut other).await.field("csrf");
    let form = |csrf: &str| {
        let pairs = [("continue", &*sealed), ("csrf", csrf), ("username", "alice"), ("password", PASSWORD)];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let borrowed = |form: &'_ [(String, String); 4]| -> Vec<(String, String)> { form.to_vec() };
    for wrong in ["", "junk", others_csrf.as_str()] {
        let form = borrowed(&form(wrong));
        let form = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let answer = browser.post("/login", form).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{wrong}");
        assert!(answer.body.contains("This page had expired"), "it says so, and goes on");
    }
    let right = borrowed(&form(&csrf));
    let right = || right.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>();
    for foreign in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        let answer = browser.post_with("/login", right(), &[foreign]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{foreign:?}");
    }
    assert!(!browser.cookies.contains_key("bearward"));
    // Without the cookie the token proves nothing.
    let name = browser.cookies.keys().find(|name| name.starts_with("bearward-browser-")).unwrap().clone();
    let browser_cookie = browser.cookies.remove(&name).unwrap();
    assert_eq!(browser.post("/login", right()).await.status, StatusCode::FORBIDDEN);
    browser.cookies.insert(name, browser_cookie);
    assert!(browser.post("/login", right()).await.location().starts_with("/consent?"));
}

#[tokio::test]
async fn consent_needs_our_own_form_too() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let page = consent_page(&mut browser, "demo-web").await;
    let (sealed, csrf) = (page.field("continue"), page.field("csrf"));
    let form = |csrf, decision| vec![("continue", sealed.as_str()), ("csrf", csrf), ("decision", decision)];
    let mut another = server.browser_of_alice().await;
    let others = consent_page(&mut another, "demo-web").await.field("csrf");
    for (wrong, decision) in [("", "allow"), (others.as_str(), "allow"), (csrf.as_str(), "perhaps")] {
        let answer = browser.post("/consent", form(wrong, decision)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let foreign = browser.post_with("/consent", form(&csrf, "allow"), &[("origin", "https://evil.example")]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let denied = browser.post("/consent", form(&csrf, "deny")).await.returned();
    assert_eq!((denied["error"].as_str(), denied["iss"].as_str()), ("access_denied", ISSUER));
    assert!(!denied.contains_key("code"));
    // A token for one request does not serve another.
    let second = consent_page(&mut browser, "demo-web").await.field("continue");
    let swapped = vec![("continue", second.as_str()), ("csrf", csrf.as_str()), ("decision", "allow")];
    assert_eq!(browser.post("/consent", swapped).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn tabs_do_not_disturb_each_other() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let (one, two) = (login_page(&mut browser).await, login_page(&mut browser).await);
    let signed_in = sign_in(&mut browser, &one, "alice", PASSWORD).await;
    assert!(browser.allow(&signed_in).await.returned().contains_key("code"));
    let signed_in = sign_in(&mut browser, &two, "alice", PASSWORD).await;
    assert!(browser.follow(&signed_in).await.returned().contains_key("code"));
}

#[tokio::test]
async fn two_pages_that_a_new_browser_loads_at_once_are_both_good() {
    let server = Server::start().await;
    let (mut browser, mut at_once) = (server.browser(), server.browser());
    let (one, two) = (login_page(&mut browser).await, login_page(&mut at_once).await);
    // One browser gets both answers.
    browser.cookies.append(&mut at_once.cookies);
    assert_eq!(browser.cookies.len(), 2, "{:?}", browser.cookies);
    for page in [one, two] {
        let signed_in = sign_in(&mut browser, &page, "alice", PASSWORD).await;
        browser.follow(&signed_in).await;
        assert!(signed_in.location().starts_with("/consent?"));
    }
    // There is an end to the names that are looked at, and to those that are none.
    let mut crowded = server.browser();
    crowded.cookies.insert("bearward-browser-none".into(), "not a name".into());
    let page = login_page(&mut crowded).await;
    let own = crowded.cookies.clone();
    crowded.cookies.extend((0..15).map(|n| (format!("bearward-browser-{n:04}"), format!("{n:04}{}", "x".repeat(18)))));
    crowded.cookies.extend((0..9).map(|n| (format!("bearward-browser-wrong{n}"), "x".repeat(22))));
    sign_in(&mut crowded, &page, "alice", PASSWORD).await.location();
    assert_eq!(own.len(), 2, "named anew: {own:?}");
    crowded.cookies.extend((15..40).map(|n| (format!("bearward-browser-{n:04}"), format!("{n:04}{}", "x".repeat(18)))));
    let late = sign_in(&mut crowded, &page, "alice", PASSWORD).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn signing_in_again_in_another_tab_takes_no_form_away() {
    let server = crate::people::with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let consent = consent_page(&mut browser, "demo-web").await;
    let (sealed, csrf) = (consent.field("continue"), consent.field("csrf"));
    let account = browser.get("/account").await.field("csrf");
    let scopes = browser.get("/admin/scopes").await.field("csrf");
    let before = browser.cookies["bearward"].clone();
    let again = browser.authorize([pairs("demo-web"), vec![("prompt", "login")]].concat()).await;
    let page = browser.follow(&again).await;
    sign_in(&mut browser, &page, "alice", PASSWORD).await.location();
    assert_ne!(browser.cookies["bearward"], before);
    let form = vec![("continue", sealed.as_str()), ("csrf", &csrf), ("decision", "allow")];
    assert!(browser.post("/consent", form.clone()).await.returned().contains_key("code"));
    let ended = browser.post("/account", vec![("csrf", account.as_str()), ("do", "end-others")]).await;
    assert_eq!(ended.location(), "/account?done=sessions");
    let scope = vec![("csrf", scopes.as_str()), ("name", "typed"), ("title", "Typed before")];
    assert_eq!(browser.post("/admin/scopes", scope).await.location(), "/admin/scopes?done=scope");
    // What alice was asked is not for bob to allow.
    let alice = server.app.store.person("person-alice").await.unwrap().unwrap();
    let bob = Person { id: "person-bob".into(), username: "bob".into(), ..alice };
    server.app.store.create_person(&bob).await.unwrap();
    let again = browser.authorize([pairs("demo-web"), vec![("prompt", "login")]].concat()).await;
    let page = browser.follow(&again).await;
    sign_in(&mut browser, &page, "bob", PASSWORD).await.location();
    let asked = browser.post("/consent", form).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    assert!(asked.body.contains("This page had expired") && asked.body.contains("bob"), "{}", asked.body);
}

#[tokio::test]
async fn a_page_that_waited_too_long_says_so_and_goes_on() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let page = login_page(&mut browser).await;
    server.clock.advance(1800);
    let answer = sign_in(&mut browser, &page, "alice", PASSWORD).await;
    assert!(answer.body.contains("This page had expired") && answer.body.contains("value=\"alice\""));
    let signed_in = sign_in(&mut browser, &answer, "alice", PASSWORD).await;
    let consent = browser.follow(&signed_in).await;
    server.clock.advance(1800);
    let (sealed, csrf) = (consent.field("continue"), consent.field("csrf"));
    let form = vec![("continue", sealed.as_str()), ("csrf", &csrf), ("decision", "allow")];
    let answer = browser.post("/consent", form).await;
    assert!(answer.body.contains("This page had expired"));
    // After a day there is nothing to go on with.
    server.clock.advance(86_400);
    let dead = sign_in(&mut browser, &page, "alice", PASSWORD).await;
    assert_eq!(dead.status, StatusCode::BAD_REQUEST);
    assert!(dead.body.contains("Start again from your app"));
}

#[tokio::test]
async fn a_changed_link_leads_nowhere() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let location = browser.authorize(pairs("demo-web")).await.location();
    let mut changed = location.clone();
    let last = if changed.pop() == Some('A') { 'E' } else { 'A' };
    changed.insert(60, last);
    for target in [changed.as_str(), "/consent", "/login?continue=https://evil.example", "/login?continue="] {
        let answer = browser.get(target).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::BAD_REQUEST, ""), "{target}");
    }
}

#[tokio::test]
async fn consent_says_who_asks_for_what_and_where_it_leads() {
    let server = Server::start().await;
    let mut evil = client("evil", Some("s"), &[GrantType::AuthorizationCode]);
    evil.name = "<script>alert(1)</script>\" onload=\"x".into();
    evil.redirect_uris = vec!["https://shop.example:8443/cb".into()];
    server.app.store.create_client(&evil).await.unwrap();
    let mut browser = server.browser_of_alice().await;
    let ask = vec![("response_type", "code"), ("client_id", "evil"), ("scope", "orders:read orders:write")];
    let asked = browser.authorize(ask).await;
    let page = browser.follow(&asked).await;
    for text in ["Read your orders", "What orders:write means.", "shop.example", "alice", "Not you?"] {
        assert!(page.body.contains(text), "{text}");
    }
    assert!(!page.body.contains("<script") && !page.body.contains("\" onload"), "escaped");
    assert!(page.header("content-security-policy").contains("form-action 'self' https://shop.example:8443;"));
}

#[tokio::test]
async fn pages_are_protected() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let login = login_page(&mut browser).await;
    let trouble = server.get("/login").await;
    for page in [login, trouble] {
        let policy = page.header("content-security-policy");
        for part in ["default-src 'none'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"));
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(!page.body.contains("<script") && !page.body.contains("style="));
    }
    let style = server.get(&server.app_style().await).await;
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    assert!(style.header("cache-control").contains("immutable"));
}
