//! What came after RFC 6749: assertions (RFC 7521 to 7523), devices (RFC 8628), exchange (RFC 8693), pushed requests
//! (RFC 9126), DPoP (RFC 9449).

use super::{Ask, Row};
use crate::support::{SERVICE, WEB};

const TOKEN: &str = "/oauth2/token";
const PAR: &str = "/oauth2/par";
const DEVICE: &str = "/oauth2/device_authorization";
const DEVICE_TV: &str = "/oauth2/device_authorization?client_id=tv";
const DEVICE_GRANT: &str = "grant_type=urn:ietf:params:oauth:grant-type:device_code";
/// Registered for every grant of this file by `super::hold`.
const MANY: Option<(&str, &str)> = Some(("many", "many-secret"));
const CALLBACK: &str = "redirect_uri=http%3A%2F%2F127.0.0.1%3A8400%2Fcallback";

pub(super) fn assertions() -> Vec<Row> {
    let jwt =
        |rest: &str| Ask::post(TOKEN, format!("grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer{rest}")).by(MANY);
    let saml = |rest: &str| {
        Ask::post(TOKEN, format!("grant_type=urn:ietf:params:oauth:grant-type:saml2-bearer{rest}")).by(MANY)
    };
    let unsigned = "&assertion=eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4Iiwic3ViIjoieCJ9.";
    vec![
        Row::error("7521 §4.1: assertion is required", jwt(""), 400, "invalid_request"),
        Row::error("7523 §3.1: no JWT", jwt("&assertion=x"), 400, "invalid_grant"),
        Row::error("7523 §3: one that nobody signed", jwt(unsigned), 400, "invalid_grant"),
        Row::error("7521 §4.1: one assertion", jwt("&assertion=x&assertion=x"), 400, "invalid_request"),
        Row::error(
            "7521 §4.1: for clients that are registered for it",
            jwt("&assertion=x").by(WEB),
            400,
            "unauthorized_client",
        ),
        Row::error("7522 §2.1: assertion is required", saml(""), 400, "invalid_request"),
        Row::error("7522 §2.1: base64url", saml("&assertion=%3Csaml%2F%3E"), 400, "invalid_grant"),
        Row::error("7522 §3: an assertion", saml("&assertion=PGEvPg"), 400, "invalid_grant"),
        Row::error(
            "7521 §4.2: a client assertion of an unknown type",
            Ask::post(TOKEN, "grant_type=client_credentials&client_assertion=x&client_assertion_type=magic"),
            401,
            "invalid_client",
        ),
        Row::error(
            "7521 §4.2: a client assertion that is none",
            Ask::post(
                TOKEN,
                "grant_type=client_credentials&client_assertion=x&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
            ),
            401,
            "invalid_client",
        ),
        Row::error(
            "7521 §4.2: a type and nothing",
            Ask::post(
                TOKEN,
                "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
            ),
            401,
            "invalid_client",
        ),
    ]
}

