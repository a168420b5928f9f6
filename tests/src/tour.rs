//! Every page that people see, one after the other, in a browser: for the pictures, and for whoever checks each page.

mod people;

use crate::authserver::Alone;
use crate::browser::Browser;
use crate::{Error, Result, demo, wait};
use bearward_token::feed::{FOLLOWER_HEADER, NODE_HEADER};
use fantoccini::Locator;
use std::time::Duration;

/// A name for the page that the browser shows now.
pub type Name = &'static str;

/// Visits every page of a server with the demo's accounts, and calls `at` on each.
///
/// # Errors
/// Whatever does not lead on, or `at` gives.
pub async fn tour(server: &Alone, browser: &Browser, mut at: impl AsyncFnMut(Name) -> Result<()>) -> Result<()> {
    let url = server.url.as_str();
    let authorize = |client: &str, redirect: &str| {
        format!(
            "{}/oauth2/authorize?response_type=code&client_id={client}&redirect_uri={redirect}&state=s\
             &scope=orders:read+orders:write&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
             &code_challenge_method=S256",
            url
        )
    };
    traffic(url).await?;
    open(browser, &authorize(demo::WEB, demo::REDIRECT)).await?;
    at("login").await?;
    sign_in(browser, demo::USERNAME, "not her password").await?;
    at("login-wrong").await?;
    sign_in(browser, demo::USERNAME, demo::PASSWORD).await?;
    at("consent").await?;
    // The answer goes to a client that is not there; that it was given is all that matters.
    press(browser, "button[value=allow]").await?;
    open(browser, &authorize(demo::WEB, "https://elsewhere.example")).await?;
    at("error").await?;
    open(browser, &format!("{url}/account")).await?;
    at("account").await?;
    prove(browser, "#factor-old", demo::PASSWORD).await?;
    at("account-factor").await?;
    open(browser, &format!("{url}/account")).await?;
    prove(browser, "#passkey-old", demo::PASSWORD).await?;
    at("account-passkey").await?;
    people::tour(server, browser, &mut at).await?;
    let console = format!("{url}/admin");
    browser.client.delete_all_cookies().await.map_err(words)?;
    open(browser, &console).await?;
    sign_in(browser, demo::ADMIN, demo::ADMIN_PASSWORD).await?;
    at("console").await?;
    for (name, path) in [
        ("console-clients", "/clients"),
        ("console-client-new", "/clients/new"),
        ("console-client", "/clients/demo-web"),
        ("console-registration", "/registration"),
        ("console-details", "/details"),
        ("console-detail-new", "/details/new"),
        ("console-scopes", "/scopes"),
        ("console-scope", "/scopes/orders:read"),
        ("console-people", "/people"),
        ("console-grants", "/grants"),
        ("console-tokens", "/tokens"),
        ("console-issuers", "/issuers"),
        ("console-keys", "/keys"),
        ("console-audit", "/audit"),
    ] {
        open(browser, &format!("{console}{path}")).await?;
        at(name).await?;
    }
    for (name, list) in [("console-person", "/people?q=alice"), ("console-issuer", "/issuers")] {
        open(browser, &format!("{console}{list}")).await?;
        press(browser, "tbody a").await?;
        at(name).await?;
    }
    open(browser, &format!("{console}/tokens")).await?;
    look_at(browser, &service_token(url).await?).await?;
    at("console-token").await?;
    press(browser, ".found button").await?;
    look_at(browser, "bw_at_broken").await?;
    at("console-token-broken").await?;
    open(browser, &format!("{console}/registration")).await?;
    fill(browser, &[("#note", "Partner A")]).await?;
    press(browser, "button[value=make]").await?;
    at("console-registration-token").await?;
    open(browser, &format!("{console}/clients/demo-web")).await?;
    add_key(browser, "This is no key.").await?;
    at("console-key-wrong").await?;
    add_key(browser, KEY).await?;
    at("console-key").await?;
    open(browser, &format!("{console}/details/new")).await?;
    let kind = [
        ("#name", "payment"),
        ("#title", "Make a payment"),
        ("#description", "Once, of this amount, to this account."),
        ("#field-name-0", "amount"),
        ("#field-title-0", "Amount"),
    ];
    fill(browser, &kind).await?;
    press(browser, "button[value=field-add]").await?;
    at("console-detail-rows").await?;
    press(browser, "button.last").await?;
    open(browser, &format!("{console}/scopes")).await?;
    fill(browser, &[("#name", "parcels:read"), ("#title", "Read your parcels")]).await?;
    people::forget_browser(browser).await?;
    press(browser, "form.panel button").await?;
    at("console-again").await?;
    open(browser, &format!("{console}/clients/demo-web")).await?;
    press(browser, "details:has(#label) summary").await?;
    press(browser, "form:has(#label) button").await?;
    at("console-secret").await?;
    open(browser, &format!("{console}/scopes")).await?;
    fill(browser, &[("#name", "parcels:write"), ("#title", "Send parcels")]).await?;
    browser.client.delete_all_cookies().await.map_err(words)?;
    press(browser, "form.panel button").await?;
    at("console-away").await?;
    let account = format!("{url}/account");
    open(browser, &account).await?;
    sign_in(browser, demo::ADMIN, demo::ADMIN_PASSWORD).await?;
    press(browser, "details:has(#new) summary").await?;
    fill(browser, &[("#old", demo::ADMIN_PASSWORD), ("#new", "another password"), ("#again", "another password")])
        .await?;
    browser.client.delete_all_cookies().await.map_err(words)?;
    press(browser, "details:has(#new) button").await?;
    at("account-away").await
}

