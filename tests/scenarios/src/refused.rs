//! Which requests are refused for their token or for how they carry it, and in which words.

use crate::{Key, Outcome, Refused, Scenario, Token};
use serde_json::{Value, json};

fn refused(name: &'static str, status: u16, error: &'static str, description: &'static str) -> Scenario {
    let refused = Refused { status, error, description, challenge: Some("") };
    Scenario::new(name, Outcome::Refused(refused))
}

fn invalid(name: &'static str, token: Token, description: &'static str) -> Scenario {
    refused(name, 401, "invalid_token", description).token(token)
}

/// Several tokens, or what is none.
fn malformed(name: &'static str) -> Scenario {
    refused(name, 400, "invalid_request", "the request must carry exactly one bearer token")
}

const MALFORMED: &str = "the access token is malformed";
const ALGORITHM: &str = "the access token's algorithm is not accepted";
const NOT_YET: &str = "the access token is not valid yet";
const TYPE: &str = "the token is not an access token";
const SIGNATURE: &str = "the access token's signature is not valid";

pub(crate) fn rows() -> Vec<Scenario> {
    [credentials(), tokens()].concat()
}

fn credentials() -> Vec<Scenario> {
    let none = |name| refused(name, 401, "", "");
    let junk = |name, token: &str| invalid(name, Token::default(), MALFORMED).authorization(format!("Bearer {token}"));
    let scope = Refused {
        status: 403,
        error: "insufficient_scope",
        description: "the access token lacks a scope",
        challenge: Some(", scope=\"orders:write\""),
    };
    vec![
        none("no token").anonymous(),
        none("another scheme").authorization("Basic eDp5"),
        none("an empty header").authorization(""),
        none("a huge scheme").authorization("B".repeat(50_000)),
        malformed("a scheme alone").authorization("Bearer"),
        malformed("two headers").with("authorization", "Bearer TOKEN"),
        malformed("two headers, the second junk").with("authorization", "Bearer junk"),
        malformed("two headers, the second of another scheme").with("authorization", "Basic eDp5"),
        malformed("two tokens in one header").authorization("Bearer TOKEN,Bearer TOKEN"),
        malformed("the same with a space").authorization("Bearer TOKEN, Bearer TOKEN"),
        malformed("a token behind another scheme").authorization("Basic eDp5,Bearer TOKEN"),
        malformed("a comma at the end").authorization("Bearer TOKEN,"),
        malformed("a tail").authorization("Bearer TOKEN x"),
        malformed("a header and a cookie").with("cookie", "at=TOKEN"),
        malformed("two cookies").anonymous().with("cookie", "at=TOKEN; at=TOKEN"),
        malformed("bytes that are no text").authorization(b"Bearer \xff\xfe\x80"),
        malformed("the same after a good token").with("authorization", b"\xff"),
        none("bytes that are no text, and no scheme").authorization(b"\xc3\x28"),
        junk("junk", "junk"),
        junk("dots", ".."),
        junk("many dots", &".".repeat(8_000)),
        junk("base64 of no JSON", "AAAA.AAAA.AAAA"),
        junk("deep JSON", &format!("{}.e30.AAAA", "W1tb".repeat(1_500))),
        junk("huge", &"a".repeat(50_000)),
        junk("huge, in three parts", &format!("{0}.{0}.{0}", "a".repeat(15_000))),
        junk("four parts", "TOKEN.x"),
        Scenario::new("a scope is missing", Outcome::Refused(scope.clone())).method("POST"),
        Scenario::new("a scope is missing below", Outcome::Refused(scope)).path("/orders/1/x"),
        invalid("an optional token that is bad", Token::default().time("exp", -3_600), "the access token expired")
            .path("/greeting"),
        Scenario::new("a slash in disguise", Outcome::Status(400)).path("/orders/..%2f"),
        Scenario::new("a backslash in disguise", Outcome::Status(400)).path("/orders/%5c1"),
        Scenario::new("a slash in more bytes than it takes", Outcome::Status(400)).path("/orders/%c0%af1"),
        Scenario { path: b"/orders/\xff\xfe", ..Scenario::new("a path that is no text", Outcome::Status(400)) },
    ]
}

fn tokens() -> Vec<Scenario> {
    let good = Token::default;
    let of = |key, alg: &'static str| Token::by(key).header("alg", alg);
    vec![
        invalid("expired", good().time("exp", -3_600), "the access token expired"),
        invalid("issued in the future", good().time("iat", 3_600), NOT_YET),
        invalid("not valid yet", good().time("nbf", 3_600), NOT_YET),
        invalid("no expiry", good().claim("exp", Value::Null), MALFORMED),
        invalid("an expiry that is text", good().claim("exp", "soon"), MALFORMED),
        invalid("an expiry before time began", good().claim("exp", -1), MALFORMED),
        invalid("an expiry beyond all time", good().claim("exp", 1e300), MALFORMED),
        invalid("an issuing beyond all time", good().claim("iat", u64::MAX), NOT_YET),
        invalid("a key's name that is a number", good().header("kid", 1), MALFORMED),
        invalid("an algorithm that is a list", good().header("alg", json!(["ES256"])), MALFORMED),
        invalid("a subject that is a list", good().claim("sub", json!(["alice"])), MALFORMED),
        invalid(
            "another audience",
            good().claim("aud", "https://other.example"),
            "the access token is for another audience",
        ),
        invalid("no audience", good().claim("aud", Value::Null), "the access token is for another audience"),
        invalid(
            "another issuer",
            good().claim("iss", "https://other.example"),
            "the access token's issuer is not trusted here",
        ),
        invalid("no client", good().claim("client_id", Value::Null), "the access token lacks a claim"),
        invalid(
            "a name with a line feed",
            good().claim("sub", "a\nb"),
            "a claim of the access token cannot be forwarded",
        ),
        invalid(
            "a name with a space before it",
            good().claim("sub", " alice"),
            "a claim of the access token cannot be forwarded",
        ),
        invalid("alg none", Token::by(Key::Nobody), ALGORITHM),
        invalid("HS256 with the public key", Token::by(Key::PublicAsSecret), ALGORITHM),
        invalid("ES256 that says RS256", of(Key::Es256, "RS256"), ALGORITHM),
        invalid("the RSA key for ES256", of(Key::Es256, "ES256").header("kid", crate::RS256), ALGORITHM),
        invalid("an ID token", good().header("typ", "JWT"), TYPE),
        invalid("no type", good().header("typ", Value::Null), TYPE),
        invalid(
            "a critical header",
            good().header("crit", json!(["b64"])).header("b64", false),
            "the access token has an unknown critical header",
        ),
        invalid("another key's signature", Token::by(Key::Stranger), SIGNATURE),
        invalid("another signature", good().flipped(), SIGNATURE),
        invalid("another signature, RSA", Token::by(Key::Rs256).flipped(), SIGNATURE),
        invalid(
            "bound to what nobody here can check",
            good().claim("cnf", json!({ "kid": "x" })),
            "the access token is bound to what is not checked here",
        ),
        invalid("a key that nobody published", good().header("kid", "unknown"), "the access token's key is not known"),
    ]
}
