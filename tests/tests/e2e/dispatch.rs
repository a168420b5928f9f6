//! The filter hands OAuth requests to the authserver itself: no route of Envoy's leads there.

use crate::context::Context;
use crate::gateway::Gateway;
use crate::oauth::Oauth;
use crate::person::{self, Hands};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::AppendHeaders;
use axum::routing::{get, post};
use bearward_tests::envoy::config;
use bearward_tests::stack::local;
use bearward_tests::{demo, echo, ports, wait};
use serde_json::{Value, json};
use std::time::Duration;

/// All of it, with the real authserver: a person signs in, and a client redeems, uses and revokes.
pub async fn carries_every_endpoint(context: &Context) {
    let stack = context.stack_behind(dispatching).await;
    let client = Oauth::web(&stack);
    let visit = person::authorize(&stack, &client, &["orders:read"], Hands::Mouse).await;
    assert!(visit.asked);
    let first = visit.tokens;
    let seen = stack.echo("/orders/1", &first.access).await.unwrap();
    assert_eq!(seen.headers["x-auth-client"], demo::WEB);
    let second = client.refresh(&first.refresh.unwrap()).await;
    client.revoke_access(&second.access).await;
    wait::until("the revoked token to be refused", Duration::from_secs(5), async || {
        match stack.status("/orders/1", &second.access).await.map_err(|error| error.to_string())? {
            401 => Ok(()),
            status => Err(format!("it gets {status}")),
        }
    })
    .await
    .unwrap();

    // What the authserver refuses, in its own words.
    let refused = stack.http.post(format!("{}/oauth2/token", stack.url)).basic_auth(demo::WEB, Some("wrong"));
    let refused = refused.form(&[("grant_type", "client_credentials")]).send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(refused.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic "));
    assert_eq!(
        (&refused.headers()["cache-control"], refused.headers().get_all("date").iter().count()),
        (&"no-store".parse().unwrap(), 1)
    );
    assert_eq!(refused.json::<Value>().await.unwrap()["error"], "invalid_client");
    // A browser that comes without a session is sent to sign in, where it gets a cookie.
    let (url, _, _) = client.authorize(demo::REDIRECT, &["orders:read"]);
    let sent = stack.http.get(url).send().await.unwrap();
    assert_eq!(sent.status(), 303);
    let login = sent.headers()["location"].to_str().unwrap();
    assert!(login.contains("/login?"), "{login}");
    let metadata =
        stack.http.get(format!("{}/.well-known/oauth-authorization-server", stack.url)).send().await.unwrap();
    assert_eq!(metadata.json::<Value>().await.unwrap()["issuer"], stack.url);
    assert_eq!(stack.envoy.stat("vm_reload").await.unwrap(), 0);
}

/// No route leads to the authserver, and bodies come while their headers wait.
fn dispatching(config: &mut Value) {
    let filter = config::filter(config).unwrap();
    filter["allow_on_headers_stop_iteration"] = true.into();
    filter["configuration"]["value"]["oauth"]["dispatch"] = json!({});
    without_routes(config);
}

fn without_routes(config: &mut Value) {
    let routes =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes";
    config.pointer_mut(routes).unwrap().as_array_mut().unwrap().retain(|route| route["name"] == "api");
}

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn plugin(url: &str) -> Value {
    json!({
        "providers": { "secret": { "issuer": url, "audiences": ["a"], "hmac": { "secret": SECRET } } },
        "rules": [{ "match": { "prefix": "/orders" }, "require": {} }],
        "oauth": {
            "cluster": "authserver", "prefixes": ["/oauth2/"], "gateway_secret": SECRET,
            "dispatch": { "timeout": "1s" },
        },
        "forward": { "headers": { "x-auth-subject": "sub" } },
    })
}

/// Headers, bodies and failures, with an authserver that does what the real one would not.
pub async fn keeps_requests_and_answers_whole(context: &Context) {
    let several = async || {
        let cookies = AppendHeaders([
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2; Secure"),
            ("location", "https://c.example/?d=e"),
        ]);
        (StatusCode::SEE_OTHER, cookies, "<p>")
    };
    let body = async |headers: HeaderMap, body: Bytes| {
        assert!(!headers.contains_key("transfer-encoding"));
        format!("{} {}", body.len(), body.iter().map(|byte| u64::from(*byte)).sum::<u64>())
    };
    let authserver = Router::new()
        .route("/oauth2/several", get(several))
        .route("/oauth2/body", post(body))
        .route("/oauth2/never", get(std::future::pending::<()>))
        .fallback_service(echo::router());
    let gateway = Gateway::start(context, 2, authserver, plugin, dispatching_only).await;
    let at = |path: &str| format!("{}/oauth2/{path}", gateway.url);

    let answer = gateway.get("/oauth2/several").send().await.unwrap();
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!((answer.status().as_u16(), cookies), (303, vec!["a=1", "b=2; Secure"]));
    assert_eq!(answer.headers()["location"], "https://c.example/?d=e");
    assert_eq!(answer.text().await.unwrap(), "<p>");

    let request = gateway.get("/oauth2/x?a=%2B&b").header("authorization", "Basic YTpi").header("cookie", "a=1");
    let forged = request.header("x-auth-subject", "mallory").header("x-bearward-client-address", "10.1.1.1");
    let seen: echo::Echo = forged.send().await.unwrap().json().await.unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/oauth2/x?a=%2B&b"));
    for (name, value) in
        [("authorization", "Basic YTpi"), ("cookie", "a=1"), ("x-bearward-client-address", "127.0.0.1")]
    {
        assert_eq!(seen.headers[name], value);
    }
    assert!(seen.headers["x-bearward-gateway"].starts_with("v1.") && !seen.headers.contains_key("x-auth-subject"));

    // It comes in many pieces, and goes on in one.
    let large: Vec<u8> = (0..60_000).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let sum: u64 = large.iter().map(|byte| u64::from(*byte)).sum();
    let answer = gateway.http.post(at("body")).body(large.clone()).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), format!("60000 {sum}"));
    let empty = gateway.http.post(at("body")).send().await.unwrap();
    assert_eq!(empty.text().await.unwrap(), "0 0");
    let over = gateway.http.post(at("body")).body(vec![b'x'; 70_000]).send().await.unwrap();
    assert_eq!(over.status(), 413);
    assert_eq!(over.json::<Value>().await.unwrap()["error"], "invalid_request");

    let late = gateway.get("/oauth2/never").send().await.unwrap();
    assert_eq!((late.status().as_u16(), late.headers()["retry-after"].to_str().unwrap()), (504, "5"));
    assert_eq!(late.json::<Value>().await.unwrap()["error"], "temporarily_unavailable");
    gateway.no_vm_was_replaced().await;

    let gone = Gateway::start(context, 1, Router::new(), plugin, |config| {
        dispatching_only(config);
        let cluster = config.pointer_mut("/static_resources/clusters/0").unwrap();
        assert_eq!(cluster["name"], "authserver");
        let port = local(ports::free().unwrap()).port();
        let socket = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address/port_value";
        *cluster.pointer_mut(socket).unwrap() = port.into();
    })
    .await;
    let answer = gone.get("/oauth2/token").send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"], "temporarily_unavailable");
    let page = gone.get("/oauth2/authorize").header("accept", "text/html").send().await.unwrap();
    assert!(page.text().await.unwrap().contains("<h1>The authorization server cannot be reached.</h1>"));
}

fn dispatching_only(config: &mut Value) {
    config::filter(config).unwrap()["allow_on_headers_stop_iteration"] = true.into();
    without_routes(config);
}
