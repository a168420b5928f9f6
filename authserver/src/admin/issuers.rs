//! Whose assertions are believed.

use super::{Admin, AdminError, NOTHING, Result, invalid};
use crate::custom_claims::{MAX_CLAIMS, check_name};
use crate::jwt::KeySet;
use crate::model::{AssertionKind, IssuerSettings, Keys, Subjects, TrustedIssuer, Versioned};
use crate::saml;
use bearward_token::claim_set::ClaimPath;
use bearward_token::scope::ScopeSet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The longest name of an assertion's claim or attribute, in bytes: some are URIs.
const MAX_SOURCE: usize = 512;

/// An issuer, and what is believed of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerSpec {
    /// Its `iss`, or its SAML entity ID, compared exactly.
    pub issuer: String,
    /// `jwt` or `saml`.
    #[serde(default)]
    #[schema(value_type = String)]
    pub kind: AssertionKind,
    /// Its keys: `jwks`, `jwks_uri` or `certificates` (PEM).
    #[schema(value_type = Object)]
    pub keys: Keys,
    /// Whether its subjects have to be people of this server: `people` or `any`.
    #[serde(default)]
    #[schema(value_type = String)]
    pub subjects: Subjects,
    /// The most that its assertions can give; null for whatever the client may have.
    #[serde(default)]
    pub scope: Option<String>,
    /// The clients that may bring its assertions; empty for each that is registered for the grant.
    #[serde(default)]
    pub clients: Vec<String>,
    /// What of its assertions goes into tokens: the name of the token's claim, and that of the assertion's claim or
    /// attribute. Nothing that is not named here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
}

/// An issuer as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IssuerView {
    /// Its `iss`, or its SAML entity ID.
    pub issuer: String,
    /// `jwt` or `saml`.
    #[schema(value_type = String)]
    pub kind: AssertionKind,
    /// Its keys: `jwks`, `jwks_uri` or `certificates` (PEM).
    #[schema(value_type = Object)]
    pub keys: Keys,
    /// Whether its subjects have to be people of this server: `people` or `any`.
    #[schema(value_type = String)]
    pub subjects: Subjects,
    /// The most that its assertions can give; null for whatever the client may have.
    pub scope: Option<String>,
    /// The clients that may bring its assertions; empty for each that is registered for the grant.
    pub clients: Vec<String>,
    /// What of its assertions goes into tokens, by the name of the token's claim.
    pub claims: BTreeMap<String, String>,
    /// Grows with every change; the `ETag`.
    pub version: i64,
}

impl IssuerView {
    fn of(issuer: Versioned<TrustedIssuer>) -> Self {
        let Versioned { value: TrustedIssuer { issuer, settings, .. }, version } = issuer;
        let IssuerSettings { kind, keys, subjects, scopes, clients, claims } = settings;
        let scope = scopes.map(|scopes| scopes.to_string());
        Self { issuer, kind, keys, subjects, scope, clients, claims, version }
    }

    /// What it would be asked for with.
    #[must_use]
    pub fn spec(&self) -> IssuerSpec {
        let Self { issuer, kind, keys, subjects, scope, clients, claims, .. } = self.clone();
        IssuerSpec { issuer, kind, keys, subjects, scope, clients, claims }
    }
}

