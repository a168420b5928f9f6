//! Every page there is, held against the router's source, so that none can be forgotten.

use super::fields::{CLIENT, DEVICE, Filled, details};
use super::{browser, post};
use crate::support::{Answer, Browser, CALLBACK, Pairs, Server, encode};
use http::StatusCode;
use std::collections::BTreeSet;

/// The console's pages: as its router has them, and one of the kind. `{scope}`, `{type}` and `{issuer}` are the names of the evil ones.
const CONSOLE: [(&str, &str); 21] = [
    ("[]", "/admin"),
    (r#"["clients"]"#, "/admin/clients"),
    (r#"["clients", "new"]"#, "/admin/clients/new"),
    (r#"["clients", id]"#, "/admin/clients/evil"),
    (r#"["registration"]"#, "/admin/registration"),
    (r#"["scopes"]"#, "/admin/scopes"),
    (r#"["scopes", name]"#, "/admin/scopes/{scope}"),
    (r#"["people"]"#, "/admin/people"),
    (r#"["people", id]"#, "/admin/people/person-alice"),
    (r#"["grants"]"#, "/admin/grants"),
    (r#"["tokens"]"#, "/admin/tokens"),
    (r#"["issuers"]"#, "/admin/issuers"),
    (r#"["issuers", "one"]"#, "/admin/issuers/one?issuer={issuer}"),
    (r#"["keys"]"#, "/admin/keys"),
    (r#"["details"]"#, "/admin/details"),
    (r#"["details", "new"]"#, "/admin/details/new"),
    (r#"["details", name]"#, "/admin/details/{type}"),
    (r#"["audit"]"#, "/admin/audit"),
    // Lines of JSON, to keep: no page.
    (r#"["audit.jsonl"]"#, ""),
    ("_", "/admin/nothing"),
    // The same, of another client.
    ("", "/admin/clients/evil-device"),
];

/// What else answers GET, and the place of `people` in this file where it is visited; or why it is no page.
const OTHERS: [(&str, &str); 10] = [
    ("Authorize", "leads on, or says what is wrong: an error page"),
    ("Registered", "no page: JSON, for clients"),
    ("Jwks", "no page: JSON, for verifiers"),
    ("Metadata", "no page: JSON, for clients"),
    ("Login", "visited"),
    ("Consent", "visited"),
    ("Admin", "CONSOLE"),
    ("Account", "visited"),
    ("Device", "visited"),
    ("Assets", "no page: style sheets, scripts and pictures of ours"),
];

#[test]
fn no_page_is_forgotten() {
    let source = include_str!("../../../src/http/console/mod.rs");
    let arms = source.split_once("match path.as_slice() {").unwrap().1.split_once("\n        }").unwrap().0;
    let arms: BTreeSet<_> = arms.lines().filter_map(|line| line.trim().split_once(" => ")).map(|arm| arm.0).collect();
    let known: BTreeSet<_> = CONSOLE.iter().map(|page| page.0).filter(|pattern| !pattern.is_empty()).collect();
    assert_eq!(arms, known, "CONSOLE is not what the console's router has");
    let source = include_str!("../../../src/http/mod.rs");
    let routes = source.split_once("Router::new()").unwrap().1;
    let gets = routes.lines().filter(|line| line.contains("get(") && !line.contains("format!"));
    let gets: BTreeSet<_> = gets.map(|line| line.split_once("Route::").unwrap().1.split_once(')').unwrap().0).collect();
    assert_eq!(gets, OTHERS.iter().map(|page| page.0).collect(), "OTHERS is not what the router has");
}

/// Every page that a GET of somebody signed in shows, and the status it has.
pub(super) async fn pages(server: &Server, filled: &mut Filled) -> Vec<(String, StatusCode)> {
    let segment =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let (scope, kind, issuer) = (segment(&filled.scope), segment(&filled.kind.name), segment(&filled.issuer));
    let console = CONSOLE.iter().map(|page| page.1).filter(|path| !path.is_empty());
    let named = |path: &str| path.replace("{scope}", &scope).replace("{type}", &kind).replace("{issuer}", &issuer);
    let mut pages: Vec<_> = console.map(named).collect();
    // What is looked for is shown again.
    let typed = filled.payloads.text("query");
    for (path, fields) in [
        ("/admin/clients", &["q"][..]),
        ("/admin/people", &["q"]),
        ("/admin/grants", &["client", "person"]),
        ("/admin/audit", &["actor", "action", "kind", "object"]),
        ("/device", &["user_code"]),
        ("/account", &["done"]),
    ] {
        let query: Vec<_> = fields.iter().map(|field| (*field, typed.as_str())).collect();
        pages.push(format!("{path}?{}", encode(&query)));
    }
    pages.push("/account".to_owned());
    pages.push("/device".to_owned());
    // Sign-in, to a client and to a page; consent, of somebody who chooses and who does not.
    let mut nobody = Browser { server, cookies: std::collections::BTreeMap::new() };
    let pairs = authorization(filled);
    let pairs: Pairs<'_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    pages.push(nobody.authorize(pairs.clone()).await.location());
    pages.push(nobody.get("/account").await.location());
    let mut alice = browser(server).await;
    pages.push(alice.authorize(pairs).await.location());
    pages.push(device(&mut alice, &filled.scope).await.location());
    let well = |path: String| {
        let status = if path.starts_with("/admin/nothing") { StatusCode::NOT_FOUND } else { StatusCode::OK };
        (path, status)
    };
    let mut pages: Vec<_> = pages.into_iter().map(well).collect();
    // What is wrong is said without repeating it.
    let wrong = encode(&[("client_id", &typed), ("redirect_uri", &typed), ("continue", &typed)]);
    let places = ["/oauth2/authorize", "/login", "/consent"].map(|path| format!("{path}?{wrong}"));
    pages.extend(places.map(|path| (path, StatusCode::BAD_REQUEST)));
    let registered = encode(&[("client_id", CLIENT), ("redirect_uri", &typed)]);
    pages.push((format!("/oauth2/authorize?{registered}"), StatusCode::BAD_REQUEST));
    for nowhere in ["", "/admin/clients", "/admin/people", "/admin/scopes", "/admin/details"] {
        pages.push((format!("{nowhere}/{}", segment(&typed)), StatusCode::NOT_FOUND));
    }
    pages
}

/// A request of the evil client, whose answer is to be posted to it.
fn authorization(filled: &mut Filled) -> Vec<(&'static str, String)> {
    let asked = details(&mut filled.payloads, &filled.kind);
    vec![
        ("response_type", "code".to_owned()),
        ("response_mode", "form_post".to_owned()),
        ("client_id", CLIENT.to_owned()),
        ("redirect_uri", CALLBACK.to_owned()),
        ("scope", filled.scope.clone()),
        ("authorization_details", asked),
        ("state", filled.payloads.text("state")),
    ]
}

/// A device asks, and its code is typed: the way to the consent page.
async fn device(browser: &mut Browser<'_>, scope: &str) -> Answer {
    let pairs = vec![("client_id", DEVICE), ("scope", scope)];
    let started = browser.server.post("/oauth2/device_authorization", None, pairs).await;
    assert_eq!(started.status, StatusCode::OK, "{}", started.body);
    let csrf = browser.get("/device").await.field("csrf");
    let code = started.json()["user_code"].as_str().unwrap().to_owned();
    post(browser, "/device", &[("user_code", &code), ("csrf", &csrf)]).await
}
