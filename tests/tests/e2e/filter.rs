//! The filter in a real Envoy, beyond what the shipped configuration uses: every algorithm, opaque tokens, DPoP, policies
//! named by routes, filter state, metadata; and Envoy's own jwt_authn beside it, on the same tokens.

use crate::context::Context;
use crate::gateway::Gateway;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
};
use aws_lc_rs::{digest, hmac};
use axum::Router;
use axum::extract::Form;
use axum::http::HeaderMap;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_tests::echo::{self, Echo};
use bearward_tests::envoy::config;
use bearward_tests::issuer::{self, Issuer, claims};
use bearward_tests::stack::{self, local};
use bearward_tests::{demo, ports, wait};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const AUDIENCE: &str = demo::AUDIENCE;

/// One key of each kind, with everything that signs.
struct Keys {
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
    rsa: RsaKeyPair,
    random: SystemRandom,
}

impl Keys {
    fn new() -> Self {
        Self {
            p256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            p384: EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap(),
            ed25519: Ed25519KeyPair::generate().unwrap(),
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            random: SystemRandom::new(),
        }
    }

    fn p256_jwk(&self) -> Value {
        let (x, y) = self.p256.public_key().as_ref()[1..].split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "x": text(x), "y": text(y) })
    }

    /// The public keys; RSA once for each algorithm, as a key that names one is for that one alone.
    fn jwks(&self) -> Value {
        let named = |mut jwk: Value, alg: &str| {
            jwk["kid"] = alg.into();
            jwk["alg"] = alg.into();
            jwk
        };
        let rsa: PublicKeyComponents<Vec<u8>> = self.rsa.public_key().into();
        let rsa = json!({ "kty": "RSA", "n": text(&rsa.n), "e": text(&rsa.e) });
        let (x, y) = self.p384.public_key().as_ref()[1..].split_at(48);
        let mut keys = vec![
            named(self.p256_jwk(), "ES256"),
            named(json!({ "kty": "EC", "crv": "P-384", "x": text(x), "y": text(y) }), "ES384"),
            named(json!({ "kty": "OKP", "crv": "Ed25519", "x": text(self.ed25519.public_key().as_ref()) }), "EdDSA"),
        ];
        keys.extend(RSA.iter().map(|(alg, _)| named(rsa.clone(), alg)));
        json!({ "keys": keys })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = issuer::signing_input(header, claims);
        let message = input.as_bytes();
        let signature = match header["kid"].as_str().or(header["alg"].as_str()).unwrap() {
            "ES256" => self.p256.sign(&self.random, message).unwrap().as_ref().to_vec(),
            "ES384" => self.p384.sign(&self.random, message).unwrap().as_ref().to_vec(),
            "EdDSA" => self.ed25519.sign(message).as_ref().to_vec(),
            alg => {
                let (_, encoding) = RSA.iter().find(|(name, _)| *name == alg).unwrap();
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                self.rsa.sign(*encoding, &self.random, message, &mut signature).unwrap();
                signature
            }
        };
        issuer::with_signature(&input, &signature)
    }
}

