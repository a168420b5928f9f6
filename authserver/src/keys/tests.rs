//! The keys on a real SQLite file, with a clock that the test moves.

use super::lifecycle::{self, Line, Rotation, State};
use super::{KeyError, KeyRing, Keys as _, Sealer};
use crate::config::{KeyPolicy, MasterKey};
use crate::jwt::{Algorithm, Jwt, KeySet};
use crate::model::AuditFilter;
use crate::storage::Store;
use crate::storage::sqlite::SqliteStore;
use crate::testing::{TestClock, env};
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_token::claims::{Audience, Claims};
use bearward_token::jws;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

const START: u64 = 1_800_000_000;
const LIFETIME: Duration = Duration::from_secs(600);

struct Fixture {
    _dir: tempfile::TempDir,
    store: Arc<dyn Store>,
    sealer: Arc<Sealer>,
    clock: Arc<TestClock>,
}

fn policy() -> KeyPolicy {
    KeyPolicy {
        algorithm: Algorithm::ES256,
        more_algorithms: Vec::new(),
        rotate_every: Duration::from_secs(86_400),
        publish_ahead: Duration::from_secs(600),
    }
}

fn sealer(byte: u8) -> Arc<Sealer> {
    Arc::new(Sealer::new(&MasterKey(Zeroizing::new([byte; 32]))))
}

impl Fixture {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&dir.path().join("db"), None).await.unwrap());
        Self { _dir: dir, store, sealer: sealer(1), clock: TestClock::at(START) }
    }

    async fn ring(&self) -> Result<Arc<KeyRing>, KeyError> {
        KeyRing::open(self.store.clone(), self.sealer.clone(), env(&self.clock), policy(), LIFETIME).await
    }

    async fn rotate(&self, now: u64, at_once: bool) -> Rotation {
        lifecycle::rotate(&*self.store, &self.sealer, Line::usual(&policy()), now.cast_signed(), at_once).await.unwrap()
    }

    async fn states(&self, now: u64) -> Vec<State> {
        lifecycle::states(&self.store.signing_keys().await.unwrap(), now.cast_signed())
    }
}

fn claims() -> Claims<'static> {
    Claims {
        iss: "https://issuer.example".into(),
        sub: "alice".into(),
        aud: Audience::One("https://api.example".into()),
        client_id: "web".into(),
        scope: "orders:read".into(),
        iat: START,
        exp: START + 600,
        jti: "j".into(),
        gid: None,
        exchanged_from: Vec::new(),
        exchanged_by: Vec::new(),
        auth_time: None,
        acr: None,
    }
}

fn kid_of(token: &str) -> String {
    let compact = jws::Compact::parse(token).unwrap();
    let header: jws::Header<'_> = serde_json::from_slice(&compact.header).unwrap();
    assert_eq!((header.alg.as_ref(), header.typ.as_deref()), ("ES256", Some("at+jwt")));
    header.kid.unwrap().into_owned()
}

#[tokio::test]
async fn what_is_signed_verifies_and_nothing_else() {
    let fixture = Fixture::new().await;
    let ring = fixture.ring().await.unwrap();
    let token = ring.sign(&claims()).unwrap();
    let payload = ring.verify(&token).unwrap();
    assert_eq!(serde_json::from_slice::<Claims<'_>>(&payload).unwrap(), claims());

    let (input, signature) = token.rsplit_once('.').unwrap();
    assert_eq!(ring.verify(&format!("{input}x.{signature}")), None);
    assert_eq!(ring.verify(&format!("{input}.")), None);
    for header in [
        r#"{"alg":"none","typ":"at+jwt","kid":"KID"}"#,
        r#"{"alg":"HS256","typ":"at+jwt","kid":"KID"}"#,
        r#"{"alg":"ES256","typ":"JWT","kid":"KID"}"#,
        r#"{"alg":"ES256","typ":"at+jwt"}"#,
        r#"{"alg":"ES256","typ":"at+jwt","kid":"other"}"#,
        r#"{"alg":"ES256","typ":"at+jwt","kid":"KID","crit":["x"]}"#,
    ] {
        use base64::Engine as _;
        let header = header.replace("KID", &kid_of(&token));
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header);
        let (_, payload) = input.split_once('.').unwrap();
        assert_eq!(ring.verify(&format!("{header}.{payload}.{signature}")), None);
    }
}

