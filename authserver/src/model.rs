//! What the authserver keeps: plain data, valid by construction. Times are Unix time in seconds.

mod admin;
mod device;
mod names;
mod trust;

pub use admin::{
    Access, Account, Activity, AuditFilter, Change, Follower, FollowerCounts, FollowerName, GrantEntry, GrantFilter,
    Passkey, Recorded, Role, SessionEntry, Totp, Versioned,
};
pub use device::{DeviceCode, Polled};
pub use names::{ClientAuthMethod, GrantType};
pub use trust::{
    AssertionKind, ExchangePolicy, IssuerSettings, Keys, RefreshMode, Subjects, TlsSubject, TrustedIssuer,
};

use crate::authorization_details::AuthorizationDetails;
use crate::client_keys::ClientKey;
use crate::confirmation::Confirmation;
use crate::custom_claims::CustomClaims;
use bearward_token::feed::{self, Subject};
use bearward_token::scope::ScopeSet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// SHA-256 of a secret: the only form in which tokens, codes and client secrets are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// In hexadecimal.
    #[must_use]
    pub fn hex(&self) -> String {
        use std::fmt::Write as _;
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _: std::fmt::Result = write!(text, "{byte:02x}");
            text
        })
    }

    /// From 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 32];
        for (place, at) in bytes.iter_mut().zip((0..64_usize).step_by(2)) {
            *place = u8::from_str_radix(text.get(at..at.saturating_add(2))?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("not 64 hexadecimal digits"))
    }
}

/// A registered client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// What people see on the consent page.
    pub name: String,
    /// How it proves itself.
    pub auth_method: ClientAuthMethod,
    /// The digest of its secret; present exactly where [`ClientAuthMethod::shows_secret`].
    #[serde(skip)]
    pub secret: Option<Digest>,
    /// Its secret sealed under the master key; present exactly for [`ClientAuthMethod::ClientSecretJwt`].
    #[serde(skip)]
    pub sealed_secret: Option<Vec<u8>>,
    /// The grants it may use.
    pub grant_types: Vec<GrantType>,
    /// Where authorization answers may go, compared exactly (loopback port apart, RFC 8252 §7.3).
    pub redirect_uris: Vec<String>,
    /// The scopes it may ask for.
    pub scopes: ScopeSet,
    /// The scopes it gets when it asks for none; a subset of `scopes`.
    pub default_scopes: ScopeSet,
    /// The `aud` of its access tokens; empty takes the server's default audience.
    pub audience: Vec<String>,
    /// What else is particular about it.
    #[serde(flatten)]
    pub options: ClientOptions,
    /// When it was disabled, if it is.
    pub disabled_at: Option<i64>,
    /// When it was registered.
    pub created_at: i64,
}

/// What few clients need: each field has a default that is the safe choice, and is stored only if it differs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientOptions {
    /// People are not asked for their consent: it is the operator's own.
    #[serde(skip_serializing_if = "is_default")]
    pub first_party: bool,
    /// People may allow only some of the scopes it asks for.
    #[serde(skip_serializing_if = "is_default")]
    pub partial_consent: bool,
    /// The switch of [`Client::secret`].
    #[serde(skip_serializing_if = "is_default")]
    pub first_secret: SecretSwitch,
    /// Further secrets that are as good, so that one can take over from another.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub more_secrets: Vec<MoreSecret>,
    /// Public keys with names and switches of their own, beside those of `keys`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<ClientKey>,
    /// The origins of the web pages that may act as it, as browsers name them in `Origin`; empty for any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub web_origins: Vec<String>,
    /// What a refresh gives back.
    #[serde(skip_serializing_if = "is_default")]
    pub refresh_mode: RefreshMode,
    /// How long its refresh tokens are good when they are not used, in seconds. `None` takes `tokens.refresh_lifetime`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_lifetime: Option<u32>,
    /// How long a grant can be refreshed at all, in seconds. `None` takes `tokens.refresh_absolute_lifetime`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_absolute_lifetime: Option<u32>,
    /// Its public keys: for its assertions and signed requests, and its self-signed certificates.
    #[serde(skip_serializing_if = "Keys::is_empty")]
    pub keys: Keys,
    /// For whom it may ask with assertions of its own (RFC 7523 §2.1), by its keys. `None` for itself alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assertion_subjects: Option<Subjects>,
    /// The one algorithm its assertions may use when it proves itself with them (RFC 7591 §2). `None` for each that
    /// its keys are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// The subject of its certificate, if it proves itself by `tls_client_auth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth: Option<TlsSubject>,
    /// What it may do by token exchange.
    #[serde(skip_serializing_if = "is_default")]
    pub token_exchange: ExchangePolicy,
    /// How its access tokens are written.
    #[serde(skip_serializing_if = "is_default")]
    pub access_token_format: AccessTokenFormat,
    /// The algorithm that signs its access tokens, one of `keys.algorithm` and `keys.more_algorithms`. `None` for the usual
    /// one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_signing_alg: Option<String>,
    /// How long its access tokens are good, in seconds; never longer than `tokens.max_access_lifetime`. `None` takes
    /// `tokens.access_lifetime`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<u32>,
    /// Claims that all its access tokens carry.
    #[serde(skip_serializing_if = "CustomClaims::is_empty")]
    pub claims: CustomClaims,
    /// Claims that its access tokens of one grant carry beside those, and before them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub grant_claims: BTreeMap<GrantType, CustomClaims>,
    /// The names of claims that its requests may bring (`custom_claims`), where it is certain that it made them itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request_claims: Vec<String>,
    /// The resources it may ask for (RFC 8707 §2) beside those of its `audience`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// The types of `authorization_details` it may ask for (RFC 9396 §10).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authorization_details_types: Vec<String>,
    /// It has to use PKCE although it can prove itself (RFC 9700 §2.1.1).
    #[serde(skip_serializing_if = "is_default")]
    pub require_pkce: bool,
    /// It has to push its authorization requests (RFC 9126 §6).
    #[serde(skip_serializing_if = "is_default")]
    pub require_pushed_authorization_requests: bool,
    /// It has to sign its authorization requests (RFC 9101 §10.5).
    #[serde(skip_serializing_if = "is_default")]
    pub require_signed_request_object: bool,
    /// It gets only tokens that are bound to a key by DPoP (RFC 9449 §5.2).
    #[serde(skip_serializing_if = "is_default")]
    pub dpop_bound_access_tokens: bool,
    /// Its tokens are bound to the certificate it shows (RFC 8705 §3.4).
    #[serde(skip_serializing_if = "is_default")]
    pub tls_client_certificate_bound_access_tokens: bool,
}

