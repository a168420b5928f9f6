//! axe-core looks at every page, on a phone and on a desktop, in light and in dark, and finds nothing; and no page is wider
//! than its window.

use bearward_tests::artifacts::{self, Profile};
use bearward_tests::authserver::Alone;
use bearward_tests::browser::Browser;
use bearward_tests::tour::tour;
use bearward_tests::{Error, workspace};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;

/// Every rule that axe knows, also its advice (`best-practice`). A table may be scrolled sideways, a page not.
const RUN: &str = "
    const [width, done] = arguments;
    const wide = document.documentElement.scrollWidth;
    const broken = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const node = texts.currentNode;
        if (node.parentElement.closest('code')) continue;
        for (const word of node.data.matchAll(/(?<=^|[\\s(])[A-Za-z]{2,20}(?=[\\s.,:;)]|$)/g)) {
            const range = document.createRange();
            range.setStart(node, word.index);
            range.setEnd(node, word.index + word[0].length);
            const lines = new Set(Array.from(range.getClientRects(), line => Math.round(line.top)));
            if (lines.size > 1) broken.push('“' + word[0] + '” is broken: ' + node.parentElement.outerHTML);
        }
    }
    axe.run(document, { resultTypes: ['violations'] })
        .then(found => found.violations.map(v => v.id + ': ' + v.help + ' at ' + v.nodes.map(n => n.html).join(' ')))
        .then(found => found.concat(broken))
        .then(found => done(wide > width ? found.concat('the page is ' + wide + ' px wide') : found))
        .catch(error => done(['axe failed: ' + error]));
";

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_on_any_page() {
    let axe = axe();
    let server = Alone::start(artifacts::authserver(Profile::Dev).unwrap()).await.unwrap();
    let browser = Browser::start().await.unwrap();
    let (mut found, mut names) = (Vec::new(), BTreeSet::new());
    let visited = tour(&server, &browser, async |name| {
        names.insert(name);
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
    assert_eq!(names, PAGES.iter().flat_map(|(_, names)| names.iter().copied()).collect());
}

/// What a page is made from, and where the tour comes by it.
const PAGES: &[(&str, &[&str])] = &[
    ("account.html", &["account", "account-secured"]),
    ("away.html", &["account-away", "console-away"]),
    ("codes.html", &["account-codes"]),
    ("consent.html", &["consent", "consent-device", "consent-more", "consent-partial"]),
    ("device.html", &["device", "device-wrong"]),
    ("device_done.html", &["device-done"]),
    ("factor.html", &["factor", "factor-wrong"]),
    ("factor_setup.html", &["account-factor"]),
    ("form_post.html", &["form-post"]),
    ("login.html", &["login", "login-wrong"]),
    ("passkey_setup.html", &["account-passkey"]),
    ("trouble.html", &["error"]),
    ("console/again.html", &["console-again"]),
    ("console/audit.html", &["console-audit"]),
    (
        "console/client.html",
        &["console-client", "console-client-new", "console-key", "console-key-wrong", "console-secret"],
    ),
    ("console/clients.html", &["console-clients"]),
    ("console/detail.html", &["console-detail-new", "console-detail-rows"]),
    ("console/details.html", &["console-details"]),
    ("console/grants.html", &["console-grants"]),
    ("console/issuer.html", &["console-issuer"]),
    ("console/issuers.html", &["console-issuers"]),
    ("console/keys.html", &["console-keys"]),
    ("console/overview.html", &["console"]),
    ("console/people.html", &["console-people"]),
    ("console/person.html", &["console-person"]),
    ("console/registration.html", &["console-registration", "console-registration-token"]),
    ("console/scope.html", &["console-scope"]),
    ("console/scopes.html", &["console-scopes"]),
    ("console/tokens.html", &["console-token", "console-token-broken", "console-tokens"]),
];

#[test]
fn no_page_is_forgotten() {
    let templates = workspace::root().join("authserver/templates");
    let in_folder = |folder: &str| {
        let files = std::fs::read_dir(templates.join(folder)).unwrap().map(|file| file.unwrap().file_name());
        files.map(move |file| format!("{folder}{}", file.to_str().unwrap())).collect::<Vec<_>>()
    };
    // What others are made from, and the folder.
    let parts = ["base.html", "field.html", "kept.html", "console/base.html", "console/issuer_fields.html", "console"];
    let files = in_folder("").into_iter().chain(in_folder("console/")).filter(|file| !parts.contains(&file.as_str()));
    assert_eq!(files.collect::<BTreeSet<_>>(), PAGES.iter().map(|(file, _)| (*file).to_owned()).collect());
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
