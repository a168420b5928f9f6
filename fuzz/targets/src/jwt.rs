//! Access tokens. An input is either `T` and a token, or `J`, a header, a line feed and a payload, which is then signed
//! as the header says. The first must never verify unless it was signed here; the second must verify exactly if a plain
//! reading of RFC 9068 §4 says so.

use crate::{json, keys};
use bearward_token::jwk::{KeySet, PublicKey};
use bearward_token::jws::{Algorithm, Compact, MAX_TOKEN};
use bearward_token::refusal::Refusal;
use bearward_token::signature::{PureRust, SignatureVerifier as _};
use bearward_token::verify::{Expectation, Unverified, Verified};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm as TheirAlgorithm, DecodingKey, crypto};
use serde_json::{Value, json};
use std::sync::OnceLock;

/// Unix time in seconds, for every target.
pub(crate) const NOW: u64 = 1_800_000_000;
/// Whose tokens are taken.
pub(crate) const ISSUER: &str = "http://127.0.0.1:8080";
/// Whom they must be for.
pub(crate) const AUDIENCE: &str = "https://api.example";
const SKEW: u64 = 60;

struct World {
    set: KeySet,
    secret: KeySet,
    expectation: Expectation,
    /// What was signed here and can stand in the corpus.
    signed: Vec<String>,
    theirs: JwkSet,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let jwks = keys::jwks();
        World {
            set: KeySet::from_json(&jwks, None).unwrap(),
            secret: KeySet::of(PublicKey::from_secret(keys::SECRET, Algorithm::HS256).unwrap()),
            expectation: Expectation::rfc9068(ISSUER.to_owned(), vec![AUDIENCE.to_owned()]),
            signed: good().into_iter().map(|token| token.rsplit_once('.').unwrap().0.to_owned()).collect(),
            theirs: serde_json::from_value(jwks).unwrap(),
        }
    })
}

/// Tokens that are good, one for each algorithm.
pub(crate) fn good() -> [String; 3] {
    let sign = |header: Value, sign: fn(&[u8]) -> Vec<u8>| {
        let input = keys::signing_input(header.to_string().as_bytes(), claims().to_string().as_bytes());
        let signature = sign(input.as_bytes());
        format!("{input}.{}", keys::base64_url(&signature))
    };
    [
        sign(json!({ "alg": "ES256", "kid": "k1", "typ": "at+jwt" }), |input| keys::es256("k1", input)),
        sign(json!({ "alg": "EdDSA", "kid": "k2", "typ": "at+jwt" }), keys::eddsa),
        sign(json!({ "alg": "HS256", "typ": "at+jwt" }), keys::hs256),
    ]
}

/// The claims of a good token.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "client_id": "demo", "scope": "orders:read",
        "iat": NOW, "exp": NOW + 300, "jti": "t1", "gid": "g1",
    })
}

/// See the module.
pub fn run(data: &[u8]) {
    match data.split_first() {
        Some((b'T', token)) => {
            if let Ok(token) = str::from_utf8(token) {
                as_it_is(token);
            }
        }
        Some((b'J', texts)) => {
            if let Some(at) = texts.iter().position(|b| *b == b'\n') {
                signed(&texts[..at], &texts[at + 1..]);
            }
        }
        _ => {}
    }
}

fn as_it_is(token: &str) {
    let compact = Compact::parse(token);
    if let Ok(compact) = &compact {
        // One text for one token: nothing that is left out when it is read.
        let written = [&compact.header, &compact.payload, &compact.signature].map(|part| keys::base64_url(part));
        assert_eq!(written.join("."), token);
        assert!(token.starts_with(str::from_utf8(compact.signing_input).unwrap()));
        agree_with_another_library(compact);
    }
    if let Ok(verified) = verify(token) {
        let input = token.rsplit_once('.').unwrap().0;
        assert!(world().signed.iter().any(|signed| signed == input), "a token that nobody signed");
        assert_eq!(verified.claims().get("sub"), Some(&"alice".into()));
        for altered in altered(token) {
            assert!(verify(&altered).is_err(), "altered, and good all the same: {altered}");
        }
    }
}

