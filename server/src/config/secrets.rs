//! Secrets: the data key, the identity key's passphrase, the first password. Files that hold one are readable by their
//! owner only, made where they have to be, and never overwritten.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Fault, NodeArgs, ServeSettings};
use crate::store::DataKey;

/// The longest file that holds a key or a passphrase, in octets.
const SECRET_OCTETS_MAX: u64 = 4_096;
/// The longest PEM file, in octets.
const PEM_OCTETS_MAX: u64 = 1_048_576;
/// The shortest password, in characters.
const PASSWORD_CHARACTERS_MIN: usize = 12;

/// The text of a variable that holds a secret: the data key, or the password at the mail server.
#[derive(Clone)]
pub struct VariableSecret(pub(super) Zeroizing<String>);

impl fmt::Debug for VariableSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VariableSecret(…)")
    }
}

impl NodeArgs {
    /// The data key for `serve`: typed in, from its variable or its file, or made there on first run.
    ///
    /// # Errors
    /// [`Fault`] when it can't be read or made, when others may read its file, when the file is lost though the database is
    /// there, and when the database is lost though the file is there: neither is of use without the other.
    pub fn data_key(&self) -> Result<DataKey, Fault> {
        if let Some(key) = self.key_without_file()? {
            return Ok(key);
        }
        let path = self.key_path();
        if let Some(key) = read_key(&path)? {
            self.database_is_not_lost(&path)?;
            return Ok(key);
        }
        if self.sqlite_octets().is_some_and(|octets| octets > 0) {
            return Err(key_missing(&path));
        }
        let key = DataKey::generate().map_err(|_| Fault("The operating system gave no random numbers.".to_owned()))?;
        // The database's file first: a key alone, as a crash in between would leave it, looks like a lost database.
        self.make_database_file()?;
        write_private_file(&path, &key.to_hex())?;
        Ok(key)
    }

    /// The data key of a node that is there already; none is made.
    ///
    /// # Errors
    /// [`Fault`] when it can't be read, or when others may read its file.
    pub fn existing_data_key(&self) -> Result<DataKey, Fault> {
        if let Some(key) = self.key_without_file()? {
            return Ok(key);
        }
        let path = self.key_path();
        read_key(&path)?.ok_or_else(|| key_missing(&path))
    }

    /// Whether there can be a node: an SQLite database that has no file is none, and opening it would make one.
    ///
    /// # Errors
    /// [`Fault`] when its file is not there.
    pub fn database_must_be_there(&self) -> Result<(), Fault> {
        if self.sqlite_path().is_some() && self.sqlite_octets().is_none() {
            return Err(Fault(format!("{} is not there: --database names no node.", self.database)));
        }
        Ok(())
    }

    /// Whether the database is an SQLite file that is not there or has nothing in it: a first run would make it.
    #[must_use]
    pub fn database_is_blank(&self) -> bool {
        self.sqlite_path().is_some() && self.sqlite_octets().unwrap_or(0) == 0
    }

    /// Whether a first run on a blank database would get its data key. Nothing is made.
    ///
    /// # Errors
    /// As [`NodeArgs::data_key`].
    pub fn data_key_of_blank(&self) -> Result<(), Fault> {
        if self.key_without_file()?.is_some() {
            return Ok(());
        }
        let path = self.key_path();
        if read_key(&path)?.is_some() { self.database_is_not_lost(&path) } else { Ok(()) }
    }

    fn key_without_file(&self) -> Result<Option<DataKey>, Fault> {
        if self.ask_data_key {
            let typed = rpassword::prompt_password("Data key: ")
                .map_err(|error| Fault(format!("The data key can't be asked for: {error}.")))?;
            let key = DataKey::from_hex(Zeroizing::new(typed).as_str());
            return key.map(Some).map_err(|_| Fault("A data key is 64 hexadecimal digits.".to_owned()));
        }
        let key = self.data_key_variable.as_ref().map(|VariableSecret(text)| DataKey::from_hex(text));
        key.transpose().map_err(|_| Fault("TOCSIN_DATA_KEY must be 64 hexadecimal digits.".to_owned()))
    }

