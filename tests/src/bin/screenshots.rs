//! `make screenshots`: the pages that people see, on a phone and on a desktop, in light and in dark, written to
//! `.bearward/screenshots`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to the person who runs it")]

use bearward_tests::artifacts::Profile;
use bearward_tests::browser::Browser;
use bearward_tests::stack::{Options, Parts, Stack};
use bearward_tests::{Error, Result, demo, wait, workspace};
use fantoccini::Locator;
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

const WIDTHS: [u32; 2] = [390, 1280];
const SCHEMES: [&str; 2] = ["light", "dark"];

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bearward: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let parts = Parts::get(Profile::Dev, &|step| println!("bearward: {step}"))?;
    let stack = Stack::start(&parts, &Options::default()).await?;
    let browser = Browser::start().await?;
    let authorize = |client: &str, redirect: &str| {
        format!(
            "{}/oauth2/authorize?response_type=code&client_id={client}&redirect_uri={redirect}&state=s\
             &scope=orders:read+orders:write&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
             &code_challenge_method=S256",
            stack.url
        )
    };
    open(&browser, &authorize(demo::WEB, demo::REDIRECT)).await?;
    shoot(&browser, "login").await?;
    sign_in(&browser, "not her password").await?;
    shoot(&browser, "login-wrong").await?;
    sign_in(&browser, demo::PASSWORD).await?;
    shoot(&browser, "consent").await?;
    open(&browser, &authorize(demo::WEB, "https://elsewhere.example")).await?;
    shoot(&browser, "error").await
}

async fn open(browser: &Browser, url: &str) -> Result<()> {
    browser.client.goto(url).await.map_err(words)
}

async fn sign_in(browser: &Browser, password: &str) -> Result<()> {
    let before = browser.client.find(Locator::Css("form")).await.map_err(words)?;
    for (name, value) in [("username", demo::USERNAME), ("password", password)] {
        let field = browser.client.find(Locator::Css(&format!("input[name={name}]"))).await.map_err(words)?;
        field.clear().await.map_err(words)?;
        field.send_keys(value).await.map_err(words)?;
    }
    browser.client.find(Locator::Css("button[type=submit]")).await.map_err(words)?.click().await.map_err(words)?;
    // The next page is there when this one's form is not.
    wait::until("the next page", Duration::from_secs(15), async || match before.tag_name().await {
        Ok(_) => Err("still the same".to_owned()),
        Err(_) => Ok(()),
    })
    .await
}

async fn shoot(browser: &Browser, name: &str) -> Result<()> {
    let dir = workspace::state("screenshots")?;
    for width in WIDTHS {
        for scheme in SCHEMES {
            let size = json!({ "width": width, "height": 844, "deviceScaleFactor": 2, "mobile": width < 600 });
            browser.devtools("Emulation.setDeviceMetricsOverride", size).await?;
            // Reduced motion, or the picture catches colours on their way from one scheme to the other.
            let features = [("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")];
            let features = features.map(|(name, value)| json!({ "name": name, "value": value }));
            let media = json!({ "features": features });
            browser.devtools("Emulation.setEmulatedMedia", media).await?;
            let picture = browser.client.screenshot().await.map_err(words)?;
            let file = dir.join(format!("{name}-{width}-{scheme}.png"));
            std::fs::write(&file, picture).map_err(Error::io("writing a screenshot"))?;
            println!("{}", file.display());
        }
    }
    Ok(())
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn words(error: fantoccini::error::CmdError) -> Error {
    Error::Browser(error.to_string())
}
