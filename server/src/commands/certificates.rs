//! `tocsin dev-certs`.

use super::Out;
use crate::config::{DevCertsSettings, Fault};
use crate::dev_certs::{DEFAULT_NAMES, DevCertsError, make_once};
use crate::serve::Failure;
use crate::time_source::{SystemTime, TimeSource as _};

/// Makes a private authority and certificates, unless they are there, and says what to do with them.
///
/// # Errors
/// [`Fault`] when names or the folder can't be used; that of the operating system.
pub fn dev_certs(settings: &DevCertsSettings, out: Out<'_>) -> Result<(), Failure> {
    let names = match settings.names.as_slice() {
        [] => DEFAULT_NAMES.map(str::to_owned).to_vec(),
        names => names.to_vec(),
    };
    match make_once(&settings.dir, &names, SystemTime.now()) {
        Ok(made) => Ok(writeln!(out, "{}", made.advice().trim_end())?),
        Err(error @ (DevCertsError::Name(_) | DevCertsError::TooMany | DevCertsError::Taken(_))) => {
            Err(Fault(super::sentence(&error)).into())
        }
        Err(error) => Err(error.into()),
    }
}
