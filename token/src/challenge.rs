//! The answer to a refused request: RFC 6750 §3's challenge, a JSON body, and headers that keep it out of caches.

use crate::refusal::Refusal;

/// A protection space (RFC 9110 §11.5), ready to stand in a quoted string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realm(String);

/// A realm holds a character that a quoted string can't carry plainly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a realm is printable ASCII without double quote and backslash")]
pub struct RealmError;

impl Realm {
    /// Takes a realm, for instance an issuer URL.
    ///
    /// # Errors
    /// [`RealmError`]
    pub fn new(realm: &str) -> Result<Self, RealmError> {
        let plain = realm.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e));
        if plain { Ok(Self(realm.to_owned())) } else { Err(RealmError) }
    }
}

/// A response that a refusal makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty or JSON.
    pub body: String,
}

/// After how many seconds a client may try again where the fault is on this side.
const RETRY_AFTER: &str = "1";

/// The response to a refused request.
///
/// `scope` is what the rule requires, space-delimited; it is named where scope is what is missing
/// (RFC 6750 §3.1). A request without a token is told the realm and nothing else.
#[must_use]
pub fn response(refusal: Refusal, realm: &Realm, scope: &str) -> Response {
    let answer = refusal.answer();
    let mut headers = vec![("cache-control", "no-store".to_owned())];
    let challenged = matches!(answer.status, 400 | 401) && refusal != Refusal::AmbiguousPath;
    if challenged || refusal == Refusal::InsufficientScope {
        headers.push(("www-authenticate", challenge(refusal, realm, scope)));
    }
    if answer.status == 503 {
        headers.push(("retry-after", RETRY_AFTER.to_owned()));
    }
    let body = match answer.error {
        None => String::new(),
        Some(error) => {
            headers.push(("content-type", "application/json".to_owned()));
            // Both are constants that need no escaping.
            format!("{{\"error\":\"{error}\",\"error_description\":\"{}\"}}\n", answer.description)
        }
    };
    Response { status: answer.status, headers, body }
}

/// `WWW-Authenticate`, RFC 6750 §3.
fn challenge(refusal: Refusal, realm: &Realm, scope: &str) -> String {
    let answer = refusal.answer();
    let mut text = format!("Bearer realm=\"{}\"", realm.0);
    if let Some(error) = answer.error {
        text.push_str(&format!(", error=\"{error}\", error_description=\"{}\"", answer.description));
    }
    if refusal == Refusal::InsufficientScope && !scope.is_empty() {
        text.push_str(&format!(", scope=\"{scope}\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn respond(refusal: Refusal) -> Response {
        response(refusal, &Realm::new("https://as.example").unwrap(), "orders:read orders:write")
    }

    fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
        response.headers.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }

    #[test]
    fn no_token_names_no_error() {
        let response = respond(Refusal::NoToken);
        assert_eq!(response.status, 401);
        assert_eq!(header(&response, "www-authenticate"), Some("Bearer realm=\"https://as.example\""));
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
        assert_eq!(response.body, "");
    }

    #[test]
    fn a_bad_token_is_invalid_token() {
        let response = respond(Refusal::Expired);
        assert_eq!(response.status, 401);
        assert_eq!(
            header(&response, "www-authenticate"),
            Some(
                "Bearer realm=\"https://as.example\", error=\"invalid_token\", \
                 error_description=\"the access token expired\""
            )
        );
        assert_eq!(response.body, "{\"error\":\"invalid_token\",\"error_description\":\"the access token expired\"}\n");
    }

    #[test]
    fn a_missing_scope_is_named() {
        let response = respond(Refusal::InsufficientScope);
        assert_eq!(response.status, 403);
        assert_eq!(
            header(&response, "www-authenticate"),
            Some(
                "Bearer realm=\"https://as.example\", error=\"insufficient_scope\", \
                 error_description=\"the access token lacks a scope\", scope=\"orders:read orders:write\""
            )
        );
    }

    #[test]
    fn a_fault_of_ours_says_when_to_retry_and_challenges_nobody() {
        for refusal in [Refusal::KeysUnavailable, Refusal::RevocationsStale, Refusal::Unavailable] {
            let response = respond(refusal);
            assert_eq!((response.status, header(&response, "retry-after")), (503, Some("1")));
            assert_eq!(header(&response, "www-authenticate"), None);
        }
        assert_eq!(header(&respond(Refusal::NoRule), "www-authenticate"), None);
    }

    #[test]
    fn every_body_is_json() {
        for refusal in Refusal::ALL {
            let body = respond(refusal).body;
            if !body.is_empty() {
                let value: serde_json::Value = serde_json::from_str(&body).unwrap();
                assert_eq!(value["error"].as_str(), refusal.answer().error);
            }
        }
    }

    #[test]
    fn a_realm_cannot_break_out_of_its_quotes() {
        assert_eq!(Realm::new("a\", x=\""), Err(RealmError));
        assert_eq!(Realm::new("a\\"), Err(RealmError));
        assert_eq!(Realm::new("a\r\nb"), Err(RealmError));
    }
}
