//! What rules take, and what refusals say.

use super::*;
use serde_json::json;

fn with_rules(rules: &serde_json::Value) -> String {
    config_with(|c| c["rules"] = rules.clone())
}

pub(super) fn details(envoy: &mut FakeEnvoy, headers: &[(&str, &[u8])]) -> String {
    let id = envoy.send(0, headers);
    let stream = envoy.stream(0, id);
    stream.reply.map_or_else(|| if stream.resumed { "passed".to_owned() } else { "held".to_owned() }, |r| r.details)
}

#[test]
fn a_token_is_optional_but_never_wrong() {
    let mut envoy = ready(
        1,
        &with_rules(&json!([
            { "match": { "path": "/a" }, "allow": "optional" },
            { "match": { "path": "/b" }, "allow": "optional", "require": { "scopes": ["b"] } },
        ])),
    );
    let good = format!("Bearer {}", token());
    assert_eq!(details(&mut envoy, &get("/a", "")), "passed");
    assert_eq!(details(&mut envoy, &get("/a", &good)), "passed");
    assert_eq!(details(&mut envoy, &get("/a", "Bearer junk")), "bearward_malformed_token");
    assert_eq!(details(&mut envoy, &get("/b", "")), "passed");
    assert_eq!(details(&mut envoy, &get("/b", &good)), "bearward_insufficient_scope");
    // A token that was there is told of; one that was not leaves no identity.
    let id = envoy.send(0, &get("/a", &good));
    assert!(envoy.stream(0, id).headers.iter().any(|(name, _)| name == b"x-auth-subject"));
}

#[test]
fn a_better_sign_in_is_asked_for() {
    let mut envoy = ready(
        1,
        &with_rules(&json!([{ "match": { "path": "/pay" }, "require": { "acr": ["gold", "silver"], "max_age": 60 } }])),
    );
    let at = |acr: &'static str, ago: u64| {
        let auth_time = Some(START_MS / 1_000 - ago);
        format!("Bearer {}", sign("k1", &Claims { acr: Some(acr.into()), auth_time, ..claims() }))
    };
    assert_eq!(details(&mut envoy, &get("/pay", &at("silver", 10))), "passed");
    for authorization in [at("tin", 10), at("gold", 100), format!("Bearer {}", token())] {
        let reply = refusal(&mut envoy, &get("/pay", &authorization));
        assert_eq!(reply.status, 401);
        let challenge = reply.header("www-authenticate").unwrap();
        assert!(challenge.contains("error=\"insufficient_user_authentication\""), "{challenge}");
        assert!(challenge.ends_with("acr_values=\"gold silver\", max_age=\"60\""), "{challenge}");
    }
    // Time passes for a token that is known, too.
    envoy.pass(55_000);
    envoy.answer(FEED, 200, &page(false, false, "c0", &[]));
    assert_eq!(details(&mut envoy, &get("/pay", &at("silver", 10))), "bearward_authentication");
}

#[test]
fn hosts_headers_and_methods_choose() {
    let mut envoy = ready(
        1,
        &with_rules(&json!([
            { "match": { "prefix": "/", "hosts": ["open.example"] }, "allow": "anonymous" },
            { "match": { "prefix": "/", "headers": { "x-probe": "yes" } }, "allow": "anonymous" },
            { "match": { "prefix": "/", "headers": { "x-any": true }, "methods": ["GET"] }, "allow": "anonymous" },
        ])),
    );
    let mut ask = |headers: &[(&str, &[u8])]| {
        let mut all = get("/a", "");
        all.extend_from_slice(headers);
        details(&mut envoy, &all)
    };
    assert_eq!(ask(&[(":authority", b"Open.example:8080")]), "passed");
    assert_eq!(ask(&[("x-probe", b"yes")]), "passed");
    assert_eq!(ask(&[("x-any", b"")]), "passed");
    assert_eq!(ask(&[(":authority", b"open.example.evil")]), "bearward_no_rule");
    assert_eq!(ask(&[("x-probe", b"yes"), ("x-probe", b"yes")]), "bearward_no_rule", "one and no more");
    assert_eq!(ask(&[("x-probe", b"no")]), "bearward_no_rule");
    // RFC 9113 section 8.3.1: no user in it. A server may take either side for the host.
    assert_eq!(ask(&[(":authority", b"open.example@evil.example")]), "bearward_ambiguous_path");
    assert_eq!(ask(&[(":authority", b"evil.example@open.example")]), "bearward_ambiguous_path");
    // Some servers take it for GET, some do not; a rule names GET, so that makes a difference.
    assert_eq!(ask(&[(":method", b"GeT"), ("x-probe", b"yes")]), "bearward_ambiguous_path");
    assert_eq!(ask(&[(":method", b"PuT"), ("x-probe", b"yes")]), "passed", "no rule names it");
}

