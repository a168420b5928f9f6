//! `bearward doctor`: what an operator would look at first.

use super::failure::Failure;
use super::{Output, print_json};
use crate::config::Config;
use crate::env::Env;
use crate::gateway;
use crate::keys::Sealer;
use crate::keys::lifecycle::{self, State};
use crate::storage::{self, Store};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How far clocks may be apart, in seconds: tokens are refused before that matters to people.
const CLOCK: i64 = 5;

#[derive(clap::Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    output: Output,
}

/// What a check came to: `Ok` with what was seen, `Err` with what to do.
struct Finding {
    check: &'static str,
    result: Result<String, String>,
}

pub(super) async fn run(config: Config, doctor: Doctor) -> Result<(), Failure> {
    let env = Env::system();
    let mut findings = vec![Finding { check: "configuration", result: Ok(format!("issuer {}", config.issuer)) }];
    let mut active = None;
    match storage::open(&config.database).await {
        Err(error) => findings.push(Finding { check: "database", result: Err(Failure::from(error).to_string()) }),
        Ok(store) => {
            let write = store.check_write(env.now()).await;
            let result = write.map(|()| "opens, and is written".to_owned()).map_err(|e| Failure::from(e).to_string());
            findings.push(Finding { check: "database", result });
            let (result, kid) = keys(&*store, &config, &env).await;
            active = kid;
            findings.push(Finding { check: "keys", result });
            let admin = store.has_admin(None).await;
            let result = match admin {
                Ok(true) => Ok("there is one".to_owned()),
                Ok(false) => Err("there is none yet: bearward init makes the first".to_owned()),
                Err(error) => Err(Failure::from(error).to_string()),
            };
            findings.push(Finding { check: "administrator", result });
        }
    }
    outside(&config, &env, active.as_deref(), &mut findings).await;
    report(&findings, doctor.output)
}

async fn keys(store: &dyn Store, config: &Config, env: &Env) -> (Result<String, String>, Option<String>) {
    let sealer = Sealer::of(config);
    if let Err(error) = lifecycle::check_master_key(store, &sealer).await {
        return (Err(Failure::from(error).to_string()), None);
    }
    let stored = match store.signing_keys().await {
        Ok(stored) => stored,
        Err(error) => return (Err(Failure::from(error).to_string()), None),
    };
    let states = lifecycle::states(&stored, env.now());
    let usual = || stored.iter().zip(&states).filter(|(key, _)| key.line.is_empty());
    let find = |state| usual().find(|(_, s)| **s == state).map(|(key, _)| key.kid.clone());
    match (find(State::Active), find(State::Next)) {
        (Some(active), Some(_)) => (Ok(format!("{active} signs, and the next one is published")), Some(active)),
        (Some(active), None) => (Err("no next key is published: bearward keys rotate".to_owned()), Some(active)),
        _ => (Err("there is none yet: the server makes them when it starts".to_owned()), None),
    }
}

