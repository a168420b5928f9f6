//! Where tokens are, and what is left of them.

use super::*;

fn request<'a>(path: &'a str, headers: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a [u8])> {
    let mut all = get(path, "");
    all.extend(headers.iter().map(|(name, value)| (*name, value.as_bytes())));
    all
}

fn everywhere() -> String {
    config_with(|c| {
        c["credentials"] = serde_json::json!([
            { "header": "Authorization" },
            { "header": "x-token", "prefix": "Token " },
            { "query": "access_token" },
            { "cookie": "at" },
        ]);
    })
}

#[test]
fn a_token_is_found_wherever_it_may_be_and_taken_out() {
    let mut envoy = ready(1, &everywhere());
    let token = token();
    let (bearer, custom) = (format!("Bearer {token}"), format!("Token {token}"));
    let (alone, among) = (format!("at={token}"), format!("a=1; at={token}; b=2"));
    let query = format!("/orders/1?x=%2B&access_token={token}&y=1");
    let encoded = format!("/orders/1?%61ccess_token={}", token.replace('.', "%2e"));
    type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str, Option<&'a str>);
    let cases: Vec<Case<'_>> = vec![
        ("/orders/1", vec![("authorization", &bearer)], "/orders/1", None),
        ("/orders/1", vec![("x-token", &custom)], "/orders/1", None),
        ("/orders/1", vec![("cookie", &alone)], "/orders/1", None),
        ("/orders/1", vec![("cookie", &among)], "/orders/1", Some("a=1; b=2")),
        ("/orders/1", vec![("cookie", "a=1"), ("cookie", &alone)], "/orders/1", Some("a=1")),
        // As it is left by who signs people out.
        ("/orders/1", vec![("authorization", &bearer), ("cookie", "at=; a=1")], "/orders/1", Some("a=1")),
        (&query, vec![], "/orders/1?x=%2B&y=1", None),
        (&encoded, vec![], "/orders/1", None),
    ];
    for (path, headers, left, cookie) in cases {
        let id = envoy.send(0, &request(path, &headers));
        let stream = envoy.stream(0, id);
        assert!(stream.resumed, "{path} {headers:?}: {:?}", stream.reply);
        let value = |wanted: &str| {
            let found = stream.headers.iter().find(|(name, _)| name == wanted.as_bytes());
            found.map(|(_, value)| String::from_utf8(value.clone()).unwrap())
        };
        assert_eq!((value(":path").as_deref(), value("cookie").as_deref()), (Some(left), cookie));
        assert_eq!(value("x-auth-subject").as_deref(), Some("alice"));
        assert!(!stream.headers.iter().any(|(_, value)| value.windows(20).any(|w| w == &token.as_bytes()[..20])));
    }
}

#[test]
fn two_tokens_are_none() {
    let mut envoy = ready(1, &everywhere());
    let token = token();
    let (bearer, cookie) = (format!("Bearer {token}"), format!("at={token}"));
    let query = format!("/orders/1?access_token={token}");
    let twice = format!("/orders/1?access_token={token}&access%5ftoken=x");
    for (path, headers) in [
        ("/orders/1", vec![("authorization", bearer.as_str()), ("cookie", &cookie)]),
        (&query, vec![("authorization", &bearer)]),
        (&twice, vec![]),
        ("/orders/1", vec![("cookie", &cookie), ("cookie", &cookie)]),
        ("/orders/1?access_token=", vec![]),
        ("/orders/1?access_token=a%00b", vec![]),
    ] {
        let reply = refusal(&mut envoy, &request(path, &headers));
        assert_eq!((reply.status, reply.details.as_str()), (400, "bearward_malformed_authorization"), "{path}");
    }
}

#[test]
fn without_a_place_for_it_a_token_is_not_looked_for() {
    let mut envoy = ready(1, &config_with(|c| c["credentials"] = serde_json::json!([{ "header": "x-token" }])));
    let (token, bearer) = (token(), format!("Bearer {}", token()));
    assert_eq!(refusal(&mut envoy, &get("/orders/1", &bearer)).details, "bearward_no_token");
    let id = envoy.send(0, &request("/orders/1", &[("x-token", &token), ("authorization", "Basic YTpi")]));
    let stream = envoy.stream(0, id);
    assert!(stream.resumed && stream.headers.iter().any(|(_, value)| value == b"Basic YTpi"), "not ours to strip");
    assert!(!stream.headers.iter().any(|(name, _)| name == b"x-token"));
}

#[test]
fn an_open_route_loses_the_credential_too() {
    let mut envoy = ready(1, &everywhere());
    let id = envoy.send(0, &request("/healthz?access_token=abc", &[("cookie", "at=abc"), ("x-token", "Token abc")]));
    let stream = envoy.stream(0, id);
    assert!(stream.resumed);
    assert!(!stream.headers.iter().any(|(_, value)| value.windows(3).any(|w| w == b"abc")), "{:?}", stream.headers);
}