#[test]
fn a_route_names_its_policy() {
    let config = config_with(|c| {
        c["route_policy"] = json!({});
        c["policies"] = json!({ "open": { "allow": "anonymous" }, "write": { "require": { "scopes": ["w"] } } });
    });
    let mut envoy = ready(1, &config);
    let good = format!("Bearer {}", token());
    let name = "xds.route_metadata.filter_metadata.bearward.policy";
    let mut under = |policy: &str, authorization: &str| {
        envoy.world.properties.borrow_mut().insert(name.to_owned(), policy.as_bytes().to_vec());
        details(&mut envoy, &get("/orders/1", authorization))
    };
    assert_eq!(under("open", ""), "passed");
    assert_eq!(under("write", &good), "bearward_insufficient_scope");
    assert_eq!(under("unknown", &good), "bearward_unknown_policy");
    assert_eq!(under("", &good), "passed", "no name, then the rules");
    envoy.world.properties.borrow_mut().clear();
    assert_eq!(details(&mut envoy, &get("/orders/1", "")), "bearward_no_token");
    envoy.world.broken.borrow_mut().push("property");
    assert_eq!(details(&mut envoy, &get("/orders/1", &good)), "bearward_unavailable");
    envoy.world.broken.borrow_mut().clear();
    // The route may have been chosen by an identity that the client made up; Envoy chooses again once that is gone.
    let mut made_up = get("/orders/1", &good);
    made_up.push(("X_Auth_Subject", b"mallory"));
    for policy in ["open", ""] {
        envoy.world.properties.borrow_mut().insert(name.to_owned(), policy.into());
        assert_eq!(details(&mut envoy, &made_up), "bearward_made_up_identity", "{policy}");
    }
    envoy.world.properties.borrow_mut().clear();
    // Without the setting nothing is asked for.
    let mut envoy = ready(1, &super::config());
    let before = envoy.world.properties_read.get();
    details(&mut envoy, &get("/orders/1", &good));
    assert_eq!(envoy.world.properties_read.get(), before);
}

#[test]
fn a_preflight_is_let_through_where_that_is_configured() {
    let preflight: [(&str, &[u8]); 5] = [
        (":method", b"OPTIONS"),
        (":path", b"/orders/1"),
        ("origin", b"https://app.example"),
        ("access-control-request-method", b"GET"),
        ("x-request-id", b"r1"),
    ];
    let mut envoy = ready(1, &config());
    assert_eq!(details(&mut envoy, &preflight), "bearward_no_token");
    let mut envoy = ready(1, &config_with(|c| c["cors_preflight"] = "allow".into()));
    assert_eq!(details(&mut envoy, &preflight), "passed");
    let mut nowhere = preflight;
    nowhere[1].1 = b"/nowhere";
    assert_eq!(details(&mut envoy, &nowhere), "bearward_no_rule");
    let mut routed = ready(
        1,
        &config_with(|c| {
            c["cors_preflight"] = "allow".into();
            c["route_policy"] = json!({});
            c["policies"] = json!({ "write": { "require": { "scopes": ["w"] } } });
        }),
    );
    let name = "xds.route_metadata.filter_metadata.bearward.policy".to_owned();
    routed.world.properties.borrow_mut().insert(name.clone(), b"write".to_vec());
    assert_eq!(details(&mut routed, &nowhere), "passed", "the route has a policy, so there is something");
    routed.world.properties.borrow_mut().insert(name, b"unknown".to_vec());
    assert_eq!(details(&mut routed, &preflight), "bearward_unknown_policy");
    assert_eq!(
        details(&mut envoy, &preflight[..3]),
        "bearward_no_token",
        "a plain OPTIONS is a request like any other"
    );
}

#[test]
fn metadata_is_served_and_named_in_challenges() {
    let config = config_with(|c| {
        c["resource"] = json!({ "identifier": "https://api.example/v1", "scopes": ["orders:read"], "name": "Orders" });
        c["oauth"]["prefixes"] = json!(["/oauth2/", "/.well-known/"]);
    });
    let mut envoy = ready(1, &config);
    let reply = refusal(&mut envoy, &get("/.well-known/oauth-protected-resource/v1?x", ""));
    let document: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert_eq!(document["resource"], "https://api.example/v1");
    assert_eq!(document["authorization_servers"], json!([ISSUER]));
    assert_eq!(document["scopes_supported"], json!(["orders:read"]));
    assert_eq!(document["bearer_methods_supported"], json!(["header"]));
    let challenge = refusal(&mut envoy, &get("/orders/1", ""));
    assert_eq!(
        challenge.header("www-authenticate").unwrap(),
        "Bearer realm=\"http://127.0.0.1:8080\", scope=\"orders:read\", \
         resource_metadata=\"https://api.example/.well-known/oauth-protected-resource/v1\""
    );
    assert_eq!(details(&mut envoy, &get("/.well-known/oauth-authorization-server", "")), "passed");
}

