//! Clients in other languages, each with the library that people use there: `tests/clients`.

use bearward_tests::sample::Person;
use bearward_tests::stack::Stack;
use bearward_tests::{node, python, workspace};
use tokio::process::Command;

/// openid-client, on oauth4webapi.
pub async fn in_node(stack: &Stack) {
    let source = workspace::root().join("tests/clients/node");
    let home = node::environment("clients-node", &source, &|step| println!("{step}")).unwrap();
    let mut command = Command::new(workspace::on_path("node").expect("node: install Node.js 20 or later"));
    command.arg(home.join("flows.mjs"));
    complete_their_flows(stack, command).await;
}

/// Authlib and requests-oauthlib.
pub async fn in_python(stack: &Stack) {
    let source = workspace::root().join("tests/clients/python");
    let requirements = source.join("requirements.txt");
    let python = python::environment("clients-python", &requirements, &|step| println!("{step}")).unwrap();
    let mut command = Command::new(python);
    command.arg(source.join("flows.py"));
    complete_their_flows(stack, command).await;
}

async fn complete_their_flows(stack: &Stack, mut command: Command) {
    let person = Person::start().await.unwrap();
    let output = command.args([&stack.url, &person.url]).output().await.unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{wrong}");
    assert!(said.lines().count() > 5, "{said}");
}
