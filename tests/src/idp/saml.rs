//! Its SAML 2.0 assertions.

use super::{random_id, signature};
use crate::error::{Error, Result};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Its entity ID.
pub const ENTITY: &str = "https://idp.demo.example/saml";

/// A signed assertion for the token endpoint of an issuer, about this subject, good from now on for five minutes.
///
/// It is written in canonical form to begin with, so what is signed is the text itself.
///
/// # Errors
/// [`Error::Crypto`]
pub fn assertion(issuer: &str, subject: &str, now: SystemTime) -> Result<String> {
    let id = random_id()?;
    let (issued, until) = (instant(now)?, instant(now + Duration::from_secs(300))?);
    let head = format!(
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_{id}\" IssueInstant=\"{issued}\" \
         Version=\"2.0\"><saml:Issuer>{ENTITY}</saml:Issuer>"
    );
    let tail = format!(
        "<saml:Subject><saml:NameID>{subject}</saml:NameID><saml:SubjectConfirmation \
         Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData NotOnOrAfter=\"{until}\" \
         Recipient=\"{issuer}/oauth2/token\"></saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject>\
         <saml:Conditions NotOnOrAfter=\"{until}\"><saml:AudienceRestriction><saml:Audience>{issuer}</saml:Audience>\
         </saml:AudienceRestriction></saml:Conditions></saml:Assertion>"
    );
    let digest = STANDARD.encode(digest(&SHA256, format!("{head}{tail}").as_bytes()));
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let signed = format!(
        "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:CanonicalizationMethod \
         Algorithm=\"{exclusive}\"></ds:CanonicalizationMethod><ds:SignatureMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"></ds:SignatureMethod><ds:Reference \
         URI=\"#_{id}\"><ds:Transforms><ds:Transform \
         Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform><ds:Transform \
         Algorithm=\"{exclusive}\"></ds:Transform></ds:Transforms><ds:DigestMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod><ds:DigestValue>{digest}\
         </ds:DigestValue></ds:Reference></ds:SignedInfo>"
    );
    let value = STANDARD.encode(signature(signed.as_bytes())?);
    Ok(format!(
        "{head}<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{signed}<ds:SignatureValue>{value}\
         </ds:SignatureValue></ds:Signature>{tail}"
    ))
}

/// As the token endpoint takes it: base64url (RFC 7522 §2.1).
#[must_use]
pub fn encoded(assertion: &str) -> String {
    URL_SAFE_NO_PAD.encode(assertion)
}

/// An assertion over several lines, to be read by people; its signature does not hold any more.
#[must_use]
pub fn indented(assertion: &str) -> String {
    let mut depth = 0_usize;
    let mut text = String::new();
    for tag in assertion.split_inclusive('>') {
        let closing = tag.contains("</");
        if tag.starts_with("</") {
            depth = depth.saturating_sub(1);
        }
        if tag.starts_with('<') {
            text.push('\n');
            text.push_str(&"  ".repeat(depth));
        }
        text.push_str(tag);
        if closing && !tag.starts_with("</") {
            depth = depth.saturating_sub(1);
        } else if !closing {
            depth += 1;
        }
    }
    text.trim_start().to_owned()
}

/// `xs:dateTime` in UTC, to the second.
fn instant(time: SystemTime) -> Result<String> {
    let whole = OffsetDateTime::from(time).replace_nanosecond(0).map_err(|_| Error::Crypto("the time"))?;
    whole.format(&Rfc3339).map_err(|_| Error::Crypto("the time"))
}
