//! Administration: what is changed is in the audit log, whatever happens, and nobody overwrites what they have not seen.

use crate::fixture::{Fixture, NOW, at_once, authorization, client, digest, first, person, revocation};
use bearward::model::{
    Account, AuditFilter, Change, Follower, FollowerCounts, FollowerName, GrantFilter, Passkey, Role, Scope, Session,
    Totp,
};
use bearward::storage::Store;
use std::sync::Arc;

pub(crate) fn change(action: &'static str, object: &str) -> Change {
    Change {
        at: NOW,
        actor_kind: "command",
        actor: "root".to_owned(),
        address: Some("203.0.113.7".to_owned()),
        action,
        object_kind: "thing",
        object: object.to_owned(),
        before: None,
        after: Some("{\"a\":1}".to_owned()),
    }
}

pub(crate) async fn a_change_and_its_entry_are_one(fixture: Fixture) {
    let store = fixture.open().await;
    store.register_client(&first(client("web")), &change("create", "web")).await.unwrap();
    // Refused, so there is no entry either.
    assert!(store.register_client(&first(client("web")), &change("again", "web")).await.is_err());
    let read = store.versioned_client("web").await.unwrap().unwrap();
    assert_eq!(read.value, client("web"));
    let mut edited = client("web");
    edited.name = "Another name".to_owned();
    assert!(!store.edit_client(&edited, read.version + 1, None, &change("stale", "web")).await.unwrap());
    assert!(store.edit_client(&edited, read.version, None, &change("edit", "web")).await.unwrap());
    assert!(!store.edit_client(&edited, read.version, None, &change("stale", "web")).await.unwrap());
    assert_eq!(store.versioned_client("web").await.unwrap().unwrap().version, read.version + 1);
    let log = store.audit(&AuditFilter::default(), i64::MAX, 10).await.unwrap();
    let actions: Vec<_> = log.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["edit", "create"]);
    assert_eq!(log[0].after, Some(serde_json::json!({ "a": 1 })));
    let of = |actor: &str| AuditFilter { actor: Some(actor.to_owned()), ..AuditFilter::default() };
    assert_eq!(store.audit(&of("root"), i64::MAX, 10).await.unwrap().len(), 2);
    assert!(store.audit(&of("nobody"), i64::MAX, 10).await.unwrap().is_empty());
    assert_eq!(store.audit(&of("root"), log[0].id, 10).await.unwrap(), log[1..]);
}

pub(crate) async fn the_audit_log_is_found_by_whatever_is_asked(fixture: Fixture) {
    let store = fixture.open().await;
    let entry = |at, actor: &str, action, object: &str| Change {
        at,
        actor: actor.to_owned(),
        object_kind: if object.starts_with('p') { "person" } else { "client" },
        ..change(action, object)
    };
    for change in [
        entry(NOW, "ann", "client.edit", "c1"),
        entry(NOW, "ann", "person.edit", "p1"),
        entry(NOW + 50_000, "bob", "client.edit", "c1"),
        entry(NOW + 50_000, "ann", "client.delete", "c1"),
        // Written late by a replica whose clock is behind.
        entry(NOW + 49_000, "bob", "person.edit", "p2"),
    ] {
        store.record(&change).await.unwrap();
    }
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    for (actor, action, kind, object, since, expected) in [
        ("", "", "", "", None, &[5, 4, 3, 2, 1][..]),
        ("ann", "", "", "", None, &[4, 2, 1]),
        ("", "client.edit", "", "", None, &[3, 1]),
        ("", "", "person", "", None, &[5, 2]),
        ("", "", "", "c1", None, &[4, 3, 1]),
        ("ann", "client.edit", "", "", None, &[1]),
        ("ann", "", "client", "", None, &[4, 1]),
        ("bob", "person.edit", "person", "p2", None, &[5]),
        ("", "client.edit", "person", "", None, &[]),
        ("", "", "", "", Some(NOW + 49_000), &[5, 4, 3]),
        ("", "", "", "", Some(NOW + 49_500), &[4, 3]),
        ("ann", "", "", "", Some(NOW + 1), &[4]),
        ("", "", "", "", Some(NOW + 60_000), &[]),
    ] {
        let filter = AuditFilter {
            actor: some(actor),
            action: some(action),
            object_kind: some(kind),
            object: some(object),
            since,
        };
        let found = store.audit(&filter, i64::MAX, 10).await.unwrap();
        assert_eq!(found.iter().map(|entry| entry.id).collect::<Vec<_>>(), expected, "{filter:?}");
    }
}

