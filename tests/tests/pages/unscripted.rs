//! With scripts turned off people sign in, agree and use the whole console: each kind of thing is made, edited and ended.

use bearward_tests::artifacts::{self, Profile};
use bearward_tests::authserver::Alone;
use bearward_tests::browser::Browser;
use bearward_tests::demo;
use bearward_tests::tour::{open, press, sign_in};
use fantoccini::Locator;
use serde_json::json;

struct Page<'a> {
    browser: &'a Browser,
    url: &'a str,
}

impl Page<'_> {
    async fn open(&self, path: &str) {
        open(self.browser, &format!("{}{path}", self.url)).await.unwrap();
    }

    async fn fill(&self, fields: &[(&str, &str)]) {
        for (id, text) in fields {
            let field = self.browser.client.find(Locator::Css(&format!("#{id}"))).await.unwrap();
            field.clear().await.unwrap();
            field.send_keys(text).await.unwrap();
        }
    }

    async fn tick(&self, name: &str) {
        let box_ = self.browser.client.find(Locator::Css(&format!("input[name='{name}']"))).await.unwrap();
        box_.click().await.unwrap();
    }

    /// Presses what ends a form, and reads what the next page says was done.
    async fn press(&self, selector: &str, said: &str) {
        press(self.browser, selector).await.unwrap_or_else(|error| panic!("{selector}: {error}"));
        let page = self.browser.client.source().await.unwrap();
        assert!(page.contains(said), "after {selector} no “{said}”: {page}");
    }

    /// Opens what is folded away first.
    async fn unfold(&self, selector: &str) {
        press(self.browser, selector).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_is_used_without_scripts() {
    let server = Alone::start(artifacts::authserver(Profile::Dev).unwrap()).await.unwrap();
    let browser = Browser::start().await.unwrap();
    browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await.unwrap();
    open(&browser, "data:text/html,<title>off</title><script>document.title = 'on'</script>").await.unwrap();
    assert_eq!(browser.client.title().await.unwrap(), "off");
    let page = Page { browser: &browser, url: &server.url };

    // A person signs in and agrees, so that there is a grant.
    let query = format!(
        "response_type=code&client_id={}&redirect_uri={}&scope=orders:read\
         &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        demo::WEB,
        demo::REDIRECT
    );
    page.open(&format!("/oauth2/authorize?{query}")).await;
    sign_in(&browser, demo::USERNAME, demo::PASSWORD).await.unwrap();
    press(&browser, "button[value=allow]").await.unwrap();
    // The answer went to a client that is not there.
    page.open("/account").await;
    browser.client.delete_all_cookies().await.unwrap();
    page.open("/admin/scopes").await;
    sign_in(&browser, demo::ADMIN, demo::ADMIN_PASSWORD).await.unwrap();

    page.fill(&[("name", "parcels:read"), ("title", "Read your parcels")]).await;
    page.press("form.panel button", "The scope is there.").await;
    page.open("/admin/scopes/parcels:read").await;
    page.fill(&[("title", "See your parcels")]).await;
    page.press("button[value=save]", "Saved.").await;
    page.open("/admin/scopes/parcels:read").await;
    page.press("button[value=delete]", "Deleted.").await;

    page.open("/admin/clients/new").await;
    page.fill(&[
        ("client_id", "parcels"),
        ("name", "Parcels"),
        ("redirect_uris", "https://parcels.example/cb"),
        ("scope", "orders:read"),
    ])
    .await;
    page.tick("first_party").await;
    page.press("button.primary[value=save]", "shown this once").await;
    page.open("/admin/clients/parcels").await;
    page.fill(&[("name", "All parcels")]).await;
    page.press("button[value=claim-add]", "claim-name-1").await;
    page.press("button.primary[value=save]", "Saved.").await;
    page.unfold("details:has(#label) summary").await;
    page.press("form:has(#label) button", "shown this once").await;
    page.press("button[value=secret-off]", "The secret is changed.").await;
    page.press("button[value=disable]", "Disabled.").await;
    page.press("button[value=enable]", "Enabled.").await;
    page.unfold("details:has(button[value=delete]) summary").await;
    page.press("button[value=delete]", "Deleted.").await;

    page.open("/admin/people").await;
    page.fill(&[("username", "bob"), ("password", "a good pass phrase")]).await;
    page.press("form.panel button", "The person can sign in now.").await;
    page.fill(&[("username", "robert")]).await;
    page.press("button[value=save]", "Saved.").await;
    page.fill(&[("password", "another pass phrase")]).await;
    page.press("button[value=password]", "Saved.").await;
    page.press("button[value=sign-out]", "Signed out everywhere").await;
    page.press("button[value=disable]", "Disabled.").await;
    page.unfold("details:has(button[value=delete]) summary").await;
    page.press("button[value=delete]", "Deleted.").await;

    page.open("/admin/registration").await;
    page.fill(&[("note", "Partner A"), ("scope", "orders:read")]).await;
    page.press("button[value=make]", "shown this once").await;
    page.press("button[value=revoke]", "registers nobody any more").await;

    page.open("/admin/issuers").await;
    page.fill(&[("issuer", "https://idp.example"), ("jwks_uri", "https://idp.example/jwks")]).await;
    page.press("form.panel button.primary", "Its assertions are believed.").await;
    page.open("/admin/issuers/one?issuer=https%3A%2F%2Fidp.example").await;
    page.fill(&[("scope", "orders:read")]).await;
    page.press("button[value=save]", "Saved.").await;
    page.open("/admin/issuers/one?issuer=https%3A%2F%2Fidp.example").await;
    page.press("button[value=remove]", "believed no more").await;

    page.open("/admin/details/new").await;
    page.fill(&[("name", "payment"), ("title", "Pay"), ("field-name-0", "amount"), ("field-title-0", "Amount")]).await;
    page.press("button[value=field-add]", "field-name-1").await;
    page.press("button.last", "Saved.").await;
    page.open("/admin/details/payment").await;
    page.press("button[value=delete]", "Deleted.").await;

    page.open(&format!("/admin/grants?person={}", demo::USERNAME)).await;
    page.press("button[aria-label^='Revoke what']", "Revoked, everywhere.").await;
    page.open("/admin/tokens").await;
    let token = client_credentials(&server.url).await;
    page.fill(&[("token", &token)]).await;
    page.press("form:has(#token) button", "It works, until").await;
    assert!(!browser.client.source().await.unwrap().contains(&token));
    page.press("section.found button.danger", "Revoked, everywhere.").await;
    page.fill(&[("token", &token)]).await;
    page.press("form:has(#token) button", "not good").await;
    page.fill(&[("jti", "some-token")]).await;
    page.press("form:has(#jti) button", "Revoked, everywhere.").await;
    page.open("/admin/keys").await;
    page.press("button[value=rotate]", "The next key is on its way.").await;
    // All of it is in the log, and a person reads it there.
    page.open("/admin/audit?kind=person&action=person.delete").await;
    assert!(browser.client.source().await.unwrap().contains("person.delete"));

    page.open("/account").await;
    page.press("form:has(input[value=sign-out]) button", "Sign in").await;
}

/// The access token of a service.
async fn client_credentials(url: &str) -> String {
    let request = reqwest::Client::new().post(format!("{url}/oauth2/token"));
    let request = request.basic_auth(demo::SERVICE, Some(demo::SERVICE_SECRET));
    let answer = request.form(&[("grant_type", "client_credentials")]).send().await.unwrap();
    let answer: serde_json::Value = answer.json().await.unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}
