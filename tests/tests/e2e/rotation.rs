//! Keys rotate while requests run, and no request fails.

use crate::jwt;
use crate::oauth::Oauth;
use bearward_tests::stack::Stack;
use bearward_tests::{demo, wait};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

pub async fn goes_unnoticed(stack: &Stack) {
    let oldest = Oauth::service(stack).client_credentials(&[]).await.access;
    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        let (http, url, oldest) = (stack.http.clone(), stack.url.clone(), oldest.clone());
        callers.spawn(call_until(stop.clone(), calls.clone(), http, url, oldest));
    }
    let mut seen = BTreeSet::from([kid(&oldest)]);
    for _ in 0..2 {
        stack.authservers[0].cli(&["keys", "rotate", "--now"]).unwrap();
        let signed = wait::until("the next key to sign", Duration::from_secs(10), async || {
            let kid = kid(&Oauth::service(stack).client_credentials(&[]).await.access);
            if seen.contains(&kid) { Err("the old one does".to_owned()) } else { Ok(kid) }
        });
        seen.insert(signed.await.unwrap());
        // Some calls with what this key signs.
        let before = calls.load(Ordering::Relaxed);
        wait::until("calls to go on", Duration::from_secs(20), async || {
            let made = calls.load(Ordering::Relaxed) - before;
            if made >= 100 { Ok(()) } else { Err(format!("{made} since")) }
        })
        .await
        .unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let failures: Vec<String> = callers.join_all().await.into_iter().flatten().collect();
    assert_eq!(failures, Vec::<String>::new(), "of {} calls", calls.load(Ordering::Relaxed));
    assert_eq!(seen.len(), 3);
}

fn kid(token: &str) -> String {
    jwt::header(token)["kid"].as_str().unwrap().to_owned()
}

/// Calls with fresh tokens and with the oldest one, by turns; what went wrong.
async fn call_until(
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicU32>,
    http: reqwest::Client,
    url: String,
    oldest: String,
) -> Vec<String> {
    let mut failures = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let request = http.post(format!("{url}/oauth2/token")).form(&[("grant_type", "client_credentials")]);
        let answer = request.basic_auth(demo::SERVICE, Some(demo::SERVICE_SECRET)).send().await.unwrap();
        if answer.status() != 200 {
            failures.push(format!("no token: {}", answer.status()));
            continue;
        }
        let fresh = answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned();
        for (which, token) in [("fresh", &fresh), ("oldest", &oldest)] {
            let answer = http.get(format!("{url}/orders/1")).bearer_auth(token).send().await.unwrap();
            if answer.status() != 200 {
                let (status, body) = (answer.status(), answer.text().await.unwrap());
                failures.push(format!("the {which} token ({}): {status} {body}", kid(token)));
            }
            calls.fetch_add(1, Ordering::Relaxed);
        }
    }
    failures
}
