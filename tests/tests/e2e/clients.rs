//! Clients in other languages, each with the library that people use there: `tests/clients`.

use crate::context::Context;
use bearward_tests::envoy::config;
use bearward_tests::sample::Person;
use bearward_tests::stack::{Options, Stack};
use bearward_tests::{demo, idp, node, python, workspace};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tokio::process::Command;

const EXTENDED: &str = "extended";
const REPORTS: &str = "https://reports.example";

/// openid-client, on oauth4webapi.
pub async fn in_node(stack: &Stack) {
    complete_their_flows(stack, "flows.mjs", in_node_itself("flows.mjs"), "node-with-a-key").await;
}

fn in_node_itself(program: &str) -> Command {
    let home = node::environment("clients-node", &source("node"), &|step| println!("{step}")).unwrap();
    let mut command = Command::new(workspace::on_path("node").expect("node: install Node.js 20 or later"));
    command.arg(home.join(program));
    command
}

/// openid-client, with what is turned on for some clients.
pub async fn in_node_with_extensions(context: &Context) {
    let more = [("BEARWARD_DPOP__REQUIRE_NONCE", "true"), ("BEARWARD_KEYS__MORE_ALGORITHMS", "RS256")];
    let more = more.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let options = Options { gateway: that_asks_for_more, more, ..Options::default() };
    let stack = Stack::start(context.parts(), &options).await.unwrap();
    register_with_extensions(&stack);
    let person = Person::start().await.unwrap();
    let mut command = in_node_itself("extensions.mjs");
    command.args([&stack.url, &person.url]).arg(key()).arg(EXTENDED);
    complete("extensions.mjs", command).await;
    assert_eq!(stack.envoy.stat("vm_reload").await.unwrap(), 0);
}

/// A gateway that takes opaque tokens and wants nonces in DPoP proofs, with a route for another audience, and one for
/// whoever signed in lately and well.
fn that_asks_for_more(config: &mut Value) {
    let plugin = &mut config::filter(config).unwrap()["configuration"]["value"];
    let provider = &mut plugin["providers"]["bearward"];
    provider["audiences"] = json!([demo::AUDIENCE, REPORTS]);
    provider["introspection"] = json!({
        "cluster": "authserver", "path": "/oauth2/introspect", "token_prefix": "bw_at_",
        "client_id": demo::TOKEN_INFO.id, "client_secret": demo::TOKEN_INFO.secret,
    });
    plugin["dpop"] = json!({ "nonce_secret": "a secret of this gateway, and of no other" });
    plugin["forward"]["headers"]["x-tenant"] = "tenant".into();
    let rules = plugin["rules"].as_array_mut().unwrap();
    rules.push(json!({ "match": { "path": "/reports" }, "require": { "audiences": [REPORTS] } }));
    rules.push(json!({ "match": { "path": "/vault" }, "require": { "acr": ["mfa"], "max_age": "5m" } }));
}

/// The clients of `extensions.mjs`; their redirect URI has no port, so that any is right (RFC 8252 §7.3).
fn register_with_extensions(stack: &Stack) {
    let payment = ["--field", "actions=It may", "--require", "actions", "--value", "actions=initiate"];
    let payment = [&["authorization-type", "set", "payment", "--title", "Make a payment"], &payment[..]];
    let cli = |arguments: &[&str]| stack.authservers[0].cli(arguments).unwrap();
    cli(&[&payment.concat()[..], &["--field", "amount=Amount"]].concat());
    let certificate = certificate();
    let proof = ["--auth-method", "private_key_jwt", "--certificate-file", &certificate];
    let scope = ["--scope", "orders:read", "--default-scope", "orders:read"];
    let code =
        ["--grant", "authorization_code", "--grant", "refresh_token", "--redirect-uri", "http://127.0.0.1/callback"];
    let service = ["--grant", "client_credentials"];
    let create = |id: &str, options: &[&[&str]]| cli(&[&["client", "create", id], &options.concat()[..]].concat());
    let more = ["--resource", REPORTS, "--authorization-type", "payment", "--request-claim", "tenant"];
    create(EXTENDED, &[&proof, &scope, &code, &service, &more]);
    create(&format!("{EXTENDED}-app"), &[&["--public", "--require-dpop"], &scope, &code]);
    create(&format!("{EXTENDED}-opaque"), &[&proof, &scope, &service, &["--access-token-format", "opaque"]]);
    let old = ["--access-token-alg", "RS256", "--refresh-mode", "preserve"];
    create(&format!("{EXTENDED}-old"), &[&proof, &scope, &code, &old]);
    let strict = ["--require-par", "--require-signed-request", "--require-dpop", "--require-pkce"];
    create(&format!("{EXTENDED}-strict"), &[&proof, &scope, &code, &strict]);
}

