//! docs/grants.md, held to what happens: each request in it is sent as it is written, with fresh secrets in place of `…`,
//! and the answer has to be the one that is written, to the letter, but for what stands at `…`.

use crate::support::{Answer, CALLBACK, CHALLENGE, ISSUER, PASSWORD, Server, VERIFIER, basic_header, encode};
use axum::body::Body;
use bearward_tests::idp;
use http::{Request, StatusCode};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

const PAGE: &str = include_str!("../../../docs/grants.md");
const SHORTENED: char = '…';

#[tokio::test]
async fn every_exchange_of_the_page_happens_as_it_is_written() {
    let server = Server::start().await;
    bearward::demo::load(server.app.store.as_ref(), &server.app.passwords, &server.app.env).await.unwrap();
    let mut exchanges = 0;
    for section in PAGE.split("\n## ").skip(1) {
        let title = section.lines().next().unwrap();
        let Some((_, sample)) = section.split_once("Sample: `") else { continue };
        let client = format!("demo-{}", sample.split('`').next().unwrap().replace('_', "-"));
        let client = client.trim_end_matches("-grant");
        let mut before = BTreeMap::new();
        let mut asked = None;
        for block in blocks(section) {
            if block[0].starts_with("HTTP/1.1 ") {
                let answer: Answer = asked.take().unwrap_or_else(|| panic!("{title}: an answer to nothing"));
                before = is_as_written(&answer, &block, title);
                exchanges += 1;
            } else if block[0].starts_with("GET ") || block[0].starts_with("POST ") {
                assert!(asked.is_none(), "{title}: a request without an answer");
                asked = Some(send(&server, client, &block, &before).await);
            }
        }
        assert!(asked.is_none(), "{title}: a request without an answer");
    }
    assert!(exchanges >= 11, "a section was not understood: only {exchanges}");
}

/// The indented blocks; what a blank line parts belongs together until the next request or answer begins.
fn blocks(section: &str) -> Vec<Vec<&str>> {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in section.lines().filter_map(|line| line.strip_prefix("    ")) {
        let first = ["GET ", "POST ", "HTTP/1.1 ", "bearward "].iter().any(|start| line.starts_with(start));
        match blocks.last_mut() {
            Some(block) if !first => block.push(line),
            _ => blocks.push(vec![line]),
        }
    }
    blocks
}

/// A request, by the first line, its headers, and a body that begins with a name and `=`; lines that begin with `&` or a
/// space go on from the one before.
async fn send(server: &Server, client: &str, block: &[&str], before: &BTreeMap<String, String>) -> Answer {
    let (method, target) = block[0].split_once(' ').unwrap();
    let goes_on = |line: &&&str| !line.contains(": ");
    let rest: String = block[1..].iter().filter(goes_on).map(|line| line.trim()).collect();
    let text = if method == "GET" { format!("{target}{rest}") } else { rest };
    let form = text.split_once('?').map_or(text.as_str(), |(_, query)| query);
    let pairs = form_urlencoded::parse(form.as_bytes()).into_owned().collect::<Vec<_>>();
    let mut filled = Vec::new();
    for (name, value) in pairs {
        let value = if value.contains(SHORTENED) { fresh(server, client, &name, before).await } else { value };
        filled.push((name, value));
    }
    let form = encode(&filled.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>());
    if method == "GET" {
        let mut browser = server.browser_of_alice().await;
        let asked = browser.get(&format!("/oauth2/authorize?{form}")).await;
        return browser.allow(&asked).await;
    }
    let mut request = Request::post(target).header("content-type", "application/x-www-form-urlencoded");
    if block.contains(&"authorization: Basic …") {
        request = request.header("authorization", basic_header(client, &format!("{client}-secret")));
    }
    server.send(request.body(Body::from(form)).unwrap()).await
}

