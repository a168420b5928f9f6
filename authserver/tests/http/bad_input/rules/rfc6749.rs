//! RFC 6749, The OAuth 2.0 Authorization Framework.

use super::{Rule, must, should};

pub(super) const RULES: &[Rule] = &[
    should(
        "§2.1",
        "nothing is assumed about a client's type: its registration says it",
        &["client_auth::a_client_keeps_to_its_method", "§2.3: a public client with a secret"],
    ),
    must(
        "§2.2",
        "a `client_id` alone proves nothing",
        &[
            "§2.2: an identifier alone proves nothing",
            "§2.2: an identifier and an empty secret prove nothing",
            "§2.2: identifiers have case",
            "§2.2: a space is not cut off",
        ],
    ),
    should(
        "§2.2, §4.1.2, §4.2.2, §5.1",
        "how long identifiers, codes and tokens are is documented: [here](#sizes)",
        &["bad_input/sequences::sizes_are_as_documented"],
    ),
    must(
        "§2.3",
        "a public client's name is not taken for who it is",
        &["§2.3: a confidential client without proof", "authorize::consent_is_remembered_where_the_client_is_certain"],
    ),
    must(
        "§2.3",
        "one method of authentication in a request",
        &[
            "§2.3: one method, not two",
            "§2.3: one Authorization header, not two",
            "§2.3: one method, not a secret and an assertion",
            "§2.3: one method, not an assertion and a secret in the form",
            "§2.3: client_id of somebody else",
            "client_auth::one_method_at_a_time",
        ],
    ),
    must(
        "§2.3.1",
        "HTTP Basic for clients that have a secret, id and secret form-encoded in it",
        &[
            "§2.3.1: id and secret are form-encoded before base64",
            "§2.3.1: so they may hold anything",
            "§2.3.1: a plus is a space",
            "§2.3.1: whole escapes",
            "§2.3.1: no NUL",
            "§2.3.1: UTF-8",
            "7617 §2: schemes have no case",
            "7617 §2: not base64",
            "7617 §2: no colon",
            "7617 §2: a scheme and nothing",
            "7617 §2: a scheme that is not taken",
        ],
    ),
    must(
        "§2.3.1",
        "in the form, `client_secret` comes with `client_id`",
        &[
            "§2.3.1: client_id is required with client_secret",
            "§2.3.1: the secret in the form",
            "§2.3.1: the secret in the form, wrong",
        ],
    ),
    should(
        "§2.3.1",
        "the secret in the form is for clients that cannot do otherwise: a registration can forbid it",
        &["client_auth::a_client_keeps_to_its_method"],
    ),
    must(
        "§2.3.1",
        "never a secret in the request URI",
        &["§2.3.1: never in the query", "9700 §2.5: a client's secret never in a query"],
    ),
    must(
        "§2.3.1",
        "secrets withstand brute force: they are made here, of 256 random bits, and never chosen",
        &[
            "authserver/src/secret.rs::what_is_generated_is_well_formed_and_new",
            "§2.3.1: a secret that is empty",
            "§2.3.1: a public client has no secret, not even an empty one",
        ],
    ),
    must(
        "§2.3.2",
        "which method a client uses is part of its registration",
        &["client_auth::a_client_keeps_to_its_method", "assertions::a_client_can_be_held_to_one_algorithm"],
    ),
    must(
        "§3.1",
        "the person's identity is verified first",
        &[
            "9700 §4.11.2: no redirect before the person signed in and agreed",
            "authorize::a_session_that_ended_and_a_person_that_was_disabled_are_signed_out",
        ],
    ),
    must(
        "§3.1, §3.2",
        "endpoint URIs have no fragment; a query of theirs would be kept, and they have none",
        &["authserver/src/config/tests.rs::an_issuer_is_exact", "metadata::the_request_does_not_change_the_links"],
    ),
    must(
        "§2.3.1, §3.1, §3.2, §10.9, §10.11",
        "TLS: the issuer, and so every endpoint, is https, on a loopback address apart",
        &["authserver/src/config/tests.rs::an_issuer_is_exact"],
    ),
    must(
        "§3.1",
        "GET at the authorization endpoint (and POST)",
        &["bad_input/authorize::get_and_post_and_nothing_else", "authorize::a_post_is_as_good_as_a_get"],
    ),
    must(
        "§3.1",
        "a parameter without a value is as if it were not there",
        &["bad_input/authorize::get_and_post_and_nothing_else", "§3.1: twice, one without a value"],
    ),
    must("§3.1", "unknown parameters are ignored", &["bad_input/authorize::get_and_post_and_nothing_else"]),
    must(
        "§3.1",
        "no parameter twice",
        &[
            "§3.1: client_id twice",
            "§3.1: redirect_uri twice",
            "§3.1: state twice",
            "§3.1: response_type twice",
            "§3.1: scope twice",
            "§3.1: twice, however written",
            "§3.1: twice, known or not",
        ],
    ),
    must(
        "§3.1.1, §4.1.1",
        "`response_type` is there and one that is known, or the client is told",
        &[
            "§4.1.2.1: response_type is required",
            "§3.1.1: a response_type there is not",
            "§3.1.1: no two response_types at once",
            "§3.1.1: in no order",
            "§3.1.1: nor one twice",
            "§3.1.1: response_types have case",
            "§3.1.1: and no space",
        ],
    ),
    must(
        "§3.1.2",
        "a redirect URI is absolute and has no fragment",
        &[
            "authserver/src/cli/redirect_uri.rs::safe_targets_only",
            "registration::metadata_that_does_not_hold_together_is_refused",
        ],
    ),
    must(
        "§3.1.2",
        "its query is kept",
        &["bad_input/authorize::a_redirect_uri_keeps_its_query_and_is_named_if_there_are_several"],
    ),
    should(
        "§3.1.2.1",
        "it is https, on a loopback address or in an app's own scheme apart",
        &["authserver/src/cli/redirect_uri.rs::safe_targets_only"],
    ),
    must(
        "§3.1.2.2, §10.2, §10.6",
        "public clients, and those of the implicit grant, register it (all others have to as well)",
        &[
            "registration::metadata_that_does_not_hold_together_is_refused",
            "authorize::a_wrong_client_or_redirect_uri_is_a_page_never_a_redirect",
        ],
    ),
    should(
        "§3.1.2.2",
        "the complete URI is registered, not a part or a pattern",
        &["bad_input/authorize::no_trick_with_redirect_uri_leads_away"],
    ),
    must(
        "§3.1.2.3",
        "it is named in the request if several are registered",
        &["bad_input/authorize::a_redirect_uri_keeps_its_query_and_is_named_if_there_are_several"],
    ),
    must(
        "§3.1.2.3, §4.2.1, §10.6",
        "it is compared with those that are registered, character by character",
        &[
            "bad_input/authorize::no_trick_with_redirect_uri_leads_away",
            "authorize::the_port_of_a_loopback_address_is_free_and_comes_back",
        ],
    ),
    must(
        "§3.1.2.4, §4.1.2.1, §4.2.2.1",
        "if it or the client is wrong, the person is told, and nobody is sent there",
        &[
            "bad_input/authorize::no_trick_with_redirect_uri_leads_away",
            "authorize::a_wrong_client_or_redirect_uri_is_a_page_never_a_redirect",
            "9700 §2.1: no open redirector; what is wrong about client or redirect_uri is a page",
        ],
    ),
    must(
        "§3.2",
        "POST at the token endpoint",
        &[
            "§3.2: POST only",
            "§3.2: POST only, whatever the body",
            "§3.2: POST only, not HEAD",
            "§3.2: a GET with everything in its query",
            "§3.2: nothing in the query counts",
        ],
    ),
    must(
        "§3.2",
        "a parameter without a value is as if it were not there",
        &["§3.2: a parameter without a value is omitted", "§3.2: so an empty scope is none"],
    ),
    must(
        "§3.2",
        "unknown parameters are ignored",
        &["§3.2: unknown parameters are ignored", "§3.2: names have case", "§3.2: brackets make another name"],
    ),
    must(
        "§3.2",
        "no parameter twice",
        &[
            "§3.2: no parameter twice",
            "§3.2: no parameter twice, scope",
            "§3.2: no parameter twice, however written",
            "§3.2: no parameter twice, known or not",
            "§3.2: no parameter twice, one without a value",
        ],
    ),
    must(
        "§3.2.1, §4.1.3, §4.3.2, §6",
        "a client that can prove itself has to",
        &[
            "§5.2: no client authentication",
            "§4.1.3: the client proves itself",
            "§4.3.2: the client proves itself",
            "§6: the client proves itself",
            "§2.3: a confidential client without proof",
        ],
    ),
    must(
        "§3.2.1, §4.1.3",
        "one that cannot says who it is",
        &["§3.2.1: a public client says who it is", "§3.2.1: client_id may repeat who it is"],
    ),
    must(
        "§3.3, §4.2.2, §5.1",
        "the answer names the scope where it is not what was asked for (it always does)",
        &[
            "§3.3: less than was asked for, and it says so",
            "§3.3: the order does not matter, nor once more",
            "§3.3: two spaces, or some around, are one",
            "responses::the_implicit_grant_answers_in_the_fragment_with_scope_and_without_refresh_token",
        ],
    ),
    must(
        "§3.3",
        "without `scope`: the client's default, or `invalid_scope`",
        &["§3.3: none asked for, the default, and it says so", "§3.3: none asked for, and no default"],
    ),
    must(
        "§3.3",
        "the characters of a scope",
        &[
            "§3.3: no quote",
            "§3.3: no backslash",
            "§3.3: visible ASCII",
            "§3.3: no control character",
            "§3.3: no DEL",
            "§3.3: no tab between",
            "§3.3: no line end between",
            "§3.3: no other space between",
            "§3.3: scopes have case",
            "token/src/scope.rs::what_the_grammar_forbids_is_refused",
        ],
    ),
    must(
        "§4.1.1",
        "`client_id` is required",
        &["authorize::a_wrong_client_or_redirect_uri_is_a_page_never_a_redirect"],
    ),
    must(
        "§4.1.2, §10.5",
        "a code expires soon, in ten minutes at the most",
        &["code::a_code_is_for_one_client_one_uri_and_one_minute", "authserver/src/config/tests.rs::limits_are_kept"],
    ),
    must(
        "§4.1.2, §10.5",
        "a code is good once",
        &[
            "code::a_code_used_twice_takes_back_what_it_gave",
            "code::of_many_at_once_one_at_most_gets_tokens",
            "authserver/tests/store/grants.rs::one_of_many_redeems_a_code",
        ],
    ),
    should(
        "§4.1.2, §10.5",
        "the second time takes back what the first gave",
        &[
            "code::a_code_used_twice_takes_back_what_it_gave",
            "9700 §4.2.4: a code is good once; the second time takes back what the first gave",
        ],
    ),
    must(
        "§4.1.2, §4.1.2.1, §4.2.2, §4.2.2.1",
        "`state` goes back as it came, and only if it came",
        &[
            "bad_input/authorize::state_goes_back_as_it_came",
            "bad_input/authorize::a_redirect_uri_keeps_its_query_and_is_named_if_there_are_several",
            "authorize::other_mistakes_are_told_to_the_client",
            "9700 §4.7.1: state comes back as it was sent",
        ],
    ),
    must(
        "§4.1.2.1, §4.2.2.1, §5.2",
        "`error` and `error_description` keep to their characters",
        &["bad_input/authorize::what_is_told_to_the_client", "bad_input::every_row_holds"],
    ),
    must(
        "§4.1.2.1",
        "what is wrong beside the client and its redirect URI is told to the client",
        &[
            "bad_input/authorize::what_is_told_to_the_client",
            "§3.3: a scope nobody has",
            "§3.3: no scope at all in it",
            "responses::the_implicit_grant_is_off_unless_registered_and_its_errors_come_in_the_fragment",
        ],
    ),
    must(
        "§4.1.3",
        "`grant_type` and `code` are required",
        &["§5.2: grant_type is required", "§4.1.3: code is required", "§4.1.3: one code"],
    ),
    must(
        "§4.1.3, §10.6",
        "`redirect_uri` is there if it was in the authorization request, and the same",
        &[
            "§4.1.3: redirect_uri is required if it was sent",
            "§4.1.3: an empty redirect_uri is none",
            "§4.1.3: one redirect_uri",
            "§4.1.3: the same redirect_uri",
            "§4.1.3: the same to the letter",
            "§4.1.3: with the port of the request",
            "code::a_uri_that_was_left_out_is_left_out_again",
        ],
    ),
    must(
        "§4.1.3, §10.5",
        "the code was issued to this client",
        &[
            "§4.1.3: issued to this client",
            "§4.1.3: issued to this client, the other way",
            "code::a_code_is_for_one_client_one_uri_and_one_minute",
        ],
    ),
    must(
        "§4.1.3",
        "the code is valid",
        &[
            "§5.2: no such code",
            "§4.1.3: a code and a space",
            "§10.5: a refresh token is no code",
            "§4.1.3: what is right",
            "§4.1.3: scope is no parameter here, and widens nothing",
        ],
    ),
    must(
        "§4.2.2",
        "the implicit grant gives `access_token`, `token_type`, and no refresh token",
        &["responses::the_implicit_grant_answers_in_the_fragment_with_scope_and_without_refresh_token"],
    ),
    must(
        "§4.3.2",
        "`username` and `password` are required, and checked",
        &[
            "§4.3.2: username is required",
            "§4.3.2: password is required",
            "§4.3.2: an empty password is none",
            "§4.3.2: one username",
            "§4.3.2: a wrong password",
            "§4.3.2: an unknown person, the same answer",
            "§4.3.2: what is right",
            "password::unknown_people_and_wrong_passwords_get_the_same_answer",
        ],
    ),
    must(
        "§4.3.2, §10.10",
        "passwords are protected against brute force",
        &[
            "password::guesses_are_limited_by_account_whether_or_not_it_exists",
            "password::guesses_at_the_page_and_at_the_grant_are_counted_together",
            "password::guesses_are_limited_by_the_address_that_the_gateway_vouches_for",
        ],
    ),
    must(
        "§4.4",
        "client credentials are for confidential clients, and those prove themselves",
        &[
            "§4.4: confidential clients only",
            "§5.2: no client authentication",
            "token::a_grant_must_exist_be_registered_and_be_for_such_a_client",
        ],
    ),
    should("§4.4.3", "client credentials give no refresh token", &["§4.4.3: no refresh token"]),
    must(
        "§5.1",
        "`access_token`, `token_type` and (SHOULD) `expires_in`, as JSON",
        &[
            "§5.1: what is right",
            "§5.1: expires_in is a number",
            "§5.1: JSON, whatever Accept says",
            "token::client_credentials_give_an_rfc_9068_token",
        ],
    ),
    must(
        "§5.1",
        "`Cache-Control: no-store` and `Pragma: no-cache` wherever there is a token, a code or a secret",
        &[
            "§5.1: what is right",
            "§5.1: expires_in is a number",
            "bad_input/authorize::state_goes_back_as_it_came",
            "9700 §4.2.4: no referrer and no cache holds what is in an authorization response",
        ],
    ),
    must(
        "§5.2",
        "401, and the scheme that it used, to a client that tried by the `Authorization` header",
        &[
            "§5.2: a wrong secret, and the scheme that was used",
            "§5.2: an unknown client, the same answer",
            "§5.2: another scheme is told of ours",
        ],
    ),
    must(
        "§5.2",
        "each error has its code",
        &[
            "§5.2: grant_type is required",
            "§5.2: a grant that there is not",
            "§1.1: names have case",
            "§5.2: a grant the client may not use",
            "§5.2: a scope that the client may not have",
            "§5.2: no such token",
        ],
    ),
    must("§6", "`refresh_token` is required", &["§6: refresh_token is required", "§6: one refresh_token"]),
    must(
        "§6",
        "a refresh gets what the person granted, or less",
        &["§6: a refresh asks for more", "§6: a refresh asks for less", "§6: a refresh asks for nothing and gets all"],
    ),
    must("§6", "a new refresh token has the scope of the old one", &["refresh::scope_may_shrink_but_not_grow"]),
    must(
        "§6, §10.4",
        "a refresh token is its client's",
        &["§6: issued to this client", "refresh::a_refresh_token_is_for_its_client_only"],
    ),
    must(
        "§6",
        "a refresh token is valid",
        &[
            "§6: what is right",
            "§10.4: an access token is no refresh token",
            "§10.5: a code is no refresh token",
            "refresh::a_refresh_token_is_replaced_by_each_use",
        ],
    ),
    must(
        "§7",
        "the gateway checks that a token has not expired and that its scope is enough",
        &[
            "token/src/verify_tests.rs::the_claims_must_fit",
            "token/src/policy_tests.rs::every_required_scope_must_be_there",
            "filter/src/tests/requests.rs::a_known_token_still_expires",
        ],
    ),
    should(
        "§7.2",
        "the gateway says what is wrong, as `error`",
        &[
            "token/src/challenge.rs::a_bad_token_is_invalid_token",
            "tests/tests/e2e/refusals.rs::of_the_authservers_tokens",
        ],
    ),
    must(
        "§10.1",
        "apps and pages in the browser get no secret",
        &["§2.3: a public client with a secret", "code::a_public_client_proves_itself_with_its_verifier"],
    ),
    should(
        "§10.1, §10.2",
        "where a client cannot prove itself, its redirect URI and the person's consent stand in",
        &[
            "authorize::consent_is_remembered_where_the_client_is_certain",
            "bad_input/authorize::no_trick_with_redirect_uri_leads_away",
        ],
    ),
    should(
        "§10.2",
        "the person signs in and sees who asks for what",
        &["pages::consent_says_who_asks_for_what_and_where_it_leads"],
    ),
    should(
        "§10.2",
        "a request that comes again is not granted by itself for a client that could be another",
        &["authorize::consent_is_remembered_where_the_client_is_certain"],
    ),
    must(
        "§10.3, §10.4",
        "tokens are stored as digests, and never logged",
        &[
            "refresh::only_digests_and_sealed_bytes_are_stored",
            "contents::opaque_tokens_are_explained_and_die_like_the_others",
            "filter/src/tests/requests.rs::the_log_names_the_request_and_never_the_token",
        ],
    ),
    must(
        "§10.3",
        "nobody else can make, change or guess a token",
        &[
            "token/src/verify_tests.rs::any_altered_byte_is_noticed",
            "authserver/src/keys/tests.rs::what_is_signed_verifies_and_nothing_else",
            "tests/tests/e2e/refusals.rs::of_the_authservers_tokens",
        ],
    ),
    should("§10.3", "what is granted depends on the client", &["§3.3: less than was asked for, and it says so"]),
    should(
        "§10.4",
        "abuse of a refresh token is noticed where the client cannot prove itself",
        &[
            "refresh::after_it_reuse_ends_the_grant",
            "refresh::another_request_with_a_spent_token_is_reuse_even_within_the_window",
            "dpop::a_public_clients_refresh_token_is_bound_and_a_confidential_ones_is_not",
        ],
    ),
    should(
        "§10.7",
        "the password grant is used as little as can be: it is off",
        &["9700 §2.4: the password grant is off", "§4.3.2: for clients that are registered for it"],
    ),
    must(
        "§10.10",
        "to guess a token, a code or a secret takes 2^160 tries and more",
        &[
            "authserver/src/secret.rs::what_is_generated_is_well_formed_and_new",
            "bad_input/sequences::sizes_are_as_documented",
        ],
    ),
    must(
        "§10.10",
        "what people type is protected in other ways",
        &[
            "device::guesses_at_user_codes_are_limited",
            "people::guessing_is_slow_and_tells_nothing",
            "people::one_address_does_not_try_every_account",
        ],
    ),
    must(
        "§10.12",
        "the authorization endpoint is safe from cross-site requests; nothing is granted without the person",
        &[
            "pages::consent_needs_our_own_form_too",
            "pages::a_sign_in_without_our_own_form_is_refused",
            "people::forms_are_taken_from_our_own_pages_only",
        ],
    ),
    must(
        "§10.14",
        "what comes in is checked, and nothing of it becomes a header or markup",
        &[
            "bad_input/authorize::state_goes_back_as_it_came",
            "markup::nothing_that_is_registered_becomes_markup",
            "bad_input/odd_values::no_odd_value_is_a_server_error",
        ],
    ),
    must(
        "app. A, app. B",
        "names and values are UTF-8 in `application/x-www-form-urlencoded`",
        &[
            "app. B: a form, not JSON",
            "app. B: a form, not text",
            "app. B: a form, not multipart",
            "app. B: a form, and it says so",
            "app. B: one Content-Type, not two",
            "app. B: one Content-Type, not a list",
            "app. B: media types have no case, and parameters",
            "app. B: UTF-8 whatever charset says",
            "app. B: UTF-8, and not what charset says",
            "app. B: UTF-8",
            "app. B: UTF-8, escaped",
            "app. B: no surrogates",
            "app. B: no overlong UTF-8",
            "app. B: whole escapes",
            "app. B: a space is not cut off",
            "app. B: a semicolon separates nothing",
            "app. B: a compressed body is none",
            "app. A: no NUL",
        ],
    ),
];
