//! `tocsin import` and `tocsin export`: parties, services, agreements and arrangements as a file.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use super::{Faults, Out, open, refused};
use crate::access::Administrator;
use crate::config::{ExportSettings, Fault, ImportSettings};
use crate::documents::directory::{FILE_OCTETS_MAX, parse, write};
use crate::node::directory::{Change, ChangeKind};
use crate::serve::Failure;

/// Takes a file: all of it, or nothing. Says what became of every record that was added or changed.
///
/// # Errors
/// [`Faults`] naming every row that can't be taken.
pub async fn import(settings: &ImportSettings, out: Out<'_>) -> Result<(), Failure> {
    let text = read(&settings.file)?;
    let node = open(&settings.node).await?;
    let known = node.export_directory().await.map_err(refused)?;
    let directory = parse(&text, &known).map_err(|errors| {
        let file = settings.file.display();
        let fault = |error: crate::documents::directory::RowError| {
            Fault(format!("{file}:{}: {}: {}.", error.line, error.what, error.message))
        };
        Faults(errors.into_iter().map(fault).collect())
    })?;
    let changes = if settings.dry_run {
        node.preview_directory(directory).await
    } else {
        node.import_directory(&Administrator::at_the_console(), directory).await
    };
    let changes = changes.map_err(refused)?;
    for line in told(&changes) {
        writeln!(out, "{line}")?;
    }
    if settings.dry_run {
        writeln!(out, "Nothing was changed: this was a trial.")?;
    }
    Ok(())
}

/// A line for each record that is not as it was, and one that counts.
fn told(changes: &[Change]) -> Vec<String> {
    let count = |kind| changes.iter().filter(|change| change.kind == kind).count();
    let mut lines: Vec<String> = changes
        .iter()
        .filter_map(|change| {
            let word = match change.kind {
                ChangeKind::Added => "added",
                ChangeKind::Changed => "changed",
                ChangeKind::Unchanged => return None,
            };
            Some(format!("{word} {} \"{}\": {}", change.what.word(), change.key.as_str(), change.name))
        })
        .collect();
    lines.push(format!(
        "{} added, {} changed, {} unchanged.",
        count(ChangeKind::Added),
        count(ChangeKind::Changed),
        count(ChangeKind::Unchanged)
    ));
    lines
}

fn read(path: &Path) -> Result<String, Fault> {
    let limit = u64::try_from(FILE_OCTETS_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(limit).read_to_string(&mut text))
        .map_err(|error| Fault(format!("{} can't be read: {error}.", path.display())))?;
    Ok(text)
}

/// Writes everything that is known to a file for its owner only, or to standard output.
///
/// # Errors
/// [`Fault`] when the file is there already or can't be made.
pub async fn export(settings: &ExportSettings, out: Out<'_>) -> Result<(), Failure> {
    let node = open(&settings.node).await?;
    let text = write(&node.export_directory().await.map_err(refused)?);
    let Some(path) = &settings.file else { return Ok(out.write_all(text.as_bytes())?) };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        // It holds names and telephone numbers.
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
        .open(path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .map_err(|error| Fault(format!("{} can't be made: {error}.", path.display())))?;
    Ok(())
}