pub(super) fn devices() -> Vec<Row> {
    let poll = |rest: &str| Ask::post(TOKEN, format!("{DEVICE_GRANT}{rest}")).by(MANY);
    let start = |body: &str| Ask::post(DEVICE, body).by(MANY);
    vec![
        Row::error("8628 §3.1: POST only", Ask::get(DEVICE), 405, "").with("allow", "POST"),
        Row::error("8628 §3.1: the client proves itself", Ask::post(DEVICE, "client_id=many"), 401, "invalid_client"),
        Row::error("8628 §3.1: client_id is required", Ask::post(DEVICE, "scope=orders:read"), 401, "invalid_client"),
        Row::error("8628 §3.1: for clients that are registered for it", start("").by(WEB), 400, "unauthorized_client"),
        Row::error("8628 §3.1: no parameter twice", start("scope=a&scope=a"), 400, "invalid_request"),
        Row::error("8628 §3.1: a scope it may have", start("scope=admin"), 400, "invalid_scope"),
        Row::error("8628 §3.1: a form", start("{}").content_type(Some("application/json")), 400, "invalid_request"),
        Row::fine("8628 §3.1: unknown parameters are ignored", start("x=y")),
        Row::fine("8628 §3.1: a parameter without a value is omitted", start("scope=")),
        Row::fine("8628 §3.1: a public client says who it is", Ask::post(DEVICE, "client_id=tv")),
        Row::error("8628 §3.1: an unknown client", Ask::post(DEVICE, "client_id=nobody"), 401, "invalid_client"),
        Row::error("8628 §3.1: nothing in the query counts", Ask::post(DEVICE_TV, ""), 401, "invalid_client"),
        Row::error("8628 §3.1: a body of 1 MiB", start(&format!("x={}", "a".repeat(1 << 20))), 413, "invalid_request"),
        Row::fine("8628 §3.2: where to go, without the code in it", start(""))
            .says("verification_uri", "http://127.0.0.1:8080/device"),
        Row::fine("8628 §3.2: how long the codes are good", start("")).says("expires_in", "600"),
        Row::fine("8628 §3.2: how long to wait between polls", start("")).says("interval", "5"),
        Row::fine("8628 §3.2: no cache keeps it", start("")).with("cache-control", "no-store"),
        Row::error("8628 §3.4: device_code is required", poll(""), 400, "invalid_request"),
        Row::error("8628 §3.4: one device_code", poll("&device_code=a&device_code=b"), 400, "invalid_request"),
        Row::error(
            "8628 §3.4: the client proves itself",
            Ask::post(TOKEN, format!("{DEVICE_GRANT}&client_id=many&device_code={{device-code}}")),
            401,
            "invalid_client",
        ),
        Row::error(
            "8628 §3.4: a public client says who it is",
            Ask::post(TOKEN, format!("{DEVICE_GRANT}&device_code={{device-code}}")),
            401,
            "invalid_client",
        ),
        Row::error(
            "8628 §3.4: issued to this client, not to a public one",
            Ask::post(TOKEN, format!("{DEVICE_GRANT}&client_id=tv&device_code={{device-code}}")),
            400,
            "invalid_grant",
        ),
        Row::error("8628 §3.4: a user code is none", poll("&device_code=WDJB-MJHT"), 400, "invalid_grant"),
        Row::error("8628 §3.4: nor a code and a space", poll("&device_code={device-code}+"), 400, "invalid_grant"),
        Row::error(
            "8628 §3.5: no such code",
            poll("&device_code=GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS"),
            400,
            "invalid_grant",
        ),
        Row::error("8628 §3.5: nobody has decided", poll("&device_code={device-code}"), 400, "authorization_pending"),
        Row::error(
            "8628 §3.4: issued to this client",
            poll("&device_code={device-code}").by(Some(("many2", "many2-secret"))),
            400,
            "invalid_grant",
        ),
        Row::error("8628 §3.4: an authorization code is none", poll("&device_code={web-code}"), 400, "invalid_grant"),
        Row::error(
            "8628 §3.4: a device code is no authorization code",
            Ask::post(TOKEN, format!("grant_type=authorization_code&code={{device-code}}&{CALLBACK}")).by(WEB),
            400,
            "invalid_grant",
        ),
    ]
}

