//! The token endpoint: RFC 6749 §3.2, §4, §5.2, §6 and appendix B; RFC 7636 §4.5, §4.6.

use super::{Ask, Row};
use crate::support::{SERVICE, WEB};
use http::Method;

pub(super) const TOKEN: &str = "/oauth2/token";
pub(super) const CREDENTIALS: &str = "grant_type=client_credentials";
pub(super) const CALLBACK: &str = "redirect_uri=http%3A%2F%2F127.0.0.1%3A8400%2Fcallback";
pub(super) const IN_QUERY: &str = "/oauth2/token?grant_type=client_credentials";
pub(super) const VERIFIER: &str = "code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

pub(super) fn service(body: impl Into<Vec<u8>>) -> Ask {
    Ask::post(TOKEN, body).by(SERVICE)
}

fn web(body: &str) -> Ask {
    Ask::post(TOKEN, body).by(WEB)
}

pub(super) fn how_a_request_is_made() -> Vec<Row> {
    let mut long = CREDENTIALS.as_bytes().to_vec();
    long.extend_from_slice(b"&x=");
    long.resize(1 << 20, b'a');
    let many: String = (0..100).map(|i| format!("&p{i}=1")).collect();
    let invalid = [b"grant_type=client_credentials&x=".as_slice(), b"\xff\xfe"].concat();
    vec![
        Row::error("6749 §3.2: POST only", Ask::get(TOKEN), 405, "").with("allow", "POST"),
        Row::error("6749 §3.2: POST only, whatever the body", service(CREDENTIALS).method(Method::PUT), 405, ""),
        Row::error("6749 §3.2: POST only, not HEAD", service(CREDENTIALS).method(Method::HEAD), 405, ""),
        Row::error("6749 §3.2: a GET with everything in its query", Ask::get(IN_QUERY).by(SERVICE), 405, ""),
        Row::error(
            "6749 §3.2: no parameter twice",
            service("grant_type=client_credentials&grant_type=client_credentials"),
            400,
            "invalid_request",
        ),
        Row::error(
            "6749 §3.2: no parameter twice, scope",
            service(format!("{CREDENTIALS}&scope=a&scope=a")),
            400,
            "invalid_request",
        ),
        Row::error(
            "6749 §3.2: no parameter twice, however written",
            service(format!("{CREDENTIALS}&%73cope=a&scope=a")),
            400,
            "invalid_request",
        ),
        Row::error(
            "6749 §3.2: no parameter twice, known or not",
            service(format!("{CREDENTIALS}&x=1&x=2")),
            400,
            "invalid_request",
        ),
        Row::fine("6749 §3.2: unknown parameters are ignored", service(format!("{CREDENTIALS}&x=1&resourcce=y"))),
        Row::error(
            "6749 §3.2: a parameter without a value is omitted",
            service("grant_type=&scope=orders:read"),
            400,
            "invalid_request",
        ),
        Row::fine("6749 §3.2: so an empty scope is none", service(format!("{CREDENTIALS}&scope=")))
            .says("scope", "orders:read"),
        Row::error(
            "6749 §3.2: no parameter twice, one without a value",
            service(format!("{CREDENTIALS}&scope=&scope=orders:read")),
            400,
            "invalid_request",
        ),
        Row::error("6749 §3.2: names have case", service("Grant_Type=client_credentials"), 400, "invalid_request"),
        Row::error("6749 §3.2: brackets make another name", service("grant_type[]=x"), 400, "invalid_request"),
        Row::error(
            "6749 app. B: a space is not cut off",
            service("grant_type=client_credentials+"),
            400,
            "unsupported_grant_type",
        ),
        Row::error(
            "6749 app. B: a semicolon separates nothing",
            service("grant_type=client_credentials;scope=orders:read"),
            400,
            "unsupported_grant_type",
        ),
        Row::error(
            "6749 app. B: one Content-Type, not two",
            service(CREDENTIALS).header("content-type", "application/json"),
            400,
            "invalid_request",
        ),
        Row::error(
            "6749 app. B: one Content-Type, not a list",
            service(CREDENTIALS).content_type(Some("application/json, application/x-www-form-urlencoded")),
            400,
            "invalid_request",
        ),
        Row::fine(
            "6749 app. B: UTF-8 whatever charset says",
            service(format!("{CREDENTIALS}&x=%C3%A9"))
                .content_type(Some("application/x-www-form-urlencoded; charset=iso-8859-1")),
        ),
        Row::error(
            "6749 app. B: UTF-8, and not what charset says",
            service(format!("{CREDENTIALS}&x=%E9"))
                .content_type(Some("application/x-www-form-urlencoded; charset=iso-8859-1")),
            400,
            "invalid_request",
        ),
        Row::error("6749 app. B: no surrogates", service(format!("{CREDENTIALS}&x=%ED%A0%80")), 400, "invalid_request"),
        Row::error(
            "6749 app. B: no overlong UTF-8",
            service(format!("{CREDENTIALS}&x=%C0%AF")),
            400,
            "invalid_request",
        ),
        Row::error(
            "6749 app. B: a compressed body is none",
            service([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]).header("content-encoding", "gzip"),
            400,
            "invalid_request",
        ),
        Row::fine("6749 §5.1: what is right", service(CREDENTIALS))
            .with("pragma", "no-cache")
            .says("token_type", "Bearer"),
        Row::fine("6749 §5.1: expires_in is a number", service(CREDENTIALS))
            .with("cache-control", "no-store")
            .says("expires_in", "600"),
        Row::fine("6749 §5.1: JSON, whatever Accept says", service(CREDENTIALS).header("accept", "text/html"))
            .with("content-type", "application/json"),
        Row::fine("6749 §4.4.3: no refresh token", service(CREDENTIALS)).says("refresh_token", "null"),
        Row::error(
            "6749 app. B: a form, not JSON",
            service("{\"grant_type\":\"client_credentials\"}").content_type(Some("application/json")),
            400,
            "invalid_request",
        ),
        Row::error(
            "6749 app. B: a form, not text",
            service(CREDENTIALS).content_type(Some("text/plain")),
            400,
            "invalid_request",
        ),
        Row::error(
            "6749 app. B: a form, not multipart",
            service(CREDENTIALS).content_type(Some("multipart/form-data; boundary=x")),
            400,
            "invalid_request",
        ),
        Row::error(
            "6749 app. B: a form, and it says so",
            service(CREDENTIALS).content_type(None),
            400,
            "invalid_request",
        ),
        Row::fine(
            "6749 app. B: media types have no case, and parameters",
            service(CREDENTIALS).content_type(Some("Application/X-WWW-Form-Urlencoded; charset=UTF-8")),
        ),
        Row::error("6749 app. B: UTF-8", service(invalid), 400, "invalid_request"),
        Row::error("6749 app. B: UTF-8, escaped", service(format!("{CREDENTIALS}&x=%ff")), 400, "invalid_request"),
        Row::error("6749 app. B: whole escapes", service(format!("{CREDENTIALS}&x=%f")), 400, "invalid_request"),
        Row::error("6749 app. A: no NUL", service(format!("{CREDENTIALS}&x=a%00b")), 400, "invalid_request"),
        Row::error("a body of 1 MiB", service(long), 413, "invalid_request"),
        Row::error("a hundred parameters", service(format!("{CREDENTIALS}{many}")), 413, "invalid_request"),
        Row::error("6749 §5.2: grant_type is required", service("scope=orders:read"), 400, "invalid_request"),
        Row::error("an empty body", service(""), 400, "invalid_request"),
        Row::error("6749 §5.2: a grant that there is not", service("grant_type=magic"), 400, "unsupported_grant_type"),
        Row::error(
            "6749 §1.1: names have case",
            service("grant_type=Client_Credentials"),
            400,
            "unsupported_grant_type",
        ),
        Row::error(
            "6749 §5.2: a grant the client may not use",
            service("grant_type=authorization_code&code=x"),
            400,
            "unauthorized_client",
        ),
    ]
}

