//! What somebody at a browser that was left open cannot do, and what ends when a password changes.

use crate::people::act;
use crate::support::{Answer, Browser, PASSWORD, Server};
use http::StatusCode;

fn code(page: &Answer, now: i64) -> String {
    let key = page.body.split("<p class=\"key\"><code>").nth(1).unwrap().split('<').next().unwrap().replace(' ', "");
    let secret = totp_rs::Secret::try_from_base32(key).unwrap();
    totp_rs::Builder::new().with_secret(secret).build().unwrap().generate(u64::try_from(now).unwrap()).to_string()
}

#[tokio::test]
async fn an_app_is_set_up_and_replaced_by_whoever_knows_the_password() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    for old in ["", "not her password"] {
        let refused = act(&mut browser, "/account", &[("do", "factor-start"), ("old", old)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        assert!(!refused.body.contains("otpauth"));
    }
    let setup = act(&mut browser, "/account", &[("do", "factor-start"), ("old", PASSWORD)]).await;
    let (secret, code) = (setup.field("secret"), code(&setup, server.now()));
    // Not without a secret of this server's making, which only the page before gives.
    let made_up = [("do", "factor-confirm"), ("secret", "AAAA"), ("code", code.as_str())];
    assert_eq!(act(&mut browser, "/account", &made_up).await.status, StatusCode::NOT_FOUND);
    let confirm = [("do", "factor-confirm"), ("secret", secret.as_str()), ("code", &code)];
    assert_eq!(act(&mut browser, "/account", &confirm).await.status, StatusCode::OK);
    assert!(server.app.store.totp("person-alice").await.unwrap().is_some());
}

#[tokio::test]
async fn too_many_tries_are_not_called_a_wrong_password() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let codes = async |browser: &mut Browser<'_>, old: &str| {
        act(browser, "/account", &[("do", "new-codes"), ("old", old)]).await
    };
    // Being right many times is no reason to be stopped.
    for _ in 0..12 {
        assert_eq!(codes(&mut browser, PASSWORD).await.status, StatusCode::OK);
    }
    for _ in 0..10 {
        assert!(codes(&mut browser, "wrong").await.body.contains("not your present password"));
    }
    assert!(codes(&mut browser, PASSWORD).await.body.contains("too many tries"));
}

#[tokio::test]
async fn a_new_password_gives_the_session_a_new_name() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let stolen = browser.cookies.clone();
    let new = [("do", "password"), ("old", PASSWORD), ("new", "another password"), ("again", "another password")];
    assert_eq!(act(&mut browser, "/account", &new).await.location(), "/account?done=password");
    assert_ne!(browser.cookies["bearward"], stolen["bearward"]);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    let mut thief = Browser { server: &server, cookies: stolen };
    assert!(thief.get("/account").await.location().starts_with("/login"));
}

#[tokio::test]
async fn half_a_sign_in_ends_with_the_password_it_began_with() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let setup = act(&mut browser, "/account", &[("do", "factor-start"), ("old", PASSWORD)]).await;
    let secret = setup.field("secret");
    let first = code(&setup, server.now());
    act(&mut browser, "/account", &[("do", "factor-confirm"), ("secret", &secret), ("code", &first)]).await;

    let mut thief = server.browser();
    let to_login = thief.get("/account").await;
    let page = thief.follow(&to_login).await;
    let (sealed, csrf) = (page.field("continue"), page.field("csrf"));
    let known = vec![("continue", sealed.as_str()), ("csrf", &csrf), ("username", "alice"), ("password", PASSWORD)];
    let asked = thief.post("/login", known).await;
    assert!(asked.body.contains("Enter your code"));
    server.clock.advance(30);
    let new = [("do", "password"), ("old", PASSWORD), ("new", "another password"), ("again", "another password")];
    act(&mut browser, "/account", &new).await.location();
    let (sealed, half, csrf) = (asked.field("continue"), asked.field("half"), asked.field("csrf"));
    let next = code(&setup, server.now());
    let given = vec![("continue", sealed.as_str()), ("half", &half), ("csrf", &csrf), ("code", &next)];
    let late = thief.post("/login", given).await;
    assert!(late.status == StatusCode::FORBIDDEN && late.body.contains("This page had expired"), "{}", late.body);
}
