//! The keys that an issuer's registration pins.

use aws_lc_rs::signature::{self, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION};
use x509_parser::prelude::FromDer as _;

/// The public key of a certificate, with the one family of algorithms that it is good for. The certificate around
/// it is not looked at: pinning is what makes the key trusted, taking the pin away is what ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    family: Family,
    /// `RSAPublicKey` (RFC 8017 appendix A.1.1), or the point of an elliptic curve.
    public: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    P256,
    P384,
}

/// Why a certificate cannot be pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not PEM, and not base64 of DER.
    #[error("it is neither PEM nor base64 of an X.509 certificate")]
    Certificate,
    /// A key of another kind, or a short one.
    #[error("its key is none of RSA with at least 2048 bits, P-256 and P-384")]
    Key,
}

impl Key {
    /// From an X.509 certificate in PEM, or in bare base64 as SAML metadata has it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_certificate(text: &str) -> Result<Self, KeyError> {
        let body: String = text.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(body.as_bytes()).map_err(|_| KeyError::Certificate)?;
        let (rest, certificate) = X509Certificate::from_der(&der).map_err(|_| KeyError::Certificate)?;
        if !rest.is_empty() {
            return Err(KeyError::Certificate);
        }
        let info = certificate.public_key();
        let public = info.subject_public_key.data.to_vec();
        if info.algorithm.algorithm == OID_PKCS1_RSAENCRYPTION {
            let bits = info.parsed().map_err(|_| KeyError::Key)?.key_size();
            return if (2048..=8192).contains(&bits) {
                Ok(Self { family: Family::Rsa, public })
            } else {
                Err(KeyError::Key)
            };
        }
        let curve = info.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
        let family = match curve {
            Some(curve) if info.algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY && curve == OID_EC_P256 => {
                Family::P256
            }
            Some(curve) if info.algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY && curve == OID_NIST_EC_P384 => {
                Family::P384
            }
            _ => return Err(KeyError::Key),
        };
        Ok(Self { family, public })
    }

    /// Whether this key made the signature. An algorithm of another family never holds: no message makes a public
    /// key into a secret, or an RSA key into something else.
    pub(super) fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let Some((verifier, fixed)) = verifier(self.family, algorithm) else { return false };
        let der = fixed.map(|half| to_der(half, signature));
        let signature = match &der {
            Some(Some(der)) => der.as_slice(),
            Some(None) => return false,
            None => signature,
        };
        signature::UnparsedPublicKey::new(verifier, &self.public).verify(message, signature).is_ok()
    }
}

/// Whether a `SignatureMethod` is one that any key here may use (RFC 9231 §2.3).
pub(super) fn known(algorithm: &str) -> bool {
    [Family::Rsa, Family::P256, Family::P384].into_iter().any(|family| verifier(family, algorithm).is_some())
}

/// The algorithm, and for elliptic curves the length in bytes of each of the two numbers that XML signatures write
/// side by side (RFC 9231 §2.3.6).
fn verifier(family: Family, algorithm: &str) -> Option<(&'static dyn VerificationAlgorithm, Option<usize>)> {
    let name = algorithm.strip_prefix("http://www.w3.org/2001/04/xmldsig-more#").or_else(|| {
        algorithm.strip_prefix("http://www.w3.org/2007/05/xmldsig-more#").filter(|n| n.ends_with("-MGF1"))
    })?;
    Some(match (family, name) {
        (Family::Rsa, "rsa-sha256") => (&signature::RSA_PKCS1_2048_8192_SHA256, None),
        (Family::Rsa, "rsa-sha384") => (&signature::RSA_PKCS1_2048_8192_SHA384, None),
        (Family::Rsa, "rsa-sha512") => (&signature::RSA_PKCS1_2048_8192_SHA512, None),
        (Family::Rsa, "sha256-rsa-MGF1") => (&signature::RSA_PSS_2048_8192_SHA256, None),
        (Family::Rsa, "sha384-rsa-MGF1") => (&signature::RSA_PSS_2048_8192_SHA384, None),
        (Family::Rsa, "sha512-rsa-MGF1") => (&signature::RSA_PSS_2048_8192_SHA512, None),
        (Family::P256, "ecdsa-sha256") => (&signature::ECDSA_P256_SHA256_ASN1, Some(32)),
        (Family::P256, "ecdsa-sha384") => (&signature::ECDSA_P256_SHA384_ASN1, Some(32)),
        (Family::P256, "ecdsa-sha512") => (&signature::ECDSA_P256_SHA512_ASN1, Some(32)),
        (Family::P384, "ecdsa-sha256") => (&signature::ECDSA_P384_SHA256_ASN1, Some(48)),
        (Family::P384, "ecdsa-sha384") => (&signature::ECDSA_P384_SHA384_ASN1, Some(48)),
        (Family::P384, "ecdsa-sha512") => (&signature::ECDSA_P384_SHA512_ASN1, Some(48)),
        _ => return None,
    })
}

/// `r || s` as the DER that aws-lc takes for every pair of curve and hash: SEQUENCE of two INTEGERs. At most 104
/// bytes, so every length is one byte.
fn to_der(half: usize, signature: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = signature.split_at_checked(half).filter(|(_, s)| s.len() == half)?;
    let mut body = Vec::with_capacity(104);
    for number in [r, s] {
        let first = number.iter().position(|byte| *byte != 0)?;
        let digits = number.get(first..)?;
        let sign = usize::from(digits.first().is_some_and(|byte| byte & 0x80 != 0));
        body.extend([0x02, u8::try_from(digits.len().saturating_add(sign)).ok()?]);
        body.extend(std::iter::repeat_n(0, sign));
        body.extend_from_slice(digits);
    }
    let mut der = vec![0x30, u8::try_from(body.len()).ok()?];
    der.extend(body);
    Some(der)
}
