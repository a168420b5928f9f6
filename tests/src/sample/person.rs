//! The person: at the real browser, or played by one without a window.

use super::{Answer, Callback, Sample, failed, show};
use crate::browser::Browser;
use crate::error::{Error, Result};
use crate::{demo, wait};
use fantoccini::Locator;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(300);

impl Sample {
    /// Sends the person to the authorization endpoint, and waits until they are back at the client.
    ///
    /// # Errors
    /// [`Error`] if they do not come back, or come back with an error.
    pub async fn authorize(&self, url: &str, callback: &Callback) -> Result<Answer> {
        println!("> GET {}", show::link(url));
        if self.headless {
            let browser = Browser::start().await?;
            open(&browser, url).await?;
            sign_in(&browser, || callback.arrived()).await?;
            // Until the page's script has sent what is in the fragment.
            let _ = tokio::time::timeout(Duration::from_secs(20), callback.answer()).await;
        } else {
            invite(url);
        }
        let answer = tokio::time::timeout(PATIENCE, callback.answer()).await;
        let answer = answer.map_err(|_| failed("waiting for the person", &"nobody came back"))?;
        println!("< 303 to {}", callback.url);
        for (name, value) in &answer {
            println!("{}", show::link(&format!("?{name}={value}")).replacen('?', "<     ", 1));
        }
        match answer.get("error") {
            None => Ok(answer),
            Some(error) => Err(failed("asking for authorization", error)),
        }
    }

    /// Sends the person to a page that wants them to sign in and to agree, and does not wait: the device's business.
    ///
    /// # Errors
    /// [`Error::Browser`]
    pub async fn verify_device(&self, url: &str) -> Result<()> {
        if !self.headless {
            invite(url);
            return Ok(());
        }
        let browser = Browser::start().await?;
        open(&browser, url).await?;
        sign_in(&browser, || false).await
    }
}

fn invite(url: &str) {
    println!("\nSign in as {} with {}:\n\n    {url}\n", demo::USERNAME, demo::PASSWORD);
    let opened = ["xdg-open", "open"]
        .iter()
        .any(|program| Command::new(program).arg(url).stdout(Stdio::null()).stderr(Stdio::null()).spawn().is_ok());
    if !opened {
        println!("(no program here opens a browser by itself)");
    }
}

async fn open(browser: &Browser, url: &str) -> Result<()> {
    browser.client.goto(url).await.map_err(|error| Error::Browser(error.to_string()))
}

/// Signs in where a page asks for it, agrees where one asks for that, until the client is reached, or a page without
/// anything to agree to follows the last agreement.
async fn sign_in(browser: &Browser, mut arrived: impl FnMut() -> bool) -> Result<()> {
    let mut signed_in = false;
    let mut agreed = false;
    wait::until("the person's part", Duration::from_secs(30), async || {
        if arrived() {
            return Ok(());
        }
        let find = async |css: &str| browser.client.find(Locator::Css(css)).await.ok();
        if let (false, Some(username), Some(password)) =
            (signed_in, find("input[name=username]").await, find("input[name=password]").await)
        {
            username.send_keys(demo::USERNAME).await.map_err(|error| error.to_string())?;
            password.send_keys(demo::PASSWORD).await.map_err(|error| error.to_string())?;
            let button = find("form button[type=submit]").await.ok_or("no button to sign in")?;
            button.click().await.map_err(|error| error.to_string())?;
            signed_in = true;
            return Err("signing in".to_owned());
        }
        if let Some(button) = find("button[value=allow]").await {
            button.click().await.map_err(|error| error.to_string())?;
            agreed = true;
            return Err("agreeing".to_owned());
        }
        let here = browser.client.current_url().await.map_err(|error| error.to_string())?;
        // A device's person is done when the page after the agreement is there.
        if agreed
            && find("h1").await.is_some()
            && find("button[value=allow]").await.is_none()
            && here.path().starts_with("/device")
        {
            return Ok(());
        }
        // A page that only wants what was typed for the person already: the device's code.
        if let (true, Some(_), Some(button)) = (
            signed_in || here.path() == "/device",
            find("input[name=user_code]").await,
            find("form button[type=submit]").await,
        ) {
            button.click().await.map_err(|error| error.to_string())?;
        }
        Err(format!("the browser is at {here}"))
    })
    .await
}
