//! RFC 6750, Bearer Token Usage: the gateway is the resource server.

use super::{Rule, must, should};

pub(super) const RULES: &[Rule] = &[
    must("§2", "one token in a request, in one way", &["filter/src/tests/credentials.rs::two_tokens_are_none"]),
    must(
        "§2.1",
        "a token in the `Authorization` header is taken",
        &[
            "filter/src/tests/requests.rs::a_good_token_opens_the_route_and_is_not_passed_on",
            "filter/src/tests/credentials.rs::a_token_is_found_wherever_it_may_be_and_taken_out",
        ],
    ),
    should(
        "§2.3, §5.3",
        "none in a query, unless the configuration has it; then it is taken out of the URL",
        &[
            "filter/src/tests/credentials.rs::without_a_place_for_it_a_token_is_not_looked_for",
            "filter/src/tests/credentials.rs::a_token_is_found_wherever_it_may_be_and_taken_out",
            "9700 §4.3.2: no access token in a query",
        ],
    ),
    must(
        "§3",
        "a challenge, `Bearer` with a realm, to a request without a good token",
        &[
            "token/src/challenge.rs::no_token_names_no_error",
            "token/src/challenge.rs::a_bad_token_is_invalid_token",
            "tests/tests/e2e/refusals.rs::of_the_authservers_tokens",
        ],
    ),
    must(
        "§3",
        "each attribute once, and of the characters that are allowed",
        &[
            "token/src/challenge.rs::a_bad_token_is_invalid_token",
            "token/src/challenge.rs::a_missing_scope_is_named",
            "token/src/challenge.rs::a_realm_cannot_break_out_of_its_quotes",
        ],
    ),
    should("§3", "`error` says why a token was refused", &["token/src/challenge.rs::a_bad_token_is_invalid_token"]),
    should("§3.1", "`invalid_request` is 400", &["filter/src/tests/credentials.rs::two_tokens_are_none"]),
    should("§3.1", "`invalid_token` is 401", &["token/src/challenge.rs::a_bad_token_is_invalid_token"]),
    should(
        "§3.1",
        "`insufficient_scope` is 403 and names the scope",
        &["token/src/challenge.rs::a_missing_scope_is_named", "tests/tests/e2e/refusals.rs::of_the_authservers_tokens"],
    ),
    should(
        "§3.1",
        "no error to a request without a token",
        &[
            "token/src/challenge.rs::no_token_names_no_error",
            "registration::an_initial_access_token_is_needed_and_is_used_up",
        ],
    ),
    must(
        "§5.2",
        "a token cannot be changed, and one that is a reference cannot be guessed",
        &["token/src/verify_tests.rs::any_altered_byte_is_noticed", "bad_input/sequences::sizes_are_as_documented"],
    ),
    must("§5.2", "TLS", &["authserver/src/config/tests.rs::an_issuer_is_exact"]),
    must(
        "§5.2",
        "a token's lifetime is limited, and it says so",
        &[
            "token::client_credentials_give_an_rfc_9068_token",
            "contents::a_client_can_have_a_lifetime_of_its_own_up_to_the_servers",
        ],
    ),
    should(
        "§5.3",
        "tokens are short-lived: ten minutes unless configured, a day at the most",
        &["authserver/src/config/tests.rs::defaults_hold", "authserver/src/config/tests.rs::limits_are_kept"],
    ),
    should(
        "§5.2, §5.3",
        "tokens have an audience and a scope, and the gateway looks at both",
        &[
            "9700 §4.9.1: a token names whom it is for",
            "token/src/verify_tests.rs::the_claims_must_fit",
            "token/src/policy_tests.rs::every_required_scope_must_be_there",
        ],
    ),
];
