//! Rules and policies: which requests, and what they take.

use super::{DAY_MS, millis};
use crate::config::tree::{Node, Object, wrong};
use crate::config::{ConfigError, Forward, same_header};
use crate::credential::is_header_name;
use bearward_token::claim_set::ClaimPath;
use bearward_token::policy::{AccessSpec, MatchSpec, PathSpec, RuleSpec};
use bearward_token::requirement::{ClaimTest, Requirement};
use serde_json::Value;

/// `names` are those of the providers.
pub(super) fn rules(node: Node, names: &[&str], forward: &Forward) -> Result<Vec<RuleSpec>, ConfigError> {
    let rules = node.each(rule)?;
    for (index, rule) in rules.iter().enumerate() {
        known_issuers(&format!("rules[{index}]"), &rule.access, names)?;
        for (name, _) in &rule.matches.headers {
            if forward.headers.iter().any(|(ours, _)| same_header(ours.as_bytes(), name.as_bytes())) {
                let at = format!("rules[{index}].match.headers.{name}");
                return Err(wrong(
                    at,
                    "is an identity that the filter sets: whatever comes under that name is made up",
                ));
            }
        }
    }
    Ok(rules)
}

/// `names` are those of the providers.
pub(super) fn policies(node: Node, names: &[&str]) -> Result<Vec<(String, AccessSpec)>, ConfigError> {
    node.each_member(|name, node| {
        let mut object = node.object()?;
        let access = access(&mut object)?;
        object.finish()?;
        known_issuers(&format!("policies.{name}"), &access, names)?;
        Ok((name, access))
    })
}

fn known_issuers(at: &str, access: &AccessSpec, names: &[&str]) -> Result<(), ConfigError> {
    let (AccessSpec::Token(requirement) | AccessSpec::Optional(requirement)) = access else { return Ok(()) };
    match requirement.issuers.iter().find(|issuer| !names.contains(&issuer.as_str())) {
        Some(unknown) => Err(wrong(format!("{at}.require.issuers"), format!("{unknown:?} is not a provider"))),
        None => Ok(()),
    }
}

fn rule(node: Node) -> Result<RuleSpec, ConfigError> {
    let mut object = node.object()?;
    let matches = matches(object.required("match")?)?;
    let access = match object.optional("policy").map(Node::text).transpose()? {
        Some(name) => AccessSpec::Policy(name),
        None => access(&mut object)?,
    };
    object.finish()?;
    Ok(RuleSpec { matches, access })
}

fn matches(node: Node) -> Result<MatchSpec, ConfigError> {
    let mut object = node.object()?;
    let path = object.optional("path").map(Node::text).transpose()?;
    let prefix = object.optional("prefix").map(Node::text).transpose()?;
    let path = match (path, prefix) {
        (Some(path), None) => PathSpec::Path(path),
        (None, Some(prefix)) => PathSpec::Prefix(prefix),
        _ => return Err(object.wrong("needs either path or prefix")),
    };
    let methods = some(&mut object, "methods")?;
    let hosts = some(&mut object, "hosts")?;
    let headers = object.read("headers", headers)?;
    object.finish()?;
    Ok(MatchSpec { path, methods, hosts, headers })
}

/// A list that, where it is given, is not empty: it would match nothing.
pub(super) fn some(object: &mut Object, name: &str) -> Result<Vec<String>, ConfigError> {
    let list = object.optional(name).map(Node::texts).transpose()?;
    if list.as_ref().is_some_and(Vec::is_empty) {
        return Err(wrong(object.at(name), format!("matches nothing; leave it out for all {name}")));
    }
    Ok(list.unwrap_or_default())
}

fn headers(node: Node) -> Result<Vec<(String, Option<String>)>, ConfigError> {
    node.each_member(|name, node| {
        if !is_header_name(&name) {
            return Err(node.wrong("not a header's name"));
        }
        let value = match node.value() {
            Value::Bool(true) => None,
            Value::String(value) => Some(value.clone()),
            _ => return Err(node.wrong("must be the value, or true for any value")),
        };
        Ok((name.to_ascii_lowercase(), value))
    })
}

fn access(object: &mut Object) -> Result<AccessSpec, ConfigError> {
    let allow = object.optional("allow").map(|node| node.one_of(&[("anonymous", false), ("optional", true)]));
    let require = object.optional("require").map(require);
    match (allow.transpose()?, require.transpose()?) {
        (Some(false), None) => Ok(AccessSpec::Anonymous),
        (Some(true), requirement) => Ok(AccessSpec::Optional(requirement.unwrap_or_default())),
        (None, Some(requirement)) => Ok(AccessSpec::Token(requirement)),
        _ => Err(object.wrong("needs either allow or require")),
    }
}

fn require(node: Node) -> Result<Requirement, ConfigError> {
    let mut object = node.object()?;
    let mut texts = |name: &str| object.read(name, Node::texts);
    let (scopes, any_scopes) = (texts("scopes")?, texts("any_scopes")?);
    let (audiences, issuers, acr) = (texts("audiences")?, texts("issuers")?, texts("acr")?);
    let plain = |text: &&String| !text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    if acr.iter().find(plain).is_some() {
        return Err(wrong(object.at("acr"), "must be printable ASCII without spaces, quotes and backslashes"));
    }
    let max_age = match millis(&mut object, "max_age", u64::MAX, 0, DAY_MS.saturating_mul(365))? {
        u64::MAX => None,
        millis => Some(millis / 1_000),
    };
    let claims = object.read("claims", claims)?;
    object.finish()?;
    Ok(Requirement { scopes, any_scopes, audiences, issuers, acr, max_age, claims })
}

fn claims(node: Node) -> Result<Vec<(ClaimPath, ClaimTest)>, ConfigError> {
    node.each_member(|name, node| {
        let path = ClaimPath::new(&name).ok_or_else(|| node.wrong("not a claim's name, or names parted by dots"))?;
        let scalar = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
        let test = match node.value() {
            Value::Array(values) if !values.is_empty() && values.iter().all(scalar) => ClaimTest::OneOf(values.clone()),
            Value::Object(members) if members.len() == 1 && members.get("present") == Some(&Value::Bool(true)) => {
                ClaimTest::Present
            }
            value if scalar(value) => ClaimTest::OneOf(vec![value.clone()]),
            _ => return Err(node.wrong("must be a value, a list of values, or { \"present\": true }")),
        };
        Ok((path, test))
    })
}
