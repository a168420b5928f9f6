//! Stored and reflected markup (OWASP ASVS 5.0, 1.2.1): whatever somebody registers, types or sends, a page shows it as
//! text. Every page is read as a browser reads it, with every field filled, and every form of it is sent.

mod fields;
mod html;
mod payload;
mod visits;

use crate::support::{Answer, Browser, CALLBACK, PASSWORD, Server, encode};
use bearward::admin::NewRegistrationToken;
use fields::{Filled, NOT_SHOWN};
use html::{Form, forms, shown};
use http::{Request, StatusCode};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// Passkeys have to have a name for their server.
const HERE: &str = "http://localhost:8080";
/// What buttons do that would take away what is to be looked at, or the session that looks.
const SPARED: [&str; 13] = [
    "delete",
    "disable",
    "end-others",
    "end-session",
    "factor",
    "grant",
    "key-delete",
    "passkeys",
    "remove",
    "revoke",
    "secret-delete",
    "sign-out",
    "withdraw",
];

async fn server() -> Server {
    Server::with(|config| {
        config.issuer = Url::parse(HERE).unwrap();
        config.registration.enabled = true;
    })
    .await
}

/// A browser in which the evil person, who is an administrator, is signed in.
async fn browser(server: &Server) -> Browser<'_> {
    let cookies = BTreeMap::from([("bearward".to_owned(), fields::signed_in(server).await)]);
    Browser { server, cookies }
}

async fn post(browser: &mut Browser<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    browser.post_with(path, fields.to_vec(), &[("origin", HERE)]).await
}

#[tokio::test]
async fn nothing_that_is_registered_becomes_markup() {
    let server = server().await;
    let mut filled = fields::fill(&server).await;
    let mut alice = browser(&server).await;
    let mut seen = BTreeSet::new();
    for (path, status) in visits::pages(&server, &mut filled).await {
        let page = alice.get(&path).await;
        assert_eq!(page.status, status, "{path}: {}", page.body);
        seen.extend(shown(&path, &page.body, &filled.payloads, None));
        if page.body.contains("value=\"allow\"") {
            seen.extend(allowed(&mut alice, &page, &filled).await);
        }
    }
    let missing: Vec<_> = filled.payloads.names().difference(&seen).cloned().collect();
    assert_eq!(missing, NOT_SHOWN.map(|(name, _)| name), "what no page shows");
}

/// The page after "Allow": it posts the answer to the client, or says that the device goes on.
async fn allowed(browser: &mut Browser<'_>, page: &Answer, filled: &Filled) -> BTreeSet<String> {
    let form = &forms(page)[0];
    let mut pairs: Vec<_> = form.fields.iter().map(|(name, value, _)| (name.as_str(), value.as_str())).collect();
    pairs.push(("decision", "allow"));
    let next = post(browser, &form.action, &pairs).await;
    assert_eq!(next.status, StatusCode::OK, "{}", next.body);
    shown("after consent", &next.body, &filled.payloads, Some(CALLBACK))
}

#[tokio::test]
async fn nothing_that_is_sent_becomes_markup() {
    let server = server().await;
    let mut filled = fields::fill(&server).await;
    let typed = filled.payloads.text("typed");
    let (mut sent, mut again) = (0, 0);
    let mut alice = browser(&server).await;
    for (path, _) in visits::pages(&server, &mut filled).await {
        for number in 0.. {
            // What was sent before may have ended the session, and changed the page.
            if alice.get("/account").await.status != StatusCode::OK {
                alice = browser(&server).await;
            }
            let page = alice.get(&path).await;
            let Some(form) = forms(&page).into_iter().nth(number) else { break };
            for button in &form.buttons {
                let first = send(&mut alice, &form, button.as_ref(), &typed, false).await;
                let at = format!("{path}, form {number}, {button:?}");
                let (answer, everything) = (first, send(&mut alice, &form, button.as_ref(), &typed, true).await);
                for answer in [&answer, &everything].into_iter().flatten() {
                    again += usize::from(shown(&at, &answer.body, &filled.payloads, Some(CALLBACK)).contains("typed"));
                    sent += 1;
                }
                // The page after it may have a form of its own: a second factor, a passkey.
                for form in answer.as_ref().map(forms).unwrap_or_default() {
                    for button in form.buttons.iter().take(usize::from(form.action != "/admin")) {
                        let Some(answer) = send(&mut alice, &form, button.as_ref(), &typed, false).await else {
                            continue;
                        };
                        shown(&format!("{at}, and then"), &answer.body, &filled.payloads, Some(CALLBACK));
                    }
                }
            }
        }
    }
    assert!(sent > 100 && again > 40, "{sent} forms were sent, {again} answers showed what was typed");
}

