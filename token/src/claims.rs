//! The claims of an access token, RFC 9068 §2.2, with Bearward's `gid`, `exchanged_from` and `exchanged_by`.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The `typ` of an access token's JOSE header, RFC 9068 §2.1.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// What an access token says. Borrowed from the decoded payload where its strings need no unescaping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims<'a> {
    /// Who issued it (RFC 7519 §4.1.1).
    #[serde(borrow)]
    pub iss: Cow<'a, str>,
    /// Whom it is about: a person, or the client itself (RFC 9068 §2.2).
    #[serde(borrow)]
    pub sub: Cow<'a, str>,
    /// Whom it is for (RFC 7519 §4.1.3).
    #[serde(borrow)]
    pub aud: Audience<'a>,
    /// The client it was issued to (RFC 8693 §4.3).
    #[serde(borrow)]
    pub client_id: Cow<'a, str>,
    /// Space-delimited scopes (RFC 8693 §4.2); absent is the empty list.
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    pub scope: Cow<'a, str>,
    /// When it was issued; Unix time in seconds.
    pub iat: u64,
    /// When it stops being valid; Unix time in seconds.
    pub exp: u64,
    /// Its own name, unique at the issuer.
    #[serde(borrow)]
    pub jti: Cow<'a, str>,
    /// The grant it came from; a client-credentials token has none.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub gid: Option<Cow<'a, str>>,
    /// The `jti` of each token that it was exchanged from (RFC 8693), the latest first: whoever revokes one of them
    /// revokes this one as well.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub exchanged_from: Vec<Cow<'a, str>>,
    /// The other clients that those tokens were issued to: what ends all of a client's tokens ends this one as well.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub exchanged_by: Vec<Cow<'a, str>>,
    /// When the person signed in; Unix time in seconds (RFC 9068 §2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<u64>,
    /// How the person signed in (RFC 9068 §2.2.1).
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<Cow<'a, str>>,
}

/// `aud`: one string or a list of them (RFC 7519 §4.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience<'a> {
    /// The special case of a single audience.
    #[serde(borrow)]
    One(Cow<'a, str>),
    /// The general case.
    #[serde(borrow)]
    Many(Vec<Cow<'a, str>>),
}

impl Audience<'_> {
    /// Each audience.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(one) => std::slice::from_ref(one).iter(),
            Self::Many(many) => many.iter(),
        }
        .map(AsRef::as_ref)
    }

    /// Whether this audience is among them.
    #[must_use]
    pub fn contains(&self, audience: &str) -> bool {
        self.iter().any(|a| a == audience)
    }
}
