//! Whole requests. An input is `W` and a header map as the host serialises one; or lines: a digit for the configuration
//! and the names of host calls that fail, then `name: value` for each header and `%path: value` for each property.
//! In values, `$good` and its like stand for tokens (see [`Cast`]).
//!
//! Whatever is in the request: without a good token nothing gets to what is protected, however an upstream may read the
//! path; identities come from the token and from nowhere else; credentials go no further; nobody is told a token.

use crate::fake::{FakeEnvoy, Stream};
use crate::jwt::{ISSUER, NOW, claims};
use crate::mesh::{self, INTROSPECT, JWKS, outcome};
use crate::proxy::{Headers, serialize_pairs};
use crate::{dpop, keys};
use bearward_filter::config::same_header;
use bearward_token::dpop::Expected;
use bearward_token::feed::{ALWAYS, Entry, Subject};
use bearward_token::jwk::thumbprint;
use serde_json::{Value, json};
use std::sync::OnceLock;

mod readings;
use readings::{demands, readings};

/// Whom a request may come from, and what stands for their tokens.
struct Cast {
    /// What stands for a token in an input, and the token.
    texts: Vec<(&'static str, String)>,
    /// Whose tokens are good, and what for.
    good: Vec<Good>,
    proof: String,
}

struct Good {
    token: String,
    subject: &'static str,
    client: &'static str,
    scope: &'static str,
    bound: bool,
}

fn cast() -> &'static Cast {
    static CAST: OnceLock<Cast> = OnceLock::new();
    CAST.get_or_init(|| {
        let header = json!({ "alg": "ES256", "kid": "k1", "typ": "at+jwt" });
        let token = |key: &str, changes: Value| {
            let mut claims = claims();
            claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            keys::token(key, &header, &claims)
        };
        let good = token("k1", json!({}));
        let write = token("k1", json!({ "sub": "bob", "jti": "t2", "scope": "orders:write" }));
        let key = keys::base64_url(&thumbprint(&keys::p256_jwk("d1")).unwrap());
        let bound = token("k1", json!({ "sub": "carol", "jti": "t3", "cnf": { "jkt": key } }));
        let opaque = "opaque-token-of-dave".to_owned();
        let proof = dpop::good("d1", &expected(&bound), "p1");
        let of = |token: &str, subject, scope, bound| Good {
            token: token.to_owned(),
            subject,
            client: "demo",
            scope,
            bound,
        };
        Cast {
            good: vec![
                of(&good, "alice", "orders:read", false),
                of(&write, "bob", "orders:write", false),
                of(&bound, "carol", "orders:read", true),
                of(&opaque, "dave", "orders:read", false),
            ],
            texts: vec![
                ("$good", good),
                ("$write", write),
                ("$bound", bound),
                ("$proof", proof.clone()),
                ("$opaque", opaque),
                ("$inactive", "another-opaque-token".to_owned()),
                ("$revoked", token("k1", json!({ "sub": "mallory", "jti": "revoked" }))),
                ("$expired", token("k1", json!({ "sub": "mallory", "exp": NOW - 100 }))),
                ("$foreign", token("k1", json!({ "sub": "mallory", "iss": "https://other.example" }))),
                ("$forged", token("d1", json!({ "sub": "mallory" }))),
            ],
            proof,
        }
    })
}

fn expected(token: &str) -> Expected<'_> {
    Expected { method: "GET", origin: "https://api.example", path: "/orders/1", token, now: NOW, window: 60 }
}

/// The configurations, by their digits.
fn configs() -> &'static [String; 6] {
    static CONFIGS: OnceLock<[String; 6]> = OnceLock::new();
    CONFIGS.get_or_init(|| {
        let with = |change: &dyn Fn(&mut Value)| {
            let mut config = mesh::config();
            change(&mut config);
            config.to_string()
        };
        let everywhere = |config: &mut Value| {
            config["credentials"] = json!([
                { "header": "authorization" }, { "header": "x-api-token", "prefix": "Token " },
                { "query": "access_token" }, { "cookie": "session" },
            ]);
        };
        [
            with(&|_| {}),
            with(&|c| c["forward"]["authorization"] = "keep".into()),
            with(&everywhere),
            with(&|c| {
                c["cors_preflight"] = "allow".into();
                c["dpop"] = json!({ "origin": "https://api.example" });
                c["resource"] = json!({ "identifier": "https://api.example/orders" });
                c["forward"]["payload"] = "x-auth-payload".into();
                c["forward"]["state"] = json!({ "subject": "sub" });
                c["oauth"]["gateway_secret"] = "a secret of more than 32 bytes, for vouching".into();
            }),
            with(&|c| {
                c["route_policy"] = json!({});
                c["policies"] = json!({
                    "open": { "allow": "anonymous" }, "strict": { "require": { "scopes": ["orders:write"] } },
                });
            }),
            // Everything that is not protected is open: what counts is whether all read a path alike.
            with(&|c| {
                everywhere(c);
                c["rules"].as_array_mut().unwrap().push(json!({ "match": { "prefix": "/" }, "allow": "anonymous" }));
            }),
        ]
    })
}

