//! RFC 8628, OAuth 2.0 Device Authorization Grant.

use super::{Rule, must, should};

pub(super) const RULES: &[Rule] = &[
    must(
        "§3.1",
        "the client proves itself, or says who it is",
        &[
            "§3.1: the client proves itself",
            "§3.1: client_id is required",
            "§3.1: a public client says who it is",
            "§3.1: an unknown client",
            "§3.1: for clients that are registered for it",
            "§3.1: a scope it may have",
        ],
    ),
    must("§3.1", "TLS", &["authserver/src/config/tests.rs::an_issuer_is_exact"]),
    must(
        "§3.1",
        "POST, in a form, nothing of the query",
        &["§3.1: POST only", "§3.1: a form", "§3.1: nothing in the query counts", "§3.1: a body of 1 MiB"],
    ),
    must(
        "§3.1",
        "a parameter without a value is as if it were not there",
        &["§3.1: a parameter without a value is omitted"],
    ),
    must("§3.1", "unknown parameters are ignored", &["§3.1: unknown parameters are ignored"]),
    must("§3.1", "no parameter twice", &["§3.1: no parameter twice"]),
    must(
        "§3.2",
        "`device_code`, `user_code`, `verification_uri`, `expires_in`",
        &[
            "§3.2: where to go, without the code in it",
            "§3.2: how long the codes are good",
            "§3.2: how long to wait between polls",
            "§3.2: no cache keeps it",
            "bad_input/sequences::sizes_are_as_documented",
            "device::a_person_connects_a_device",
        ],
    ),
    must(
        "§3.3",
        "the person goes to `verification_uri` and gives the code",
        &["device::a_person_connects_a_device", "device::whoever_is_not_signed_in_signs_in_first"],
    ),
    should("§3.3", "the user code is not in `verification_uri`", &["§3.2: where to go, without the code in it"]),
    should(
        "§3.3.1, §5.4",
        "a link with the code in it shows the code and asks; nothing happens by itself",
        &[
            "bad_input/sequences::the_person_sees_that_a_device_is_connected",
            "device::whoever_is_not_signed_in_signs_in_first",
            "device::the_page_is_not_fooled",
        ],
    ),
    must("§3.4", "`device_code` is required", &["§3.4: device_code is required", "§3.4: one device_code"]),
    must(
        "§3.4",
        "the client proves itself, or says who it is",
        &["§3.4: the client proves itself", "§3.4: a public client says who it is"],
    ),
    must(
        "§3.4",
        "the code was issued to this client, and is a device code",
        &[
            "§3.4: issued to this client",
            "§3.4: issued to this client, not to a public one",
            "§3.4: an authorization code is none",
            "§3.4: a device code is no authorization code",
            "§3.4: a user code is none",
            "§3.4: nor a code and a space",
            "§3.5: no such code",
            "device::a_code_is_denied_expires_and_is_its_clients_own",
        ],
    ),
    must(
        "§3.5",
        "`authorization_pending`, `access_denied`, `expired_token`",
        &["§3.5: nobody has decided", "device::a_code_is_denied_expires_and_is_its_clients_own"],
    ),
    must(
        "§3.5",
        "`slow_down`: five seconds more for this and every later poll",
        &[
            "device::a_device_that_asks_too_often_waits_longer_each_time",
            "authserver/tests/store/devices.rs::polls_that_come_too_fast_slow_down_at_every_replica",
        ],
    ),
    must("§3.5", "one token for one code", &["device::polls_that_race_get_one_token"]),
    should(
        "§5.1",
        "user codes withstand guessing: 20^8 of them, and tries are limited",
        &[
            "device::guesses_at_user_codes_are_limited",
            "authserver/src/user_code.rs::a_code_is_read_however_it_is_typed",
        ],
    ),
    should(
        "§5.2",
        "device codes have 256 random bits",
        &[
            "authserver/src/secret.rs::what_is_generated_is_well_formed_and_new",
            "bad_input/sequences::sizes_are_as_documented",
        ],
    ),
    should(
        "§5.4",
        "the person is told that a device is connected, and which, and asked each time",
        &[
            "bad_input/sequences::the_person_sees_that_a_device_is_connected",
            "device::a_person_connects_a_device",
            "device::the_page_is_not_fooled",
        ],
    ),
    should(
        "§6.1",
        "no characters that look alike, and any way of typing them",
        &["authserver/src/user_code.rs::a_code_is_read_however_it_is_typed"],
    ),
];
