//! What an upstream is told.

use crate::config::tree::Node;
use crate::config::{ConfigError, Forward, same_header};
use crate::credential::is_header_name;
use crate::output::Output;
use bearward_token::claim_set::ClaimPath;

/// The most headers, and the most state: whatever a token has is then looked for so often.
const MOST: usize = 32;

pub(super) fn forward(node: Node) -> Result<Forward, ConfigError> {
    let mut object = node.object()?;
    let keep_credential = object.read("authorization", |node| node.one_of(&[("strip", false), ("keep", true)]))?;
    let mut headers = object.read("headers", headers)?;
    if let Some(node) = object.optional("payload") {
        let not = node.wrong("not a header that can carry an identity, or one that carries another");
        let name = node.text()?.to_ascii_lowercase();
        if !is_identity_header(&name) || headers.iter().any(|(other, _)| same_header(other.as_bytes(), name.as_bytes()))
        {
            return Err(not);
        }
        headers.push((name, Output::Payload));
    }
    let state = object.read("state", state)?;
    object.finish()?;
    Ok(Forward { keep_credential, headers, state })
}

fn headers(node: Node) -> Result<Vec<(String, Output)>, ConfigError> {
    let object = node.object()?;
    let too_many = object.wrong("at most 32");
    let mut headers: Vec<(String, Output)> = Vec::new();
    for (name, node) in object.members() {
        let lower = name.to_ascii_lowercase();
        if !is_identity_header(&lower) {
            return Err(node.wrong("not a header that can carry an identity"));
        }
        if headers.iter().any(|(other, _)| same_header(other.as_bytes(), lower.as_bytes())) {
            return Err(node.wrong("the same header twice"));
        }
        headers.push((lower, output(node)?));
    }
    if headers.len() > MOST { Err(too_many) } else { Ok(headers) }
}

fn state(node: Node) -> Result<Vec<(String, Output)>, ConfigError> {
    let object = node.object()?;
    let too_many = object.wrong("at most 32");
    let mut state = Vec::new();
    for (name, node) in object.members() {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(node.wrong("must be letters, digits, \".\", \"_\" and \"-\""));
        }
        state.push((name, output(node)?));
    }
    if state.len() > MOST { Err(too_many) } else { Ok(state) }
}

/// A claim by its name, or with what parts the items of a list.
fn output(node: Node) -> Result<Output, ConfigError> {
    let not = node.wrong("must be a claim's name, or names parted by dots");
    let (name, separator) = if node.value().is_object() {
        let mut object = node.object()?;
        let name = object.required("claim")?.text()?;
        let separator = object.optional("separator").map(|node| node.one_of(&[(" ", ' '), (",", ','), (";", ';')]));
        let separator = separator.transpose()?.unwrap_or(' ');
        object.finish()?;
        (name, separator)
    } else {
        (node.text()?, ' ')
    };
    let path = ClaimPath::new(&name).ok_or(not)?;
    Ok(Output::Claim { path, separator })
}

/// A header that neither the proxy nor this filter needs for anything else.
fn is_identity_header(name: &str) -> bool {
    let reserved = [
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "dpop",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-bearward-client-address",
        "x-bearward-gateway",
    ];
    is_header_name(name) && !reserved.contains(&name)
}
