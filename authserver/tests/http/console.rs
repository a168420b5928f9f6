//! The console's forms about clients: keys, claims, everything else that a registration can say; and types of authorization
//! details. What is wrong is said at its field, and nothing that was typed is lost.

use crate::assertions::{Party, assertion};
use crate::people::{act, with_admin};
use crate::support::{Answer, ISSUER, Server, client};
use bearward::model::{ClientAuthMethod, GrantType};
use http::StatusCode;
use serde_json::json;

const CLIENT_ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

async fn prove(server: &Server, party: &Party) -> StatusCode {
    let claims = assertion(server, &json!({ "iss": "signer", "sub": "signer", "aud": ISSUER }));
    let text = party.sign(&claims);
    let pairs = vec![
        ("grant_type", "client_credentials"),
        ("client_assertion_type", CLIENT_ASSERTION),
        ("client_assertion", text.as_str()),
    ];
    server.token(None, pairs).await.status
}

/// The thumbprints of the page, in order.
fn prints(page: &Answer) -> Vec<String> {
    let parts = page.body.split("class=\"print\">").skip(1);
    parts.filter_map(|part| Some(part.split_once('<')?.0.to_owned())).collect()
}

#[tokio::test]
async fn keys_are_pasted_switched_and_removed() {
    let server = with_admin().await;
    let (old, new) = (Party::new(), Party::new());
    let mut signer = client("signer", None, &[GrantType::ClientCredentials]);
    signer.auth_method = ClientAuthMethod::PrivateKeyJwt;
    signer.options.keys = old.keys();
    server.app.store.create_client(&signer).await.unwrap();
    let mut browser = server.browser_of_alice().await;
    let path = "/admin/clients/signer";
    // What its registration says has a row too.
    assert_eq!(prints(&browser.get(path).await).len(), 1);
    assert_eq!((prove(&server, &old).await, prove(&server, &new).await.as_u16()), (StatusCode::OK, 401));
    let added =
        act(&mut browser, path, &[("do", "key-add"), ("key_label", "The <new> one"), ("keys", &new.certificate)]).await;
    assert_eq!(added.location(), "/admin/clients/signer?done=key-added");
    server.clock.advance(2);
    assert_eq!((prove(&server, &old).await, prove(&server, &new).await), (StatusCode::OK, StatusCode::OK));
    server.app.counters.flush(server.app.store.as_ref(), &server.app.env).await.unwrap();
    let page = browser.get(path).await;
    let keys = prints(&page);
    assert_eq!(keys.len(), 2);
    assert!(
        page.body.contains("The &#60;new&#62; one") && page.body.matches("last used").count() == 2,
        "{}",
        page.body
    );
    assert!(page.body.contains("P-256 certificate") && page.body.contains(", until "));

    act(&mut browser, path, &[("do", "key-off"), ("key", &keys[0])]).await.location();
    server.clock.advance(2);
    assert_eq!((prove(&server, &old).await.as_u16(), prove(&server, &new).await), (401, StatusCode::OK));
    // Registered once more by other means, it stays off.
    let read = server.app.store.versioned_client("signer").await.unwrap().unwrap();
    let mut again = read.value;
    assert!(again.options.keys.certificates.is_empty(), "{:?}", again.options.keys);
    again.options.keys = old.keys();
    server.app.store.edit_client(&again, read.version, None, &crate::people::change()).await.unwrap();
    server.clock.advance(2);
    assert_eq!(prove(&server, &old).await.as_u16(), 401);
    act(&mut browser, path, &[("do", "key-on"), ("key", &keys[0])]).await.location();
    server.clock.advance(2);
    assert_eq!(prove(&server, &old).await, StatusCode::OK);
    act(&mut browser, path, &[("do", "key-delete"), ("key", &keys[0])]).await.location();
    server.clock.advance(2);
    assert_eq!((prove(&server, &old).await.as_u16(), prints(&browser.get(path).await)), (401, keys[1..].to_vec()));
    let log = browser.get("/admin/audit.jsonl?kind=client&object=signer").await;
    for action in ["client.key.add", "client.key.disable", "client.key.enable", "client.key.delete"] {
        assert!(log.body.contains(action), "{action}");
    }
}

