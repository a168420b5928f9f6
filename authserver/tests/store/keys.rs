//! Signing keys and what is written once.

use super::admin::change;
use super::fixture::{Fixture, NOW, at_once, client, person, signing_key};
use bearward::model::{AuditFilter, ClientAuthMethod, SigningKey, Totp};
use bearward::storage::SealedKind;

pub(crate) async fn the_first_keys_are_made_once(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    assert!(stores[0].signing_keys().await.unwrap().is_empty());
    let tasks = (0..8).map(|i| {
        let store = stores[i % 2].clone();
        let (active, next) = (signing_key(&format!("a{i}"), Some(NOW)), signing_key(&format!("n{i}"), None));
        async move { store.init_signing_keys(&active, &next).await.unwrap() }
    });
    at_once(tasks.collect()).await;
    let keys = stores[0].signing_keys().await.unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0].kid[1..], keys[1].kid[1..], "both of the same replica");
    assert!(keys.contains(&signing_key(&format!("a{}", &keys[0].kid[1..]), Some(NOW))), "kept as given");
    // Keys of a further algorithm are a line of their own.
    let further = |kid: &str, at| SigningKey { line: "RS256".to_owned(), ..signing_key(kid, at) };
    for kid in ["f", "g"] {
        let next = further(&format!("{kid}n"), None);
        stores[1].init_signing_keys(&further(kid, Some(NOW)), &next).await.unwrap();
    }
    let keys = stores[0].signing_keys().await.unwrap();
    assert_eq!(keys.len(), 4);
    assert!(keys.contains(&further("f", Some(NOW))) && keys.contains(&further("fn", None)));
    assert!(stores[0].rotate_signing_keys("fn", NOW + 5, &further("m", None)).await.unwrap());
    assert!(stores[0].signing_keys().await.unwrap().contains(&further("m", None)));
}

pub(crate) async fn one_of_many_rotates(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    stores[0].init_signing_keys(&signing_key("a", Some(NOW)), &signing_key("n", None)).await.unwrap();
    let tasks = (0..8).map(|i| {
        let store = stores[i % 2].clone();
        async move { store.rotate_signing_keys("n", NOW + 5, &signing_key(&format!("m{i}"), None)).await.unwrap() }
    });
    let results = at_once(tasks.collect()).await;
    assert_eq!(results.iter().filter(|won| **won).count(), 1);
    let keys = stores[0].signing_keys().await.unwrap();
    assert_eq!(keys.len(), 3, "the losers' keys are not stored");
    assert_eq!(keys.iter().find(|k| k.kid == "n").unwrap().activates_at, Some(NOW + 5));
    assert!(!stores[0].rotate_signing_keys("unknown", NOW, &signing_key("x", None)).await.unwrap());
    stores[0].delete_signing_key("a").await.unwrap();
    assert_eq!(stores[1].signing_keys().await.unwrap().len(), 2);
}

pub(crate) async fn a_line_ends_resumes_and_goes(fixture: Fixture) {
    let store = fixture.open().await;
    store.init_signing_keys(&signing_key("a", Some(NOW)), &signing_key("n", None)).await.unwrap();
    let further = |kid: &str, at| SigningKey { line: "RS256".to_owned(), ..signing_key(kid, at) };
    store.init_signing_keys(&further("f", Some(NOW)), &further("fn", None)).await.unwrap();
    let ends = async || {
        let keys = store.signing_keys().await.unwrap();
        keys.into_iter().filter(|key| key.line == "RS256").map(|key| key.ended_at).collect::<Vec<_>>()
    };
    store.end_key_line("RS256", NOW + 1).await.unwrap();
    store.end_key_line("RS256", NOW + 9).await.unwrap();
    assert_eq!(ends().await, [Some(NOW + 1); 2], "the first note holds");
    assert!(!store.delete_key_line("RS256", NOW + 1).await.unwrap());
    store.resume_key_line("RS256").await.unwrap();
    assert!(!store.delete_key_line("RS256", NOW + 99).await.unwrap());
    assert_eq!(ends().await, [None; 2]);
    store.end_key_line("RS256", NOW + 5).await.unwrap();
    assert!(store.delete_key_line("RS256", NOW + 6).await.unwrap());
    assert_eq!(ends().await, []);
    assert_eq!(store.signing_keys().await.unwrap(), [signing_key("a", Some(NOW)), signing_key("n", None)]);
}

pub(crate) async fn a_value_is_set_once(fixture: Fixture) {
    let stores = [fixture.open().await, fixture.open().await];
    let tasks = (0..8_u8).map(|i| {
        let store = stores[usize::from(i) % 2].clone();
        async move { store.set_once("name", &[i]).await.unwrap() }
    });
    let values = at_once(tasks.collect()).await;
    assert!(values.iter().all(|v| *v == values[0]), "{values:?}");
    assert_eq!(stores[0].set_once("name", b"later").await.unwrap(), values[0]);
    assert_eq!(stores[0].set_once("other", b"").await.unwrap(), b"");
}

pub(crate) async fn what_is_sealed_is_replaced_if_it_is_what_was_read(fixture: Fixture) {
    let store = fixture.open().await;
    store.init_signing_keys(&signing_key("a", Some(NOW)), &signing_key("b", None)).await.unwrap();
    let mut hmac = client("hmac");
    (hmac.auth_method, hmac.secret) = (ClientAuthMethod::ClientSecretJwt, None);
    hmac.sealed_secret = Some(b"sealed".to_vec());
    store.create_client(&hmac).await.unwrap();
    store.create_client(&client("web")).await.unwrap();
    store.create_person(&person("alice", "Alice")).await.unwrap();
    let totp = Totp { sealed: b"sealed".to_vec(), last_step: 1, added_at: NOW };
    store.set_totp("alice", &totp, &[], &change("totp", "alice")).await.unwrap();
    store.set_once("check", b"sealed").await.unwrap();

    let page = async |kind, after: &str| store.sealed_texts(kind, after, 1).await.unwrap();
    let keys = [page(SealedKind::SigningKey, "").await, page(SealedKind::SigningKey, "a").await].concat();
    assert_eq!(keys.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(page(SealedKind::SigningKey, "b").await, []);
    let before = store.audit(&AuditFilter::default(), i64::MAX, 10).await.unwrap().len();
    for (kind, name) in
        [(SealedKind::Totp, "alice"), (SealedKind::ClientSecret, "hmac"), (SealedKind::Constant, "check")]
    {
        assert_eq!(page(kind, "").await, [(name.to_owned(), b"sealed".to_vec())], "{kind:?}");
        let replace = async |old: &[u8]| {
            let change = change("reseal", name);
            store.replace_sealed(kind, name, old, b"anew", Some(&change)).await.unwrap()
        };
        assert!(!replace(b"other").await && replace(b"sealed").await && !replace(b"sealed").await, "{kind:?}");
        assert_eq!(page(kind, "").await, [(name.to_owned(), b"anew".to_vec())], "{kind:?}");
    }
    assert_eq!(store.audit(&AuditFilter::default(), i64::MAX, 10).await.unwrap().len(), before + 3);
    assert!(store.replace_sealed(SealedKind::SigningKey, "b", &keys[1].1, b"anew", None).await.unwrap());
    assert_eq!(store.signing_keys().await.unwrap()[1].sealed_private, b"anew");
}
