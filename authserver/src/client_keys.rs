//! A client's public keys, each with its own name and switch: JWKs, public keys in PEM, X.509 certificates.

use crate::jwt::{JwkError, PublicKey};
use crate::model::{Client, SecretSwitch};
use crate::x509;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most keys of one client: each may be tried on every request.
pub const MOST: usize = 20;
/// The most that is read at once, in bytes.
const MAX_TEXT: usize = 32 * 1024;

/// A key of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientKey {
    /// The key.
    pub key: KeyMaterial,
    /// What it is called, and whether it counts. Its id is the key's thumbprint.
    #[serde(flatten)]
    pub switch: SecretSwitch,
}

/// A public key, as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyMaterial {
    /// RFC 7517.
    Jwk(Value),
    /// `SubjectPublicKeyInfo` in PEM.
    PublicKey(String),
    /// X.509 in PEM. It is pinned: its key counts, its times and issuer do not.
    Certificate(String),
}

/// Why a text holds no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyTextError {
    /// It holds a private key.
    #[error("this is a private key: keep it to yourself, and give the public one; nothing of it was stored")]
    Private,
    /// It is none of those things.
    #[error("not a JWK Set, a JWK, a PEM public key (BEGIN PUBLIC KEY) or a PEM certificate (BEGIN CERTIFICATE)")]
    Unknown,
    /// It is JSON that breaks off or does not fit.
    #[error("not JSON: {0}")]
    Json(String),
    /// One of several is of no use.
    #[error("key {number}: {problem}")]
    Key {
        /// Which, from 1 on.
        number: usize,
        /// Why not.
        problem: &'static str,
    },
    /// Over [`MAX_TEXT`].
    #[error("more than 32 KiB")]
    TooLarge,
}

impl KeyMaterial {
    /// The key, checked.
    ///
    /// # Errors
    /// [`JwkError`] if it is of no use.
    pub fn key(&self) -> Result<PublicKey, JwkError> {
        match self {
            Self::Jwk(jwk) => PublicKey::from_jwk(jwk),
            Self::PublicKey(pem) => PublicKey::from_spki(&spki(pem).ok_or(JwkError::Malformed)?),
            Self::Certificate(pem) => {
                let certificate = x509::from_pem(pem).map_err(|_| JwkError::Malformed)?;
                PublicKey::from_spki(&x509::public_key(&certificate).map_err(|_| JwkError::Malformed)?)
            }
        }
    }

    /// Its thumbprint in base64url: of a JWK as RFC 7638 has it, of a certificate its `x5t#S256`, of a public key the
    /// SHA-256 of its DER. `None` if it is of no use.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        match self {
            Self::Jwk(_) => self.key().ok()?.thumbprint().map(ToOwned::to_owned),
            Self::PublicKey(pem) => Some(URL_SAFE_NO_PAD.encode(digest(&SHA256, &spki(pem)?))),
            Self::Certificate(pem) => Some(x509::thumbprint(&x509::from_pem(pem).ok()?)),
        }
    }

    /// The certificate that it is, or that comes with it: the first of a JWK's `x5c` (RFC 8705 §2.2.2).
    #[must_use]
    pub fn certificate(&self) -> Option<CertificateDer<'static>> {
        match self {
            Self::Jwk(jwk) => {
                let text = jwk.get("x5c")?.as_array()?.first()?.as_str()?;
                STANDARD.decode(text).ok().map(CertificateDer::from)
            }
            Self::PublicKey(_) => None,
            Self::Certificate(pem) => x509::from_pem(pem).ok(),
        }
    }
}

/// The keys in a text that somebody pasted: a JWK Set, one JWK, and in PEM one or more public keys or certificates.
///
/// # Errors
/// [`KeyTextError`], if any of them is of no use.
pub fn parse(text: &str) -> Result<Vec<KeyMaterial>, KeyTextError> {
    let text = text.trim();
    if text.len() > MAX_TEXT {
        return Err(KeyTextError::TooLarge);
    }
    if text.contains("PRIVATE KEY-----") {
        return Err(KeyTextError::Private);
    }
    let keys = if text.starts_with('{') { from_json(text)? } else { from_pem(text) };
    if keys.is_empty() {
        return Err(KeyTextError::Unknown);
    }
    for (number, key) in keys.iter().enumerate() {
        let number = number.saturating_add(1);
        match key.key() {
            Ok(_) => {}
            Err(JwkError::Private) => return Err(KeyTextError::Private),
            Err(JwkError::Unsupported) => {
                let problem = "of a kind that is not used: RSA, P-256, P-384 or Ed25519, for signatures";
                return Err(KeyTextError::Key { number, problem });
            }
            Err(JwkError::Malformed) => {
                return Err(KeyTextError::Key { number, problem: "malformed, or RSA under 2048 bits" });
            }
        }
    }
    Ok(keys)
}

fn from_json(text: &str) -> Result<Vec<KeyMaterial>, KeyTextError> {
    let value: Value = serde_json::from_str(text).map_err(|error| KeyTextError::Json(error.to_string()))?;
    match value.get("keys") {
        None => Ok(vec![KeyMaterial::Jwk(value)]),
        Some(Value::Array(keys)) => Ok(keys.iter().cloned().map(KeyMaterial::Jwk).collect()),
        Some(_) => Err(KeyTextError::Unknown),
    }
}

