//! Paths as rules see them: read in one way only, or refused.
//!
//! A rule protects what the upstream will serve, so both must read a path alike. What proxies and servers are known to
//! read differently (encoded slashes, dot segments, empty segments, backslashes, path parameters, double encoding) is
//! refused, and so is what is not UTF-8; what all of them decode alike is decoded, so that `/%6frders` falls under the rule for `/orders`.

use std::borrow::Cow;

/// A request's path without its query, percent-decoded, unambiguous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchPath<'a>(Cow<'a, [u8]>);

/// The path can be read in more than one way, or is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the path can be read in more than one way")]
pub struct Ambiguous;

impl<'a> MatchPath<'a> {
    /// Reads `:path`. The query is not part of it.
    ///
    /// # Errors
    /// [`Ambiguous`]
    pub fn parse(target: &'a [u8]) -> Result<Self, Ambiguous> {
        let path = target.split(|b| *b == b'?').next().unwrap_or_default();
        if path.first() != Some(&b'/') {
            return Err(Ambiguous); // `*`, an authority, or an absolute URI that was not taken apart
        }
        let path = decode(path)?;
        let (mut segments, mut empty) = (path.split(|b| *b == b'/').skip(1).peekable(), false);
        while let Some(segment) = segments.next() {
            let last = segments.peek().is_none();
            empty |= segment.is_empty() && !last;
            if empty || segment == b"." || segment == b".." {
                return Err(Ambiguous);
            }
        }
        Ok(Self(path))
    }

    /// The decoded bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn decode(path: &[u8]) -> Result<Cow<'_, [u8]>, Ambiguous> {
    if path.iter().any(|b| is_forbidden(*b)) {
        return Err(Ambiguous);
    }
    if !path.contains(&b'%') {
        return Ok(path.into());
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let (byte, after) = hex_pair(rest).ok_or(Ambiguous)?;
        if byte == b'/' || is_forbidden_decoded(byte) {
            return Err(Ambiguous);
        }
        decoded.push(byte);
        rest = after;
    }
    // What could be decoded once more, also where its digits were encoded too.
    let twice = decoded.windows(3).any(|three| matches!(three, [b'%', pair @ ..] if hex_pair(pair).is_some()));
    // Some servers take a slash of two bytes (`%c0%af`) for a slash, which is not UTF-8.
    if twice || str::from_utf8(&decoded).is_err() { Err(Ambiguous) } else { Ok(decoded.into()) }
}

/// Bytes that no path holds unencoded (RFC 3986 §3.3), or that servers treat in ways of their own.
fn is_forbidden(byte: u8) -> bool {
    !byte.is_ascii_graphic() || matches!(byte, b'\\' | b';' | b'#')
}

/// Bytes that no path may hold even encoded. Text beyond ASCII is fine.
fn is_forbidden_decoded(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f || matches!(byte, b'\\' | b';')
}

fn hex_pair(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let ([high, low], rest) = bytes.split_first_chunk::<2>()?;
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some(((digit(high)? << 4) | digit(low)?, rest))
}

/// Which paths a rule or a prefix is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// This path.
    Exact(Vec<u8>),
    /// These segments, `None` being any one that is not empty.
    Template(Vec<Option<Vec<u8>>>),
    /// This path and what is below it. Kept without its closing slash, unless `below_only`.
    Prefix {
        /// The prefix as it is compared.
        prefix: Vec<u8>,
        /// The prefix was written with a slash at its end: the path without it does not match.
        below_only: bool,
    },
}

/// Why a path in a rule can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is no unambiguous absolute path, so no request could match it.
    #[error(
        "a path begins with \"/\" and is free of queries, dot segments, empty segments, encoded slashes, \";\" and \"\\\\\""
    )]
    Path,
    /// A brace that is not part of a whole `{name}` segment.
    #[error("a template's \"{{name}}\" stands for one whole segment")]
    Template,
}

impl Pattern {
    /// A path, or a template if it has `{name}` segments.
    ///
    /// # Errors
    /// [`PatternError`]
    pub fn path(text: &str) -> Result<Self, PatternError> {
        let path = literal(text)?;
        if !path.iter().any(|b| matches!(b, b'{' | b'}')) {
            return Ok(Self::Exact(path));
        }
        let segment = |segment: &[u8]| match segment {
            [b'{', name @ .., b'}'] if !name.is_empty() && !has_brace(name) => Ok(None),
            other if has_brace(other) => Err(PatternError::Template),
            other => Ok(Some(other.to_vec())),
        };
        path.split(|b| *b == b'/').skip(1).map(segment).collect::<Result<_, _>>().map(Self::Template)
    }

    /// A path and everything below it. With a slash at its end, only what is below.
    ///
    /// # Errors
    /// [`PatternError`]
    pub fn prefix(text: &str) -> Result<Self, PatternError> {
        let mut prefix = literal(text)?;
        if has_brace(&prefix) {
            return Err(PatternError::Template);
        }
        let below_only = prefix.len() > 1 && prefix.ends_with(b"/");
        if prefix.ends_with(b"/") {
            prefix.pop();
        }
        Ok(Self::Prefix { prefix, below_only })
    }

    /// Whether the path is among them.
    #[must_use]
    pub fn matches(&self, path: &MatchPath<'_>) -> bool {
        self.matches_bytes(path.as_bytes())
    }

    /// Whether the path of a request's target is among them as it is written there, with nothing decoded: as a router
    /// reads it that decodes nothing. To be asked of a target that was [read](MatchPath::parse).
    #[must_use]
    pub fn matches_written(&self, target: &[u8]) -> bool {
        self.matches_bytes(target.split(|b| *b == b'?').next().unwrap_or_default())
    }

    fn matches_bytes(&self, path: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => exact == path,
            Self::Prefix { prefix, below_only } => match path.strip_prefix(prefix.as_slice()) {
                Some([]) => !below_only,
                Some([b'/', ..]) => true,
                _ => false,
            },
            Self::Template(template) => {
                let mut segments = path.split(|b| *b == b'/').skip(1);
                let fits = template.iter().all(|wanted| match (wanted, segments.next()) {
                    (_, None) => false,
                    (None, Some(segment)) => !segment.is_empty(),
                    (Some(literal), Some(segment)) => literal == segment,
                });
                fits && segments.next().is_none()
            }
        }
    }
}

fn literal(text: &str) -> Result<Vec<u8>, PatternError> {
    if text.contains('?') {
        return Err(PatternError::Path);
    }
    MatchPath::parse(text.as_bytes()).map(|path| path.0.into_owned()).map_err(|_| PatternError::Path)
}

fn has_brace(bytes: &[u8]) -> bool {
    bytes.iter().any(|b| matches!(b, b'{' | b'}'))
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
