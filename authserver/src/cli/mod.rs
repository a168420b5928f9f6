//! The command line. Every command reads the same configuration as the server and works on the same database, also
//! while servers run: they notice.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

/// As the standard library's, but who stops reading (`bearward client list | head`) ends the program, quietly.
macro_rules! println {
    ($($text:tt)*) => { $crate::cli::stdout::line(format_args!($($text)*)) };
}

mod apply;
mod audit;
mod authorization_type;
mod client;
mod client_key;
mod client_options;
mod client_proof;
mod doctor;
mod failure;
mod feed;
mod generate;
mod grant;
mod init;
mod issuer;
mod keys;
mod overview;
mod progress;
pub(crate) mod redirect_uri;
mod registration_token;
mod scope;
mod secret;
mod stdout;
mod table;
mod token;
mod transfer;
mod user;

use crate::admin::{Actor, Admin};
use crate::config::Config;
use crate::env::Env;
use crate::storage::{self, Store};
use clap::{Args, Parser, Subcommand};
use failure::Failure;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// OAuth 2.0 for Envoy: the authorization server.
#[derive(Parser)]
#[command(name = "bearward", version, about, propagate_version = true)]
struct Cli {
    /// The configuration file (TOML); the environment (BEARWARD_…) wins over it. Default: $BEARWARD_CONFIG.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve {
        /// Load accounts to try things out with; on loopback addresses only.
        #[arg(long)]
        demo: bool,
    },
    /// Check the configuration and print the settings that hold, without secrets.
    CheckConfig,
    /// Make the first administrator, who signs in at /admin. There is no default password.
    Init(init::Init),
    /// Bring the database's schema up to date; the server does this too when it starts.
    Migrate,
    /// Register clients, list them, disable and enable them.
    #[command(subcommand)]
    Client(client::Command),
    /// Whose assertions are believed.
    #[command(subcommand)]
    Issuer(issuer::Command),
    /// Add people who can sign in, list and change them.
    #[command(subcommand)]
    User(user::Command),
    /// List and rotate signing keys; make a master key.
    #[command(subcommand)]
    Keys(keys::Command),
    /// The scopes that clients can ask for, and the words people see for them.
    #[command(subcommand)]
    Scope(scope::Command),
    /// What people granted to clients: look for it, revoke it.
    #[command(subcommand)]
    Grant(grant::Command),
    /// A token that you have: see what it is and whether it is good; revoke one by its name.
    #[command(subcommand)]
    Token(token::Command),
    /// What happened in the last day, and who follows the revocation feed.
    Overview(Output),
    /// The audit log: who did what to which object, from where.
    Audit(audit::Audit),
    /// Make clients, scopes and issuers as a file says, after showing what would change.
    Apply(apply::Apply),
    /// Write scopes, clients and people as JSON lines. Secrets are digests; second factors stay here.
    Export(transfer::Export),
    /// Read what export wrote. What is there already stays, so an import that broke off goes on where it was.
    Import(transfer::Import),
    /// Check configuration, database, keys, clocks, and that the gateway leads here.
    Doctor(doctor::Doctor),
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
    /// The types of authorization_details (RFC 9396) that clients can ask for, and the words people see for them.
    #[command(subcommand)]
    AuthorizationType(authorization_type::Command),
    /// Let others register clients (RFC 7591).
    #[command(subcommand)]
    RegistrationToken(registration_token::Command),
    /// The revocation feed.
    #[command(subcommand)]
    Feed(feed::Command),
}

/// How to print.
#[derive(Args, Clone, Copy)]
struct Output {
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// What most commands work with.
struct Context {
    config: Config,
    store: Arc<dyn Store>,
    env: Env,
}

/// Runs the command that the arguments name. 0: done; 1: it failed, and standard error says in one line what to do;
/// 2: the arguments are wrong.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    match runtime.block_on(run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure),
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let file = cli.config;
    let config = || Config::load(file.as_deref(), variables());
    match cli.command {
        Command::Serve { demo } => Ok(crate::serve::serve(config()?, demo).await?),
        Command::CheckConfig => {
            let config = config()?;
            println!("ok\n\n{config}");
            Ok(())
        }
        Command::Migrate => {
            Context::open(config()?).await?;
            println!("The database's schema is up to date.");
            Ok(())
        }
        Command::Keys(keys::Command::GenerateMaster) => keys::generate_master(&Env::system()),
        Command::Client(command) => client::run(&Context::open(config()?).await?, command).await,
        Command::Issuer(command) => issuer::run(&Context::open(config()?).await?, command).await,
        Command::User(command) => user::run(&Context::open(config()?).await?, command).await,
        Command::Keys(command) => keys::run(&Context::open(config()?).await?, command).await,
        Command::Scope(command) => scope::run(&Context::open(config()?).await?, command).await,
        Command::Apply(apply) => apply::run(&Context::open(config()?).await?, apply).await,
        Command::Export(export) => transfer::export(&Context::open(config()?).await?, export).await,
        Command::Import(import) => transfer::import(&Context::open(config()?).await?, import).await,
        Command::Doctor(doctor) => doctor::run(config()?, doctor).await,
        Command::Completions { shell } => generate::completions(shell),
        Command::Man => generate::manual(),
        Command::Init(init) => init::run(&Context::open(config()?).await?, init).await,
        Command::Grant(command) => grant::run(&Context::open(config()?).await?, command).await,
        Command::Token(command) => token::run(&Context::open(config()?).await?, command).await,
        Command::Overview(output) => overview::run(&Context::open(config()?).await?, output).await,
        Command::Audit(audit) => audit::run(&Context::open(config()?).await?, audit).await,
        Command::AuthorizationType(command) => authorization_type::run(&Context::open(config()?).await?, command).await,
        Command::RegistrationToken(command) => registration_token::run(&Context::open(config()?).await?, command).await,
        Command::Feed(command) => feed::run(&Context::open(config()?).await?, command).await,
    }
}

impl Context {
    async fn open(config: Config) -> Result<Self, Failure> {
        let store = storage::open(&config.database).await?;
        Ok(Self { config, store, env: Env::system() })
    }

    /// Administration on behalf of the operating system's user.
    fn admin(&self) -> Admin<'_> {
        let user = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
        let actor = Actor { kind: "command", id: user.unwrap_or_else(|| "unknown".to_owned()), address: None };
        Admin { store: &*self.store, config: &self.config, env: &self.env, actor }
    }
}

/// Variables that are not text cannot be ours.
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn fail(failure: &Failure) -> ExitCode {
    if failure.is_nobody_reads() {
        return ExitCode::from(stdout::NOBODY_READS);
    }
    eprintln!("bearward: {failure}");
    ExitCode::FAILURE
}

fn print_json(value: &serde_json::Value) {
    println!("{value:#}");
}

fn as_json(value: &impl serde::Serialize) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(value).map_err(|error| Failure::new(error.to_string()))
}
