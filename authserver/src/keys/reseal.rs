//! The last step of a change of the master key: what the old one sealed is sealed under the new one.

use super::lifecycle::CHECK;
use super::{KeyError, Sealer, signing};
use crate::model::Change;
use crate::storage::{SealedKind, Store};
use crate::{client_auth, totp};

/// How many are read at once.
const PAGE: u32 = 500;

/// Seals anew whatever is not sealed under the first key, until nothing is; how many that were. `change` is for the audit
/// log, where it is written with the last of them.
///
/// # Errors
/// [`KeyError`]: what was sealed anew before, is; the rest is as it was.
pub async fn reseal(store: &dyn Store, sealer: &Sealer, change: &Change) -> Result<u64, KeyError> {
    let mut all = 0_u64;
    loop {
        let before = all;
        // The constant last: as long as the old key opens it, the old key is still needed.
        for kind in [SealedKind::SigningKey, SealedKind::Totp, SealedKind::ClientSecret, SealedKind::Constant] {
            all = all.saturating_add(reseal_kind(store, sealer, kind, change).await?);
        }
        // A server that runs may have written something meanwhile.
        if all == before {
            return Ok(all);
        }
    }
}

async fn reseal_kind(store: &dyn Store, sealer: &Sealer, kind: SealedKind, change: &Change) -> Result<u64, KeyError> {
    let (purpose, what) = match kind {
        SealedKind::SigningKey => (signing::PURPOSE, "signing key"),
        SealedKind::Totp => (totp::PURPOSE, "authenticator app of"),
        SealedKind::ClientSecret => (client_auth::SECRET, "secret of the client"),
        SealedKind::Constant => (CHECK, "constant"),
    };
    let (mut after, mut resealed) = (String::new(), 0_u64);
    loop {
        let page = store.sealed_texts(kind, &after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(resealed) };
        after.clone_from(last);
        for (name, sealed) in page {
            let constant = kind == SealedKind::Constant;
            if constant && name != CHECK {
                continue;
            }
            let aad = if constant { &[] } else { name.as_bytes() };
            let new = match sealer.reseal(purpose, aad, &sealed) {
                Ok(None) => continue,
                Ok(Some(new)) => new,
                Err(KeyError::Sealed) => return Err(KeyError::Unopened { what, name }),
                Err(error) => return Err(error),
            };
            store.replace_sealed(kind, &name, &sealed, &new, constant.then_some(change)).await?;
            // Also where somebody else was first: then it is looked at again.
            resealed = resealed.saturating_add(1);
        }
    }
}
