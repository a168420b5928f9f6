//! Request parameters, read strictly and the same way everywhere: RFC 6749 §3.1, §3.2 and appendix B.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;

/// The largest request body, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;
/// The most parameters in one request; in a form of the console, which has rows.
const MAX_PARAMS: usize = 64;
const MAX_FIELDS: usize = 512;

/// The parameters that may come several times: RFC 8707 §2, RFC 8693 §2.1.
const REPEATABLE: [&str; 2] = ["resource", "audience"];

/// Decoded parameters, each name once but for those of which there can be several. They may hold secrets, so there is no `Debug`.
#[derive(Clone)]
pub struct Params(Vec<(String, String)>);

/// Why a request's parameters could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// The body is something else (RFC 6749 §3.2 and appendix B).
    #[error("the request body must be application/x-www-form-urlencoded")]
    ContentType,
    /// Over [`MAX_BODY`] bytes, or too many parameters.
    #[error("the request is too large")]
    TooLarge,
    /// The body broke off.
    #[error("the request body could not be read")]
    Body,
    /// Not what appendix B of RFC 6749 says: a broken escape, bytes that are not UTF-8, or a NUL.
    #[error("the parameters are not well-formed UTF-8 in application/x-www-form-urlencoded")]
    Malformed,
    /// RFC 6749 §3.1, §3.2: parameters must not be included more than once.
    #[error("a parameter is repeated")]
    Repeated,
}

impl Params {
    /// Reads `application/x-www-form-urlencoded` bytes.
    ///
    /// # Errors
    /// [`ParamsError`] for anything that is not well-formed, and for a name that comes twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParamsError> {
        Self::parse_up_to(bytes, MAX_PARAMS)
    }

    fn parse_up_to(bytes: &[u8], most: usize) -> Result<Self, ParamsError> {
        let text = str::from_utf8(bytes).map_err(|_| ParamsError::Malformed)?;
        let mut params: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !REPEATABLE.contains(&name.as_str()) && params.iter().any(|(n, _)| *n == name) {
                return Err(ParamsError::Repeated);
            }
            if params.len() == most {
                return Err(ParamsError::TooLarge);
            }
            params.push((name, value));
        }
        Ok(Self(params))
    }

    /// A parameter's value; one sent without a value counts as omitted (RFC 6749 §3.1).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The values of a parameter that may come several times (RFC 8707 §2); those without a value left out.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Whether a parameter was sent, also without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }

    /// Parameters whose names begin with this, and what follows it in each.
    pub fn starting_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    /// Every parameter, in order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Parameters that came in another way than a form: in a signed request object (RFC 9101 §4).
    #[must_use]
    pub fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }
}

/// One name or value, form-url-decoded (RFC 6749 appendix B).
///
/// # Errors
/// [`ParamsError::Malformed`] for a broken escape, bytes that are not UTF-8, or a NUL, which no parameter may hold.
pub fn decode(text: &str) -> Result<String, ParamsError> {
    let spaced = text.replace('+', " ");
    let mut rest = spaced.as_bytes();
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        match rest.get(at.saturating_add(1)..) {
            Some([a, b, tail @ ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => rest = tail,
            _ => return Err(ParamsError::Malformed),
        }
    }
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| ParamsError::Malformed)?;
    if decoded.contains('\0') { Err(ParamsError::Malformed) } else { Ok(decoded.into_owned()) }
}

/// The parameters of a form body.
pub struct Form(pub Params);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = ParamsError;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        Params::parse(&form_body(request).await?).map(Self)
    }
}

/// The same of a form with rows, which has more fields than any request of a protocol.
pub(super) struct LongForm(pub Params);

impl<S: Send + Sync> FromRequest<S> for LongForm {
    type Rejection = ParamsError;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        Params::parse_up_to(&form_body(request).await?, MAX_FIELDS).map(Self)
    }
}

async fn form_body(request: Request) -> Result<Bytes, ParamsError> {
    // Of two, somebody in between might believe the other.
    let mut values = request.headers().get_all(CONTENT_TYPE).iter();
    let (Some(media), None) = (values.next(), values.next()) else { return Err(ParamsError::ContentType) };
    let media = media.to_str().unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(ParamsError::ContentType);
    }
    body(request).await
}

async fn body(request: Request) -> Result<Bytes, ParamsError> {
    to_bytes(request.into_body(), MAX_BODY).await.map_err(|error| {
        let too_large = std::error::Error::source(&error).is_some_and(|e| e.to_string().contains("length limit"));
        if too_large { ParamsError::TooLarge } else { ParamsError::Body }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> ParamsError {
        Params::parse(text.as_bytes()).err().unwrap()
    }

    #[test]
    fn values_are_decoded_and_empty_ones_count_as_omitted() {
        let params = Params::parse(b"a=1+2%26&b=&c&%64=%C3%A9&&e=x=y").unwrap();
        assert_eq!(params.get("a"), Some("1 2&"));
        assert_eq!((params.get("b"), params.get("c"), params.get("zz")), (None, None, None));
        assert_eq!((params.get("d"), params.get("e")), (Some("é"), Some("x=y")));
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        assert_eq!(error("a=1&b=2&a=1"), ParamsError::Repeated);
        assert_eq!(error("a=&%61="), ParamsError::Repeated);
        for malformed in ["a=%", "a=%2", "a=%zz", "a=%ff", "a=%00", "%c3=1"] {
            assert_eq!(error(malformed), ParamsError::Malformed, "{malformed}");
        }
        let rows = (0..MAX_FIELDS).map(|i| format!("p{i}=1")).collect::<Vec<_>>().join("&");
        assert!(Params::parse_up_to(rows.as_bytes(), MAX_FIELDS).is_ok());
        assert!(Params::parse_up_to(format!("{rows}&x").as_bytes(), MAX_FIELDS).is_err());
        let many = (0..=MAX_PARAMS).map(|i| format!("p{i}=1")).collect::<Vec<_>>().join("&");
        assert_eq!(error(&many), ParamsError::TooLarge);
    }
}