#[tokio::test]
async fn what_is_no_key_is_said_at_its_field() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let path = "/admin/clients/demo-web";
    let party = Party::new();
    act(&mut browser, path, &[("do", "key-add"), ("keys", &party.certificate)]).await.location();
    let private = "-----BEGIN PRIVATE KEY-----\nMIGHAgEA\n-----END PRIVATE KEY-----";
    for (keys, problem, kept) in [
        ("{ \"kty\": \"EC\" }", "key 1: of a kind", true),
        ("hello", "not a JWK Set", true),
        (&party.certificate, "is there already", true),
        (private, "this is a private key", false),
    ] {
        let page = act(&mut browser, path, &[("do", "key-add"), ("key_label", "Mine"), ("keys", keys)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{keys}");
        let said = page.body.split("id=\"keys-wrong\">").nth(1).unwrap().split('<').next().unwrap();
        assert!(said.contains(problem), "{said}");
        assert!(page.body.contains("aria-invalid=\"true\" aria-describedby=\"keys-wrong keys-hint\""), "{}", page.body);
        assert!(page.body.contains("value=\"Mine\""));
        let first = keys.split(['\n', '"']).next().unwrap();
        assert_eq!(page.body.matches("PRIVATE").count(), 0);
        assert_eq!(page.body.contains(&format!("\n{first}")), kept, "{}", page.body);
    }
}

#[tokio::test]
async fn claims_are_rows_that_come_and_go_without_scripts() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let path = "/admin/clients/demo-service";
    let version = browser.get(path).await.field("version");
    let usual = [
        ("version", version.as_str()),
        ("name", "A name that is typed"),
        ("auth_method", "client_secret"),
        ("grant client_credentials", "1"),
        ("scope", "orders:read"),
    ];
    let mut rows = vec![
        ("claim name 0", "tier"),
        ("claim kind 0", "text"),
        ("claim value 0", "gold"),
        ("claim name 1", "teams"),
        ("claim kind 1", "list"),
        ("claim value 1", "a\r\nb, c\r\n"),
        ("claim for 1", "client_credentials"),
    ];
    let send = |what: &'static str, rows: &[(&'static str, &'static str)]| [&usual[..], rows, &[("do", what)]].concat();
    let more = act(&mut browser, path, &send("claim-add", &rows)).await;
    assert_eq!(more.status, StatusCode::OK);
    for kept in ["value=\"A name that is typed\"", "value=\"tier\"", "b, c", "name=\"claim name 2\""] {
        assert!(more.body.contains(kept), "{kept}: {}", more.body);
    }
    let less = act(&mut browser, path, &send("claim-remove 0", &rows)).await;
    assert!(
        !less.body.contains("value=\"tier\"")
            && less.body.contains("name=\"claim name 0\" type=\"text\" value=\"teams\"")
    );
    // Nothing of that was stored.
    assert!(!browser.get(path).await.body.contains("value=\"teams\""));

    rows.extend([("claim name 2", "seats"), ("claim kind 2", "number"), ("claim value 2", "many")]);
    let wrong = act(&mut browser, path, &send("save", &rows)).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("id=\"claim-wrong-2\">This is no number"), "{}", wrong.body);
    assert!(wrong.body.contains("value=\"seats\"") && wrong.body.contains("\nmany</textarea>"));
    *rows.last_mut().unwrap() = ("claim value 2", "7");
    rows.extend([("claim name 3", "beta"), ("claim kind 3", "boolean"), ("claim value 3", "true")]);
    let mut reserved = rows.clone();
    reserved.extend([("claim name 4", "sub"), ("claim kind 4", "text"), ("claim value 4", "root")]);
    let refused = act(&mut browser, path, &send("save", &reserved)).await;
    assert!(refused.body.contains("id=\"claim-wrong-4\">The claim sub is reserved"), "{}", refused.body);
    assert_eq!(
        act(&mut browser, path, &send("save", &rows)).await.location(),
        "/admin/clients/demo%2Dservice?done=saved"
    );
    let stored = server.app.store.versioned_client("demo-service").await.unwrap().unwrap().value;
    let written = serde_json::to_value(&stored.options).unwrap();
    assert_eq!(written["claims"], json!({ "tier": "gold", "seats": 7, "beta": true }));
    assert_eq!(written["grant_claims"], json!({ "client_credentials": { "teams": ["a", "b, c"] } }));
    let page = browser.get(path).await;
    assert!(page.body.contains("value=\"seats\"") && page.body.contains("\na\nb, c</textarea>"), "{}", page.body);
}

