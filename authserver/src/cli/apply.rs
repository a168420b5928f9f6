//! `bearward apply`: scopes, types of authorization details, clients and issuers as a file says. Everything is checked before
//! anything is changed.

use super::Context;
use super::failure::Failure;
use crate::admin::{
    AdminError, ClientSpec, ClientView, IssuerSpec, ScopeSpec, check_authorization_type, check_scope, clients,
};
use crate::model::AuthorizationType;
use bearward_token::scope::ScopeSet;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Apply {
    /// A YAML or JSON file with `scopes`, `authorization_types`, `clients` and `issuers`; what it does not name stays as it is.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Only show what would change, and what would be refused.
    #[arg(long)]
    dry_run: bool,
}

/// The file.
#[derive(Deserialize, Default)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a mapping with `scopes`, `authorization_types`, `clients` and `issuers`"
)]
struct Wanted {
    scopes: Vec<ScopeSpec>,
    authorization_types: Vec<AuthorizationType>,
    clients: Vec<ClientSpec>,
    issuers: Vec<IssuerSpec>,
}

impl Wanted {
    /// Of two that are named alike only one could hold, and the next time it would be the other one's turn.
    fn named_once(&self) -> Result<(), Failure> {
        let names = self.scopes.iter().map(|scope| ("scope", scope.name.as_str()));
        let names = names.chain(self.authorization_types.iter().map(|kind| ("authorization type", kind.name.as_str())));
        let names =
            names.chain(self.clients.iter().filter_map(|client| Some(("client", client.client_id.as_deref()?))));
        let mut seen = BTreeSet::new();
        for (kind, name) in names.chain(self.issuers.iter().map(|issuer| ("issuer", issuer.issuer.as_str()))) {
            if !seen.insert((kind, name)) {
                return Err(Failure::new(format!("{kind} {name} is there twice")));
            }
        }
        Ok(())
    }
}

/// One thing that has to change.
enum Action {
    AddScope(ScopeSpec),
    EditScope(ScopeSpec, i64),
    AddType(AuthorizationType),
    EditType(AuthorizationType, i64),
    AddClient(ClientSpec),
    EditClient(String, ClientSpec, i64),
    AddIssuer(IssuerSpec),
    EditIssuer(IssuerSpec, i64),
}

pub(super) async fn run(context: &Context, apply: Apply) -> Result<(), Failure> {
    let shown = apply.file.display();
    let text = std::fs::read_to_string(&apply.file).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    let wanted: Wanted = serde_yaml_ng::from_str(&text).map_err(|error| Failure::new(format!("{shown}: {error}")))?;
    wanted.named_once()?;
    let plan = plan(context, wanted).await?;
    if plan.is_empty() {
        println!("Nothing changes.");
        return Ok(());
    }
    for action in &plan {
        println!("{}", action.words());
    }
    check(context, &plan).await?;
    if apply.dry_run {
        println!("{} would change; nothing was done.", plan.len());
        return Ok(());
    }
    let many = plan.len();
    for (done, action) in plan.into_iter().enumerate() {
        let words = action.words();
        if let Err(failure) = carry_out(context, action).await {
            return Err(Failure::new(format!(
                "{words}: {failure}; {done} of {many} were done before, and apply goes on from there"
            )));
        }
    }
    println!("{many} changed.");
    Ok(())
}

