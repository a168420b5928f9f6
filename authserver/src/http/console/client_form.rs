//! The form about a client: what it sent, what a client is in it, and what it asks for.

use super::rows;
use crate::admin::{ClientSpec, ClientView};
use crate::custom_claims::CustomClaims;
use crate::http::params::Params;
use crate::model::{ClientAuthMethod, GrantType};
use crate::pages::{CLAIM_KINDS, ClaimRow, ClientForm, Problem};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Fields of the registration itself, that are text.
const TEXTS: [&str; 8] =
    ["client_id", "name", "auth_method", "redirect_uris", "scope", "default_scope", "audience", "tls_kind"];
/// Options that are ticked or not.
const FLAGS: [&str; 7] = [
    "first_party",
    "partial_consent",
    "require_pkce",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
];
/// Options that are one text.
const NAMES: [&str; 5] = [
    "access_token_format",
    "access_token_signing_alg",
    "refresh_mode",
    "token_endpoint_auth_signing_alg",
    "assertion_subjects",
];
/// Options that are a number of seconds, and what they are called.
const LIFETIMES: [(&str, &str); 3] = [
    ("access_token_lifetime", "Access tokens are good for"),
    ("refresh_lifetime", "Refresh tokens are good for"),
    ("refresh_absolute_lifetime", "A grant can be refreshed for"),
];
/// Options that are texts, each on a line of its own.
const LINES: [&str; 2] = ["web_origins", "resources"];
/// How the subject of a certificate can be named (RFC 8705 §2.1.2).
const SUBJECTS: [&str; 5] = [
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
];

/// What a form sent, to be shown again as it was.
pub(super) fn sent(form: &Params) -> ClientForm {
    let mut texts = BTreeMap::new();
    let more = ["jwks_uri", "tls_value", "request_claims", "exchange_audiences"];
    let lifetimes = LIFETIMES.map(|(name, _)| name);
    for name in TEXTS.into_iter().chain(NAMES).chain(LINES).chain(lifetimes).chain(more) {
        texts.insert(name, form.get(name).unwrap_or_default().to_owned());
    }
    let flags = FLAGS.into_iter().chain(["exchange_impersonation", "exchange_delegation"]);
    let rows = rows::read(form, "claim", &["name", "kind", "value", "for"])
        .into_iter()
        .map(|[name, kind, value, grant]| ClaimRow { name, kind, value, grant });
    ClientForm {
        texts,
        ticked: flags.filter(|name| form.get(name).is_some()).collect(),
        grant_types: chosen(form).map(GrantType::wire_name).collect(),
        details: form.starting_with("details ").map(|(name, _)| name.to_owned()).collect(),
        claims: rows.collect(),
    }
}

/// The form of a new client.
pub(super) fn blank() -> ClientForm {
    let mut form = ClientForm {
        grant_types: vec![GrantType::AuthorizationCode.wire_name(), GrantType::RefreshToken.wire_name()],
        ..ClientForm::default()
    };
    form.texts.insert("auth_method", ClientAuthMethod::ClientSecret.wire_name().to_owned());
    form
}

