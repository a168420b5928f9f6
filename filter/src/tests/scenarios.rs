//! The table that real Envoys are held to as well (tests/scenarios), in a fake one.

use super::*;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use bearward_scenarios::{ES256, Key, Outcome, RS256, Sign, concerns};
use serde_json::{Value, json};

struct Issuer(RsaKeyPair);

impl Issuer {
    fn jwks(&self) -> Vec<u8> {
        let mut set: Value = serde_json::from_slice(&jwks(&[ES256])).unwrap();
        let rsa: PublicKeyComponents<Vec<u8>> = self.0.public_key().into();
        let rsa = json!({ "kty": "RSA", "kid": RS256, "n": base64_url(&rsa.n), "e": base64_url(&rsa.e) });
        set["keys"].as_array_mut().unwrap().push(rsa);
        set.to_string().into_bytes()
    }
}

impl Sign for Issuer {
    fn sign(&self, key: Key, input: &[u8]) -> Vec<u8> {
        if key == Key::Rs256 {
            let mut signature = vec![0; self.0.public_modulus_len()];
            self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut signature).unwrap();
            return signature;
        }
        let signature: Signature = signer(if key == Key::Stranger { "stranger" } else { ES256 }).sign(input);
        signature.to_bytes().to_vec()
    }

    fn public(&self) -> Vec<u8> {
        signer(ES256).verifying_key().to_sec1_point(false).as_bytes().to_vec()
    }
}

#[test]
fn every_scenario_ends_as_the_table_says() {
    let issuer = Issuer(RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
    let mut envoy = FakeEnvoy::new(1, &bearward_scenarios::config(ISSUER).to_string());
    *envoy.world.verify.borrow_mut() = Some(Box::new(vectors::verify_signature));
    envoy.pass(10);
    envoy.answer(JWKS, 200, &issuer.jwks());
    envoy.answer(FEED, 200, &page(true, false, "c0", &[]));
    for row in bearward_scenarios::all() {
        let name = row.name;
        let now = i64::try_from(envoy.world.now_ms.get() / 1_000).unwrap();
        let token = row.token.make(&issuer, ISSUER, now);
        let headers = row.headers(&token);
        let mut all: Vec<(&str, &[u8])> =
            vec![(":method", row.method.as_bytes()), (":path", row.path), (":authority", b"api.example")];
        all.extend(headers.iter().map(|(name, value)| (*name, value.as_slice())));
        let id = envoy.send(0, &all);
        if outcome(&envoy, 0, id) == 0 {
            // It waits for a key that nobody published: the set is fetched once more.
            envoy.pass(10);
            envoy.answer(JWKS, 200, &issuer.jwks());
            envoy.pass(10);
        }
        let stream = envoy.stream(0, id);
        let reply = stream.reply.unwrap_or_default();
        match row.outcome {
            Outcome::Passed(expected) => {
                assert!(stream.resumed, "{name}: {reply:?}");
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec());
                let named = stream.headers.iter().map(|(name, value)| (text(name).unwrap(), value));
                let mut seen: Vec<_> = named.filter(|(name, _)| concerns(name)).collect();
                seen.sort();
                let seen: Vec<_> = seen.iter().map(|(n, v)| (n.as_str(), text(v).unwrap())).collect();
                let expected: Vec<_> = expected.into_iter().map(|(n, v)| (n, v.to_owned())).collect();
                assert_eq!(seen, expected, "{name}");
            }
            Outcome::Refused(refused) => {
                let challenges = reply.headers.iter().filter(|(name, _)| name == "www-authenticate");
                let challenges: Vec<_> = challenges.map(|(_, value)| value.clone()).collect();
                let expected = (refused.status, refused.challenges(ISSUER), refused.body());
                assert_eq!((reply.status, challenges, reply.body.clone()), expected, "{name}");
                assert_eq!(reply.header("cache-control"), Some("no-store"), "{name}");
                assert!(reply.details.starts_with("bearward_") && !stream.resumed, "{name}");
            }
            Outcome::Status(status) => assert_eq!((reply.status, stream.resumed), (status, false), "{name}"),
        }
    }
}

/// What a call may come to, besides a good answer.
const NO_ANSWERS: &[(&str, u16, &[u8])] = &[
    ("nobody answered", 503, b"upstream connect error or disconnect/reset before headers"),
    ("it took too long", 504, b"upstream request timeout"),
    ("it broke off, or was beyond Envoy's buffer", 0, b""),
    ("it failed", 500, b"{\"keys\":[],\"active\":true}"),
    ("it sent us on", 302, b""),
    ("nothing in it", 200, b""),
    ("garbage", 200, b"\xff\xfe\x00garbage"),
    ("JSON of another kind", 200, b"[[1,2],{\"a\":null}]"),
];

#[test]
fn a_call_that_fails_opens_nothing() {
    let config = config_with(|c| {
        c["providers"]["bearward"]["introspection"] = json!({ "cluster": "authserver", "path": "/introspect" });
    });
    let large = vec![b' '; 600 * 1024];
    let oversized = [("far too much of it", 200, large.as_slice())];
    for (about, status, body) in NO_ANSWERS.iter().copied().chain(oversized) {
        for (path, token, expected) in [
            (JWKS, token(), "bearward_keys_unavailable"),
            (FEED, token(), "bearward_revocations_stale"),
            ("/introspect", "opaque".to_owned(), "bearward_introspection_failed"),
        ] {
            let mut envoy = FakeEnvoy::new(1, &config);
            envoy.pass(10);
            for (other, good) in [(JWKS, jwks(&["k1"])), (FEED, page(true, false, "c0", &[]))] {
                if other != path {
                    envoy.answer(other, 200, &good);
                }
            }
            let authorization = format!("Bearer {token}");
            let id = envoy.send(0, &get("/orders/1", &authorization));
            assert_eq!(outcome(&envoy, 0, id), 0, "{path}, {about}: it waits");
            let call = envoy.calls(path).remove(0);
            envoy.answer_call(&call, status, body);
            envoy.pass(2_000);
            let reply = envoy.stream(0, id).reply.unwrap_or_default();
            assert_eq!((reply.status, reply.details.as_str()), (503, expected), "{path}, {about}");
            // It heals by itself: the next answer is as good as a first one.
            envoy.pass(10_000);
            let id = envoy.send(0, &get("/orders/1", &authorization));
            let mut active = serde_json::to_value(claims()).unwrap();
            active["active"] = true.into();
            let good = match path {
                JWKS => jwks(&["k1"]),
                FEED => page(true, false, "c0", &[]),
                _ => active.to_string().into_bytes(),
            };
            let call = envoy.calls(path).remove(0);
            envoy.answer_call(&call, 200, &good);
            envoy.pass(10);
            assert_eq!(outcome(&envoy, 0, id), 200, "{path}, {about}: {:?}", envoy.stream(0, id).reply);
        }
    }
}
