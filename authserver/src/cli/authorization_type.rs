//! `bearward authorization-type`.

use super::failure::Failure;
use super::{Context, Output, print_json, table};
use crate::model::{AuthorizationField, AuthorizationType};
use clap::Subcommand;
use std::collections::BTreeMap;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Add a type of authorization_details (RFC 9396), or change it.
    Set {
        /// Its name: the `type` in requests.
        name: String,
        /// What people see on the consent page: "Make a payment".
        #[arg(long)]
        title: String,
        /// One sentence more.
        #[arg(long, default_value = "")]
        description: String,
        /// A field it may have, and the words people see before its value; several times for several.
        #[arg(long = "field", value_name = "FIELD=WORDS")]
        fields: Vec<String>,
        /// A field it has to have; several times for several.
        #[arg(long = "require", value_name = "FIELD")]
        required: Vec<String>,
        /// A text that a field may be or hold; without any, it may be anything. Several times for several.
        #[arg(long = "value", value_name = "FIELD=VALUE")]
        values: Vec<String>,
    },
    /// Remove a type: nobody can ask for it any more; what was granted stays granted.
    Delete {
        /// Its name.
        name: String,
    },
    /// List the types.
    List {
        #[command(flatten)]
        output: Output,
    },
}

pub(super) async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    match command {
        Command::Set { name, title, description, fields, required, values } => {
            let fields = read(&fields, &required, &values)?;
            let kind = AuthorizationType { name, title, description, fields };
            Ok(context.admin().put_authorization_type(&kind).await.map(drop)?)
        }
        Command::Delete { name } => {
            let version = context.admin().authorization_type(&name).await?.version;
            Ok(context.admin().delete_authorization_type(&name, version).await?)
        }
        Command::List { output } => list(context, output).await,
    }
}

fn read(
    fields: &[String],
    required: &[String],
    values: &[String],
) -> Result<BTreeMap<String, AuthorizationField>, Failure> {
    let pair = |text: &str, what: &str| {
        let pair = text.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned()));
        pair.ok_or_else(|| Failure::new(format!("{what} {text}: needs FIELD=…")))
    };
    let mut known: BTreeMap<String, AuthorizationField> = BTreeMap::new();
    for field in fields {
        let (name, title) = pair(field, "--field")?;
        if name == "type" {
            return Err(Failure::new("every type has the field type; it is not to be named"));
        }
        known.insert(name, AuthorizationField { title, ..AuthorizationField::default() });
    }
    let unknown = |name: &str| Failure::new(format!("there is no field {name}; name it with --field {name}=WORDS"));
    for name in required {
        known.get_mut(name).ok_or_else(|| unknown(name))?.required = true;
    }
    for value in values {
        let (name, value) = pair(value, "--value")?;
        known.get_mut(&name).ok_or_else(|| unknown(&name))?.values.push(value);
    }
    Ok(known)
}

async fn list(context: &Context, output: Output) -> Result<(), Failure> {
    let types = context.store.authorization_types().await?;
    if output.json {
        print_json(&serde_json::to_value(&types).map_err(|e| Failure::new(e.to_string()))?);
        return Ok(());
    }
    let rows = types.into_iter().map(|kind| {
        let fields: Vec<_> = kind.fields.into_keys().collect();
        [kind.name, kind.title, fields.join(" ")]
    });
    table::print(["type", "title", "fields"], rows);
    Ok(())
}
