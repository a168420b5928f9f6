//! The code that a person types to say which device is theirs, RFC 8628 §6.1.

use crate::env::Random;
use crate::model::Digest;

/// Letters that are told apart easily and spell no words: 20, so 8 of them are 34 bits.
const ALPHABET: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// A user code in its plain form: eight letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    /// A new one.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut code = String::with_capacity(LENGTH);
        let mut bytes = [0; 16];
        while code.len() < LENGTH {
            random.fill(&mut bytes);
            // Unbiased: 240 is twelve times twenty.
            for byte in bytes.iter().filter(|byte| **byte < 240) {
                if let (true, Some(letter)) = (code.len() < LENGTH, ALPHABET.get(usize::from(*byte % 20))) {
                    code.push(char::from(*letter));
                }
            }
        }
        Self(code)
    }

    /// What a person typed: letters in any case, with whatever stands between them (§6.1). `None` if it cannot be one.
    #[must_use]
    pub fn read(typed: &str) -> Option<Self> {
        if typed.len() > 64 {
            return None;
        }
        let code: String = typed.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
        (code.len() == LENGTH && code.bytes().all(|letter| ALPHABET.contains(&letter))).then_some(Self(code))
    }

    /// As it is shown: `WDJB-MJHT`.
    #[must_use]
    pub fn shown(&self) -> String {
        let (first, second) = self.0.split_at_checked(LENGTH / 2).unwrap_or((&self.0, ""));
        format!("{first}-{second}")
    }

    /// What is stored.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&format!("user code\0{}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::SystemRandom;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = UserCode::generate(&SystemRandom);
        assert_ne!(code, UserCode::generate(&SystemRandom));
        let shown = code.shown();
        assert_eq!((shown.len(), shown.as_bytes()[4]), (9, b'-'));
        for typed in
            [shown.clone(), shown.to_lowercase(), shown.replace('-', " "), format!(" {} ", shown.replace('-', ""))]
        {
            assert_eq!(UserCode::read(&typed), Some(code.clone()), "{typed}");
        }
        for bad in ["", "WDJB", "WDJB-MJHA", "WDJB-MJH1", "WDJB-MJHTX", &"W".repeat(100), "ÄDJB-MJHT"] {
            assert!(UserCode::read(bad).is_none(), "{bad}");
        }
    }
}
