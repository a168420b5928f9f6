//! RFC 7009, OAuth 2.0 Token Revocation, and RFC 7662, OAuth 2.0 Token Introspection.

use super::{Rule, must, should};

pub(super) const REVOCATION: &[Rule] = &[
    must("§2", "refresh tokens can be revoked", &["revocation::revoking_a_refresh_token_ends_all_that_came_from_it"]),
    should(
        "§2",
        "access tokens can be revoked",
        &[
            "revocation::a_revoked_access_token_is_dead_and_the_feed_knows_its_jti",
            "contents::opaque_tokens_are_explained_and_die_like_the_others",
            "tests/tests/e2e/revocation.rs::of_an_access_token",
        ],
    ),
    must(
        "§2",
        "POST, to a URL that is https and has no fragment",
        &[
            "§2: POST only",
            "§2: POST only, not DELETE",
            "§2: POST only, not HEAD",
            "authserver/src/config/tests.rs::an_issuer_is_exact",
        ],
    ),
    must(
        "§2.1",
        "`token` is required, in a form",
        &[
            "§2.1: token is required",
            "§2.1: an empty token is none",
            "§2.1: no parameter twice",
            "§2.1: not in the query",
            "§2.1: a form",
            "§2.1: UTF-8",
        ],
    ),
    must(
        "§2.1",
        "the client proves itself, if it can",
        &[
            "§2.1: the client proves itself",
            "§2.1: a wrong secret",
            "§2.1: a confidential client without proof",
            "§2.1: one method of authentication",
            "revocation::a_client_revokes_only_its_own_tokens_and_must_prove_itself",
        ],
    ),
    must(
        "§2.1",
        "only the client that has a token may revoke it",
        &[
            "§2.1: another client's access token",
            "§2.1: another client's access token, to a public client",
            "§2.1: another client's refresh token",
            "revocation::a_client_revokes_only_its_own_tokens_and_must_prove_itself",
        ],
    ),
    must(
        "§2.1",
        "a hint that is wrong does not keep a token from being found",
        &[
            "§2.1: a wrong hint misleads nobody",
            "§2.1: a wrong hint misleads nobody, the other way",
            "revocation::revoking_a_refresh_token_ends_all_that_came_from_it",
        ],
    ),
    must(
        "§2.1",
        "a revoked token is good nowhere from then on",
        &[
            "revocation::a_revoked_access_token_is_dead_and_the_feed_knows_its_jti",
            "filter/src/tests/feed.rs::a_revoked_token_is_refused_by_every_worker_at_once",
        ],
    ),
    should(
        "§2.1",
        "a refresh token takes along every access token of its grant",
        &["revocation::revoking_a_refresh_token_ends_all_that_came_from_it"],
    ),
    must(
        "§2.2",
        "200, also for a token that there is not",
        &[
            "§2.2: an unknown token is no error",
            "§2.2: a code is no token",
            "§2.2: nor is what looks like one",
            "revocation::revoking_what_is_no_token_succeeds",
        ],
    ),
    must(
        "§2.2",
        "an unknown hint changes nothing",
        &["§2.2: an unknown hint is ignored", "§2.2: unknown parameters are ignored"],
    ),
    should(
        "§2.3",
        "pages in the browser may ask (CORS)",
        &[
            "§2.3: pages in the browser may ask",
            "metadata::browser_apps_may_read_the_oauth_endpoints_and_nothing_with_a_cookie",
        ],
    ),
    must(
        "§5",
        "asking often does no harm: what is revoked is told to the gateways once, and requests are bounded",
        &["bad_input/sequences::what_is_revoked_is_told_once"],
    ),
    must(
        "§5",
        "tokens cannot be guessed here either: they have 256 random bits, or a signature",
        &[
            "authserver/src/secret.rs::what_is_generated_is_well_formed_and_new",
            "authserver/src/keys/tests.rs::what_is_signed_verifies_and_nothing_else",
        ],
    ),
];

pub(super) const INTROSPECTION: &[Rule] = &[
    must("§2, §4", "TLS", &["authserver/src/config/tests.rs::an_issuer_is_exact"]),
    must(
        "§2.1",
        "POST, and `token` is required, in a form",
        &[
            "§2.1: POST only",
            "§2.1: not by PUT",
            "§2.1: token is required",
            "§2.1: an empty token is none",
            "§2.1: no parameter twice",
            "§2.1: a form",
            "§2.1: UTF-8",
            "§2.1: a body of 1 MiB",
            "§2.1: unknown parameters are ignored",
            "§4: not in the query",
            "§4: not by GET",
        ],
    ),
    must(
        "§2.1",
        "a hint that is wrong does not keep a token from being found",
        &[
            "§2.1: a wrong hint misleads nobody",
            "§2.1: a wrong hint misleads nobody, the other way",
            "§2.1: an unknown hint is ignored",
        ],
    ),
    must(
        "§2.1, §2.3, §4",
        "only for whoever proves who they are",
        &[
            "§2.1: only for who may ask",
            "§2.3: a wrong secret",
            "§2.3: a public client may not",
            "§2.3: a public client may not, nor with an empty secret",
            "§2.3: a token does not open its own introspection",
            "§2.3: one method of authentication",
            "revocation::introspection_is_for_clients_that_authenticate",
        ],
    ),
    must(
        "§2.2",
        "`active` is always there",
        &["§2.2: what is right", "§2.2: no such token", "revocation::introspection_tells_what_a_good_token_says"],
    ),
    must(
        "§2.2, §2.3",
        "what is not active, not here, or not for the one who asks is `active: false`",
        &[
            "§2.2: no such token",
            "§2.2: a code is no token",
            "§2.2: another client's refresh token",
            "bad_input/sequences::introspection_is_for_whom_a_token_is_for",
        ],
    ),
    should(
        "§2.1, §2.2, §4",
        "and nothing more is said of it, nor why",
        &[
            "bad_input/tokens::what_is_not_active_is_that_and_nothing_more",
            "revocation::introspection_tells_nothing_else",
        ],
    ),
    must(
        "§4",
        "expiry, revocation and signature are looked at",
        &[
            "revocation::introspection_tells_nothing_else",
            "revocation::a_client_or_a_person_that_was_revoked_takes_older_tokens_along",
            "revocation::a_revoked_access_token_is_dead_and_the_feed_knows_its_jti",
            "bad_input/tokens::what_is_not_active_is_that_and_nothing_more",
        ],
    ),
    must(
        "§4",
        "and whether the token is for the one who asks",
        &["bad_input/sequences::introspection_is_for_whom_a_token_is_for"],
    ),
    should(
        "§4",
        "who may ask is registered: a client asks about its own tokens, and those for its id or its audiences",
        &["bad_input/sequences::introspection_is_for_whom_a_token_is_for"],
    ),
    must(
        "§4",
        "the gateway keeps no answer longer than the token's `exp`",
        &["filter/src/tests/providers.rs::an_answer_holds_for_its_time"],
    ),
    must(
        "§5",
        "what is said stays between those two: no cache, no log",
        &["§2.2: no cache keeps it", "filter/src/tests/requests.rs::the_log_names_the_request_and_never_the_token"],
    ),
];
