//! The console's pages about clients.

use super::{Answer, ROWS, Visit, client_form, is_first, is_private, overtaken, problem, rows, version};
use crate::admin::{AdminError, ClientView, NewKeys, NewSecret, SecretEdit, ShownSecret};
use crate::http::params::Params;
use crate::pages::{self, ClaimRow, ClientForm, ClientPage, ClientsPage, NewKeysForm, Problem, Trouble};
use crate::secret::random_id;
use http::StatusCode;
use serde_json::Map;

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
    show(visit, Shown { form: client_form::blank(), ..Shown::default() }).await
}

pub(super) async fn create(visit: &Visit<'_>, form: &Params) -> Answer {
    let mut typed = client_form::sent(form);
    if let Some(ask) = rows::asked("claim", form.get("do").unwrap_or_default()) {
        rows::change(&mut typed.claims, ask);
        return show(visit, Shown { form: typed, ..Shown::default() }).await;
    }
    if !is_first(visit.app, form).await? {
        return Ok(visit.to("clients", "twice"));
    }
    let made = match client_form::spec(&typed, Map::new()) {
        Ok(spec) => visit.admin().create_client(spec).await.map_err(problem),
        Err(problem) => Err(Ok(problem)),
    };
    match made {
        Ok((client, secret)) => {
            show(visit, Shown { form: client_form::of(&client), client: Some(client), secret, ..Shown::default() })
                .await
        }
        Err(problem) => show(visit, Shown { form: typed, problem: Some(problem?), ..Shown::default() }).await,
    }
}

pub(super) async fn one(visit: &Visit<'_>, id: &str, problem: Option<Problem>) -> Answer {
    let client = visit.admin().client(id).await?;
    show(visit, Shown { form: client_form::of(&client), client: Some(client), problem, ..Shown::default() }).await
}

pub(super) async fn act(visit: &Visit<'_>, id: &str, form: &Params) -> Answer {
    let what = form.get("do").unwrap_or("save");
    if what == "save" {
        return save(visit, id, form).await;
    }
    if let Some(ask) = rows::asked("claim", what) {
        let mut typed = client_form::sent(form);
        rows::change(&mut typed.claims, ask);
        let mut client = visit.admin().client(id).await?;
        // Saved later, it must still find what was read first.
        client.version = version(form);
        return show(visit, Shown { form: typed, client: Some(client), ..Shown::default() }).await;
    }
    let admin = visit.admin();
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let (secret, key) = (text("secret"), text("key"));
    let switch = |enabled| SecretEdit { enabled };
    let (result, done) = match what {
        "disable" => (admin.set_client_disabled(id, true).await.map(drop), "disabled"),
        "enable" => (admin.set_client_disabled(id, false).await.map(drop), "enabled"),
        "delete" => match admin.delete_client(id, version(form)).await {
            Ok(()) => return Ok(visit.to("clients", "deleted")),
            Err(error) => (Err(error), ""),
        },
        "secret-add" => {
            if !is_first(visit.app, form).await? {
                return Ok(visit.to(&here(id), "twice"));
            }
            let others_expire_in = form.get("others").and_then(|text| text.parse().ok());
            match admin.add_secret(id, NewSecret { label: text("label"), expires_at: None, others_expire_in }).await {
                Ok((_, secret)) => {
                    let client = admin.client(id).await?;
                    let form = client_form::of(&client);
                    return show(visit, Shown { form, client: Some(client), secret: Some(secret), ..Shown::default() })
                        .await;
                }
                Err(error) => (Err(error), ""),
            }
        }
        "secret-on" => (admin.set_secret(id, &secret, &switch(true)).await.map(drop), "secret"),
        "secret-off" => (admin.set_secret(id, &secret, &switch(false)).await.map(drop), "secret"),
        "secret-delete" => (admin.delete_secret(id, &secret).await.map(drop), "secret"),
        "key-add" => return add_keys(visit, id, text("key_label"), text("keys")).await,
        "key-on" => (admin.set_key(id, &key, &switch(true)).await.map(drop), "key"),
        "key-off" => (admin.set_key(id, &key, &switch(false)).await.map(drop), "key"),
        "key-delete" => (admin.delete_key(id, &key).await.map(drop), "key"),
        _ => return Err(Trouble::NotFound),
    };
    match result {
        Ok(()) => Ok(visit.to(&here(id), done)),
        Err(error) => one(visit, id, Some(problem(error)?)).await,
    }
}

async fn save(visit: &Visit<'_>, id: &str, form: &Params) -> Answer {
    let admin = visit.admin();
    let typed = client_form::sent(form);
    let client = admin.client(id).await?;
    let edited = match client_form::spec(&typed, client.options.clone()) {
        Ok(spec) => admin.edit_client(id, version(form), spec).await,
        Err(problem) => return again(visit, client, typed, version(form), problem).await,
    };
    match edited {
        Ok(_) => Ok(visit.to(&here(id), "saved")),
        Err(AdminError::Changed) => {
            let now = client.version;
            again(visit, client, typed, now, overtaken()).await
        }
        Err(error) => again(visit, client, typed, version(form), problem(error)?).await,
    }
}

/// The form as it was sent, with what was wrong with it. Saved again, it must still find what was read first.
async fn again(visit: &Visit<'_>, client: ClientView, form: ClientForm, version: i64, problem: Problem) -> Answer {
    let client = ClientView { version, ..client };
    show(visit, Shown { form, client: Some(client), problem: Some(problem), ..Shown::default() }).await
}

async fn add_keys(visit: &Visit<'_>, id: &str, label: String, keys: String) -> Answer {
    match visit.admin().add_keys(id, NewKeys { label: label.clone(), keys: keys.clone() }).await {
        Ok(_) => Ok(visit.to(&here(id), "key-added")),
        Err(error) => {
            let mut problem = problem(error)?;
            if problem.field == "label" {
                "key_label".clone_into(&mut problem.field);
            }
            // A private key is not sent back and forth.
            let keys = if is_private(&keys) { String::new() } else { keys };
            let client = visit.admin().client(id).await?;
            let form = client_form::of(&client);
            let new_keys = NewKeysForm { key_label: label, keys };
            show(visit, Shown { form, client: Some(client), problem: Some(problem), new_keys, ..Shown::default() })
                .await
        }
    }
}

fn here(id: &str) -> String {
    format!("clients/{}", crate::http::escaped(id))
}

/// What the page shows.
#[derive(Default)]
struct Shown {
    client: Option<ClientView>,
    form: ClientForm,
    problem: Option<Problem>,
    secret: Option<ShownSecret>,
    new_keys: NewKeysForm,
}

async fn show(visit: &Visit<'_>, shown: Shown) -> Answer {
    let Shown { client, mut form, problem, secret, new_keys } = shown;
    if form.claims.is_empty() {
        form.claims.push(ClaimRow::default());
    }
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = ClientPage {
        console: visit.frame("clients")?,
        client,
        form,
        scopes: visit.admin().scopes().await?,
        types: visit.admin().authorization_types().await?,
        problem,
        secret,
        new_keys,
        now: visit.app.env.now(),
        once: random_id(visit.app.env.random.as_ref()),
    };
    Ok(pages::html(status, &page, None))
}
