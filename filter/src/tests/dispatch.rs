//! OAuth requests that the filter hands to the authserver itself.

use super::*;
use crate::dispatch::{ANSWER_MOST, BODY_MOST, REQUESTS_MOST};
use serde_json::{Value, json};

const TOKEN: &str = "/oauth2/token?x=%2B";
/// What Envoy adds to what an upstream answered.
const ANSWERED: (&str, &str) = ("x-envoy-upstream-service-time", "3");

fn dispatching() -> String {
    config_with(|c| {
        c["oauth"]["dispatch"] = json!({ "timeout": "5s" });
        c["oauth"]["gateway_secret"] = "g".repeat(32).into();
    })
}

fn post<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a [u8])> {
    let mut all = vec![(":method", "POST"), (":scheme", "https"), (":authority", "id.example"), (":path", TOKEN)];
    all.extend_from_slice(more);
    all.into_iter().map(|(name, value)| (name, value.as_bytes())).collect()
}

fn one_call(envoy: &FakeEnvoy) -> fake::Call {
    let [call] = envoy.calls("/oauth2/").try_into().unwrap();
    call
}

fn values<'a>(call: &'a fake::Call, name: &str) -> Vec<&'a str> {
    call.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect()
}

fn error(reply: &Reply) -> (u16, String) {
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    (reply.status, body["error"].as_str().unwrap().to_owned())
}