const RSA: [(&str, &'static dyn RsaEncoding); 6] = [
    ("RS256", &RSA_PKCS1_SHA256),
    ("RS384", &RSA_PKCS1_SHA384),
    ("RS512", &RSA_PKCS1_SHA512),
    ("PS256", &RSA_PSS_SHA256),
    ("PS384", &RSA_PSS_SHA384),
    ("PS512", &RSA_PSS_SHA512),
];
const PUBLIC: [&str; 9] = ["ES256", "ES384", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn hs256(claims: &Value) -> String {
    let input = issuer::signing_input(&json!({ "alg": "HS256", "typ": "JWT" }), claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), input.as_bytes());
    issuer::with_signature(&input, tag.as_ref())
}

async fn seen(request: reqwest::RequestBuilder) -> Echo {
    request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
}

fn read_orders() -> Value {
    json!([{ "match": { "prefix": "/orders" }, "require": { "scopes": ["orders:read"] } }])
}

/// Every algorithm, from inline keys and from a secret; the token in every place; what the service and the log are told.
pub async fn every_algorithm_and_place(context: &Context) {
    let keys = Keys::new();
    let plugin = |url: &str| {
        json!({
            "providers": {
                "keys": { "issuer": url, "audiences": [AUDIENCE], "jwks": { "inline": keys.jwks() } },
                "secret": {
                    "issuer": "https://secret.example", "audiences": [AUDIENCE], "types": ["JWT"],
                    "required_claims": ["sub"], "hmac": { "secret": SECRET },
                },
            },
            "credentials": [{ "header": "authorization" }, { "query": "access_token" }, { "cookie": "at" }],
            "rules": read_orders(),
            "resource": { "identifier": url },
            "forward": {
                "headers": { "x-auth-subject": "sub", "x-roles": { "claim": "realm.roles", "separator": "," } },
                "payload": "x-claims",
                "state": { "subject": "sub" },
            },
        })
    };
    let gateway = Gateway::start(context, 2, Router::new(), plugin, |config| {
        let text =
            config.to_string().replace("%DURATION%ms", "%DURATION%ms subject=%FILTER_STATE(wasm.subject:PLAIN)%");
        *config = serde_json::from_str(&text).unwrap();
    })
    .await;
    let url = &gateway.url;
    let mut good = claims(url, AUDIENCE, "orders:read", "1");
    good["realm"] = json!({ "roles": ["a", "b"] });
    for alg in PUBLIC {
        let token = keys.sign(&issuer::header(alg, alg), &good);
        assert_eq!(gateway.bearer("/orders/1", &token).await, 200, "{alg}");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
        let forged = format!("{signed}.{flipped}{}", &signature[1..]);
        assert_eq!(gateway.bearer("/orders/1", &forged).await, 401, "{alg}");
    }
    let mut shared = good.clone();
    shared["iss"] = "https://secret.example".into();
    assert_eq!(gateway.bearer("/orders/1", &hs256(&shared)).await, 200);
    assert_eq!(gateway.bearer("/orders/1", &hs256(&good)).await, 401, "a secret is for its own issuer");

    let token = keys.sign(&issuer::header("ES256", "ES256"), &good);
    let echo = seen(gateway.get(&format!("/orders/1?x=1&access_token={token}&y=2"))).await;
    assert_eq!(echo.path, "/orders/1?x=1&y=2");
    assert_eq!(echo.headers["x-roles"], "a,b");
    let payload: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&echo.headers["x-claims"]).unwrap()).unwrap();
    assert_eq!(payload, good);
    let echo = seen(gateway.get("/orders/1").header("cookie", format!("a=1; at={token}"))).await;
    assert_eq!(echo.headers["cookie"], "a=1");
    let twice = gateway.get(&format!("/orders/1?access_token={token}")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(twice.status(), 400);

    let metadata = gateway.get("/.well-known/oauth-protected-resource").send().await.unwrap();
    assert_eq!(metadata.json::<Value>().await.unwrap()["resource"], *url);
    for (method, status) in [("OPTIONS", 204), ("HEAD", 200), ("DELETE", 405)] {
        let at = format!("{url}/.well-known/oauth-protected-resource");
        let answer = gateway.http.request(method.parse().unwrap(), at).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["access-control-allow-origin"]),
            (status, &"*".parse().unwrap())
        );
    }
    let refused = gateway.get("/orders/1").send().await.unwrap();
    let named = format!("resource_metadata=\"{url}/.well-known/oauth-protected-resource\"");
    assert!(refused.headers()["www-authenticate"].to_str().unwrap().contains(&named));
    let grpc = gateway.http.post(format!("{url}/orders/1")).header("content-type", "application/grpc").send();
    let grpc = grpc.await.unwrap();
    assert_eq!((grpc.status().as_u16(), grpc.headers()["grpc-status"].to_str().unwrap()), (200, "16"));

    wait::until("the access log to name the subject", Duration::from_secs(15), async || {
        let log = gateway.envoy.child.tail(200);
        if log.contains("subject=tester") { Ok(()) } else { Err(log) }
    })
    .await
    .unwrap();
    gateway.no_vm_was_replaced().await;
}

