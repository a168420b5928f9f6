//! Clients in other languages, each with the library that people use there: `tests/clients`.

use bearward_tests::sample::Person;
use bearward_tests::stack::Stack;
use bearward_tests::{demo, node, python, workspace};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// openid-client, on oauth4webapi.
pub async fn in_node(stack: &Stack) {
    let home = node::environment("clients-node", &source("node"), &|step| println!("{step}")).unwrap();
    let mut command = Command::new(workspace::on_path("node").expect("node: install Node.js 20 or later"));
    command.arg(home.join("flows.mjs"));
    complete_their_flows(stack, command, "node-with-a-key").await;
}

/// Authlib and requests-oauthlib.
pub async fn in_python(stack: &Stack) {
    complete_their_flows(stack, in_their_environment("flows.py"), "python-with-a-key").await;
}

/// Authlib and requests, with the certificates in a directory, at a gateway with TLS and at the plain one.
pub async fn in_python_with_certificates(gateway: &str, plain: &str, certificates: &Path) {
    let mut command = in_their_environment("mutual_tls.py");
    command.args([gateway, plain]).arg(certificates);
    assert_eq!(lines(command).await, 1);
}

fn in_their_environment(program: &str) -> Command {
    let requirements = source("python").join("requirements.txt");
    let python = python::environment("clients-python", &requirements, &|step| println!("{step}")).unwrap();
    let mut command = Command::new(python);
    command.arg(source("python").join(program));
    command
}

/// pysaml2 and signxml, as an identity provider.
pub async fn make_saml_assertions(stack: &Stack) {
    let requirements = workspace::root().join("authserver/tests/saml/requirements.txt");
    let python = python::environment("saml", &requirements, &|step| println!("{step}")).unwrap();
    let mut command = Command::new(python);
    command.arg(source("python").join("saml.py")).arg(&stack.url).arg(key());
    assert_eq!(lines(command).await, 3);
}

async fn complete_their_flows(stack: &Stack, mut command: Command, client_with_key: &str) {
    let secret = register(stack, client_with_key);
    let made = said(stack, &["registration-token", "create", "--scope", "orders:read", "--json"]);
    let initial = made["initial_access_token"].as_str().unwrap();
    let person = Person::start().await.unwrap();
    command.args([&stack.url, &person.url]).arg(key()).args([client_with_key, &secret, initial]);
    assert!(lines(command).await > 6);
}

/// A client that proves itself by private_key_jwt, and `<id>-hmac`, by client_secret_jwt (RFC 7523 §2.2); the latter's
/// secret.
fn register(stack: &Stack, id: &str) -> String {
    let certificate = workspace::root().join("authserver/src/demo/idp.pem");
    let proof = ["--auth-method", "private_key_jwt", "--certificate-file", certificate.to_str().unwrap()];
    let scope = ["--grant", "client_credentials", "--scope", "orders:read", "--default-scope", "orders:read", "--json"];
    let more = ["--grant", "jwt-bearer", "--grant", "authorization_code", "--redirect-uri", demo::REDIRECT];
    said(stack, &[&["client", "create", id], &proof[..], &scope, &more].concat());
    let hmac = format!("{id}-hmac");
    let client =
        said(stack, &[&["client", "create", &hmac, "--auth-method", "client_secret_jwt"], &scope[..]].concat());
    client["client_secret"].as_str().unwrap().to_owned()
}

/// What a command of the authserver says in JSON.
fn said(stack: &Stack, arguments: &[&str]) -> Value {
    serde_json::from_str(&stack.authservers[0].cli(arguments).unwrap()).unwrap()
}

/// How many lines a program says that ends well.
async fn lines(mut command: Command) -> usize {
    let output = command.output().await.unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{wrong}");
    said.lines().count()
}

fn source(language: &str) -> PathBuf {
    workspace::root().join("tests/clients").join(language)
}

fn key() -> PathBuf {
    workspace::root().join("tests/src/idp/key.pem")
}
