//! Whose assertions are believed.

use super::{Admin, AdminError, NOTHING, Result, invalid};
use crate::custom_claims::{MAX_CLAIMS, check_name};
use crate::jwt::KeySet;
use crate::model::{AssertionKind, IssuerSettings, Keys, Subjects, TrustedIssuer};
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

impl From<TrustedIssuer> for IssuerSpec {
    fn from(issuer: TrustedIssuer) -> Self {
        let IssuerSettings { kind, keys, subjects, scopes, clients, claims } = issuer.settings;
        let scope = scopes.map(|scopes| scopes.to_string());
        Self { issuer: issuer.issuer, kind, keys, subjects, scope, clients, claims }
    }
}

impl Admin<'_> {
    /// All trusted issuers, in order of their `iss`.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn issuers(&self) -> Result<Vec<IssuerSpec>> {
        Ok(self.store.issuers().await?.into_iter().map(IssuerSpec::from).collect())
    }

    /// Trusts an issuer, or changes what is trusted, as a specification says.
    ///
    /// # Errors
    /// [`AdminError::Invalid`].
    pub async fn put_issuer_spec(&self, spec: IssuerSpec) -> Result<IssuerSpec> {
        let scopes = match spec.scope.as_deref().map(ScopeSet::parse).transpose() {
            Ok(scopes) => scopes,
            Err(error) => return invalid("scope", error.to_string()),
        };
        let IssuerSpec { issuer, kind, keys, subjects, clients, claims, .. } = spec;
        let settings = IssuerSettings { kind, keys, subjects, scopes, clients, claims };
        self.put_issuer(TrustedIssuer { issuer, settings, created_at: self.now() }).await
    }

    /// Trusts an issuer, or changes what is trusted.
    ///
    /// # Errors
    /// [`AdminError::Invalid`].
    pub async fn put_issuer(&self, issuer: TrustedIssuer) -> Result<IssuerSpec> {
        self.check_issuer(&issuer).await?;
        let before = self.store.issuer(&issuer.issuer).await?.map(IssuerSpec::from);
        let after = IssuerSpec::from(issuer.clone());
        let change = self.change("issuer.put", "issuer", &issuer.issuer, before.as_ref(), Some(&after));
        self.store.save_issuer(&issuer, &change).await?;
        Ok(after)
    }

    /// Trusts an issuer no more.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn remove_issuer(&self, issuer: &str) -> Result<()> {
        let before = self.store.issuer(issuer).await?.ok_or(AdminError::NotFound("issuer"))?;
        let change = self.change("issuer.remove", "issuer", issuer, Some(&IssuerSpec::from(before)), NOTHING);
        match self.store.delete_issuer(issuer, &change).await? {
            true => Ok(()),
            false => Err(AdminError::NotFound("issuer")),
        }
    }

    async fn check_issuer(&self, issuer: &TrustedIssuer) -> Result<()> {
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
            if self.store.client(id).await?.is_none() {
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
        let path = settings.kind == AssertionKind::Saml || ClaimPath::new(source).is_some();
        if !path || source.is_empty() || source.len() > MAX_SOURCE || source.contains(char::is_control) {
            let problem = format!("{name}: what it comes from has 1 to {MAX_SOURCE} bytes and no control characters");
            return invalid("claims", problem);
        }
    }
    Ok(())
}