/// Opaque tokens, DPoP proofs, a policy that the route names, and what the filter vouches for.
pub async fn opaque_bound_and_routed(context: &Context) {
    let keys = Arc::new(Keys::new());
    let asked = Arc::new(AtomicU32::new(0));
    let jkt = text(digest::digest(&digest::SHA256, canonical(&keys.p256_jwk()).as_bytes()).as_ref());
    let introspect = {
        let (asked, jkt) = (asked.clone(), jkt.clone());
        async move |headers: HeaderMap, Form(form): Form<BTreeMap<String, String>>| {
            asked.fetch_add(1, Ordering::Relaxed);
            assert_eq!(headers["authorization"], "Basic bWVzaDpzM2NyZXQ="); // mesh:s3cret
            let mut answer = introspected(form["token"] != "unknown");
            if form["token"] == "bound" {
                answer["cnf"] = json!({ "jkt": jkt });
            }
            ([("content-type", "application/json")], answer.to_string())
        }
    };
    let authserver = Router::new()
        .route("/introspect", post(introspect))
        .merge(Issuer::new().unwrap().router())
        .fallback_service(echo::router());
    let plugin = |url: &str| {
        json!({
            "providers": { "opaque": {
                "issuer": url, "audiences": [AUDIENCE],
                "introspection": introspection(),
                "revocations": { "cluster": "authserver", "path": "/mesh/revocations" },
            } },
            "rules": read_orders(),
            "policies": { "open": { "allow": "anonymous" } },
            "route_policy": {},
            "oauth": { "cluster": "authserver", "prefixes": ["/oauth2/"], "gateway_secret": SECRET },
            "forward": { "headers": { "x-auth-subject": "sub" } },
        })
    };
    let gateway = Gateway::start(context, 2, authserver, plugin, |config| {
        let routes =
            "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes";
        let routes = config.pointer_mut(routes).unwrap().as_array_mut().unwrap();
        let mut open = routes.last().unwrap().clone();
        open["name"] = "open".into();
        open["match"] = json!({ "prefix": "/open" });
        open["metadata"] = json!({ "filter_metadata": { "bearward": { "policy": "open" } } });
        routes.insert(0, open);
    })
    .await;
    let url = &gateway.url;
    wait::until("the first answer", Duration::from_secs(20), async || {
        match gateway.bearer("/orders/1", "opaque").await {
            200 => Ok(()),
            status => Err(format!("it answers {status}")),
        }
    })
    .await
    .unwrap();
    let before = asked.load(Ordering::Relaxed);
    let several = (0..20).map(|_| gateway.bearer("/orders/1", "another"));
    for request in several {
        assert_eq!(request.await, 200);
    }
    assert_eq!(asked.load(Ordering::Relaxed), before + 1, "once for both workers");
    assert_eq!(gateway.bearer("/orders/1", "unknown").await, 401);

    // Two workers share what they know of proofs, so whichever gets it, the second is refused.
    let proof = |jti: &str| {
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": keys.p256_jwk() });
        let ath = text(digest::digest(&digest::SHA256, b"bound").as_ref());
        let htu = format!("{url}/orders/1");
        keys.sign(&header, &json!({ "jti": jti, "htm": "GET", "htu": htu, "iat": issuer::unix_now(), "ath": ath }))
    };
    let dpop = async |authorization: &str, proof: &str| {
        let request = gateway.get("/orders/1").header("authorization", authorization).header("dpop", proof);
        let answer = request.send().await.unwrap();
        let challenge = answer.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), challenge.unwrap_or_default())
    };
    assert_eq!(dpop("DPoP bound", &proof("1")).await.0, 200);
    let used = proof("2");
    assert_eq!(dpop("DPoP bound", &used).await.0, 200);
    for _ in 0..5 {
        let (status, challenge) = dpop("DPoP bound", &used).await;
        assert_eq!(status, 401);
        assert!(challenge.contains("error=\"invalid_dpop_proof\""), "{challenge}");
    }
    assert_eq!(dpop("Bearer bound", &proof("3")).await.0, 401, "no downgrade");

    // The route decides.
    seen(gateway.get("/open/x")).await;

    // What goes to the authserver is vouched for.
    let forged = gateway.get("/oauth2/x?a=b").header("x-bearward-gateway", "forged");
    let echo = seen(forged.header("x-bearward-client-address", "10.1.1.1")).await;
    assert_eq!(echo.headers["x-bearward-client-address"], "127.0.0.1");
    let code = &echo.headers["x-bearward-gateway"];
    let [_, seconds, tag] = code.split('.').collect::<Vec<_>>().try_into().unwrap();
    let certificate = echo.headers.get("x-forwarded-client-cert").cloned().unwrap_or_default();
    let message = format!("v1\n{seconds}\nGET\n/oauth2/x?a=b\n{certificate}\n127.0.0.1");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::verify(&key, message.as_bytes(), &URL_SAFE_NO_PAD.decode(tag).unwrap()).unwrap();
    gateway.no_vm_was_replaced().await;
}

