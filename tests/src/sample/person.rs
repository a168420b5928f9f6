//! The person: at the real browser, or played by one without a window.

use super::{Answer, Callback, Sample, failed, show};
use crate::browser::Browser;
use crate::error::Result;
use crate::{demo, tour, wait};
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
            visit(url, End::Arrived(callback), None).await?;
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
        visit(url, End::Agreed, None).await
    }
}

/// When the person is done.
#[derive(Clone, Copy)]
pub(super) enum End<'a> {
    /// The client was reached, which listens here.
    Arrived(&'a Callback),
    /// A client that listens elsewhere, under this URL, says so on its page (`#done`).
    At(&'a str),
    /// After the agreement to a device.
    Agreed,
}

/// By a browser without a window: signs in, with a recovery code where a second factor is asked for, and agrees.
pub(super) async fn visit(url: &str, end: End<'_>, code: Option<&str>) -> Result<()> {
    let browser = Browser::start().await?;
    tour::open(&browser, url).await?;
    sign_in(&browser, end, code).await
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

/// Signs in where a page asks for it and agrees where one asks for that, until the end.
async fn sign_in(browser: &Browser, end: End<'_>, code: Option<&str>) -> Result<()> {
    let (mut signed_in, mut proven, mut typed, mut agreed) = (false, false, false, false);
    wait::until("the person's part", Duration::from_secs(30), async || {
        let find = async |css: &str| browser.client.find(Locator::Css(css)).await.ok();
        let text = |error: fantoccini::error::CmdError| error.to_string();
        let here = browser.client.current_url().await.map_err(text)?;
        let done = match end {
            End::Arrived(callback) => callback.arrived(),
            End::At(url) => here.as_str().starts_with(url) && find("#done").await.is_some(),
            End::Agreed => agreed && find("h1").await.is_some() && find("button[value=allow]").await.is_none(),
        };
        if done {
            return Ok(());
        }
        if let (false, Some(username), Some(password)) =
            (signed_in, find("input[name=username]").await, find("input[name=password]").await)
        {
            username.send_keys(demo::USERNAME).await.map_err(text)?;
            password.send_keys(demo::PASSWORD).await.map_err(text)?;
            find("form button[type=submit]").await.ok_or("no button to sign in")?.click().await.map_err(text)?;
            signed_in = true;
        } else if let (false, Some(code), Some(field)) = (proven, code, find("input[name=code]").await) {
            field.send_keys(code).await.map_err(text)?;
            find("form:has(input[name=code]) button").await.ok_or("no button to go on")?.click().await.map_err(text)?;
            proven = true;
        } else if let Some(allow) = find("button[value=allow]").await {
            allow.click().await.map_err(text)?;
            agreed = true;
        } else if let (false, Some(_)) = (typed, find("input[name=user_code]").await) {
            // The link had the code in it, so the page has it already.
            find("form button[type=submit]").await.ok_or("no button to go on")?.click().await.map_err(text)?;
            typed = true;
        }
        Err(format!("the browser is at {here}"))
    })
    .await
}
