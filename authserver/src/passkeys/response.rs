//! What `credential.toJSON()` gives: Web Authentication Level 3, §5.1.

use super::PasskeyError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// The transports that are kept, at most, and how long each may be.
const MOST_TRANSPORTS: usize = 8;
const LONGEST_TRANSPORT: usize = 32;
/// How deep CBOR may be nested: `{ attStmt: { x5c: [ … ] } }` and to spare.
const DEPTH: usize = 8;

/// Bytes in base64url.
pub(super) struct Base64(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
        bytes.map(Self).map_err(|_| serde::de::Error::custom("not base64url"))
    }
}

/// `PublicKeyCredential`.
#[derive(Deserialize)]
pub(super) struct Credential<R> {
    #[serde(rename = "rawId")]
    pub(super) raw_id: Base64,
    #[serde(rename = "type")]
    kind: String,
    pub(super) response: R,
}

/// `AuthenticatorAttestationResponse`.
#[derive(Deserialize)]
pub(super) struct Attestation {
    #[serde(rename = "clientDataJSON")]
    pub(super) client_data: Base64,
    #[serde(rename = "attestationObject")]
    object: Base64,
    #[serde(default)]
    transports: Vec<String>,
}

/// `AuthenticatorAssertionResponse`.
#[derive(Deserialize)]
pub(super) struct Assertion {
    #[serde(rename = "clientDataJSON")]
    pub(super) client_data: Base64,
    #[serde(rename = "authenticatorData")]
    pub(super) authenticator_data: Base64,
    pub(super) signature: Base64,
    #[serde(rename = "userHandle", default)]
    pub(super) user_handle: Option<Base64>,
}

/// `CollectedClientData` (§5.8.1): what the browser knows of the page.
#[derive(Deserialize)]
pub(super) struct ClientData {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) challenge: String,
    pub(super) origin: String,
    #[serde(rename = "crossOrigin", default)]
    pub(super) cross_origin: bool,
    #[serde(rename = "topOrigin", default)]
    pub(super) top_origin: Option<String>,
}

/// Reads a credential.
pub(super) fn parse<R>(text: &str) -> Result<Credential<R>, PasskeyError>
where
    Credential<R>: DeserializeOwned,
{
    let credential: Credential<R> = parse_bytes(text.as_bytes())?;
    if credential.kind == "public-key" {
        Ok(credential)
    } else {
        Err(PasskeyError::Refused("the credential is of another kind"))
    }
}

/// Reads JSON.
pub(super) fn parse_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PasskeyError> {
    serde_json::from_slice(bytes).map_err(|_| PasskeyError::Refused("the answer is malformed"))
}

impl Attestation {
    /// `authData` of the attestation object (§6.5.4). Its statement is not looked at: none was asked for.
    pub(super) fn authenticator_data(&self) -> Result<Vec<u8>, PasskeyError> {
        let found = || {
            let mut rest = self.object.0.as_slice();
            let value: Value = ciborium::de::from_reader_with_recursion_limit(&mut rest, DEPTH).ok()?;
            let members = value.into_map().ok().filter(|_| rest.is_empty())?;
            let (_, data) = members.into_iter().find(|(name, _)| name.as_text() == Some("authData"))?;
            data.into_bytes().ok()
        };
        found().ok_or(PasskeyError::Refused("the attestation object is malformed"))
    }

    /// How browsers may reach the passkey: hints that are handed back to them.
    pub(super) fn transports(&self) -> Vec<String> {
        let known = |text: &&String| {
            text.len() <= LONGEST_TRANSPORT && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        };
        self.transports.iter().filter(known).take(MOST_TRANSPORTS).cloned().collect()
    }
}

impl Assertion {
    /// What the signature is over (§7.2, step 21).
    pub(super) fn signed(&self) -> Vec<u8> {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.client_data.0);
        [self.authenticator_data.0.as_slice(), hash.as_ref()].concat()
    }
}
