//! What is refused, and in which words: RFC 6750 §3.

use crate::context::Context;
use crate::jwt;
use crate::oauth::Oauth;
use aws_lc_rs::hmac;
use bearward_tests::echo;
use bearward_tests::issuer::{self, Issuer};
use bearward_tests::stack::{self, Options, Stack, local};
use bearward_tests::tempdir::TempDir;
use bearward_tests::{demo, ports, wait};
use serde_json::{Value, json};
use std::time::Duration;

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
    let gate = Gate { about: "the authserver's", http: &stack.http, realm: &stack.url };
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

/// Tokens that no authserver would issue, signed with a key that the gateway trusts.
pub async fn of_forged_tokens(context: &Context) {
    let parts = context.parts();
    let dir = TempDir::new().unwrap();
    let issuer = Issuer::new().unwrap();
    let authserver = echo::Server::start(local(ports::free().unwrap()), issuer.router()).await.unwrap();
    let gateway = local(ports::free().unwrap());
    let realm = format!("http://{gateway}");
    let options = Options { workers: 1, ..Options::default() };
    let running = stack::gateway_before(parts, gateway, vec![authserver.address], &realm, &options, &dir);
    let _running = running.await.unwrap();
    let http = stack::client().unwrap();
    let url = format!("{realm}/orders/1");
    let get = async |token: &str| http.get(&url).bearer_auth(token).send().await.unwrap().status().as_u16();

    let claims = issuer::claims(&realm, demo::AUDIENCE, "orders:read", "1");
    let es256 = issuer::header("ES256", issuer::ES256);
    let rs256 = issuer::header("RS256", issuer::RS256);
    let good = issuer.es256(&es256, &claims).unwrap();
    wait::until("the gateway to have keys", Duration::from_secs(20), async || match get(&good).await {
        200 => Ok(()),
        status => Err(format!("it answers {status}")),
    })
    .await
    .unwrap();
    assert_eq!(get(&issuer.rs256(&rs256, &claims).unwrap()).await, 200, "RS256 is accepted as well");

    let gate = Gate { about: "", http: &http, realm: &realm };
    let now = issuer::unix_now();
    let with = |name: &str, value: Value| {
        let mut changed = claims.clone();
        changed[name] = value;
        issuer.es256(&es256, &changed).unwrap()
    };
    let headed = |header: Value| issuer.es256(&header, &claims).unwrap();
    let cases = [
        ("expired", with("exp", json!(now - 3600)), "the access token expired"),
        ("issued in the future", with("iat", json!(now + 3600)), "the access token is not valid yet"),
        ("not valid yet", with("nbf", json!(now + 3600)), "the access token is not valid yet"),
        ("wrong audience", with("aud", json!("https://other.example")), "the access token is for another audience"),
        ("other issuer", with("iss", json!("https://other.example")), "the access token's issuer is not trusted here"),
        ("no expiry", with("exp", Value::Null), "the access token is malformed"),
        (
            "alg none",
            format!("{}.", issuer::signing_input(&json!({ "typ": "at+jwt", "alg": "none" }), &claims)),
            "the access token's algorithm is not accepted",
        ),
        (
            "HS256 signed with the public key",
            hs256(&issuer::header("HS256", issuer::ES256), &claims, &issuer.public_der().unwrap()),
            "the access token's algorithm is not accepted",
        ),
        (
            "ES256 that says RS256",
            headed(issuer::header("RS256", issuer::ES256)),
            "the access token's algorithm is not accepted",
        ),
        (
            "the RSA key for ES256",
            headed(issuer::header("ES256", issuer::RS256)),
            "the access token's algorithm is not accepted",
        ),
        (
            "a key that nobody published",
            headed(issuer::header("ES256", "unknown")),
            "the access token's key is not known",
        ),
        (
            "an ID token",
            headed(json!({ "typ": "JWT", "alg": "ES256", "kid": issuer::ES256 })),
            "the token is not an access token",
        ),
        (
            "a critical header",
            headed(json!({ "typ": "at+jwt", "alg": "ES256", "kid": issuer::ES256, "crit": ["b64"], "b64": false })),
            "the access token has an unknown critical header",
        ),
        (
            "another key's signature",
            Issuer::new().unwrap().es256(&es256, &claims).unwrap(),
            "the access token's signature is not valid",
        ),
    ];
    for (name, token, description) in cases {
        let gate = gate.about(name);
        gate.refuses(http.get(&url).bearer_auth(token), 401, invalid(description)).await;
    }
    assert_eq!(get(&good).await, 200, "and the good one still is");
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
#[derive(Clone, Copy)]
struct Gate<'a> {
    about: &'a str,
    http: &'a reqwest::Client,
    realm: &'a str,
}

impl<'a> Gate<'a> {
    fn about(self, about: &'a str) -> Self {
        Self { about, ..self }
    }

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
        assert_eq!((answer.status().as_u16(), given), (status, vec![challenge.as_str()]), "{}", self.about);
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
