//! The admin API against what Schemathesis makes up from its description: it answers nothing that the description does not
//! say, and never that it broke.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use bearward_tests::artifacts::{self, Profile};
use bearward_tests::authserver::Alone;
use bearward_tests::{python, workspace};
use serde_json::Value;
use tokio::process::Command;

/// The client that Schemathesis speaks as.
const CLIENT: &str = "schemathesis";
/// What each answer is held to.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

#[tokio::test(flavor = "multi_thread")]
async fn answers_as_it_is_described() {
    let home = workspace::root().join("tests/schemathesis");
    let python = python::environment("schemathesis", &home.join("requirements.txt"), &|step| println!("{step}"));
    let python = python.unwrap();
    let alone = Alone::start(artifacts::authserver(Profile::Dev).unwrap()).await.unwrap();
    let token = token(&alone).await;
    // How many examples for each operation; they are the same each time.
    let examples = std::env::var("BEARWARD_API_EXAMPLES").unwrap_or_else(|_| "10".to_owned());
    let api = format!("{}/admin/api/v1", alone.url);
    let report = Command::new(python.with_file_name("schemathesis"))
        .arg("run")
        .arg(workspace::root().join("docs/openapi.json"))
        .args(["--url", &api, "--header", &format!("Authorization: Bearer {token}")])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", &examples])
        .args(["--generation-deterministic", "--no-shrink", "--no-color"])
        // It keeps what it found where it runs.
        .current_dir(workspace::state("schemathesis").unwrap())
        .env("SCHEMATHESIS_HOOKS", home.join("hooks.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs([("BEARWARD_SELF", CLIENT), ("BEARWARD_API", &api), ("BEARWARD_TOKEN", &token)])
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&report.stdout);
    assert!(report.status.success(), "{said}\n{}", String::from_utf8_lossy(&report.stderr));
    assert!(said.contains(" passed") && !said.contains("401 Unauthorized"), "it was let in nowhere:\n{said}");
}

async fn token(alone: &Alone) -> String {
    let create = ["client", "create", CLIENT, "--grant", "client_credentials", "--json"];
    let may = ["--scope", "admin", "--default-scope", "admin"];
    let made: Value = serde_json::from_str(&alone.server.cli(&[&create[..], &may[..]].concat()).unwrap()).unwrap();
    let answer = reqwest::Client::new()
        .post(format!("{}/oauth2/token", alone.url))
        .basic_auth(CLIENT, made["client_secret"].as_str())
        .form(&[("grant_type", "client_credentials")])
        .send()
        .await
        .unwrap();
    answer.json::<Value>().await.unwrap()["access_token"].as_str().expect("no token").to_owned()
}
