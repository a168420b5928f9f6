//! The authorization code grant with PKCE in a browser, then refresh.

use crate::jwt;
use crate::oauth::Oauth;
use crate::person::{self, Hands};
use bearward_tests::demo;
use bearward_tests::stack::Stack;

pub async fn with_the_mouse_then_refresh(stack: &Stack) {
    let client = Oauth::web(stack);
    let visit = person::authorize(stack, &client, &["orders:read"], Hands::Mouse).await;
    assert!(visit.asked, "the first time a client asks, the person is asked");
    let first = visit.tokens;
    let person = jwt::claims(&first.access)["sub"].as_str().unwrap().to_owned();
    opens(stack, &first.access, &person, demo::WEB).await;

    let refresh = first.refresh.expect("a refresh token");
    let second = client.refresh(&refresh).await;
    assert_ne!(second.access, first.access);
    assert_ne!(second.refresh.as_ref(), Some(&refresh), "refresh tokens rotate");
    opens(stack, &second.access, &person, demo::WEB).await;
    assert_eq!(jwt::claims(&second.access)["gid"], jwt::claims(&first.access)["gid"], "one grant");
}

pub async fn with_the_keyboard_alone(stack: &Stack) {
    let client = Oauth::spa(stack);
    let visit = person::authorize(stack, &client, &["orders:read", "orders:write"], Hands::Keyboard).await;
    assert!(visit.asked);
    let person = jwt::claims(&visit.tokens.access)["sub"].as_str().unwrap().to_owned();
    opens(stack, &visit.tokens.access, &person, demo::SPA).await;
    let refreshed = client.refresh(&visit.tokens.refresh.expect("a refresh token")).await;
    opens(stack, &refreshed.access, &person, demo::SPA).await;
}

pub async fn in_two_tabs_at_once(stack: &Stack) {
    person::in_two_tabs_at_once(&Oauth::web(stack)).await;
}

async fn opens(stack: &Stack, token: &str, person: &str, client: &str) {
    let seen = stack.echo("/orders/1", token).await.unwrap();
    assert_eq!(seen.headers.get("x-auth-subject").map(String::as_str), Some(person));
    assert_eq!(seen.headers.get("x-auth-client").map(String::as_str), Some(client));
    assert!(!seen.headers.contains_key("authorization"));
}
