//! How long a browser stays signed in: as long as somebody uses it, and never beyond its time.

use crate::factors::code;
use crate::people::{act, login_page, promote, try_password, with_admin};
use crate::support::{Answer, Browser, CALLBACK, PASSWORD, Server};
use bearward::model::Person;
use http::StatusCode;

const MINUTE: u64 = 60;
/// As the servers of these tests have it.
const IDLE: u64 = 120 * MINUTE;

#[tokio::test]
async fn who_is_there_stays_signed_in_and_who_is_away_signs_in_again() {
    let server = Server::start().await;
    promote(&server).await;
    let mut browser = server.browser();
    let page = login_page(&mut browser, "/admin/clients?q=demo").await;
    assert!(!page.body.contains("no longer signed in"), "nobody was");
    try_password(&mut browser, &page, "alice", PASSWORD).await.location();
    // Five times, which is nearly the twelve hours that it can last.
    for _ in 0..5 {
        server.clock.advance(IDLE - 2 * MINUTE);
        assert_eq!(browser.get("/admin/clients?q=demo").await.status, StatusCode::OK);
    }
    server.clock.advance(IDLE);
    let page = login_page(&mut browser, "/admin/clients?q=demo").await;
    assert!(page.body.contains("no longer signed in"), "{}", page.body);
    // And on, where they were.
    let signed_in = try_password(&mut browser, &page, "alice", PASSWORD).await;
    assert_eq!(signed_in.location(), "/admin/clients?q=demo");
    assert_eq!(browser.follow(&signed_in).await.status, StatusCode::OK);
}

