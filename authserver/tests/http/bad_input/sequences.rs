//! Rules that take more than one request to show.

use crate::support::{CALLBACK, Server, WEB, client};
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
}

/// RFC 7662 §2.2, §4: a token for one resource server says nothing to another.
#[tokio::test]
async fn introspection_is_for_whom_a_token_is_for() {
    let server = Server::start().await;
    let orders = ["https://orders.example"];
    for (id, audience) in
        [("caller", &orders[..]), ("orders", &orders), ("named", &[]), ("both", &["named", "https://x.example"])]
    {
        let mut one = client(id, Some("s"), &[GrantType::ClientCredentials]);
        one.audience = audience.iter().map(|&audience| audience.to_owned()).collect();
        server.app.store.create_client(&one).await.unwrap();
    }
    let granted = async |id: &'static str| {
        let answer = server.token(Some((id, "s")), vec![("grant_type", "client_credentials")]).await;
        answer.json()["access_token"].as_str().unwrap().to_owned()
    };
    let told = async |who: (&'static str, &'static str), token: &str| {
        let answer = server.post("/oauth2/introspect", Some(who), vec![("token", token)]).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.json()
    };
    let (for_orders, for_named) = (granted("caller").await, granted("both").await);
    for (who, token, active) in [
        (("caller", "s"), &for_orders, true),
        (("orders", "s"), &for_orders, true),
        (("named", "s"), &for_orders, false),
        (("demo-web", "demo-web-secret"), &for_orders, false),
        (("named", "s"), &for_named, true),
        (("orders", "s"), &for_named, false),
    ] {
        let told = told(who, token).await;
        assert_eq!(told["active"], active, "{who:?}");
        assert!(active || told == serde_json::json!({ "active": false }), "and no more: {told}");
    }
}