#[tokio::test]
async fn every_option_has_a_field_and_stays_as_it_is() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let fields = [
        ("client_id", "all"),
        ("name", "All of it"),
        ("auth_method", "client_secret"),
        ("grant client_credentials", "1"),
        ("web_origins", "https://shop.example\nhttp://localhost:3000"),
        ("scope", "orders:read"),
        ("access_token_format", "opaque"),
        ("access_token_lifetime", "120"),
        ("refresh_mode", "preserve"),
        ("refresh_lifetime", "3600"),
        ("refresh_absolute_lifetime", "7200"),
        ("resources", "https://a.example\nhttps://b.example"),
        ("request_claims", "channel tier"),
        ("jwks_uri", "https://keys.example/jwks"),
        ("token_endpoint_auth_signing_alg", "ES256"),
        ("assertion_subjects", "people"),
        ("exchange_delegation", "1"),
        ("exchange_audiences", "https://c.example"),
        ("require_pkce", "1"),
        ("dpop_bound_access_tokens", "1"),
    ];
    let made = act(&mut browser, "/admin/clients/new", &fields).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let read = || async { server.app.store.versioned_client("all").await.unwrap().unwrap().value.options };
    let options = read().await;
    assert_eq!((options.access_token_lifetime, options.refresh_lifetime), (Some(120), Some(3600)));
    assert_eq!(options.web_origins, ["https://shop.example", "http://localhost:3000"]);
    assert_eq!(options.request_claims, ["channel", "tier"]);
    assert!(options.token_exchange.delegation && !options.token_exchange.impersonation && options.require_pkce);
    assert_eq!(options.keys.jwks_uri.as_deref(), Some("https://keys.example/jwks"));
    // The form of the client, sent as it is shown, changes nothing.
    let page = browser.get("/admin/clients/all").await;
    let version = page.field("version");
    let mut same = fields.to_vec();
    same.extend([("do", "save"), ("version", version.as_str())]);
    act(&mut browser, "/admin/clients/all", &same).await.location();
    assert_eq!(read().await, options);
    for (field, value) in fields {
        let shown = [
            format!("name=\"{field}\" type=\"text\" value=\"{value}\""),
            format!("{value}</textarea>"),
            format!("<option value=\"{value}\" selected"),
            format!("name=\"{field}\" value=\"1\" checked"),
        ];
        assert!(field == "client_id" || shown.iter().any(|text| page.body.contains(text)), "{field}");
    }
    // What is wrong is said where it is.
    let version = browser.get("/admin/clients/all").await.field("version");
    let same: Vec<_> =
        same.into_iter().filter(|(name, _)| *name != "version").chain([("version", &*version)]).collect();
    for (field, value) in [
        ("access_token_lifetime", "soon"),
        ("web_origins", "https://shop.example/"),
        ("access_token_signing_alg", "none"),
        ("scope", "nothing:known"),
        ("redirect_uris", "https://shop.example/cb#fragment"),
        ("request_claims", "sub"),
        ("tls_value", "CN=x"),
    ] {
        let typed: Vec<_> = same.iter().copied().filter(|(name, _)| *name != field).chain([(field, value)]).collect();
        let wrong = act(&mut browser, "/admin/clients/all", &typed).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert!(wrong.body.contains(&format!("id=\"{field}-wrong\"")), "{field}: {}", wrong.body);
    }
}

