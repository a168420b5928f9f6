//! A client's public keys: several at once, each with its own name and switch.

use super::clients::ClientView;
use super::{Admin, AdminError, Result, SecretEdit, client_rules, invalid};
use crate::client_keys::{ClientKey, KeyMaterial, MOST, parse};
use crate::model::{Client, SecretSwitch};
use crate::x509;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A public key of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ClientKeyView {
    /// Its thumbprint, which names it among the client's: of a JWK as RFC 7638 has it, of a certificate its `x5t#S256`.
    pub id: String,
    /// What people call it.
    pub label: String,
    /// `jwk`, `public_key` or `certificate`.
    #[schema(value_type = String)]
    pub form: &'static str,
    /// `RSA`, `P-256`, `P-384` or `Ed25519`.
    #[schema(value_type = String)]
    pub kind: &'static str,
    /// The subject of its certificate; null if there is none.
    pub subject: Option<String>,
    /// Until when its certificate says it is good, Unix time in seconds. A pinned certificate counts also later.
    pub not_after: Option<i64>,
    /// When it was added, Unix time in seconds.
    pub created_at: i64,
    /// When it was switched off; null if it is on.
    pub disabled_at: Option<i64>,
    /// When it last proved the client, Unix time in seconds; null if never, and in lists.
    pub used_at: Option<i64>,
}

/// Keys to add.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKeys {
    /// What people call them.
    #[serde(default)]
    pub label: String,
    /// A JWK Set or a JWK as JSON text, or public keys or certificates in PEM.
    pub keys: String,
}

impl ClientKeyView {
    pub(super) fn all(client: &Client) -> Vec<Self> {
        client.keys().filter_map(|key| Self::of(client, key)).collect()
    }

    fn of(client: &Client, ClientKey { key, switch }: ClientKey) -> Option<Self> {
        let described = key.certificate().and_then(|certificate| x509::describe(&certificate).ok());
        let (not_after, subject) = described.unzip();
        Some(Self {
            id: switch.id,
            label: switch.label,
            form: match key {
                KeyMaterial::Jwk(_) => "jwk",
                KeyMaterial::PublicKey(_) => "public_key",
                KeyMaterial::Certificate(_) => "certificate",
            },
            kind: key.key().ok()?.kind(),
            subject,
            not_after,
            created_at: if switch.created_at == 0 { client.created_at } else { switch.created_at },
            disabled_at: switch.disabled_at,
            used_at: None,
        })
    }
}

impl Admin<'_> {
    /// Adds public keys to a client, beside those it has.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn add_keys(&self, client_id: &str, new: NewKeys) -> Result<ClientView> {
        if !new.label.is_empty() {
            client_rules::name("label", &new.label)?;
        }
        let stored = self.stored_client(client_id).await?;
        let mut edited = stored.value.clone();
        edited.adopt_keys();
        let keys = match parse(&new.keys) {
            Ok(keys) => keys,
            Err(error) => return invalid("keys", error.to_string()),
        };
        for key in keys {
            let Some(id) = key.id() else { return invalid("keys", "of no use") };
            if edited.options.credentials.iter().any(|known| known.switch.id == id) {
                return invalid("keys", format!("the key {id} is there already"));
            }
            let kid = match &key {
                KeyMaterial::Jwk(jwk) => jwk.get("kid").and_then(|kid| kid.as_str()),
                KeyMaterial::PublicKey(_) | KeyMaterial::Certificate(_) => None,
            };
            let label = if new.label.is_empty() { kid.unwrap_or_default() } else { &new.label };
            let label = label.chars().take(100).filter(|letter| !letter.is_control()).collect();
            let switch = SecretSwitch { id, label, created_at: self.now(), ..SecretSwitch::default() };
            edited.options.credentials.push(ClientKey { key, switch });
        }
        if edited.options.credentials.len() > MOST {
            return invalid("keys", format!("a client has at most {MOST} keys; remove one that is not used"));
        }
        self.replace("client.key.add", &stored, edited, None).await
    }

    /// Switches a key on or off.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn set_key(&self, client_id: &str, key_id: &str, edit: &SecretEdit) -> Result<ClientView> {
        let stored = self.stored_client(client_id).await?;
        let mut edited = stored.value.clone();
        edited.adopt_keys();
        let key = edited.options.credentials.iter_mut().find(|key| key.switch.id == key_id);
        key.ok_or(AdminError::NotFound("key"))?.switch.disabled_at = (!edit.enabled).then(|| self.now());
        let action = if edit.enabled { "client.key.enable" } else { "client.key.disable" };
        self.replace(action, &stored, edited, None).await
    }

    /// Removes a key. A client that proves itself by its keys and has none left cannot prove itself.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn delete_key(&self, client_id: &str, key_id: &str) -> Result<ClientView> {
        let stored = self.stored_client(client_id).await?;
        let mut edited = stored.value.clone();
        edited.adopt_keys();
        let before = edited.options.credentials.len();
        edited.options.credentials.retain(|key| key.switch.id != key_id);
        if edited.options.credentials.len() == before {
            return Err(AdminError::NotFound("key"));
        }
        self.replace("client.key.delete", &stored, edited, None).await
    }
}
