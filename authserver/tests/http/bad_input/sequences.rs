//! Rules that take more than one request to show.

use crate::support::{CALLBACK, CHALLENGE, Pairs, Server, VERIFIER, WEB, client, encode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward::model::{AccessTokenFormat, Digest, GrantType};
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

/// RFC 7636 §4.1: 43 to 128 unreserved characters, also where others would give the challenge.
#[tokio::test]
async fn verifiers_have_43_to_128_unreserved_characters() {
    let server = Server::start().await;
    let of = |text: &str| text.repeat(200).chars().take(43).collect::<String>();
    let unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (verifier, good) in [
        ("a".repeat(42), false),
        ("a".repeat(43), true),
        ("a".repeat(128), true),
        ("a".repeat(129), false),
        (unreserved.to_owned(), true),
        (of("a+"), false),
        (of("a/"), false),
        (of("a="), false),
        (of("a "), false),
        (of("a%"), false),
        (of("\u{e9}"), false),
    ] {
        let challenge = URL_SAFE_NO_PAD.encode(Digest::of(&verifier).0);
        let code = server.code("demo-spa", Some(&challenge)).await;
        let pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("client_id", "demo-spa"),
            ("code_verifier", verifier.as_str()),
        ];
        let answer = server.token(None, pairs).await;
        match good {
            true => assert_eq!(answer.status, StatusCode::OK, "{verifier}"),
            false => answer.is_error(400, "invalid_grant"),
        }
    }
}

/// RFC 7636 §4.4: the challenge is kept with the code, and shown to nobody.
#[tokio::test]
async fn a_challenge_is_in_nothing_that_leaves() {
    let server = Server::start().await;
    let mut browser = server.browser_of_alice().await;
    let asked = browser
        .authorize(vec![
            ("response_type", "code"),
            ("client_id", "demo-spa"),
            ("redirect_uri", CALLBACK),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ])
        .await;
    let page = browser.follow(&asked).await;
    let answer = browser.allow(&asked).await;
    let inside = |text: &str| {
        URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.windows(9).any(|w| w == &CHALLENGE.as_bytes()[..9]))
    };
    for text in [asked.location(), page.body.clone(), answer.location()] {
        assert!(!text.contains(CHALLENGE));
    }
    assert!(!inside(&page.field("continue")) && !inside(&answer.returned()["code"]));
    let redeemed = server.redeem("demo-spa", &answer.returned()["code"]).await;
    assert_eq!((redeemed.status, VERIFIER.len()), (StatusCode::OK, 43), "{}", redeemed.body);
}

/// RFC 9126 §4: `client_id` goes with `request_uri`, and whoever leaves it out or names another uses nothing up.
#[tokio::test]
async fn a_pushed_request_needs_its_client_at_the_authorization_endpoint() {
    let server = Server::start().await;
    let pushed = vec![("response_type", "code"), ("redirect_uri", CALLBACK)];
    let pushed = server.post("/oauth2/par", WEB, pushed).await.json();
    let uri = pushed["request_uri"].as_str().unwrap();
    let ask = async |more: Pairs<'_>| {
        let query = encode(&[vec![("request_uri", uri)], more].concat());
        server.get(&format!("/oauth2/authorize?{query}")).await
    };
    let everything = vec![("response_type", "code"), ("redirect_uri", CALLBACK)];
    for wrong in [vec![], everything, vec![("client_id", "demo-spa")], vec![("client_id", "nobody")]] {
        let answer = ask(wrong).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::BAD_REQUEST, ""));
    }
    assert!(ask(vec![("client_id", "demo-web")]).await.location().starts_with("/login?"));
}

/// RFC 9126 §2.3: a client that has to sign, and does not, is told `invalid_request`, whatever else is wrong.
#[tokio::test]
async fn a_client_that_has_to_sign_pushes_nothing_unsigned() {
    let server = Server::start().await;
    let mut signs = client("signs", Some("s"), &[GrantType::AuthorizationCode]);
    signs.options.require_signed_request_object = true;
    server.app.store.create_client(&signs).await.unwrap();
    for redirect in [CALLBACK, "https://evil.example/"] {
        let pairs = vec![("response_type", "code"), ("redirect_uri", redirect)];
        let signs = Some(("signs", "s"));
        server.post("/oauth2/par", signs, pairs.clone()).await.is_error(400, "invalid_request");
        let unsigned = [pairs, vec![("request", "x")]].concat();
        server.post("/oauth2/par", signs, unsigned).await.is_error(400, "invalid_request_object");
    }
    let query = encode(&[("client_id", "signs"), ("response_type", "code"), ("redirect_uri", "https://evil.example/")]);
    let answer = server.get(&format!("/oauth2/authorize?{query}")).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::BAD_REQUEST, ""));
}

/// RFC 7009 §5: what was revoked once is not told to every gateway again, however often somebody asks.
#[tokio::test]
async fn what_is_revoked_is_told_once() {
    let server = Server::start().await;
    let code = server.code("demo-web", None).await;
    let tokens = server.redeem("demo-web", &code).await.json();
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let again = async || {
        for token in [access, refresh] {
            let answer = server.post("/oauth2/revoke", WEB, vec![("token", token)]).await;
            assert_eq!(answer.status, StatusCode::OK);
        }
        server.redeem("demo-web", &code).await.is_error(400, "invalid_grant");
    };
    again().await;
    let told = server.app.store.feed(None, 100, server.now()).await.unwrap();
    assert_eq!(told.entries.len(), 2, "the token and the grant");
    for _ in 0..3 {
        server.clock.advance(10);
        again().await;
    }
    let after = server.app.store.feed(Some(&told.cursor), 100, server.now()).await.unwrap();
    assert!(after.entries.is_empty() && !after.reset, "{:?}", after.entries);
}

/// RFC 8628 §3.3.1, §5.4: the person sees that it is a device, which client's, and the code to compare; and is asked.
#[tokio::test]
async fn the_person_sees_that_a_device_is_connected() {
    let server = Server::start().await;
    server.app.store.create_client(&client("tv", None, &[GrantType::DeviceCode])).await.unwrap();
    let started = server.post("/oauth2/device_authorization", None, vec![("client_id", "tv")]).await.json();
    let code = started["user_code"].as_str().unwrap();
    let mut browser = server.browser_of_alice().await;
    let page = browser.get(&format!("/device?user_code={code}")).await;
    assert!(page.body.contains(code) && page.body.contains("device"), "{}", page.body);
    let csrf = page.field("csrf");
    let typed = browser.post("/device", vec![("user_code", code), ("csrf", &csrf)]).await;
    let page = browser.follow(&typed).await;
    for seen in ["Client tv", code, "device"] {
        assert!(page.body.contains(seen), "{seen}: {}", page.body);
    }
}
