//! `tocsin backup` and `tocsin restore`: the file around a backup. It appears under its name only when it is whole, on the
//! disk, and was read back.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::{Out, sentence, store_failed};
use crate::config::{BackupSettings, Fault};
use crate::serve::Failure;
use crate::store::DataKey;
use crate::store::backup::{self as copies, BackupError, Summary};
use crate::time_source::{SystemTime, TimeSource as _};

/// Beginning of the names of backups that are being written; one that is left after a crash can be removed.
const UNFINISHED: &str = ".tocsin-backup-";

/// Copies a node's database into an encrypted file, reads it back, and gives it its name.
///
/// # Errors
/// [`Fault`] when the file is there already, or the key is another; that of the database or the disk.
pub async fn backup(settings: &BackupSettings, out: Out<'_>) -> Result<(), Failure> {
    settings.node.database_must_be_there()?;
    let (url, file) = (settings.node.database.clone(), settings.file.clone());
    let data_key = settings.node.existing_data_key()?;
    let made = tokio::task::spawn_blocking(move || write(&url, &data_key, &file)).await??;
    let Summary { ledger_size, rows, .. } = made;
    writeln!(out, "{}: {ledger_size} ledger entries, {rows} rows, read back and whole.", settings.file.display())?;
    writeln!(out, "It can be read with the data key only, which is not in it: keep that elsewhere.")?;
    Ok(())
}

fn write(url: &str, data_key: &DataKey, file: &Path) -> Result<Summary, Failure> {
    if file.exists() {
        return Err(Fault(format!("{} is there already, and no backup is overwritten.", file.display())).into());
    }
    let cannot = |error: std::io::Error| Fault(format!("{} can't be made: {error}.", file.display()));
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // For its owner only, and gone again when anything fails.
    let mut unfinished = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder).map_err(cannot)?;
    let mut to = BufWriter::new(unfinished.as_file_mut());
    let written = copies::write(url, data_key, SystemTime.now(), &mut to).map_err(failed)?;
    to.flush().map_err(cannot)?;
    drop(to);
    unfinished.as_file().sync_all().map_err(cannot)?;
    let read = copies::examine(data_key, BufReader::new(unfinished.reopen().map_err(cannot)?)).map_err(failed)?;
    if read != written {
        return Err("the backup could not be read back as it was written".into());
    }
    unfinished.persist_noclobber(file).map_err(|error| cannot(error.error))?;
    // The name is on the disk too.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(cannot)?;
    Ok(written)
}

/// Puts a backup into an empty database.
///
/// # Errors
/// [`Fault`] when the database is not empty, the key is another, or the backup is damaged; that of the database.
pub async fn restore(settings: &BackupSettings, out: Out<'_>) -> Result<(), Failure> {
    let (url, file) = (settings.node.database.clone(), settings.file.clone());
    let data_key = settings.node.existing_data_key()?;
    let restored = tokio::task::spawn_blocking(move || read(&url, &data_key, &file)).await??;
    let Summary { made_at, ledger_size, rows, .. } = restored;
    writeln!(out, "Restored the backup of {made_at}: {ledger_size} ledger entries, all verified, and {rows} rows.")?;
    writeln!(out, "Start the node with `tocsin serve`. Everybody signs in anew, and links made before are dead.")?;
    Ok(())
}

fn read(url: &str, data_key: &DataKey, file: &PathBuf) -> Result<Summary, Failure> {
    let open = || {
        let opened = File::open(file).map(BufReader::new);
        opened.map_err(|error| Fault(format!("{} can't be read: {error}.", file.display())))
    };
    // A file that can't be restored is found out before a database is made for it.
    let failed = |error| {
        if let BackupError::File(error) = error {
            Fault(format!("{} can't be read: {error}.", file.display())).into()
        } else {
            failed(error)
        }
    };
    copies::examine(data_key, open()?).map_err(failed)?;
    copies::restore(url, data_key, open()?).map_err(failed)
}

fn failed(error: BackupError) -> Failure {
    match error {
        BackupError::Store(error) => store_failed(error),
        BackupError::File(_) => error.into(),
        BackupError::NotABackup
        | BackupError::OtherFormat
        | BackupError::OtherTables(_)
        | BackupError::OtherKey
        | BackupError::Damaged(_)
        | BackupError::Ledger(_)
        | BackupError::OtherDatabase
        | BackupError::NotEmpty => Fault(sentence(&error)).into(),
    }
}
