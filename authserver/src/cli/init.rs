//! `bearward init`: the first administrator.

use super::failure::Failure;
use super::{Context, Output, print_json, user};
use crate::admin::{AdminError, SCOPE, ScopeSpec};
use crate::model::Role;
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Init {
    /// What the administrator types to sign in.
    username: String,
    /// Read the password from this file; otherwise it is asked for, or read from a pipe.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(context: &Context, init: Init) -> Result<(), Failure> {
    if context.store.has_admin(None).await? {
        return Err(Failure::new(
            "there is an administrator already; they can make others, and so can bearward user edit --admin",
        ));
    }
    let scope = ScopeSpec {
        name: SCOPE.to_owned(),
        title: "Administer this server".to_owned(),
        description: "See and change clients, people, keys and everything else here.".to_owned(),
    };
    match context.admin().create_scope(scope).await {
        Ok(_) | Err(AdminError::Exists(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let person = user::create(context, init.username, init.password_file, Role::Admin).await?;
    if init.output.json {
        print_json(&json!({ "sub": person.id, "username": person.username, "role": person.role }));
    } else {
        let issuer = context.config.issuer.as_str().trim_end_matches('/');
        println!("{} is the first administrator. The console is at {issuer}/admin", person.username);
    }
    Ok(())
}