pub(super) fn scopes() -> Vec<Row> {
    vec![
        Row::error("6749 §3.3: no quote", service(format!("{CREDENTIALS}&scope=a%22b")), 400, "invalid_scope"),
        Row::error("6749 §3.3: no backslash", service(format!("{CREDENTIALS}&scope=a%5Cb")), 400, "invalid_scope"),
        Row::error("6749 §3.3: visible ASCII", service(format!("{CREDENTIALS}&scope=%C3%A9")), 400, "invalid_scope"),
        Row::error(
            "6749 §3.3: no tab between",
            service(format!("{CREDENTIALS}&scope=orders:read%09orders:write")),
            400,
            "invalid_scope",
        ),
        Row::error(
            "6749 §3.3: no control character",
            service(format!("{CREDENTIALS}&scope=orders:read%01")),
            400,
            "invalid_scope",
        ),
        Row::error("6749 §3.3: no DEL", service(format!("{CREDENTIALS}&scope=orders:read%7F")), 400, "invalid_scope"),
        Row::error(
            "6749 §3.3: no line end between",
            service(format!("{CREDENTIALS}&scope=orders:read%0Aorders:write")),
            400,
            "invalid_scope",
        ),
        Row::error(
            "6749 §3.3: no other space between",
            service(format!("{CREDENTIALS}&scope=orders:read%C2%A0orders:write")),
            400,
            "invalid_scope",
        ),
        Row::fine(
            "6749 §3.3: two spaces, or some around, are one",
            service(format!("{CREDENTIALS}&scope=+orders:read++orders:write+")),
        )
        .says("scope", "orders:read orders:write"),
        Row::fine(
            "6749 §3.3: the order does not matter, nor once more",
            service(format!("{CREDENTIALS}&scope=orders:write+orders:read+orders:write")),
        )
        .says("scope", "orders:read orders:write"),
        Row::fine(
            "6749 §3.3: less than was asked for, and it says so",
            service(format!("{CREDENTIALS}&scope=orders:read+admin")),
        )
        .says("scope", "orders:read"),
        Row::fine("6749 §3.3: none asked for, the default, and it says so", service(CREDENTIALS))
            .says("scope", "orders:read"),
        Row::error(
            "6749 §3.3: none asked for, and no default",
            Ask::post(TOKEN, CREDENTIALS).by(Some(("bare", "bare-secret"))),
            400,
            "invalid_scope",
        ),
        Row::error(
            "6749 §5.2: a scope that the client may not have",
            service(format!("{CREDENTIALS}&scope=admin")),
            400,
            "invalid_scope",
        ),
        Row::error(
            "6749 §3.3: scopes have case",
            service(format!("{CREDENTIALS}&scope=Orders:Read")),
            400,
            "invalid_scope",
        ),
        Row::error(
            "6749 §6: a refresh asks for more",
            web("grant_type=refresh_token&refresh_token={web-refresh}&scope=orders:read+admin"),
            400,
            "invalid_scope",
        ),
        Row::fine(
            "6749 §6: a refresh asks for less",
            web("grant_type=refresh_token&refresh_token={web-refresh}&scope=orders:read"),
        )
        .says("scope", "orders:read"),
        Row::fine(
            "6749 §6: a refresh asks for nothing and gets all",
            web("grant_type=refresh_token&refresh_token={web-refresh}"),
        )
        .says("scope", "orders:read orders:write"),
    ]
}

