//! Public keys as authenticators write them (`COSE_Key`, RFC 9052 §7 and RFC 9053), made into JWKs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value;
use serde_json::json;

/// The algorithms that are asked for, the best first: their numbers in COSE and their names in JOSE. ES256 and RS256 are
/// what every platform has (§5.4, `pubKeyCredParams`).
pub(super) const ALGORITHMS: [(i64, &str); 3] = [(-8, "EdDSA"), (-7, "ES256"), (-257, "RS256")];

/// Labels of RFC 9052 §7.1 and RFC 9053 §7.1, and those of RSA keys (RFC 8230 §4).
const KTY: i64 = 1;
const ALG: i64 = 3;
const CRV_OR_N: i64 = -1;
const X_OR_E: i64 = -2;
const Y: i64 = -3;

/// The JWK of a `COSE_Key` at the beginning of these bytes; `None` if it is malformed, or for an algorithm that was not
/// asked for. Whether the point is on its curve is for whoever reads the JWK.
pub(super) fn jwk(mut bytes: &[u8]) -> Option<serde_json::Value> {
    let value: Value = ciborium::de::from_reader_with_recursion_limit(&mut bytes, 2).ok()?;
    let members = value.into_map().ok()?;
    let member = |label: i64| {
        let number = |name: &Value| name.as_integer().and_then(|n| i64::try_from(n).ok());
        members.iter().find(|(name, _)| number(name) == Some(label)).map(|(_, value)| value)
    };
    let int = |label| member(label)?.as_integer().and_then(|n| i64::try_from(n).ok());
    let text = |label| member(label)?.as_bytes().map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    let (_, alg) = ALGORITHMS.into_iter().find(|(number, _)| int(ALG) == Some(*number))?;
    Some(match (int(KTY)?, alg) {
        (1, "EdDSA") if int(CRV_OR_N) == Some(6) => {
            json!({ "kty": "OKP", "crv": "Ed25519", "alg": alg, "x": text(X_OR_E)? })
        }
        (2, "ES256") if int(CRV_OR_N) == Some(1) => {
            json!({ "kty": "EC", "crv": "P-256", "alg": alg, "x": text(X_OR_E)?, "y": text(Y)? })
        }
        (3, "RS256") => json!({ "kty": "RSA", "alg": alg, "n": text(CRV_OR_N)?, "e": text(X_OR_E)? }),
        _ => return None,
    })
}