pub(super) fn exchange() -> Vec<Row> {
    const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
    const REFRESH: &str = "urn:ietf:params:oauth:token-type:refresh_token";
    const EXCHANGE: &str = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange";
    let exchange = |rest: &str| Ask::post(TOKEN, format!("{EXCHANGE}{rest}")).by(MANY);
    let good = format!("&subject_token={{service-token}}&subject_token_type={ACCESS}");
    vec![
        Row::fine("8693 §2.1: what is right", exchange(&good)).says("issued_token_type", ACCESS),
        Row::fine("8693 §2.2.1: token_type", exchange(&good)).says("token_type", "Bearer"),
        Row::fine("8693 §2.2.1: scope, always", exchange(&good)).says("scope", "orders:read"),
        Row::fine("8693 §2.2.1: no refresh token", exchange(&good)).says("refresh_token", "null"),
        Row::fine("8693 §2.2.1: no cache keeps it", exchange(&good)).with("cache-control", "no-store"),
        Row::fine("8693 §2.1: unknown parameters are ignored", exchange(&format!("{good}&x=y"))),
        Row::fine(
            "8693 §2.1: parameters without a value are omitted",
            exchange(&format!(
                "{good}&actor_token=&actor_token_type=&scope=&audience=&resource=&requested_token_type="
            )),
        ),
        Row::fine(
            "8693 §2.1: an access token is what is given",
            exchange(&format!("{good}&requested_token_type={ACCESS}")),
        )
        .says("issued_token_type", ACCESS),
        Row::error(
            "8693 §2.1: no other kind of token is given",
            exchange(&format!("{good}&requested_token_type=urn:ietf:params:oauth:token-type:jwt")),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.1: one subject_token",
            exchange(&format!("{good}&subject_token=x")),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.1: one actor_token",
            exchange(&format!("{good}&actor_token=x&actor_token=x&actor_token_type={ACCESS}")),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.1: the client proves itself",
            Ask::post(TOKEN, format!("{EXCHANGE}&client_id=many{good}")),
            401,
            "invalid_client",
        ),
        Row::error(
            "8693 §2.1: a public client cannot",
            Ask::post(TOKEN, format!("{EXCHANGE}&client_id=tv{good}")),
            400,
            "unauthorized_client",
        ),
        Row::error(
            "8693 §2.1: types have case",
            exchange(&format!("&subject_token={{service-token}}&subject_token_type={}", ACCESS.to_uppercase())),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.1: a refresh token is no subject",
            exchange(&format!("&subject_token={{web-refresh}}&subject_token_type={ACCESS}")),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.1: nor by its own type",
            exchange(&format!("&subject_token={{web-refresh}}&subject_token_type={REFRESH}")),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.1: nor is a code",
            exchange(&format!("&subject_token={{web-code}}&subject_token_type={ACCESS}")),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.1: nor what nobody signed",
            exchange(
                "&subject_token=eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.&subject_token_type=urn:ietf:params:oauth:token-type:jwt",
            ),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.1: subject_token is required",
            exchange(&format!("&subject_token_type={ACCESS}")),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.1: subject_token_type is required",
            exchange("&subject_token={service-token}"),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.1: a type there is not",
            exchange("&subject_token={service-token}&subject_token_type=urn:x"),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.1: actor_token_type with actor_token",
            exchange(&format!("{good}&actor_token={{service-token}}")),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.1: and never without",
            exchange(&format!("{good}&actor_token_type={ACCESS}")),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.2.2: a subject token that is not good",
            exchange(&format!("&subject_token=x&subject_token_type={ACCESS}")),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.2.2: an actor token that is not good",
            exchange(&format!("{good}&actor_token=x&actor_token_type={ACCESS}")),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.1: a refresh token is not given",
            exchange(&format!("{good}&requested_token_type=urn:ietf:params:oauth:token-type:refresh_token")),
            400,
            "invalid_request",
        ),
        Row::error(
            "8693 §2.2.2: a target that the client may not have",
            exchange(&format!("{good}&audience=https://evil.example")),
            400,
            "invalid_target",
        ),
        Row::error("8707 §2: a resource is a URL", exchange(&format!("{good}&resource=x")), 400, "invalid_target"),
        Row::error("8707 §2: a resource is absolute", exchange(&format!("{good}&resource=/x")), 400, "invalid_target"),
        Row::error(
            "8693 §2.2.2: one of several targets that it may not have",
            exchange(&format!("{good}&audience=https://api.example&audience=https://evil.example")),
            400,
            "invalid_target",
        ),
        Row::error(
            "8707 §2: without a fragment",
            exchange(&format!("{good}&resource=https://api.example%23x")),
            400,
            "invalid_target",
        ),
        Row::error(
            "8693 §2.1: more scope than the subject token's",
            exchange(&format!("{good}&scope=orders:write")),
            400,
            "invalid_scope",
        ),
        Row::error(
            "8693 §2.1: for clients that are registered for it",
            exchange(&good).by(SERVICE),
            400,
            "unauthorized_client",
        ),
    ]
}

