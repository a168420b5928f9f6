//! The answer to a refused request: RFC 6750 §3's challenge, a JSON body, and headers that keep it out of caches.

use crate::refusal::Refusal;

/// A protection space (RFC 9110 §11.5), ready to stand in a quoted string.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

/// Who challenges: what is the same in every answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Space {
    /// The protection space.
    pub realm: Realm,
    /// The URL of the protected resource's metadata (RFC 9728 §5.1), which holds no quotes.
    pub resource_metadata: Option<String>,
    /// The algorithms of DPoP proofs, space-delimited (RFC 9449 §7.1), where clients are told that they may use them.
    pub dpop: Option<String>,
}

/// What an answer says besides the refusal itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details<'a> {
    /// The scopes that the rule requires, space-delimited.
    pub scope: &'a str,
    /// The ways of signing in that the rule requires, space-delimited (RFC 9470 §3).
    pub acr_values: &'a str,
    /// How long ago the person may have signed in, in seconds (RFC 9470 §3).
    pub max_age: Option<u64>,
    /// Whether the request used DPoP, or should have.
    pub dpop: bool,
    /// A nonce for the next DPoP proof (RFC 9449 §9).
    pub nonce: Option<String>,
    /// Whether the client speaks gRPC, and so reads a text where others read JSON.
    pub grpc: bool,
}

/// A response that a refusal makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The status for a client that speaks gRPC.
    pub grpc_status: i32,
    /// The headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body: JSON, or for gRPC the message; it may be empty.
    pub body: String,
}

/// After how many seconds a client may try again where time helps.
const RETRY_AFTER: &str = "1";

/// The response to a refused request.
///
/// Scopes are named where a scope is what is missing (RFC 6750 §3.1). A request without a token is told no error.
#[must_use]
pub fn response(refusal: Refusal, space: &Space, details: &Details<'_>) -> Response {
    let answer = refusal.answer();
    let mut headers = vec![("cache-control", "no-store".to_owned())];
    let of_credentials = !matches!(refusal, Refusal::AmbiguousPath | Refusal::MadeUpIdentity);
    let challenged = matches!(answer.status, 400 | 401) && of_credentials;
    if challenged || refusal == Refusal::InsufficientScope {
        let dpop = details.dpop || matches!(refusal, Refusal::Proof | Refusal::Replayed | Refusal::Nonce);
        if !dpop {
            headers.push(("www-authenticate", challenge("Bearer", refusal, space, details)));
        }
        if dpop || (refusal == Refusal::NoToken && space.dpop.is_some()) {
            headers.push(("www-authenticate", challenge("DPoP", refusal, space, details)));
        }
    }
    if let Some(nonce) = &details.nonce {
        headers.push(("dpop-nonce", nonce.clone()));
    }
    if matches!(answer.status, 429 | 503) {
        headers.push(("retry-after", RETRY_AFTER.to_owned()));
    }
    let body = match answer.error {
        _ if details.grpc => answer.description.to_owned(),
        None => String::new(),
        Some(error) => {
            headers.push(("content-type", "application/json".to_owned()));
            // Both are constants that need no escaping.
            ["{\"error\":\"", error, "\",\"error_description\":\"", answer.description, "\"}\n"].concat()
        }
    };
    Response { status: answer.status, grpc_status: grpc_status(answer.status), headers, body }
}

/// `WWW-Authenticate`, RFC 6750 §3.
fn challenge(scheme: &str, refusal: Refusal, space: &Space, details: &Details<'_>) -> String {
    let answer = refusal.answer();
    let mut text = [scheme, " realm=\"", &space.realm.0, "\""].concat();
    let mut add = |name: &str, value: &str| {
        if !value.is_empty() {
            for part in [", ", name, "=\"", value, "\""] {
                text.push_str(part);
            }
        }
    };
    if let Some(error) = answer.error {
        add("error", error);
        add("error_description", answer.description);
    }
    // Clients that find their way by metadata ask for what they are told here.
    if refusal == Refusal::InsufficientScope || (refusal == Refusal::NoToken && space.resource_metadata.is_some()) {
        add("scope", details.scope);
    }
    if refusal == Refusal::Authentication {
        add("acr_values", details.acr_values);
        add("max_age", &details.max_age.map(|age| age.to_string()).unwrap_or_default());
    }
    add("resource_metadata", space.resource_metadata.as_deref().unwrap_or_default());
    if scheme == "DPoP" {
        add("algs", space.dpop.as_deref().unwrap_or_default());
    }
    text
}