/// The calls of the host that an input can have fail.
const BREAKABLE: [&str; 9] = [
    "request_headers",
    "remove_request_header",
    "add_request_header",
    "replace_request_header",
    "property",
    "set_property",
    "shared",
    "set_shared",
    "call",
];

/// See the module.
pub fn run(data: &[u8]) {
    if let Some((b'W', map)) = data.split_first() {
        return read(map);
    }
    let mut lines = data.split(|b| *b == b'\n');
    let first = lines.next().unwrap_or_default();
    let Some(config) = first.first().and_then(|digit| configs().get(usize::from(digit.wrapping_sub(b'0')))) else {
        return;
    };
    let mut request = Request { config: first[0] - b'0', ..Request::default() };
    for line in lines.take(64) {
        let Some(at) = line.iter().skip(1).position(|b| *b == b':') else { continue };
        let (name, value) = line.split_at(at + 1);
        let value = filled(value[1..].trim_ascii());
        match name.strip_prefix(b"%") {
            Some(property) => {
                if let Ok(property) = String::from_utf8(property.to_vec()) {
                    request.properties.push((property, value));
                }
            }
            // The host has all names in lower case, and of those with a colon only these, once each (RFC 9113 §8.3).
            None => {
                let name = name.to_ascii_lowercase();
                let known = [b":method".as_slice(), b":path", b":authority", b":scheme"].contains(&name.as_slice());
                if !name.starts_with(b":") || known && !request.has(&name) {
                    request.headers.push((name, value));
                }
            }
        }
    }
    let broken = str::from_utf8(&first[1..]).unwrap_or_default().split_ascii_whitespace();
    let broken: Vec<_> = BREAKABLE.into_iter().filter(|name| broken.clone().any(|word| word == *name)).collect();
    try_it(config, &request, &broken);
}

/// A header map reads as it was written.
fn read(map: &[u8]) {
    let headers = Headers::new(map.to_vec());
    let pairs: Vec<_> = headers.iter().collect();
    let written = serialize_pairs(&pairs);
    let again = Headers::new(written);
    assert_eq!(again.iter().collect::<Vec<_>>(), pairs);
    assert!(pairs.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() <= map.len());
}

#[derive(Default)]
struct Request {
    config: u8,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    properties: Vec<(String, Vec<u8>)>,
}

impl Request {
    /// What of these there is once, if at all.
    fn pseudo(&self, name: &[u8]) -> &[u8] {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_slice()).unwrap_or_default()
    }

    fn has(&self, name: &[u8]) -> bool {
        self.headers.iter().any(|(n, _)| n == name)
    }

    /// Whether the token stands anywhere in it; encoded it may be in the query.
    fn holds(&self, token: &str) -> bool {
        let holds = |value: &[u8]| value.windows(token.len()).any(|window| window == token.as_bytes());
        self.headers.iter().any(|(_, value)| holds(value))
            || url::form_urlencoded::parse(query(self.pseudo(b":path"))).any(|(_, value)| value == token)
    }
}

fn query(path: &[u8]) -> &[u8] {
    path.iter().position(|b| *b == b'?').map_or(b"", |at| &path[at + 1..])
}