#[test]
fn a_request_goes_there_as_it_came_but_for_what_is_not_its_own() {
    let mut envoy = ready(1, &dispatching());
    envoy.world.properties.borrow_mut().insert("source.address".to_owned(), b"192.0.2.1:99".to_vec());
    let mut headers = post(&[
        ("authorization", "Basic YTpi"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-length", "7"),
        ("cookie", "a=1"),
        ("dpop", "one"),
        ("dpop", "two"),
        ("x-auth-subject", "mallory"),
        ("x-bearward-gateway", "v1.1.forged"),
        ("X_Bearward_Client_Address", "10.0.0.1"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("x-envoy-max-retries", "9"),
    ]);
    headers.push(("user-agent", b"\xff"));
    let id = envoy.begin(0, &headers, false);
    assert_eq!(envoy.calls("/oauth2/").len(), 0, "its body is not here yet");
    envoy.send_body(0, id, b"a=1", false);
    envoy.send_body(0, id, b"&b=2", true);
    let call = one_call(&envoy);
    assert_eq!((call.cluster.as_str(), call.path.as_str(), call.body.as_str()), ("authserver", TOKEN, "a=1&b=2"));
    for (name, expected) in [
        (":method", ["POST"].as_slice()),
        (":authority", &["id.example"]),
        ("authorization", &["Basic YTpi"]),
        ("content-type", &["application/x-www-form-urlencoded"]),
        ("cookie", &["a=1"]),
        ("dpop", &["one", "two"]),
        ("x-bearward-client-address", &["192.0.2.1"]),
    ] {
        assert_eq!(values(&call, name), expected, "{name}");
    }
    let [code] = values(&call, "x-bearward-gateway").try_into().unwrap();
    assert!(code.starts_with("v1.1800000000.") && !code.contains("forged"), "{code}");
    assert_eq!(call.headers.len(), 10, "and nothing else: {:?}", call.headers);
    assert!(!envoy.stream(0, id).resumed, "it goes no further");
}

#[test]
fn the_answer_comes_back_as_it_is() {
    let mut envoy = ready(1, &dispatching());
    let id = envoy.send(0, &post(&[]));
    let call = one_call(&envoy);
    let headers = [
        ("location", "https://client.example/cb?code=1"),
        ("set-cookie", "a=1; HttpOnly"),
        ("set-cookie", "b=2"),
        ("content-type", "text/html"),
        ("content-length", "4"),
        ("date", "now"),
        ("connection", "close"),
        ANSWERED,
    ];
    envoy.answer_fully(&call, 303, &headers, b"body");
    let reply = envoy.stream(0, id).reply.unwrap();
    assert_eq!((reply.status, reply.body.as_str(), reply.details.as_str()), (303, "body", "bearward_dispatch"));
    let expected = headers[..4].iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    assert_eq!(reply.headers, expected.collect::<Vec<_>>());
}

#[test]
fn two_requests_get_their_own_answers() {
    let mut envoy = ready(2, &dispatching());
    let ids = [envoy.send(0, &post(&[])), envoy.send(0, &post(&[])), envoy.send(1, &post(&[]))];
    for (number, call) in envoy.calls("/oauth2/").iter().enumerate().rev() {
        envoy.answer_fully(call, 200, &[ANSWERED], number.to_string().as_bytes());
    }
    for (number, (vm, id)) in [(0, ids[0]), (0, ids[1]), (1, ids[2])].into_iter().enumerate() {
        assert_eq!(envoy.stream(vm, id).reply.unwrap().body, number.to_string());
    }
}

#[test]
fn where_nobody_answers_the_client_is_told() {
    // Envoy's own words for a call that failed, the authserver's for the same status, and what can't be passed on.
    let own = ("content-type", "text/plain");
    for (status, headers, body, expected) in [
        (503, vec![own], b"upstream connect error".to_vec(), (503, "temporarily_unavailable")),
        (504, vec![own], b"upstream request timeout".to_vec(), (504, "temporarily_unavailable")),
        (0, vec![], vec![], (502, "server_error")),
        (200, vec![ANSWERED], vec![b'x'; ANSWER_MOST + 1], (502, "server_error")),
        (503, vec![ANSWERED], json!({ "error": "theirs" }).to_string().into_bytes(), (503, "theirs")),
    ] {
        let mut envoy = ready(1, &dispatching());
        let id = envoy.send(0, &post(&[]));
        let call = one_call(&envoy);
        envoy.answer_fully(&call, status, &headers, &body);
        let reply = envoy.stream(0, id).reply.unwrap();
        assert_eq!(error(&reply), (expected.0, expected.1.to_owned()));
        assert!(!reply.body.contains("upstream"), "{}", reply.body);
        let ours = expected.1 != "theirs";
        assert_eq!(reply.header("cache-control").is_some(), ours);
        envoy.pass(500);
        assert_eq!(envoy.metric("bearward.dispatch.fail"), u64::from(ours));
    }
    let mut envoy = ready(1, &dispatching());
    envoy.world.broken.borrow_mut().push("call");
    assert_eq!(error(&refusal(&mut envoy, &post(&[]))), (503, "temporarily_unavailable".to_owned()));
    let page = refusal(&mut envoy, &post(&[("accept", "text/html,*/*")]));
    assert_eq!((page.status, page.header("content-type")), (503, Some("text/html; charset=utf-8")));
    assert!(page.body.contains("<h1>The authorization server cannot be reached.</h1>"), "{}", page.body);
    envoy.world.broken.replace(vec!["answer_headers"]);
    let id = envoy.send(0, &post(&[]));
    envoy.answer("/oauth2/", 200, b"");
    assert_eq!(error(&envoy.stream(0, id).reply.unwrap()).0, 502);
}

#[test]
fn a_body_is_bounded_in_size_and_in_time() {
    let mut envoy = ready(1, &dispatching());
    let (most, more) = (BODY_MOST.to_string(), (BODY_MOST + 1).to_string());
    for length in [more.as_str(), "x"] {
        let id = envoy.begin(0, &post(&[("content-length", length)]), false);
        assert_eq!(error(&envoy.stream(0, id).reply.unwrap()), (413, "invalid_request".to_owned()), "{length}");
    }
    let id = envoy.begin(0, &post(&[]), false);
    envoy.send_body(0, id, &vec![b'x'; BODY_MOST], false);
    assert_eq!(envoy.stream(0, id).reply, None);
    envoy.send_body(0, id, b"x", false);
    assert_eq!(error(&envoy.stream(0, id).reply.unwrap()), (413, "invalid_request".to_owned()));

    let id = envoy.begin(0, &post(&[("content-length", &most)]), false);
    envoy.send_body(0, id, &vec![b'x'; BODY_MOST], true);
    assert_eq!(one_call(&envoy).body.len(), BODY_MOST);
    envoy.answer("/oauth2/", 200, b"");
    assert_eq!(outcome(&envoy, 0, id), 200);

    let (begun, not) = (envoy.begin(0, &post(&[]), false), envoy.begin(0, &post(&[]), false));
    envoy.send_body(0, begun, b"a", false);
    envoy.pass(4_999);
    assert_eq!(outcome(&envoy, 0, begun), 0);
    envoy.pass(1);
    for id in [begun, not] {
        assert_eq!(error(&envoy.stream(0, id).reply.unwrap()), (408, "invalid_request".to_owned()));
    }
    let log = envoy.world.log.borrow();
    let named = log.iter().filter(|(_, line)| line.contains("allow_on_headers_stop_iteration")).count();
    assert_eq!(named, 1, "where nothing came at all, the operator is told what may be missing");
}

#[test]
fn trailers_end_a_body_too() {
    let mut envoy = ready(1, &dispatching());
    let id = envoy.begin(0, &post(&[]), false);
    envoy.send_body(0, id, b"a=1", false);
    envoy.send_trailers(0, id);
    assert_eq!(one_call(&envoy).body, "a=1");
    envoy.answer("/oauth2/", 200, b"");
    let id = envoy.begin(0, &post(&[]), false);
    envoy.send_trailers(0, id);
    assert_eq!(one_call(&envoy).body, "");
    envoy.send_trailers(0, id);
    assert_eq!(envoy.calls("/oauth2/").len(), 1, "sent once");
}

#[test]
fn who_went_away_gets_no_answer_and_takes_no_room() {
    let mut envoy = ready(1, &dispatching());
    for _ in 0..REQUESTS_MOST {
        let id = envoy.send(0, &post(&[]));
        let call = one_call(&envoy);
        envoy.drop_stream(0, id);
        envoy.answer_call(&call, 200, b"");
    }
    for _ in 0..REQUESTS_MOST {
        envoy.begin(0, &post(&[]), false);
    }
    assert_eq!(error(&refusal(&mut envoy, &post(&[]))).0, 503, "so many and no more");
}

#[test]
fn only_what_is_the_authserver_s_goes_there() {
    let mut envoy = ready(1, &dispatching());
    assert_eq!(refusal(&mut envoy, &get("/orders/1", "")).status, 401);
    assert_eq!(status(&mut envoy, 0, &token()), 200);
    assert_eq!(envoy.calls("/o").len(), 0);
}

/// With `allow_on_headers_stop_iteration`, a body that goes on takes its headers along.
#[test]
fn no_body_goes_on_before_its_headers() {
    let mut envoy = FakeEnvoy::new(1, &config());
    envoy.pass(10);
    let token = token();
    let authorization = format!("Bearer {token}");
    let waits = envoy.begin(0, &get("/orders/1", &authorization), false);
    envoy.send_body(0, waits, b"a", false);
    envoy.send_trailers(0, waits);
    assert_eq!(outcome(&envoy, 0, waits), 0);
    envoy.world.broken.borrow_mut().push("reply");
    let refused = envoy.begin(0, &get("/orders/1", ""), false);
    envoy.send_body(0, refused, b"a", true);
    assert_eq!(outcome(&envoy, 0, refused), 0, "a refusal that cannot be sent lets nothing through");
    envoy.world.broken.borrow_mut().clear();
    envoy.answer(FEED, 200, &page(true, false, "c0", &[]));
    envoy.answer(JWKS, 200, &jwks(&["k1"]));
    envoy.pass(10);
    assert_eq!((outcome(&envoy, 0, waits), outcome(&envoy, 0, refused)), (200, 401));
    envoy.send_body(0, waits, b"b", true);
}

#[test]
fn a_failure_that_cannot_be_told_lets_nothing_through() {
    let mut envoy = ready(1, &dispatching());
    envoy.world.broken.borrow_mut().push("reply");
    let id = envoy.begin(0, &post(&[("content-length", "70000")]), false);
    envoy.send_body(0, id, b"a", false);
    envoy.send_trailers(0, id);
    assert_eq!(outcome(&envoy, 0, id), 0);
}
