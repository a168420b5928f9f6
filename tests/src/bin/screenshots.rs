//! `make screenshots`: the pages that people see, on a phone and on a desktop, in light and in dark, written to
//! `.bearward/screenshots`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to the person who runs it")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bearward_tests::artifacts::{self, Profile};
use bearward_tests::authserver::Alone;
use bearward_tests::browser::Browser;
use bearward_tests::tour::tour;
use bearward_tests::{Error, Result, workspace};
use serde_json::json;
use std::process::ExitCode;

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
    println!("bearward: building the authserver");
    let binary = artifacts::authserver(Profile::Dev)?;
    let server = Alone::start(binary).await?;
    let browser = Browser::start().await?;
    tour(&server, &browser, async |name| shoot(&browser, name).await).await
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
            let picture = whole_page(browser).await?;
            let file = dir.join(format!("{name}-{width}-{scheme}.png"));
            std::fs::write(&file, picture).map_err(Error::io("writing a screenshot"))?;
            println!("{}", file.display());
        }
    }
    Ok(())
}

/// All of the page, also what one has to scroll to.
async fn whole_page(browser: &Browser) -> Result<Vec<u8>> {
    let answer =
        browser.devtools("Page.captureScreenshot", json!({ "format": "png", "captureBeyondViewport": true })).await?;
    let data = answer.get("data").and_then(serde_json::Value::as_str).unwrap_or_default();
    STANDARD.decode(data).map_err(|error| Error::Browser(error.to_string()))
}