/// The gRPC status (`google.rpc.Code`) that says the same.
fn grpc_status(status: u16) -> i32 {
    match status {
        400 => 3,  // INVALID_ARGUMENT
        401 => 16, // UNAUTHENTICATED
        403 => 7,  // PERMISSION_DENIED
        429 => 8,  // RESOURCE_EXHAUSTED
        _ => 14,   // UNAVAILABLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn respond(refusal: Refusal) -> Response {
        response(refusal, &space(), &details())
    }

    fn space() -> Space {
        Space { realm: Realm::new("https://as.example").unwrap(), resource_metadata: None, dpop: None }
    }

    fn details() -> Details<'static> {
        let acr_values = "gold silver";
        Details { scope: "orders:read orders:write", acr_values, max_age: Some(60), ..Details::default() }
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
    fn a_better_sign_in_is_asked_for_as_rfc_9470_has_it() {
        let response = respond(Refusal::Authentication);
        assert_eq!(response.status, 401);
        assert!(header(&response, "www-authenticate").unwrap().ends_with(
            "error=\"insufficient_user_authentication\", error_description=\"another sign-in is required, or a more \
             recent one\", acr_values=\"gold silver\", max_age=\"60\""
        ));
    }

    #[test]
    fn metadata_and_dpop_are_announced_where_they_are_configured() {
        let resource_metadata = Some("https://api.example/.well-known/oauth-protected-resource".to_owned());
        let space = Space { resource_metadata, dpop: Some("ES256 EdDSA".to_owned()), ..space() };
        let challenges = |refusal, details: &Details<'_>| -> Vec<String> {
            let headers = response(refusal, &space, details).headers;
            headers.into_iter().filter(|(name, _)| *name == "www-authenticate").map(|(_, value)| value).collect()
        };
        let both = challenges(Refusal::NoToken, &details());
        assert_eq!(
            both,
            [
                "Bearer realm=\"https://as.example\", scope=\"orders:read orders:write\", \
                 resource_metadata=\"https://api.example/.well-known/oauth-protected-resource\"",
                "DPoP realm=\"https://as.example\", scope=\"orders:read orders:write\", \
                 resource_metadata=\"https://api.example/.well-known/oauth-protected-resource\", algs=\"ES256 EdDSA\"",
            ]
        );
        let nonce = Details { nonce: Some("n1".into()), ..details() };
        let [one] = challenges(Refusal::Nonce, &nonce).try_into().unwrap();
        assert!(one.starts_with("DPoP realm=\"https://as.example\", error=\"use_dpop_nonce\""), "{one}");
        assert_eq!(header(&response(Refusal::Nonce, &space, &nonce), "dpop-nonce"), Some("n1"));
    }

    #[test]
    fn grpc_clients_get_their_own_status_and_a_text() {
        let grpc = Details { grpc: true, ..details() };
        for (refusal, status) in [
            (Refusal::NoToken, 16),
            (Refusal::InsufficientScope, 7),
            (Refusal::MalformedAuthorization, 3),
            (Refusal::KeysUnavailable, 14),
            (Refusal::TooManyProofs, 8),
        ] {
            let response = response(refusal, &space(), &grpc);
            assert_eq!((response.grpc_status, response.body.as_str()), (status, refusal.answer().description));
        }
    }

    #[test]
    fn what_time_helps_says_when_to_retry_and_challenges_nobody() {
        let much = respond(Refusal::TooManyProofs);
        assert_eq!(
            (much.status, header(&much, "retry-after"), header(&much, "www-authenticate")),
            (429, Some("1"), None)
        );
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
