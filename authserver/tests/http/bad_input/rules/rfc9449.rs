//! RFC 9449, OAuth 2.0 Demonstrating Proof of Possession: at the authorization server, and at the gateway.

use super::{Rule, must, should};

pub(super) const RULES: &[Rule] = &[
    must(
        "§4.2, §4.3, §11.5",
        "`typ` is `dpop+jwt`",
        &[
            "dpop::what_is_not_a_proof_for_this_request_is_refused",
            "token/src/dpop_tests.rs::whatever_is_not_for_this_request_is_no_proof",
        ],
    ),
    must(
        "§4.2, §4.3, §11.6",
        "`alg` is asymmetric, and one that we take; never `none`",
        &[
            "§4.3: one that nobody signed",
            "§4.3: one that nobody signed, with a key",
            "dpop::what_is_not_a_proof_for_this_request_is_refused",
            "token/src/dpop_tests.rs::whatever_is_not_for_this_request_is_no_proof",
        ],
    ),
    must(
        "§4.2, §4.3",
        "`jwk` is there and public, and its key made the signature",
        &[
            "dpop::what_is_not_a_proof_for_this_request_is_refused",
            "token/src/dpop_tests.rs::whatever_is_not_for_this_request_is_no_proof",
        ],
    ),
    must(
        "§4.3",
        "one proof, and a well-formed JWT",
        &[
            "§4.3: one header, not two",
            "§4.3: not two in one header",
            "§4.3: no JWT",
            "§4.3: an empty one",
            "§4.3: nothing but ASCII",
            "filter/src/tests/bindings.rs::whatever_is_no_proof_is_refused",
            "token/src/dpop_tests.rs::no_proof_panics",
        ],
    ),
    must(
        "§4.2, §4.3",
        "`jti`, `htm`, `htu` and `iat` are there; method and URL are those of the request",
        &[
            "dpop::what_is_not_a_proof_for_this_request_is_refused",
            "token/src/dpop_tests.rs::whatever_is_not_for_this_request_is_no_proof",
        ],
    ),
    should(
        "§4.3",
        "`htu` is compared after normalisation, without query and fragment",
        &["dpop::a_proof_binds_the_token_to_its_key", "token/src/dpop_tests.rs::one_uri_is_written_in_many_ways"],
    ),
    must(
        "§4.3, §11.1",
        "a proof is good for a short time",
        &[
            "dpop::what_is_not_a_proof_for_this_request_is_refused",
            "token/src/dpop_tests.rs::whatever_is_not_for_this_request_is_no_proof",
        ],
    ),
    should(
        "§11.1",
        "a proof is good once, at every replica and in every worker; a huge `jti` is refused",
        &[
            "dpop::of_many_with_one_proof_one_gets_a_token",
            "authserver/tests/store/devices.rs::one_of_many_uses_a_name",
            "filter/src/tests/bindings.rs::a_bound_token_needs_its_proof_once",
            "filter/src/tests/bindings.rs::what_is_remembered_of_proofs_is_bounded",
            "filter/src/tests/bindings.rs::who_floods_leaves_room_to_the_others",
        ],
    ),
    must(
        "§5",
        "a proof that is not good is `invalid_dpop_proof`",
        &["§4.3: no JWT", "§5: a wrong secret stays one", "dpop::what_is_not_a_proof_for_this_request_is_refused"],
    ),
    must("§5", "`token_type` is `DPoP` for a bound token", &["dpop::a_proof_binds_the_token_to_its_key"]),
    must(
        "§5",
        "a public client's refresh token is bound to its key, and that is held to",
        &["dpop::a_public_clients_refresh_token_is_bound_and_a_confidential_ones_is_not"],
    ),
    must("§5.1", "metadata names the algorithms", &["promises::signatures_are_by_what_is_named"]),
    must(
        "§5.2",
        "a client that is held to it gets no token without",
        &[
            "§5.2: a client that is held to it",
            "dpop::a_client_can_be_held_to_dpop",
            "responses::a_client_whose_tokens_are_bound_gets_none_through_the_browser",
        ],
    ),
    must(
        "§6, §6.1",
        "a bound token says so: `cnf` with `jkt`, the key's SHA-256 thumbprint",
        &["dpop::a_proof_binds_the_token_to_its_key", "token/src/jwk_tests.rs::thumbprints_are_the_rfcs"],
    ),
    must(
        "§6.2",
        "introspection says the same, with `token_type` `DPoP`",
        &["dpop::a_proof_binds_the_token_to_its_key", "§6.2: none is looked at where none is needed"],
    ),
    must(
        "§7, §7.1",
        "at the gateway a bound token comes with a proof by its key, for this token (`ath`), or is refused",
        &[
            "filter/src/tests/bindings.rs::a_bound_token_needs_its_proof_once",
            "filter/src/tests/bindings.rs::whatever_is_no_proof_is_refused",
            "token/src/dpop_tests.rs::whatever_is_not_for_this_request_is_no_proof",
            "tests/tests/e2e/filter.rs::opaque_bound_and_routed",
        ],
    ),
    should(
        "§7.1",
        "the challenge has `error` and `algs`",
        &[
            "token/src/challenge.rs::metadata_and_dpop_are_announced_where_they_are_configured",
            "filter/src/tests/bindings.rs::a_bound_token_needs_its_proof_once",
            "filter/src/tests/bindings.rs::a_nonce_is_asked_for_and_given",
        ],
    ),
    must(
        "§7.2",
        "a bound token is no bearer token",
        &["filter/src/tests/bindings.rs::whatever_is_no_proof_is_refused"],
    ),
    should(
        "§7.2",
        "both schemes are offered without an error; an error comes with the scheme that was used",
        &["token/src/challenge.rs::metadata_and_dpop_are_announced_where_they_are_configured"],
    ),
    must(
        "§8",
        "a nonce that is not ours, or too old, is refused, with one `DPoP-Nonce` that is good",
        &["dpop::a_nonce_is_asked_for_given_and_good_at_every_replica", "dpop::a_nonce_of_somebody_else_is_put_right"],
    ),
    must("§8.1", "the characters of a nonce", &["dpop::a_nonce_of_somebody_else_is_put_right"]),
    should(
        "§8.2",
        "a new nonce comes with answers that no cache keeps",
        &["dpop::a_nonce_is_asked_for_given_and_good_at_every_replica"],
    ),
    must(
        "§9",
        "the gateway's own nonces: 401, `use_dpop_nonce`, `DPoP-Nonce`",
        &["filter/src/tests/bindings.rs::a_nonce_is_asked_for_and_given"],
    ),
    must(
        "§10",
        "a code is redeemed with the key of its `dpop_jkt`",
        &["dpop::a_code_can_be_bound_before_it_is_given", "§10: dpop_jkt is a thumbprint", "§10: one dpop_jkt"],
    ),
    must(
        "§10.1",
        "a pushed request says it by `dpop_jkt`, by a proof, or by both if they agree",
        &["dpop::a_code_can_be_bound_before_it_is_given", "§10.1: a pushed request's proof is checked too"],
    ),
    should("§11.2", "without nonces, bound tokens are short-lived", &["authserver/src/config/tests.rs::defaults_hold"]),
    must(
        "§11.3",
        "where nonces are asked for, no proof is good without",
        &[
            "dpop::a_nonce_is_asked_for_given_and_good_at_every_replica",
            "filter/src/tests/bindings.rs::a_nonce_is_asked_for_and_given",
        ],
    ),
];
