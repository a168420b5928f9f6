//! How a client proves itself at the token endpoint: RFC 6749 §2.3, §3.2.1, §5.2, RFC 7617.

use super::token::{CALLBACK, CREDENTIALS, IN_QUERY, TOKEN, VERIFIER, service};
use super::{Ask, Row};
use crate::support::SERVICE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(super) fn how_a_client_proves_itself() -> Vec<Row> {
    let challenge = "Basic realm=";
    let post = |body: &str| Ask::post(TOKEN, body);
    vec![
        Row::error("6749 §5.2: no client authentication", post(CREDENTIALS), 401, "invalid_client"),
        Row::error(
            "6749 §5.2: a wrong secret, and the scheme that was used",
            post(CREDENTIALS).by(Some(("demo-service", "x"))),
            401,
            "invalid_client",
        )
        .with("www-authenticate", challenge),
        Row::error(
            "6749 §5.2: an unknown client, the same answer",
            post(CREDENTIALS).by(Some(("nobody", "x"))),
            401,
            "invalid_client",
        )
        .with("www-authenticate", challenge),
        Row::error(
            "6749 §2.3.1: the secret in the form, wrong",
            post("grant_type=client_credentials&client_id=demo-service&client_secret=x"),
            401,
            "invalid_client",
        ),
        Row::fine(
            "6749 §2.3.1: the secret in the form",
            post("grant_type=client_credentials&client_id=demo-service&client_secret=demo-service-secret"),
        ),
        Row::error(
            "6749 §2.3.1: never in the query",
            Ask::post("/oauth2/token?client_id=demo-service&client_secret=demo-service-secret", CREDENTIALS),
            401,
            "invalid_client",
        ),
        Row::error(
            "6749 §3.2: nothing in the query counts",
            Ask::post(IN_QUERY, "").by(SERVICE),
            400,
            "invalid_request",
        ),
        Row::error(
            "6749 §2.3: one method, not two",
            service("grant_type=client_credentials&client_id=demo-service&client_secret=demo-service-secret"),
            400,
            "invalid_request",
        ),
        Row::fine(
            "6749 §3.2.1: client_id may repeat who it is",
            service("grant_type=client_credentials&client_id=demo-service"),
        ),
        Row::error(
            "6749 §2.3: client_id of somebody else",
            service("grant_type=client_credentials&client_id=demo-web"),
            400,
            "invalid_request",
        ),
        Row::error(
            "7617 §2: a scheme that is not taken",
            post(CREDENTIALS).authorization("Bearer x"),
            401,
            "invalid_client",
        ),
        Row::error("7617 §2: not base64", post(CREDENTIALS).authorization("Basic !!!"), 401, "invalid_client")
            .with("www-authenticate", challenge),
        Row::error("7617 §2: no colon", post(CREDENTIALS).authorization("Basic ZGVtbw=="), 401, "invalid_client")
            .with("www-authenticate", challenge),
        Row::error("7617 §2: a scheme and nothing", post(CREDENTIALS).authorization("Basic"), 401, "invalid_client"),
        Row::error(
            "6749 §2.3: one Authorization header, not two",
            service(CREDENTIALS).header("authorization", "Bearer x"),
            400,
            "invalid_request",
        ),
        Row::error(
            "6749 §2.3: one method, not a secret and an assertion",
            service(format!("{CREDENTIALS}&client_assertion=x&client_assertion_type=y")),
            400,
            "invalid_request",
        ),
        Row::error(
            "6749 §2.3: one method, not an assertion and a secret in the form",
            post("grant_type=x&client_id=demo-service&client_secret=x&client_assertion=x&client_assertion_type=y"),
            400,
            "invalid_request",
        ),
        Row::fine(
            "7617 §2: schemes have no case",
            post(CREDENTIALS).authorization(&basic("demo-service:demo-service-secret").replace("Basic", "bAsIc")),
        ),
        Row::fine(
            "6749 §2.3.1: id and secret are form-encoded before base64",
            post(CREDENTIALS).authorization(&basic("demo%2Dservice:demo%2dservice%2Dsecret")),
        ),
        Row::fine(
            "6749 §2.3.1: so they may hold anything",
            post(CREDENTIALS).authorization(&basic("a%3Ab+c%2Fd:p%3Aa%2Bs%25s+%C3%A9")),
        ),
        Row::error(
            "6749 §2.3.1: a plus is a space",
            post(CREDENTIALS).authorization(&basic("a%3Ab+c%2Fd:p%3Aa+s%25s+%C3%A9")),
            401,
            "invalid_client",
        )
        .with("www-authenticate", challenge),
        Row::error(
            "6749 §2.3.1: whole escapes",
            post(CREDENTIALS).authorization(&basic("demo-service:%zz")),
            401,
            "invalid_client",
        )
        .with("www-authenticate", challenge),
        Row::error(
            "6749 §2.3.1: no NUL",
            post(CREDENTIALS).authorization(&basic("demo-service%00:demo-service-secret")),
            401,
            "invalid_client",
        )
        .with("www-authenticate", challenge),
        Row::error("6749 §2.3.1: UTF-8", post(CREDENTIALS).authorization("Basic /zp4"), 401, "invalid_client")
            .with("www-authenticate", challenge),
        Row::error(
            "6749 §2.2: identifiers have case",
            post(CREDENTIALS).authorization(&basic("Demo-Service:demo-service-secret")),
            401,
            "invalid_client",
        )
        .with("www-authenticate", challenge),
        Row::error(
            "6749 §2.2: a space is not cut off",
            post(CREDENTIALS).authorization(&basic("demo-service+:demo-service-secret")),
            401,
            "invalid_client",
        )
        .with("www-authenticate", challenge),
        Row::error(
            "6749 §5.2: another scheme is told of ours",
            post(CREDENTIALS).authorization("Digest username=\"demo-service\""),
            401,
            "invalid_client",
        )
        .with("www-authenticate", challenge),
        Row::error(
            "6749 §2.3.1: client_id is required with client_secret",
            post("grant_type=client_credentials&client_secret=demo-service-secret"),
            401,
            "invalid_client",
        ),
        Row::error(
            "6749 §2.3.1: a public client has no secret, not even an empty one",
            post("grant_type=refresh_token&refresh_token=x").by(Some(("demo-spa", ""))),
            401,
            "invalid_client",
        ),
        Row::error(
            "6749 §2.2: an identifier alone proves nothing",
            post("grant_type=client_credentials&client_id=demo-service"),
            401,
            "invalid_client",
        ),
        Row::error(
            "6749 §2.2: an identifier and an empty secret prove nothing",
            post("grant_type=client_credentials&client_id=demo-service&client_secret="),
            401,
            "invalid_client",
        ),
        Row::error(
            "6749 §3.2.1: a public client says who it is",
            post(&format!("grant_type=authorization_code&code={{spa-code}}&{CALLBACK}&{VERIFIER}")),
            401,
            "invalid_client",
        ),
        Row::error(
            "6749 §2.3.1: a secret that is empty",
            post(CREDENTIALS).by(Some(("demo-service", ""))),
            401,
            "invalid_client",
        ),
        Row::error(
            "6749 §2.3: a confidential client without proof",
            post("grant_type=refresh_token&refresh_token=x&client_id=demo-web"),
            401,
            "invalid_client",
        ),
        Row::error(
            "6749 §2.3: a public client with a secret",
            post("grant_type=refresh_token&refresh_token=x&client_id=demo-spa&client_secret=x"),
            401,
            "invalid_client",
        ),
        Row::error(
            "6749 §4.4: confidential clients only",
            post("grant_type=client_credentials&client_id=demo-spa"),
            400,
            "unauthorized_client",
        ),
    ]
}

/// HTTP Basic with id and secret as they are written here.
fn basic(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}
