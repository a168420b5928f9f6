//! What is deleted and made again under the same name is another thing: nobody who read the first changes the second.

use super::admin::change;
use super::fixture::{Fixture, NOW, client, person, revocation};
use bearward::model::{Account, AuthorizationType, IssuerSettings, Role, Scope, TrustedIssuer, Versioned};
use bearward::storage::Store;

/// Where the first one begins, where the second one does, and what that is after an edit.
const READ: i64 = 40;
const AGAIN: i64 = 7;

pub(crate) async fn what_is_made_again_is_not_what_was_read(fixture: Fixture) {
    let store = fixture.open().await;
    for kind in [Kind::Client, Kind::Scope, Kind::Account, Kind::Issuer, Kind::AuthorizationType] {
        assert!(kind.add(&*store, READ).await);
        assert!(!kind.add(&*store, AGAIN).await, "{kind:?} is there");
        assert_eq!(kind.version(&*store).await, Some(READ), "{kind:?}");
        assert!(kind.delete(&*store, READ).await && kind.version(&*store).await.is_none(), "{kind:?}");
        assert!(kind.add(&*store, AGAIN).await);
        assert!(!kind.edit(&*store, READ).await && !kind.delete(&*store, READ).await, "{kind:?} is another one");
        assert!(kind.edit(&*store, AGAIN).await);
        assert_eq!(kind.version(&*store).await, Some(AGAIN + 1), "{kind:?}");
    }
}

/// Everything that has a version.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Client,
    Scope,
    Account,
    Issuer,
    AuthorizationType,
}

impl Kind {
    async fn add(self, store: &dyn Store, version: i64) -> bool {
        let change = change("add", "it");
        match self {
            Self::Client => store.register_client(&Versioned { value: client("it"), version }, &change).await.is_ok(),
            Self::Scope => store.add_scope(&Versioned { value: scope(), version }, &change).await.unwrap(),
            Self::Account => store.add_account(&Versioned { value: account(), version }, &change).await.is_ok(),
            Self::Issuer => store.add_issuer(&Versioned { value: issuer(), version }, &change).await.unwrap(),
            Self::AuthorizationType => {
                store.add_authorization_type(&Versioned { value: kind(), version }, &change).await.unwrap()
            }
        }
    }

    async fn edit(self, store: &dyn Store, version: i64) -> bool {
        let change = change("edit", "it");
        match self {
            Self::Client => store.edit_client(&client("it"), version, None, &change).await,
            Self::Scope => store.edit_scope(&scope(), version, &change).await,
            Self::Account => store.edit_account(&account(), version, None, &change).await,
            Self::Issuer => store.edit_issuer(&issuer(), version, &change).await,
            Self::AuthorizationType => store.edit_authorization_type(&kind(), version, &change).await,
        }
        .unwrap()
    }

    async fn delete(self, store: &dyn Store, version: i64) -> bool {
        let change = change("delete", "it");
        match self {
            Self::Client => store.delete_client("it", version, &revocation("it"), &change).await,
            Self::Scope => store.delete_scope("it", version, &change).await,
            Self::Account => store.delete_account("it", version, &revocation("it"), &change).await,
            Self::Issuer => store.delete_issuer("it", version, &change).await,
            Self::AuthorizationType => store.delete_authorization_type("it", version, &change).await,
        }
        .unwrap()
    }

    async fn version(self, store: &dyn Store) -> Option<i64> {
        match self {
            Self::Client => store.versioned_client("it").await.unwrap().map(|it| it.version),
            Self::Scope => store.versioned_scope("it").await.unwrap().map(|it| it.version),
            Self::Account => store.account("it").await.unwrap().map(|it| it.version),
            Self::Issuer => store.versioned_issuer("it").await.unwrap().map(|it| it.version),
            Self::AuthorizationType => store.versioned_authorization_type("it").await.unwrap().map(|it| it.version),
        }
    }
}

fn scope() -> Scope {
    Scope { name: "it".to_owned(), title: "It".to_owned(), description: String::new() }
}

fn account() -> Account {
    Account { person: person("it", "it"), role: Role::Person, password_at: None, totp: false, passkeys: 0 }
}

fn issuer() -> TrustedIssuer {
    TrustedIssuer { issuer: "it".to_owned(), settings: IssuerSettings::default(), created_at: NOW }
}

fn kind() -> AuthorizationType {
    let (name, title) = ("it".to_owned(), "It".to_owned());
    AuthorizationType { name, title, description: String::new(), fields: [].into() }
}
