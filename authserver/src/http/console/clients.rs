//! The console's pages about clients.

use super::{Answer, ROWS, Visit, remark};
use crate::admin::{AdminError, ClientSpec, ClientView, NewSecret, SecretEdit, ShownSecret};
use crate::http::params::Params;
use crate::model::{ClientAuthMethod, GrantType};
use crate::pages::{self, ClientForm, ClientPage, ClientsPage, Trouble};
use http::StatusCode;
use serde_json::{Map, Value};

pub(super) async fn list(visit: &Visit<'_>) -> Answer {
    let text = visit.query.get("q").unwrap_or_default();
    let page = visit.admin().clients(Some(text), visit.query.get("after"), ROWS).await?;
    let page = ClientsPage { console: visit.frame("clients")?, text, next: more(text, page.next), clients: page.items };
    Ok(pages::html(StatusCode::OK, &page, None))
}

/// The query of the next page.
pub(super) fn more(text: &str, next: Option<String>) -> Option<String> {
    let next = next?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    if !text.is_empty() {
        query.append_pair("q", text);
    }
    query.append_pair("after", &next);
    Some(query.finish())
}

pub(super) async fn blank(visit: &Visit<'_>) -> Answer {
    let form = ClientForm {
        auth_method: ClientAuthMethod::ClientSecret.wire_name().to_owned(),
        grant_types: vec![GrantType::AuthorizationCode.wire_name(), GrantType::RefreshToken.wire_name()],
        options: "{}".to_owned(),
        ..ClientForm::default()
    };
    show(visit, None, form, None, None).await
}

pub(super) async fn create(visit: &Visit<'_>, form: &Params) -> Answer {
    let shown = read(form);
    let spec = match spec(form) {
        Ok(spec) => spec,
        Err(problem) => return show(visit, None, shown, Some(problem), None).await,
    };
    match visit.admin().create_client(spec).await {
        Ok((client, secret)) => {
            let form = form_of(&client);
            show(visit, Some(client), form, None, secret).await
        }
        Err(error) => show(visit, None, shown, Some(remark(error)?), None).await,
    }
}

pub(super) async fn one(visit: &Visit<'_>, id: &str, problem: Option<String>) -> Answer {
    let client = visit.admin().client(id).await?;
    let form = form_of(&client);
    show(visit, Some(client), form, problem, None).await
}

pub(super) async fn act(visit: &Visit<'_>, id: &str, form: &Params) -> Answer {
    let admin = visit.admin();
    let version = form.get("version").and_then(|text| text.parse().ok()).unwrap_or_default();
    let secret = form.get("secret").unwrap_or_default();
    let here = format!("clients/{}", crate::http::escaped(id));
    let (result, done) = match form.get("do") {
        Some("save") => {
            let spec = match spec(form) {
                Ok(spec) => spec,
                Err(problem) => return again(visit, id, form, problem).await,
            };
            match admin.edit_client(id, version, spec).await {
                Ok(_) => return Ok(visit.to(&here, "saved")),
                Err(error @ AdminError::Changed) => return one(visit, id, Some(remark(error)?)).await,
                Err(error) => return again(visit, id, form, remark(error)?).await,
            }
        }
        Some("disable") => (admin.set_client_disabled(id, true).await.map(drop), "disabled"),
        Some("enable") => (admin.set_client_disabled(id, false).await.map(drop), "enabled"),
        Some("delete") => match admin.delete_client(id, version).await {
            Ok(()) => return Ok(visit.to("clients", "deleted")),
            Err(error) => (Err(error), ""),
        },
        Some("secret-add") => {
            let label = form.get("label").unwrap_or_default().to_owned();
            let others_expire_in = form.get("others").and_then(|text| text.parse().ok());
            match admin.add_secret(id, NewSecret { label, expires_at: None, others_expire_in }).await {
                Ok((client, shown)) => {
                    let form = form_of(&client);
                    return show(visit, Some(client), form, None, Some(shown)).await;
                }
                Err(error) => (Err(error), ""),
            }
        }
        Some("secret-on") => (admin.set_secret(id, secret, &SecretEdit { enabled: true }).await.map(drop), "secret"),
        Some("secret-off") => (admin.set_secret(id, secret, &SecretEdit { enabled: false }).await.map(drop), "secret"),
        Some("secret-delete") => (admin.delete_secret(id, secret).await.map(drop), "secret"),
        _ => return Err(Trouble::NotFound),
    };
    match result {
        Ok(()) => Ok(visit.to(&here, done)),
        Err(error) => one(visit, id, Some(remark(error)?)).await,
    }
}

