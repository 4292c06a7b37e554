//! `soak schema`: the JSON Schemas of the files that soak writes.

use anyhow::anyhow;

use crate::cli::SchemaArgs;
use crate::cli::output::stdout::print;
use crate::cli::setup::schemas;
use crate::core::verdict::exit::Exit;
use crate::core::verdict::failure::Failure;
use crate::report::json;

/// Prints a schema, or the names of all.
pub(crate) fn run(args: &SchemaArgs) -> Result<Exit, Failure> {
    let SchemaArgs { name } = args;
    let Some(name) = name else {
        print(schemas::NAMES.join("\n") + "\n")?;
        return Ok(Exit::Success);
    };
    let found = schemas::schema(name).ok_or_else(|| {
        Failure::usage(anyhow!("there is no schema `{name}`"))
            .hint(format!("there are {}", schemas::NAMES.join(", ")))
    })?;
    print(json::pretty(&found))?;
    Ok(Exit::Success)
}
