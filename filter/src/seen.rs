//! What every decision looks at of a request's headers, read once.

use crate::config::Config;
use crate::proxy::Headers;
use bearward_token::policy::Target;

/// What every decision looks at.
#[derive(Debug, Default)]
pub struct Seen<'a> {
    /// `:method`.
    pub method: &'a [u8],
    /// `:path`, with its query.
    pub path: &'a [u8],
    /// `:authority`.
    pub authority: &'a [u8],
    /// `authorization`.
    pub authorization: Option<&'a [u8]>,
    /// Whether there are several.
    pub several: bool,
    /// The names under which the client claims an identity.
    pub identities: Vec<&'a [u8]>,
    /// Whether the client asks for an identity to be dropped on the way.
    pub drops_identity: bool,
}

/// A request as the policy sees it.
#[derive(Debug)]
pub struct Matched<'a>(pub &'a Headers, pub &'a Seen<'a>);

impl Target for Matched<'_> {
    fn method(&self) -> &[u8] {
        self.1.method
    }

    fn host(&self) -> &[u8] {
        self.1.authority
    }

    fn has_header(&self, name: &str, value: Option<&str>) -> bool {
        let mut values = self.0.iter().filter(|(other, _)| *other == name.as_bytes()).map(|(_, value)| value);
        match (value, values.next()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(wanted), Some(value)) => value == wanted.as_bytes() && values.next().is_none(),
        }
    }
}

impl<'a> Seen<'a> {
    /// Reads them.
    #[must_use]
    pub fn read(headers: &'a Headers, config: &Config) -> Self {
        let mut seen = Self::default();
        for (name, value) in headers.iter() {
            match name {
                b":path" => seen.path = value,
                b":method" => seen.method = value,
                b":authority" => seen.authority = value,
                b"authorization" => {
                    seen.several |= seen.authorization.is_some();
                    seen.authorization = Some(value);
                }
                // RFC 9110 §7.6.1: whoever comes next drops what is named here, also what we put there.
                b"connection" => {
                    seen.drops_identity |=
                        value.split(|b| *b == b',').any(|name| config.is_identity(name.trim_ascii()));
                }
                _ => {
                    if config.is_identity(name) && !seen.identities.contains(&name) {
                        seen.identities.push(name);
                    }
                }
            }
        }
        seen
    }
}
