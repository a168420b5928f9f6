//! What somebody at a browser that was left open cannot do, and what ends when a password changes.

use crate::people::act;
use crate::support::{Answer, Browser, PASSWORD, Server};
use http::StatusCode;

pub(crate) fn code(page: &Answer, now: i64) -> String {
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

/// Gives the password, in a browser of its own.
async fn half(thief: &mut Browser<'_>) -> Answer {
    let to_login = thief.get("/account").await;
    let page = thief.follow(&to_login).await;
    let (sealed, csrf) = (page.field("continue"), page.field("csrf"));
    let known = vec![("continue", sealed.as_str()), ("csrf", &csrf), ("username", "alice"), ("password", PASSWORD)];
    thief.post("/login", known).await
}

#[tokio::test]
async fn whoever_has_the_password_does_not_guess_codes_for_months() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let setup = act(&mut browser, "/account", &[("do", "factor-start"), ("old", PASSWORD)]).await;
    let (secret, first) = (setup.field("secret"), code(&setup, server.now()));
    act(&mut browser, "/account", &[("do", "factor-confirm"), ("secret", &secret), ("code", &first)]).await;
    let mut thief = server.browser();
    let give = async |thief: &mut Browser<'_>, asked: &Answer, code: &str| {
        let (sealed, half, csrf) = (asked.field("continue"), asked.field("half"), asked.field("csrf"));
        thief.post("/login", vec![("continue", &*sealed), ("half", &half), ("csrf", &csrf), ("code", code)]).await
    };
    let (mut tries, mut stopped) = (0, None);
    for _ in 0..8 {
        let asked = half(&mut thief).await;
        assert!(asked.body.contains("Enter your code"), "{}", asked.body);
        for _ in 0..9 {
            let answer = give(&mut thief, &asked, "000000").await;
            match answer.status {
                StatusCode::UNPROCESSABLE_ENTITY => tries += 1,
                _ => stopped = Some(answer),
            }
            server.clock.advance(31);
        }
    }
    let stopped = stopped.unwrap();
    assert_eq!((stopped.status, tries), (StatusCode::TOO_MANY_REQUESTS, 52), "two more came back meanwhile");
    assert!(stopped.header("retry-after").parse::<u64>().unwrap() > 60, "{:?}", stopped.headers);
    // She does not wait for a stranger's tries to come back: her browser is known.
    let mut hers = server.browser();
    server.clock.advance(2 * 900);
    let asked = half(&mut hers).await;
    assert_eq!(give(&mut hers, &asked, &code(&setup, server.now())).await.location(), "/account");
    hers.cookies.remove("bearward");
    for _ in 0..3 {
        let asked = half(&mut thief).await;
        give(&mut thief, &asked, "000000").await;
    }
    server.clock.advance(30);
    let asked = half(&mut hers).await;
    assert_eq!(give(&mut hers, &asked, &code(&setup, server.now())).await.location(), "/account");
}

#[tokio::test]
async fn what_somebody_may_not_do_any_more_ends_where_they_are() {
    use bearward::admin::PersonEdit;
    use bearward::model::Role;
    let server = crate::people::with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let page = browser.get("/admin/scopes").await;
    let csrf = page.field("csrf");
    let add = async |browser: &mut Browser<'_>, name: &str| {
        browser.post("/admin/scopes", vec![("csrf", csrf.as_str()), ("name", name), ("title", "A")]).await
    };
    assert_eq!(add(&mut browser, "a").await.location(), "/admin/scopes?done=scope");
    let other = bearward::admin::NewPerson {
        username: "root".to_owned(),
        password: "a good pass phrase".to_owned(),
        role: Role::Admin,
    };
    server.admin().add_person(other, &server.app.passwords).await.unwrap();
    let edit = async |edit: PersonEdit| {
        let version = server.admin().person("person-alice").await.unwrap().version;
        server.admin().edit_person("person-alice", version, edit, &server.app.passwords).await.unwrap();
    };
    edit(PersonEdit { role: Some(Role::Person), ..PersonEdit::default() }).await;
    assert_eq!(add(&mut browser, "b").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/admin").await.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK, "still a person");
    edit(PersonEdit { disabled: Some(true), ..PersonEdit::default() }).await;
    assert!(browser.get("/account").await.location().starts_with("/login?continue="));
    assert!(add(&mut browser, "b").await.body.contains("You are no longer signed in"));
    assert!(server.admin().scope("b").await.is_err());
}
