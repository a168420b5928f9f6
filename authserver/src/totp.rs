//! Codes from an authenticator app (RFC 6238: SHA-1, six digits, thirty seconds, which is what the apps know), and the
//! recovery codes for whoever lost it.

use crate::env::Random;
use crate::keys::{KeyError, Sealer};
use crate::model::Digest;
use crate::secret::random_id;
use std::fmt::Write as _;
use totp_rs::{Builder, Totp};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

pub(crate) const PURPOSE: &str = "totp secret";
/// 160 bits, as RFC 4226 §4 wants.
const LENGTH: usize = 20;
const RECOVERY_CODES: usize = 10;

/// A secret that codes are made from. It has no `Debug`.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// A new one.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new(vec![0; LENGTH]);
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// Sealed under the master key, for this person only.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn seal(&self, sealer: &Sealer, person_id: &str) -> Result<Vec<u8>, KeyError> {
        sealer.seal(PURPOSE, person_id.as_bytes(), &self.0)
    }

    /// What [`Self::seal`] gave.
    ///
    /// # Errors
    /// [`KeyError`] for anything else, and for another person's.
    pub fn open(sealer: &Sealer, person_id: &str, sealed: &[u8]) -> Result<Self, KeyError> {
        Ok(Self(Zeroizing::new(sealer.open(PURPOSE, person_id.as_bytes(), sealed)?.to_vec())))
    }

    /// The time step of a code, if it is good at `now` (one step early or late is): none may be taken twice.
    #[must_use]
    pub fn step_of(&self, code: &str, now: i64) -> Option<i64> {
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        self.totp()?.check(&digits, u64::try_from(now).ok()?).and_then(|step| i64::try_from(step).ok())
    }

    /// For people who type it: base32 in groups of four.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        let base32 = Zeroizing::new(totp_rs::Secret::from(self.0.as_slice()).to_base32());
        let mut text = Zeroizing::new(String::new());
        for (at, symbol) in base32.chars().filter(|c| *c != '=').enumerate() {
            if at > 0 && at % 4 == 0 {
                text.push(' ');
            }
            text.push(symbol);
        }
        text
    }

    /// For cameras and apps: the `otpauth:` URI.
    #[must_use]
    pub fn uri(&self, issuer: &str, username: &str) -> Zeroizing<String> {
        let escape = |text: &str| byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
        let secret = self.text().replace(' ', "");
        Zeroizing::new(format!(
            "otpauth://totp/{0}:{1}?secret={secret}&issuer={0}&algorithm=SHA1&digits=6&period=30",
            escape(issuer),
            escape(username)
        ))
    }

    fn totp(&self) -> Option<Totp> {
        Builder::new().with_secret(self.0.to_vec()).build().ok()
    }
}

/// New recovery codes: what the person keeps, of 100 bits and more each, and what is stored.
#[must_use]
pub fn recovery_codes(random: &dyn Random) -> (Vec<Zeroizing<String>>, Vec<Digest>) {
    let codes: Vec<_> = (0..RECOVERY_CODES)
        .map(|_| {
            let mut text = Zeroizing::new(String::new());
            for (at, symbol) in random_id(random).chars().take(20).enumerate() {
                let _: std::fmt::Result = write!(text, "{}{symbol}", if at > 0 && at % 5 == 0 { "-" } else { "" });
            }
            text
        })
        .collect();
    let digests = codes.iter().map(|code| recovery_digest(code)).collect();
    (codes, digests)
}

/// What is stored of a recovery code, however a person wrote its groups.
#[must_use]
pub fn recovery_digest(code: &str) -> Digest {
    let bare: Zeroizing<String> = Zeroizing::new(code.chars().filter(|c| c.is_ascii_alphanumeric()).collect());
    Digest::of(&bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SystemRandom;

    #[test]
    fn rfc_6238_appendix_b() {
        // The last six of the eight digits that the RFC gives for SHA-1.
        let secret = Secret(Zeroizing::new(b"12345678901234567890".to_vec()));
        for (at, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
            assert_eq!(secret.step_of(code, at), Some(at / 30), "{at}");
        }
        assert_eq!(secret.step_of("287 082", 59 + 30), Some(1), "one step late, with a space");
        assert_eq!(secret.step_of("287082", 59 + 60), None);
        for junk in ["", "28708", "2870823", "abcdef", "２８７０８２"] {
            assert_eq!(secret.step_of(junk, 59), None, "{junk}");
        }
        assert_eq!(secret.text().as_str(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    }

    #[test]
    fn recovery_codes_are_many_and_forgive_their_groups() {
        let (codes, digests) = recovery_codes(&SystemRandom);
        assert_eq!((codes.len(), digests.len(), codes[0].len()), (10, 10, 23));
        assert_eq!(recovery_digest(&codes[0].replace('-', " ")), digests[0]);
        assert_ne!(digests[0], digests[1]);
    }
}