impl Admin<'_> {
    /// All trusted issuers, in order of their `iss`.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn issuers(&self) -> Result<Vec<IssuerView>> {
        Ok(self.store.issuers().await?.into_iter().map(IssuerView::of).collect())
    }

    /// One trusted issuer.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn issuer(&self, name: &str) -> Result<IssuerView> {
        let found = self.store.versioned_issuer(name).await?;
        found.map(IssuerView::of).ok_or(AdminError::NotFound("issuer"))
    }

    /// Trusts an issuer that was not trusted before.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::Exists`].
    pub async fn create_issuer(&self, spec: IssuerSpec) -> Result<IssuerView> {
        let issuer = Versioned::new(self.checked_issuer(spec, &[]).await?, &*self.env.random);
        let after = IssuerView::of(issuer.clone());
        let change = self.change("issuer.create", "issuer", &after.issuer, NOTHING, Some(&after));
        match self.store.add_issuer(&issuer, &change).await? {
            true => Ok(after),
            false => Err(AdminError::Exists("issuer")),
        }
    }

    /// Changes what is believed of an issuer, if it is still at this version.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn edit_issuer(&self, version: i64, spec: IssuerSpec) -> Result<IssuerView> {
        let before = self.issuer_at(&spec.issuer, version).await?;
        let issuer = self.checked_issuer(spec, &[]).await?;
        let after = IssuerView::of(Versioned { value: issuer.clone(), version: version.saturating_add(1) });
        let change = self.change("issuer.edit", "issuer", &issuer.issuer, Some(&before), Some(&after));
        match self.store.edit_issuer(&issuer, version, &change).await? {
            true => Ok(after),
            false => Err(AdminError::Changed),
        }
    }

    /// Trusts an issuer, or changes what is believed of it, whatever that was before.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn put_issuer(&self, spec: IssuerSpec) -> Result<IssuerView> {
        match self.issuer(&spec.issuer).await {
            Ok(before) => self.edit_issuer(before.version, spec).await,
            Err(AdminError::NotFound(_)) => self.create_issuer(spec).await,
            Err(other) => Err(other),
        }
    }

    /// Trusts an issuer no more, if it is still at this version.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn remove_issuer(&self, name: &str, version: i64) -> Result<()> {
        let before = self.issuer_at(name, version).await?;
        let change = self.change("issuer.remove", "issuer", name, Some(&before), NOTHING);
        match self.store.delete_issuer(name, version, &change).await? {
            true => Ok(()),
            false => Err(AdminError::Changed),
        }
    }

    async fn issuer_at(&self, name: &str, version: i64) -> Result<IssuerView> {
        let found = self.issuer(name).await?;
        if found.version == version { Ok(found) } else { Err(AdminError::Changed) }
    }

    async fn checked_issuer(&self, spec: IssuerSpec, coming: &[&str]) -> Result<TrustedIssuer> {
        let scopes = match spec.scope.as_deref().map(ScopeSet::parse).transpose() {
            Ok(scopes) => scopes,
            Err(error) => return invalid("scope", error.to_string()),
        };
        let IssuerSpec { issuer, kind, keys, subjects, clients, claims, .. } = spec;
        let settings = IssuerSettings { kind, keys, subjects, scopes, clients, claims };
        let issuer = TrustedIssuer { issuer, settings, created_at: self.now() };
        self.check_issuer(&issuer, coming).await?;
        Ok(issuer)
    }

    /// Refuses whatever [`Admin::create_issuer`] or [`Admin::edit_issuer`] would, where these clients are registered too.
    ///
    /// # Errors
    /// [`AdminError::Invalid`].
    pub async fn check_issuer_spec(&self, spec: IssuerSpec, coming: &[&str]) -> Result<()> {
        self.checked_issuer(spec, coming).await.map(drop)
    }

    async fn check_issuer(&self, issuer: &TrustedIssuer, coming: &[&str]) -> Result<()> {
        let TrustedIssuer { issuer: name, settings, .. } = issuer;
        if name.is_empty() || name.len() > 1024 || name.contains(char::is_control) {
            return invalid("issuer", "1 to 1024 bytes, without control characters");
        }
        let keys = &settings.keys;
        if keys.is_empty() {
            return invalid("keys", "an issuer is known by its keys: give jwks, jwks_uri or certificates");
        }
        if settings.kind == AssertionKind::Saml && (keys.jwks.is_some() || keys.jwks_uri.is_some()) {
            return invalid("keys", "the keys of a SAML issuer are certificates");
        }
        for certificate in &keys.certificates {
            let problem = match settings.kind {
                AssertionKind::Saml => saml::Key::from_certificate(certificate).err().map(|e| e.to_string()),
                AssertionKind::Jwt => KeySet::from_certificates([certificate.as_str()]).err().map(|e| e.to_string()),
            };
            if let Some(problem) = problem {
                return invalid("keys", problem);
            }
        }
        if let Some(Err(error)) = keys.jwks.as_ref().map(KeySet::from_value) {
            return invalid("keys", error.to_string());
        }
        self.check_jwks_uri("keys", keys)?;
        check_claims(settings)?;
        for id in &settings.clients {
            if !coming.contains(&id.as_str()) && self.store.client(id).await?.is_none() {
                return invalid("clients", format!("there is no client {id}"));
            }
        }
        Ok(())
    }
}

/// What goes from assertions into tokens must not be taken for what this server says itself.
fn check_claims(settings: &IssuerSettings) -> Result<()> {
    if settings.claims.len() > MAX_CLAIMS {
        return invalid("claims", format!("at most {MAX_CLAIMS}"));
    }
    for (name, source) in &settings.claims {
        if let Err(error) = check_name(name) {
            return invalid("claims", error.to_string());
        }
        // They are written as NAME=SOURCE, by people.
        if name.contains('=') || name.trim() != name || source.trim() != source {
            return invalid("claims", format!("{name}: no equals sign in a name, and no space around either"));
        }
        let path = settings.kind == AssertionKind::Saml || ClaimPath::new(source).is_some();
        if !path || source.is_empty() || source.len() > MAX_SOURCE || source.contains(char::is_control) {
            let problem = format!("{name}: what it comes from has 1 to {MAX_SOURCE} bytes and no control characters");
            return invalid("claims", problem);
        }
    }
    Ok(())
}
