//! `none`: a public client only says who it is, RFC 6749 §3.2.1. So does a client whose proof is its certificate (RFC
//! 8705 §2).

use super::{Credentials, Proof};
use crate::http::Params;

/// The client that the body names.
pub(super) fn credentials(params: &Params) -> Option<Credentials> {
    let client_id = params.get("client_id")?.to_owned();
    Some(Credentials { client_id, proof: Proof::Nothing })
}
