//! TLS for those who connect to us: certificate files, read again when they change.
//!
//! Whoever renews certificates replaces the files and does nothing else: they are looked at every half minute and on
//! SIGHUP. A new pair that can't be used is said in the log, and the one in use stays; a node never stops answering
//! because a renewal went wrong. TLS 1.2 and 1.3 are spoken, nothing older.

mod validity;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use domain::values::{Digest32, Moment};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::time::MissedTickBehavior;
use zeroize::Zeroizing;

use crate::time_source::TimeSource;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// From so many days before the end on, the log says so once a day.
const WARN_DAYS: i64 = 30;
/// The longest file, in octets.
const PEM_OCTETS_MAX: u64 = 1_048_576;
/// The most certificates in a chain.
const CHAIN_MAX: usize = 10;

/// What an administrator wants to know about a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Details {
    /// From when it is good.
    pub not_before: Moment,
    /// Until when.
    pub not_after: Moment,
}

impl Details {
    /// Whole days until it ends; negative afterwards.
    #[must_use]
    pub const fn days_left(&self, now: Moment) -> i64 {
        self.not_after.seconds_since(now).div_euclid(86_400)
    }
}

/// A certificate and its key from files.
#[derive(Debug)]
pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    current: Arc<Current>,
    seen: Mutex<Seen>,
}

/// What handshakes use.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The files as they were last looked at.
#[derive(Debug)]
struct Seen {
    digest: Option<Digest32>,
    details: Details,
    warned_days: Option<i64>,
}

/// What a look at the files found.
#[derive(Debug, PartialEq, Eq)]
pub enum Look {
    /// They are as they were.
    Same,
    /// They are new, and in use from now on.
    Taken,
    /// They are new and can't be used; the pair before is still in use. Says why.
    Refused(String),
}

/// A pair as read.
struct Pair {
    digest: Digest32,
    certified: CertifiedKey,
    details: Details,
}

/// Reads a certificate and its key and says whether they can be used together.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check_pair(certificate: &Path, key: &Path) -> Result<Details, String> {
    let octets = Octets::read(certificate, key)?;
    Ok(octets.pair(certificate, key)?.details)
}

impl Certificates {
    /// Reads both files.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, String> {
        let pair = Octets::read(certificate, key)?.pair(certificate, key)?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            seen: Mutex::new(Seen { digest: Some(pair.digest), details: pair.details, warned_days: None }),
            current: Arc::new(Current(RwLock::new(Arc::new(pair.certified)))),
        })
    }

    /// What the web server is started with. The certificate is asked for at each handshake.
    ///
    /// # Errors
    /// A sentence: the cryptographic library lacks TLS 1.2 and 1.3.
    pub fn server_config(&self) -> Result<ServerConfig, String> {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS can't be set up: {error}."))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.current) as Arc<dyn ResolvesServerCert>);
        Ok(config)
    }

    /// Looks at the files once. New ones are used from the next handshake on, if they can be used: a certificate that has
    /// ended never takes the place of a good one.
    pub fn look(&self, now: Moment) -> Look {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let octets = match Octets::read(&self.certificate, &self.key) {
            Ok(octets) => octets,
            // Said once, until they can be read again.
            Err(_) if seen.digest.is_none() => return Look::Same,
            Err(sentence) => {
                seen.digest = None;
                return Look::Refused(sentence);
            }
        };
        if seen.digest == Some(octets.digest()) {
            return Look::Same;
        }
        seen.digest = Some(octets.digest());
        match octets.pair(&self.certificate, &self.key) {
            Ok(pair) if pair.details.days_left(now) < 0 && seen.details.days_left(now) >= 0 => {
                Look::Refused("The new certificate has ended already.".to_owned())
            }
            Ok(pair) => {
                *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair.certified);
                seen.details = pair.details;
                seen.warned_days = None;
                Look::Taken
            }
            Err(sentence) => Look::Refused(sentence),
        }
    }

    /// Looks at the files for ever, and says in the log what an administrator should hear.
    pub async fn watch(self: Arc<Self>, time: Arc<dyn TimeSource>) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked = Hangup::listen();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = asked.heard() => tracing::info!("asked to look at the certificate files"),
            }
            let (own, now) = (Arc::clone(&self), time.now());
            match tokio::task::spawn_blocking(move || own.look(now)).await {
                Ok(Look::Same) => {}
                Ok(Look::Taken) => tracing::info!("a new certificate is in use"),
                Ok(Look::Refused(sentence)) => {
                    tracing::warn!(%sentence, "the certificate files changed and can't be used; the ones before still are");
                }
                Err(error) => tracing::error!(%error, "the certificate files could not be looked at"),
            }
            self.warn(time.now());
        }
    }

    /// Says when the certificate in use ends soon, at most once for each day that is left.
    fn warn(&self, now: Moment) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let days = seen.details.days_left(now);
        if days < WARN_DAYS && seen.warned_days != Some(days) {
            seen.warned_days = Some(days);
            tracing::warn!(days_left = days, "the certificate ends soon; renew it");
        }
    }
}

