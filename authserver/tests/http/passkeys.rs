//! Passkeys, made and used by a device of the test's own, and what is done against them.

use crate::support::{Answer, Browser, PASSWORD, Server};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward::model::AuditFilter;
use ciborium::Value as Cbor;
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;
use url::Url;

const ISSUER: &str = "http://localhost:8080";

/// A device with a passkey, which answers as Web Authentication Level 3, §5.1.3 and §6.3, says. (Chromium's own makes and
/// uses passkeys in `tests/tests/pages`.)
#[derive(Clone)]
struct Device {
    key: Arc<EcdsaKeyPair>,
    id: Vec<u8>,
    handle: Option<String>,
    /// 0 for one that does not count.
    counter: u32,
    /// Whether it made sure who is there.
    verified: bool,
}

impl Device {
    fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let id = key.public_key().as_ref()[1..17].to_vec();
        Self { key: Arc::new(key), id, handle: None, counter: 0, verified: true }
    }

    /// What `navigator.credentials.create` gives on a page at this origin.
    fn create(&mut self, origin: &str, options: &Value) -> Value {
        self.handle = options["user"]["id"].as_str().map(ToOwned::to_owned);
        let point = self.key.public_key().as_ref();
        let integer = |n: i64| Cbor::Integer(n.into());
        let key = Cbor::Map(vec![
            (integer(1), integer(2)),
            (integer(3), integer(-7)),
            (integer(-1), integer(1)),
            (integer(-2), Cbor::Bytes(point[1..33].to_vec())),
            (integer(-3), Cbor::Bytes(point[33..65].to_vec())),
        ]);
        let mut data = self.authenticator_data(options["rp"]["id"].as_str().unwrap(), 0x40);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        ciborium::into_writer(&key, &mut data).unwrap();
        let text = |text: &str| Cbor::Text(text.to_owned());
        let object = Cbor::Map(vec![
            (text("fmt"), text("none")),
            (text("attStmt"), Cbor::Map(vec![])),
            (text("authData"), Cbor::Bytes(data)),
        ]);
        let mut attestation = Vec::new();
        ciborium::into_writer(&object, &mut attestation).unwrap();
        json!({
            "id": b64(&self.id), "rawId": b64(&self.id), "type": "public-key",
            "response": {
                "clientDataJSON": b64(&client_data("webauthn.create", origin, options)),
                "attestationObject": b64(&attestation),
                "transports": ["internal"],
            },
        })
    }

    /// What `navigator.credentials.get` gives on a page at this origin.
    fn get(&mut self, origin: &str, options: &Value) -> Value {
        if self.counter > 0 {
            self.counter += 1;
        }
        let data = self.authenticator_data(options["rpId"].as_str().unwrap(), 0);
        let client_data = client_data("webauthn.get", origin, options);
        let signed = [data.as_slice(), digest(&SHA256, &client_data).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        json!({
            "id": b64(&self.id), "rawId": b64(&self.id), "type": "public-key",
            "response": {
                "clientDataJSON": b64(&client_data), "authenticatorData": b64(&data),
                "signature": b64(signature.as_ref()), "userHandle": self.handle,
            },
        })
    }

    /// Somebody is there; the passkey may be copied, and is.
    fn authenticator_data(&self, rp_id: &str, more: u8) -> Vec<u8> {
        let flags = 0x01 | 0x08 | 0x10 | more | if self.verified { 0x04 } else { 0 };
        [digest(&SHA256, rp_id.as_bytes()).as_ref(), &[flags], &self.counter.to_be_bytes()].concat()
    }
}

fn client_data(kind: &str, origin: &str, options: &Value) -> Vec<u8> {
    let data = json!({ "type": kind, "challenge": options["challenge"], "origin": origin, "crossOrigin": false });
    data.to_string().into_bytes()
}

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

async fn server() -> Server {
    Server::with(|config| config.issuer = Url::parse(ISSUER).unwrap()).await
}