#[tokio::test]
async fn pages_of_other_origins_cannot_act_as_a_client_that_names_its_own() {
    let server = Server::start().await;
    let mut shop = client("shop", Some("s"), &[GrantType::ClientCredentials]);
    shop.options.web_origins = vec!["https://shop.example".to_owned()];
    server.app.store.create_client(&shop).await.unwrap();
    let ask = async |origin: Option<&str>| {
        let pairs = vec![("grant_type", "client_credentials")];
        let headers: Vec<_> = origin.map(|origin| ("origin", origin)).into_iter().collect();
        server.post_with("/oauth2/token", Some(("shop", "s")), pairs, &headers).await.status.as_u16()
    };
    assert_eq!((ask(None).await, ask(Some("https://shop.example")).await), (200, 200));
    for other in ["https://evil.example", "https://shop.example.evil", "http://shop.example", "null"] {
        assert_eq!(ask(Some(other)).await, 401, "{other}");
    }
}

#[tokio::test]
async fn what_was_typed_about_scopes_and_people_stays_too() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let kept = |page: &Answer, field: &str, value: &str| {
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains(&format!("id=\"{field}-wrong\"")), "{field}: {}", page.body);
        assert!(page.body.contains(&format!("value=\"{value}\"")), "{value}: {}", page.body);
    };
    let new = act(&mut browser, "/admin/people", &[("username", "carla"), ("password", "short"), ("admin", "1")]).await;
    kept(&new, "password", "carla");
    assert!(new.body.contains("name=\"admin\" value=\"1\" checked") && !new.body.contains("value=\"short\""));
    let taken = act(&mut browser, "/admin/people", &[("username", "Alice"), ("password", "long enough, this")]).await;
    kept(&taken, "username", "Alice");
    let path = "/admin/people/person-alice";
    let version = browser.get(path).await.field("version");
    let renamed =
        act(&mut browser, path, &[("do", "save"), ("version", &version), ("username", " x"), ("admin", "1")]).await;
    kept(&renamed, "username", " x");
    let scope = act(&mut browser, "/admin/scopes", &[("name", "orders:read"), ("title", "Mine")]).await;
    kept(&scope, "name", "orders:read");
    let path = "/admin/scopes/orders:read";
    let version = browser.get(path).await.field("version");
    let long = "x".repeat(300);
    let fields = [("do", "save"), ("version", version.as_str()), ("title", &long), ("description", "Kept.")];
    kept(&act(&mut browser, path, &fields).await, "title", "Kept.");
}