/// What the console's first page has to show: tokens given and refused, and gateways that follow revocations.
async fn traffic(url: &str) -> Result<()> {
    let http = crate::stack::client()?;
    for turn in 0..24 {
        let secret = if turn % 6 == 5 { "wrong" } else { demo::SERVICE_SECRET };
        let request = http.post(format!("{url}/oauth2/token")).basic_auth(demo::SERVICE, Some(secret));
        request.form(&[("grant_type", "client_credentials")]).send().await?;
    }
    for (node, id) in
        [("edge-west-1", "5f0c9a4e11d2"), ("edge-west-2", "b7e2016c90aa"), ("edge-east-1", "08d4f7713c5b")]
    {
        let request = http.get(format!("{url}/mesh/revocations")).header(FOLLOWER_HEADER, id).header(NODE_HEADER, node);
        request.send().await?.error_for_status()?;
    }
    Ok(())
}

/// An access token of the demo's service.
async fn service_token(url: &str) -> Result<String> {
    let request = crate::stack::client()?.post(format!("{url}/oauth2/token"));
    let request = request.basic_auth(demo::SERVICE, Some(demo::SERVICE_SECRET));
    let answer = request.form(&[("grant_type", "client_credentials")]).send().await?.error_for_status()?;
    let answer: serde_json::Value = answer.json().await?;
    Ok(answer.get("access_token").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned())
}

/// Pastes a token into the page that says what it is.
async fn look_at(browser: &Browser, token: &str) -> Result<()> {
    fill(browser, &[("#token", token)]).await?;
    press(browser, "form:has(#token) button").await
}

/// A public key, of RFC 8037 appendix A.2.
const KEY: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"build server"}"#;

/// Pastes a key into the form of a client's page.
async fn add_key(browser: &Browser, text: &str) -> Result<()> {
    let field = browser.client.find(Locator::Css("#keys")).await.map_err(words)?;
    if !field.is_displayed().await.map_err(words)? {
        press(browser, "details:has(#keys) summary").await?;
    }
    field.clear().await.map_err(words)?;
    field.send_keys(text).await.map_err(words)?;
    press(browser, "form:has(#keys) button").await
}

/// Types into fields.
async fn fill(browser: &Browser, fields: &[(&str, &str)]) -> Result<()> {
    for (selector, text) in fields {
        let field = browser.client.find(Locator::Css(selector)).await.map_err(words)?;
        field.send_keys(text).await.map_err(words)?;
    }
    Ok(())
}

/// Opens a page.
///
/// # Errors
/// The driver's.
pub async fn open(browser: &Browser, url: &str) -> Result<()> {
    browser.client.goto(url).await.map_err(words)
}

/// Fills the sign-in page in, and sends it.
///
/// # Errors
/// The driver's.
pub async fn sign_in(browser: &Browser, username: &str, password: &str) -> Result<()> {
    for (name, value) in [("username", username), ("password", password)] {
        let field = browser.client.find(Locator::Css(&format!("input[name={name}]"))).await.map_err(words)?;
        field.clear().await.map_err(words)?;
        field.send_keys(value).await.map_err(words)?;
    }
    press(browser, "button[type=submit]").await
}

/// Opens what asks for the password in this field of the account page, gives it and goes on.
pub(crate) async fn prove(browser: &Browser, field: &str, password: &str) -> Result<()> {
    press(browser, &format!("details:has({field}) summary")).await?;
    fill(browser, &[(field, password)]).await?;
    press(browser, &format!("form:has({field}) button")).await
}

/// Presses what a selector finds, and waits for the page after it where there is one.
///
/// # Errors
/// The driver's, or that no page followed.
pub async fn press(browser: &Browser, selector: &str) -> Result<()> {
    let button = browser.client.find(Locator::Css(selector)).await.map_err(words)?;
    if button.tag_name().await.map_err(words)? == "summary" {
        return button.click().await.map_err(words);
    }
    button.clone().click().await.map_err(words)?;
    wait::until("the next page", Duration::from_secs(15), async || match button.tag_name().await {
        Ok(_) => Err("still the same".to_owned()),
        Err(_) => Ok(()),
    })
    .await
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn words(error: fantoccini::error::CmdError) -> Error {
    Error::Browser(error.to_string())
}
