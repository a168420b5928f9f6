//! RFC 7636, Proof Key for Code Exchange.

use super::{Rule, must, should};

pub(super) const RULES: &[Rule] = &[
    must(
        "§4.1",
        "a verifier has 43 to 128 unreserved characters",
        &[
            "bad_input/sequences::verifiers_have_43_to_128_unreserved_characters",
            "§4.1: 43 characters",
            "§4.1: at most 128",
            "§4.1: unreserved characters",
        ],
    ),
    must(
        "§4.2",
        "S256 is there; its challenge is 256 bits of base64url",
        &[
            "§4.6: what is right",
            "§4.2: 43 characters",
            "§4.2: not 42",
            "§4.2: not 44",
            "§4.2: no padding",
            "§4.2: base64url",
            "§4.2: 256 bits",
        ],
    ),
    must(
        "§4.3",
        "`code_challenge`, once; without a method, it is plain",
        &["§4.3: code_challenge twice", "§4.3: no method means plain", "§4.3: methods have case"],
    ),
    must(
        "§4.4",
        "challenge and method are kept with the code",
        &["§4.6: a verifier is due", "code::a_public_client_proves_itself_with_its_verifier"],
    ),
    must(
        "§4.4",
        "and are in nothing that others could read them from",
        &["bad_input/sequences::a_challenge_is_in_nothing_that_leaves"],
    ),
    must(
        "§4.4.1",
        "`invalid_request` to a client that has to use it and does not",
        &[
            "§4.4.1: a challenge is required",
            "responses::a_client_can_be_held_to_pkce",
            "9126 §2.1: a public client uses PKCE here too",
            "9700 §2.1.1: public clients use PKCE",
        ],
    ),
    must(
        "§4.4.1",
        "`invalid_request` for a method that there is not",
        &["§4.4.1: S256, not plain", "§4.3: a method there is not", "§4.3: plain"],
    ),
    should("§4.4.1", "the description says what is wrong", &["bad_input/authorize::what_is_told_to_the_client"]),
    must(
        "§4.5, §4.6",
        "a verifier that gives the challenge is due; any other is `invalid_grant`",
        &[
            "§4.6: a verifier is due",
            "§4.6: the right verifier",
            "§4.6: the challenge is not its own verifier",
            "§4.6: what is right",
            "code::a_confidential_clients_challenge_counts_too_and_cannot_be_invented_later",
        ],
    ),
    should(
        "§7.2",
        "plain is not used: it is not there",
        &["§4.4.1: S256, not plain", "9700 §2.1.1: plain is no PKCE", "metadata::metadata_says_what_is_there"],
    ),
];
