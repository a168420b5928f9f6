//! What a token came to.

use crate::confirmation::Confirmation;
use crate::keys::lifecycle::State;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// An access token of this server that is a JWT (RFC 9068).
    JwtAccessToken,
    /// An access token of this server that is a random text.
    OpaqueAccessToken,
    /// A refresh token of this server.
    RefreshToken,
    /// A secret of this server that is no token: a client secret, a code.
    OtherSecret,
    /// A JWT that is no access token of this server.
    OtherJwt,
    /// Nothing of this server.
    Unknown,
}

/// Why a token is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenFault {
    /// Its time is over.
    Expired,
    /// It was revoked itself.
    TokenRevoked,
    /// A token that it was exchanged from was revoked (RFC 8693).
    SourceRevoked,
    /// Its grant was revoked.
    GrantRevoked,
    /// What its client had been issued was revoked.
    ClientRevoked,
    /// What was issued for its person was revoked.
    PersonRevoked,
    /// A refresh token that was used: another took its place.
    Spent,
    /// A refresh token whose client is disabled or gone.
    ClientDisabled,
    /// A refresh token whose person is disabled or gone.
    PersonDisabled,
    /// It was issued under another name of this server.
    Issuer,
    /// It is a JWT of another type.
    Type,
    /// It names a key that this server does not have, or none.
    Key,
    /// Its algorithm is not its key's.
    Algorithm,
    /// Its signature is not by its key.
    Signature,
    /// It begins like a token of this server, and is not one.
    Malformed,
    /// It looks like a token of this server, which knows nothing of it.
    NotKnown,
    /// It says that an issuer whose assertions are believed here made it.
    TrustedIssuer,
    /// It is nothing of this server.
    Foreign,
    /// It is of this server, and no token.
    NotAToken,
}

/// A reason why a token is not good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TokenReason {
    /// For programs.
    pub fault: TokenFault,
    /// Since when, Unix time in seconds, where that is known; of the revocation of a client or a person, up to when what
    /// was issued is revoked.
    pub at: Option<i64>,
    /// In words.
    pub text: String,
}

/// What a token is, and whether it is good now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TokenView {
    /// What it is.
    pub kind: TokenKind,
    /// The same in words.
    pub description: String,
    /// Whether it is good now.
    pub good: bool,
    /// Why not; empty if it is good.
    pub reasons: Vec<TokenReason>,
    /// What it says; null unless this server is certain that it issued it.
    pub token: Option<IssuedToken>,
}

/// What a token of this server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IssuedToken {
    /// Its name; null for a refresh token.
    pub jti: Option<String>,
    /// The key that signed it; null where none did.
    pub kid: Option<String>,
    /// Where that key is in its life: `next`, `active` or `retired`.
    #[schema(value_type = Option<String>)]
    pub key_state: Option<State>,
    /// To whom it was issued.
    pub client_id: String,
    /// What that client is called; null if it is gone.
    pub client_name: Option<String>,
    /// Whom it is about: a person, or the client itself.
    pub sub: String,
    /// The username, if that is a person of this server.
    pub username: Option<String>,
    /// Its scopes, separated by spaces.
    pub scope: String,
    /// Whom it is for; empty for a refresh token whose access tokens have the usual audience.
    pub audience: Vec<String>,
    /// When it was issued, Unix time in seconds; null for a refresh token.
    pub issued_at: Option<i64>,
    /// When its time is over, Unix time in seconds.
    pub expires_at: i64,
    /// The grant that it came from.
    pub grant_id: Option<String>,
    /// The key that whoever uses it must hold (`cnf`).
    #[schema(value_type = Option<Object>)]
    pub confirmation: Option<Confirmation>,
    /// Who acts for its subject, the present actor outside (RFC 8693 §4.1).
    #[schema(value_type = Option<Object>)]
    pub act: Option<Value>,
    /// What it is for beside its scopes (RFC 9396).
    #[schema(value_type = Option<Vec<Object>>)]
    pub authorization_details: Option<Value>,
    /// The tokens that it was exchanged from, by `jti`, the latest first.
    pub exchanged_from: Vec<String>,
    /// The operator's own claims.
    #[schema(value_type = Object)]
    pub claims: Map<String, Value>,
}

impl TokenView {
    pub(super) fn new(kind: TokenKind, reasons: Vec<TokenReason>, token: Option<IssuedToken>) -> Self {
        let description = match kind {
            // What nothing vouches for only looks like one.
            TokenKind::JwtAccessToken if token.is_none() => "What looks like an access token of this server, a JWT.",
            TokenKind::OpaqueAccessToken if token.is_none() => "What looks like an opaque access token of this server.",
            TokenKind::RefreshToken if token.is_none() => "What looks like a refresh token of this server.",
            TokenKind::JwtAccessToken => "An access token of this server, a JWT.",
            TokenKind::OpaqueAccessToken => "An opaque access token of this server.",
            TokenKind::RefreshToken => "A refresh token of this server.",
            TokenKind::OtherSecret => "A secret of this server, and no token.",
            TokenKind::OtherJwt => "A JWT, and no access token of this server.",
            TokenKind::Unknown => "Nothing that this server gives out.",
        };
        Self { kind, description: description.to_owned(), good: reasons.is_empty(), reasons, token }
    }

    pub(super) fn fault(kind: TokenKind, fault: TokenFault, text: impl Into<String>) -> Self {
        Self::new(kind, vec![reason(fault, None, text)], None)
    }
}

pub(super) fn reason(fault: TokenFault, at: Option<i64>, text: impl Into<String>) -> TokenReason {
    TokenReason { fault, at, text: text.into() }
}