pub(crate) async fn the_use_of_a_credential_is_noted_once_a_minute(fixture: Fixture) {
    let store = fixture.open().await;
    store.create_client(&client("web")).await.unwrap();
    store.note_use("nobody", "", NOW).await.unwrap();
    for (id, at) in [("", NOW), ("k", NOW), ("k", NOW + 59), ("", NOW + 60), ("k", NOW - 100)] {
        store.note_use("web", id, at).await.unwrap();
    }
    let mut uses = store.uses("web").await.unwrap();
    uses.sort();
    assert_eq!(uses, [(String::new(), NOW + 60), ("k".to_owned(), NOW)]);
    assert!(store.uses("nobody").await.unwrap().is_empty());
    assert!(store.delete_client("web", 1, &revocation("web"), &change("delete", "web")).await.unwrap());
    assert!(store.uses("web").await.unwrap().is_empty());
}

pub(crate) async fn followers_at_one_address_are_told_apart(fixture: Fixture) {
    let store = fixture.open().await;
    let note = async |id: &str, node: Option<&str>, current_at| {
        let name = FollowerName { address: "192.0.2.1".to_owned(), id: id.to_owned() };
        let follower = Follower { name, node: node.map(ToOwned::to_owned), seen_at: NOW, current_at };
        store.note_follower(&follower, NOW + 100).await.unwrap();
    };
    note("a", Some("edge"), NOW).await;
    note("b", None, NOW - 60).await;
    note("b", Some("west"), 0).await;
    let found = store.followers(NOW, 10).await.unwrap();
    let told: Vec<_> = found.iter().map(|f| (f.name.id.as_str(), f.node.as_deref(), f.current_at)).collect();
    assert_eq!(told, [("b", Some("west"), NOW - 60), ("a", Some("edge"), NOW)]);
    assert_eq!(store.followers(NOW, 1).await.unwrap().len(), 1);
    let counts = store.follower_counts(NOW, NOW - 40).await.unwrap();
    assert_eq!(counts, FollowerCounts { all: 2, behind: 1, oldest: Some(NOW - 60) });
    assert_eq!(store.follower_counts(NOW + 100, 0).await.unwrap(), FollowerCounts::default());
}

pub(crate) async fn of_many_edits_one_holds(fixture: Fixture) {
    let (one, two) = (fixture.open().await, fixture.open().await);
    one.create_client(&client("web")).await.unwrap();
    let tries: Vec<_> = (0..16)
        .map(|n| {
            let store = if n % 2 == 0 { one.clone() } else { two.clone() };
            async move { store.edit_client(&client("web"), 1, None, &change("edit", "web")).await.unwrap() }
        })
        .collect();
    assert_eq!(at_once(tries).await.into_iter().filter(|won| *won).count(), 1);
    assert_eq!(one.audit(&AuditFilter::default(), i64::MAX, 100).await.unwrap().len(), 1);
}

