//! Introspection answers: a status, a line feed and a body, which is what the issuer says of an opaque token. Or `J`, a
//! header, a line feed and claims, which are then signed as the header says: an answer of an issuer that signs what it
//! says (RFC 9701). A request with that token must get through exactly if RFC 7662 §2.2 and RFC 9701 §5, read plainly, and
//! the rule of the route say so.

use crate::fake::START_MS;
use crate::jwt::{AUDIENCE, ISSUER, NOW};
use crate::mesh::{self, INTROSPECT, outcome};
use crate::{json, keys};
use serde_json::Value;

const MOST: usize = 64 * 1024;
const SKEW: u64 = 60;
/// How old a signed answer may be besides.
const FRESH: u64 = 60;
const TOKEN: &str = "opaque-token";

/// See the module.
pub fn run(data: &[u8]) {
    let Some(at) = data.iter().position(|b| *b == b'\n') else { return };
    let (line, body) = (&data[..at], &data[at + 1..]);
    let mut config = mesh::config();
    if let [b'J', header @ ..] = line {
        config["providers"]["bearward"]["introspection"]["answers"] = "signed".into();
        let answer = keys::signed(header, body);
        let said = is_taken(header, body).filter(|_| answer.len() <= MOST);
        asked(&config, 200, answer.as_bytes(), said);
    } else if let Some(status) = str::from_utf8(line).ok().and_then(|text| text.parse().ok()) {
        let said = (status == 200 && body.len() <= MOST).then(|| json::object(body)).flatten();
        asked(&config, status, body, said);
    }
}

/// Asks with this answer; `said` is what it says of the token if it is an answer at all.
fn asked(config: &Value, status: u16, body: &[u8], said: Option<Value>) {
    let mut envoy = mesh::ready(1, &config.to_string(), &[]);
    assert_eq!(u64::from(u32::try_from(START_MS / 1_000).unwrap()), NOW);
    let authorization = format!("Bearer {TOKEN}");
    let request: [(&str, &[u8]); 3] =
        [(":method", b"GET"), (":path", b"/orders/1"), ("authorization", authorization.as_bytes())];
    let first = envoy.send(0, &request);
    let second = envoy.send(0, &request);
    assert_eq!(envoy.calls(INTROSPECT).len(), 1, "one call, however many wait");
    assert_eq!(outcome(&envoy.stream(0, first)), 0);
    envoy.answer(INTROSPECT, status, body);

    let stream = envoy.stream(0, first);
    let verdict = outcome(&stream);
    assert_eq!(verdict, outcome(&envoy.stream(0, second)));
    let said = said.filter(|said| said["active"].is_boolean());
    let good = said.as_ref().is_some_and(|said| is_good(said).is_some());
    assert_eq!(verdict == 200, good, "{verdict}");
    if verdict == 200 {
        let told = |name: &str| stream.headers.iter().find(|(n, _)| n == name.as_bytes()).map(|(_, v)| v.as_slice());
        let said = said.as_ref().unwrap();
        assert_eq!(told("x-auth-subject").unwrap_or_default(), said["sub"].as_str().unwrap_or_default().as_bytes());
        assert_eq!(told("authorization"), None);
    }
    // A verdict is kept, an error never.
    let again = envoy.send(0, &request);
    let asked = envoy.calls(INTROSPECT).len();
    assert_eq!(asked, usize::from(said.is_none()), "asked again, or not");
    if said.is_some() {
        assert_eq!(outcome(&envoy.stream(0, again)), verdict);
    } else {
        assert_eq!(verdict, 503);
    }
    for (_, line) in envoy.world.log.borrow().iter() {
        assert!(!line.contains(TOKEN), "a token in the log");
    }
}

/// RFC 9701 §5: what a signed answer says of the token, if it is of this issuer, for this client, and of now.
fn is_taken(header: &[u8], claims: &[u8]) -> Option<Value> {
    let (header, claims) = (json::object(header)?, json::object(claims)?);
    let typ = json::text(&header, "typ")??.to_ascii_lowercase();
    let typed = typ.strip_prefix("application/").unwrap_or(&typ) == "token-introspection+jwt";
    let ours = json::text(&claims, "iss")?? == ISSUER && json::texts(&claims, "aud")?.contains(&"mesh");
    let iat = json::seconds(&claims, "iat")??;
    let timely = (NOW - SKEW - FRESH..=NOW + SKEW).contains(&iat);
    let good = keys::are_named(&header)? && typed && ours && timely && header["crit"].is_null();
    Some(claims["token_introspection"].clone()).filter(|said| good && said.is_object())
}

/// RFC 7662 §2.2, the checks of a JWT's claims, the rule's scope, and that the claims can stand in headers.
fn is_good(answer: &Value) -> Option<()> {
    let active = answer["active"] == Value::Bool(true);
    let ours =
        json::text(answer, "iss")?.is_none_or(|iss| iss == ISSUER) && json::texts(answer, "aud")?.contains(&AUDIENCE);
    let times = ["exp", "iat", "nbf", "auth_time"].map(|name| json::seconds(answer, name));
    let [exp, iat, nbf, _] = times.map(|time| time.flatten().map(u128::from));
    let now = u128::from(NOW);
    let timely = times.iter().all(Option::is_some)
        && exp.is_none_or(|exp| exp + 60 > now)
        && iat.max(nbf).is_none_or(|time| time <= now + 60);
    let texts = ["sub", "client_id", "jti", "gid", "acr"].map(|name| json::text(answer, name).is_some());
    let scope = if answer["scope"].is_null() { &answer["scp"] } else { &answer["scope"] };
    let granted = match scope {
        Value::String(text) => text.split(' ').any(|scope| scope == "orders:read"),
        Value::Array(list) => {
            list.iter().filter_map(Value::as_str).flat_map(|t| t.split(' ')).any(|s| s == "orders:read")
        }
        _ => false,
    };
    let plain = |text: &str| text.trim_matches(' ') == text && !text.bytes().any(|b| b < 0x20 || b == 0x7f);
    let standing = ["sub", "client_id"].iter().all(|name| plain(answer[*name].as_str().unwrap_or_default()))
        && match &answer["scope"] {
            Value::String(text) => plain(text),
            Value::Array(list) if list.iter().all(|item| !item.is_array() && !item.is_object()) => {
                list.iter().all(|item| {
                    let text = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
                    plain(&text) && !text.is_empty() && !text.contains(' ')
                })
            }
            _ => true,
        };
    let unbound = answer["cnf"].is_null();
    (active && ours && timely && texts == [true; 5] && granted && standing && unbound).then_some(())
}