#[tokio::test]
async fn types_of_authorization_details_are_made_edited_and_go() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let fields = [
        ("name", "payment"),
        ("title", "Make a payment"),
        ("field name 0", "amount"),
        ("field title 0", "Amount"),
        ("field required 0", "1"),
        ("field name 1", "currency"),
        ("field values 1", "EUR\nUSD"),
    ];
    let wrong = act(&mut browser, "/admin/details/new", &fields).await;
    assert!(wrong.body.contains("id=\"field-wrong-1\">Say what people see") && wrong.body.contains("value=\"amount\""));
    let more = act(&mut browser, "/admin/details/new", &[&fields[..], &[("do", "field-add")]].concat()).await;
    assert!(more.body.contains("name=\"field name 2\"") && more.body.contains("EUR\nUSD</textarea>"), "{}", more.body);
    let whole = [&fields[..], &[("field title 1", "Currency")]].concat();
    act(&mut browser, "/admin/details/new", &whole).await.location();
    let types = server.app.store.authorization_types().await.unwrap();
    assert!(types[0].fields["amount"].required && types[0].fields["currency"].values == ["EUR", "USD"]);
    let taken = act(&mut browser, "/admin/details/new", &whole).await;
    assert!(taken.body.contains("id=\"name-wrong\">Authorization type of this name exists already"), "{}", taken.body);
    let page = browser.get("/admin/details/payment").await;
    assert!(
        page.body.contains("name=\"field required 0\" value=\"1\" checked") && !page.body.contains("name=\"name\"")
    );
    let client = browser.get("/admin/clients/demo-web").await;
    assert!(client.body.contains("name=\"details payment\" value=\"1\">"), "{}", client.body);
    // Somebody else changes it: what was typed stays, and is saved once that was seen.
    let version = page.field("version");
    act(&mut browser, "/admin/details/payment", &[&whole[1..], &[("version", &version)]].concat()).await.location();
    let mut late = whole[1..].to_vec();
    late.extend([("version", version.as_str()), ("description", "Typed slowly")]);
    let overtaken = act(&mut browser, "/admin/details/payment", &late).await;
    assert_eq!(overtaken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(overtaken.body.contains("in the meantime") && overtaken.body.contains("value=\"Typed slowly\""));
    let stale = act(&mut browser, "/admin/details/payment", &[("do", "delete"), ("version", &version)]).await;
    assert!(stale.status == StatusCode::UNPROCESSABLE_ENTITY && stale.body.contains("in the meantime"));
    let now = overtaken.field("version");
    late.extend([("do", "save")]);
    late.retain(|(name, _)| *name != "version");
    late.push(("version", &now));
    act(&mut browser, "/admin/details/payment", &late).await.location();
    let version = browser.get("/admin/details/payment").await.field("version");
    act(&mut browser, "/admin/details/payment", &[("do", "delete"), ("version", &version)]).await.location();
    assert!(server.app.store.authorization_types().await.unwrap().is_empty());
    assert_eq!(browser.get("/admin/details/payment").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_scope_that_is_a_uri_has_a_page() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let fields = [("name", "https://api.example/orders.read"), ("title", "Read your orders")];
    act(&mut browser, "/admin/scopes", &fields).await.location();
    let list = browser.get("/admin/scopes").await;
    let path = "/admin/scopes/https%3A%2F%2Fapi%2Eexample%2Forders%2Eread";
    assert!(list.body.contains(&format!("href=\"{path}\"")), "{}", list.body);
    let version = browser.get(path).await.field("version");
    let edit = [("do", "save"), ("version", version.as_str()), ("title", "Read them")];
    act(&mut browser, path, &edit).await.location();
    assert!(browser.get(path).await.body.contains("value=\"Read them\""));
}

#[tokio::test]
async fn what_is_wrong_with_an_issuer_is_said_at_its_field() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let party = Party::new();
    let usual = [("issuer", "https://idp.example"), ("certificates", party.certificate.as_str())];
    for (field, value, at) in [
        ("issuer", "", "issuer"),
        ("certificates", "", "jwks_uri"),
        ("certificates", "no certificate", "certificates"),
        ("jwks_uri", "http://elsewhere.example/jwks", "jwks_uri"),
        ("jwks", "{", "jwks"),
        ("jwks", "{\"keys\":[]}", "jwks"),
        ("scope", "a \"b", "scope"),
        ("clients", "nobody", "clients"),
        ("claims", "sub=sub", "claims"),
    ] {
        let typed: Vec<_> = usual.iter().copied().filter(|(name, _)| *name != field).chain([(field, value)]).collect();
        let page = act(&mut browser, "/admin/issuers", &typed).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert!(page.body.contains(&format!("id=\"{at}-wrong\"")), "{field}: {}", page.body);
        assert_eq!(page.body.matches("class=\"wrong\"").count(), 1, "{field}");
    }
    act(&mut browser, "/admin/issuers", &usual).await.location();
    let twice = act(&mut browser, "/admin/issuers", &usual).await;
    assert!(twice.body.contains("id=\"issuer-wrong\">Issuer of this name exists already"), "{}", twice.body);
    // A private key is not sent back.
    let private = [usual[0], ("jwks", "{\"keys\":[{\"kty\":\"EC\",\"d\":\"for-nobody\"}]}")];
    let page = act(&mut browser, "/admin/issuers", &private).await;
    assert!(page.body.contains("id=\"jwks-wrong\"") && !page.body.contains("for-nobody"), "{}", page.body);
}

