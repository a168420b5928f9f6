//! `bearward user`.

use super::failure::Failure;
use super::{Context, Output, as_json, print_json, table};
use crate::admin::{NewPerson, PersonEdit, PersonView, check_password, check_username};
use crate::model::Role;
use crate::passwords::Passwords;
use clap::Subcommand;
use serde_json::json;
use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Far longer than any password; so much is hashed at most.
const LONGEST: u64 = 1024;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Add a person. The password is asked for, or read from a file or a pipe; never given as an argument, where
    /// others on the machine would see it.
    Create {
        /// What they type to sign in; without regard to case.
        username: String,
        /// Read the password from this file.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// An administrator, who may use the console and the admin API.
        #[arg(long)]
        admin: bool,
        #[command(flatten)]
        output: Output,
    },
    /// List people.
    List {
        /// Only those whose username begins with this.
        text: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Change a person.
    Edit(Edit),
    /// End every session of a person, and revoke every token they gave.
    SignOut {
        /// Their username.
        username: String,
    },
    /// Take the authenticator app of a person away who lost it.
    RemoveTotp {
        /// Their username.
        username: String,
    },
    /// Take the passkeys of a person away who lost them.
    RemovePasskeys {
        /// Their username.
        username: String,
    },
    /// Delete a person with everything they granted.
    Delete {
        /// Their username.
        username: String,
    },
}

#[derive(clap::Args)]
pub(super) struct Edit {
    /// Their username.
    username: String,
    /// What they type to sign in from now on.
    #[arg(long, value_name = "USERNAME")]
    rename: Option<String>,
    /// Make them an administrator.
    #[arg(long, conflicts_with = "no_admin")]
    admin: bool,
    /// Let them be an administrator no more.
    #[arg(long)]
    no_admin: bool,
    /// Refuse them, end their sessions and revoke every token they gave.
    #[arg(long, conflicts_with = "enable")]
    disable: bool,
    /// Let them sign in again.
    #[arg(long)]
    enable: bool,
    /// Ask for a new password, which ends their sessions.
    #[arg(long)]
    password: bool,
    /// Read the new password from this file.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

pub(super) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Create { username, password_file, admin, output } => {
            let person = create(context, username, password_file, role(admin)).await?;
            if output.json {
                print_json(&json!({ "sub": person.id, "username": person.username, "role": person.role }));
            } else {
                println!("{} can sign in; sub {}", person.username, person.id);
            }
        }
        Command::List { text, output } => list(context, text.as_deref(), output).await?,
        Command::Edit(edit) => self::edit(context, edit).await?,
        Command::SignOut { username } => {
            context.admin().sign_out_everywhere(&find(context, &username).await?.id).await?;
            println!("{username} is signed out everywhere, and every token they gave is revoked.");
        }
        Command::RemoveTotp { username } => {
            context.admin().remove_factor(&find(context, &username).await?.id).await?;
            println!("{username} has no authenticator app any more.");
        }
        Command::RemovePasskeys { username } => {
            context.admin().remove_passkeys(&find(context, &username).await?.id).await?;
            println!("{username} has no passkeys any more.");
        }
        Command::Delete { username } => {
            let person = find(context, &username).await?;
            context.admin().delete_person(&person.id, person.version).await?;
            println!("{username} is deleted, and every token they gave is revoked.");
        }
    }
    Ok(())
}

/// Adds a person, whose password is asked for.
pub(super) async fn create(
    context: &Context,
    username: String,
    password_file: Option<PathBuf>,
    role: Role,
) -> Result<PersonView, Failure> {
    check_username(&username)?;
    if context.store.person_by_username(&username).await?.is_some() {
        return Err(Failure::new(format!("user {username} exists already")));
    }
    let password = read_password(password_file)?;
    let passwords = Passwords::new(1, Arc::clone(&context.env.random));
    let new = NewPerson { username, password: password.to_string(), role };
    Ok(context.admin().add_person(new, &passwords).await?)
}

async fn list(context: &Context, text: Option<&str>, output: Output) -> Result<(), Failure> {
    let mut after: Option<String> = None;
    let mut all = Vec::new();
    loop {
        let page = context.admin().people(text, after.as_deref(), 500).await?;
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if output.json {
        print_json(&as_json(&all)?);
        return Ok(());
    }
    let rows = all.into_iter().map(|person| {
        let state = if person.disabled_at.is_some() { "disabled" } else { "enabled" };
        let (role, factor) = (person.role.name().to_owned(), person.factors());
        [person.username, person.id, role, state.to_owned(), factor]
    });
    table::print(["username", "sub", "role", "state", "second factor"], rows);
    Ok(())
}

async fn edit(context: &Context, edit: Edit) -> Result<(), Failure> {
    let person = find(context, &edit.username).await?;
    let ask = edit.password || edit.password_file.is_some();
    let password = if ask { Some(read_password(edit.password_file)?.to_string()) } else { None };
    let changes = PersonEdit {
        username: edit.rename,
        password,
        role: (edit.admin || edit.no_admin).then(|| role(edit.admin)),
        disabled: (edit.disable || edit.enable).then_some(edit.disable),
    };
    let passwords = Passwords::new(1, Arc::clone(&context.env.random));
    context.admin().edit_person(&person.id, person.version, changes, &passwords).await?;
    println!("{} is changed.", person.username);
    Ok(())
}

async fn find(context: &Context, username: &str) -> Result<PersonView, Failure> {
    match context.store.person_by_username(username).await? {
        Some(person) => Ok(context.admin().person(&person.id).await?),
        None => Err(Failure::new(format!("there is no user {username}; bearward user list shows those there are"))),
    }
}

fn role(admin: bool) -> Role {
    if admin { Role::Admin } else { Role::Person }
}

fn read_password(file: Option<PathBuf>) -> Result<Zeroizing<String>, Failure> {
    let password = match file {
        Some(file) => {
            let opened = std::fs::File::open(&file).map_err(|e| Failure::new(format!("{}: {e}", file.display())))?;
            first_line(opened)?
        }
        None if std::io::stdin().is_terminal() => {
            let ask = |prompt| rpassword::prompt_password(prompt).map(Zeroizing::new);
            let password = ask("Password: ")?;
            if *password != *ask("Again: ")? {
                return Err(Failure::new("the two passwords differ"));
            }
            password
        }
        None => first_line(std::io::stdin())?,
    };
    if check_password(&password).is_err() {
        return Err(Failure::new("a password has at least 8 characters"));
    }
    Ok(password)
}

/// A file or a pipe ends its line; that end is not part of the password.
fn first_line(source: impl std::io::Read) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    source.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(Failure::new(format!("a password has at most {LONGEST} bytes")));
    }
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}