pub(super) fn codes() -> Vec<Row> {
    let code = |rest: &str| web(&format!("grant_type=authorization_code&{rest}"));
    let spa = |rest: &str| Ask::post(TOKEN, format!("grant_type=authorization_code&client_id=demo-spa&{rest}"));
    vec![
        Row::error("6749 §4.1.3: code is required", code(CALLBACK), 400, "invalid_request"),
        Row::error(
            "6749 §5.2: no such code",
            code(&format!("code=SplxlOBeZQQYbYS6WxSbIA&{CALLBACK}")),
            400,
            "invalid_grant",
        ),
        Row::error(
            "6749 §4.1.3: redirect_uri is required if it was sent",
            code("code={web-code}"),
            400,
            "invalid_grant",
        ),
        Row::error(
            "6749 §4.1.3: the same redirect_uri",
            code(&format!("code={{web-code}}&{CALLBACK}2")),
            400,
            "invalid_grant",
        ),
        Row::error(
            "6749 §4.1.3: the same to the letter",
            code("code={web-code}&redirect_uri=http%3A%2F%2F127.0.0.1%3A8400%2FCallback"),
            400,
            "invalid_grant",
        ),
        Row::error(
            "6749 §4.1.3: with the port of the request",
            code("code={web-code}&redirect_uri=http%3A%2F%2F127.0.0.1%3A8401%2Fcallback"),
            400,
            "invalid_grant",
        ),
        Row::error(
            "6749 §4.1.3: issued to this client",
            code(&format!("code={{spa-code}}&{CALLBACK}&{VERIFIER}")),
            400,
            "invalid_grant",
        ),
        Row::error(
            "6749 §4.1.3: issued to this client, the other way",
            spa(&format!("code={{web-code}}&{CALLBACK}&{VERIFIER}")),
            400,
            "invalid_grant",
        ),
        Row::error(
            "6749 §4.1.3: an empty redirect_uri is none",
            code("code={web-code}&redirect_uri="),
            400,
            "invalid_grant",
        ),
        Row::error(
            "6749 §4.1.3: one redirect_uri",
            code(&format!("code={{web-code}}&{CALLBACK}&{CALLBACK}")),
            400,
            "invalid_request",
        ),
        Row::error(
            "6749 §4.1.3: one code",
            code(&format!("code={{web-code}}&code=x&{CALLBACK}")),
            400,
            "invalid_request",
        ),
        Row::error(
            "6749 §4.1.3: a code and a space",
            code(&format!("code={{web-code}}+&{CALLBACK}")),
            400,
            "invalid_grant",
        ),
        Row::error(
            "6749 §4.1.3: the client proves itself",
            Ask::post(TOKEN, format!("grant_type=authorization_code&client_id=demo-web&code={{web-code}}&{CALLBACK}")),
            401,
            "invalid_client",
        ),
        Row::error(
            "6749 §10.5: a refresh token is no code",
            code(&format!("code={{web-refresh}}&{CALLBACK}")),
            400,
            "invalid_grant",
        ),
        Row::error("7636 §4.6: a verifier is due", spa(&format!("code={{spa-code}}&{CALLBACK}")), 400, "invalid_grant"),
        Row::error(
            "7636 §4.6: the right verifier",
            spa(&format!("code={{spa-code}}&{CALLBACK}&{VERIFIER}x")),
            400,
            "invalid_grant",
        ),
        Row::error(
            "7636 §4.1: 43 characters",
            spa(&format!("code={{spa-code}}&{CALLBACK}&code_verifier=short")),
            400,
            "invalid_grant",
        ),
        Row::error(
            "7636 §4.1: at most 128",
            spa(&format!("code={{spa-code}}&{CALLBACK}&code_verifier={}", "a".repeat(129))),
            400,
            "invalid_grant",
        ),
        Row::error(
            "7636 §4.1: unreserved characters",
            spa(&format!("code={{spa-code}}&{CALLBACK}&code_verifier={}", "%C3%A9".repeat(43))),
            400,
            "invalid_grant",
        ),
        Row::error(
            "7636 §4.6: the challenge is not its own verifier",
            spa(&format!("code={{spa-code}}&{CALLBACK}&code_verifier=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")),
            400,
            "invalid_grant",
        ),
        Row::error(
            "9700 §4.8.2: a verifier for a code without challenge",
            code(&format!("code={{web-code}}&{CALLBACK}&{VERIFIER}")),
            400,
            "invalid_grant",
        ),
        Row::fine(
            "6749 §4.1.3: scope is no parameter here, and widens nothing",
            code(&format!("code={{web-code}}&{CALLBACK}&scope=orders:read+admin")),
        )
        .says("scope", "orders:read orders:write"),
        Row::fine("6749 §4.1.3: what is right", code(&format!("code={{web-code}}&{CALLBACK}"))),
        Row::fine("7636 §4.6: what is right", spa(&format!("code={{spa-code}}&{CALLBACK}&{VERIFIER}"))),
    ]
}

