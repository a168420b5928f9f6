//! `make up` from outside: it starts, says how to go on, and leaves nothing behind.

use bearward_tests::child::Child;
use bearward_tests::tempdir::TempDir;
use bearward_tests::{ports, wait, workspace};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

const UP: &str = env!("CARGO_BIN_EXE_up");
const PORTS: [&str; 6] =
    ["GATEWAY_PORT", "AUTHSERVER_PORT", "MANAGEMENT_PORT", "ENVOY_ADMIN_PORT", "ECHO_PORT", "CALLBACK_PORT"];

pub async fn ends_and_leaves_nothing_behind() {
    // Once as a person starts and ends it, once as nobody should.
    for by_hand in [true, false] {
        let dir = TempDir::new().unwrap();
        let ports: Vec<u16> = PORTS.iter().map(|_| ports::free().unwrap()).collect();
        let mut command = if by_hand { make_up() } else { Command::new(UP) };
        // Not the one of whoever runs the tests.
        command.env("UP_DIR", dir.path());
        command.envs(PORTS.iter().zip(&ports).map(|(name, port)| (name, port.to_string())));
        let mut up = Child::start("up", &mut command, &dir.path().join("up.log")).unwrap();
        wait::until("make up to be ready", Duration::from_secs(300), async || {
            up.check().unwrap();
            let said = up.tail(60);
            if said.contains("Ctrl-C stops everything") { Ok(()) } else { Err(said) }
        })
        .await
        .unwrap();
        let said = up.tail(60);
        assert!(said.contains(&format!("http://127.0.0.1:{}/orders/1", ports[0])), "{said}");
        assert!(ports.iter().all(|port| !ports::is_free(*port)), "all six listen");
        let pid = Pid::from_raw(up.pid().try_into().unwrap());
        // Ctrl-C goes to all that the terminal runs: make too.
        if by_hand { killpg(pid, Signal::SIGINT) } else { kill(pid, Signal::SIGKILL) }.unwrap();
        wait::until("every port to be free again", Duration::from_secs(10), async || {
            let taken: Vec<_> = ports.iter().filter(|port| !ports::is_free(**port)).collect();
            if taken.is_empty() { Ok(()) } else { Err(format!("{taken:?} are not")) }
        })
        .await
        .unwrap();
        assert_eq!(processes_about(&dir.path().display().to_string()), Vec::<String>::new());
    }
}

pub async fn a_taken_port_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let free: Vec<_> = PORTS.iter().skip(1).map(|name| (name, ports::free().unwrap().to_string())).collect();
    let output = Command::new(UP).env(PORTS[0], &port).envs(free).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        said.trim(),
        format!(
            "bearward: port {port} is taken: stop what listens there, or choose another: make up GATEWAY_PORT=<port>"
        )
    );
}

/// What README says to type.
fn make_up() -> Command {
    let mut make = Command::new("make");
    // Not those of a make that runs the tests.
    make.arg("up").env_remove("MAKEFLAGS").env_remove("MAKELEVEL").current_dir(workspace::root());
    make
}

/// The command lines of running processes that name this path.
fn processes_about(path: &str) -> Vec<String> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).filter(|line| line.contains(path)).collect()
}