/// The value with tokens in the places of what stands for them.
fn filled(value: &[u8]) -> Vec<u8> {
    if !value.contains(&b'$') {
        return value.to_vec();
    }
    let mut out = Vec::new();
    let mut rest = value;
    while let Some((first, after)) = rest.split_first() {
        match cast().texts.iter().find(|(name, _)| rest.starts_with(name.as_bytes())) {
            Some((name, token)) => {
                out.extend_from_slice(token.as_bytes());
                rest = &rest[name.len()..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

fn try_it(config: &str, request: &Request, broken: &[&'static str]) {
    let revoked =
        Entry { key: Subject::Token("revoked").key(), cutoff: ALWAYS, expires_at: u32::try_from(NOW + 3_600).unwrap() };
    let mut envoy = mesh::ready(1, config, &[revoked]);
    envoy.world.properties.borrow_mut().extend(request.properties.iter().cloned());
    envoy.world.broken.borrow_mut().extend(broken);
    let stream = send(&mut envoy, request);
    judge(request, &stream);
    // The same again, of which something is known by now.
    let again = send(&mut envoy, request);
    judge(request, &again);
    let bound = again.resumed && identity(&again).is_some_and(|(subject, ..)| subject == b"carol");
    assert!(!bound, "a proof, used twice");
    quiet(&envoy, request);
}

/// Sends it, lets the authserver answer what it is asked, and waits for as long as a request can be held.
fn send(envoy: &mut FakeEnvoy, request: &Request) -> Stream {
    let headers: Vec<_> = request
        .headers
        .iter()
        .filter_map(|(name, value)| Some((str::from_utf8(name).ok()?, value.as_slice())))
        .collect();
    let id = envoy.send(0, &headers);
    if outcome(&envoy.stream(0, id)) == 0 {
        for call in envoy.calls(INTROSPECT) {
            let active = json!({
                "active": true, "sub": "dave", "client_id": "demo", "scope": "orders:read", "iss": ISSUER,
                "aud": claims()["aud"], "exp": NOW + 60,
            });
            let good = call.body.ends_with("&token=opaque-token-of-dave");
            let answer = if good { active } else { json!({ "active": false }) };
            envoy.answer_call(&call, 200, answer.to_string().as_bytes());
        }
        envoy.pass(10);
        for call in envoy.calls(JWKS) {
            envoy.answer_call(&call, 200, keys::jwks().to_string().as_bytes());
        }
        envoy.pass(2_100);
    }
    envoy.stream(0, id)
}

/// Who the upstream is told that it is: subject, client and scope. There is one value of each, or none.
fn identity(stream: &Stream) -> Option<(&[u8], &[u8], &[u8])> {
    let of = |wanted: &[u8]| {
        let mut values = stream.headers.iter().filter(|(name, _)| same_header(name, wanted)).map(|(_, value)| value);
        let value = values.next();
        assert!(values.next().is_none(), "an identity, twice");
        value
    };
    let [subject, client, scope] = [b"x-auth-subject".as_slice(), b"x-auth-client", b"x-auth-scope"].map(of);
    match (subject, client, scope) {
        (None, None, None) => None,
        (Some(subject), Some(client), Some(scope)) => Some((subject, client, scope)),
        partly => panic!("half an identity: {partly:?}"),
    }
}

fn judge(request: &Request, stream: &Stream) {
    match outcome(stream) {
        0 => panic!("a request that waits for ever"),
        _ if stream.reply.is_some() => refused(request, stream),
        _ => passed(request, stream),
    }
}

fn refused(request: &Request, stream: &Stream) {
    let reply = stream.reply.as_ref().unwrap();
    let document = reply.details == "bearward_resource_metadata" && request.config == 3;
    if document {
        let expected = match request.pseudo(b":method") {
            b"GET" | b"HEAD" => 200,
            b"OPTIONS" => 204,
            _ => 405,
        };
        assert_eq!(reply.status, expected, "RFC 9728 §3.1");
    } else {
        assert!(matches!(reply.status, 400 | 401 | 403 | 429 | 503), "{}", reply.status);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    assert!(reply.details.starts_with("bearward_"));
    let plain = |text: &str| text.bytes().all(|b| (0x20..0x7f).contains(&b));
    assert!(reply.headers.iter().all(|(name, value)| plain(name) && plain(value)), "{:?}", reply.headers);
    let challenged = reply.header("www-authenticate").is_some();
    assert!(reply.status != 401 || challenged, "RFC 9110 §15.5.2");
    for (_, token) in &cast().texts {
        assert!(!reply.body.contains(token.as_str()), "a token in an answer");
        assert!(reply.headers.iter().all(|(_, value)| !value.contains(token.as_str())));
    }
}

fn passed(request: &Request, stream: &Stream) {
    let path = request.pseudo(b":path");
    let method = request.pseudo(b":method");
    let identity = identity(stream);
    let person = identity.map(|(subject, client, scope)| {
        let is = |good: &&Good| {
            (good.subject.as_bytes(), good.client.as_bytes(), good.scope.as_bytes()) == (subject, client, scope)
        };
        let good = cast().good.iter().find(is).expect("an identity that no good token has");
        assert!(request.holds(&good.token), "an identity without its token");
        good
    });
    let preflight = request.config == 3
        && method == b"OPTIONS"
        && request.has(b"origin")
        && request.has(b"access-control-request-method");
    let property = "xds.route_metadata.filter_metadata.bearward.policy";
    let policy = request.properties.iter().rev().find(|(name, value)| name == property && !value.is_empty());
    let policy = policy.filter(|_| request.config == 4).map(|(_, value)| value.as_slice());
    let readings = readings(path);
    let oauth = readings.iter().all(|path| path.starts_with(b"/oauth2/") || is_below(path, b"/login"));
    for reading in &readings {
        let demanded = match policy {
            Some(_) if is_below(reading, b"/login") || reading.starts_with(b"/oauth2/") => None,
            Some(b"open") => None,
            Some(b"strict") => Some("orders:write"),
            Some(_) => panic!("a policy that is not there"),
            None if preflight => None,
            None => demands(method, reading, request.config == 5),
        };
        let lacks = |scope: &str| person.is_none_or(|person| person.scope != scope);
        if let Some(scope) = demanded.filter(|scope| lacks(scope)) {
            panic!("{:?} got through without {scope}", String::from_utf8_lossy(reading));
        }
    }
    if person.is_some_and(|person| person.bound) {
        let proofs: Vec<_> = request.headers.iter().filter(|(name, _)| name == b"dpop").collect();
        assert!(matches!(proofs.as_slice(), [(_, value)] if *value == cast().proof.as_bytes()), "no proof");
        assert_eq!((method, path.split(|b| *b == b'?').next()), (b"GET".as_slice(), Some(b"/orders/1".as_slice())));
        let authority = request.pseudo(b":authority").to_ascii_lowercase();
        assert!(request.config == 3 || matches!(authority.as_slice(), b"api.example" | b"api.example:443"));
    }
    if oauth {
        let vouched = |wanted: &[u8]| stream.headers.iter().filter(|(name, _)| same_header(name, wanted)).count();
        let expected = usize::from(request.config == 3);
        assert_eq!(vouched(b"x-bearward-gateway"), expected, "who vouches for whom");
        assert!(vouched(b"x-bearward-client-address") <= expected);
    } else if request.config != 1 {
        no_credentials(request, stream, person.is_some_and(|person| person.bound));
    }
}

/// That nothing is left where tokens are looked for.
fn no_credentials(request: &Request, stream: &Stream, bound: bool) {
    let there = |wanted: &[u8]| stream.headers.iter().any(|(name, _)| same_header(name, wanted));
    let exactly = |wanted: &[u8]| stream.headers.iter().any(|(name, _)| name == wanted);
    assert!(!exactly(b"authorization"));
    assert!(!bound || !exactly(b"dpop"));
    if matches!(request.config, 2 | 5) {
        assert!(!there(b"x-api-token"));
        let path = stream.headers.iter().rev().find(|(name, _)| name == b":path").map(|(_, value)| value.as_slice());
        let query = query(path.unwrap_or_default());
        assert!(url::form_urlencoded::parse(query).all(|(name, _)| name != "access_token"), "a token in the query");
        let cookies =
            stream.headers.iter().filter(|(name, _)| name == b"cookie").flat_map(|(_, v)| v.split(|b| *b == b';'));
        for crumb in cookies {
            assert_ne!(crumb.split(|b| *b == b'=').next().unwrap_or_default().trim_ascii(), b"session");
        }
    }
}

/// Whether a path is this one or below it.
fn is_below(path: &[u8], prefix: &[u8]) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
}

/// No line of the log holds a token, unless the client put it where a request's own name or path is.
fn quiet(envoy: &FakeEnvoy, request: &Request) {
    let shown = [b":path".as_slice(), b":method", b"x-request-id"];
    for (_, token) in &cast().texts {
        let holds = |value: &[u8]| value.windows(token.len()).any(|window| window == token.as_bytes());
        let named = request.headers.iter().any(|(name, value)| {
            let value = if name == b":path" { value.split(|b| *b == b'?').next().unwrap_or_default() } else { value };
            // As it is, or as it is read: an escape before it can take its first letter.
            shown.contains(&name.as_slice()) && (holds(value) || holds(&decoded(value)))
        });
        if !named {
            assert!(
                envoy.world.log.borrow().iter().all(|(_, line)| !line.contains(token.as_str())),
                "a token in the log"
            );
        }
    }
}

fn decoded(value: &[u8]) -> Vec<u8> {
    readings::decoded(value)
}