async fn plan(context: &Context, wanted: Wanted) -> Result<Vec<Action>, Failure> {
    let admin = context.admin();
    let mut plan = Vec::new();
    for scope in wanted.scopes {
        match admin.scope(&scope.name).await {
            Ok(there) if there.title == scope.title && there.description == scope.description => {}
            Ok(there) => plan.push(Action::EditScope(scope, there.version)),
            Err(AdminError::NotFound(_)) => plan.push(Action::AddScope(scope)),
            Err(error) => return Err(error.into()),
        }
    }
    for kind in wanted.authorization_types {
        match admin.authorization_type(&kind.name).await {
            Ok(there) if there.spec() == kind => {}
            Ok(there) => plan.push(Action::EditType(kind, there.version)),
            Err(AdminError::NotFound(_)) => plan.push(Action::AddType(kind)),
            Err(error) => return Err(error.into()),
        }
    }
    for client in wanted.clients {
        let Some(id) = client.client_id.clone() else {
            return Err(Failure::new("a client without client_id: it could not be found again the next time"));
        };
        match admin.client(&id).await {
            Ok(there) if is(&there, &client) => {}
            Ok(there) => plan.push(Action::EditClient(id, client, there.version)),
            Err(AdminError::NotFound(_)) => plan.push(Action::AddClient(client)),
            Err(error) => return Err(error.into()),
        }
    }
    for issuer in wanted.issuers {
        match admin.issuer(&issuer.issuer).await {
            Ok(there)
                if there.spec() == (IssuerSpec { scope: in_order(issuer.scope.as_deref()), ..issuer.clone() }) => {}
            Ok(there) => plan.push(Action::EditIssuer(issuer, there.version)),
            Err(AdminError::NotFound(_)) => plan.push(Action::AddIssuer(issuer)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(plan)
}

/// Refuses the plan if any part of it would be, so that nothing is left half done. What is only on its way counts as there:
/// scopes for clients, clients for issuers.
async fn check(context: &Context, plan: &[Action]) -> Result<(), Failure> {
    let admin = context.admin();
    let mut scopes = admin.scopes().await?;
    let mut clients = Vec::new();
    for action in plan {
        let checked = match action {
            Action::AddScope(scope) | Action::EditScope(scope, _) => {
                check_scope(scope.clone()).map(|scope| scopes.push(scope))
            }
            Action::AddType(kind) | Action::EditType(kind, _) => check_authorization_type(kind),
            Action::AddClient(client) => {
                clients.extend(client.client_id.as_deref());
                admin.check_new_client(client.clone(), &scopes)
            }
            Action::EditClient(id, client, version) => {
                admin.check_client_edit(id, *version, client.clone(), &scopes).await
            }
            Action::AddIssuer(issuer) | Action::EditIssuer(issuer, _) => {
                admin.check_issuer_spec(issuer.clone(), &clients).await
            }
        };
        if let Err(error) = checked {
            let failure = Failure::from(error);
            return Err(Failure::new(format!("{}: {failure}; nothing was changed", action.words())));
        }
    }
    Ok(())
}

/// Scopes as they are stored; what is none stays, to be refused by the check.
fn in_order(scope: Option<&str>) -> Option<String> {
    scope.map(|text| ScopeSet::parse(text).map_or_else(|_| text.to_owned(), |scopes| scopes.to_string()))
}

/// Whether a client is as it is wanted; the order of what has none does not matter.
fn is(there: &ClientView, wanted: &ClientSpec) -> bool {
    fn sorted<T: Ord + Clone>(list: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut list: Vec<T> = list.into_iter().collect();
        list.sort();
        list
    }
    let names = |grants: &[crate::model::GrantType]| sorted(grants.iter().map(|grant| grant.wire_name()));
    let words = |text: &str| sorted(text.split_whitespace().map(ToOwned::to_owned));
    // What says no more than its default is not stored. Options that hold no water are refused by the check.
    let options = clients::as_stored(&wanted.options).unwrap_or_else(|_| wanted.options.clone());
    there.name == wanted.name.clone().unwrap_or_else(|| there.client_id.clone())
        && there.auth_method == wanted.auth_method
        && names(&there.grant_types) == names(&wanted.grant_types)
        && there.redirect_uris == wanted.redirect_uris
        && words(&there.scope) == words(&wanted.scope)
        && words(&there.default_scope) == words(&wanted.default_scope)
        && there.audience == wanted.audience
        && there.options == options
}

impl Action {
    fn words(&self) -> String {
        match self {
            Self::AddScope(scope) => format!("+ scope {}", scope.name),
            Self::EditScope(scope, _) => format!("~ scope {}", scope.name),
            Self::AddType(kind) => format!("+ authorization type {}", kind.name),
            Self::EditType(kind, _) => format!("~ authorization type {}", kind.name),
            Self::AddClient(client) => format!("+ client {}", client.client_id.as_deref().unwrap_or_default()),
            Self::EditClient(id, ..) => format!("~ client {id}"),
            Self::AddIssuer(issuer) => format!("+ issuer {}", issuer.issuer),
            Self::EditIssuer(issuer, _) => format!("~ issuer {}", issuer.issuer),
        }
    }
}

async fn carry_out(context: &Context, action: Action) -> Result<(), Failure> {
    let admin = context.admin();
    match action {
        Action::AddScope(scope) => admin.create_scope(scope).await.map(drop)?,
        Action::EditScope(scope, version) => admin.edit_scope(version, scope).await.map(drop)?,
        Action::AddType(kind) => admin.create_authorization_type(&kind).await.map(drop)?,
        Action::EditType(kind, version) => admin.edit_authorization_type(version, &kind).await.map(drop)?,
        Action::AddClient(spec) => {
            let (client, secret) = admin.create_client(spec).await?;
            if let Some(secret) = secret {
                println!("client_secret of {}, shown this once: {}", client.client_id, secret.client_secret);
            }
        }
        Action::EditClient(id, spec, version) => admin.edit_client(&id, version, spec).await.map(drop)?,
        Action::AddIssuer(issuer) => admin.create_issuer(issuer).await.map(drop)?,
        Action::EditIssuer(issuer, version) => admin.edit_issuer(version, issuer).await.map(drop)?,
    }
    Ok(())
}