/// What is between the lines that begin and end; a block that cannot be read is left for the check to refuse.
fn from_pem(text: &str) -> Vec<KeyMaterial> {
    let blocks = text.split("-----BEGIN ").skip(1);
    let read = |block: &str| {
        let (label, rest) = block.split_once("-----")?;
        let end = format!("-----END {label}-----");
        let pem = format!("-----BEGIN {label}-----{}{end}\n", rest.split_once(&end)?.0);
        match label {
            "PUBLIC KEY" => Some(KeyMaterial::PublicKey(pem)),
            "CERTIFICATE" => Some(KeyMaterial::Certificate(pem)),
            _ => None,
        }
    };
    let all: Option<Vec<_>> = blocks.map(read).collect();
    all.unwrap_or_default()
}

fn spki(pem: &str) -> Option<Vec<u8>> {
    SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).ok().map(|der| der.to_vec())
}

impl Client {
    /// Every key by its id: those with a switch of their own, then those that its registration names and that have none.
    pub fn keys(&self) -> impl Iterator<Item = ClientKey> + '_ {
        let own = &self.options.credentials;
        let plain = plain(self).into_iter();
        own.iter().cloned().chain(plain.filter(|key| own.iter().all(|other| other.switch.id != key.switch.id)))
    }

    /// The keys that count at `now`.
    pub fn keys_on(&self, now: i64) -> impl Iterator<Item = ClientKey> + '_ {
        self.keys().filter(move |key| key.switch.is_on(now))
    }

    /// Gives each key a switch of its own, so that it can be edited.
    pub fn adopt_keys(&mut self) {
        self.options.credentials = self.keys().collect();
        self.options.keys.certificates.clear();
        // What is of no use stays where it is: nobody asked for it to go.
        if let Some(Value::Array(keys)) = self.options.keys.jwks.as_mut().and_then(|set| set.get_mut("keys")) {
            keys.retain(|jwk| PublicKey::from_jwk(jwk).is_err());
            if keys.is_empty() {
                self.options.keys.jwks = None;
            }
        }
    }
}

/// The keys of the registration's JWK Set and certificates.
fn plain(client: &Client) -> Vec<ClientKey> {
    let keys = &client.options.keys;
    let jwks = keys.jwks.iter().filter_map(|set| set.get("keys")?.as_array()).flatten();
    let named = |key: KeyMaterial, label: &str| {
        let switch = SecretSwitch { id: key.id()?, label: label.to_owned(), ..SecretSwitch::default() };
        Some(ClientKey { key, switch })
    };
    let jwks = jwks.filter_map(|jwk| {
        named(KeyMaterial::Jwk(jwk.clone()), jwk.get("kid").and_then(Value::as_str).unwrap_or_default())
    });
    let certificates = keys.certificates.iter().filter_map(|pem| named(KeyMaterial::Certificate(pem.clone()), ""));
    jwks.chain(certificates).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// RFC 8037 appendix A.2, whose thumbprint is in A.3.
    fn jwk() -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
    }

    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn what_people_paste_is_read() {
        let one = parse(&jwk().to_string()).unwrap();
        assert_eq!(one[0].id().as_deref(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
        let set = json!({ "keys": [jwk(), jwk()] }).to_string();
        assert_eq!(parse(&format!("\n {set}")).unwrap().len(), 2);
        let pem = parse(&format!("Subject: somebody\n{PUBLIC}{PUBLIC}")).unwrap();
        assert!(matches!(pem.as_slice(), [KeyMaterial::PublicKey(_), KeyMaterial::PublicKey(_)]));
        assert!(pem[0].id().is_some() && pem[0].key().is_ok());
    }

    #[test]
    fn what_is_no_public_key_is_refused_with_a_reason() {
        let mut private = jwk();
        private["d"] = json!("x");
        let private_pem = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----";
        for text in [private.to_string(), private_pem.to_owned(), format!("{PUBLIC}{private_pem}")] {
            assert_eq!(parse(&text), Err(KeyTextError::Private));
        }
        let key = |number, problem| Err(KeyTextError::Key { number, problem });
        let secret = json!({ "keys": [jwk(), { "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" }] });
        assert_eq!(
            parse(&secret.to_string()),
            key(2, "of a kind that is not used: RSA, P-256, P-384 or Ed25519, for signatures")
        );
        let broken = PUBLIC.replace("MCow", "AAAA");
        assert!(matches!(parse(&broken), Err(KeyTextError::Key { number: 1, .. })));
        let cut = &PUBLIC[..40];
        for text in ["", "hello", "{\"keys\":7}", "{\"keys\":[]}", cut] {
            assert_eq!(parse(text), Err(KeyTextError::Unknown), "{text}");
        }
        assert!(matches!(parse("{\"kty\":"), Err(KeyTextError::Json(_))));
        assert_eq!(parse(&" x".repeat(40_000)), Err(KeyTextError::TooLarge));
    }
}
