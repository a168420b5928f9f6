//! `bearward user`.

use super::failure::Failure;
use super::{Context, Output, print_json};
use crate::model::Person;
use crate::passwords::Passwords;
use crate::secret::random_id;
use clap::Subcommand;
use serde_json::json;
use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

const SHORTEST: usize = 8;
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
        #[command(flatten)]
        output: Output,
    },
}

pub(super) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let Command::Create { username, password_file, output } = command;
    if username.is_empty() || username.len() > 255 || username.trim() != username || username.contains(char::is_control)
    {
        return Err(Failure::new("a username is 1 to 255 bytes, without control characters or space around it"));
    }
    if context.store.person_by_username(&username).await?.is_some() {
        return Err(Failure::new(format!("user {username} exists already")));
    }
    let password = read_password(password_file)?;
    let passwords = Passwords::new(1, Arc::clone(&context.env.random));
    let person = Person {
        id: random_id(&*context.env.random),
        username,
        password_hash: passwords.hash(password).await?,
        disabled_at: None,
        created_at: context.env.now(),
    };
    context.store.create_person(&person).await?;
    if output.json {
        print_json(&json!({ "sub": person.id, "username": person.username }));
    } else {
        println!("{} can sign in; sub {}", person.username, person.id);
    }
    Ok(())
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
    if password.chars().count() < SHORTEST {
        return Err(Failure::new(format!("a password has at least {SHORTEST} characters")));
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
