//! axe-core looks at every page, on a phone and on a desktop, in light and in dark, and finds nothing; and no page is wider
//! than its window.

use bearward_tests::artifacts::{self, Profile};
use bearward_tests::authserver::Alone;
use bearward_tests::browser::Browser;
use bearward_tests::tour::tour;
use bearward_tests::{Error, workspace};
use serde_json::{Value, json};
use std::process::Command;

/// Every rule that axe knows, also its advice (`best-practice`). A table may be scrolled sideways, a page not.
const RUN: &str = "
    const [width, done] = arguments;
    const wide = document.documentElement.scrollWidth;
    axe.run(document, { resultTypes: ['violations'] })
        .then(found => found.violations.map(v => v.id + ': ' + v.help + ' at ' + v.nodes.map(n => n.html).join(' ')))
        .then(found => done(wide > width ? found.concat('the page is ' + wide + ' px wide') : found))
        .catch(error => done(['axe failed: ' + error]));
";

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_any_page() {
    let axe = axe();
    let server = Alone::start(artifacts::authserver(Profile::Dev).unwrap()).await.unwrap();
    let browser = Browser::start().await.unwrap();
    let mut found = Vec::new();
    let visited = tour(&server.url, &browser, async |name| {
        for (width, scheme) in [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")] {
            let size = json!({ "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600 });
            browser.devtools("Emulation.setDeviceMetricsOverride", size).await?;
            let features = [("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")];
            let features = features.map(|(name, value)| json!({ "name": name, "value": value }));
            browser.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await?;
            let words = |error: fantoccini::error::CmdError| Error::Browser(error.to_string());
            browser.client.execute(&axe, vec![]).await.map_err(words)?;
            let Value::Array(violations) =
                browser.client.execute_async(RUN, vec![json!(width)]).await.map_err(words)?
            else {
                return Err(Error::Browser("axe said nothing".to_owned()));
            };
            found.extend(violations.iter().map(|violation| format!("{name}, {width} px, {scheme}: {violation}")));
        }
        Ok(())
    });
    visited.await.unwrap();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// axe-core, of the version that `tests/axe` pins.
fn axe() -> String {
    let dir = workspace::state("axe").unwrap();
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(workspace::root().join("tests/axe").join(file), dir.join(file)).unwrap();
    }
    let npm =
        Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&dir).output();
    let npm = npm.expect("npm is missing: install Node.js (Debian: apt-get install npm)");
    assert!(npm.status.success(), "npm ci: {}", String::from_utf8_lossy(&npm.stderr));
    std::fs::read_to_string(dir.join("node_modules/axe-core/axe.min.js")).unwrap()
}
