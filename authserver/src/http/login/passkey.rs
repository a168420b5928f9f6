//! Signing in by a passkey: alone, or after a password.

use super::{Remark, Visit, actor};
use crate::activity::Kind;
use crate::admin::{NOTHING, change};
use crate::http::browser::Browser;
use crate::http::params::Params;
use crate::http::{App, throttle};
use crate::model::{Passkey, Person};
use crate::pages::{PasskeyPart, Trouble};
use crate::passkeys::{Claim, PasskeyError, Passkeys};

/// The form fields: what the browser answered, and to what.
pub(super) const ANSWER: &str = "credential";
const CEREMONY: &str = "passkey";

/// What a page needs to ask for a passkey: any, or one of these. `None` if this server has none.
pub(super) fn on_page(app: &App, browser: &Browser, allowed: &[Passkey]) -> Result<Option<PasskeyPart>, Trouble> {
    let Some(passkeys) = &app.passkeys else { return Ok(None) };
    let sources = (&*app.sealer, &*app.env.random);
    let ceremony = passkeys.sign_in(sources, browser.name(), allowed, app.env.now()).map_err(broken)?;
    Ok(Some(PasskeyPart::of(app, ceremony, passkeys.origin())))
}

/// The person whose passkey answered a form that is bound to this name of the browser; `expected` is who gave the password before, if somebody did.
pub(super) async fn person(
    visit: &Visit<'_>,
    (bound, params): (&str, &Params),
    answer: &str,
    expected: Option<&str>,
) -> Result<Result<Person, Remark>, Trouble> {
    let Visit { app, address, .. } = visit;
    let Some(passkeys) = &app.passkeys else { return Err(Trouble::NothingPending) };
    if let Some(wait) = throttle::address(app, *address).await? {
        app.counters.count(Kind::Refused);
        return Ok(Err(Remark::Throttled(wait)));
    }
    let sealed = params.get(CEREMONY).unwrap_or_default();
    match believed(visit, passkeys, bound, sealed, answer, expected).await? {
        Ok(person) => Ok(Ok(person)),
        Err(PasskeyError::Expired) => Ok(Err(Remark::Expired)),
        Err(error) => {
            app.counters.count(Kind::Refused);
            tracing::info!(address = address.text(), %error, "passkey refused");
            Ok(Err(Remark::WrongPasskey))
        }
    }
}

async fn believed(
    visit: &Visit<'_>,
    passkeys: &Passkeys,
    browser: &str,
    sealed: &str,
    answer: &str,
    expected: Option<&str>,
) -> Result<Result<Person, PasskeyError>, Trouble> {
    let Visit { app, address, .. } = visit;
    let refused = |why| Ok(Err(PasskeyError::Refused(why)));
    let claim = match Claim::parse(answer) {
        Ok(claim) => claim,
        Err(error) => return Ok(Err(error)),
    };
    let Some(passkey) = app.store.passkey(claim.credential_id()).await? else {
        return refused("there is no such passkey");
    };
    // Web Authentication Level 3, §7.2, step 6.
    match expected {
        Some(expected) if expected != passkey.person_id => return refused("the passkey is somebody else's"),
        None if !claim.names_its_person() => return refused("the answer names nobody"),
        _ => {}
    }
    let now = app.env.now();
    let (credential, once) = match passkeys.signed_in(&app.sealer, browser, sealed, &claim, (&passkey, now)) {
        Ok(good) => good,
        Err(error @ PasskeyError::Copied) => {
            // For the person and the administrators to see; the passkey stays, as the one that counted on may be theirs.
            let named = app.store.person(&passkey.person_id).await?.ok_or(Trouble::Broken)?;
            let object = ("person.passkey.copied", "person", passkey.person_id.as_str());
            let after = serde_json::json!({ "label": passkey.label });
            let change = change(&app.env, &actor(&named, *address), object, NOTHING, Some(&after));
            app.store.record(&change).await?;
            return Ok(Err(error));
        }
        Err(error) => return Ok(Err(error)),
    };
    if !app.store.use_once(&once.name, once.until).await? {
        return refused("the challenge was answered before");
    }
    if !app.store.use_passkey(&passkey, &credential, now).await? {
        return refused("the passkey was used elsewhere at the same time");
    }
    let person = app.store.person(&passkey.person_id).await?.filter(|person| person.disabled_at.is_none());
    Ok(person.ok_or(PasskeyError::Refused("its person is disabled")))
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn broken(error: PasskeyError) -> Trouble {
    tracing::error!(%error, "a passkey ceremony could not be made");
    Trouble::Broken
}