pub(crate) async fn one_administrator_always_stays(fixture: Fixture) {
    let (one, two) = (fixture.open().await, fixture.open().await);
    let admin =
        |id: &str| Account { person: person(id, id), role: Role::Admin, password_at: None, totp: false, passkeys: 0 };
    // By role, by being disabled, by going.
    let end = |store: Arc<dyn Store>, id: String, version: i64, how: usize| async move {
        let (mut account, change) = (admin(&id), change("end", &id));
        match how % 3 {
            0 => account.role = Role::Person,
            1 => account.person.disabled_at = Some(NOW),
            _ => return store.delete_account(&id, version, &revocation(&id), &change).await.unwrap(),
        }
        store.edit_account(&account, version, None, &change).await.unwrap()
    };
    let mut last = None;
    for round in 0..9 {
        let names = [format!("a{round}"), format!("b{round}")];
        for name in &names {
            one.add_account(&first(admin(name)), &change("create", name)).await.unwrap();
        }
        if let Some(last) = last {
            assert!(end(one.clone(), last, 1, round).await, "there are others now");
        }
        // Two at the same moment, at two replicas.
        let tries =
            vec![end(one.clone(), names[0].clone(), 1, round), end(two.clone(), names[1].clone(), 1, round + 1)];
        let ended = at_once(tries).await;
        assert_ne!(ended[0], ended[1], "round {round}");
        let stays = names.into_iter().zip(ended).find(|(_, ended)| !ended).unwrap().0;
        for how in 0..3 {
            assert!(!end(one.clone(), stays.clone(), 1, how).await, "the last one, {how}");
        }
        last = Some(stays);
    }
    // What leaves an administrator is no matter.
    let last = last.unwrap();
    assert!(one.edit_account(&admin(&last), 1, None, &change("edit", &last)).await.unwrap());
}

pub(crate) async fn clients_are_found_by_any_letters(fixture: Fixture) {
    let store = fixture.open().await;
    let names = ["100% sure", "100_ sure", "a\\b", "O'Reilly", "Ärzte", "ärzte", "日本語", "zebra", "🐻 bear"];
    for (n, name) in names.iter().enumerate() {
        let mut client = client(&format!("c{n}"));
        client.name = (*name).to_owned();
        store.register_client(&first(client), &change("create", "c")).await.unwrap();
    }
    let found = async |text: &str| {
        let found = store.find_clients(Some(text), "", 10).await.unwrap();
        found.into_iter().map(|client| client.value.name).collect::<Vec<_>>()
    };
    for (text, expected) in [
        ("100%", &["100% sure"][..]),
        ("100_", &["100_ sure"]),
        ("%", &[]),
        ("_", &[]),
        ("a\\", &["a\\b"]),
        ("o'r", &["O'Reilly"]),
        ("Ärz", &["Ärzte"]),
        ("ärz", &["ärzte"]),
        ("日本", &["日本語"]),
        ("🐻", &["🐻 bear"]),
        ("ZEB", &["zebra"]),
        ("c", &names),
    ] {
        assert_eq!(found(text).await, expected, "{text}");
    }
}

pub(crate) async fn a_client_goes_with_all_it_had(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    store.authorize(&digest("code"), &authorization("g1")).await.unwrap();
    store.redeem_code(&digest("code"), NOW, Some(&crate::fixture::refresh("r1"))).await.unwrap();
    let version = store.versioned_client("web").await.unwrap().unwrap().version;
    assert!(!store.delete_client("web", version + 1, &revocation("x"), &change("delete", "web")).await.unwrap());
    assert!(store.delete_client("web", version, &revocation("x"), &change("delete", "web")).await.unwrap());
    assert!(store.client("web").await.unwrap().is_none() && store.grant("g1").await.unwrap().is_none());
    assert!(store.refresh_token(&digest("r1")).await.unwrap().is_none());
}

pub(crate) async fn people_are_edited_and_go(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    let account =
        Account { person: person("bob", "Bob"), role: Role::Admin, password_at: None, totp: false, passkeys: 0 };
    store.add_account(&first(account.clone()), &change("add", "bob")).await.unwrap();
    assert!(store.add_account(&first(account.clone()), &change("add", "bob")).await.is_err());
    assert!(store.has_admin(None).await.unwrap() && !store.has_admin(Some("bob")).await.unwrap());
    let mut read = store.account("bob").await.unwrap().unwrap();
    assert_eq!(read.value, account);
    read.value.person.username = "ALICE".to_owned();
    assert!(!store.edit_account(&read.value, read.version, None, &change("taken", "bob")).await.unwrap());
    read.value.person.username = "Robert".to_owned();
    let session =
        Session { person_id: "bob".into(), auth_time: NOW, acr: "pwd".into(), expires_at: NOW + 100, used_at: NOW };
    let whence = (Some("203.0.113.7"), Some("A browser"));
    store.begin_session(&digest("s"), &session, whence, None, &change("in", "bob")).await.unwrap();
    let sessions = store.sessions("bob", NOW, 0).await.unwrap();
    assert_eq!((sessions.len(), sessions[0].address.as_deref()), (1, Some("203.0.113.7")));
    assert!(
        store.edit_account(&read.value, read.version, Some(&revocation("bob")), &change("e", "bob")).await.unwrap()
    );
    assert!(store.session(&digest("s"), NOW, 0).await.unwrap().is_none(), "a revocation ends sessions");
    let found = store.find_accounts(Some("ROB"), "", 10).await.unwrap();
    assert_eq!(found.iter().map(|a| a.value.person.username.as_str()).collect::<Vec<_>>(), ["Robert"]);
    let version = found[0].version;
    let root = Account { person: person("root", "root"), ..account };
    store.add_account(&first(root), &change("add", "root")).await.unwrap();
    assert!(store.delete_account("bob", version, &revocation("bob"), &change("delete", "bob")).await.unwrap());
    assert!(store.account("bob").await.unwrap().is_none());
}

