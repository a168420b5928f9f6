//! Values that no row thought of.

use crate::support::{CALLBACK, Pairs, Server, client};
use bearward::model::GrantType;

/// A path, who asks, and what is asked.
type Base = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Every parameter with every odd value: an error of the client's, or none, and never one of ours; and nothing that was
/// sent comes back in an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_odd_value_is_a_server_error() {
    const BASE: &[Base] = &[
        ("/oauth2/token", "many", &[("grant_type", "client_credentials")]),
        ("/oauth2/token", "many", &[("grant_type", "authorization_code"), ("redirect_uri", CALLBACK)]),
        ("/oauth2/token", "many", &[("grant_type", "refresh_token")]),
        ("/oauth2/token", "many", &[("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")]),
        ("/oauth2/token", "many", &[("grant_type", "urn:ietf:params:oauth:grant-type:saml2-bearer")]),
        ("/oauth2/token", "many", &[("grant_type", "urn:ietf:params:oauth:grant-type:device_code")]),
        ("/oauth2/token", "many", &[("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")]),
        ("/oauth2/par", "many", &[("response_type", "code"), ("redirect_uri", CALLBACK)]),
        ("/oauth2/device_authorization", "many", &[]),
        ("/oauth2/revoke", "many", &[]),
        ("/oauth2/introspect", "many", &[]),
        ("/oauth2/tokeninfo", "", &[]),
        ("/oauth2/authorize", "", &[("client_id", "many"), ("response_type", "code"), ("redirect_uri", CALLBACK)]),
    ];
    const NAMES: &[&str] = &[
        "acr_values",
        "actor_token",
        "actor_token_type",
        "access_token",
        "assertion",
        "audience",
        "authorization_details",
        "client_assertion",
        "client_assertion_type",
        "client_id",
        "client_secret",
        "code",
        "code_challenge",
        "code_challenge_method",
        "code_verifier",
        "custom_claims",
        "device_code",
        "dpop_jkt",
        "grant_type",
        "max_age",
        "password",
        "prompt",
        "redirect_uri",
        "refresh_token",
        "request",
        "request_uri",
        "requested_token_type",
        "resource",
        "response_mode",
        "response_type",
        "scope",
        "state",
        "subject_token",
        "subject_token_type",
        "token",
        "token_type_hint",
        "username",
        "x",
    ];
    let nested = "[".repeat(5000);
    let long = "evil".repeat(12_000);
    let odd = [
        " ",
        "evil",
        "-1",
        "1e400",
        "99999999999999999999",
        "evil\r\nx: y",
        "\u{202e}evil\u{1f600}",
        "<evil>",
        "\"\\",
        "[]",
        "{\"evil\":1}",
        &nested,
        "a.b.c",
        "eyJhbGciOiJub25lIn0.e30.",
        "bw_rt_0000000000000000000000000000000000000000000000000",
        "urn:ietf:params:oauth:request_uri:evil",
        "https://evil.example:99999/#x",
        &long,
    ];
    let server = Server::start().await;
    let grants = [
        GrantType::ClientCredentials,
        GrantType::AuthorizationCode,
        GrantType::RefreshToken,
        GrantType::JwtBearer,
        GrantType::Saml2Bearer,
        GrantType::DeviceCode,
        GrantType::TokenExchange,
    ];
    let mut many = client("many", Some("s"), &grants);
    many.options.token_exchange.delegation = true;
    many.options.request_claims = vec!["tier".to_owned()];
    server.app.store.create_client(&many).await.unwrap();
    for (path, id, base) in BASE {
        for name in NAMES {
            for value in odd {
                let mut pairs: Pairs<'_> = base.iter().copied().filter(|(known, _)| known != name).collect();
                pairs.push((name, value));
                let answer = server.post(path, (!id.is_empty()).then_some((*id, "s")), pairs).await;
                let shown: String = value.escape_debug().take(40).collect();
                let what = format!("{path} {base:?} {name}={shown}: {}", answer.status);
                assert!(answer.status.as_u16() < 500, "{what} {}", answer.body);
                assert!(!answer.body.contains("evil") || answer.status.is_success(), "{what} {}", answer.body);
                let to = answer.header("location");
                assert!(to.is_empty() || to.starts_with(CALLBACK) || to.starts_with("/login?"), "{what} {to}");
                if answer.status.is_client_error() && !path.ends_with("authorize") {
                    answer.is_error(answer.status.as_u16(), answer.json()["error"].as_str().unwrap());
                }
            }
        }
    }
}
