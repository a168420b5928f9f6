//! Tokens to measure with: one to be seen again and again, and many to be seen once.

use bearward_tests::demo;
use bearward_tests::issuer::{self, Issuer};
use bearward_tests::{Error, Result};
use serde_json::Value;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// A signature algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Es256,
    Rs256,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 2] = [Self::Es256, Self::Rs256];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    fn kid(self) -> &'static str {
        match self {
            Self::Es256 => issuer::ES256,
            Self::Rs256 => issuer::RS256,
        }
    }

    pub(crate) fn sign(self, issuer: &Issuer, claims: &Value) -> Result<String> {
        let header = issuer::header(self.name(), self.kid());
        match self {
            Self::Es256 => issuer.es256(&header, claims),
            Self::Rs256 => issuer.rs256(&header, claims),
        }
    }
}

/// A token that is good for a day: measuring takes a while.
pub(crate) fn claims(realm: &str, id: &str) -> Value {
    let mut claims = issuer::claims(realm, demo::AUDIENCE, "orders:read", id);
    if let Some(expiry) = claims.get_mut("exp") {
        *expiry = Value::from(issuer::unix_now().saturating_add(86_400));
    }
    claims
}

/// A file of so many tokens, one a line, no two the same.
pub(crate) fn file(issuer: &Issuer, algorithm: Algorithm, realm: &str, count: usize, dir: &Path) -> Result<PathBuf> {
    let path = dir.join(format!("{}.tokens", algorithm.name()));
    let what = "writing tokens";
    let mut out = BufWriter::new(std::fs::File::create(&path).map_err(Error::io(what))?);
    // Two threads sign: RSA takes its time.
    let half = count / 2;
    let part = |from: usize, to: usize| {
        (from..to).map(|id| algorithm.sign(issuer, &claims(realm, &format!("bench-{id}")))).collect::<Result<Vec<_>>>()
    };
    let (first, second) = std::thread::scope(|scope| {
        let other = scope.spawn(|| part(half, count));
        (part(0, half), other.join())
    });
    let second = second.map_err(|_| Error::Crypto("signing tokens"))?;
    for token in first?.into_iter().chain(second?) {
        writeln!(out, "{token}").map_err(Error::io(what))?;
    }
    out.flush().map_err(Error::io(what))?;
    Ok(path)
}