/// What is known of a secret or a key, and whether it counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretSwitch {
    /// Names it among the client's; empty for the first one.
    pub id: String,
    /// What people call it.
    pub label: String,
    /// When it was made; 0 for one that is as old as its client.
    pub created_at: i64,
    /// When it was switched off, if it is.
    pub disabled_at: Option<i64>,
    /// When it stops being good, if it does.
    pub expires_at: Option<i64>,
}

impl SecretSwitch {
    /// Whether the secret is good.
    #[must_use]
    pub fn is_on(&self, now: i64) -> bool {
        self.disabled_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }
}

/// A secret beside the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoreSecret {
    /// Its digest.
    pub digest: Digest,
    /// The rest.
    #[serde(flatten)]
    pub switch: SecretSwitch,
}

/// How an access token is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokenFormat {
    /// A JWT that says everything itself (RFC 9068).
    #[default]
    Jwt,
    /// A random text; what it stands for is told by introspection alone.
    Opaque,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A scope that clients can ask for, with the words people see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The scope token.
    pub name: String,
    /// A short title: "Read your orders".
    pub title: String,
    /// One sentence more.
    pub description: String,
}

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The `sub` of their tokens: random, never reused.
    pub id: String,
    /// What they type to sign in; compared without case.
    pub username: String,
    /// Argon2id, as a PHC string.
    pub password_hash: String,
    /// When they were disabled, if they are.
    pub disabled_at: Option<i64>,
    /// When they were added.
    pub created_at: i64,
}

/// A signed-in browser. The cookie's value is stored as a digest only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// [`Person::id`].
    pub person_id: String,
    /// When they proved who they are.
    pub auth_time: i64,
    /// How they proved it: the `acr` of tokens.
    pub acr: String,
    /// When it ends.
    pub expires_at: i64,
    /// When it was last used, to the minute: it ends earlier if nobody does.
    pub used_at: i64,
}

/// What a person granted a client: codes, refresh tokens and access tokens all hang from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The `gid` of its access tokens.
    pub id: String,
    /// To whom.
    pub client_id: String,
    /// Who granted it: [`Person::id`].
    pub person_id: String,
    /// The widest scope its tokens can have.
    pub scope: ScopeSet,
    /// When the person signed in.
    pub auth_time: i64,
    /// How they signed in.
    pub acr: String,
    /// What else was granted.
    pub details: GrantDetails,
    /// When it was made.
    pub created_at: i64,
    /// When it was revoked, if it was.
    pub revoked_at: Option<i64>,
}

/// What a grant carries into every token that comes from it, where it is not the usual.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GrantDetails {
    /// The resources that its tokens may be for (RFC 8707 §2); empty takes the client's audience.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// What was granted beside scopes (RFC 9396).
    #[serde(skip_serializing_if = "AuthorizationDetails::is_empty")]
    pub authorization_details: AuthorizationDetails,
    /// Claims that its access tokens carry, beside and before those of the client.
    #[serde(skip_serializing_if = "CustomClaims::is_empty")]
    pub claims: CustomClaims,
    /// The thumbprint of the key that must redeem its code (RFC 9449 §10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<String>,
}

