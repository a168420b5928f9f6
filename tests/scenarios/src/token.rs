//! Tokens as rows spell them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

/// The `kid` of the issuer's P-256 key.
pub const ES256: &str = "test-es256";
/// The `kid` of its RSA key.
pub const RS256: &str = "test-rs256";

/// Who signs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Key {
    /// The issuer's P-256 key.
    #[default]
    Es256,
    /// Its RSA key.
    Rs256,
    /// A P-256 key of somebody else.
    Stranger,
    /// The issuer's public P-256 key, taken for an HMAC secret.
    PublicAsSecret,
    /// Nobody: the signature is empty.
    Nobody,
}

/// An issuer's private keys.
pub trait Sign {
    /// The signature of a JWS by [`Key::Es256`], [`Key::Rs256`] or [`Key::Stranger`].
    fn sign(&self, key: Key, input: &[u8]) -> Vec<u8>;
    /// The public P-256 key, as a text or as DER: what somebody might take for a secret.
    fn public(&self) -> Vec<u8>;
}

/// A token: a good one, with what is to be different.
#[derive(Debug, Clone, Default)]
pub struct Token {
    key: Key,
    header: Vec<(&'static str, Value)>,
    claims: Vec<(&'static str, Value)>,
    times: Vec<(&'static str, i64)>,
    flipped: bool,
}

impl Token {
    /// Signed by this key, which the header names.
    #[must_use]
    pub fn by(key: Key) -> Self {
        Self { key, ..Self::default() }
    }

    /// With this in its header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.header.push((name, value.into()));
        self
    }

    /// With this claim; null takes it away.
    #[must_use]
    pub fn claim(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.claims.push((name, value.into()));
        self
    }

    /// With a claim that is a time, so many seconds from now.
    #[must_use]
    pub fn time(mut self, name: &'static str, seconds: i64) -> Self {
        self.times.push((name, seconds));
        self
    }

    /// With another first byte in its signature.
    #[must_use]
    pub fn flipped(self) -> Self {
        Self { flipped: true, ..self }
    }

    /// The token. `now` is Unix time in seconds.
    pub fn make(&self, signer: &impl Sign, issuer: &str, now: i64) -> String {
        let (alg, kid) = match self.key {
            Key::Es256 | Key::Stranger => ("ES256", ES256),
            Key::Rs256 => ("RS256", RS256),
            Key::PublicAsSecret => ("HS256", ES256),
            Key::Nobody => ("none", ""),
        };
        let mut header = json!({ "typ": "at+jwt", "alg": alg, "kid": kid });
        let mut claims = json!({
            "iss": issuer, "sub": "alice", "aud": "https://api.example", "client_id": "demo", "scope": "orders:read",
            "iat": now, "exp": now.saturating_add(300), "jti": "1",
        });
        change(&mut header, self.header.iter().cloned());
        change(&mut claims, self.claims.iter().cloned());
        change(&mut claims, self.times.iter().map(|(name, seconds)| (*name, now.saturating_add(*seconds).into())));
        let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", text(&header), text(&claims));
        let mut signature = match self.key {
            Key::Nobody => Vec::new(),
            Key::PublicAsSecret => {
                let mac = Hmac::<Sha256>::new_from_slice(&signer.public());
                mac.map(|mac| mac.chain_update(&input).finalize().into_bytes().to_vec()).unwrap_or_default()
            }
            key => signer.sign(key, input.as_bytes()),
        };
        if let Some(first) = signature.first_mut().filter(|_| self.flipped) {
            *first ^= 1;
        }
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn change(object: &mut Value, members: impl Iterator<Item = (&'static str, Value)>) {
    let Some(object) = object.as_object_mut() else { return };
    for (name, value) in members {
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.to_owned(), value);
        }
    }
}