#[tokio::test]
async fn an_issuer_is_edited_as_it_was_seen() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let party = Party::new();
    let name = "https://idp.example/a?b=c&d";
    let usual = [("issuer", name), ("certificates", party.certificate.as_str()), ("claims", "dept=department")];
    act(&mut browser, "/admin/issuers", &usual).await.location();
    let path = "/admin/issuers/one?issuer=https%3A%2F%2Fidp.example%2Fa%3Fb%3Dc%26d";
    let list = browser.get("/admin/issuers").await;
    assert!(list.body.contains(&format!("href=\"{path}\"")), "{}", list.body);
    let page = browser.get(path).await;
    assert!(page.body.contains("dept=department</textarea>") && page.body.contains("BEGIN CERTIFICATE"));
    let version = page.field("version");
    // Sent as it is shown it stays as it is; the version tells that somebody was there.
    let form = |version: &str, scope: &str| {
        let own = [("do", "save"), ("version", version), ("scope", scope)];
        [&usual[1..], &own[..]].concat().into_iter().map(|(a, b)| (a.to_owned(), b.to_owned())).collect::<Vec<_>>()
    };
    let send = async |browser: &mut crate::support::Browser<'_>, form: Vec<(String, String)>| {
        let pairs: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        act(browser, path, &pairs).await
    };
    let before = server.admin().issuer(name).await.unwrap();
    assert_eq!(send(&mut browser, form(&version, "")).await.location(), "/admin/issuers?done=saved");
    assert_eq!(server.admin().issuer(name).await.unwrap().spec(), before.spec());
    let overtaken = send(&mut browser, form(&version, "typed:slowly")).await;
    assert_eq!(overtaken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(overtaken.body.contains("in the meantime") && overtaken.body.contains("value=\"typed:slowly\""));
    assert_eq!(server.admin().issuer(name).await.unwrap().scope, None);
    let stale = act(&mut browser, path, &[("do", "remove"), ("version", &version)]).await;
    assert!(stale.status == StatusCode::UNPROCESSABLE_ENTITY && stale.body.contains("in the meantime"));
    send(&mut browser, form(&overtaken.field("version"), "typed:slowly")).await.location();
    let now = server.admin().issuer(name).await.unwrap();
    assert_eq!(now.scope.as_deref(), Some("typed:slowly"));
    // Whoever has to sign in first comes back to it; whoever did so in another tab loses nothing.
    let nobody = server.browser().post(path, vec![("do", "save")]).await.location();
    assert!(nobody.starts_with("/login?"), "{nobody}");
    let csrf = browser.get(path).await.field("csrf");
    browser.cookies = server.browser_of_alice().await.cookies;
    let version = now.version.to_string();
    let remove = [("csrf", csrf.as_str()), ("do", "remove"), ("version", &version)];
    let again = browser.post(path, remove.to_vec()).await;
    assert!(again.body.contains(&format!("action=\"{path}\"")), "{}", again.body);
    act(&mut browser, path, &remove[1..]).await.location();
    assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_was_typed_before_the_browser_was_closed_is_not_lost() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let page = browser.get("/admin/scopes").await;
    let fields = [("csrf", page.field("csrf")), ("name", "new".to_owned()), ("title", "<b>\"Typed\"</b>".to_owned())];
    let form = || fields.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>();
    // The browser was closed, came back with the page, and she signed in again.
    browser.cookies = server.browser_of_alice().await.cookies;
    let again = browser.post("/admin/scopes", form()).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
    assert!(
        again.body.contains("Send it again") && again.body.contains("value=\"&#60;b&#62;&#34;Typed&#34;&#60;/b&#62;\""),
        "{}",
        again.body
    );
    assert!(server.admin().scope("new").await.is_err(), "nothing was done");
    let csrf = again.field("csrf");
    let mut resent = form();
    resent[0].1 = &csrf;
    assert_eq!(browser.post("/admin/scopes", resent).await.location(), "/admin/scopes?done=scope");
    // A password is typed again.
    let people = [("csrf", fields[0].1.as_str()), ("username", "bob"), ("password", "a long password"), ("do", "add")];
    let people = browser.post("/admin/people", people.to_vec()).await;
    assert!(people.body.contains("value=\"bob\"") && !people.body.contains("a long password"), "{}", people.body);
    assert!(people.body.contains("type=\"password\""));
    // Where the browser does not say that the form is ours, it goes nowhere.
    let bare = browser.post_with("/admin/scopes", form(), &[]).await;
    assert!(bare.status == StatusCode::FORBIDDEN && !bare.body.contains("Send it again"));
}