/// The form of a client as it is.
pub(super) fn of(client: &ClientView) -> ClientForm {
    let options = &client.options;
    let text = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let lines = |value: Option<&Value>, separator: &str| {
        let items = value.and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).collect::<Vec<_>>().join(separator)
    };
    let mut texts = BTreeMap::from([
        ("client_id", client.client_id.clone()),
        ("name", client.name.clone()),
        ("auth_method", client.auth_method.wire_name().to_owned()),
        ("redirect_uris", client.redirect_uris.join("\n")),
        ("scope", client.scope.clone()),
        ("default_scope", client.default_scope.clone()),
        ("audience", client.audience.join("\n")),
        ("jwks_uri", text(options.get("keys").and_then(|keys| keys.get("jwks_uri")))),
        ("request_claims", lines(options.get("request_claims"), " ")),
    ]);
    for name in NAMES.into_iter().chain(LIFETIMES.map(|(name, _)| name)) {
        texts.insert(name, text(options.get(name)));
    }
    for name in LINES {
        texts.insert(name, lines(options.get(name), "\n"));
    }
    let subject = options.get("tls_client_auth").and_then(Value::as_object).and_then(|subject| subject.iter().next());
    if let Some((kind, value)) = subject
        && let Some(kind) = SUBJECTS.iter().find(|known| *known == kind)
    {
        texts.insert("tls_kind", (*kind).to_owned());
        texts.insert("tls_value", text(Some(value)));
    }
    let exchange = options.get("token_exchange");
    texts.insert("exchange_audiences", lines(exchange.and_then(|exchange| exchange.get("audiences")), "\n"));
    let is = |value: Option<&Value>| value == Some(&Value::Bool(true));
    let mut ticked: std::collections::BTreeSet<_> = FLAGS.into_iter().filter(|name| is(options.get(*name))).collect();
    for (name, member) in [("exchange_impersonation", "impersonation"), ("exchange_delegation", "delegation")] {
        if is(exchange.and_then(|exchange| exchange.get(member))) {
            ticked.insert(name);
        }
    }
    let types = options.get("authorization_details_types").and_then(Value::as_array).into_iter().flatten();
    ClientForm {
        texts,
        ticked,
        grant_types: client.grant_types.iter().map(|grant| grant.wire_name()).collect(),
        details: types.filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
        claims: claim_rows(options),
    }
}