#[test]
fn metadata_is_for_reading_also_by_scripts() {
    let config = config_with(|c| c["resource"] = json!({ "identifier": "https://api.example" }));
    let mut envoy = ready(1, &config);
    let mut ask = |method: &str| {
        let mut headers = get("/.well-known/oauth-protected-resource", "");
        headers.retain(|(name, _)| *name != ":method");
        let asks: [(&str, &[u8]); 3] = [
            (":method", method.as_bytes()),
            ("origin", b"https://app.example"),
            ("access-control-request-headers", b"mcp-protocol-version"),
        ];
        headers.extend(asks);
        refusal(&mut envoy, &headers)
    };
    assert_eq!((ask("GET").status, ask("HEAD").status), (200, 200));
    // A header of the client's own makes a browser ask first (Fetch §3.2.2).
    let preflight = ask("OPTIONS");
    assert_eq!((preflight.status, preflight.body.as_str()), (204, ""));
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("*"));
    let other = ask("POST");
    assert_eq!((other.status, other.header("allow"), other.body.as_str()), (405, Some("GET, HEAD, OPTIONS"), ""));
}

#[test]
fn the_authservers_paths_can_be_those_of_some_hosts() {
    let mut envoy = ready(1, &config_with(|c| c["oauth"]["hosts"] = json!(["id.example", "*.login.example"])));
    let mut at = |host: &'static str| {
        let mut headers = get("/login", "");
        headers.push((":authority", host.as_bytes()));
        details(&mut envoy, &headers)
    };
    for host in ["id.example", "ID.example:8443", "id.example.", "a.login.example"] {
        assert_eq!(at(host), "passed", "{host}");
    }
    for host in ["api.example", "login.example", "xid.example", ""] {
        assert_eq!(at(host), "bearward_no_rule", "{host:?}");
    }
}

#[test]
fn grpc_clients_are_refused_in_their_own_words() {
    let mut envoy = ready(1, &config());
    for (kind, grpc) in [
        ("application/grpc", true),
        ("application/grpc+proto", true),
        ("application/grpc-web", false),
        ("text/html", false),
    ] {
        let mut headers = get("/orders/1", "");
        headers.push(("content-type", kind.as_bytes()));
        let reply = refusal(&mut envoy, &headers);
        assert_eq!((reply.grpc_status, reply.body.is_empty()), if grpc { (16, false) } else { (-1, true) }, "{kind}");
    }
}

#[test]
fn claims_become_headers_whatever_they_are() {
    let config = config_with(|c| {
        c["providers"]["bearward"]["required_claims"] = json!([]);
        c["forward"] = json!({
            "headers": {
                "x-roles": { "claim": "realm.roles", "separator": "," },
                "x-aud": "aud", "x-age": "age", "x-admin": "admin", "x-address": "address", "x-none": "missing",
            },
            "payload": "x-claims",
            "state": { "subject": "sub" },
        });
    });
    let mut envoy = ready(1, &config);
    let token = |more: serde_json::Value| {
        let mut claims = serde_json::to_value(claims()).unwrap();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        format!("Bearer {}", sign_json("k1", &claims))
    };
    let rich = json!({
        "realm": { "roles": ["a", "b"] }, "aud": ["https://api.example", "y"], "age": 42.5, "admin": true,
        "address": { "city": "Köln" },
    });
    let mut headers = get("/orders/1", "");
    let authorization = token(rich);
    headers.extend([("authorization", authorization.as_bytes()), ("x-claims", b"forged"), ("X_Roles", b"root")]);
    let id = envoy.send(0, &headers);
    let stream = envoy.stream(0, id);
    let value = |name: &str| {
        let mut found = stream.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()));
        let value = found.next().map(|(_, value)| String::from_utf8(value.clone()).unwrap());
        assert_eq!(found.next(), None, "{name}");
        value
    };
    assert!(stream.resumed, "{:?}", stream.reply);
    assert_eq!(value("x-roles").as_deref(), Some("a,b"));
    assert_eq!(value("x_roles"), None);
    assert_eq!(value("x-aud").as_deref(), Some("https://api.example y"));
    assert_eq!((value("x-age").as_deref(), value("x-admin").as_deref()), (Some("42.5"), Some("true")));
    assert_eq!(value("x-none"), None);
    let decode = |text: String| -> serde_json::Value { serde_json::from_slice(&from_base64_url(&text)).unwrap() };
    assert_eq!(decode(value("x-address").unwrap()), json!({ "city": "Köln" }));
    assert_eq!(decode(value("x-claims").unwrap())["sub"], "alice");
    assert_eq!(stream.state, [(b"subject".to_vec(), b"alice".to_vec())]);
    for bad in
        [json!({ "realm": { "roles": ["a,b"] } }), json!({ "realm": { "roles": [""] } }), json!({ "age": "1\n" })]
    {
        assert_eq!(details(&mut envoy, &get("/orders/1", &token(bad))), "bearward_unforwardable");
    }
}
