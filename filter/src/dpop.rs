//! What a token is bound to, shown by the request that carries it: a DPoP proof (RFC 9449 §7), or the client certificate
//! of the connection (RFC 8705 §3).

use crate::config::Dpop;
use crate::credential::Scheme;
use crate::proofs::{Holder, Used};
use crate::proxy::{Headers, Host};
use crate::seen::Seen;
use crate::verifier::HostVerifier;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_token::binding::{Binding, Digest};
use bearward_token::dpop::{Expected, Proof, ProofError};
use bearward_token::refusal::Refusal;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The property that holds the digest of the client's certificate, in hexadecimal.
const CERTIFICATE: &[u8] = b"connection\0sha256_peer_certificate_digest";

/// A request with a token that is good.
#[derive(Debug)]
pub struct Shown<'a> {
    /// Its headers.
    pub headers: &'a Headers,
    /// What was read of them.
    pub seen: &'a Seen<'a>,
    /// The token.
    pub token: &'a str,
    /// How it was sent.
    pub scheme: Scheme,
    /// Who shows its proof, if it needs one.
    pub holder: Holder,
    /// Unix time in seconds.
    pub now: u64,
}

impl Shown<'_> {
    /// Whether the request shows what its token is bound to. To be asked once for a request, and last: a proof is used up.
    ///
    /// # Errors
    /// [`Refusal`]
    pub fn check(&self, host: &impl Host, config: &Dpop, binding: &Binding) -> Result<(), Refusal> {
        if let Some(certificate) = &binding.certificate {
            let digest = host.property(CERTIFICATE).map_err(|_| Refusal::Certificate)?;
            if digest.and_then(|digest| from_hex(&digest)).as_ref() != Some(certificate) {
                return Err(Refusal::Certificate);
            }
        }
        match (&binding.key, self.scheme) {
            (None, Scheme::Bearer) => Ok(()),
            (Some(key), Scheme::Dpop) => self.prove(host, config, key),
            _ => Err(Refusal::Scheme),
        }
    }

    fn prove(&self, host: &impl Host, config: &Dpop, key: &Digest) -> Result<(), Refusal> {
        let mut proofs = self.headers.iter().filter(|(name, _)| *name == b"dpop").map(|(_, value)| value);
        let (Some(proof), None) = (proofs.next(), proofs.next()) else { return Err(Refusal::Proof) };
        let text = |bytes| str::from_utf8(bytes).map_err(|_| Refusal::Proof);
        let origin = match &config.origin {
            Some(origin) => origin.clone(),
            None => format!("{}://{}", text(self.scheme_of_request())?, text(self.seen.authority)?),
        };
        let path = text(self.seen.path)?;
        let expected = Expected {
            method: text(self.seen.method)?,
            origin: &origin,
            path: path.split('?').next().unwrap_or_default(),
            token: self.token,
            now: self.now,
            window: config.window,
        };
        let proof = Proof::check(text(proof)?, &expected, &HostVerifier(host)).map_err(|error| match error {
            ProofError::Invalid => Refusal::Proof,
            ProofError::Unavailable => Refusal::Unavailable,
        })?;
        if proof.key != *key {
            return Err(Refusal::Proof);
        }
        if let Some(secret) = &config.nonce_secret {
            let good = proof.nonce.is_some_and(|nonce| is_nonce(secret.expose(), &nonce, self.now, config.window));
            if !good {
                return Err(Refusal::Nonce);
            }
        }
        // Beyond this second it is refused for its age.
        let forget_at = proof.iat.saturating_add(config.window).saturating_add(1);
        let forget_at = u32::try_from(forget_at).unwrap_or(u32::MAX);
        Used { id: &proof.id, holder: self.holder, forget_at }.once(host, self.now)
    }

    /// What the proxy before this one says, or this one.
    fn scheme_of_request(&self) -> &[u8] {
        let header = |wanted: &[u8]| self.headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
        header(b"x-forwarded-proto").or_else(|| header(b":scheme")).unwrap_or_default()
    }
}

fn from_hex(text: &[u8]) -> Option<Digest> {
    let mut digest = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(text.as_chunks::<2>().0) {
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let [high, low] = *pair;
        *byte = (digit(high)? << 4) | digit(low)?;
    }
    Some(digest)
}

/// A nonce that is good for twice the window from now on (RFC 9449 §8): a time, and a code that only this gateway, and
/// those with its secret, can have made.
#[must_use]
pub fn nonce(secret: &[u8], now: u64) -> String {
    let mut bytes = now.to_be_bytes().to_vec();
    bytes.extend_from_slice(&code(secret, now).unwrap_or_default());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn is_nonce(secret: &[u8], nonce: &str, now: u64, window: u64) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(nonce) else { return false };
    let Some((time, tag)) = bytes.split_first_chunk::<8>() else { return false };
    let time = u64::from_be_bytes(*time);
    let Some(mut mac) = mac(secret) else { return false };
    mac.update(&time.to_be_bytes());
    let age = now.checked_sub(time).or_else(|| (time.saturating_sub(now) <= window).then_some(0));
    mac.verify_slice(tag).is_ok() && age.is_some_and(|age| age <= window.saturating_mul(2))
}

fn code(secret: &[u8], time: u64) -> Option<[u8; 32]> {
    let mut mac = mac(secret)?;
    mac.update(&time.to_be_bytes());
    Some(mac.finalize().into_bytes().into())
}

fn mac(secret: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(b"bearward dpop nonce\n");
    Some(mac)
}
