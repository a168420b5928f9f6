//! Whose assertions are believed.

use super::{Admin, AdminError, NOTHING, Result, invalid};
use crate::jwt::KeySet;
use crate::model::{AssertionKind, IssuerSettings, Keys, Subjects, TrustedIssuer};
use crate::saml;
use bearward_token::scope::ScopeSet;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
}

impl From<TrustedIssuer> for IssuerSpec {
    fn from(issuer: TrustedIssuer) -> Self {
        let IssuerSettings { kind, keys, subjects, scopes, clients } = issuer.settings;
        Self { issuer: issuer.issuer, kind, keys, subjects, scope: scopes.map(|scopes| scopes.to_string()), clients }
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
        let IssuerSpec { issuer, kind, keys, subjects, clients, .. } = spec;
        let settings = IssuerSettings { kind, keys, subjects, scopes, clients };
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
        for id in &settings.clients {
            if self.store.client(id).await?.is_none() {
                return invalid("clients", format!("there is no client {id}"));
            }
        }
        Ok(())
    }
}
