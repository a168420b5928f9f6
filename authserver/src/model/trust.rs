//! Whom the server believes beside itself: other issuers, and clients by their keys.

use bearward_token::scope::ScopeSet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An issuer whose assertions are believed (RFC 7523 §2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedIssuer {
    /// Its `iss`, compared exactly.
    pub issuer: String,
    /// What is believed, and how it is checked.
    pub settings: IssuerSettings,
    /// When it was registered.
    pub created_at: i64,
}

/// What is believed of an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct IssuerSettings {
    /// What it makes: a key that is trusted for one kind of assertion vouches for no other.
    #[serde(skip_serializing_if = "is_default")]
    pub kind: AssertionKind,
    /// Its keys.
    pub keys: Keys,
    /// Whom its `sub` names.
    pub subjects: Subjects,
    /// The most that its assertions can give; `None` for whatever the client may have.
    pub scopes: Option<ScopeSet>,
    /// The clients that may bring its assertions; empty for each that is registered for the grant.
    pub clients: Vec<String>,
    /// What of its assertions goes into tokens: the name of the token's claim, and that of the assertion's claim (RFC
    /// 7519 §4; nested ones by names parted by dots) or attribute (SAML core §2.7.3.1).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
}

/// A kind of assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionKind {
    /// A JWT (RFC 7523).
    #[default]
    Jwt,
    /// A SAML 2.0 assertion (RFC 7522). Its issuer is an entity ID, and its keys are certificates.
    Saml,
}

fn is_default(kind: &AssertionKind) -> bool {
    *kind == AssertionKind::default()
}

/// The public keys of another party. Any of them may sign.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// A JWK Set (RFC 7517 §5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<serde_json::Value>,
    /// Where a JWK Set is (RFC 7591 §2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// X.509 certificates in PEM. They are pinned: their keys count, their times and issuers do not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<String>,
}

impl Keys {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whom the `sub` of another issuer's assertion names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subjects {
    /// A person of this server, by username. Anyone else is refused, and so is who is disabled.
    #[default]
    People,
    /// Anyone: the token's `sub` is the assertion's, behind the issuer's name and a `#`, so that it is nobody else's.
    Any,
}

/// What a refresh gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshMode {
    /// A new refresh token each time; the old one is spent (RFC 9700 §4.14.2).
    #[default]
    Rotate,
    /// The same refresh token, for as long as it lives. For confidential clients only: nobody notices if it was stolen.
    Preserve,
}

/// The subject that the certificate of a `tls_client_auth` client must have, RFC 8705 §2.1.2: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsSubject {
    /// The distinguished name, as RFC 4514 writes it.
    #[serde(rename = "tls_client_auth_subject_dn")]
    Dn(String),
    /// A `dNSName`.
    #[serde(rename = "tls_client_auth_san_dns")]
    Dns(String),
    /// A `uniformResourceIdentifier`: a SPIFFE ID, for example.
    #[serde(rename = "tls_client_auth_san_uri")]
    Uri(String),
    /// An `iPAddress`.
    #[serde(rename = "tls_client_auth_san_ip")]
    Ip(std::net::IpAddr),
    /// An `rfc822Name`.
    #[serde(rename = "tls_client_auth_san_email")]
    Email(String),
}

/// What a client may do by token exchange (RFC 8693). Nothing, unless it is registered for the grant and for one of
/// these.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ExchangePolicy {
    /// It may get tokens in which it is not named: `sub` is the subject and nothing says who acts (§1.1).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub impersonation: bool,
    /// It may get tokens with an `act` claim: for the subject, by an actor (§4.1).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub delegation: bool,
    /// The audiences it may ask for, beside those that the subject token has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audiences: Vec<String>,
}
