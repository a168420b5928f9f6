//! Why a request is not let through: one list, one mapping to what the client, the metrics and the log see.

/// A refusal. What a client is told never depends on more than the variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No bearer token came with the request.
    NoToken,
    /// `authorization` holds something other than one bearer token (RFC 6750 §2.1).
    MalformedAuthorization,
    /// The method, the path or the host can be read in more than one way.
    AmbiguousPath,
    /// Names an identity where that could have chosen the route, and so the policy; or to have it dropped on the way.
    MadeUpIdentity,
    /// Not a JWT, or one that lacks what RFC 9068 §2.2 requires.
    MalformedToken,
    /// `typ` is not `at+jwt` (RFC 9068 §4).
    TokenType,
    /// An algorithm that is unknown, or not the one of the key.
    Algorithm,
    /// `crit` names extensions that are not understood (RFC 7515 §4.1.11).
    Critical,
    /// Of an issuer that no provider is configured for.
    Issuer,
    /// For another audience.
    Audience,
    /// Past its `exp`.
    Expired,
    /// Before its `nbf`, or issued in the future.
    NotYetValid,
    /// Lacks a claim that the provider requires.
    MissingClaim,
    /// Bound to something (`cnf`, RFC 7800), a proof of which is not checked here.
    Bound,
    /// Bound to a key, but not sent as a DPoP token; or the other way round (RFC 9449 §7.1).
    Scheme,
    /// No DPoP proof, more than one, or one that is not for this request (RFC 9449 §4.3).
    Proof,
    /// A DPoP proof that was used before (RFC 9449 §11.1).
    Replayed,
    /// A DPoP proof without a nonce that is good now (RFC 9449 §9).
    Nonce,
    /// Bound to a client certificate other than the connection's (RFC 8705 §3).
    Certificate,
    /// Not active, as its issuer says when asked (RFC 7662 §2.2).
    Inactive,
    /// No key of the issuer has this `kid`.
    UnknownKey,
    /// The signature is not the key's.
    Signature,
    /// A claim that is to be forwarded can't stand in a header.
    Unforwardable,
    /// Revoked: the token, its grant, its client or its subject.
    Revoked,
    /// The token is good, a scope that the rule requires is missing.
    InsufficientScope,
    /// The token is good, the person must sign in again, or by other means (RFC 9470 §3).
    Authentication,
    /// The token is good, but of an issuer that the rule is not for.
    RuleIssuer,
    /// The token is good, but a claim is not as the rule requires.
    RuleClaim,
    /// No rule lets such a request through.
    NoRule,
    /// The route names a policy that is not configured.
    UnknownPolicy,
    /// The issuer's keys could not be had yet.
    KeysUnavailable,
    /// The issuer could not be asked whether the token is active.
    IntrospectionFailed,
    /// The revocation feed is older than it may be.
    RevocationsStale,
    /// More DPoP proofs of this subject's are to be remembered than its part of the room has place for.
    TooManyProofs,
    /// No way to check signatures, or too many requests wait already.
    Unavailable,
}

/// What a refusal answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The error code (RFC 6750 §3.1 for 400, 401 and 403 with a challenge); `None` where no error may be named.
    pub error: Option<&'static str>,
    /// The text for people; constant, so nothing can leak in it.
    pub description: &'static str,
    /// The name in metrics, logs and response code details.
    pub label: &'static str,
}

impl Refusal {
    /// Every refusal, for metrics that are defined up front.
    pub const ALL: [Self; 35] = [
        Self::NoToken,
        Self::MalformedAuthorization,
        Self::AmbiguousPath,
        Self::MadeUpIdentity,
        Self::MalformedToken,
        Self::TokenType,
        Self::Algorithm,
        Self::Critical,
        Self::Issuer,
        Self::Audience,
        Self::Expired,
        Self::NotYetValid,
        Self::MissingClaim,
        Self::Bound,
        Self::Scheme,
        Self::Proof,
        Self::Replayed,
        Self::Nonce,
        Self::Certificate,
        Self::Inactive,
        Self::UnknownKey,
        Self::Signature,
        Self::Unforwardable,
        Self::Revoked,
        Self::InsufficientScope,
        Self::Authentication,
        Self::RuleIssuer,
        Self::RuleClaim,
        Self::NoRule,
        Self::UnknownPolicy,
        Self::KeysUnavailable,
        Self::IntrospectionFailed,
        Self::RevocationsStale,
        Self::TooManyProofs,
        Self::Unavailable,
    ];