pub(super) fn pushed_requests() -> Vec<Row> {
    const PKCE: &str = "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    const OURS: &str = "&request_uri=urn:ietf:params:oauth:request_uri:x";
    let push = |rest: &str| Ask::post(PAR, format!("response_type=code&{CALLBACK}{rest}")).by(WEB);
    let spa = |rest: &str| Ask::post(PAR, format!("response_type=code&client_id=demo-spa&{CALLBACK}{rest}"));
    vec![
        Row { status: 201, ..Row::fine("9126 §2.2: what is right", push("")) },
        Row::error("9126 §2.3: POST only", Ask::get(PAR), 405, "").with("allow", "POST"),
        Row::error(
            "9126 §2.1: the client proves itself",
            Ask::post(PAR, format!("response_type=code&{CALLBACK}&client_id=demo-web")),
            401,
            "invalid_client",
        ),
        Row { status: 201, ..Row::fine("9126 §2.2: how long it is good", push("")).says("expires_in", "90") },
        Row { status: 201, ..Row::fine("9126 §2.2: no cache keeps it", push("")).with("cache-control", "no-store") },
        Row { status: 201, ..Row::fine("9126 §2.1: unknown parameters are ignored", push("&x=y")) },
        Row {
            status: 201, ..Row::fine("9126 §2.1: so are those of the token endpoint", push("&grant_type=x&code=y"))
        },
        Row { status: 201, ..Row::fine("9126 §2.1: client_id may repeat who it is", push("&client_id=demo-web")) },
        Row { status: 201, ..Row::fine("9126 §2.1: what is right, of a public client", spa(PKCE)) },
        Row::error("9126 §2.1: a public client uses PKCE here too", spa(""), 400, "invalid_request"),
        Row::error("9126 §2.1: client_id of somebody else", push("&client_id=demo-spa"), 400, "invalid_request"),
        Row::error("9126 §2.3: POST only, not PUT", push("").method(http::Method::PUT), 405, ""),
        Row::error("9126 §2.3: POST only, not HEAD", push("").method(http::Method::HEAD), 405, ""),
        Row::error(
            "9126 §2.1: nothing in the query counts",
            Ask::post("/oauth2/par?response_type=code", CALLBACK).by(WEB),
            400,
            "invalid_request",
        ),
        Row::error("9126 §2.1: a wrong secret", push("").by(Some(("demo-web", "x"))), 401, "invalid_client")
            .with("www-authenticate", "Basic realm="),
        Row::error("9126 §2.3: response_type is required", Ask::post(PAR, CALLBACK).by(WEB), 400, "invalid_request"),
        Row::error(
            "9126 §2.3: a response_type there is not",
            Ask::post(PAR, format!("response_type=magic&{CALLBACK}")).by(WEB),
            400,
            "unsupported_response_type",
        ),
        Row::error(
            "9126 §2.3: for clients that are registered for it",
            Ask::post(PAR, "response_type=code").by(SERVICE),
            400,
            "invalid_request",
        ),
        Row::error("9126 §2.1: no request_uri of ours either", push(OURS), 400, "invalid_request"),
        Row::error("9126 §2.1: no request_uri", push("&request_uri=urn:x"), 400, "invalid_request"),
        Row::error("9126 §2.3: no parameter twice", push("&scope=a&scope=a"), 400, "invalid_request"),
        Row::error("9126 §2.3: a body of 1 MiB", push(&format!("&x={}", "a".repeat(1 << 20))), 413, "invalid_request"),
        Row::error("9126 §2.1: a form", push("").content_type(Some("application/json")), 400, "invalid_request"),
        Row::error(
            "9126 §2.3: a redirect_uri that is not registered",
            Ask::post(PAR, "response_type=code&redirect_uri=https://evil.example").by(WEB),
            400,
            "invalid_request",
        ),
        Row::error("9126 §2.3: a scope that it may not have", push("&scope=admin"), 400, "invalid_scope"),
        Row::error(
            "7636 §4.3: plain",
            push("&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=plain"),
            400,
            "invalid_request",
        ),
        Row::error("9101 §6.1: a request that is none", push("&request=x"), 400, "invalid_request_object"),
    ]
}

