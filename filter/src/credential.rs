//! Where a request's token is, and how it is taken out again. Exactly one token, or the request is refused.

use crate::config::same_header;
use crate::proxy::Headers;
use crate::request::Changes;
use crate::seen::Seen;
use bearward_token::jws::MAX_TOKEN;
use bearward_token::refusal::Refusal;
use std::borrow::Cow;

/// A place where a token may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// `authorization`, with the scheme `Bearer` (RFC 6750 §2.1) or `DPoP` (RFC 9449 §7.1).
    Authorization,
    /// Another header, or another scheme: what follows the prefix, which is compared exactly.
    Header {
        /// Its name in lower case.
        name: String,
        /// What goes before the token; may be empty.
        prefix: String,
    },
    /// A parameter of the query (RFC 6750 §2.3).
    Query(String),
    /// A cookie.
    Cookie(String),
}

impl Location {
    /// The usual place.
    #[must_use]
    pub fn authorization() -> Self {
        Self::Authorization
    }

    /// The header, where it is one of its own.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Authorization => Some("authorization"),
            Self::Header { name, .. } => Some(name),
            Self::Query(_) | Self::Cookie(_) => None,
        }
    }

    /// Whether it is a cookie.
    #[must_use]
    pub fn is_cookie(&self) -> bool {
        matches!(self, Self::Cookie(_))
    }
}

/// How a token is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// By whoever has it.
    Bearer,
    /// Along with a proof.
    Dpop,
}

/// A token as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// The token, of the characters that RFC 6750 §2.1 allows.
    pub token: Cow<'a, str>,
    /// How it was sent.
    pub scheme: Scheme,
}

/// Whether this is a field name (RFC 9110 §5.1).
#[must_use]
pub fn is_header_name(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.len() <= 128 && name.bytes().all(token)
}

/// The one token of a request.
///
/// # Errors
/// [`Refusal::NoToken`] if there is none, [`Refusal::MalformedAuthorization`] for more than one or what is none.
pub fn find<'a>(headers: &'a Headers, seen: &Seen<'a>, places: &[Location]) -> Result<Found<'a>, Refusal> {
    let mut found = None;
    for place in places {
        let mut take = |token: Result<Option<Found<'a>>, Refusal>| match (token?, found.is_some()) {
            (None, _) => Ok(()),
            (Some(token), false) => {
                found = Some(token);
                Ok(())
            }
            (Some(_), true) => Err(Refusal::MalformedAuthorization),
        };
        match place {
            Location::Authorization => take(authorization(seen))?,
            Location::Header { name, prefix } => {
                for (_, value) in headers.iter().filter(|(other, _)| same_header(other, name.as_bytes())) {
                    take(prefixed(value, prefix))?;
                }
            }
            Location::Query(name) => {
                for (_, value) in parameters(seen.path).filter(|(other, _)| decoded(other) == name.as_bytes()) {
                    let value = String::from_utf8(decoded(value).into_owned());
                    take(value.map_err(|_| Refusal::MalformedAuthorization).and_then(|value| bearer(value.into())))?;
                }
            }
            Location::Cookie(name) => {
                // One that is empty is what is left where people were signed out.
                let named = |(other, value): &(&[u8], &[u8])| *other == name.as_bytes() && !value.is_empty();
                for (_, value) in cookies(headers).filter(named) {
                    take(text(value).and_then(|value| bearer(value.into())))?;
                }
            }
        }
    }
    found.ok_or(Refusal::NoToken)
}

/// Takes every place where a token may be out of the request.
pub fn strip<'a>(headers: &'a Headers, seen: &Seen<'a>, places: &'a [Location], changes: &mut Changes<'a>) {
    for place in places {
        match place {
            Location::Authorization if seen.authorization.is_some() => changes.remove.push(b"authorization"),
            Location::Authorization => {}
            Location::Header { name, .. } => {
                for (other, _) in headers.iter().filter(|(other, _)| same_header(other, name.as_bytes())) {
                    if !changes.remove.contains(&other) {
                        changes.remove.push(other);
                    }
                }
            }
            Location::Query(name) => {
                let path = changes.path.as_deref().unwrap_or(seen.path);
                if parameters(path).any(|(other, _)| decoded(other) == name.as_bytes()) {
                    changes.path = Some(without_parameter(path, name.as_bytes()));
                }
            }
            Location::Cookie(name) => {
                if cookies(headers).any(|(other, _)| other == name.as_bytes()) {
                    changes.cookie = Some(without_cookies(headers, places));
                }
            }
        }
    }
}

