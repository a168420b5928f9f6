//! Requests and answers as they cross the wire, with their secrets shortened.

use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, Request, Response};
use serde_json::Value;
use std::fmt::Write as _;
use url::form_urlencoded;

/// What would let someone else act, or is on the way to it.
const SECRETS: [&str; 15] = [
    "access_token",
    "actor_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "id_token",
    "password",
    "refresh_token",
    "registration_access_token",
    "request",
    "subject_token",
    "token",
];
/// The headers that say nothing about OAuth.
const QUIET: [&str; 4] = ["date", "server", "x-envoy-upstream-service-time", "content-length"];

pub(super) fn request(request: &Request<Vec<u8>>) -> String {
    let target = link(&request.uri().to_string());
    let mut text = format!("> {} {target}\n", request.method());
    headers(request.headers(), "> ", &mut text);
    body(request.headers(), request.body(), "> ", &mut text);
    text.trim_end().to_owned()
}

pub(super) fn response(response: &Response<Vec<u8>>) -> String {
    let mut text = format!("< {}\n", response.status());
    headers(response.headers(), "< ", &mut text);
    body(response.headers(), response.body(), "< ", &mut text);
    text.trim_end().to_owned()
}

/// A URL whose query and fragment may carry secrets.
pub(super) fn link(url: &str) -> String {
    let (rest, fragment) = url.split_once('#').map_or((url, None), |(rest, fragment)| (rest, Some(fragment)));
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let mut shown = path.to_owned();
    for (mark, part) in [('?', query), ('#', fragment)] {
        if let Some(part) = part {
            shown.push(mark);
            shown.push_str(&pairs(part).join("&"));
        }
    }
    shown
}

fn headers(headers: &HeaderMap, mark: &str, text: &mut String) {
    for (name, value) in headers.iter().filter(|(name, _)| !QUIET.contains(&name.as_str())) {
        let value = String::from_utf8_lossy(value.as_bytes());
        let _ = writeln!(text, "{mark}{name}: {}", header(name, &value));
    }
}

fn header(name: &HeaderName, value: &str) -> String {
    match *name {
        AUTHORIZATION => {
            let (scheme, credentials) = value.split_once(' ').unwrap_or((value, ""));
            format!("{scheme} {}", shortened(credentials))
        }
        LOCATION => link(value),
        _ if name == "dpop" || name == "cookie" || name == "set-cookie" => shortened(value),
        _ => value.to_owned(),
    }
}

fn body(headers: &HeaderMap, body: &[u8], mark: &str, text: &mut String) {
    if body.is_empty() {
        return;
    }
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let shown = if media.starts_with("application/x-www-form-urlencoded") {
        pairs(&String::from_utf8_lossy(body)).join("\n    &")
    } else if let Ok(mut json) = serde_json::from_slice::<Value>(body) {
        conceal(&mut json);
        serde_json::to_string_pretty(&json).unwrap_or_default()
    } else {
        String::from_utf8_lossy(body).into_owned()
    };
    let _ = writeln!(text, "{mark}");
    for line in shown.lines() {
        let _ = writeln!(text, "{mark}{line}");
    }
}

/// `name=value` of a form or query, decoded to be read.
fn pairs(text: &str) -> Vec<String> {
    let pairs = form_urlencoded::parse(text.as_bytes());
    pairs
        .map(|(name, value)| format!("{name}={}", if secret(&name) { shortened(&value) } else { value.into() }))
        .collect()
}

fn conceal(json: &mut Value) {
    match json {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if secret(name) || name == "authorization" => *text = shortened(text),
                    value => conceal(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(conceal),
        _ => {}
    }
}

fn secret(name: &str) -> bool {
    SECRETS.contains(&name)
}

/// Enough to know it again, too little to use it.
fn shortened(secret: &str) -> String {
    let shown: String = secret.chars().take((secret.len() / 4).min(10)).collect();
    format!("{shown}… ({} characters)", secret.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl";

    #[test]
    fn no_secret_is_shown_whole() {
        let form = format!("grant_type=x&assertion={TOKEN}&password={TOKEN}&scope=a");
        let asked = Request::post("http://a/token?code=bw_ac_0123456789abcdef&state=s")
            .header("authorization", format!("Basic {TOKEN}"))
            .header("dpop", TOKEN)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.into_bytes())
            .unwrap();
        let asked = request(&asked);
        let json =
            format!("{{\"access_token\":\"{TOKEN}\",\"deep\":[{{\"refresh_token\":\"{TOKEN}\"}}],\"scope\":\"a\"}}");
        let told = Response::builder()
            .header("location", format!("http://a/#access_token={TOKEN}&state=s"))
            .body(json.into_bytes())
            .unwrap();
        let told = response(&told);
        for text in [&asked, &told] {
            assert!(!text.contains(TOKEN) && !text.contains("bw_ac_0123456789"), "{text}");
        }
        assert!(
            asked.contains("scope=a") && asked.contains("state=s") && asked.contains("assertion=eyJhbGciO"),
            "{asked}"
        );
        assert!(told.contains("\"scope\": \"a\"") && told.contains("&state=s"), "{told}");
    }
}