pub(crate) async fn scopes_are_edited_and_go(fixture: Fixture) {
    let store = fixture.open().await;
    let scope = |title: &str| Scope { name: "a".into(), title: title.into(), description: String::new() };
    assert!(store.add_scope(&first(scope("A")), &change("add", "a")).await.unwrap());
    assert!(!store.add_scope(&first(scope("B")), &change("add", "a")).await.unwrap());
    assert!(store.edit_scope(&scope("B"), 1, &change("edit", "a")).await.unwrap());
    let read = store.versioned_scope("a").await.unwrap().unwrap();
    assert_eq!((read.value.title.as_str(), read.version), ("B", 2));
    assert!(!store.delete_scope("a", 1, &change("delete", "a")).await.unwrap());
    assert!(store.delete_scope("a", 2, &change("delete", "a")).await.unwrap());
}

pub(crate) async fn a_code_is_taken_once(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    let totp = Totp { sealed: vec![1, 2, 3], last_step: 100, added_at: NOW };
    store.set_totp("alice", &totp, &[digest("one"), digest("two")], &change("totp", "alice")).await.unwrap();
    assert_eq!(store.totp("alice").await.unwrap(), Some(totp));
    assert!(store.account("alice").await.unwrap().unwrap().value.totp);
    assert!(!store.use_totp_step("alice", 100).await.unwrap() && !store.use_totp_step("alice", 99).await.unwrap());
    let step = |store: std::sync::Arc<dyn bearward::storage::Store>| async move {
        store.use_totp_step("alice", 101).await.unwrap()
    };
    let won = at_once((0..8).map(|_| step(store.clone())).collect()).await;
    assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
    let code = |store: std::sync::Arc<dyn bearward::storage::Store>| async move {
        store.use_recovery_code("alice", &digest("one"), &change("code", "alice")).await.unwrap()
    };
    let won = at_once((0..8).map(|_| code(store.clone())).collect()).await;
    assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
    assert_eq!(store.recovery_codes_left("alice").await.unwrap(), 1);
    assert!(store.remove_totp("alice", &change("off", "alice")).await.unwrap());
    assert!(store.totp("alice").await.unwrap().is_none());
}

