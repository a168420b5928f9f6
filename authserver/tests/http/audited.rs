//! Whatever changes something writes one entry of the audit log, and what is refused writes none.

use crate::admin_api::Api;
use crate::assertions::Party;
use crate::support::{ISSUER, claims};
use bearward::model::{AuditFilter, Digest, Passkey, Totp};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A change by the API, and what it is called in the log.
struct Row {
    method: Method,
    path: String,
    /// As the description names it.
    pattern: &'static str,
    body: Option<Value>,
    action: &'static str,
}

fn row(method: Method, pattern: &'static str, named: &[&str], body: Option<Value>, action: &'static str) -> Row {
    let mut path = String::new();
    let mut names = named.iter();
    for (n, part) in pattern.split(['{', '}']).enumerate() {
        path.push_str(if n % 2 == 0 { part } else { names.next().unwrap() });
    }
    path.extend(names.copied());
    Row { method, path, pattern, body, action }
}

#[tokio::test]
async fn every_change_by_the_api_is_one_entry_and_what_is_refused_is_none() {
    let api = Api::start().await;
    let store = &api.server.app.store;
    let tokens = api.server.web_tokens().await;
    let gid = claims(tokens["access_token"].as_str().unwrap())["gid"].as_str().unwrap().to_owned();
    let entries = async || store.audit(&AuditFilter::default(), i64::MAX, 1000).await.unwrap();
    let mut covered = BTreeSet::new();
    let mut carry_out = async |row: Row| {
        covered.insert((row.pattern, row.method.to_string().to_lowercase()));
        let Row { method, path, pattern, body, action } = row;
        let context = format!("{method} {path}");
        let before = entries().await.len();
        // Whoever reads it first has its version.
        let one = pattern.matches('{').count() == 1 || path.contains('?');
        let version = if one { api.get(&path).await.header("etag").to_owned() } else { String::new() };
        let mut stranger = http::Request::builder().method(method.clone()).uri(format!("/admin/api/v1{path}"));
        stranger = stranger.header("content-type", "application/json").header("if-match", version.as_str());
        let text = body.as_ref().map(Value::to_string).unwrap_or_default();
        let refused = api.server.send(stranger.body(text.into()).unwrap()).await;
        refused.problem(401);
        if !version.is_empty() && !matches!(path.rsplit('/').next(), Some("sign-out")) {
            api.call(method.clone(), &path, Some("\"999\""), body.clone()).await.problem(412);
            api.call(method.clone(), &path, None, body.clone()).await.problem(428);
            api.call(method.clone(), &path, Some("*"), body.clone()).await.problem(428);
            // RFC 9110 §13.1.1: compared strongly.
            api.call(method.clone(), &path, Some(&format!("W/{version}")), body.clone()).await.problem(412);
        }
        if body.is_some() {
            api.call(method.clone(), &path, Some(&version), Some(json!({ "no such": "field" }))).await.problem(400);
        }
        assert_eq!(entries().await.len(), before, "{context}: refused");
        let version = (!version.is_empty()).then_some(version.as_str());
        let answer = api.call(method, &path, version, body).await;
        assert!(answer.status.is_success(), "{context}: {} {}", answer.status, answer.body);
        let all = entries().await;
        assert_eq!(all.len(), before + 1, "{context}");
        let entry = &all[0];
        assert_eq!(
            (entry.action.as_str(), entry.actor_kind.as_str(), entry.actor.as_str()),
            (action, "client", "robot")
        );
        answer
    };
    let client = |name: &str| json!({ "client_id": "c1", "name": name, "auth_method": "client_secret", "grant_types": ["client_credentials"] });
    let post = Method::POST;
    carry_out(row(post.clone(), "/clients", &[], Some(client("One")), "client.create")).await;
    carry_out(row(Method::PUT, "/clients/{id}", &["c1"], Some(client("Two")), "client.edit")).await;
    carry_out(row(post.clone(), "/clients/{id}/disable", &["c1"], None, "client.disable")).await;
    carry_out(row(post.clone(), "/clients/{id}/enable", &["c1"], None, "client.enable")).await;
    let label = || Some(json!({ "label": "new" }));
    let off = || Some(json!({ "enabled": false }));
    carry_out(row(post.clone(), "/clients/{id}/secrets", &["c1"], label(), "client.secret.add")).await;
    let secret = "/clients/{id}/secrets/{secret}";
    carry_out(row(Method::PUT, secret, &["c1", "first"], off(), "client.secret.disable")).await;
    carry_out(row(Method::DELETE, secret, &["c1", "first"], None, "client.secret.delete")).await;
    let keys = Some(json!({ "label": "build", "keys": Party::new().certificate }));
    let added = carry_out(row(post.clone(), "/clients/{id}/keys", &["c1"], keys, "client.key.add")).await;
    let key = added.json()["keys"][0]["id"].as_str().unwrap().to_owned();
    carry_out(row(Method::PUT, "/clients/{id}/keys/{key}", &["c1", &key], off(), "client.key.disable")).await;
    carry_out(row(Method::DELETE, "/clients/{id}/keys/{key}", &["c1", &key], None, "client.key.delete")).await;
    carry_out(row(Method::DELETE, "/clients/{id}", &["c1"], None, "client.delete")).await;

    let scope = |title: &str| Some(json!({ "name": "s1", "title": title }));
    carry_out(row(post.clone(), "/scopes", &[], scope("A"), "scope.create")).await;
    carry_out(row(Method::PUT, "/scopes/{name}", &["s1"], scope("B"), "scope.edit")).await;
    carry_out(row(Method::DELETE, "/scopes/{name}", &["s1"], None, "scope.delete")).await;

    let bob = Some(json!({ "username": "bob", "password": "a long password" }));
    let added = carry_out(row(post.clone(), "/people", &[], bob, "person.create")).await;
    let bob = added.json()["id"].as_str().unwrap().to_owned();
    let edit = Some(json!({ "username": "robert" }));
    carry_out(row(Method::PATCH, "/people/{id}", &[&bob], edit, "person.edit")).await;
    carry_out(row(post.clone(), "/people/{id}/sign-out", &[&bob], None, "person.sign_out")).await;
    let change = crate::people::change;
    let totp = Totp { sealed: vec![1], last_step: 0, added_at: 1 };
    store.set_totp(&bob, &totp, &[Digest::of("code")], &change()).await.unwrap();
    carry_out(row(Method::DELETE, "/people/{id}/totp", &[&bob], None, "person.totp.remove")).await;
    let passkey = Passkey {
        id: vec![1],
        person_id: bob.clone(),
        label: "key".to_owned(),
        credential: "{}".to_owned(),
        added_at: 1,
        used_at: None,
    };
    assert!(store.add_passkey(&passkey, &[], &change()).await.unwrap());
    carry_out(row(Method::DELETE, "/people/{id}/passkeys", &[&bob], None, "person.passkeys.remove")).await;
    carry_out(row(Method::DELETE, "/people/{id}", &[&bob], None, "person.delete")).await;

    carry_out(row(Method::DELETE, "/grants/{id}", &[&gid], None, "grant.revoke")).await;
    carry_out(row(post.clone(), "/tokens/revoke", &[], Some(json!({ "jti": "t" })), "token.revoke")).await;
    let keys = json!({ "certificates": [Party::new().certificate] });
    let issuer = |scope: &str| Some(json!({ "issuer": "https://i.example", "keys": keys, "scope": scope }));
    carry_out(row(post.clone(), "/issuers", &[], issuer("a"), "issuer.create")).await;
    let named = ["?issuer=https://i.example"];
    carry_out(row(Method::PUT, "/issuers/one", &named, issuer("b"), "issuer.edit")).await;
    carry_out(row(Method::DELETE, "/issuers/one", &named, None, "issuer.remove")).await;
    let kind = |title: &str| Some(json!({ "name": "payment", "title": title, "fields": {} }));
    carry_out(row(post.clone(), "/authorization-types", &[], kind("A"), "authorization_type.create")).await;
    let types = "/authorization-types/{name}";
    carry_out(row(Method::PUT, types, &["payment"], kind("B"), "authorization_type.edit")).await;
    carry_out(row(Method::DELETE, types, &["payment"], None, "authorization_type.delete")).await;
    let new = Some(json!({ "note": "partner", "scope": "orders:read", "uses": 1, "expires_in": 60 }));
    let tokens = "/registration-tokens";
    let made = carry_out(row(post.clone(), tokens, &[], new, "registration_token.create")).await.json();
    assert!(made["initial_access_token"].as_str().unwrap().starts_with("bw_it_"));
    let id = made["id"].as_str().unwrap();
    assert_eq!(api.get(tokens).await.json()["items"][0]["id"], id);
    let one = "/registration-tokens/{id}";
    carry_out(row(Method::DELETE, one, &[id], None, "registration_token.revoke")).await;
    assert_eq!(api.get(tokens).await.json()["items"], json!([]));
    carry_out(row(post, "/keys/rotate", &[], Some(json!({})), "key.rotate")).await;

    let description: Value = serde_json::from_str(&bearward::http::openapi().unwrap()).unwrap();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in
            methods.as_object().unwrap().keys().filter(|m| ["post", "put", "patch", "delete"].contains(&m.as_str()))
        {
            // It is asked by POST, as a token is no part of a URL, and changes nothing (`tokens`).
            let reads = path == "/tokens/lookup";
            assert!(
                reads || covered.contains(&(path.as_str(), method.clone())),
                "{method} {path} changes something unseen"
            );
        }
    }
    // Nothing that opens a door, in any of what was there before and after.
    let all = serde_json::to_string(&entries().await).unwrap();
    for secret in ["argon2", "digest", "password\":", "sealed", "bw_cs_", "bw_it_", "PRIVATE"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    assert_eq!(api.server.get(ISSUER).await.status, StatusCode::NOT_FOUND);
}
