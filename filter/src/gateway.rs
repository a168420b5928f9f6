//! What the filter vouches for towards the authserver, which sees only the gateway's connection: the client's certificate
//! and address. A client could write the same headers, so they are always removed first, and signed.

use crate::config::Secret;
use crate::proxy::{Headers, Host};
use crate::request::Changes;
use crate::seen::Seen;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The header with the code.
pub const GATEWAY: &str = "x-bearward-gateway";
/// The header with the client's address.
pub const CLIENT_ADDRESS: &str = "x-bearward-client-address";

/// Removes what a client may have put there, and vouches for what is so where there is a secret to do it with.
///
/// `x-bearward-gateway: v1.<unix seconds>.<base64url(HMAC-SHA256(secret, text))>`, the text being the lines `v1`, the
/// seconds, the method, the path with its query, `x-forwarded-client-cert` or nothing, and the client's address or
/// nothing; parted by line feeds, without one at the end. `now` is Unix time in seconds.
pub fn vouch<'a>(
    host: &impl Host,
    secret: Option<&Secret>,
    headers: &'a Headers,
    seen: &Seen<'a>,
    now: u64,
    changes: &mut Changes<'a>,
) {
    let mut certificate: &[u8] = &[];
    for (name, value) in headers.iter() {
        if [GATEWAY, CLIENT_ADDRESS].iter().any(|ours| crate::config::same_header(name, ours.as_bytes())) {
            changes.remove.push(name);
        } else if name == b"x-forwarded-client-cert" {
            certificate = value;
        }
    }
    let Some(secret) = secret else { return };
    let address = host.property(b"source\0address").ok().flatten().unwrap_or_default();
    let address = without_port(&address);
    let Some(proof) = proof(secret, now, [seen.method, seen.path, certificate, address]) else { return };
    changes.add.push((GATEWAY, proof.into_bytes()));
    if !address.is_empty() {
        changes.add.push((CLIENT_ADDRESS, address.to_vec()));
    }
}

/// What [`GATEWAY`] says of a request: its method, its path with the query, `x-forwarded-client-cert` and the client's
/// address, either of which may be nothing. `now` is Unix time in seconds.
pub fn proof(secret: &Secret, now: u64, [method, path, certificate, address]: [&[u8]; 4]) -> Option<String> {
    let now = now.to_string();
    let text = [b"v1", now.as_bytes(), method, path, certificate, address].join(&b'\n');
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose()).ok()?;
    mac.update(&text);
    let code = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    Some(format!("v1.{now}.{code}"))
}

/// `192.0.2.1:443` and `[2001:db8::1]:443` without port and brackets.
fn without_port(address: &[u8]) -> &[u8] {
    let end = address.iter().rposition(|b| *b == b':').unwrap_or(address.len());
    let host = address.get(..end).unwrap_or(address);
    host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host)
}
