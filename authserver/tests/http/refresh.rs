//! Refreshing, RFC 6749 §6: rotation, reuse, the grace window, races.

use crate::support::{Answer, SERVICE, Server, WEB, claims, client};
use bearward::model::GrantType;
use bearward_token::feed::Subject;
use http::StatusCode;
use std::collections::BTreeSet;
use std::time::Duration;

async fn refresh(server: &Server, token: &str, scope: &str) -> Answer {
    let pairs = vec![("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
    server.token(WEB, pairs).await
}

async fn first(server: &Server) -> String {
    server.web_tokens().await["refresh_token"].as_str().unwrap().to_owned()
}

fn successor(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_refresh_token_is_replaced_by_each_use() {
    let server = Server::start().await;
    let tokens = server.web_tokens().await;
    let one = tokens["refresh_token"].as_str().unwrap().to_owned();
    server.clock.advance(100);
    let answer = refresh(&server, &one, "").await;
    let two = successor(&answer);
    assert_ne!(one, two);
    let (before, after) = (tokens["access_token"].as_str().unwrap(), answer.json());
    let (before, after) = (claims(before), claims(after["access_token"].as_str().unwrap()));
    for same in ["sub", "gid", "auth_time", "acr", "scope"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert_ne!(before["jti"], after["jti"]);
    // Each use starts the lifetime anew.
    server.clock.advance(29 * 86_400);
    let three = successor(&refresh(&server, &two, "").await);
    server.clock.advance(30 * 86_400);
    refresh(&server, &three, "").await.is_error(400, "invalid_grant");
}

#[tokio::test]
async fn scope_may_shrink_but_not_grow() {
    let server = Server::start().await;
    let one = first(&server).await;
    refresh(&server, &one, "orders:read admin").await.is_error(400, "invalid_scope");
    refresh(&server, &one, "\"").await.is_error(400, "invalid_scope");
    let answer = refresh(&server, &one, "orders:read").await;
    assert_eq!(answer.json()["scope"], "orders:read");
    // RFC 6749 §6: the new refresh token has the scope of the old one.
    let answer = refresh(&server, &successor(&answer), "").await;
    assert_eq!(answer.json()["scope"], "orders:read orders:write");
}

#[tokio::test]
async fn within_the_grace_window_the_same_request_gets_the_same_successor() {
    let server = Server::start().await;
    let one = first(&server).await;
    let two = successor(&refresh(&server, &one, "").await);
    server.clock.advance(9);
    let again = refresh(&server, &one, "").await;
    assert_eq!(successor(&again), two);
    // The default spelled out is the same request.
    assert_eq!(successor(&refresh(&server, &one, "orders:write orders:read").await), two);
    assert_eq!(refresh(&server, &two, "").await.status, StatusCode::OK, "still good");
}

#[tokio::test]
async fn after_it_reuse_ends_the_grant() {
    let server = Server::start().await;
    let one = first(&server).await;
    let answer = refresh(&server, &one, "").await;
    let (two, access) = (successor(&answer), answer.json()["access_token"].as_str().unwrap().to_owned());
    server.clock.advance(10);
    refresh(&server, &one, "").await.is_error(400, "invalid_grant");
    refresh(&server, &two, "").await.is_error(400, "invalid_grant");
    let gid = claims(&access)["gid"].as_str().unwrap().to_owned();
    let entries = server.app.store.revocations(&[Subject::Grant(&gid).key()], server.now()).await.unwrap();
    let expires_at = u32::try_from(server.now() + 600).unwrap();
    assert!(entries.iter().any(|e| e.expires_at >= expires_at), "the feed says so until the last token is over");
}

#[tokio::test]
async fn another_request_with_a_spent_token_is_reuse_even_within_the_window() {
    let server = Server::start().await;
    let one = first(&server).await;
    let two = successor(&refresh(&server, &one, "").await);
    refresh(&server, &one, "orders:read").await.is_error(400, "invalid_grant");
    refresh(&server, &two, "").await.is_error(400, "invalid_grant");
}

#[tokio::test]
async fn the_window_can_be_turned_off() {
    let server = Server::with(|config| config.tokens.refresh_grace = Duration::ZERO).await;
    let one = first(&server).await;
    let two = successor(&refresh(&server, &one, "").await);
    refresh(&server, &one, "").await.is_error(400, "invalid_grant");
    refresh(&server, &two, "").await.is_error(400, "invalid_grant");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_race_get_one_successor() {
    let server = Server::start().await;
    let mut token = first(&server).await;
    for _ in 0..20 {
        let ask = || refresh(&server, &token, "");
        let (a, b, c, d, e, f) = tokio::join!(ask(), ask(), ask(), ask(), ask(), ask());
        let successors: BTreeSet<_> = [a, b, c, d, e, f].iter().map(successor).collect();
        assert_eq!(successors.len(), 1);
        token = successors.into_iter().next().unwrap();
    }
}

#[tokio::test]
async fn a_refresh_token_is_for_its_client_only() {
    let server = Server::start().await;
    let both = client("other", Some("s"), &[GrantType::RefreshToken]);
    server.app.store.create_client(&both).await.unwrap();
    let one = first(&server).await;
    let pairs = || vec![("grant_type", "refresh_token"), ("refresh_token", one.as_str())];
    server.token(Some(("other", "s")), pairs()).await.is_error(400, "invalid_grant");
    server.token(SERVICE, pairs()).await.is_error(400, "unauthorized_client");
    server.token(WEB, vec![("grant_type", "refresh_token")]).await.is_error(400, "invalid_request");
    for junk in ["junk", "bw_rt_junk", &format!("{one}x")] {
        refresh(&server, junk, "").await.is_error(400, "invalid_grant");
    }
    assert_eq!(refresh(&server, &one, "").await.status, StatusCode::OK, "nothing of this spent it");
}

#[tokio::test]
async fn only_digests_and_sealed_bytes_are_stored() {
    let server = Server::start().await;
    let one = first(&server).await;
    let two = successor(&refresh(&server, &one, "").await);
    let stored = server.app.store.refresh_token(&bearward::model::Digest::of(&one)).await.unwrap().unwrap();
    let sealed = stored.spent.unwrap().successor;
    assert!(!sealed.windows(8).any(|w| two.as_bytes().windows(8).any(|t| t == w)));
}