    /// The one mapping to what the world sees.
    #[must_use]
    pub fn answer(self) -> Answer {
        let (status, error, label, description) = match self {
            Self::NoToken => (401, None, "no_token", "an access token is required"),
            Self::MalformedAuthorization => {
                (400, INVALID_REQUEST, "malformed_authorization", "the request must carry exactly one bearer token")
            }
            Self::AmbiguousPath => (
                400,
                INVALID_REQUEST,
                "ambiguous_path",
                "the method, the path or the host can be read in more than one way",
            ),
            Self::MadeUpIdentity => (
                400,
                INVALID_REQUEST,
                "made_up_identity",
                "the request names an identity, which is not for clients to say",
            ),
            Self::MalformedToken => (401, INVALID_TOKEN, "malformed_token", "the access token is malformed"),
            Self::TokenType => (401, INVALID_TOKEN, "token_type", "the token is not an access token"),
            Self::Algorithm => (401, INVALID_TOKEN, "algorithm", "the access token's algorithm is not accepted"),
            Self::Critical => {
                (401, INVALID_TOKEN, "critical_header", "the access token has an unknown critical header")
            }
            Self::Issuer => (401, INVALID_TOKEN, "issuer", "the access token's issuer is not trusted here"),
            Self::Audience => (401, INVALID_TOKEN, "audience", "the access token is for another audience"),
            Self::Expired => (401, INVALID_TOKEN, "expired", "the access token expired"),
            Self::NotYetValid => (401, INVALID_TOKEN, "not_yet_valid", "the access token is not valid yet"),
            Self::Bound => (401, INVALID_TOKEN, "bound", "the access token is bound to what is not checked here"),
            Self::MissingClaim => (401, INVALID_TOKEN, "missing_claim", "the access token lacks a claim"),
            Self::Scheme => (401, INVALID_TOKEN, "scheme", "the access token belongs to another authentication scheme"),
            Self::Proof => (401, INVALID_PROOF, "proof", "the request must carry exactly one good DPoP proof"),
            Self::Replayed => (401, INVALID_PROOF, "replayed", "the DPoP proof was used before"),
            Self::Nonce => (401, Some("use_dpop_nonce"), "nonce", "the DPoP proof must carry the nonce given here"),
            Self::Certificate => {
                (401, INVALID_TOKEN, "certificate", "the access token is bound to another client certificate")
            }
            Self::Inactive => (401, INVALID_TOKEN, "inactive", "the access token is not active"),
            Self::UnknownKey => (401, INVALID_TOKEN, "unknown_key", "the access token's key is not known"),
            Self::Signature => (401, INVALID_TOKEN, "signature", "the access token's signature is not valid"),
            Self::Unforwardable => {
                (401, INVALID_TOKEN, "unforwardable", "a claim of the access token cannot be forwarded")
            }
            Self::Revoked => (401, INVALID_TOKEN, "revoked", "the access token was revoked"),
            Self::InsufficientScope => {
                (403, Some("insufficient_scope"), "insufficient_scope", "the access token lacks a scope")
            }
            Self::Authentication => (
                401,
                Some("insufficient_user_authentication"),
                "authentication",
                "another sign-in is required, or a more recent one",
            ),
            Self::RuleIssuer => (403, ACCESS_DENIED, "rule_issuer", "tokens of this issuer are not for this resource"),
            Self::RuleClaim => {
                (403, ACCESS_DENIED, "rule_claim", "the access token's claims do not allow this request")
            }
            Self::UnknownPolicy => (403, ACCESS_DENIED, "unknown_policy", "no rule allows this request"),
            Self::NoRule => (403, ACCESS_DENIED, "no_rule", "no rule allows this request"),
            Self::KeysUnavailable => (503, UNAVAILABLE, "keys_unavailable", "the issuer's keys are not available"),
            Self::IntrospectionFailed => {
                (503, UNAVAILABLE, "introspection_failed", "the access token's issuer cannot be asked now")
            }
            Self::RevocationsStale => {
                (503, UNAVAILABLE, "revocations_stale", "the list of revoked tokens is not up to date")
            }
            // RFC 6585 §4: it is this client's doing, and the others go on.
            Self::TooManyProofs => {
                (429, UNAVAILABLE, "too_many_proofs", "too many requests with DPoP proofs in a short time")
            }
            Self::Unavailable => (503, UNAVAILABLE, "unavailable", "the access token cannot be checked now"),
        };
        Answer { status, error, description, label }
    }
}

const INVALID_REQUEST: Option<&str> = Some("invalid_request");
const INVALID_TOKEN: Option<&str> = Some("invalid_token");
const INVALID_PROOF: Option<&str> = Some("invalid_dpop_proof");
const ACCESS_DENIED: Option<&str> = Some("access_denied");
const UNAVAILABLE: Option<&str> = Some("temporarily_unavailable");

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn labels_are_unique_and_fit_a_metric_name() {
        let labels: BTreeSet<_> = Refusal::ALL.iter().map(|refusal| refusal.answer().label).collect();
        assert_eq!(labels.len(), Refusal::ALL.len());
        assert!(labels.iter().all(|label| label.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
    }

    #[test]
    fn texts_fit_a_quoted_string() {
        // RFC 6750 §3: error_description must not hold a quote or a backslash.
        for refusal in Refusal::ALL {
            let text = refusal.answer().description;
            assert!(text.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{text}");
        }
    }
}
