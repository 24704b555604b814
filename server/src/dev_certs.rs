//! A private authority and certificates, for trying things out.
//!
//! The authority's own key is thrown away once it has signed: nobody can make further certificates that a browser trusts
//! because `ca.pem` was imported once. For another name, make another authority in another folder.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike as _, Days, Utc};
use domain::values::Moment;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

/// How long the certificates are good for, in days.
const DAYS: u64 = 397;
/// The most names at once.
const NAMES_MAX: usize = 50;
/// The authority's certificate.
const AUTHORITY: &str = "ca.pem";
/// Under each certificate, beside its own name: what a browser on the same machine may call the node.
const ALWAYS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Names for which certificates are made when none is given.
pub const DEFAULT_NAMES: [&str; 3] = ["localhost", "operator", "council"];

/// Why nothing, or not everything, was made.
#[derive(Debug, thiserror::Error)]
pub enum DevCertsError {
    /// A name is no host name.
    #[error("{0} is not a host name")]
    Name(String),
    /// Too many names.
    #[error("at most {NAMES_MAX} names at once")]
    TooMany,
    /// A file is there already; it is left as it is.
    #[error("{} is there already and is left as it is; choose an empty folder", .0.display())]
    Taken(PathBuf),
    /// A file could not be written.
    #[error("{} can't be written: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The certificate could not be made.
    #[error("the certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The calendar ends.
    #[error("the date is out of range")]
    Date,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The authority's certificate.
    pub authority: PathBuf,
    /// Each name's certificate and key.
    pub pairs: Vec<(PathBuf, PathBuf)>,
}

/// Makes the authority and a certificate for each name. Nothing is overwritten: when any of the files is there, none is
/// written.
///
/// # Errors
/// [`DevCertsError`].
pub fn make(dir: &Path, names: &[String], now: Moment) -> Result<Made, DevCertsError> {
    if names.len() > NAMES_MAX {
        return Err(DevCertsError::TooMany);
    }
    if let Some(wrong) = names.iter().find(|name| !is_host_name(name)) {
        return Err(DevCertsError::Name(wrong.clone()));
    }
    let made = planned(dir, names);
    let all = made.pairs.iter().flat_map(|(certificate, key)| [certificate, key]).chain([&made.authority]);
    for path in all {
        if path.exists() {
            return Err(DevCertsError::Taken(path.clone()));
        }
    }
    std::fs::create_dir_all(dir).map_err(|error| DevCertsError::File { path: dir.to_owned(), error })?;
    let authority_key = KeyPair::generate()?;
    let authority = authority(now)?;
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);
    for (name, (certificate, key)) in names.iter().zip(&made.pairs) {
        let pair = KeyPair::generate()?;
        let pem = leaf(name, now)?.signed_by(&pair, &issuer)?.pem();
        write(key, &pair.serialize_pem(), true)?;
        write(certificate, &pem, false)?;
    }
    // Last: who finds it finds everything.
    write(&made.authority, &authority_pem, false)?;
    Ok(made)
}

/// The same, unless everything is there already: then it says what is there. So a start that is repeated succeeds.
///
/// # Errors
/// [`DevCertsError`].
pub fn make_once(dir: &Path, names: &[String], now: Moment) -> Result<Made, DevCertsError> {
    let made = planned(dir, names);
    let whole = made.authority.is_file() && made.pairs.iter().all(|(pem, key)| pem.is_file() && key.is_file());
    if whole { Ok(made) } else { make(dir, names, now) }
}

impl Made {
    /// What to do with the files, for the administrator who asked for them.
    #[must_use]
    pub fn advice(&self) -> String {
        let mut text = format!(
            "A private authority and {} certificates, good for {DAYS} days. For trying things out only.\n",
            self.pairs.len()
        );
        for (certificate, key) in &self.pairs {
            text += &format!(
                "\n  tocsin serve --tls-certificate {} --tls-key {} --trusted-root {} ...\n",
                certificate.display(),
                key.display(),
                self.authority.display()
            );
        }
        text += &format!(
            "\nImport {} in your browser as an authority, and remove it there when you have finished.\n",
            self.authority.display()
        );
        text
    }
}