pub(crate) async fn a_passkey_is_used_once_as_it_was_read(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    let made = |id: &[u8]| Passkey {
        id: id.to_vec(),
        person_id: "alice".to_owned(),
        label: "Phone".to_owned(),
        credential: "{\"counter\":1}".to_owned(),
        added_at: NOW,
        used_at: None,
    };
    let (one, two) = (made(b"one"), made(b"two"));
    assert!(store.add_passkey(&one, &[digest("code")], &change("add", "alice")).await.unwrap());
    assert!(!store.add_passkey(&one, &[digest("other")], &change("again", "alice")).await.unwrap());
    assert!(store.add_passkey(&two, &[], &change("add", "alice")).await.unwrap());
    assert_eq!(store.passkeys("alice").await.unwrap(), [one.clone(), two.clone()]);
    assert_eq!(store.passkey(b"two").await.unwrap(), Some(two));
    assert_eq!(store.passkey(b"three").await.unwrap(), None);
    assert_eq!(store.account("alice").await.unwrap().unwrap().value.passkeys, 2);
    let uses = |store: std::sync::Arc<dyn bearward::storage::Store>, n: i64| {
        let one = one.clone();
        async move { store.use_passkey(&one, &format!("{{\"counter\":{n}}}"), NOW + n).await.unwrap() }
    };
    let won = at_once((2..10).map(|n| uses(store.clone(), n)).collect()).await;
    assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
    assert!(store.passkey(b"one").await.unwrap().unwrap().used_at > Some(NOW));
    assert!(!store.remove_passkey("bob", b"one", &change("remove", "alice")).await.unwrap(), "not his");
    assert!(store.remove_passkey("alice", b"one", &change("remove", "alice")).await.unwrap());
    assert_eq!(store.recovery_codes_left("alice").await.unwrap(), 1, "there is another factor");
    assert!(store.remove_passkeys("alice", &change("remove", "alice")).await.unwrap());
    assert!(!store.remove_passkeys("alice", &change("remove", "alice")).await.unwrap());
    assert_eq!(store.recovery_codes_left("alice").await.unwrap(), 0);
    let log = store.audit(&AuditFilter::default(), i64::MAX, 10).await.unwrap();
    let actions: Vec<_> = log.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["remove", "remove", "add", "add"]);
    // A person goes with their passkeys.
    assert!(store.add_passkey(&one, &[], &change("add", "alice")).await.unwrap());
    let version = store.account("alice").await.unwrap().unwrap().version;
    let ends = crate::fixture::grant_revocation("alice");
    assert!(store.delete_account("alice", version, &ends, &change("delete", "alice")).await.unwrap());
    assert_eq!(store.passkey(b"one").await.unwrap(), None);
}

pub(crate) async fn a_bucket_runs_dry_and_fills_up(fixture: Fixture) {
    let store = fixture.open().await;
    let now = NOW * 1000;
    let take = |store: std::sync::Arc<dyn bearward::storage::Store>| async move {
        store.take("bucket", now, 1000, 5000).await.unwrap().is_none()
    };
    let got = at_once((0..20).map(|_| take(store.clone())).collect()).await;
    assert_eq!(got.into_iter().filter(|got| *got).count(), 5, "five at once, whoever asks");
    let wait = store.take("bucket", now, 1000, 5000).await.unwrap();
    assert_eq!(wait, Some(1000));
    assert_eq!(store.take("bucket", now + 1000, 1000, 5000).await.unwrap(), None);
    store.refill("bucket").await.unwrap();
    assert_eq!(store.take("bucket", now, 1000, 5000).await.unwrap(), None);
}

pub(crate) async fn access_is_withdrawn(fixture: Fixture) {
    let store = fixture.open_with_people().await;
    store.authorize(&digest("code"), &authorization("g1")).await.unwrap();
    let access = store.access("alice").await.unwrap();
    assert_eq!((access.len(), access[0].scopes.as_slice()), (1, &["a".to_owned(), "b".to_owned()][..]));
    let live = store.live_grants("alice", "web").await.unwrap();
    let ends: Vec<_> = live.into_iter().map(|id| (id.clone(), crate::fixture::grant_revocation(&id))).collect();
    store.withdraw("alice", "web", &ends, &change("withdraw", "web")).await.unwrap();
    assert!(store.access("alice").await.unwrap().is_empty() && store.consent("alice", "web").await.unwrap().is_empty());
    assert_eq!(store.grant("g1").await.unwrap().unwrap().revoked_at, Some(NOW));
    let filter = GrantFilter { person_id: Some("alice".into()), ..GrantFilter::default() };
    assert_eq!(store.find_grants(&filter, (i64::MAX, ""), 10).await.unwrap().len(), 1);
}

pub(crate) async fn counts_add_up(fixture: Fixture) {
    let store = fixture.open().await;
    for minute in [0, 60, 120, 3600] {
        store.count(minute, "issued", 2, NOW).await.unwrap();
    }
    store.count(60, "issued", 5, NOW).await.unwrap();
    let counts = store.counts(60, 3600).await.unwrap();
    assert_eq!(counts.iter().map(|c| (c.from, c.count)).collect::<Vec<_>>(), [(0, 9), (3600, 2)]);
}
