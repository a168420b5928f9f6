//! Revocation (RFC 7009), introspection (RFC 7662), token information.

use super::{Ask, Row};
use crate::support::{SERVICE, Server, WEB};
use http::Method;

const REVOKE: &str = "/oauth2/revoke";
const INTROSPECT: &str = "/oauth2/introspect";

pub(super) fn revocation() -> Vec<Row> {
    let revoke = |body: &str| Ask::post(REVOKE, body).by(SERVICE);
    vec![
        Row::error("7009 §2: POST only", Ask::get(REVOKE), 405, "").with("allow", "POST"),
        Row::error("7009 §2: POST only, not DELETE", revoke("token=a").method(Method::DELETE), 405, ""),
        Row::error("7009 §2: POST only, not HEAD", revoke("token=a").method(Method::HEAD), 405, ""),
        Row::error("7009 §2.1: token is required", revoke("token_type_hint=access_token"), 400, "invalid_request"),
        Row::error("7009 §2.1: an empty token is none", revoke("token="), 400, "invalid_request"),
        Row::error("7009 §2.1: no parameter twice", revoke("token=a&token=a"), 400, "invalid_request"),
        Row::error("7009 §2.1: the client proves itself", Ask::post(REVOKE, "token=a"), 401, "invalid_client"),
        Row::error(
            "7009 §2.1: a wrong secret",
            Ask::post(REVOKE, "token=a").by(Some(("demo-service", "x"))),
            401,
            "invalid_client",
        )
        .with("www-authenticate", "Basic realm="),
        Row::error(
            "7009 §2.1: one method of authentication",
            revoke("token=a&client_id=demo-service&client_secret=demo-service-secret"),
            400,
            "invalid_request",
        ),
        Row::error(
            "7009 §2.1: a confidential client without proof",
            Ask::post(REVOKE, "token={web-refresh}&client_id=demo-web"),
            401,
            "invalid_client",
        ),
        Row::error("7009 §2.1: UTF-8", revoke("token=%ff"), 400, "invalid_request"),
        Row::error(
            "7009 §2.1: not in the query",
            Ask::post("/oauth2/revoke?token=a", "").by(SERVICE),
            400,
            "invalid_request",
        ),
        Row::error("7009 §2.1: a form", revoke("{}").content_type(Some("application/json")), 400, "invalid_request"),
        Row::fine("7009 §2.2: an unknown token is no error", revoke("token=45ghiukldjahdnhzdauz")),
        Row::fine("7009 §2.2: an unknown hint is ignored", revoke("token=x&token_type_hint=magic")),
        Row::fine(
            "7009 §2.1: a wrong hint misleads nobody",
            revoke("token={service-token}&token_type_hint=refresh_token"),
        ),
        Row::fine(
            "7009 §2.1: a wrong hint misleads nobody, the other way",
            Ask::post(REVOKE, "token={web-refresh}&token_type_hint=access_token").by(WEB),
        ),
        Row::fine("7009 §2.2: a code is no token", Ask::post(REVOKE, "token={web-code}").by(WEB)),
        Row::fine("7009 §2.2: nor is what looks like one", revoke("token=eyJhbGciOiJub25lIn0.e30.")),
        Row::fine("7009 §2.3: pages in the browser may ask", revoke("token=x"))
            .with("access-control-allow-origin", "*"),
        Row::fine("7009 §2.2: unknown parameters are ignored", revoke("token=x&y=z")),
        Row::error(
            "7009 §2.1: another client's access token",
            Ask::post(REVOKE, "token={service-token}").by(WEB),
            400,
            "invalid_grant",
        ),
        Row::error(
            "7009 §2.1: another client's access token, to a public client",
            Ask::post(REVOKE, "token={service-token}&client_id=demo-spa"),
            400,
            "invalid_grant",
        ),
        Row::error("7009 §2.1: another client's refresh token", revoke("token={web-refresh}"), 400, "invalid_grant"),
        Row::error("a body of 1 MiB", revoke(&format!("token={}", "a".repeat(1 << 20))), 413, "invalid_request"),
    ]
}

