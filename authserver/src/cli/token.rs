//! `bearward token`.

use super::failure::Failure;
use super::{Context, Output, as_json, print_json, table};
use crate::admin::{IssuedToken, TokenView};
use crate::authorization_details::in_words;
use crate::keys::{KeyRing, Sealer};
use clap::Subcommand;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Say what a token is, whether it is good now, and if not, why. It is read from a file or standard input, as
    /// arguments are seen by everybody on the machine and stay in the shell's history.
    Show {
        /// The file; standard input if left out.
        file: Option<PathBuf>,
        #[command(flatten)]
        output: Output,
    },
    /// Revoke one access token.
    Revoke {
        /// The token's jti.
        jti: String,
    },
}

pub(super) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let admin = context.admin();
    match command {
        Command::Show { file, output } => {
            let text = read(file)?;
            let found = admin.look_up_token(&text, &keys(context).await?).await?;
            if output.json { print_json(&as_json(&found)?) } else { print(&found) }
        }
        Command::Revoke { jti } => {
            admin.revoke_token(&jti).await?;
            println!("{jti} is revoked.");
        }
    }
    Ok(())
}

fn read(file: Option<PathBuf>) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    match file {
        None => drop(std::io::stdin().read_to_string(&mut text)?),
        Some(file) => {
            let read = std::fs::read_to_string(&file);
            *text = read.map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
        }
    }
    Ok(text)
}

/// The keys that are there; looking makes none.
async fn keys(context: &Context) -> Result<KeyRing, Failure> {
    let Context { config, store, env } = context;
    let sealer = Arc::new(Sealer::new(&config.master_key));
    let lifetime = config.tokens.access_lifetime;
    Ok(KeyRing::read(Arc::clone(store), sealer, env.clone(), config.keys.clone(), lifetime).await?)
}

fn print(found: &TokenView) {
    let state = if found.good { "good" } else { "not good" };
    println!("{}", found.description);
    for reason in &found.reasons {
        println!("{}", table::plain(&reason.text));
    }
    println!("");
    let mut rows = vec![["state".to_owned(), state.to_owned()]];
    rows.extend(found.token.iter().flat_map(says));
    table::print(["token", ""], rows);
}

/// What it says, as far as it says it.
fn says(token: &IssuedToken) -> Vec<[String; 2]> {
    let also =
        |name: &str, more: Option<&String>| more.map_or_else(|| name.to_owned(), |more| format!("{name} ({more})"));
    let bound = token.confirmation.iter().flat_map(|bound| {
        let jkt = bound.jkt.iter().map(|jkt| format!("DPoP key {jkt}"));
        jkt.chain(bound.x5t_s256.iter().map(|x5t| format!("certificate {x5t}")))
    });
    let details = token.authorization_details.iter().flat_map(|all| all.as_array().into_iter().flatten());
    let fixed = [
        ("client", also(&token.client_id, token.client_name.as_ref())),
        ("subject", also(&token.sub, token.username.as_ref())),
        ("scopes", token.scope.clone()),
        ("audience", token.audience.join(" ")),
        ("issued", table::at_or_none(token.issued_at)),
        ("expires", table::at(token.expires_at)),
        ("grant", token.grant_id.clone().unwrap_or_default()),
        ("jti", token.jti.clone().unwrap_or_default()),
        ("key", token.kid.clone().unwrap_or_default()),
        ("bound to", bound.collect::<Vec<_>>().join(", ")),
        ("acting", token.act.as_ref().map(in_words).unwrap_or_default()),
        ("exchanged from", token.exchanged_from.join(" ")),
        ("details", details.map(in_words).collect::<Vec<_>>().join("; ")),
    ];
    let fixed = fixed.into_iter().map(|(name, value)| [name.to_owned(), value]);
    let claims = token.claims.iter().map(|(name, value)| [format!("claim {name}"), in_words(value)]);
    fixed.chain(claims).filter(|[_, value]| !value.is_empty()).collect()
}
