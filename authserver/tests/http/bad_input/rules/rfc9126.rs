//! RFC 9126, OAuth 2.0 Pushed Authorization Requests.

use super::{Rule, must, should};

pub(super) const RULES: &[Rule] = &[
    must("§2", "the endpoint is https", &["authserver/src/config/tests.rs::an_issuer_is_exact"]),
    should("§2, §5", "metadata names it", &["promises::pushed_and_signed_requests"]),
    must(
        "§2",
        "an assertion of a client may be for the issuer, the token endpoint or this one",
        &["assertions::each_name_of_this_server_is_an_audience"],
    ),
    must(
        "§2.1",
        "POST, in a form",
        &[
            "§2.1: a form",
            "§2.1: nothing in the query counts",
            "§2.1: unknown parameters are ignored",
            "§2.1: so are those of the token endpoint",
            "§2.3: no parameter twice",
        ],
    ),
    must("§2.1", "no `request_uri`", &["§2.1: no request_uri", "§2.1: no request_uri of ours either"]),
    must(
        "§2.1",
        "the client proves itself as at the token endpoint",
        &[
            "§2.1: the client proves itself",
            "§2.1: a wrong secret",
            "§2.1: what is right, of a public client",
            "§2.1: client_id may repeat who it is",
            "§2.1: client_id of somebody else",
        ],
    ),
    must(
        "§2.1",
        "what is pushed is checked as at the authorization endpoint",
        &[
            "§2.3: a redirect_uri that is not registered",
            "§2.3: a scope that it may not have",
            "§2.3: response_type is required",
            "§2.3: a response_type there is not",
            "§2.3: for clients that are registered for it",
            "§2.1: a public client uses PKCE here too",
            "par::what_is_wrong_is_said_to_the_client_at_once",
        ],
    ),
    must(
        "§2.2",
        "201, a `request_uri` and `expires_in`",
        &["§2.2: what is right", "§2.2: how long it is good", "§2.2: no cache keeps it"],
    ),
    must(
        "§2.2, §7.1",
        "a `request_uri` cannot be guessed: it has 256 random bits",
        &[
            "bad_input/sequences::sizes_are_as_documented",
            "authserver/src/secret.rs::what_is_generated_is_well_formed_and_new",
        ],
    ),
    must(
        "§2.2",
        "it is its client's",
        &[
            "par::a_pushed_request_is_used_once_by_its_client_in_time",
            "bad_input/sequences::a_pushed_request_needs_its_client_at_the_authorization_endpoint",
        ],
    ),
    must(
        "§2.3",
        "a client that has to sign, and does not, gets 400 `invalid_request`",
        &[
            "bad_input/sequences::a_client_that_has_to_sign_pushes_nothing_unsigned",
            "request_object::a_client_can_be_held_to_signing",
        ],
    ),
    should(
        "§2.3",
        "405 for other methods, 413 for what is too large, 429 for too many",
        &[
            "§2.3: POST only",
            "§2.3: POST only, not PUT",
            "§2.3: POST only, not HEAD",
            "§2.3: a body of 1 MiB",
            "par::who_proves_nothing_cannot_fill_the_database",
        ],
    ),
    must(
        "§3",
        "of a request with a signed object, only the object counts, and it is the client's",
        &[
            "request_object::only_what_was_signed_counts",
            "request_object::what_is_not_the_clients_request_to_this_server_is_refused",
            "9101 §6.1: a request that is none",
        ],
    ),
    should(
        "§4, §7.3",
        "a `request_uri` is good once",
        &[
            "par::a_pushed_request_is_used_once_by_its_client_in_time",
            "par::of_many_at_once_one_takes_it",
            "authserver/tests/store/around.rs::one_of_many_takes_a_pushed_request",
        ],
    ),
    must("§4", "an expired one is not good", &["par::a_pushed_request_is_used_once_by_its_client_in_time"]),
    must(
        "§4",
        "what was pushed is treated as any other request: the person signs in and agrees",
        &["par::a_pushed_request_is_used_once_by_its_client_in_time", "par::a_client_or_all_can_be_held_to_pushing"],
    ),
    must(
        "§5, §6",
        "who has to push, has to",
        &["par::a_client_or_all_can_be_held_to_pushing", "promises::pushed_and_signed_requests"],
    ),
    must("§7.2", "a redirect URI that is new is taken from nobody", &["§2.3: a redirect_uri that is not registered"]),
];
