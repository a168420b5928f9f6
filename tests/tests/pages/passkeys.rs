//! Passkeys in Chromium, with its virtual authenticator: made, used alone and after a password, removed.

use bearward_tests::artifacts::{self, Profile};
use bearward_tests::authserver::Alone;
use bearward_tests::browser::Browser;
use bearward_tests::demo;
use bearward_tests::tour::{open, press, sign_in};
use bearward_tests::wait;
use fantoccini::Locator;
use serde_json::{Value, json};
use std::time::Duration;

const FORM: &str = "form[data-passkey]";

/// Chromium's authenticator: a platform's own, with a finger on it or not.
struct Device<'a> {
    browser: &'a Browser,
    id: Value,
}

impl<'a> Device<'a> {
    async fn plugged(browser: &'a Browser) -> Self {
        // With its dialogs a browser waits for a person; without, for the authenticator alone.
        browser.devtools("WebAuthn.enable", json!({ "enableUI": false })).await.unwrap();
        let options = json!({ "options": {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
            "isUserVerified": true, "automaticPresenceSimulation": true,
        } });
        let added = browser.devtools("WebAuthn.addVirtualAuthenticator", options).await.unwrap();
        Self { browser, id: added["authenticatorId"].clone() }
    }

    /// Whether a finger is on it: with one, a page that offers passkeys in its field for the username signs in by itself.
    async fn touched(&self, enabled: bool) {
        let params = json!({ "authenticatorId": self.id, "enabled": enabled });
        self.browser.devtools("WebAuthn.setAutomaticPresenceSimulation", params).await.unwrap();
    }

    async fn passkeys(&self) -> usize {
        let params = json!({ "authenticatorId": self.id });
        let found = self.browser.devtools("WebAuthn.getCredentials", params).await.unwrap();
        found["credentials"].as_array().unwrap().len()
    }
}

/// Waits until the page says this.
async fn shows(browser: &Browser, text: &str) {
    wait::until(text, Duration::from_secs(15), async || {
        let body = browser.client.find(Locator::Css("body")).await.map_err(|error| error.to_string())?;
        let shown = body.text().await.map_err(|error| error.to_string())?;
        if shown.contains(text) { Ok(()) } else { Err(shown) }
    })
    .await
    .unwrap();
}

async fn type_into(browser: &Browser, selector: &str, text: &str) {
    browser.client.find(Locator::Css(selector)).await.unwrap().send_keys(text).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_made_used_and_removed() {
    let server = Alone::start(artifacts::authserver(Profile::Dev).unwrap()).await.unwrap();
    let browser = Browser::start().await.unwrap();
    let device = Device::plugged(&browser).await;
    let account = format!("{}/account", server.url);
    open(&browser, &account).await.unwrap();
    sign_in(&browser, demo::USERNAME, demo::PASSWORD).await.unwrap();

    press(&browser, "details:has(#passkey-old) summary").await.unwrap();
    type_into(&browser, "#passkey-old", demo::PASSWORD).await;
    press(&browser, "form:has(#passkey-old) button").await.unwrap();
    press(&browser, &format!("{FORM} button")).await.unwrap();
    shows(&browser, "Your recovery codes").await;
    assert_eq!(device.passkeys().await, 1);

    // Alone.
    device.touched(false).await;
    browser.client.delete_all_cookies().await.unwrap();
    open(&browser, &account).await.unwrap();
    device.touched(true).await;
    press(&browser, &format!("{FORM} button")).await.unwrap();
    shows(&browser, "last used").await;

    // After the password.
    device.touched(false).await;
    browser.client.delete_all_cookies().await.unwrap();
    open(&browser, &account).await.unwrap();
    sign_in(&browser, demo::USERNAME, demo::PASSWORD).await.unwrap();
    shows(&browser, "One more step").await;
    device.touched(true).await;
    press(&browser, &format!("{FORM} button")).await.unwrap();
    shows(&browser, "Your account").await;

    press(&browser, ".rows details summary").await.unwrap();
    type_into(&browser, "#remove-1", demo::PASSWORD).await;
    press(&browser, "form:has(#remove-1) button").await.unwrap();
    shows(&browser, "That passkey signs nobody in any more").await;
    // The device still has it.
    device.touched(false).await;
    browser.client.delete_all_cookies().await.unwrap();
    open(&browser, &account).await.unwrap();
    device.touched(true).await;
    press(&browser, &format!("{FORM} button")).await.unwrap();
    // A finger that stays on it would try again and again.
    device.touched(false).await;
    shows(&browser, "That passkey does not fit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_or_elsewhere_the_page_says_what_to_do() {
    let server = Alone::start(artifacts::authserver(Profile::Dev).unwrap()).await.unwrap();
    let browser = Browser::start().await.unwrap();
    let account = format!("{}/account", server.url);
    // The same server under another name: a passkey would not be believed there, so none is offered.
    open(&browser, &account.replace("localhost", "127.0.0.1")).await.unwrap();
    assert!(!browser.client.find(Locator::Css(FORM)).await.unwrap().is_displayed().await.unwrap());
    browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await.unwrap();
    open(&browser, &account).await.unwrap();
    assert!(!browser.client.find(Locator::Css(FORM)).await.unwrap().is_displayed().await.unwrap());
    shows(&browser, "Without it, use your password").await;
    sign_in(&browser, demo::USERNAME, demo::PASSWORD).await.unwrap();
    shows(&browser, "Your account").await;
}