#[tokio::test]
async fn the_set_is_published_without_private_parts() {
    let fixture = Fixture::new().await;
    let ring = fixture.ring().await.unwrap();
    let set: serde_json::Value = serde_json::from_str(&ring.jwks()).unwrap();
    let keys = set["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2, "active and next");
    for key in keys {
        assert_eq!(
            (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
            (&"EC".into(), &"P-256".into(), &"ES256".into(), &"sig".into())
        );
        assert!(key.get("d").is_none());
    }
    assert!(keys.iter().any(|k| k["kid"] == kid_of(&ring.sign(&claims()).unwrap())));
}

#[tokio::test]
async fn another_master_key_is_refused_at_start() {
    let mut fixture = Fixture::new().await;
    fixture.ring().await.unwrap();
    fixture.sealer = sealer(2);
    assert!(matches!(fixture.ring().await, Err(KeyError::Sealed)));
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_after_it_signed() {
    let fixture = Fixture::new().await;
    let ring = fixture.ring().await.unwrap();
    let old = ring.sign(&claims()).unwrap();

    // Asked for 100 s after the next key was published: it signs when it has been published for 600 s.
    let Rotation::Begun { kid: next, activates_at } = fixture.rotate(START + 100, false).await else { panic!() };
    assert_eq!(activates_at.cast_unsigned(), START + 600);
    ring.reload().await.unwrap();
    assert!(ring.jwks().contains(&next), "published before it signs");
    fixture.clock.set(START + 599);
    assert_eq!(kid_of(&ring.sign(&claims()).unwrap()), kid_of(&old));
    // No reload here: the clock alone decides.
    fixture.clock.set(START + 600);
    assert_eq!(kid_of(&ring.sign(&claims()).unwrap()), next);
    assert!(ring.verify(&old).is_some(), "retired, still published");
    let mut states = fixture.states(START + 600).await;
    states.sort_by_key(|s| *s as u8);
    assert_eq!(states, [State::Next, State::Active, State::Retired]);

    // The last token of the old key was signed at +599 and lives 600 s; then the margin for clocks.
    fixture.clock.set(START + 600 + 600 + 300);
    ring.maintain().await.unwrap();
    assert!(ring.verify(&old).is_some());
    fixture.clock.set(START + 600 + 600 + 301);
    ring.maintain().await.unwrap();
    assert_eq!(ring.verify(&old), None);
    assert_eq!(fixture.states(START + 1501).await.len(), 2);
}

#[tokio::test]
async fn an_emergency_rotation_signs_at_once() {
    let fixture = Fixture::new().await;
    let ring = fixture.ring().await.unwrap();
    let old = kid_of(&ring.sign(&claims()).unwrap());
    fixture.clock.set(START + 1);
    let Rotation::Begun { kid, .. } = fixture.rotate(START + 1, true).await else { panic!() };
    ring.reload().await.unwrap();
    assert_eq!(kid_of(&ring.sign(&claims()).unwrap()), kid);
    assert_ne!(kid, old);
}

#[tokio::test]
async fn the_schedule_rotates_once() {
    let fixture = Fixture::new().await;
    let ring = fixture.ring().await.unwrap();
    let first = kid_of(&ring.sign(&claims()).unwrap());
    fixture.clock.set(START + 86_400 - 600 - 1);
    ring.maintain().await.unwrap();
    assert_eq!(fixture.store.signing_keys().await.unwrap().len(), 2, "not due yet");
    fixture.clock.advance(1);
    ring.maintain().await.unwrap();
    ring.maintain().await.unwrap();
    let keys = fixture.store.signing_keys().await.unwrap();
    assert_eq!(keys.len(), 3, "one rotation, not two");
    let log = fixture.store.audit(&AuditFilter::default(), i64::MAX, 10).await.unwrap();
    let entries: Vec<_> = log.iter().map(|entry| (entry.action.as_str(), entry.actor_kind.as_str())).collect();
    assert_eq!(entries, [("key.rotate", "server")]);
    fixture.clock.set(START + 86_400);
    assert_ne!(kid_of(&ring.sign(&claims()).unwrap()), first);
}

#[tokio::test]
async fn a_running_server_learns_of_a_rotation_by_command() {
    let fixture = Fixture::new().await;
    let ring = fixture.ring().await.unwrap();
    let running = tokio::spawn(ring.clone().run());
    let before = kid_of(&ring.sign(&claims()).unwrap());
    fixture.clock.set(START + 1);
    fixture.rotate(START + 1, true).await;
    tokio::time::timeout(Duration::from_secs(10), async {
        while kid_of(&ring.sign(&claims()).unwrap()) == before {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    running.abort();
}

#[tokio::test]
async fn each_algorithm_signs_what_others_can_verify() {
    for algorithm in super::ALGORITHMS {
        let fixture = Fixture::new().await;
        let policy = KeyPolicy { algorithm, ..policy() };
        let open = || {
            let (store, sealer) = (fixture.store.clone(), fixture.sealer.clone());
            KeyRing::open(store, sealer, env(&fixture.clock), policy.clone(), LIFETIME)
        };
        let ring = open().await.unwrap();
        assert_eq!(ring.algorithms(), [algorithm.name()]);
        let token = ring.sign(&claims()).unwrap();
        assert!(ring.verify(&token).is_some(), "{algorithm:?}");
        // Opened again from the database, by the server's own verifier for others, and by another library.
        assert!(open().await.unwrap().verify(&token).is_some(), "{algorithm:?}");
        let published = KeySet::from_jwks(ring.jwks().as_bytes()).unwrap();
        assert!(Jwt::parse(&token).unwrap().verify(&published).is_ok(), "{algorithm:?}");
        let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&ring.jwks()).unwrap();
        let header = jsonwebtoken::decode_header(&token).unwrap();
        assert_eq!(format!("{:?}", header.alg), algorithm.name());
        let key = jsonwebtoken::DecodingKey::from_jwk(set.find(header.kid.as_deref().unwrap()).unwrap()).unwrap();
        let mut rules = jsonwebtoken::Validation::new(header.alg);
        rules.validate_exp = false;
        rules.validate_aud = false;
        assert!(jsonwebtoken::decode::<serde_json::Value>(&token, &key, &rules).is_ok(), "{algorithm:?}");
        // RFC 8725 §3.1: the key says which algorithm it is for.
        let (header, rest) = token.split_once('.').unwrap();
        let header = String::from_utf8(base64::Engine::decode(&URL_SAFE_NO_PAD, header).unwrap()).unwrap();
        for other in super::ALGORITHMS.into_iter().filter(|other| *other != algorithm) {
            let header = header.replace(algorithm.name(), other.name());
            assert_eq!(ring.verify(&format!("{}.{rest}", base64::Engine::encode(&URL_SAFE_NO_PAD, header))), None);
        }
    }
}

#[tokio::test]
async fn a_change_of_algorithm_comes_with_rotation() {
    let fixture = Fixture::new().await;
    let ring = fixture.ring().await.unwrap();
    let old = ring.sign(&claims()).unwrap();
    let policy = KeyPolicy { algorithm: Algorithm::EdDSA, ..policy() };
    for now in [START, START + 2] {
        let line = Line::usual(&policy);
        lifecycle::rotate(&*fixture.store, &fixture.sealer, line, now.cast_signed(), true).await.unwrap();
    }
    fixture.clock.advance(5);
    ring.reload().await.unwrap();
    assert_eq!(ring.algorithms(), ["EdDSA"]);
    let new = ring.sign(&claims()).unwrap();
    assert!(ring.verify(&new).is_some() && ring.verify(&old).is_some(), "both, until the old one is over");
}

#[tokio::test]
async fn each_further_algorithm_has_keys_that_rotate_by_themselves() {
    let fixture = Fixture::new().await;
    // The database of a server that had none of them before.
    let before = kid_of(&fixture.ring().await.unwrap().sign(&claims()).unwrap());
    let policy = KeyPolicy { more_algorithms: vec![Algorithm::RS256, Algorithm::EdDSA], ..policy() };
    let open = || {
        let (store, sealer) = (fixture.store.clone(), fixture.sealer.clone());
        KeyRing::open(store, sealer, env(&fixture.clock), policy.clone(), LIFETIME)
    };
    let ring = open().await.unwrap();
    open().await.unwrap();
    assert_eq!(fixture.store.signing_keys().await.unwrap().len(), 6, "a pair of each, once");
    assert_eq!(ring.algorithms(), ["ES256", "RS256", "EdDSA"]);
    assert_eq!(kid_of(&ring.sign(&claims()).unwrap()), before, "the usual one stays the usual one");
    let payload = serde_json::to_vec(&claims()).unwrap();
    let sign = |algorithm| ring.sign_with(Some(algorithm), "at+jwt", &payload);
    let header = |token: &str| jsonwebtoken::decode_header(token).unwrap();
    for algorithm in [Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA] {
        let token = sign(algorithm).unwrap();
        assert_eq!(format!("{:?}", header(&token).alg), algorithm.name());
        assert!(ring.verify(&token).is_some() && ring.jwks().contains(&header(&token).kid.unwrap()));
    }
    assert!(sign(Algorithm::PS256).is_err(), "none that was not asked for");

    // One line rotates, the others stay.
    let (rsa, eddsa) = (header(&sign(Algorithm::RS256).unwrap()).kid, header(&sign(Algorithm::EdDSA).unwrap()).kid);
    fixture.clock.advance(1);
    let line = Line::of(&policy, Algorithm::RS256).unwrap();
    let now = START.cast_signed() + 1;
    lifecycle::rotate(&*fixture.store, &fixture.sealer, line, now, true).await.unwrap();
    ring.reload().await.unwrap();
    assert_ne!(header(&sign(Algorithm::RS256).unwrap()).kid, rsa);
    assert_eq!(header(&sign(Algorithm::EdDSA).unwrap()).kid, eddsa);
    assert_eq!(kid_of(&ring.sign(&claims()).unwrap()), before);
    let states = fixture.states(START + 1).await;
    let many = |state| states.iter().filter(|one| **one == state).count();
    assert_eq!((many(State::Active), many(State::Next), many(State::Retired)), (3, 3, 1));
    // By schedule, each of them; what was retired goes when its last token is over.
    fixture.clock.set(START + 86_400);
    ring.maintain().await.unwrap();
    let keys = fixture.store.signing_keys().await.unwrap();
    assert!(keys.iter().all(|key| Some(&key.kid) != rsa.as_ref()));
    assert_eq!(keys.len(), 9);
}

#[tokio::test]
async fn keys_of_an_algorithm_that_was_taken_out_go_when_their_last_token_is_over() {
    let fixture = Fixture::new().await;
    let with = KeyPolicy { more_algorithms: vec![Algorithm::RS256], ..policy() };
    let open = |policy: &KeyPolicy| {
        let (store, sealer) = (fixture.store.clone(), fixture.sealer.clone());
        KeyRing::open(store, sealer, env(&fixture.clock), policy.clone(), LIFETIME)
    };
    let payload = serde_json::to_vec(&claims()).unwrap();
    let old = open(&with).await.unwrap();
    let token = old.sign_with(Some(Algorithm::RS256), "at+jwt", &payload).unwrap();
    let kid_of = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let kid = kid_of(&token);
    // How long a token may live, and clocks differ.
    let long = LIFETIME.as_secs() + 300;
    let published = || async {
        let new = open(&policy()).await.unwrap();
        new.maintain().await.unwrap();
        new.jwks().contains(&kid)
    };

    assert!(published().await);
    assert!(open(&policy()).await.unwrap().verify(&token).is_some(), "signed a moment ago");
    let states = fixture.states(START).await;
    assert_eq!(states.iter().filter(|state| **state == State::Retired).count(), 2, "{states:?}");
    // A replica that has not been started again yet still signs with them, so they stay however long that takes.
    for _ in 0..4 {
        fixture.clock.advance(long / 2);
        old.maintain().await.unwrap();
        assert!(old.sign_with(Some(Algorithm::RS256), "at+jwt", &payload).is_ok());
        assert!(published().await);
    }
    // After it is gone: to the second.
    fixture.clock.advance(long);
    assert!(published().await);
    fixture.clock.advance(1);
    assert!(!published().await);
    assert_eq!(fixture.store.signing_keys().await.unwrap().len(), 2, "the usual ones stay");
    // A server that asks for them after all gets new ones.
    old.maintain().await.unwrap();
    let again = old.sign_with(Some(Algorithm::RS256), "at+jwt", &payload).unwrap();
    assert_ne!(kid_of(&again), kid);
    assert!(old.verify(&again).is_some());
}