/// Authlib and requests-oauthlib.
pub async fn in_python(stack: &Stack) {
    complete_their_flows(stack, "flows.py", in_their_environment("flows.py"), "python-with-a-key").await;
}

/// Authlib and requests, with the certificates in a directory, at a gateway with TLS and at the plain one.
pub async fn in_python_with_certificates(gateway: &str, plain: &str, certificates: &Path) {
    let mut command = in_their_environment("mutual_tls.py");
    command.args([gateway, plain]).arg(certificates);
    complete("mutual_tls.py", command).await;
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
    let trust = ["issuer", "add", idp::saml::ENTITY, "--saml", "--certificate-file", &certificate()];
    stack.authservers[0].cli(&[&trust[..], &["--claim-from", "department=ou"]].concat()).unwrap();
    let mut command = Command::new(python);
    command.arg(source("python").join("saml.py")).arg(&stack.url).arg(key());
    complete("saml.py", command).await;
}

async fn complete_their_flows(stack: &Stack, program: &str, mut command: Command, client_with_key: &str) {
    let secret = register(stack, client_with_key);
    let made = said(stack, &["registration-token", "create", "--scope", "orders:read", "--json"]);
    let initial = made["initial_access_token"].as_str().unwrap();
    let person = Person::start().await.unwrap();
    command.args([&stack.url, &person.url]).arg(key()).args([client_with_key, &secret, initial]);
    complete(program, command).await;
}

/// A client that proves itself by private_key_jwt, and `<id>-hmac`, by client_secret_jwt (RFC 7523 §2.2); the latter's
/// secret.
fn register(stack: &Stack, id: &str) -> String {
    let certificate = certificate();
    let proof = ["--auth-method", "private_key_jwt", "--certificate-file", &certificate];
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

/// Runs a program to its good end. It says `ok` and a name for each thing that worked: those that docs/grants.md lists,
/// and no others.
async fn complete(program: &str, mut command: Command) {
    let output = command.output().await.unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{wrong}");
    let worked = said.lines().filter_map(|line| line.strip_prefix("ok ")?.split(' ').next());
    assert_eq!(worked.map(str::to_owned).collect::<BTreeSet<_>>(), listed(program), "docs/grants.md, {program}");
}

/// What docs/grants.md says that a program shows: the last cell of each row of its last table names programs, and after
/// each what it does.
fn listed(program: &str) -> BTreeSet<String> {
    let page = std::fs::read_to_string(workspace::root().join("docs/grants.md")).unwrap();
    let (_, section) = page.split_once("## Shown by clients of others").expect("the section");
    let mut names = BTreeSet::new();
    for row in section.lines().filter(|line| line.starts_with('|')) {
        let cell = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap();
        let mut of = "";
        for word in cell.split('`').skip(1).step_by(2) {
            match word.rsplit_once('.') {
                Some((_, "mjs" | "py")) => of = word,
                _ if of == program => drop(names.insert(word.to_owned())),
                _ => {}
            }
        }
    }
    names
}

fn source(language: &str) -> PathBuf {
    workspace::root().join("tests/clients").join(language)
}

/// Of the key.
fn certificate() -> String {
    workspace::root().join("authserver/src/demo/idp.pem").display().to_string()
}

fn key() -> PathBuf {
    workspace::root().join("tests/src/idp/key.pem")
}
