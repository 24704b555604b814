//! `tocsin check`: looks at what the settings name and says what is wrong with it, all at once. Nothing is made or changed.

use super::{Faults, Out};
use crate::config::{Fault, NodeArgs, ServeSettings};
use crate::serve::Failure;
use crate::store::look::{Look, Standing, look};
use crate::time_source::{SystemTime, TimeSource as _};
use crate::tls::check_pair;

/// Looks at the data key, the database, the certificate, the trusted roots and the mail settings.
///
/// # Errors
/// [`Faults`] with everything that would keep the node from starting, or soon will.
pub fn check(settings: &ServeSettings, out: Out<'_>) -> Result<(), Failure> {
    let mut faults = Vec::new();
    let mut note = |found: Result<String, Fault>| match found {
        Ok(line) => writeln!(out, "{line}"),
        Err(fault) => {
            faults.push(fault);
            Ok(())
        }
    };
    note(Ok("Settings: good.".to_owned()))?;
    note(database(&settings.node))?;
    if let Some(certificate) = certificate(settings) {
        note(certificate)?;
    }
    if !settings.trusted_roots.is_empty() {
        let roots = settings.trusted_root_pems();
        note(roots.map(|roots| format!("Trusted roots: {} files beside the system's.", roots.len())))?;
    }
    if let Some(mail) = mail(settings).transpose() {
        note(mail)?;
    }
    if faults.is_empty() { Ok(()) } else { Err(Faults(faults).into()) }
}

fn database(args: &NodeArgs) -> Result<String, Fault> {
    const NONE_YET: &str = "Database: no node yet; the first `tocsin serve` makes one.";
    if args.database_is_blank() {
        return args.data_key_of_blank().map(|()| NONE_YET.to_owned());
    }
    let data_key = args.existing_data_key()?;
    let Look { standing, set_up, migration } =
        look(&args.database, &data_key).map_err(|error| Fault(format!("The database can't be used: {error}.")))?;
    Ok(match (standing, set_up) {
        (Standing::Newer, _) => {
            return Err(Fault("The database was made by a newer version of the program; use that version.".to_owned()));
        }
        (Standing::Empty, _) | (Standing::Current, false) => NONE_YET.to_owned(),
        (Standing::Older, _) => {
            format!(
                "Database: good; its tables are of an older version ({migration}) and the next start brings them up to date."
            )
        }
        (Standing::Current, true) => format!("Database: good; tables {migration}, a node is set up."),
    })
}

/// The mail server is not called: what it says to a mail is seen on the page of administration.
fn mail(settings: &ServeSettings) -> Result<Option<String>, Fault> {
    let roots = settings.trusted_root_pems()?;
    let Some(mail) = crate::serve::mail(settings, &roots)? else { return Ok(None) };
    let (server, port, security) = (mail.server, mail.port, mail.security.label());
    Ok(Some(format!("Mail: leaves from {} through {server}, port {port}, with {security}.", mail.from)))
}

fn certificate(settings: &ServeSettings) -> Option<Result<String, Fault>> {
    let (certificate, key) = (settings.tls_certificate.as_ref()?, settings.tls_key.as_ref()?);
    let now = SystemTime.now();
    Some(match check_pair(certificate, key) {
        Err(why) => Err(Fault(why)),
        Ok(details) if details.not_before > now => Err(Fault(format!("{} is not good yet.", certificate.display()))),
        Ok(details) if details.not_after <= now => Err(Fault(format!("{} has expired.", certificate.display()))),
        Ok(details) => {
            let until = details.not_after;
            Ok(format!("Certificate: good until {until}, {} days from now.", details.days_left(now)))
        }
    })
}