#[tokio::test]
async fn a_page_that_shows_a_secret_is_not_done_again_by_loading_it_again() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let blank = browser.get("/admin/clients/new").await;
    let (csrf, once) = (blank.field("csrf"), blank.field("once"));
    let form = vec![
        ("csrf", csrf.as_str()),
        ("once", &once),
        ("do", "save"),
        ("client_id", ""),
        ("name", "Loaded again"),
        ("auth_method", "client_secret"),
        ("grant client_credentials", "1"),
    ];
    let made = browser.post("/admin/clients/new", form.clone()).await;
    assert!(made.status == StatusCode::OK && made.body.contains("shown this once"), "{}", made.body);
    assert_eq!(made.header("cache-control"), "no-store");
    assert_eq!(browser.post("/admin/clients/new", form).await.location(), "/admin/clients?done=twice");
    let found = server.admin().clients(Some("Loaded again"), None, 10).await.unwrap().items;
    assert_eq!(found.len(), 1);

    let path = format!("/admin/clients/{}", found[0].client_id);
    let page = browser.get(&path).await;
    assert!(!page.body.contains("shown this once"));
    let (csrf, once) = (page.field("csrf"), page.field("once"));
    let form = vec![("csrf", csrf.as_str()), ("once", &once), ("do", "secret-add"), ("label", "two")];
    assert!(browser.post(&path, form.clone()).await.body.contains("shown this once"));
    assert_eq!(browser.post(&path, form).await.location(), format!("{path}?done=twice"));
    assert_eq!(server.admin().client(&found[0].client_id).await.unwrap().secrets.len(), 2);
}

#[tokio::test]
async fn where_something_is_wrong_the_cursor_is() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let wrong = act(&mut browser, "/admin/scopes", &[("name", "a b"), ("title", "A")]).await;
    assert_eq!(wrong.body.matches("autofocus").count(), 1, "{}", wrong.body);
    assert!(
        wrong.body.contains("name=\"name\"")
            && wrong.body.contains("aria-describedby=\"name-wrong name-hint\" autofocus>")
    );
    assert!(!browser.get("/admin/scopes").await.body.contains("autofocus"));
}

#[tokio::test]
async fn the_audit_log_is_filtered_by_day() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    act(&mut browser, "/admin/clients/demo-service", &[("do", "disable")]).await.location();
    // The clock of these tests stands at 2027-01-15.
    for (since, found) in [("2027-01-15", true), ("2027-01-16", false), ("not a day", true), ("", true)] {
        let page = browser.get(&format!("/admin/audit?action=client.disable&since={}", since.replace(' ', "+"))).await;
        assert_eq!(page.body.contains("<code>demo-service</code>"), found, "{since}");
        let export =
            browser.get(&format!("/admin/audit.jsonl?action=client.disable&since={}", since.replace(' ', "+"))).await;
        assert_eq!(export.body.lines().count(), usize::from(found), "{since}");
    }
    let page = browser.get("/admin/audit?since=2027-01-15").await;
    assert!(
        page.body.contains("name=\"since\" type=\"date\" value=\"2027-01-15\"")
            && page.body.contains("audit.jsonl?since=2027-01-15")
    );
}

#[tokio::test]
async fn what_was_typed_over_what_somebody_else_saved_is_kept() {
    let server = with_admin().await;
    let mut browser = server.browser_of_alice().await;
    let page = browser.get("/admin/clients/demo-service").await;
    let (csrf, version) = (page.field("csrf"), page.field("version"));
    act(&mut browser, "/admin/clients/demo-service", &[("do", "disable")]).await.location();
    let form = |version: &str, csrf: &str| {
        [
            ("csrf", csrf),
            ("version", version),
            ("do", "save"),
            ("name", "Typed slowly"),
            ("auth_method", "client_secret"),
            ("grant client_credentials", "1"),
            ("scope", "orders:read"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let post = async |browser: &mut crate::support::Browser<'_>, form: &[(String, String)]| {
        let pairs = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.post("/admin/clients/demo-service", pairs).await
    };
    let overtaken = post(&mut browser, &form(&version, &csrf)).await;
    assert_eq!(overtaken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(overtaken.body.contains("in the meantime") && overtaken.body.contains("value=\"Typed slowly\""));
    assert_ne!(server.admin().client("demo-service").await.unwrap().name, "Typed slowly");
    // Knowing that, she saves it.
    post(&mut browser, &form(&overtaken.field("version"), &csrf)).await.location();
    let saved = server.admin().client("demo-service").await.unwrap();
    assert!(saved.name == "Typed slowly" && saved.disabled_at.is_some(), "{saved:?}");
}
