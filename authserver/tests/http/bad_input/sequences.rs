//! Rules that take more than one request to show.

use crate::support::{CALLBACK, SERVICE, Server, WEB, client};
use bearward::model::{AccessTokenFormat, GrantType};
use http::StatusCode;

/// RFC 6749 §2.2, §4.1.2, §5.1, §10.10: what the page says of sizes.
#[tokio::test]
async fn sizes_are_as_documented() {
    let server = Server::start().await;
    let mut opaque = client("opaque", Some("s"), &[GrantType::ClientCredentials, GrantType::DeviceCode]);
    opaque.options.access_token_format = AccessTokenFormat::Opaque;
    server.app.store.create_client(&opaque).await.unwrap();
    let opaque = Some(("opaque", "s"));
    let granted = server.token(opaque, vec![("grant_type", "client_credentials")]).await.json();
    let device = server.post("/oauth2/device_authorization", opaque, vec![]).await.json();
    let pushed = vec![("response_type", "code"), ("redirect_uri", CALLBACK)];
    let pushed = server.post("/oauth2/par", WEB, pushed).await.json();
    let text = |json: &serde_json::Value, member: &str| json[member].as_str().unwrap().to_owned();
    let all = [
        server.code("demo-web", None).await,
        text(&server.web_tokens().await, "refresh_token"),
        text(&granted, "access_token"),
        text(&device, "device_code"),
        bearward::secret::generate(server.app.env.random.as_ref(), bearward::secret::CLIENT_SECRET).to_string(),
    ];
    for one in all {
        assert_eq!(one.len(), 55, "{one}");
        assert!(one.starts_with("bw_") && one.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    }
    assert_eq!(text(&pushed, "request_uri").len(), 89);
    assert_eq!(text(&device, "user_code").len(), 9);
    let jwt = server.service_token().await;
    assert!((200..8192).contains(&jwt.len()));
    // RFC 8628 §3.2 and RFC 9126 §2.2: there is no other way to say so either.
    assert_eq!(server.post("/oauth2/revoke", SERVICE, vec![("token", &jwt)]).await.status, StatusCode::OK);
}
