//! What is refused of the authserver's own tokens, and what can be made of them, and in which words: RFC 6750 §3.

use crate::jwt;
use crate::oauth::Oauth;
use aws_lc_rs::hmac;
use bearward_tests::issuer;
use bearward_tests::stack::Stack;
use serde_json::{Value, json};

/// Tokens of the real authserver, and what can be made of them without its key.
pub async fn of_the_authservers_tokens(stack: &Stack) {
    let service = Oauth::service(stack);
    let read = service.client_credentials(&["orders:read"]).await.access;
    let (header, claims) = (jwt::header(&read), jwt::claims(&read));
    let unsigned = issuer::signing_input(&json!({ "typ": "at+jwt", "alg": "none" }), &claims);
    let jwks: Value = stack.http.get(format!("{}/oauth2/jwks", stack.url)).send().await.unwrap().json().await.unwrap();
    let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap().to_string();
    let confused = hs256(&json!({ "typ": "at+jwt", "alg": "HS256", "kid": header["kid"] }), &claims, key.as_bytes());
    let (signed, signature) = read.rsplit_once('.').unwrap();
    let flipped = format!("{}{}", if signature.starts_with('A') { 'B' } else { 'A' }, &signature[1..]);

    let url = format!("{}/orders/1", stack.url);
    let gate = Gate { http: &stack.http, realm: &stack.url };
    gate.refuses(stack.http.get(&url), 401, None).await;
    gate.refuses(stack.http.get(&url).bearer_auth("junk"), 401, invalid("the access token is malformed")).await;
    let algorithm = "the access token's algorithm is not accepted";
    gate.refuses(stack.http.get(&url).bearer_auth(format!("{unsigned}.")), 401, invalid(algorithm)).await;
    gate.refuses(stack.http.get(&url).bearer_auth(confused), 401, invalid(algorithm)).await;
    let forged = format!("{signed}.{flipped}");
    gate.refuses(stack.http.get(&url).bearer_auth(forged), 401, invalid("the access token's signature is not valid"))
        .await;
    let missing = Some(Said {
        error: "insufficient_scope",
        description: "the access token lacks a scope",
        scope: Some("orders:write"),
    });
    gate.refuses(stack.http.post(&url).bearer_auth(&read), 403, missing).await;
    // The same token, unchanged, is good.
    assert_eq!(stack.status("/orders/1", &read).await.unwrap(), 200);
}

/// The challenge's error.
#[derive(Clone, Copy)]
struct Said {
    error: &'static str,
    description: &'static str,
    scope: Option<&'static str>,
}

fn invalid(description: &'static str) -> Option<Said> {
    Some(Said { error: "invalid_token", description, scope: None })
}

/// A gateway, and what is tried at it.
struct Gate<'a> {
    http: &'a reqwest::Client,
    realm: &'a str,
}

impl Gate<'_> {
    async fn refuses(&self, request: reqwest::RequestBuilder, status: u16, said: Option<Said>) {
        let answer = self.http.execute(request.build().unwrap()).await.unwrap();
        let mut challenge = format!("Bearer realm=\"{}\"", self.realm);
        if let Some(said) = said {
            challenge += &format!(", error=\"{}\", error_description=\"{}\"", said.error, said.description);
            if let Some(scope) = said.scope {
                challenge += &format!(", scope=\"{scope}\"");
            }
        }
        let given: Vec<_> = answer.headers().get_all("www-authenticate").iter().map(|v| v.to_str().unwrap()).collect();
        assert_eq!((answer.status().as_u16(), given), (status, vec![challenge.as_str()]));
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let body = answer.text().await.unwrap();
        match said {
            None => assert_eq!(body, ""),
            Some(said) => {
                let body: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(body, json!({ "error": said.error, "error_description": said.description }));
            }
        }
    }
}

fn hs256(header: &Value, claims: &Value, key: &[u8]) -> String {
    let input = issuer::signing_input(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), input.as_bytes());
    issuer::with_signature(&input, tag.as_ref())
}