pub(super) fn proofs_of_possession() -> Vec<Row> {
    let ask = |proofs: &[&'static str]| Ask::post(TOKEN, "grant_type=client_credentials").by(SERVICE).dpop(proofs);
    let unsigned = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6Im5vbmUifQ.e30.";
    // {"typ":"dpop+jwt","alg":"none","jwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}
    const WITH_KEY: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6Im5vbmUiLCJqd2siOnsia3R5IjoiT0tQIiwiY3J2IjoiRWQyNTUxOSIsIngiOiIxMXFZQVlLeENyZlZTXzdUeVdRSE9nN2hjdlBhcGlNbHJ3SWFhUGNIVVJvIn19.e30.";
    vec![
        Row::error("9449 §4.3: no JWT", ask(&["x"]), 400, "invalid_dpop_proof"),
        Row::error("9449 §4.3: an empty one", ask(&[""]), 400, "invalid_dpop_proof"),
        Row::error("9449 §4.3: one that nobody signed", ask(&[unsigned]), 400, "invalid_dpop_proof"),
        Row::error("9449 §4.3: not two in one header", ask(&["x, x"]), 400, "invalid_dpop_proof"),
        Row::error("9449 §4.3: nothing but ASCII", ask(&["\u{e9}"]), 400, "invalid_dpop_proof"),
        Row::error("9449 §4.3: one that nobody signed, with a key", ask(&[WITH_KEY]), 400, "invalid_dpop_proof"),
        Row::error(
            "9449 §10.1: a pushed request's proof is checked too",
            Ask::post(PAR, format!("response_type=code&{CALLBACK}")).by(WEB).dpop(&["x"]),
            400,
            "invalid_dpop_proof",
        ),
        Row::error(
            "9449 §10: dpop_jkt is a thumbprint",
            Ask::post(PAR, format!("response_type=code&{CALLBACK}&dpop_jkt=x")).by(WEB),
            400,
            "invalid_request",
        ),
        Row::error(
            "9449 §10: one dpop_jkt",
            Ask::post(PAR, format!("response_type=code&{CALLBACK}&dpop_jkt=x&dpop_jkt=x")).by(WEB),
            400,
            "invalid_request",
        ),
        Row::error(
            "9449 §5.2: a client that is held to it",
            Ask::post(TOKEN, "grant_type=client_credentials").by(Some(("held", "held-secret"))),
            400,
            "invalid_request",
        ),
        Row::fine(
            "9449 §6.2: none is looked at where none is needed",
            Ask::post("/oauth2/introspect", "token=x").by(SERVICE).dpop(&["x"]),
        )
        .says("active", "false"),
        Row::error("9449 §4.3: one header, not two", ask(&["x", "x"]), 400, "invalid_dpop_proof"),
        Row::error(
            "9449 §5: a wrong secret stays one",
            ask(&["x"]).by(Some(("demo-service", "x"))),
            401,
            "invalid_client",
        ),
    ]
}