#[tokio::test]
async fn use_does_not_outlast_the_lifetime() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let page = login_page(&mut browser, "/account").await;
    try_password(&mut browser, &page, "alice", PASSWORD).await.location();
    for _ in 0..11 {
        server.clock.advance(60 * MINUTE);
        assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    }
    server.clock.advance(60 * MINUTE);
    assert_eq!(browser.get("/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn clients_find_nobody_in_a_browser_that_was_left() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let asked = vec![
        ("response_type", "code"),
        ("client_id", "demo-web"),
        ("redirect_uri", CALLBACK),
        ("scope", "orders:read"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    assert!(browser.authorize(asked.clone()).await.location().starts_with("/consent?"));
    server.clock.advance(IDLE);
    let to_login = browser.authorize(asked.clone()).await;
    assert!(to_login.location().starts_with("/login?"), "{}", to_login.location());
    assert!(browser.follow(&to_login).await.body.contains("no longer signed in"));
    let silent = browser.authorize([asked, vec![("prompt", "none")]].concat()).await;
    assert!(silent.location().contains("error=login_required"), "{}", silent.location());
}

#[tokio::test]
async fn a_use_is_written_once_a_minute_and_shown() {
    let server = Server::start().await;
    let (mut here, mut there) = (server.browser_of_alice().await, server.browser_of_alice().await);
    let first = server.now();
    let uses = async || {
        let sessions = server.app.store.sessions("person-alice", server.now(), 0).await.unwrap();
        let mut uses: Vec<_> = sessions.iter().map(|session| session.used_at - first).collect();
        uses.sort_unstable();
        uses
    };
    for (after, noted) in [(59, [0, 0]), (1, [0, 60]), (30, [0, 60]), (31, [0, 121])] {
        server.clock.advance(after);
        here.get("/account").await;
        assert_eq!(uses().await, noted);
    }
    let page = there.get("/account").await.body;
    let told =
        |page: &str| page.split("Last used <time datetime=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(page.matches("Last used").count(), 1, "of the other: {page}");
    let before = told(&page);
    server.clock.advance(10 * MINUTE);
    here.get("/account").await;
    assert_ne!(told(&there.get("/account").await.body), before);
    // One that is over is not listed, though it is still stored.
    server.clock.advance(IDLE - MINUTE);
    here.get("/account").await;
    server.clock.advance(2 * MINUTE);
    assert!(!here.get("/account").await.body.contains("Last used"), "there is no other");
    assert_eq!(there.get("/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_that_took_too_long_is_not_lost() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let csrf = browser.get("/admin/scopes").await.field("csrf");
    server.clock.advance(IDLE);
    let form = [("csrf", csrf.as_str()), ("name", "new"), ("title", "<b>\"Typed\"</b>")];
    let away = browser.post("/admin/scopes", form.to_vec()).await;
    assert_eq!((away.status, away.header("cache-control")), (StatusCode::FORBIDDEN, "no-store"));
    assert!(
        away.body.contains("no longer signed in")
            && away.body.contains("value=\"&#60;b&#62;&#34;Typed&#34;&#60;/b&#62;\""),
        "{}",
        away.body
    );
    assert!(server.admin().scope("new").await.is_err());
    // Still nobody.
    assert_eq!(browser.post("/admin/scopes", form.to_vec()).await.status, StatusCode::FORBIDDEN);
    // In a new tab.
    let login = away.body.split("href=\"/login").nth(1).unwrap().split('"').next().unwrap();
    let page = browser.get(&format!("/login{login}")).await;
    assert_eq!(try_password(&mut browser, &page, "alice", PASSWORD).await.location(), "/admin/scopes");
    assert_eq!(browser.post("/admin/scopes", form.to_vec()).await.location(), "/admin/scopes?done=scope");
    assert_eq!(server.admin().scope("new").await.unwrap().title, "<b>\"Typed\"</b>");

    // A password is no part of it, and neither is a token.
    let csrf = browser.get("/admin/people").await.field("csrf");
    server.clock.advance(IDLE);
    let form = vec![("csrf", csrf.as_str()), ("username", "bob"), ("password", "a long password")];
    let away = browser.post("/admin/people", form.clone()).await;
    assert!(away.body.contains("value=\"bob\"") && !away.body.contains("a long password"), "{}", away.body);
    assert!(
        away.body.contains("<dt>Username</dt><dd>bob</dd>")
            && away.body.contains("name=\"password\" type=\"password\"")
    );
    let token = vec![("csrf", csrf.as_str()), ("do", "look-up"), ("token", "bw_at_something")];
    assert!(browser.post("/admin/tokens", token).await.location().starts_with("/login?"));
    // What is not certainly ours goes to the sign-in page, and nothing of it is kept.
    assert!(browser.post_with("/admin/people", form, &[]).await.location().starts_with("/login?"));
}

/// A form of the account page, sent after a pause: alice signs in beside it and sends it once more.
async fn sent_late(browser: &mut Browser<'_>, form: &[(&str, &str)], typed_again: &[(&str, &str)]) -> (Answer, Answer) {
    let csrf = browser.get("/account").await.field("csrf");
    browser.server.clock.advance(IDLE);
    let form = [&[("csrf", csrf.as_str())], form].concat();
    let away = browser.post("/account", form.clone()).await;
    assert_eq!((away.status, away.header("cache-control")), (StatusCode::FORBIDDEN, "no-store"), "{}", away.body);
    assert!(away.body.contains("no longer signed in"), "{}", away.body);
    let hidden = |name: &str| away.body.contains(&format!("type=\"hidden\" name=\"{name}\""));
    for (name, value) in typed_again {
        assert!(away.body.contains(&format!("<input id=\"{name}\" name=\"{name}\"")) && !hidden(name), "{}", away.body);
        assert!(!away.body.contains(value), "a secret was shown: {}", away.body);
    }
    let mut kept: Vec<_> = form.into_iter().filter(|(name, _)| hidden(name)).collect();
    kept.extend(typed_again);
    let login = away.body.split("href=\"/login").nth(1).unwrap().split('"').next().unwrap();
    let page = browser.get(&format!("/login{login}")).await;
    assert_eq!(try_password(browser, &page, "alice", PASSWORD).await.location(), "/account");
    let done = browser.post("/account", kept).await;
    (away, done)
}

#[tokio::test]
async fn a_late_form_of_the_account_page_is_not_lost_and_its_secrets_are_typed_again() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let secrets = [("old", PASSWORD), ("new", "another password"), ("again", "another password")];
    let form = [&[("do", "password"), ("username", "alice")], &secrets[..]].concat();
    let (away, done) = sent_late(&mut browser, &form, &secrets).await;
    assert!(away.body.contains("change your password") && away.body.contains("<dd>alice</dd>"), "{}", away.body);
    assert_eq!(done.location(), "/account?done=password");
    let form = [("do", "withdraw"), ("client", "<b>demo</b>")];
    let mut browser = server.browser();
    let page = login_page(&mut browser, "/account").await;
    try_password(&mut browser, &page, "alice", "another password").await;
    let csrf = browser.get("/account").await.field("csrf");
    server.clock.advance(IDLE);
    let form = [&[("csrf", csrf.as_str())], &form[..]].concat();
    let away = browser.post("/account", form.clone()).await;
    assert!(away.body.contains("<dt>App</dt><dd>&#60;b&#62;demo&#60;/b&#62;</dd>"), "{}", away.body);
    // Whoever else signs in there does not do it: the form is alice's.
    let alice = server.app.store.person("person-alice").await.unwrap().unwrap();
    let bob = Person { id: "person-bob".into(), username: "bob".into(), ..alice };
    server.app.store.create_person(&bob).await.unwrap();
    let page = login_page(&mut browser, "/account").await;
    try_password(&mut browser, &page, "bob", "another password").await.location();
    let refused = browser.post("/account", form.clone()).await;
    assert!(refused.body.contains("This page had expired. Nothing was changed"), "{}", refused.body);
    // What is not certainly ours, or has nothing left to do, goes to the sign-in page.
    server.clock.advance(IDLE);
    assert!(browser.post_with("/account", form, &[]).await.location().starts_with("/login?"));
    for what in ["sign-out", "nothing"] {
        let form = vec![("csrf", csrf.as_str()), ("do", what)];
        assert!(browser.post("/account", form).await.location().starts_with("/login?"));
    }
}

#[tokio::test]
async fn an_app_that_was_scanned_before_the_pause_is_turned_on_after_it() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let setup = act(&mut browser, "/account", &[("do", "factor-start"), ("old", PASSWORD)]).await;
    let (sealed, later) = (setup.field("secret"), code(&setup, server.now() + i64::try_from(IDLE).unwrap()));
    let form = [("do", "factor-confirm"), ("secret", sealed.as_str()), ("code", &later)];
    let (away, done) = sent_late(&mut browser, &form, &[("code", &later)]).await;
    assert!(away.body.contains("turn on your authenticator app") && !away.body.contains("<dd>"), "{}", away.body);
    assert!(done.status == StatusCode::OK && done.body.contains("ecovery codes"), "{}", done.body);
    assert!(server.app.store.totp("person-alice").await.unwrap().is_some());
}