/// The files' octets.
struct Octets {
    chain: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Octets {
    fn read(certificate: &Path, key: &Path) -> Result<Self, String> {
        Ok(Self { chain: read(certificate, false)?, key: Zeroizing::new(read(key, true)?) })
    }

    fn digest(&self) -> Digest32 {
        let of_key = Digest32::of(&self.key).to_string();
        Digest32::of(&[of_key.as_bytes(), &self.chain].concat())
    }

    fn pair(&self, certificate: &Path, key: &Path) -> Result<Pair, String> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&self.chain)
            .take(CHAIN_MAX + 1)
            .collect::<Result<_, _>>()
            .map_err(|_| format!("{} holds no certificate in PEM form.", certificate.display()))?;
        if chain.len() > CHAIN_MAX {
            return Err(format!("{} holds more than {CHAIN_MAX} certificates.", certificate.display()));
        }
        let details = chain
            .first()
            .and_then(|own| validity::of(own))
            .map(|(not_before, not_after)| Details { not_before, not_after })
            .ok_or_else(|| format!("{} holds no certificate in PEM form.", certificate.display()))?;
        let private = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| format!("{} holds no private key in PEM form.", key.display()))?;
        let certified = CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider()).map_err(|error| {
            format!("{} and {} do not belong together or can't be used: {error}.", certificate.display(), key.display())
        })?;
        Ok(Pair { digest: self.digest(), certified, details })
    }
}

fn read(path: &Path, secret: bool) -> Result<Vec<u8>, String> {
    let wrong = |error: std::io::Error| format!("{} can't be read: {error}.", path.display());
    let file = File::open(path).map_err(wrong)?;
    if secret && readable_by_all(&file) {
        return Err(format!("{} may be read by everybody; set its mode to 0600.", path.display()));
    }
    let mut octets = Vec::new();
    let read = file.take(PEM_OCTETS_MAX + 1).read_to_end(&mut octets).map_err(wrong)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > PEM_OCTETS_MAX {
        return Err(format!("{} is too long.", path.display()));
    }
    Ok(octets)
}

/// A group may read a key, because programs that renew certificates often share one.
#[cfg(unix)]
fn readable_by_all(file: &File) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    !file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o007 == 0)
}

#[cfg(not(unix))]
const fn readable_by_all(_: &File) -> bool {
    false
}

/// SIGHUP, where there is one.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    fn listen() -> Self {
        Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    async fn heard(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::dev_certs::make;

    const NOW: &str = "2026-03-01T02:10:00Z";

    fn made(dir: &Path, name: &str) -> (PathBuf, PathBuf) {
        make(dir, &[name.to_owned()], Moment::parse(NOW).unwrap()).unwrap();
        (dir.join(format!("{name}.pem")), dir.join(format!("{name}.key")))
    }

    /// Aim: a certificate made by `dev-certs` is taken, and its end is known to the day.
    #[test]
    fn a_pair_and_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = made(dir.path(), "node-a.example");
        let details = check_pair(&certificate, &key).unwrap();
        assert!((395..=397).contains(&details.days_left(Moment::parse(NOW).unwrap())), "{details:?}");
    }

    /// Aim: a key of another certificate, a key that anybody may read, and rubbish are each refused with a sentence.
    #[test]
    fn what_can_not_be_used_is_named() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (certificate, key) = made(one.path(), "a.example");
        let (_, stranger) = made(other.path(), "a.example");
        assert!(check_pair(&certificate, &stranger).unwrap_err().contains("do not belong together"));
        assert!(check_pair(&key, &key).unwrap_err().contains("no certificate"));
        assert!(check_pair(&certificate, &one.path().join("none")).unwrap_err().contains("can't be read"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(check_pair(&certificate, &key).unwrap_err().contains("everybody"));
        }
    }

    /// Aim: replaced files are taken; broken ones are said once and leave the pair before in use.
    #[test]
    fn new_files_are_taken_and_broken_ones_are_not() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (certificate, key) = made(dir.path(), "a.example");
        let (newer, newer_key) = made(other.path(), "a.example");
        let held = Certificates::load(&certificate, &key).unwrap();
        let in_use = || held.current.0.read().unwrap().cert.clone();
        let first = in_use();
        assert_eq!(held.look(Moment::parse(NOW).unwrap()), Look::Same);
        std::fs::copy(&newer, &certificate).unwrap();
        assert!(matches!(held.look(Moment::parse(NOW).unwrap()), Look::Refused(_)), "the key is still the one before");
        assert_eq!((held.look(Moment::parse(NOW).unwrap()), in_use()), (Look::Same, first.clone()));
        std::fs::copy(&newer_key, &key).unwrap();
        assert_eq!(held.look(Moment::parse(NOW).unwrap()), Look::Taken);
        assert_ne!(in_use(), first);
        std::fs::remove_file(&key).unwrap();
        assert!(matches!(held.look(Moment::parse(NOW).unwrap()), Look::Refused(_)));
        assert_eq!(held.look(Moment::parse(NOW).unwrap()), Look::Same, "said once");
    }
}