    fn key_path(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| self.beside("key"))
    }

    fn database_is_not_lost(&self, key: &Path) -> Result<(), Fault> {
        if self.sqlite_path().is_none() || self.sqlite_octets().is_some() {
            return Ok(());
        }
        Err(Fault(format!(
            "{} is not there, though its data key is ({}); put the database back or restore a backup, or, for a new node, \
             move the key away.",
            self.database,
            key.display()
        )))
    }

    fn sqlite_path(&self) -> Option<&str> {
        self.database.strip_prefix("sqlite:")
    }

    /// How long the SQLite database's file is, when there is one.
    fn sqlite_octets(&self) -> Option<u64> {
        self.sqlite_path().and_then(|path| std::fs::metadata(path).ok()).map(|metadata| metadata.len())
    }

    fn make_database_file(&self) -> Result<(), Fault> {
        let Some(path) = self.sqlite_path().filter(|_| self.sqlite_octets().is_none()) else { return Ok(()) };
        private_file(Path::new(path))
            .and_then(|file| file.sync_all())
            .map_err(|error| Fault(format!("{path} can't be made: {error}.")))
    }

    /// A file beside the SQLite database, or in the working directory.
    #[must_use]
    pub fn beside(&self, what: &str) -> PathBuf {
        self.sqlite_path()
            .map_or_else(|| PathBuf::from(format!("tocsin.{what}")), |path| PathBuf::from(format!("{path}.{what}")))
    }
}

impl ServeSettings {
    /// The passphrase of the identity key: read from its file, or made there on first run.
    ///
    /// # Errors
    /// [`Fault`] when the file can't be read or made, or others may read it.
    pub fn passphrase(&self) -> Result<Zeroizing<String>, Fault> {
        let path = self.passphrase_file.clone().unwrap_or_else(|| self.beside("passphrase"));
        if let Some(text) = read_secret(&path)? {
            let passphrase = Zeroizing::new(text.trim().to_owned());
            if passphrase.chars().count() < PASSWORD_CHARACTERS_MIN {
                return Err(Fault(format!("The passphrase in {} is too short.", path.display())));
            }
            return Ok(passphrase);
        }
        let key = DataKey::generate().map_err(|_| Fault("The operating system gave no random numbers.".to_owned()))?;
        write_private_file(&path, &key.to_hex())?;
        tracing::warn!(file = %path.display(), "the identity key's passphrase was made here; keep it somewhere else");
        Ok(key.to_hex())
    }

    /// The first person's password, if one is set.
    ///
    /// # Errors
    /// [`Fault`] when the file can't be read.
    pub fn first_person_password(&self) -> Result<Option<Zeroizing<String>>, Fault> {
        let Some(path) = &self.first_person_password_file else { return Ok(None) };
        let text = read_secret(path)?.ok_or_else(|| Fault(format!("{} is not there.", path.display())))?;
        Ok(Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())))
    }

    /// The certificates to trust beside the system's.
    ///
    /// # Errors
    /// [`Fault`] when a file can't be read.
    pub fn trusted_root_pems(&self) -> Result<Vec<Vec<u8>>, Fault> {
        self.trusted_roots
            .iter()
            .map(|path| {
                let mut pem = Vec::new();
                File::open(path)
                    .and_then(|file| file.take(PEM_OCTETS_MAX).read_to_end(&mut pem))
                    .map_err(|error| Fault(format!("{} can't be read: {error}.", path.display())))?;
                Ok(pem)
            })
            .collect()
    }
}

fn key_missing(path: &Path) -> Fault {
    Fault(format!(
        "{} is not there, and the database can't be read without the data key in it; put it back.",
        path.display()
    ))
}

fn read_key(path: &Path) -> Result<Option<DataKey>, Fault> {
    let text = read_secret(path)?;
    let key = text.map(|text| DataKey::from_hex(&text)).transpose();
    key.map_err(|_| Fault(format!("{} does not hold a data key.", path.display())))
}

/// The text of a secret's file; `None` when there is none. Refused when anybody but its owner may read it.
pub(super) fn read_secret(path: &Path) -> Result<Option<Zeroizing<String>>, Fault> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Fault(format!("{} can't be read: {error}.", path.display()))),
    };
    if !private(&file) {
        return Err(Fault(format!("{} may be read by others; set its mode to 0600.", path.display())));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(SECRET_OCTETS_MAX)
        .read_to_string(&mut text)
        .map_err(|error| Fault(format!("{} can't be read: {error}.", path.display())))?;
    Ok(Some(text))
}

/// Makes a file with one line for its owner only. An existing file is never overwritten.
///
/// # Errors
/// [`Fault`] when it can't be made.
pub fn write_private_file(path: &Path, text: &str) -> Result<(), Fault> {
    private_file(path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        })
        .map_err(|error| Fault(format!("{} can't be made: {error}.", path.display())))
}

/// A new file for its owner only.
fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(unix)]
fn private(file: &File) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
const fn private(_: &File) -> bool {
    true
}
