//! The pages of devices, second factors and consent in all its shapes.

use super::{Name, fill, open, press, sign_in, words};
use crate::authserver::Alone;
use crate::browser::Browser;
use crate::error::{Error, Result};
use crate::{demo, sample, stack, tempdir};
use fantoccini::Locator;
use serde_json::{Value, json};

/// A client that lets people choose, and asks for more than scopes.
const SHOP: &str = r#"{"clients": [{
    "client_id": "tour-shop", "name": "Green Grocer", "auth_method": "none", "grant_types": ["authorization_code"],
    "redirect_uris": ["https://shop.example/back"], "scope": "orders:read orders:write",
    "options": {"partial_consent": true, "authorization_details_types": ["transfer"]}
}]}"#;
const TRANSFER: &str = r#"[{"type": "transfer", "amount": "12.50 EUR", "to": "Green Grocer Ltd"}]"#;

/// Alice is signed in, with a password alone; afterwards her account has an authenticator app.
pub(super) async fn tour(
    server: &Alone,
    browser: &Browser,
    at: &mut impl AsyncFnMut(Name) -> Result<()>,
) -> Result<()> {
    device(&server.url, browser, at).await?;
    consent(server, browser, at).await?;
    second_factor(&server.url, browser, at).await?;
    form_post(&server.url, browser, at).await
}

async fn device(url: &str, browser: &Browser, at: &mut impl AsyncFnMut(Name) -> Result<()>) -> Result<()> {
    let page = format!("{url}/device");
    open(browser, &page).await?;
    at("device").await?;
    fill(browser, &[("#user_code", "BBBB-BBBB")]).await?;
    press(browser, "button.primary").await?;
    at("device-wrong").await?;
    let request = stack::client()?.post(format!("{url}/oauth2/device_authorization"));
    let answer = request.form(&[("client_id", demo::DEVICE)]).send().await?.error_for_status()?;
    let answer: Value = answer.json().await?;
    let complete = answer.get("verification_uri_complete").and_then(Value::as_str).unwrap_or_default();
    open(browser, complete).await?;
    press(browser, "button.primary").await?;
    at("consent-device").await?;
    press(browser, "button[value=allow]").await?;
    at("device-done").await
}

async fn consent(server: &Alone, browser: &Browser, at: &mut impl AsyncFnMut(Name) -> Result<()>) -> Result<()> {
    let described = ["--title", "Make a transfer", "--field", "amount=Amount", "--field", "to=To"];
    server.server.cli(&[&["authorization-type", "set", "transfer"], &described[..]].concat())?;
    let dir = tempdir::TempDir::new()?;
    let file = dir.path().join("shop.json");
    std::fs::write(&file, SHOP).map_err(Error::io("writing a client"))?;
    server.server.cli(&["apply", "-f", &file.to_string_lossy()])?;
    let challenge = "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
    let query = format!("response_type=code&client_id=tour-shop&scope=orders:read+orders:write&{challenge}");
    let authorize = format!("{}/oauth2/authorize?{query}", server.url);
    open(browser, &authorize).await?;
    at("consent-partial").await?;
    let chosen = browser.client.find(Locator::Css("input[name='scope orders:write']")).await.map_err(words)?;
    chosen.click().await.map_err(words)?;
    // The answer goes to a client that is not there.
    press(browser, "button[value=allow]").await?;
    let details: String = url::form_urlencoded::byte_serialize(TRANSFER.as_bytes()).collect();
    open(browser, &format!("{authorize}&authorization_details={details}")).await?;
    at("consent-more").await
}

async fn second_factor(url: &str, browser: &Browser, at: &mut impl AsyncFnMut(Name) -> Result<()>) -> Result<()> {
    let account = format!("{url}/account");
    open(browser, &account).await?;
    let codes = sample::add_app(browser).await?;
    at("account-codes").await?;
    open(browser, &account).await?;
    at("account-secured").await?;
    browser.client.delete_all_cookies().await.map_err(words)?;
    open(browser, &account).await?;
    sign_in(browser, demo::USERNAME, demo::PASSWORD).await?;
    at("factor").await?;
    fill(browser, &[("#code", "000000")]).await?;
    press(browser, "form:not([hidden]) button[type=submit]").await?;
    at("factor-wrong").await?;
    fill(browser, &[("#code", codes.first().map(String::as_str).unwrap_or_default())]).await?;
    press(browser, "form:not([hidden]) button[type=submit]").await
}

/// The page that goes on by itself, held fast.
async fn form_post(url: &str, browser: &Browser, at: &mut impl AsyncFnMut(Name) -> Result<()>) -> Result<()> {
    let scripts = async |off: bool| {
        browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": off })).await.map(drop)
    };
    scripts(true).await?;
    let (client, back) = (demo::WEB, demo::REDIRECT);
    let query = format!("response_type=code&response_mode=form_post&client_id={client}&redirect_uri={back}&state=s");
    open(browser, &format!("{url}/oauth2/authorize?{query}&scope=orders:read")).await?;
    scripts(false).await?;
    at("form-post").await
}

/// Takes from the browser what forms are bound to, as closing it does, and leaves who is signed in.
pub(super) async fn forget_browser(browser: &Browser) -> Result<()> {
    for cookie in browser.client.get_all_cookies().await.map_err(words)? {
        if cookie.name().contains("bearward-browser") {
            browser.client.delete_cookie(cookie.name()).await.map_err(words)?;
        }
    }
    Ok(())
}
