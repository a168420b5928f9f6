//! The person adds an authenticator app to their account.

use super::failed;
use crate::browser::Browser;
use crate::error::Result;
use crate::{demo, tour};
use fantoccini::Locator;
use std::time::{SystemTime, UNIX_EPOCH};

/// By a browser without a window; gives the recovery codes, each of which stands in for the app once.
pub(super) async fn set_up(account: &str) -> Result<Vec<String>> {
    let browser = Browser::start().await?;
    tour::open(&browser, account).await?;
    tour::sign_in(&browser, demo::USERNAME, demo::PASSWORD).await?;
    add_app(&browser).await
}

/// At the account page, signed in; gives the recovery codes that the browser shows then.
pub(crate) async fn add_app(browser: &Browser) -> Result<Vec<String>> {
    tour::prove(browser, "#factor-old", demo::PASSWORD).await?;
    let key = texts(browser, ".key code").await?.concat();
    let field = browser.client.find(Locator::Css("#code")).await.map_err(|error| failed("its page", &error))?;
    field.send_keys(&code(&key)?).await.map_err(|error| failed("typing a code", &error))?;
    tour::press(browser, "form:has(#code) button").await?;
    texts(browser, ".codes code").await
}

async fn texts(browser: &Browser, css: &str) -> Result<Vec<String>> {
    let wrong = |error: fantoccini::error::CmdError| failed(css, &error);
    let mut texts = Vec::new();
    for element in browser.client.find_all(Locator::Css(css)).await.map_err(wrong)? {
        texts.push(element.text().await.map_err(wrong)?);
    }
    Ok(texts)
}

/// What the app shows now (RFC 6238), for the key as the page writes it: base32 in groups.
fn code(key: &str) -> Result<String> {
    let secret = totp_rs::Secret::try_from_base32(key.replace(' ', "")).map_err(|error| failed("the key", &error))?;
    let totp = totp_rs::Builder::new().with_secret(secret).build().map_err(|error| failed("the key", &error))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| failed("the clock", &error))?;
    Ok(totp.generate(now.as_secs()).to_string())
}
