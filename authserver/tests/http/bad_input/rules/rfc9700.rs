//! RFC 9700, Best Current Practice for OAuth 2.0 Security.

use super::{Rule, must, should};

pub(super) const RULES: &[Rule] = &[
    must(
        "§2.1, §4.1.3",
        "redirect URIs are compared character by character; a loopback port is free",
        &[
            "bad_input/authorize::no_trick_with_redirect_uri_leads_away",
            "§4.1.3: the port of a loopback address is free, and nothing else",
            "§4.1.3: redirect_uri to the letter, also where the code is redeemed",
        ],
    ),
    must(
        "§2.1, §4.11.2",
        "no open redirector",
        &[
            "§2.1: no open redirector; what is wrong about client or redirect_uri is a page",
            "§4.11.2: sign-in leads nowhere that we did not write ourselves",
        ],
    ),
    must(
        "§2.1, §4.12",
        "what a person typed is never passed on: 303, not 307",
        &["§4.12: 303, never 307: a password is not posted on"],
    ),
    must(
        "§2.1.1, §4.5.3.1",
        "PKCE is there, public clients have to use it, and a challenge is held to",
        &[
            "§2.1.1: public clients use PKCE",
            "§4.5.3: a code injected into another sign-in of the same client",
            "§4.8.2: no downgrade: a challenge is held to",
            "responses::a_client_can_be_held_to_pkce",
        ],
    ),
    must(
        "§2.1.1, §4.8.2",
        "no downgrade: a verifier without a challenge is refused",
        &[
            "§4.8.2: no downgrade: a verifier without a challenge is refused",
            "§4.8.2: a verifier for a code without challenge",
            "code::a_confidential_clients_challenge_counts_too_and_cannot_be_invented_later",
        ],
    ),
    must(
        "§2.1.1, §4.7.1",
        "that PKCE is there can be seen: metadata says so",
        &[
            "§2.6: metadata says what there is, PKCE and iss too",
            "promises::response_types_modes_and_challenge_methods",
        ],
    ),
    should("§2.1.1, §4.8", "plain shows the verifier: it is not there", &["§2.1.1: plain is no PKCE"]),
    should(
        "§2.1.2",
        "no access token from the authorization endpoint, unless a client is registered for it",
        &["§2.1.2: response_type=token is off", "§4.3.1: no authorization response with a token in the query"],
    ),
    should(
        "§2.2.1, §4.10.1",
        "tokens can be bound to the sender's key, and a client be held to it",
        &[
            "dpop::a_client_can_be_held_to_dpop",
            "certificates::tokens_are_bound_to_the_certificate_of_a_client_that_is_registered_for_it",
            "filter/src/tests/bindings.rs::a_certificate_bound_token_needs_its_connection",
        ],
    ),
    must(
        "§2.2.2, §4.14.2",
        "a public client's refresh token is replaced at each use (and bound, with DPoP)",
        &[
            "§2.2.2: a public client's refresh token is replaced at each use",
            "password::a_public_clients_refresh_token_is_always_rotated",
            "dpop::a_public_clients_refresh_token_is_bound_and_a_confidential_ones_is_not",
        ],
    ),
    should(
        "§2.3, §4.10.2",
        "a token is for an audience, and for no more than it needs",
        &[
            "§4.9.1: a token names whom it is for",
            "contents::a_resource_narrows_the_audience",
            "6749 §3.3: less than was asked for, and it says so",
        ],
    ),
    must("§2.3", "the admin API does so too", &["admin_api::only_a_good_token_with_the_scope_opens_it"]),
    must(
        "§2.3",
        "the gateway refuses a token for somebody else, and one that lacks a scope",
        &[
            "token/src/verify_tests.rs::the_claims_must_fit",
            "token/src/policy_tests.rs::every_required_scope_must_be_there",
        ],
    ),
    should(
        "§2.5",
        "clients prove themselves where they can, best by keys of their own",
        &[
            "§2.5: a client's secret never in a query",
            "assertions::a_client_proves_itself_by_an_assertion",
            "certificates::a_certificate_of_an_authority_with_the_registered_subject",
            "certificates::a_certificate_that_is_itself_registered",
        ],
    ),
    should(
        "§2.6",
        "metadata is published",
        &["§2.6: metadata says what there is, PKCE and iss too", "promises::nothing_is_named_that_is_not_tried_here"],
    ),
    must(
        "§2.6",
        "authorization responses are encrypted: no plain http but on a loopback address",
        &["§2.6: no redirect URI that is plain http, on a loopback address apart"],
    ),
    must("§2.6", "no CORS at the authorization endpoint", &["§2.6: no CORS at the authorization endpoint"]),
    should(
        "§4.2.4",
        "no third-party resources and no links elsewhere on our pages, and no referrer",
        &[
            "§4.2.4: pages have nothing from elsewhere",
            "§4.2.4: no referrer and no cache holds what is in an authorization response",
        ],
    ),
    must(
        "§4.2.4",
        "a code is good once",
        &[
            "§4.2.4: a code is good once; the second time takes back what the first gave",
            "code::of_many_at_once_one_at_most_gets_tokens",
        ],
    ),
    should(
        "§4.2.4",
        "and the second time takes back what it gave",
        &["§4.2.4: a code is good once; the second time takes back what the first gave"],
    ),
    must("§4.3.2", "no access token in a query", &["§4.3.2: no access token in a query"]),
    must(
        "§4.4.2",
        "a client can see who answers: `iss` in every authorization response",
        &[
            "§4.4.2: mix-up: iss in every authorization response",
            "§4.4.2: mix-up: another issuer's code is no code here",
        ],
    ),
    must(
        "§4.5.2",
        "a code is for the client and the redirect URI it was given to",
        &[
            "§4.5.3: a code in another client's hands",
            "§4.1.3: redirect_uri to the letter, also where the code is redeemed",
        ],
    ),
    must(
        "§4.9.3",
        "the gateway treats tokens as secrets: not logged, and not passed on unless configured",
        &[
            "filter/src/tests/requests.rs::the_log_names_the_request_and_never_the_token",
            "filter/src/tests/requests.rs::a_good_token_opens_the_route_and_is_not_passed_on",
            "filter/src/tests/credentials.rs::an_open_route_loses_the_credential_too",
        ],
    ),
    must(
        "§4.11.2",
        "the person signs in before being sent anywhere",
        &["§4.11.2: no redirect before the person signed in and agreed"],
    ),
    should(
        "§4.11.2",
        "only a client that is trusted is told of mistakes by redirect",
        &[
            "§4.11.2: a client that registered itself sends nobody to itself by a mistake",
            "pages::consent_says_who_asks_for_what_and_where_it_leads",
        ],
    ),
    must(
        "§4.13",
        "what the gateway says of a request is its own: such headers of a client do not count",
        &[
            "filter/src/tests/bindings.rs::the_filter_vouches_for_what_only_it_knows",
            "filter/src/tests/requests.rs::what_goes_to_the_authserver_loses_identities_and_keeps_its_credentials",
            "authserver/src/gateway.rs::only_the_very_request_is_vouched_for",
        ],
    ),
    must(
        "§4.14.2",
        "whether a client gets refresh tokens is decided: its registration says so",
        &["§4.14.2: only clients that are registered for it get one"],
    ),
    must(
        "§4.14.2",
        "a refresh token stays with its client, the scope and the resources that were granted",
        &["§4.14.2: a refresh token stays with its client and its scope", "contents::a_resource_narrows_the_audience"],
    ),
    must(
        "§4.14.2",
        "a replayed refresh token is noticed, and ends the grant",
        &[
            "§4.14.2: a spent refresh token ends the grant",
            "refresh::another_request_with_a_spent_token_is_reuse_even_within_the_window",
        ],
    ),
    should(
        "§4.14.2",
        "a refresh token that is not used expires",
        &["§4.14.2: a refresh token that is not used expires"],
    ),
    should(
        "§2.6, §4.15.1",
        "no client chooses its id when it registers itself",
        &["registration::a_client_registers_itself_and_gets_tokens"],
    ),
    must("§4.15.1", "a token of a client cannot pass for a person's", &["§4.15.1: a client's subject is nobody's"]),
    must("§4.16", "no page in a frame", &["§4.16: no page of ours in a frame", "markup::every_page_is_protected"]),
    should(
        "§4.16",
        "Content Security Policy, on every page",
        &["pages::pages_are_protected", "markup::every_page_is_protected"],
    ),
    must(
        "§4.17.2",
        "no answer by postMessage to just anybody: there is none at all",
        &["§4.17: no response by postMessage"],
    ),
];
