//! Which requests pass, and what the upstream is told.

use crate::{Outcome, Refused, Scenario, Token};
use serde_json::{Value, json};

/// The configuration that all rows are for; `issuer` is whose tokens count, and the realm of challenges.
#[must_use]
pub fn config(issuer: &str) -> Value {
    json!({
        "providers": { "issuer": {
            "issuer": issuer,
            "audiences": ["https://api.example"],
            "jwks": { "cluster": "authserver", "path": "/oauth2/jwks" },
            "revocations": { "cluster": "authserver", "path": "/mesh/revocations" },
        } },
        "credentials": [{ "header": "authorization" }, { "cookie": "at" }],
        "rules": [
            { "match": { "path": "/healthz" }, "allow": "anonymous" },
            { "match": { "path": "/greeting" }, "allow": "optional", "require": { "scopes": ["orders:read"] } },
            { "match": { "path": "/orders/{id}", "methods": ["GET"] }, "require": { "scopes": ["orders:read"] } },
            { "match": { "prefix": "/orders" }, "require": { "scopes": ["orders:write"] } },
            { "match": { "prefix": "/tenant" }, "require": { "claims": { "realm.tenant": "a" } } },
            { "match": { "prefix": "/pay" }, "require": { "acr": ["gold"], "max_age": "60s" } },
            { "match": { "prefix": "/beta", "headers": { "x-beta": true } }, "allow": "anonymous" },
        ],
        "cors_preflight": "allow",
        "forward": {
            "headers": {
                "x-auth-subject": "sub", "x-auth-client": "client_id", "x-auth-scope": "scope",
                "x-auth-roles": { "claim": "realm.roles", "separator": "," },
            },
        },
    })
}

/// What the upstream is told of a good token.
pub(crate) const ALICE: [(&str, &str); 3] =
    [("x-auth-client", "demo"), ("x-auth-scope", "orders:read"), ("x-auth-subject", "alice")];

fn passed(name: &'static str, seen: &[(&'static str, &'static str)]) -> Scenario {
    Scenario::new(name, Outcome::Passed(seen.to_vec()))
}

fn denied(name: &'static str, description: &'static str) -> Scenario {
    let refused = Refused { status: 403, error: "access_denied", description, challenge: None };
    Scenario::new(name, Outcome::Refused(refused))
}

/// Headers that claim an identity, in the spellings that some upstream reads as one.
fn spoofed(scenario: Scenario) -> Scenario {
    [
        ("x-auth-subject", b"mallory".as_slice()),
        ("x-auth-subject", b"\xff\xfe"),
        ("X-Auth-Scope", b"orders:write"),
        ("x_auth_subject", b"mallory"),
        ("X_AUTH_CLIENT", b"mallory"),
        ("x.auth.subject", b"mallory"),
        ("x-auth-roles", b"root"),
    ]
    .into_iter()
    .fold(scenario, |scenario, (name, value)| scenario.with(name, value))
}

pub(crate) fn rows() -> Vec<Scenario> {
    let roles = json!({ "roles": ["a", "b"], "tenant": "a" });
    let tenant = || Token::default().claim("realm", roles.clone());
    let with_roles = [("x-auth-client", "demo"), ("x-auth-roles", "a,b"), ALICE[1], ALICE[2]];
    let signed_in = |acr: &'static str, seconds| Token::default().claim("acr", acr).time("auth_time", seconds);
    let another = Refused {
        status: 401,
        error: "insufficient_user_authentication",
        description: "another sign-in is required, or a more recent one",
        challenge: Some(", acr_values=\"gold\", max_age=\"60\""),
    };
    let preflight = |name, path| {
        let row = passed(name, &[]).method("OPTIONS").path(path).anonymous();
        row.with("origin", "https://app.example").with("access-control-request-method", "GET")
    };
    vec![
        passed("a good token", &ALICE),
        passed("the same again, from the cache", &ALICE),
        passed("a good token signed by RSA", &ALICE).token(Token::by(crate::Key::Rs256)),
        passed("a scheme in another case", &ALICE).authorization("bEARER TOKEN"),
        passed("one of several audiences", &ALICE)
            .token(Token::default().claim("aud", json!(["https://other.example", "https://api.example"]))),
        passed("an expiry within what clocks may differ", &ALICE).token(Token::default().time("exp", -30)),
        passed("an expiry with a fraction", &ALICE).token(Token::default().claim("exp", 9_999_999_999.5)),
        passed("an expiry as late as can be", &ALICE).token(Token::default().claim("exp", u64::MAX)),
        passed("a media type in full", &ALICE).token(Token::default().header("typ", "application/at+jwt")),
        passed("a token in a cookie", &[ALICE[0], ALICE[1], ALICE[2]]).anonymous().with("cookie", "at=TOKEN"),
        passed("a token among cookies", &[("cookie", "a=1; b=2"), ALICE[0], ALICE[1], ALICE[2]])
            .anonymous()
            .with("cookie", "a=1; at=TOKEN; b=2"),
        passed("a list in a header", &with_roles).token(tenant()),
        passed("bytes that are no text in a header of no interest", &ALICE).with("x-unknown", b"\xff\xfe"),
        spoofed(passed("identities that the client made up", &ALICE)),
        spoofed(passed("the same on an open route", &[])).path("/healthz").anonymous(),
        spoofed(passed("the same on an open route, with a token", &[])).path("/healthz"),
        spoofed(passed("the same on an open route, with junk", &[])).path("/healthz").authorization("Bearer junk"),
        passed("what is not about identity stays", &[ALICE[0], ALICE[1], ALICE[2], ("x-other", "stays")])
            .with("x-other", "stays"),
        passed("an optional token that is not there", &[]).path("/greeting").anonymous(),
        passed("an optional token that is", &ALICE).path("/greeting"),
        passed("a claim that the rule requires", &with_roles).path("/tenant/x").token(tenant()),
        denied("another claim than the rule requires", "the access token's claims do not allow this request")
            .path("/tenant/x")
            .token(Token::default().claim("realm", json!({ "tenant": "b" }))),
        passed("a sign-in that does", &ALICE).path("/pay").token(signed_in("gold", -30)),
        Scenario::new("a sign-in too long ago", Outcome::Refused(another.clone()))
            .path("/pay")
            .token(signed_in("gold", -90)),
        Scenario::new("another kind of sign-in", Outcome::Refused(another)).path("/pay").token(signed_in("tin", -30)),
        passed("a header that chooses the rule", &[]).path("/beta/x").anonymous().with("x-beta", "1"),
        denied("no rule without it", "no rule allows this request").path("/beta/x"),
        denied("no rule", "no rule allows this request").path("/nothing"),
        preflight("a preflight", "/orders/1"),
        spoofed(preflight("a preflight with identities", "/orders/1")),
        Scenario {
            outcome: denied("", "no rule allows this request").outcome,
            ..preflight("a preflight to nowhere", "/nowhere")
        },
    ]
}