/// RFC 7638 §3.
fn canonical(jwk: &Value) -> String {
    format!("{{\"crv\":{},\"kty\":{},\"x\":{},\"y\":{}}}", jwk["crv"], jwk["kty"], jwk["x"], jwk["y"])
}

/// Envoy's own JWT filter in the same Envoy says the same of the same tokens, but for what is listed.
pub async fn as_jwt_authn(context: &Context) {
    let keys = Keys::new();
    let other = local(ports::free().unwrap());
    let jwks = keys.jwks();
    let plugin = |url: &str| {
        json!({
            "providers": { "keys": { "issuer": url, "audiences": [AUDIENCE], "jwks": { "inline": jwks } } },
            "rules": read_orders(),
        })
    };
    let gateway = Gateway::start(context, 2, Router::new(), plugin, |config| {
        let issuer = config::filter(config).unwrap()["configuration"]["value"]["providers"]["keys"]["issuer"].clone();
        let listeners = config.pointer_mut("/static_resources/listeners").unwrap().as_array_mut().unwrap();
        let mut second = listeners[0].clone();
        second["name"] = "jwt_authn".into();
        second["address"] = json!({ "socket_address": { "address": "127.0.0.1", "port_value": other.port() } });
        *second.pointer_mut("/filter_chains/0/filters/0/typed_config/http_filters/0").unwrap() = json!({
            "name": "envoy.filters.http.jwt_authn",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
                "providers": { "keys": {
                    "issuer": issuer, "audiences": [AUDIENCE], "local_jwks": { "inline_string": jwks.to_string() },
                } },
                "rules": [{ "match": { "prefix": "/orders" }, "requires": { "provider_name": "keys" } }],
            },
        });
        listeners.push(second);
    })
    .await;
    let url = &gateway.url;
    let now = issuer::unix_now();
    let good = claims(url, AUDIENCE, "orders:read", "1");
    let with = |name: &str, value: Value| {
        let mut changed = good.clone();
        changed[name] = value;
        keys.sign(&issuer::header("ES256", "ES256"), &changed)
    };
    let headed = |header: Value| keys.sign(&header, &good);
    let (sound, reason) = (None::<&str>, Some);
    let mut corpus: Vec<(String, String, Option<&str>)> = PUBLIC
        .iter()
        .map(|alg| (format!("signed by {alg}"), keys.sign(&issuer::header(alg, alg), &good), sound))
        .collect();
    let token = headed(issuer::header("ES256", "ES256"));
    let unsigned = issuer::signing_input(&json!({ "typ": "at+jwt", "alg": "none" }), &good);
    let typ =
        reason("jwt_authn does not look at typ, so it takes an ID token for an access token (RFC 9068 section 4)");
    let crit = reason("jwt_authn does not look at crit, which RFC 7515 section 4.1.11 has refused");
    let future = reason("jwt_authn does not look at iat; here a token from the future could slip under a cutoff");
    let claims9068 = reason("jwt_authn does not require what RFC 9068 section 2.2 does");
    let bound = reason("jwt_authn takes a bound token as a bearer token (RFC 7800 section 3.1)");
    corpus.extend([
        ("no signature".to_owned(), format!("{}.", token.rsplit_once('.').unwrap().0), sound),
        ("another payload".to_owned(), token.replacen('.', ".e30", 1), sound),
        ("alg none".to_owned(), format!("{unsigned}."), sound),
        ("junk".to_owned(), "junk".to_owned(), sound),
        ("two parts".to_owned(), "a.b".to_owned(), sound),
        ("four parts".to_owned(), format!("{token}.x"), sound),
        ("expired".to_owned(), with("exp", json!(now - 3600)), sound),
        ("expired within the skew".to_owned(), with("exp", json!(now - 30)), sound),
        ("not yet".to_owned(), with("nbf", json!(now + 3600)), sound),
        ("wrong audience".to_owned(), with("aud", json!("x")), sound),
        ("one of several audiences".to_owned(), with("aud", json!(["x", AUDIENCE])), sound),
        ("no audience".to_owned(), with("aud", Value::Null), sound),
        ("another issuer".to_owned(), with("iss", json!("x")), sound),
        ("exp that is text".to_owned(), with("exp", json!("soon")), sound),
        (
            "a key for another algorithm".to_owned(),
            headed(json!({ "typ": "at+jwt", "alg": "RS256", "kid": "ES256" })),
            sound,
        ),
        (
            "an unknown key".to_owned(),
            keys.sign(&issuer::header("ES256", "ES256"), &good).replacen("eyJ", "eyK", 1),
            sound,
        ),
        ("an ID token's type".to_owned(), headed(json!({ "typ": "JWT", "alg": "ES256", "kid": "ES256" })), typ),
        ("no type".to_owned(), headed(json!({ "alg": "ES256", "kid": "ES256" })), typ),
        (
            "a critical header".to_owned(),
            headed(json!({ "typ": "at+jwt", "alg": "ES256", "kid": "ES256", "crit": ["b64"] })),
            crit,
        ),
        ("from the future".to_owned(), with("iat", json!(now + 3600)), future),
        ("without a client".to_owned(), with("client_id", Value::Null), claims9068),
        ("bound to a key".to_owned(), with("cnf", json!({ "jkt": text(&[7; 32]) })), bound),
    ]);
    let doubled = good.to_string().replacen("\"sub\":", "\"sub\":\"mallory\",\"sub\":", 1);
    let input =
        format!("{}.{}", text(issuer::header("ES256", "ES256").to_string().as_bytes()), text(doubled.as_bytes()));
    let signature = keys.p256.sign(&keys.random, input.as_bytes()).unwrap();
    corpus.push(("a claim that comes twice".to_owned(), issuer::with_signature(&input, signature.as_ref()), sound));
    for (name, token, differs) in corpus {
        let ours = gateway.bearer("/orders/1", &token).await;
        let theirs = gateway.http.get(format!("http://{other}/orders/1")).bearer_auth(&token).send().await.unwrap();
        let theirs = theirs.status().as_u16();
        // What jwt_authn calls a wrong audience (403) is an invalid token in RFC 6750 §3.1 (401).
        let verdict = |status: u16| if status == 200 { "passes" } else { "is refused" };
        match differs {
            None => assert_eq!(verdict(ours), verdict(theirs), "{name}: {ours} here, {theirs} there"),
            Some(reason) => assert_eq!((ours, theirs), (401, 200), "{name}: {reason}"),
        }
    }
    gateway.no_vm_was_replaced().await;
}

