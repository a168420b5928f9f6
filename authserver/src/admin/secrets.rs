//! A client's secrets: several at once, each with its own switch, so that a new one can take over before the old one goes.

use super::clients::ClientView;
use super::{Admin, AdminError, Result, client_rules, invalid};
use crate::model::{Client, Digest, MoreSecret, SecretSwitch};
use crate::secret::{CLIENT_SECRET, generate, random_id};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most secrets of one client: each is compared with on every request.
const MOST: usize = 10;
/// What the first secret is called in a URL; as stored it has no name.
pub(super) const FIRST: &str = "first";

/// A secret without what is secret about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SecretView {
    /// Names it among the client's.
    pub id: String,
    /// What people call it.
    pub label: String,
    /// When it was made, Unix time in seconds.
    pub created_at: i64,
    /// When it was switched off; null if it is on.
    pub disabled_at: Option<i64>,
    /// When it stops being good; null if it does not.
    pub expires_at: Option<i64>,
    /// When it last proved the client, Unix time in seconds; null if never, and in lists.
    pub used_at: Option<i64>,
}

/// A secret, shown once.
#[derive(Clone, Serialize, ToSchema)]
pub struct ShownSecret {
    /// Names it among the client's; `first` for the one it was registered with.
    pub id: String,
    /// The secret. Only its digest is stored.
    pub client_secret: String,
}

/// What a new secret is made with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// What people call it.
    #[serde(default)]
    pub label: String,
    /// When it stops being good, Unix time in seconds.
    #[serde(default)]
    pub expires_at: Option<i64>,
    /// Rotation: every other secret stops being good this many seconds from now.
    #[serde(default)]
    pub others_expire_in: Option<u32>,
}

/// A secret's switch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretEdit {
    /// Whether it counts.
    pub enabled: bool,
}

impl SecretView {
    pub(super) fn all(client: &Client) -> Vec<Self> {
        let view = |(_, switch): (&Digest, &SecretSwitch)| Self {
            id: if switch.id.is_empty() { FIRST.to_owned() } else { switch.id.clone() },
            label: switch.label.clone(),
            created_at: if switch.created_at == 0 { client.created_at } else { switch.created_at },
            disabled_at: switch.disabled_at,
            expires_at: switch.expires_at,
            used_at: None,
        };
        client.secrets().map(view).collect()
    }
}

impl Admin<'_> {
    /// Another secret for a client, given this once; the others stay good, for as long as `others_expire_in` says.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn add_secret(&self, client_id: &str, new: NewSecret) -> Result<(ClientView, ShownSecret)> {
        let stored = self.stored_client(client_id).await?;
        if !stored.value.auth_method.shows_secret() {
            return Err(AdminError::Refused("this client does not prove itself by a secret"));
        }
        if !new.label.is_empty() {
            client_rules::name("label", &new.label)?;
        }
        if new.expires_at.is_some_and(|at| at <= self.now()) {
            return invalid("expires_at", "is in the past");
        }
        let mut edited = stored.value.clone();
        if edited.secrets().count() >= MOST {
            return Err(AdminError::Refused("a client has at most 10 secrets; delete one that is not used"));
        }
        if let Some(seconds) = new.others_expire_in {
            let at = self.now().saturating_add(seconds.into());
            for switch in switches(&mut edited) {
                switch.expires_at = Some(switch.expires_at.map_or(at, |before| before.min(at)));
            }
        }
        let secret = generate(&*self.env.random, CLIENT_SECRET);
        let id = random_id(&*self.env.random);
        let switch = SecretSwitch {
            id: id.clone(),
            label: new.label,
            created_at: self.now(),
            disabled_at: None,
            expires_at: new.expires_at,
        };
        edited.options.more_secrets.push(MoreSecret { digest: Digest::of(&secret), switch });
        let view = self.replace("client.secret.add", &stored, edited, None).await?;
        Ok((view, ShownSecret { id, client_secret: secret.to_string() }))
    }

    /// Switches a secret on or off.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn set_secret(&self, client_id: &str, secret_id: &str, edit: &SecretEdit) -> Result<ClientView> {
        let stored = self.stored_client(client_id).await?;
        let mut edited = stored.value.clone();
        let disabled_at = (!edit.enabled).then(|| self.now());
        let id = stored_name(secret_id);
        let switch = switches(&mut edited).find(|switch| switch.id == id).ok_or(AdminError::NotFound("secret"))?;
        switch.disabled_at = disabled_at;
        let action = if edit.enabled { "client.secret.enable" } else { "client.secret.disable" };
        self.replace(action, &stored, edited, None).await
    }

    /// Deletes a secret; the last one stays, or the client could never prove itself again.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn delete_secret(&self, client_id: &str, secret_id: &str) -> Result<ClientView> {
        let stored = self.stored_client(client_id).await?;
        let mut edited = stored.value.clone();
        let id = stored_name(secret_id);
        if !edited.secrets().any(|(_, switch)| switch.id == id) {
            return Err(AdminError::NotFound("secret"));
        }
        if edited.secrets().count() == 1 {
            return Err(AdminError::Refused(
                "a client keeps at least one secret; switch it off, or disable the client",
            ));
        }
        if edited.options.first_secret.id == id {
            let next = edited.options.more_secrets.remove(0);
            edited.secret = Some(next.digest);
            edited.options.first_secret = next.switch;
        } else {
            edited.options.more_secrets.retain(|more| more.switch.id != id);
        }
        self.replace("client.secret.delete", &stored, edited, None).await
    }
}

fn stored_name(id: &str) -> &str {
    if id == FIRST { "" } else { id }
}

fn switches(client: &mut Client) -> impl Iterator<Item = &mut SecretSwitch> {
    let more = client.options.more_secrets.iter_mut().map(|more| &mut more.switch);
    client.secret.is_some().then_some(&mut client.options.first_secret).into_iter().chain(more)
}
