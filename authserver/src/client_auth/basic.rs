//! `client_secret_basic`: HTTP Basic with form-url-encoded id and secret, RFC 6749 §2.3.1 and RFC 7617.

use super::{AuthError, Credentials, Proof};
use crate::http::decode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

/// The credentials in the `Authorization` header, if there is one.
pub(super) fn credentials(headers: &HeaderMap) -> Result<Option<Credentials>, AuthError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(AuthError::Several);
    }
    parse(value.as_bytes()).map(Some).ok_or(AuthError::Malformed)
}

fn parse(value: &[u8]) -> Option<Credentials> {
    let (scheme, encoded) = str::from_utf8(value).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim_matches(' ')).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let (client_id, secret) = (decode(id).ok()?, decode(secret).ok()?);
    (!client_id.is_empty()).then_some(Credentials { client_id, proof: Proof::Basic(Zeroizing::new(secret)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_and_secret_are_form_url_decoded() {
        let value = format!("bAsIc {}", STANDARD.encode("a%3Ab+c:p%25:q"));
        let shown = parse(value.as_bytes()).unwrap();
        assert_eq!((shown.client_id.as_str(), shown.proof.secret()), ("a:b c", Some("p%:q")));
    }

    #[test]
    fn anything_else_is_malformed() {
        let good = STANDARD.encode("a:b");
        for bad in [
            format!("Bearer {good}"),
            "Basic".into(),
            "Basic !!".into(),
            format!("Basic {}", STANDARD.encode("nocolon")),
            format!("Basic {}", STANDARD.encode(":secret")),
            format!("Basic {}", STANDARD.encode(b"\xff:x")),
            format!("Basic {}", STANDARD.encode("a%zz:x")),
        ] {
            assert!(parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