/// Sends a form, with the payload in all that people type, or in everything but its token; `None` for what is spared.
async fn send(
    browser: &mut Browser<'_>,
    form: &Form,
    button: Option<&(String, String)>,
    typed: &str,
    everything: bool,
) -> Option<Answer> {
    let chosen = |name: &str| form.fields.iter().find(|field| field.0 == name).map(|field| field.1.as_str());
    let what = button.map(|button| button.1.as_str()).or(chosen("do")).unwrap_or_default();
    if !everything && SPARED.contains(&what) {
        return None;
    }
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for (name, value, typed_in) in form.fields.iter().map(|(n, v, t)| (n.as_str(), v.as_str(), *t)) {
        let known = name == "old" && matches!(what, "passkey-start" | "new-codes");
        let value = match (known, everything && name != "csrf" || typed_in) {
            (true, _) => PASSWORD,
            (false, true) => typed,
            (false, false) => value,
        };
        pairs.push((name, value));
    }
    if let Some((name, value)) = button {
        pairs.push((name, if everything { typed } else { value }));
    }
    let mut answer = match form.get {
        true => browser.get(&format!("{}?{}", form.action, encode(&pairs))).await,
        false => post(browser, &form.action, &pairs).await,
    };
    while answer.status == StatusCode::SEE_OTHER && answer.location().starts_with('/') {
        answer = browser.follow(&answer).await;
    }
    assert!(!answer.status.is_server_error(), "{form:?}: {}", answer.body);
    Some(answer)
}

#[tokio::test]
async fn nothing_that_a_client_registers_itself_becomes_markup() {
    let server = server().await;
    let mut filled = fields::fill(&server).await;
    let new = NewRegistrationToken { note: "partner".into(), scope: filled.scope.clone(), uses: 9, expires_in: 100 };
    let token = server.admin().create_registration_token(new).await.unwrap().initial_access_token;
    let mut metadata = json!({
        "client_name": filled.payloads.text("registered.name"), "redirect_uris": ["https://partner.example/cb"],
        "scope": filled.scope, "authorization_details_types": [filled.kind.name],
    });
    // What is known of RFC 7591 §2 and not kept, or has to be a URI of the right kind.
    for name in ["client_uri", "logo_uri", "tos_uri", "policy_uri", "software_id", "software_version"] {
        metadata[name] = filled.payloads.uri(&format!("registered.{name}")).into();
    }
    metadata["contacts"] = json!([filled.payloads.text("registered.contact")]);
    let register = async |metadata: &serde_json::Value| {
        let request = Request::post("/oauth2/register").header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {token}"));
        server.send(request.body(metadata.to_string().into()).unwrap()).await
    };
    let made = register(&metadata).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let mut alice = browser(&server).await;
    let path = format!("/admin/clients/{}", made.json()["client_id"].as_str().unwrap());
    let page = alice.get(&path).await;
    let seen = shown(&path, &page.body, &filled.payloads, None);
    let of_it: Vec<_> = seen.iter().filter(|name| name.starts_with("registered.")).collect();
    assert_eq!(of_it, ["registered.name"]);
    // A browser is never sent to what it would run.
    for scheme in ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "JAVASCRIPT://a.example/%0aalert(1)"] {
        let mut metadata = metadata.clone();
        metadata["redirect_uris"] = json!([scheme]);
        assert_eq!(register(&metadata).await.json()["error"], "invalid_redirect_uri", "{scheme}");
    }
}

#[tokio::test]
async fn every_page_is_protected() {
    let server = server().await;
    let mut filled = fields::fill(&server).await;
    let mut alice = browser(&server).await;
    for (path, _) in visits::pages(&server, &mut filled).await {
        let page = alice.get(&path).await;
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
        // A form may end at the client: where it is registered, and nowhere else.
        let targets = policy.split("; ").find_map(|part| part.strip_prefix("form-action ")).unwrap();
        assert!(["'self'", "'self' http://127.0.0.1:8400"].contains(&targets), "{path}: {policy}");
        assert_eq!((page.header("x-frame-options"), page.header("cache-control")), ("DENY", "no-store"), "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
    }
}
