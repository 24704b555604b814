//! The directory as one file: import, all or nothing, and export.

use domain::directory::{Key, RecordKind};
use domain::values::{Digest32, Line};

use super::super::call::{self, Call, Page, Reply};
use super::super::operation::{Group, Parameter, get, post, run};
use super::super::shape::answer;
use super::{ADMINISTER, refused};
use crate::documents::directory;
use crate::node::directory::{Change, ChangeKind, Preview};
use crate::problem::{FieldFault, Problem};

/// The media type of a file.
const TOML: &str = "application/toml";

/// Operations on files.
pub const FILES: Group = Group {
    name: "Files",
    about: "Import adds and changes what a TOML file holds, all of it or nothing; it never removes. The ETag of a dry run names \
            what it would do: as plan it binds the import to that. Export is lossless in values.",
    operations: &[
        post("/directory/import", "import_directory", "Import a file of up to 2 MiB", run!(import))
            .needs(ADMINISTER)
            .asks(&[
                Parameter { name: "dry_run", about: "true: say what would change, and change nothing." },
                Parameter {
                    name: "plan",
                    about: "The ETag of a dry run, without its quotation marks: 409, and nothing done, if by now it would do something else.",
                },
            ])
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
    let plan = call.asked("plan").map(|text| text.parse::<Digest32>()).transpose();
    let plan = plan.map_err(|_| Problem::Malformed("plan is what a dry run gave as its ETag."))?;
    if dry_run {
        let Preview { changes, plan } = call.node.plan_directory(directory).await.map_err(refused)?;
        let etag = Some(call::tag(&plan.to_string()));
        return Ok(Reply { etag, ..Page { items: changes, next: None }.reply(ImportedRecord::of) });
    }
    let changes = match plan {
        Some(plan) => call.node.import_planned(&by, directory, plan).await,
        None => call.node.import_directory(&by, directory).await,
    };
    Ok(Page { items: changes.map_err(refused)?, next: None }.reply(ImportedRecord::of))
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