/// What a page asks the browser.
fn options(page: &Answer) -> Value {
    let text = page.body.split_once("data-options=\"").expect("no passkeys on the page").1.split_once('"').unwrap().0;
    let text = text.replace("&#34;", "\"").replace("&quot;", "\"").replace("&amp;", "&");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

async fn setup(browser: &mut Browser<'_>) -> Answer {
    let csrf = browser.get("/account").await.field("csrf");
    browser.post("/account", vec![("csrf", &csrf), ("do", "passkey-start"), ("old", PASSWORD)]).await
}

async fn confirm(browser: &mut Browser<'_>, page: &Answer, credential: &Value) -> Answer {
    let (csrf, sealed, credential) = (page.field("csrf"), page.field("passkey"), credential.to_string());
    let form = vec![
        ("csrf", csrf.as_str()),
        ("do", "passkey-confirm"),
        ("passkey", &sealed),
        ("credential", &credential),
        ("label", "Blue key"),
    ];
    browser.post("/account", form).await
}

/// Alice has a passkey on this device; her recovery codes.
async fn add(server: &Server, device: &mut Device) -> Answer {
    let mut browser = server.browser_of_alice().await;
    let page = setup(&mut browser).await;
    let made = device.create(ISSUER, &options(&page));
    confirm(&mut browser, &page, &made).await
}

async fn login_page(browser: &mut Browser<'_>) -> Answer {
    let to_login = browser.get("/account").await;
    browser.follow(&to_login).await
}

async fn answer(browser: &mut Browser<'_>, page: &Answer, credential: &Value) -> Answer {
    let (sealed, csrf, ceremony) = (page.field("continue"), page.field("csrf"), page.field("passkey"));
    let credential = credential.to_string();
    let half = page.body.contains("name=\"half\"").then(|| page.field("half"));
    let mut form = vec![("continue", sealed.as_str()), ("csrf", &csrf), ("passkey", &ceremony)];
    form.push(("credential", &credential));
    form.extend(half.as_ref().map(|half| ("half", half.as_str())));
    browser.post("/login", form).await
}

async fn password(browser: &mut Browser<'_>, page: &Answer) -> Answer {
    let (sealed, csrf) = (page.field("continue"), page.field("csrf"));
    let form = vec![("continue", sealed.as_str()), ("csrf", &csrf), ("username", "alice"), ("password", PASSWORD)];
    browser.post("/login", form).await
}

#[tokio::test]
async fn a_passkey_is_a_sign_in_of_its_own() {
    let server = server().await;
    let mut device = Device::new();
    let codes = add(&server, &mut device).await;
    assert!(codes.body.contains("Your recovery codes"), "{}", codes.body);

    let mut browser = server.browser();
    let page = login_page(&mut browser).await;
    assert!(page.header("content-security-policy").contains("script-src 'self';"));
    assert!(page.body.contains("<noscript>"), "says what to do without JavaScript");
    let asked = options(&page);
    assert_eq!((asked["rpId"].as_str(), asked["userVerification"].as_str()), (Some("localhost"), Some("required")));
    let given = device.get(ISSUER, &asked);
    assert_eq!(answer(&mut browser, &page, &given).await.location(), "/account");
    let sessions = server.app.store.sessions("person-alice", server.now(), 0).await.unwrap();
    assert!(sessions.iter().any(|session| session.acr == "mfa"));
    let account = browser.get("/account").await;
    assert!(account.body.contains("Blue key") && account.body.contains("last used"), "{}", account.body);
    let log = server.app.store.audit(&AuditFilter::default(), i64::MAX, 9).await.unwrap();
    let actions: Vec<_> = log.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["session.begin", "person.passkey.add"]);
}