/// What a person who tries it out would have at this place.
async fn fresh(server: &Server, client: &str, name: &str, before: &BTreeMap<String, String>) -> String {
    let token = async |id: &str, more: &[(&str, &str)]| {
        let secret = format!("{id}-secret");
        server.token(Some((id, &secret)), more.to_vec()).await.json()
    };
    let text = |answer: &Value, name: &str| answer[name].as_str().unwrap().to_owned();
    let now = UNIX_EPOCH + Duration::from_secs(server.now().try_into().unwrap());
    match (name, client) {
        ("code" | "device_code", _) => before[name].clone(),
        ("refresh_token", _) => {
            let code = server.code(client, Some(CHALLENGE)).await;
            let redeem = [
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", CALLBACK),
                ("code_verifier", VERIFIER),
            ];
            text(&token(client, &redeem).await, "refresh_token")
        }
        ("assertion", "demo-jwt-bearer") => idp::jwt(ISSUER, "alice", now).unwrap(),
        ("assertion", "demo-saml-bearer") => idp::saml::encoded(&idp::saml::assertion(ISSUER, "alice", now).unwrap()),
        ("subject_token", _) => {
            let person = [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)];
            text(&token("demo-password", &person).await, "access_token")
        }
        ("actor_token", _) => text(&token(client, &[("grant_type", "client_credentials")]).await, "access_token"),
        ("password", _) => PASSWORD.to_owned(),
        _ => panic!("{client}: what stands for {name}?"),
    }
}

/// Asserts status, headers and body; what a redirect or the body said, by name.
fn is_as_written(answer: &Answer, block: &[&str], title: &str) -> BTreeMap<String, String> {
    let status = block[0].strip_prefix("HTTP/1.1 ").unwrap();
    assert_eq!(answer.status, status[..3].parse::<StatusCode>().unwrap(), "{title}: {}", answer.body);
    assert_eq!(answer.status.canonical_reason(), Some(&status[4..]), "{title}");
    let (body, head): (Vec<&str>, Vec<&str>) = {
        let at = block.iter().position(|line| line.starts_with('{')).unwrap_or(block.len());
        (block[at..].to_vec(), block[1..at].to_vec())
    };
    let head: String = head.iter().fold(String::new(), |head, line| match line.strip_prefix(' ') {
        Some(goes_on) => head + goes_on.trim(),
        None => head + "\n" + line,
    });
    let mut told = BTreeMap::new();
    for (name, written) in head.lines().filter_map(|line| line.split_once(": ")) {
        let (base, parameters) = link(answer.header(name));
        let (written_base, written_parameters) = link(written);
        assert_eq!(
            (&base, parameters.keys().collect::<Vec<_>>()),
            (&written_base, written_parameters.keys().collect())
        );
        parameters.iter().for_each(|(name, value)| same(value, &written_parameters[name], title));
        told.extend(parameters);
    }
    let body = body.concat();
    if body.is_empty() {
        return told;
    }
    let written: BTreeMap<String, Value> = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{title}: {e}"));
    let said: BTreeMap<String, Value> = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(said.keys().collect::<Vec<_>>(), written.keys().collect::<Vec<_>>(), "{title}");
    for (name, value) in &said {
        match (value, &written[name]) {
            (Value::String(said), Value::String(written)) => same(said, written, title),
            (said, written) => assert_eq!(said, written, "{title}: {name}"),
        }
    }
    told.extend(said.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))));
    told
}

/// A URL, and what is in its query or fragment.
fn link(text: &str) -> (String, BTreeMap<String, String>) {
    let (base, parameters) = text.split_at(text.find(['?', '#']).map_or(text.len(), |at| at + 1));
    (base.to_owned(), form_urlencoded::parse(parameters.as_bytes()).into_owned().collect())
}

/// The same text, as far as the page has it.
#[track_caller]
fn same(said: &str, written: &str, title: &str) {
    match written.split_once(SHORTENED) {
        Some((beginning, end)) => {
            assert!(said.starts_with(beginning) && said.ends_with(end), "{title}: {said}: {written}")
        }
        None => assert_eq!(said, written, "{title}"),
    }
}
