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
            visit(url, callback).await?;
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
        agree(url).await
    }
}

/// By a browser without a window: signs in, agrees, and comes back to the client.
pub(super) async fn visit(url: &str, callback: &Callback) -> Result<()> {
    let browser = Browser::start().await?;
    open(&browser, url).await?;
    sign_in(&browser, Some(callback)).await
}

/// By a browser without a window: signs in and agrees to a device.
pub(super) async fn agree(url: &str) -> Result<()> {
    let browser = Browser::start().await?;
    open(&browser, url).await?;
    sign_in(&browser, None).await
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

/// Signs in where a page asks for it and agrees where one asks for that: until the client is reached, or, where nobody
/// waits for the person, until the page after the agreement.
async fn sign_in(browser: &Browser, callback: Option<&Callback>) -> Result<()> {
    let (mut signed_in, mut typed, mut agreed) = (false, false, false);
    wait::until("the person's part", Duration::from_secs(30), async || {
        if callback.is_some_and(Callback::arrived) {
            return Ok(());
        }
        let find = async |css: &str| browser.client.find(Locator::Css(css)).await.ok();
        let text = |error: fantoccini::error::CmdError| error.to_string();
        if let (false, Some(username), Some(password)) =
            (signed_in, find("input[name=username]").await, find("input[name=password]").await)
        {
            username.send_keys(demo::USERNAME).await.map_err(text)?;
            password.send_keys(demo::PASSWORD).await.map_err(text)?;
            find("form button[type=submit]").await.ok_or("no button to sign in")?.click().await.map_err(text)?;
            signed_in = true;
        } else if let Some(allow) = find("button[value=allow]").await {
            allow.click().await.map_err(text)?;
            agreed = true;
        } else if let (false, Some(_)) = (typed, find("input[name=user_code]").await) {
            // The link had the code in it, so the page has it already.
            find("form button[type=submit]").await.ok_or("no button to go on")?.click().await.map_err(text)?;
            typed = true;
        } else if callback.is_none() && agreed && find("h1").await.is_some() {
            return Ok(());
        }
        let here = browser.client.current_url().await.map_err(text)?;
        Err(format!("the browser is at {here}"))
    })
    .await
}
