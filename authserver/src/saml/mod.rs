//! SAML 2.0 bearer assertions, RFC 7522: one strict reader of one kind of document.
//!
//! Whoever can change what is read after the signature was checked signs in as anyone, so the steps are types, and
//! each step sees only what the one before it vouches for:
//!
//! * [`Untrusted`]: well-formed, small, of the one shape that is taken. Its issuer only says which keys to try.
//! * [`Verified`]: the canonical octets that a pinned key signed, and nothing else of the message.
//! * [`Bearer`]: what those octets say, after issuer, audience, recipient and times were compared with what is due.
//!
//! No DTD, entity, comment or processing instruction is ever read, the key never comes from the message, and claims
//! are found by direct-child steps from the one element that was signed.

mod c14n;
mod claims;
mod dom;
mod key;
mod signature;
mod text;

pub use c14n::{canonical, canonical_of};
pub use claims::{Bearer, Expected, Verified};
pub use key::{Key, KeyError};

/// The largest assertion, in bytes. With a form around it, it has to fit a request too.
pub const MAX_BYTES: usize = 48 * 1024;

const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

/// Why an assertion was refused. The texts name rules, never what the assertion said, so they may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not a document of the one shape that is taken.
    #[error("the assertion is malformed: {0}")]
    Shape(&'static str),
    /// No pinned key signed exactly this element, in a way that is taken.
    #[error("the signature of the assertion is refused: {0}")]
    Signature(&'static str),
    /// Properly signed, but not for here, not for now, or not for a bearer (RFC 7522 §3).
    #[error("the assertion is refused: {0}")]
    Claims(&'static str),
}

/// An assertion that nobody vouches for yet.
pub struct Untrusted {
    text: String,
    issuer: String,
}

impl Untrusted {
    /// Reads a bare `<Assertion>` (SAML core §2.3.3) in UTF-8.
    ///
    /// # Errors
    /// [`Refused::Shape`].
    pub fn read(bytes: &[u8]) -> Result<Self, Refused> {
        let text = text::prepare(bytes)?;
        let document = text::parse(&text)?;
        let issuer = dom::issuer(dom::assertion(&document)?)?;
        Ok(Self { text, issuer })
    }

    /// Who it says made it: good for finding that issuer's registration, and nothing else.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Checks the enveloped signature over the whole assertion with the keys pinned for its issuer.
    ///
    /// # Errors
    /// [`Refused`] unless one of the keys made it.
    pub fn verify(&self, keys: &[Key]) -> Result<Verified, Refused> {
        signature::verify(&self.text, keys).map(Verified::new)
    }
}