fn claim_rows(options: &Map<String, Value>) -> Vec<ClaimRow> {
    let sets = options.get("grant_claims").and_then(Value::as_object).into_iter().flatten();
    let sets =
        options.get("claims").map(|set| ("", set)).into_iter().chain(sets.map(|(grant, set)| (grant.as_str(), set)));
    let rows = sets.flat_map(|(grant, set)| {
        set.as_object().into_iter().flatten().map(move |(name, value)| {
            let (kind, value) = match value {
                Value::String(text) => ("text", text.clone()),
                Value::Array(items) => ("list", items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")),
                Value::Bool(is) => ("boolean", is.to_string()),
                other => ("number", other.to_string()),
            };
            ClaimRow { name: name.clone(), kind: kind.to_owned(), value, grant: grant.to_owned() }
        })
    });
    rows.collect()
}

/// What the form asks for. What it has no field for stays as it is in `options`.
pub(super) fn spec(form: &ClientForm, options: Map<String, Value>) -> Result<ClientSpec, Problem> {
    let text = |name: &str| form.texts.get(name).map_or("", |text| text.trim());
    let lines = |name: &str| -> Vec<String> {
        text(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect()
    };
    let auth_method = ClientAuthMethod::from_wire(text("auth_method"))
        .ok_or_else(|| Problem::at("auth_method", "Choose how it proves itself."))?;
    let mut options = options;
    for name in FLAGS {
        options.insert(name.to_owned(), form.ticked.contains(name).into());
    }
    for name in NAMES {
        let usual = matches!((name, text(name)), (_, "") | ("access_token_format", "jwt") | ("refresh_mode", "rotate"));
        put(&mut options, name, (!usual).then(|| text(name).into()));
    }
    for (name, words) in LIFETIMES {
        let seconds: Option<u32> = match text(name) {
            "" => None,
            number => {
                Some(number.parse().map_err(|_| Problem::at(name, format!("{words}: a whole number of seconds.")))?)
            }
        };
        put(&mut options, name, seconds.map(Value::from));
    }
    for name in LINES {
        put(&mut options, name, Some(json!(lines(name))));
    }
    let words: Vec<&str> = text("request_claims").split_whitespace().collect();
    put(&mut options, "request_claims", Some(json!(words)));
    put(&mut options, "authorization_details_types", Some(json!(form.details)));
    put(&mut options, "tls_client_auth", tls_subject(text("tls_kind"), text("tls_value"))?);
    let [impersonation, delegation] =
        ["exchange_impersonation", "exchange_delegation"].map(|name| form.ticked.contains(name));
    let audiences = lines("exchange_audiences");
    let exchange = (impersonation || delegation || !audiences.is_empty())
        .then(|| json!({ "impersonation": impersonation, "delegation": delegation, "audiences": audiences }));
    put(&mut options, "token_exchange", exchange);
    let mut keys = options.remove("keys").and_then(|keys| keys.as_object().cloned()).unwrap_or_default();
    put(&mut keys, "jwks_uri", (!text("jwks_uri").is_empty()).then(|| text("jwks_uri").into()));
    let keys = (!keys.is_empty()).then_some(Value::Object(keys));
    put(&mut options, "keys", keys);
    let (claims, grant_claims) = claims(&form.claims)?;
    put(&mut options, "claims", Some(claims));
    put(&mut options, "grant_claims", Some(grant_claims));
    let filled = |name: &str| Some(text(name).to_owned()).filter(|text| !text.is_empty());
    Ok(ClientSpec {
        client_id: filled("client_id"),
        name: filled("name"),
        auth_method,
        grant_types: form.grant_types.iter().filter_map(|name| GrantType::from_wire(name)).collect(),
        redirect_uris: lines("redirect_uris"),
        scope: text("scope").to_owned(),
        default_scope: text("default_scope").to_owned(),
        audience: lines("audience"),
        options,
    })
}

fn put(options: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => options.insert(name.to_owned(), value),
        None => options.remove(name),
    };
}

fn tls_subject(kind: &str, value: &str) -> Result<Option<Value>, Problem> {
    match (kind, value) {
        ("", "") => Ok(None),
        ("", _) => Err(Problem::at("tls_value", "Choose what this is of the certificate.")),
        (_, "") => Err(Problem::at("tls_value", "Say what the certificate has to hold.")),
        ("tls_client_auth_san_ip", ip) if ip.parse::<std::net::IpAddr>().is_err() => {
            Err(Problem::at("tls_value", "This is no IP address."))
        }
        ("tls_client_auth_subject_dn", dn) if crate::x509::Dn::parse(dn).is_none() => {
            Err(Problem::at("tls_value", "This is no name such as CN=client,O=Example (RFC 4514)."))
        }
        (kind, value) => Ok(SUBJECTS.contains(&kind).then(|| json!({ kind: value }))),
    }
}

/// Claims of all tokens, and those of grants.
fn claims(rows: &[ClaimRow]) -> Result<(Value, Value), Problem> {
    let mut sets: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (number, row) in rows.iter().enumerate() {
        if row.name.trim().is_empty() && row.value.trim().is_empty() {
            continue;
        }
        let wrong = |part: &str, text: String| Problem::at(&rows::field("claim", part, number), text);
        if !row.grant.is_empty() && GrantType::from_wire(&row.grant).is_none() {
            return Err(wrong("for", "Choose which tokens carry it.".to_owned()));
        }
        let name = row.name.trim();
        let value = claim_value(&row.kind, &row.value).map_err(|text| wrong("value", text.to_owned()))?;
        // Each by itself first, so that what is wrong is said where it is.
        let one = Map::from_iter([(name.to_owned(), value.clone())]);
        CustomClaims::try_from(one).map_err(|error| wrong("name", sentence(&error.to_string())))?;
        if sets.entry(&row.grant).or_default().insert(name.to_owned(), value).is_some() {
            return Err(wrong("name", format!("There are two claims named {name} for the same tokens.")));
        }
    }
    for set in sets.values() {
        CustomClaims::try_from(set.clone()).map_err(|error| Problem::at("claims", sentence(&error.to_string())))?;
    }
    let all = sets.remove("").unwrap_or_default();
    Ok((Value::Object(all), json!(sets)))
}

fn claim_value(kind: &str, text: &str) -> Result<Value, &'static str> {
    match kind {
        "number" => match serde_json::from_str(text.trim()) {
            Ok(Value::Number(number)) => Ok(Value::Number(number)),
            _ => Err("This is no number, such as 7 or 1.5."),
        },
        "boolean" => match text.trim() {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            _ => Err("Say true or false."),
        },
        "list" => Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().into()),
        kind if CLAIM_KINDS.iter().any(|(known, _)| *known == kind) => Ok(text.trim().into()),
        _ => Err("Choose what it is."),
    }
}

fn sentence(text: &str) -> String {
    super::sentence(text)
}

fn chosen(form: &Params) -> impl Iterator<Item = GrantType> + '_ {
    GrantType::ALL.iter().copied().filter(|grant| form.get(&format!("grant {}", grant.wire_name())).is_some())
}
