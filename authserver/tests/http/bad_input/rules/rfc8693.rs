//! RFC 8693, OAuth 2.0 Token Exchange.

use super::{Rule, must, should};

pub(super) const RULES: &[Rule] = &[
    must(
        "§2.1",
        "`subject_token` and `subject_token_type` are required, each once",
        &[
            "§2.1: subject_token is required",
            "§2.1: subject_token_type is required",
            "§2.1: one subject_token",
            "§2.1: parameters without a value are omitted",
            "§2.1: unknown parameters are ignored",
            "§2.1: what is right",
        ],
    ),
    must(
        "§2.1",
        "`actor_token_type` with `actor_token`, and never without",
        &["§2.1: actor_token_type with actor_token", "§2.1: and never without", "§2.1: one actor_token"],
    ),
    must(
        "§2.1",
        "`resource` is an absolute URI without a fragment",
        &["8707 §2: a resource is a URL", "8707 §2: a resource is absolute", "8707 §2: without a fragment"],
    ),
    must(
        "§2.1",
        "each token is checked as what it is said to be",
        &[
            "§2.1: a type there is not",
            "§2.1: types have case",
            "§2.1: a refresh token is no subject",
            "§2.1: nor by its own type",
            "§2.1: nor is a code",
            "§2.1: nor what nobody signed",
            "exchange::a_token_is_of_the_type_that_is_named",
            "exchange::a_bound_token_is_exchanged_by_whoever_holds_its_key",
            "exchange::what_is_no_good_token_is_refused",
            "exchange::a_jwt_of_a_trusted_issuer_is_a_subject_too",
        ],
    ),
    should(
        "§2.1, §5",
        "clients prove themselves, and are registered for what they may do",
        &[
            "§2.1: the client proves itself",
            "§2.1: a public client cannot",
            "§2.1: for clients that are registered for it",
            "exchange::delegation_says_who_acts",
        ],
    ),
    must(
        "§2.2.1",
        "`access_token`, `issued_token_type`, `token_type`, and (SHOULD) `expires_in`",
        &[
            "§2.1: what is right",
            "§2.1: an access token is what is given",
            "§2.2.1: token_type",
            "§2.2.1: no refresh token",
            "§2.2.1: no cache keeps it",
            "exchange::impersonation_hands_the_subject_on",
        ],
    ),
    must(
        "§2.2.1",
        "`scope` if it is not what was asked for (it always is there)",
        &[
            "§2.2.1: scope, always",
            "§2.1: more scope than the subject token's",
            "exchange::scope_and_audience_only_narrow",
            "exchange::authorization_details_only_narrow",
        ],
    ),
    must(
        "§2.2.2",
        "`invalid_request` if the request or one of its tokens is not good or not acceptable",
        &[
            "§2.2.2: a subject token that is not good",
            "§2.2.2: an actor token that is not good",
            "§2.1: a refresh token is not given",
            "§2.1: no other kind of token is given",
            "exchange::what_is_no_good_token_is_refused",
        ],
    ),
    should(
        "§2.2.2",
        "`invalid_target` for a target that the client may not have",
        &["§2.2.2: a target that the client may not have", "§2.2.2: one of several targets that it may not have"],
    ),
    must("§4.1", "only the outermost actor acts; those before are history", &["exchange::delegation_says_who_acts"]),
    must("§4.4", "`may_act` is held to", &["exchange::a_jwt_of_a_trusted_issuer_is_a_subject_too"]),
    must("§6", "TLS", &["authserver/src/config/tests.rs::an_issuer_is_exact"]),
];
