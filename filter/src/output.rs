//! What an upstream and the access log are told of a token: prepared once, when it is verified.

use crate::config::Forward;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_token::claim_set::{ClaimPath, ClaimSet};
use bearward_token::refusal::Refusal;
use serde_json::Value;

/// What a header or a piece of state carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A claim. A list's items are parted by the separator; an object, or a list of other than texts, numbers and
    /// booleans, is JSON in base64url.
    Claim {
        /// Where it is.
        path: ClaimPath,
        /// What parts the items of a list.
        separator: char,
    },
    /// All claims: JSON in base64url.
    Payload,
}

/// A name's place in the configuration, and the value.
pub type Value8 = (usize, Box<[u8]>);

/// What one token comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outputs {
    /// For the upstream.
    pub headers: Box<[Value8]>,
    /// For the access log.
    pub state: Box<[Value8]>,
}

impl Outputs {
    /// Prepares them. A claim that is absent or empty makes none.
    ///
    /// # Errors
    /// [`Refusal::Unforwardable`] if a value can't stand in a header as it is.
    pub fn of(forward: &Forward, claims: &ClaimSet) -> Result<Self, Refusal> {
        let prepare = |wanted: &[(String, Output)]| -> Result<Box<[Value8]>, Refusal> {
            let mut values = Vec::with_capacity(wanted.len());
            for (index, (_, output)) in wanted.iter().enumerate() {
                let text = output.text(claims)?;
                if !text.is_empty() {
                    values.push((index, text.into_bytes().into()));
                }
            }
            Ok(values.into())
        };
        Ok(Self { headers: prepare(&forward.headers)?, state: prepare(&forward.state)? })
    }

    /// About how many bytes they take.
    #[must_use]
    pub fn weight(&self) -> usize {
        let values = self.headers.iter().chain(&self.state);
        values.map(|(_, value)| value.len().saturating_add(32)).fold(0, usize::saturating_add)
    }
}

impl Output {
    fn text(&self, claims: &ClaimSet) -> Result<String, Refusal> {
        let Self::Claim { path, separator } = self else {
            return Ok(URL_SAFE_NO_PAD.encode(claims.to_json()));
        };
        match claims.at(path) {
            None => Ok(String::new()),
            Some(Value::Array(items)) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
                let items = items.iter().map(scalar).collect::<Result<Vec<_>, _>>()?;
                // An item that holds what parts the items would be two there.
                if items.iter().any(|item| item.is_empty() || item.contains(*separator)) {
                    return Err(Refusal::Unforwardable);
                }
                Ok(items.join(separator.encode_utf8(&mut [0; 4])))
            }
            Some(value) => scalar(value),
        }
    }
}

fn scalar(value: &Value) -> Result<String, Refusal> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => URL_SAFE_NO_PAD.encode(value.to_string()),
        other => other.to_string(),
    };
    // What a server might trim, fold or split would be another identity there than here.
    let plain = !text.bytes().any(|b| b < 0x20 || b == 0x7f) && text.trim_matches(' ').len() == text.len();
    if plain { Ok(text) } else { Err(Refusal::Unforwardable) }
}