pub(super) fn refresh_tokens() -> Vec<Row> {
    let refresh = |rest: &str| web(&format!("grant_type=refresh_token&{rest}"));
    vec![
        Row::error("6749 §6: refresh_token is required", refresh(""), 400, "invalid_request"),
        Row::error(
            "6749 §6: the client proves itself",
            Ask::post(TOKEN, "grant_type=refresh_token&client_id=demo-web&refresh_token={web-refresh}"),
            401,
            "invalid_client",
        ),
        Row::error(
            "6749 §6: one refresh_token",
            refresh("refresh_token={web-refresh}&refresh_token=x"),
            400,
            "invalid_request",
        ),
        Row::error("6749 §5.2: no such token", refresh("refresh_token=tGzv3JOkF0XG5Qx2TlKWIA"), 400, "invalid_grant"),
        Row::error(
            "6749 §6: issued to this client",
            Ask::post(TOKEN, "grant_type=refresh_token&client_id=demo-spa&refresh_token={web-refresh}"),
            400,
            "invalid_grant",
        ),
        Row::error(
            "6749 §10.4: an access token is no refresh token",
            refresh("refresh_token={service-token}"),
            400,
            "invalid_grant",
        ),
        Row::error("6749 §10.5: a code is no refresh token", refresh("refresh_token={web-code}"), 400, "invalid_grant"),
        Row::fine("6749 §6: what is right", refresh("refresh_token={web-refresh}")),
    ]
}

