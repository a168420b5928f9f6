//! A real Envoy whose clock is set while it runs, and one that is stopped for longer than a leader leads: what it knows of
//! revocations is old then, and it must notice, forget nothing, and hear of what is new at once.

use crate::context::Context;
use crate::gateway::Gateway;
use crate::revocation::statuses;
use axum::extract::Request;
use axum::middleware::{self, Next};
use bearward_tests::issuer::{self, Issuer, claims};
use bearward_tests::tempdir::TempDir;
use bearward_tests::{demo, wait};
use bearward_token::feed::Subject;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::fs::File;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::sync::watch;

const HOUR: i64 = 3_600;
/// Far less than a poll waits while there is no news (20 s), let alone than what is an hour off.
const SOON: Duration = Duration::from_secs(8);
/// Longer than a lease holds.
const NAP: Duration = Duration::from_millis(2_500);

/// An hour back, and an hour forth again. What was heard before counts for nothing then, and the feed is asked at once.
pub async fn is_set_back_and_forth(context: &Context) {
    let (issuer, dir) = (Issuer::new().unwrap(), TempDir::new().unwrap());
    let envoy = with_clock(&context.parts().envoy, dir.path());
    let (open, opened) = watch::channel(true);
    let feed = issuer.router().layer(middleware::from_fn(move |request: Request, next: Next| {
        let mut opened = opened.clone();
        async move {
            opened.wait_for(|open| *open).await.unwrap();
            next.run(request).await
        }
    }));
    let gateway = Gateway::in_this(&envoy, context, 2, feed, plugin, |_| {}).await;
    let orders = format!("{}/orders", gateway.url);
    let good = lasting(&issuer, &gateway.url, "good");
    until(&orders, &good, 200).await;
    for (offset, id) in [(-HOUR, "1"), (0, "2")] {
        let token = lasting(&issuer, &gateway.url, id);
        open.send_replace(false);
        set(dir.path(), offset);
        until(&orders, &good, 503).await;
        open.send_replace(true);
        until(&orders, &token, 200).await;
        issuer.revoke(Subject::Token(id));
        until(&orders, &token, 401).await;
        assert!(statuses(&orders, &good).await.iter().all(|status| *status == 200));
    }
    for id in ["1", "2"] {
        until(&orders, &lasting(&issuer, &gateway.url, id), 401).await;
    }
    gateway.no_vm_was_replaced().await;
}

/// Whoever led has lost the lease unawares when it wakes, and whoever is first leads.
pub async fn stands_still(context: &Context) {
    let issuer = Issuer::new().unwrap();
    let gateway = Gateway::start(context, 4, issuer.router(), plugin, |_| {}).await;
    let orders = format!("{}/orders", gateway.url);
    let good = lasting(&issuer, &gateway.url, "good");
    until(&orders, &good, 200).await;
    let envoy = Pid::from_raw(gateway.envoy.child.pid().try_into().unwrap());
    let mut revoked = Vec::<String>::new();
    for id in ["1", "2"] {
        let token = lasting(&issuer, &gateway.url, id);
        until(&orders, &token, 200).await;
        kill(envoy, Signal::SIGSTOP).unwrap();
        let stopped = Instant::now();
        issuer.revoke(Subject::Token(id));
        wait::until("the lease to run out", SOON, async || {
            if stopped.elapsed() > NAP { Ok(()) } else { Err("it may still hold".to_owned()) }
        })
        .await
        .unwrap();
        kill(envoy, Signal::SIGCONT).unwrap();
        for token in &revoked {
            assert!(statuses(&orders, token).await.iter().all(|status| *status == 401), "what was known stays known");
        }
        until(&orders, &token, 401).await;
        until(&orders, &good, 200).await;
        revoked.push(token);
    }
    gateway.no_vm_was_replaced().await;
}

fn plugin(url: &str) -> Value {
    json!({
        "providers": { "ours": {
            "issuer": url, "audiences": [demo::AUDIENCE],
            "jwks": { "cluster": "authserver", "path": "/oauth2/jwks" },
            "revocations": { "cluster": "authserver", "path": "/mesh/revocations" },
        } },
        "rules": [{ "match": { "path": "/orders" }, "require": {} }],
    })
}

/// A token that is good at whatever time Envoy takes it to be.
fn lasting(issuer: &Issuer, url: &str, id: &str) -> String {
    let mut claims = claims(url, demo::AUDIENCE, "", id);
    let now = issuer::unix_now();
    (claims["iat"], claims["exp"]) = ((now - 7_200).into(), (now + 7_200).into());
    issuer.es256(&issuer::header("ES256", issuer::ES256), &claims).unwrap()
}

/// By every worker.
async fn until(url: &str, token: &str, wanted: u16) {
    wait::until(&format!("a {wanted}"), SOON, async || {
        let statuses = statuses(url, token).await;
        if statuses.iter().all(|status| *status == wanted) { Ok(()) } else { Err(format!("it answers {statuses:?}")) }
    })
    .await
    .unwrap();
}

/// An Envoy whose clock [`set`] sets.
fn with_clock(envoy: &Path, dir: &Path) -> PathBuf {
    let source = dir.join("clock.c");
    std::fs::write(&source, include_str!("clock.c")).unwrap();
    let library = dir.join("clock.so");
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(source);
    assert!(cc.status().unwrap().success());
    set(dir, 0);
    let script = dir.join("envoy");
    let (dir, library, envoy) = (dir.display(), library.display(), envoy.display());
    let text = format!("#!/bin/sh\nCLOCK_OFFSET='{dir}/clock' LD_PRELOAD='{library}' exec '{envoy}' \"$@\"\n");
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    script
}

/// So many seconds off.
fn set(dir: &Path, offset: i64) {
    // As long as any other, and written at once, so that it is never read in part.
    let clock = File::options().write(true).create(true).truncate(false).open(dir.join("clock")).unwrap();
    clock.write_all_at(format!("{offset:+010}").as_bytes(), 0).unwrap();
}