#[tokio::test]
async fn a_passkey_is_the_second_factor_after_a_password() {
    let server = server().await;
    let mut device = Device::new();
    let codes = add(&server, &mut device).await;
    let recovery = codes.body.split("<li><code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let mut browser = server.browser();
    let page = login_page(&mut browser).await;
    let asked = password(&mut browser, &page).await;
    assert!(asked.status == StatusCode::OK && asked.body.contains("One more step"), "{}", asked.body);
    assert_eq!(options(&asked)["allowCredentials"].as_array().map(Vec::len), Some(1));
    let given = device.get(ISSUER, &options(&asked));
    assert_eq!(answer(&mut browser, &asked, &given).await.location(), "/account");

    // Without JavaScript: a recovery code.
    let mut other = server.browser();
    let page = login_page(&mut other).await;
    let asked = password(&mut other, &page).await;
    let (sealed, half, csrf) = (asked.field("continue"), asked.field("half"), asked.field("csrf"));
    let form = vec![("continue", &*sealed), ("half", &half), ("csrf", &csrf), ("code", &recovery)];
    assert_eq!(other.post("/login", form).await.location(), "/account");

    // The grant that takes passwords takes none alone.
    let refused = bearward::model::GrantType::Password;
    let mut legacy = crate::support::client("legacy", Some("s"), &[refused]);
    legacy.options.first_party = true;
    server.app.store.create_client(&legacy).await.unwrap();
    let pairs = vec![("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)];
    server.token(Some(("legacy", "s")), pairs).await.is_error(400, "invalid_grant");
}

#[tokio::test]
async fn what_is_not_the_answer_signs_nobody_in() {
    let server = server().await;
    let mut device = Device::new();
    add(&server, &mut device).await;
    let mut browser = server.browser();
    let page = login_page(&mut browser).await;
    let asked = options(&page);
    let elsewhere = device.get("http://localhost:9999", &asked);
    let good = device.get(ISSUER, &asked);
    let edited = |path: &str, value: Value| {
        let mut edited = good.clone();
        *edited.pointer_mut(path).unwrap() = value;
        edited
    };
    let client_data = |change: fn(&mut Value)| {
        let text = good["response"]["clientDataJSON"].as_str().unwrap();
        let mut data: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
        change(&mut data);
        edited("/response/clientDataJSON", b64(data.to_string().as_bytes()).into())
    };
    let unverified = Device { verified: false, ..device.clone() }.get(ISSUER, &asked);
    let other_host = device.get(ISSUER, &json!({ "challenge": asked["challenge"], "rpId": "elsewhere.example" }));
    let bad = [
        ("another origin", elsewhere),
        ("nobody verified", unverified),
        ("another host", other_host),
        ("no handle", edited("/response/userHandle", Value::Null)),
        ("another handle", edited("/response/userHandle", b64(&[7; 32]).into())),
        ("another credential", edited("/rawId", b64(b"another").into())),
        ("another signature", edited("/response/signature", b64(&[0x30, 0]).into())),
        ("no authenticator data", edited("/response/authenticatorData", "".into())),
        ("another kind", edited("/type", "password".into())),
        ("changed client data", client_data(|data| data["extra"] = json!(1))),
        ("another question", client_data(|data| data["type"] = json!("webauthn.create"))),
        ("another challenge", client_data(|data| data["challenge"] = json!("AAAA"))),
        ("inside another page", client_data(|data| data["crossOrigin"] = json!(true))),
        ("no JSON", json!("x")),
    ];
    for (what, credential) in bad {
        let refused = answer(&mut browser, &page, &credential).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{what}: {}", refused.body);
        assert!(refused.body.contains("That passkey does not fit"), "{what}");
    }
    // Another browser's ceremony, even with a form of its own.
    let mut thief = server.browser();
    let own = login_page(&mut thief).await;
    let (sealed, csrf, ceremony) = (own.field("continue"), own.field("csrf"), page.field("passkey"));
    let credential = good.to_string();
    let form = vec![("continue", &*sealed), ("csrf", &csrf), ("passkey", &ceremony), ("credential", &credential)];
    assert_eq!(thief.post("/login", form).await.status, StatusCode::FORBIDDEN);
    // The good one, after all of them; and not twice.
    assert_eq!(answer(&mut browser, &page, &good).await.location(), "/account");
    browser.cookies.remove("bearward");
    let again = answer(&mut browser, &page, &good).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "a challenge is answered once");
    // Nor later than half an hour after it was asked.
    let page = login_page(&mut browser).await;
    let late = device.get(ISSUER, &options(&page));
    server.clock.advance(30 * 60);
    assert_eq!(answer(&mut browser, &page, &late).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_counter_that_goes_back_is_refused_and_recorded() {
    let server = server().await;
    let mut device = Device { counter: 1, ..Device::new() };
    add(&server, &mut device).await;
    let mut copy = device.clone();
    for _ in 0..2 {
        let mut browser = server.browser();
        let page = login_page(&mut browser).await;
        let given = device.get(ISSUER, &options(&page));
        assert_eq!(answer(&mut browser, &page, &given).await.location(), "/account");
    }
    let mut browser = server.browser();
    let page = login_page(&mut browser).await;
    let given = copy.get(ISSUER, &options(&page));
    assert_eq!(answer(&mut browser, &page, &given).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let log = server.app.store.audit(&AuditFilter::default(), i64::MAX, 1).await.unwrap();
    assert_eq!(
        (log[0].action.as_str(), &log[0].after),
        ("person.passkey.copied", &Some(json!({ "label": "Blue key" })))
    );
}

#[tokio::test]
async fn a_passkey_is_made_by_whoever_knows_the_password_and_taken_away() {
    let server = server().await;
    let mut device = Device::new();
    let mut browser = server.browser_of_alice().await;
    let csrf = browser.get("/account").await.field("csrf");
    let wrong = vec![("csrf", csrf.as_str()), ("do", "passkey-start"), ("old", "not her password")];
    assert_eq!(browser.post("/account", wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = setup(&mut browser).await;
    let elsewhere = device.create("http://localhost:9999", &options(&page));
    assert_eq!(confirm(&mut browser, &page, &elsewhere).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let made = device.create(ISSUER, &options(&page));
    let mut other = server.browser_of_alice().await;
    let refused = confirm(&mut other, &page, &made).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "another session's");
    assert_eq!(confirm(&mut browser, &page, &made).await.status, StatusCode::OK);
    assert_eq!(confirm(&mut browser, &page, &made).await.status, StatusCode::UNPROCESSABLE_ENTITY, "once");
    // A second one leaves the recovery codes as they are.
    let again = setup(&mut browser).await;
    assert_eq!(options(&again)["excludeCredentials"].as_array().map(Vec::len), Some(1));
    let mut asked = options(&again);
    asked["excludeCredentials"] = json!([]);
    let made = Device::new().create(ISSUER, &asked);
    assert_eq!(confirm(&mut browser, &again, &made).await.location(), "/account?done=passkey");

    let account = browser.get("/account").await;
    let (csrf, id) = (account.field("csrf"), account.field("id"));
    let remove = |old: &'static str| vec![("csrf", csrf.as_str()), ("do", "passkey-remove"), ("id", &id), ("old", old)];
    assert_eq!(browser.post("/account", remove("wrong")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(browser.post("/account", remove(PASSWORD)).await.location(), "/account?done=passkey-off");
    assert_eq!(server.app.store.passkeys("person-alice").await.unwrap().len(), 1);
    assert_eq!(server.app.store.recovery_codes_left("person-alice").await.unwrap(), 10);
}

#[tokio::test]
async fn a_server_at_an_address_has_no_passkeys() {
    let server = Server::start().await;
    let mut browser = server.browser();
    let page = login_page(&mut browser).await;
    assert!(!page.body.contains("passkey") && !page.body.contains("<script"));
    assert_eq!(setup(&mut server.browser_of_alice().await).await.status, StatusCode::NOT_FOUND);
}