fn authorization<'a>(seen: &Seen<'a>) -> Result<Option<Found<'a>>, Refusal> {
    if seen.several {
        return Err(Refusal::MalformedAuthorization);
    }
    let Some(value) = seen.authorization else { return Ok(None) };
    let value = value.trim_ascii();
    let (scheme, rest) =
        value.split_at(value.iter().position(|b| matches!(b, b' ' | b'\t' | b',')).unwrap_or(value.len()));
    let scheme = if scheme.eq_ignore_ascii_case(b"bearer") {
        Scheme::Bearer
    } else if scheme.eq_ignore_ascii_case(b"dpop") {
        Scheme::Dpop
    } else {
        // Another scheme is no token, unless one hides behind it.
        let hides = |scheme: &[u8]| value.windows(scheme.len()).any(|window| window.eq_ignore_ascii_case(scheme));
        let hidden = hides(b"bearer ") || hides(b"dpop ");
        return if hidden { Err(Refusal::MalformedAuthorization) } else { Ok(None) };
    };
    let found = bearer(text(rest.trim_ascii_start())?.into())?;
    Ok(found.map(|found| Found { scheme, ..found }))
}

fn prefixed<'a>(value: &'a [u8], prefix: &str) -> Result<Option<Found<'a>>, Refusal> {
    match value.trim_ascii().strip_prefix(prefix.as_bytes()) {
        Some(token) => bearer(text(token)?.into()),
        None => Ok(None),
    }
}

fn text(value: &[u8]) -> Result<&str, Refusal> {
    str::from_utf8(value).map_err(|_| Refusal::MalformedAuthorization)
}

/// RFC 6750 §2.1: `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`.
fn bearer(token: Cow<'_, str>) -> Result<Option<Found<'_>>, Refusal> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if token.is_empty() || !token.bytes().all(plain) {
        return Err(Refusal::MalformedAuthorization);
    }
    if token.len() > MAX_TOKEN {
        return Err(Refusal::MalformedToken);
    }
    Ok(Some(Found { token, scheme: Scheme::Bearer }))
}

/// The query's parameters, still encoded.
fn parameters(path: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let query = path.iter().position(|b| *b == b'?').and_then(|at| path.get(at.saturating_add(1)..));
    query.unwrap_or_default().split(|b| *b == b'&').filter(|pair| !pair.is_empty()).map(pair)
}

fn pair(pair: &[u8]) -> (&[u8], &[u8]) {
    let at = pair.iter().position(|b| *b == b'=');
    let (name, value) = pair.split_at(at.unwrap_or(pair.len()));
    (name, value.get(1..).unwrap_or_default())
}

/// As a form is decoded; what is no encoding stays.
fn decoded(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.iter().any(|b| matches!(b, b'%' | b'+')) {
        return bytes.into();
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (first, after.first().and_then(digit), after.get(1).and_then(digit)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4) | low);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', _, _) => out.push(b' '),
            _ => out.push(*first),
        }
    }
    out.into()
}

fn without_parameter(path: &[u8], name: &[u8]) -> Vec<u8> {
    let end = path.iter().position(|b| *b == b'?').unwrap_or(path.len());
    let (before, query) = path.split_at(end);
    let query = query.get(1..).unwrap_or_default();
    let kept: Vec<_> = query.split(|b| *b == b'&').filter(|one| decoded(pair(one).0) != name).collect();
    let mut path = before.to_vec();
    if !kept.is_empty() {
        path.push(b'?');
        path.extend(kept.join(&b'&'));
    }
    path
}

/// RFC 6265 §4.2.1, wherever the crumbs are.
fn crumbs(headers: &Headers) -> impl Iterator<Item = &[u8]> {
    let values = headers.iter().filter(|(name, _)| *name == b"cookie").map(|(_, value)| value);
    values.flat_map(|value| value.split(|b| *b == b';')).map(<[u8]>::trim_ascii).filter(|crumb| !crumb.is_empty())
}

fn cookies(headers: &Headers) -> impl Iterator<Item = (&[u8], &[u8])> {
    crumbs(headers).map(|crumb| {
        let (name, value) = pair(crumb);
        (name.trim_ascii(), value.trim_ascii())
    })
}

fn without_cookies(headers: &Headers, places: &[Location]) -> Vec<u8> {
    let named = |name: &[u8]| places.iter().any(|place| matches!(place, Location::Cookie(n) if n.as_bytes() == name));
    let kept: Vec<_> = crumbs(headers).filter(|crumb| !named(pair(crumb).0.trim_ascii())).collect();
    kept.join(b"; ".as_slice())
}