pub(super) fn introspection() -> Vec<Row> {
    let introspect = |body: &str| Ask::post(INTROSPECT, body).by(SERVICE);
    vec![
        Row::error("7662 §2.1: POST only", Ask::get(INTROSPECT), 405, "").with("allow", "POST"),
        Row::error("7662 §2.1: token is required", introspect(""), 400, "invalid_request"),
        Row::error("7662 §2.1: an empty token is none", introspect("token="), 400, "invalid_request"),
        Row::error("7662 §2.1: UTF-8", introspect("token=%ff"), 400, "invalid_request"),
        Row::fine("7662 §2.1: unknown parameters are ignored", introspect("token={service-token}&x=y"))
            .says("active", "true"),
        Row::fine("7662 §2.2: what is right", introspect("token={service-token}")).says("client_id", "demo-service"),
        Row::fine(
            "7662 §2.1: a wrong hint misleads nobody",
            introspect("token={service-token}&token_type_hint=refresh_token"),
        )
        .says("active", "true"),
        Row::fine(
            "7662 §2.1: a wrong hint misleads nobody, the other way",
            Ask::post(INTROSPECT, "token={web-refresh}&token_type_hint=access_token").by(WEB),
        )
        .says("active", "true"),
        Row::fine("7662 §2.1: an unknown hint is ignored", introspect("token={service-token}&token_type_hint=magic"))
            .says("active", "true"),
        Row::fine("7662 §2.2: no such token", introspect("token=SlAV32hkKG")).says("active", "false"),
        Row::fine("7662 §2.2: a code is no token", Ask::post(INTROSPECT, "token={web-code}").by(WEB))
            .says("active", "false"),
        Row::fine("7662 §2.2: another client's refresh token", introspect("token={web-refresh}"))
            .says("active", "false"),
        Row::fine("7662 §2.2: no cache keeps it", introspect("token={service-token}"))
            .with("cache-control", "no-store"),
        Row::error(
            "7662 §2.3: a wrong secret",
            Ask::post(INTROSPECT, "token=a").by(Some(("demo-service", "x"))),
            401,
            "invalid_client",
        )
        .with("www-authenticate", "Basic realm="),
        Row::error(
            "7662 §2.3: a public client may not, nor with an empty secret",
            Ask::post(INTROSPECT, "token=a").by(Some(("demo-spa", ""))),
            401,
            "invalid_client",
        ),
        Row::error(
            "7662 §2.3: one method of authentication",
            introspect("token=a&client_id=demo-service&client_secret=demo-service-secret"),
            400,
            "invalid_request",
        ),
        Row::error(
            "7662 §2.1: a body of 1 MiB",
            introspect(&format!("token={}", "a".repeat(1 << 20))),
            413,
            "invalid_request",
        ),
        Row::error("7662 §2.1: no parameter twice", introspect("token=a&token=b"), 400, "invalid_request"),
        Row::error("7662 §2.1: only for who may ask", Ask::post(INTROSPECT, "token=a"), 401, "invalid_client"),
        Row::error(
            "7662 §2.3: a public client may not",
            Ask::post(INTROSPECT, "token=a&client_id=demo-spa"),
            401,
            "invalid_client",
        ),
        Row::error(
            "7662 §2.3: a token does not open its own introspection",
            Ask::post(INTROSPECT, "token={service-token}").authorization("Bearer x"),
            401,
            "invalid_client",
        ),
        Row::error(
            "7662 §2.1: a form",
            introspect("token=a").content_type(Some("application/json")),
            400,
            "invalid_request",
        ),
        Row::error(
            "7662 §4: not in the query",
            Ask::post("/oauth2/introspect?token=a", "").by(SERVICE),
            400,
            "invalid_request",
        ),
        Row::error("7662 §4: not by GET", Ask::get("/oauth2/introspect?token=a").by(SERVICE), 405, ""),
        Row::error("7662 §2.1: not by PUT", introspect("token=a").method(Method::PUT), 405, ""),
    ]
}

/// RFC 7662 §2.2: what is not good is not active, and no more is said.
#[tokio::test]
async fn what_is_not_active_is_that_and_nothing_more() {
    let server = Server::start().await;
    let good = server.service_token().await;
    let tampered = format!("{}x", &good[..good.len() - 1]);
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.";
    let web = server.web_tokens().await["refresh_token"].as_str().unwrap().to_owned();
    for token in ["x", "a.b.c", unsigned, &tampered, "bw_rt_x", &web, &"a".repeat(9000), "\u{e9}"] {
        let answer = server.post(INTROSPECT, SERVICE, vec![("token", token), ("token_type_hint", "magic")]).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, r#"{"active":false}"#), "{token}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}