/// What clients and filters see: the issuer's own URL, through whatever is before it, and the feed at the server itself.
async fn outside(config: &Config, env: &Env, active: Option<&str>, findings: &mut Vec<Finding>) {
    let issuer = config.issuer.as_str().trim_end_matches('/');
    let base = config.issuer.path().trim_end_matches('/');
    let origin = config.issuer.origin().ascii_serialization();
    let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build();
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            return findings.push(Finding { check: "gateway", result: Err(error.to_string()) });
        }
    };
    let metadata = get(&client, &format!("{origin}/.well-known/oauth-authorization-server{base}")).await;
    let (metadata, date) = match metadata {
        Ok((body, date)) => (Ok(body), date),
        Err(problem) => (Err(problem), None),
    };
    let advice = "is the server running, and does the gateway lead to it?";
    let result = match &metadata {
        Ok(body) if body.get("issuer").and_then(Value::as_str) == Some(issuer) => Ok("leads here".to_owned()),
        Ok(body) => {
            Err(format!("another server answers: its issuer is {}", body.get("issuer").unwrap_or(&Value::Null)))
        }
        Err(problem) => Err(format!("{problem}; {advice}")),
    };
    findings.push(Finding { check: "gateway", result });
    if let Some(date) = date {
        let apart = date.saturating_sub(env.now()).saturating_abs();
        let result = if apart <= CLOCK {
            Ok(format!("{apart} s apart"))
        } else {
            Err(format!("this machine's and the gateway's are {apart} s apart: set them by NTP"))
        };
        findings.push(Finding { check: "clocks", result });
    }
    let result = match get(&client, &format!("{issuer}/oauth2/jwks")).await {
        Err(problem) => Err(format!("{problem}; {advice}")),
        Ok((body, _)) => {
            let keys = body.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
            let has = |kid: &str| keys.iter().any(|key| key.get("kid").and_then(Value::as_str) == Some(kid));
            match active {
                Some(kid) if !has(kid) => Err(format!("{kid}, which signs, is not in it: is it another database's?")),
                _ => Ok(format!("{} keys are served", keys.len())),
            }
        }
    };
    findings.push(Finding { check: "key set", result });
    let mut feed = client.get(format!("http://{}{}", config.listen, crate::feed::PATH));
    if let Some(secret) = &config.gateway.secret {
        feed =
            feed.header(gateway::VOUCH, gateway::vouch(&secret.0, env.now(), &Method::GET, crate::feed::PATH, "", ""));
    }
    let result = match feed.send().await {
        Ok(answer) if answer.status().is_success() => Ok("is served".to_owned()),
        Ok(answer) => Err(format!("{} at {}", answer.status(), config.listen)),
        Err(_) => Err(format!("nothing answers at {}: is the server running?", config.listen)),
    };
    findings.push(Finding { check: "revocation feed", result });
}

async fn get(client: &reqwest::Client, url: &str) -> Result<(Value, Option<i64>), String> {
    let answer = client.get(url).send().await.map_err(|_| format!("{url} does not answer"))?;
    if !answer.status().is_success() {
        return Err(format!("{url} answers {}", answer.status()));
    }
    let date = answer.headers().get(http::header::DATE).and_then(|value| value.to_str().ok()).and_then(http_date);
    let body = answer.bytes().await.map_err(|_| format!("{url} broke off"))?;
    Ok((serde_json::from_slice(&body).map_err(|_| format!("{url} does not answer with JSON"))?, date))
}

/// IMF-fixdate of RFC 9110 §5.6.7.
fn http_date(text: &str) -> Option<i64> {
    let time = text.strip_suffix(" GMT")?;
    let mut parts = time.split_whitespace().skip(1);
    let (day, month, year, clock) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        .iter()
        .position(|name| *name == month)?;
    let month = time::Month::try_from(u8::try_from(month).ok()?.checked_add(1)?).ok()?;
    let mut clock = clock.split(':').map(|part| part.parse::<u8>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let date = time::Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    Some(date.with_hms(hour, minute, second).ok()?.assume_utc().unix_timestamp())
}

fn report(findings: &[Finding], output: Output) -> Result<(), Failure> {
    let wrong = findings.iter().filter(|finding| finding.result.is_err()).count();
    if output.json {
        let list = findings.iter().map(|Finding { check, result }| {
            let text = result.as_ref().unwrap_or_else(|problem| problem);
            json!({ "check": check, "ok": result.is_ok(), "text": text })
        });
        print_json(&list.collect());
    } else {
        for Finding { check, result } in findings {
            match result {
                Ok(text) => println!("ok    {check}: {text}"),
                Err(problem) => println!("WRONG {check}: {problem}"),
            }
        }
    }
    match wrong {
        0 => Ok(()),
        1 => Err(Failure::new("one thing is wrong")),
        many => Err(Failure::new(format!("{many} things are wrong"))),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates_of_http_are_read() {
        assert_eq!(super::http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        for junk in ["", "GMT", "Sun, 06 Nov 1994 GMT", "Sun, 40 Nov 1994 08:49:37 GMT", "a b c d e GMT"] {
            assert_eq!(super::http_date(junk), None, "{junk}");
        }
    }
}