async fn again(visit: &Visit<'_>, id: &str, form: &Params, problem: String) -> Answer {
    let client = visit.admin().client(id).await?;
    show(visit, Some(client), read(form), Some(problem), None).await
}

async fn show(
    visit: &Visit<'_>,
    client: Option<ClientView>,
    form: ClientForm,
    problem: Option<String>,
    secret: Option<ShownSecret>,
) -> Answer {
    let scopes = visit.admin().scopes().await?;
    let now = visit.app.env.now();
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = ClientPage { console: visit.frame("clients")?, client, form, scopes, problem, secret, now };
    Ok(pages::html(status, &page, None))
}

/// What a form sent, to be shown again as it was.
fn read(form: &Params) -> ClientForm {
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    ClientForm {
        client_id: text("client_id"),
        name: text("name"),
        auth_method: text("auth_method"),
        grant_types: chosen(form).map(GrantType::wire_name).collect(),
        redirect_uris: text("redirect_uris"),
        scope: text("scope"),
        default_scope: text("default_scope"),
        audience: text("audience"),
        first_party: form.get("first_party").is_some(),
        partial_consent: form.get("partial_consent").is_some(),
        options: text("options"),
    }
}

fn form_of(client: &ClientView) -> ClientForm {
    let mut options = client.options.clone();
    let mut flag = |name: &str| options.remove(name) == Some(Value::Bool(true));
    let (first_party, partial_consent) = (flag("first_party"), flag("partial_consent"));
    ClientForm {
        client_id: client.client_id.clone(),
        name: client.name.clone(),
        auth_method: client.auth_method.wire_name().to_owned(),
        grant_types: client.grant_types.iter().map(|grant| grant.wire_name()).collect(),
        redirect_uris: client.redirect_uris.join("\n"),
        scope: client.scope.clone(),
        default_scope: client.default_scope.clone(),
        audience: client.audience.join("\n"),
        first_party,
        partial_consent,
        options: serde_json::to_string_pretty(&options).unwrap_or_default(),
    }
}

fn spec(form: &Params) -> Result<ClientSpec, String> {
    let text = |name: &str| form.get(name).unwrap_or_default();
    let lines = |name: &str| text(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(ToOwned::to_owned);
    let auth_method = ClientAuthMethod::from_wire(text("auth_method")).ok_or("Authentication: choose one.")?;
    let mut options: Map<String, Value> = match text("options").trim() {
        "" => Map::new(),
        json => serde_json::from_str(json).map_err(|error| format!("Further options: not a JSON object ({error})."))?,
    };
    for flag in ["first_party", "partial_consent"] {
        options.insert(flag.to_owned(), form.get(flag).is_some().into());
    }
    Ok(ClientSpec {
        client_id: form.get("client_id").map(ToOwned::to_owned),
        name: form.get("name").map(ToOwned::to_owned),
        auth_method,
        grant_types: chosen(form).collect(),
        redirect_uris: lines("redirect_uris").collect(),
        scope: text("scope").to_owned(),
        default_scope: text("default_scope").to_owned(),
        audience: lines("audience").collect(),
        options,
    })
}

fn chosen(form: &Params) -> impl Iterator<Item = GrantType> + '_ {
    GrantType::ALL.iter().copied().filter(|grant| form.get(&format!("grant {}", grant.wire_name())).is_some())
}