/// The same signature under the same key, by `jsonwebtoken` with AWS-LC.
fn agree_with_another_library(compact: &Compact<'_>) {
    let Ok(header) = serde_json::from_slice::<Value>(&compact.header) else { return };
    let (algorithm, theirs) = match header["alg"].as_str() {
        Some("ES256") => (Algorithm::ES256, TheirAlgorithm::ES256),
        Some("EdDSA") => (Algorithm::EdDSA, TheirAlgorithm::EdDSA),
        _ => return,
    };
    let Some(key) = world().set.find(header["kid"].as_str(), algorithm).filter(|key| key.permits(algorithm)) else {
        return;
    };
    let jwk: &Jwk = world().theirs.find(key.kid().unwrap()).unwrap();
    let signature = keys::base64_url(&compact.signature);
    let key_of_theirs = DecodingKey::from_jwk(jwk).unwrap();
    let good = crypto::verify(&signature, compact.signing_input, &key_of_theirs, theirs).unwrap_or(false);
    let ours = PureRust.verify(key, algorithm, compact.signing_input, &compact.signature).is_ok();
    assert_eq!(ours, good, "of one signature, two verdicts");
}

/// Some tokens that differ from this one in one character.
fn altered(token: &str) -> impl Iterator<Item = String> {
    let seed = token.len();
    (0..4).map(move |n| {
        let mut bytes = token.as_bytes().to_vec();
        let at = (seed * 31 + n * bytes.len() / 4 + n * 7) % bytes.len();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    })
}

fn signed(header: &[u8], payload: &[u8]) {
    let token = keys::signed(header, payload);
    let verdict = verify(&token);
    let expected = token.len() <= MAX_TOKEN && is_good(header, payload).is_some();
    assert_eq!(verdict.is_ok(), expected, "{:?}", verdict.map(drop));
    if let Ok(verified) = verdict {
        let claims: Value = serde_json::from_slice(payload).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&verified.claims().to_json()).unwrap(), claims);
        assert_eq!(verified.expires_at(), json::seconds(&claims, "exp").unwrap());
        let named = ["jti", "gid", "client_id", "sub"].map(|name| claims[name].is_string());
        assert_eq!(verified.handle().keys.map(|key| key.is_some()), named, "what can be revoked");
    }
}

/// RFC 9068 §4 and what DESIGN says besides, from the texts.
fn is_good(header: &[u8], payload: &[u8]) -> Option<()> {
    let header = json::object(header)?;
    let claims = json::object(payload)?;
    // The set with the secret has one key, without a name.
    let by_secret = json::text(&header, "alg")?? == "HS256" && json::text(&header, "kid")?.is_none();
    let right = by_secret || keys::are_named(&header)?;
    let typ = json::text(&header, "typ")??.to_ascii_lowercase();
    let typed = typ.strip_prefix("application/").unwrap_or(&typ) == "at+jwt";
    let times = ["exp", "iat", "nbf", "auth_time"].map(|name| json::seconds(&claims, name));
    let [exp, iat, nbf, _] = times.map(|time| time.map(|time| time.map(u128::from)));
    let now = u128::from(NOW);
    times[3]?;
    let timely = exp?? + u128::from(SKEW) > now && iat??.max(nbf?.unwrap_or(0)) <= now + u128::from(SKEW);
    let texts = ["sub", "client_id", "jti"].map(|name| json::text(&claims, name).flatten().is_some());
    let optional = ["gid", "acr"].map(|name| json::text(&claims, name).is_some());
    let ours = json::text(&claims, "iss")?? == ISSUER && json::texts(&claims, "aud")?.contains(&AUDIENCE);
    let bound = bound(&claims["cnf"]);
    let good = right && typed && timely && texts == [true; 3] && optional == [true; 2] && ours && bound;
    (good && header["crit"].is_null()).then_some(())
}

/// Whether `cnf` is absent, or names only what is checked.
fn bound(cnf: &Value) -> bool {
    let digest = |value: &Value| {
        use base64::Engine as _;
        let text = value.as_str().unwrap_or_default();
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
    };
    match cnf {
        Value::Null => true,
        Value::Object(members) => {
            let known = |(name, value): (&String, &Value)| matches!(name.as_str(), "jkt" | "x5t#S256") && digest(value);
            !members.is_empty() && members.iter().all(known)
        }
        _ => false,
    }
}

fn verify(token: &str) -> Result<Verified, Refusal> {
    let world = world();
    let compact = Compact::parse(token).map_err(|_| Refusal::MalformedToken)?;
    let checked = Unverified::parse(&compact)?.check(&world.expectation, NOW)?;
    // Two issuers, as far as keys go: no provider has a secret beside public keys.
    let set = if checked.algorithm().is_symmetric() { &world.secret } else { &world.set };
    let key = set.find(checked.kid(), checked.algorithm()).ok_or(Refusal::UnknownKey)?;
    checked.verify(key, &PureRust)
}
