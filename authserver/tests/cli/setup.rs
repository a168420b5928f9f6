//! A new server: the first administrator, what `doctor` says before and after, and help for the shell.

use super::Bearward;
use serde_json::Value;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _: std::io::Result<()> = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What `doctor` finds: each check, and what it came to.
fn findings(mut doctor: Command) -> (bool, Vec<(String, bool)>) {
    let output = doctor.args(["doctor", "--json"]).stdin(Stdio::null()).output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = said.as_array().unwrap().iter();
    let found = checks.map(|one| (one["check"].as_str().unwrap().to_owned(), one["ok"].as_bool().unwrap()));
    (output.status.success(), found.collect())
}

#[test]
fn the_doctor_finds_what_is_missing_and_then_nothing() {
    let bearward = Bearward::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let command = |arguments: &[&str]| {
        let mut command = bearward.command(arguments);
        // No gateway here: the issuer's URL leads to the server itself.
        command.env("BEARWARD_LISTEN", format!("127.0.0.1:{port}"));
        command.env("BEARWARD_ISSUER", format!("http://127.0.0.1:{port}"));
        command
    };
    let (well, found) = findings(command(&[]));
    assert!(!well);
    let good = ["configuration", "database"];
    assert!(found.len() > good.len(), "{found:?}");
    for (check, ok) in &found {
        assert_eq!(*ok, good.contains(&check.as_str()), "{check}");
    }

    std::fs::write(bearward.path("password"), "a good pass phrase").unwrap();
    let password = bearward.path("password").display().to_string();
    let first = bearward.says(&["init", "root", "--password-file", &password]);
    assert!(first.contains("root is the first administrator"), "{first}");
    let second = bearward.refuses(&["init", "other", "--password-file", &password]);
    assert!(second.contains("there is an administrator already"), "{second}");

    let _server = Running(command(&["serve"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let (well, found) = findings(command(&[]));
        if well {
            assert!(found.iter().all(|(_, ok)| *ok), "{found:?}");
            break;
        }
        assert!(Instant::now() < until, "still wrong: {found:?}");
    }
    // With another key than the database was made with, or before another server, that is what is wrong.
    let other = bearward.says(&["keys", "generate-master"]);
    std::fs::write(bearward.path("other-key"), other).unwrap();
    let mut doctor = command(&[]);
    doctor.env("BEARWARD_MASTER_KEY_FILE", bearward.path("other-key"));
    let wrong =
        |doctor| findings(doctor).1.into_iter().filter(|(_, ok)| !ok).map(|(check, _)| check).collect::<Vec<_>>();
    assert_eq!(wrong(doctor), ["keys"]);
    let mut doctor = command(&[]);
    doctor.env("BEARWARD_ISSUER", format!("http://localhost:{port}"));
    assert_eq!(wrong(doctor), ["gateway"]);
}

#[test]
fn shells_and_readers_are_helped() {
    let bearward = Bearward::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = bearward.says(&["completions", shell]);
        assert!(script.contains("check-config") && script.contains("doctor"), "{shell}");
    }
    let manual = bearward.says(&["man"]);
    assert!(manual.contains(".TH bearward 1") && manual.contains("check\\-config"), "{manual}");
}