pub(super) fn passwords() -> Vec<Row> {
    let password =
        |rest: &str| Ask::post(TOKEN, format!("grant_type=password&{rest}")).by(Some(("many", "many-secret")));
    let right = "username=alice&password=alice-demo-password";
    vec![
        Row::fine("6749 §4.3.2: what is right", password(right)).says("token_type", "Bearer"),
        Row::error("6749 §4.3.2: username is required", password("password=x"), 400, "invalid_request"),
        Row::error("6749 §4.3.2: password is required", password("username=alice"), 400, "invalid_request"),
        Row::error(
            "6749 §4.3.2: an empty password is none",
            password("username=alice&password="),
            400,
            "invalid_request",
        ),
        Row::error("6749 §4.3.2: one username", password(&format!("username=x&{right}")), 400, "invalid_request"),
        Row::error("6749 §4.3.2: a wrong password", password("username=alice&password=x"), 400, "invalid_grant"),
        Row::error(
            "6749 §4.3.2: an unknown person, the same answer",
            password("username=nobody&password=x"),
            400,
            "invalid_grant",
        ),
        Row::error(
            "6749 §4.3.2: the client proves itself",
            Ask::post(TOKEN, format!("grant_type=password&client_id=many&{right}")),
            401,
            "invalid_client",
        ),
        Row::error(
            "6749 §4.3.2: for clients that are registered for it",
            Ask::post(TOKEN, format!("grant_type=password&{right}")).by(WEB),
            400,
            "unauthorized_client",
        ),
    ]
}