/// A registered type of `authorization_details` (RFC 9396 §2), with the words people see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationType {
    /// Its `type`.
    pub name: String,
    /// A short title: "Make a payment".
    pub title: String,
    /// One sentence more.
    #[serde(default)]
    pub description: String,
    /// The fields that it may have beside `type`.
    #[serde(default)]
    pub fields: BTreeMap<String, AuthorizationField>,
}

/// A field of a type of `authorization_details`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthorizationField {
    /// What people see before its value: "Amount".
    pub title: String,
    /// Whether it has to be there.
    pub required: bool,
    /// The only texts it may be or hold; empty for any.
    pub values: Vec<String>,
}

/// An authorization code, RFC 6749 §4.1.2, with its grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// The grant that redeeming it carries out.
    pub grant: Grant,
    /// The `redirect_uri` of the authorization request, if it named one: redeeming must repeat it (RFC 6749 §4.1.3).
    pub redirect_uri: Option<String>,
    /// The S256 `code_challenge` (RFC 7636 §4.2), if there was one.
    pub code_challenge: Option<String>,
    /// When it stops being good.
    pub expires_at: i64,
    /// When it was redeemed, if it was.
    pub used_at: Option<i64>,
}

/// A refresh token to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRefreshToken {
    /// The digest of the token.
    pub digest: Digest,
    /// When it was issued.
    pub issued_at: i64,
    /// When it stops being good.
    pub expires_at: i64,
    /// The keys that whoever uses it must hold (RFC 9449 §5, RFC 8705 §4).
    pub confirmation: Confirmation,
}

/// A stored refresh token with its grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The grant it refreshes.
    pub grant: Grant,
    /// When it stops being good.
    pub expires_at: i64,
    /// Set once it was used.
    pub spent: Option<Spent>,
    /// The keys that whoever uses it must hold.
    pub confirmation: Confirmation,
}

/// What became of a refresh token that was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// When.
    pub at: i64,
    /// Its successor, sealed under a key that only the spent token itself gives.
    pub successor: Vec<u8>,
}

/// A revocation to record. In the feed it is known by [`Subject::key`] only; the name is kept for the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// [`Subject::key`].
    pub key: u64,
    /// `jti`, `gid`, `client_id` or `sub`.
    pub kind: &'static str,
    /// The identifier itself.
    pub name: String,
    /// See [`feed::Entry::cutoff`].
    pub cutoff: u32,
    /// See [`feed::Entry::expires_at`].
    pub expires_at: u32,
    /// When it was made.
    pub created_at: i64,
}

impl Revocation {
    /// Every [`Self::kind`].
    pub const KINDS: [&str; 4] = ["jti", "gid", "client_id", "sub"];

    /// Everything about the subject, whenever it was issued, until `expires_at`.
    #[must_use]
    pub fn always(subject: Subject<'_>, now: i64, expires_at: i64) -> Self {
        Self::new(subject, feed::ALWAYS, now, expires_at)
    }

    /// What was issued about the subject up to `cutoff`.
    #[must_use]
    pub fn up_to(subject: Subject<'_>, cutoff: i64, now: i64, expires_at: i64) -> Self {
        Self::new(subject, clamp(cutoff), now, expires_at)
    }

    fn new(subject: Subject<'_>, cutoff: u32, now: i64, expires_at: i64) -> Self {
        let (kind, name) = match subject {
            Subject::Token(id) => ("jti", id),
            Subject::Grant(id) => ("gid", id),
            Subject::Client(id) => ("client_id", id),
            Subject::Person(id) => ("sub", id),
        };
        let (key, name) = (subject.key(), name.to_owned());
        Self { key, kind, name, cutoff, expires_at: clamp(expires_at), created_at: now }
    }
}

fn clamp(seconds: i64) -> u32 {
    u32::try_from(seconds.max(0)).unwrap_or(feed::ALWAYS)
}

/// A signing key as stored. Its state follows from its times: *next* while `activates_at` is unset or to come,
/// *active* while it is the latest activated, *retired* afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// The RFC 7638 thumbprint of the public key.
    pub kid: String,
    /// The JWA name.
    pub alg: String,
    /// The public key as a JWK, JSON text.
    pub public_jwk: String,
    /// The private key (PKCS#8), sealed under the master key.
    pub sealed_private: Vec<u8>,
    /// Since when it is published.
    pub published_at: i64,
    /// From when it signs.
    pub activates_at: Option<i64>,
    /// Which keys it succeeds and is succeeded by: empty for those of the server's usual algorithm, the algorithm's name for
    /// those of a further one.
    pub line: String,
    /// Since when no configuration asks for its line; it signs no more then.
    pub ended_at: Option<i64>,
}
