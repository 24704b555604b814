//! The directory as one file: import, all or nothing, and export.

use domain::directory::{Key, RecordKind};
use domain::values::Line;

use super::super::call::{Call, Page, Reply};
use super::super::operation::{Group, Parameter, get, post, run};
use super::super::shape::answer;
use super::{ADMINISTER, refused};
use crate::documents::directory;
use crate::node::directory::{Change, ChangeKind};
use crate::problem::{FieldFault, Problem};

/// The media type of a file.
const TOML: &str = "application/toml";

/// Operations on files.
pub const FILES: Group = Group {
    name: "Files",
    about: "Import adds and changes what a TOML file holds, all of it or nothing; it never removes. Export is lossless in values.",
    operations: &[
        post("/directory/import", "import_directory", "Import a file of up to 2 MiB", run!(import))
            .needs(ADMINISTER)
            .asks(&[Parameter { name: "dry_run", about: "true: say what would change, and change nothing." }])
            .takes_toml()
            .lists::<ImportedRecord>(),
        get("/directory/export", "export_directory", "Everything as one file; the record says what for", run!(export))
            .needs(ADMINISTER)
            .asks(&[Parameter { name: "purpose", about: "What it is for, in a few words. Needed." }])
            .writes(TOML),
    ],
};

answer! {
    /// What becomes, or would become, of one record.
    ImportedRecord {
        /// added, changed or unchanged.
        change: &'static str,
        /// party, service, agreement or arrangement.
        kind: &'static str,
        /// The record's key.
        key: Key,
        /// Its name.
        name: Line,
    }
}

async fn import(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let dry_run = match call.asked("dry_run").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::Malformed("dry_run is true or false.")),
    };
    let text = std::str::from_utf8(&call.body).map_err(|_| Problem::Malformed("The file is not UTF-8 text."))?;
    let known = call.node.export_directory().await?;
    let directory = directory::parse(text, &known).map_err(|errors| {
        let fault = |error: directory::RowError| FieldFault {
            field: format!("line {}", error.line),
            message: format!("{}: {}", error.what, error.message),
        };
        Problem::Fields(errors.into_iter().map(fault).collect())
    })?;
    let changes = if dry_run {
        call.node.preview_directory(directory).await
    } else {
        call.node.import_directory(&by, directory).await
    };
    let changes = changes.map_err(refused)?;
    Ok(Page { items: changes, next: None }.reply(ImportedRecord::of))
}

async fn export(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let purpose = call.asked("purpose").and_then(|text| Line::parse(&text).ok());
    let purpose = purpose.ok_or(Problem::Malformed("purpose says what the file is for, in at most 200 characters."))?;
    let directory = call.node.export_directory_for(&by, purpose).await?;
    Ok(Reply::document(TOML, directory::write(&directory)))
}

impl ImportedRecord {
    fn of(change: Change) -> Self {
        Self {
            change: match change.kind {
                ChangeKind::Added => "added",
                ChangeKind::Changed => "changed",
                ChangeKind::Unchanged => "unchanged",
            },
            kind: match change.what {
                RecordKind::Party => "party",
                RecordKind::Service => "service",
                RecordKind::Agreement => "agreement",
                RecordKind::Arrangement => "arrangement",
            },
            key: change.key,
            name: change.name,
        }
    }
}
