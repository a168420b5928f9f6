//! `bearward export` and `bearward import`: JSON lines, one thing on each.

use super::Context;
use super::failure::Failure;
use super::progress::Progress;
use crate::admin::{AdminError, ScopeSpec};
use crate::model::{Account, Client, Digest, Person, Role};
use crate::passwords;
use serde::{Deserialize, Serialize};
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::PathBuf;

const PAGE: u32 = 500;
/// The longest line of an import, in bytes.
const LONGEST: u64 = 1024 * 1024;
/// How often an import says how far it is, in lines.
const EVERY: usize = 500;

#[derive(clap::Args)]
pub(super) struct Export {
    /// Write here, readable by you alone (default: standard output).
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct Import {
    /// Read this file (default: standard input).
    file: Option<PathBuf>,
    /// Only check that every line can be read.
    #[arg(long)]
    dry_run: bool,
}

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Scope(ScopeSpec),
    Client(Box<ClientLine>),
    Person(PersonLine),
}

#[derive(Serialize, Deserialize)]
struct ClientLine {
    #[serde(flatten)]
    client: Client,
    /// The digest of its first secret; the others are among its options.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_digest: Option<Digest>,
}

#[derive(Serialize, Deserialize)]
struct PersonLine {
    id: String,
    username: String,
    password_hash: String,
    role: Role,
    disabled_at: Option<i64>,
    created_at: i64,
    password_at: Option<i64>,
}

pub(super) async fn export(context: &Context, export: Export) -> Result<(), Failure> {
    let mut out: Box<dyn std::io::Write + Send> = match &export.out {
        None => Box::new(std::io::stdout()),
        Some(file) => {
            use std::os::unix::fs::OpenOptionsExt as _;
            let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
            Box::new(opened.map_err(|error| Failure::new(format!("{}: {error}", file.display())))?)
        }
    };
    let mut write = |line: Line| -> Result<(), Failure> {
        let text = serde_json::to_string(&line).map_err(|error| Failure::new(error.to_string()))?;
        Ok(writeln!(out, "{text}")?)
    };
    for scope in context.store.scopes().await? {
        write(Line::Scope(ScopeSpec { name: scope.name, title: scope.title, description: scope.description }))?;
    }
    let (mut after, mut left_out) = (String::new(), 0_usize);
    let (mut clients, mut people) = (0_usize, 0_usize);
    loop {
        let page = context.store.find_clients(None, &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.value.id);
        for client in page.into_iter().map(|client| client.value) {
            // Sealed under this server's master key: elsewhere it would be of no use.
            if client.sealed_secret.is_some() {
                left_out = left_out.saturating_add(1);
                continue;
            }
            let secret_digest = client.secret;
            clients = clients.saturating_add(1);
            write(Line::Client(Box::new(ClientLine { client, secret_digest })))?;
        }
    }
    let (mut after, mut factors) = (String::new(), 0_usize);
    loop {
        let page = context.store.find_accounts(None, &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.value.person.username.to_lowercase();
        for Account { person, role, password_at, totp, passkeys } in page.into_iter().map(|account| account.value) {
            // Sealed under this server's master key, or bound to the host of its issuer.
            if totp || passkeys > 0 {
                factors = factors.saturating_add(1);
            }
            let Person { id, username, password_hash, disabled_at, created_at } = person;
            people = people.saturating_add(1);
            write(Line::Person(PersonLine {
                id,
                username,
                password_hash,
                role,
                disabled_at,
                created_at,
                password_at,
            }))?;
        }
    }
    context.admin().exported(clients, people).await?;
    if factors > 0 {
        eprintln!(
            "{factors} people have a second factor, which stays here: where this is imported, their passwords alone sign them in \
             until they add another"
        );
    }
    if left_out > 0 {
        eprintln!(
            "{left_out} clients that prove themselves by client_secret_jwt were left out: their secrets stay here"
        );
    }
    Ok(())
}

pub(super) async fn import(context: &Context, import: Import) -> Result<(), Failure> {
    let (source, size): (Box<dyn Read>, u64) = match &import.file {
        None => (Box::new(std::io::stdin()), 0),
        Some(name) => {
            let wrong = |error| Failure::new(format!("{}: {error}", name.display()));
            let file = std::fs::File::open(name).map_err(wrong)?;
            let size = file.metadata().map_err(wrong)?.len();
            (Box::new(file), size)
        }
    };
    let mut progress = Progress::new(size);
    let mut read = 0_u64;
    let (mut added, mut there) = (0_usize, 0_usize);
    let mut source = BufReader::new(source);
    for number in 1_usize.. {
        let wrong = |problem: String| Failure::new(format!("line {number}: {problem}; the lines before it are done"));
        let Some(line) = next_line(&mut source).map_err(|error| wrong(error.to_string()))? else { break };
        read = read.saturating_add(u64::try_from(line.len()).unwrap_or(0));
        if line.trim().is_empty() {
            continue;
        }
        let parsed: Line = serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
        if import.dry_run {
            added = added.saturating_add(1);
            continue;
        }
        match add(context, parsed).await {
            Ok(()) => added = added.saturating_add(1),
            Err(AdminError::Exists(_)) => there = there.saturating_add(1),
            Err(error) => return Err(wrong(Failure::from(error).to_string())),
        }
        if number % EVERY == 0 {
            progress.show(read, &format!("{number} lines: {added} added, {there} there already"));
        }
    }
    progress.end();
    match import.dry_run {
        true => println!("{added} lines can be read."),
        false => println!("{added} added, {there} there already."),
    }
    Ok(())
}

/// The next line, with its end; `None` after the last one. A file that has no lines does not fill the memory.
fn next_line(source: &mut impl std::io::BufRead) -> std::io::Result<Option<String>> {
    let invalid = |text: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, text);
    let mut line = Vec::new();
    source.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') && u64::try_from(line.len()).is_ok_and(|length| length >= LONGEST) {
        return Err(invalid("longer than 1 MiB"));
    }
    String::from_utf8(line).map(Some).map_err(|_| invalid("not UTF-8"))
}

async fn add(context: &Context, line: Line) -> Result<(), AdminError> {
    let admin = context.admin();
    match line {
        Line::Scope(scope) => admin.create_scope(scope).await.map(drop),
        Line::Client(line) => {
            let ClientLine { client, secret_digest } = *line;
            let client = Client { secret: secret_digest, ..client };
            if client.secret.is_some() != client.auth_method.shows_secret() {
                let problem = "does not fit the auth_method".to_owned();
                return Err(AdminError::Invalid { field: "secret_digest", problem });
            }
            admin.register_client(client).await.map(drop)
        }
        Line::Person(line) => {
            let PersonLine { id, username, password_hash, role, disabled_at, created_at, password_at } = line;
            // Any other would be a person who never gets in.
            if !passwords::is_understood(&password_hash) {
                let problem = "is no PHC string of Argon2".to_owned();
                return Err(AdminError::Invalid { field: "password_hash", problem });
            }
            let person = Person { id, username, password_hash, disabled_at, created_at };
            admin.add_whole_account(Account { person, role, password_at, totp: false, passkeys: 0 }).await.map(drop)
        }
    }
}