fn planned(dir: &Path, names: &[String]) -> Made {
    let pairs = names.iter().map(|name| (dir.join(format!("{name}.pem")), dir.join(format!("{name}.key")))).collect();
    Made { authority: dir.join(AUTHORITY), pairs }
}

/// Lower-case letters, figures, hyphens and dots, so that it is a safe file name too. `ca` is the authority's.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    name.len() <= 253 && name != "ca" && name.split('.').all(is_label)
}

fn authority(now: Moment) -> Result<CertificateParams, DevCertsError> {
    let mut params = dated(CertificateParams::default(), now)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, "Tocsin, for trying things out");
    Ok(params)
}

fn leaf(name: &str, now: Moment) -> Result<CertificateParams, DevCertsError> {
    let mut names = vec![name.to_owned()];
    names.extend(ALWAYS.iter().filter(|also| **also != name).map(|also| (*also).to_owned()));
    let mut params = dated(CertificateParams::new(names)?, now)?;
    params.distinguished_name.push(DnType::CommonName, name.get(..64).unwrap_or(name));
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// From yesterday, because clocks differ.
fn dated(mut params: CertificateParams, now: Moment) -> Result<CertificateParams, DevCertsError> {
    let today = DateTime::<Utc>::from_timestamp_micros(now.micros()).ok_or(DevCertsError::Date)?.date_naive();
    let from = today.pred_opt().ok_or(DevCertsError::Date)?;
    let until = from.checked_add_days(Days::new(DAYS)).ok_or(DevCertsError::Date)?;
    let short = |number: u32| u8::try_from(number).map_err(|_| DevCertsError::Date);
    params.not_before = date_time_ymd(from.year(), short(from.month())?, short(from.day())?);
    params.not_after = date_time_ymd(until.year(), short(until.month())?, short(until.day())?);
    Ok(params)
}

/// Writes a file that is not there yet; a key is for its owner only.
fn write(path: &Path, text: &str, secret: bool) -> Result<(), DevCertsError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if secret { 0o600 } else { 0o644 });
    }
    options
        .open(path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .map_err(|error| DevCertsError::File { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn now() -> Moment {
        Moment::parse("2026-03-01T02:10:00Z").unwrap()
    }

    /// Aim: the folder holds the authority's certificate and each pair, keys for their owner only, and no authority's key.
    #[test]
    fn makes_pairs_and_keeps_no_authority_key() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("certificates");
        let made = make(&dir, &["operator".to_owned(), "node-b.example".to_owned()], now()).unwrap();
        let mut files: Vec<String> = std::fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        files.sort();
        assert_eq!(files, ["ca.pem", "node-b.example.key", "node-b.example.pem", "operator.key", "operator.pem"]);
        let ca = std::fs::read_to_string(&made.authority).unwrap();
        assert!(!ca.contains("PRIVATE"));
        #[cfg(unix)]
        for (_, key) in &made.pairs {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(made.advice().contains("operator.pem"));
    }

    /// Aim: nothing is overwritten, a repeated start succeeds, and a name that is no host name makes nothing.
    #[test]
    fn overwrites_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["operator".to_owned()];
        make(dir.path(), &names, now()).unwrap();
        let before = std::fs::read(dir.path().join("operator.key")).unwrap();
        assert!(matches!(make(dir.path(), &names, now()), Err(DevCertsError::Taken(_))));
        make_once(dir.path(), &names, now()).unwrap();
        assert_eq!(std::fs::read(dir.path().join("operator.key")).unwrap(), before);
        for wrong in ["../x", "", "a b", "-a", "UPPER", "ca"] {
            assert!(matches!(make(dir.path(), &[wrong.to_owned()], now()), Err(DevCertsError::Name(_))), "{wrong}");
        }
    }
}