/// However many workers there are, one of all VMs fetches the keys, and one follows the feed.
pub async fn eight_workers_are_one(context: &Context) {
    let keys = Keys::new();
    let fetched = Arc::new(AtomicU32::new(0));
    let (jwks, count) = (keys.jwks().to_string(), fetched.clone());
    let handler = async move || {
        count.fetch_add(1, Ordering::Relaxed);
        ([("content-type", "application/json")], jwks)
    };
    let jwks = Router::new().route("/oauth2/jwks", axum::routing::get(handler));
    let authserver = jwks.fallback_service(Issuer::new().unwrap().router());
    let plugin = |url: &str| {
        json!({
            "providers": { "ours": {
                "issuer": url, "audiences": [AUDIENCE],
                "jwks": { "cluster": "authserver", "path": "/oauth2/jwks" },
                "revocations": { "cluster": "authserver", "path": "/mesh/revocations" },
            } },
            "rules": read_orders(),
        })
    };
    let gateway = Gateway::start(context, 8, authserver, plugin, |_| {}).await;
    let token = keys.sign(&issuer::header("ES256", "ES256"), &claims(&gateway.url, AUDIENCE, "orders:read", "1"));
    wait::until("a token to open a route", Duration::from_secs(20), async || {
        match gateway.bearer("/orders/1", &token).await {
            200 => Ok(()),
            status => Err(format!("it answers {status}")),
        }
    })
    .await
    .unwrap();
    for _ in 0..40 {
        // A connection of its own, so that all workers get some.
        let http = stack::client().unwrap();
        let answer = http.get(format!("{}/orders/1", gateway.url)).bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(fetched.load(Ordering::Relaxed), 1);
    let log = gateway.envoy.child.tail(10_000);
    assert_eq!(log.matches("follows the revocation feed").count(), 1, "{log}");
    gateway.no_vm_was_replaced().await;
}

/// Where opaque tokens are asked about.
fn introspection() -> Value {
    json!({ "cluster": "authserver", "path": "/introspect", "client_id": "mesh", "client_secret": "s3cret" })
}

/// What is said of one.
fn introspected(active: bool) -> Value {
    let mut answer = claims("", AUDIENCE, "orders:read", "1");
    answer["iss"] = Value::Null; // which an answer need not name
    answer["active"] = active.into();
    answer
}

/// One question to the issuer, two who wait for its answer; the one who asked hangs up.
pub async fn who_hangs_up_takes_no_answer_along(context: &Context) {
    let asked = Arc::new(AtomicU32::new(0));
    let (release, released) = tokio::sync::watch::channel(false);
    let introspect = {
        let asked = asked.clone();
        async move || {
            asked.fetch_add(1, Ordering::Relaxed);
            released.clone().wait_for(|released| *released).await.unwrap();
            ([("content-type", "application/json")], introspected(true).to_string())
        }
    };
    let authserver = Router::new().route("/introspect", post(introspect));
    let plugin = |url: &str| {
        json!({
            "providers": { "opaque": {
                "issuer": url, "audiences": [AUDIENCE],
                "introspection": introspection(),
            } },
            "rules": read_orders(),
        })
    };
    let gateway = Gateway::start(context, 1, authserver, plugin, |_| {}).await;
    let active = async |wanted: u64| {
        wait::until("requests to come and go", Duration::from_secs(10), async || {
            match gateway.envoy.stat("http.gateway.downstream_rq_active").await {
                Ok(active) if active == wanted => Ok(()),
                other => Err(format!("{other:?} are there")),
            }
        })
        .await
        .unwrap();
    };
    let request = gateway.get("/orders/1").bearer_auth("slow").send();
    let first = tokio::spawn(request);
    wait::until("the question", Duration::from_secs(10), async || match asked.load(Ordering::Relaxed) {
        1 => Ok(()),
        other => Err(format!("{other} questions")),
    })
    .await
    .unwrap();
    first.abort();
    active(0).await;
    let second = tokio::spawn(gateway.get("/orders/1").bearer_auth("slow").send());
    active(1).await;
    release.send(true).unwrap();
    assert_eq!(second.await.unwrap().unwrap().status(), 200);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    gateway.no_vm_was_replaced().await;
}
