//! The link of a first run: 256 random bits, shown where the program was started, good for half an hour of machine time.
//!
//! Whoever has it becomes the first administrator. So it goes to the terminal, if there is one, and to a file for its owner
//! only; never to the log.

use std::fs::OpenOptions;
use std::io::{IsTerminal as _, Write as _};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::values::Moment;

use crate::access::sessions::{fresh_secret, same_secret};
use crate::access::throttle::Throttle;
use crate::time_source::TimeSource;

/// For how many seconds of machine time the link is good.
const GOOD_SECONDS: i64 = 30 * 60;
/// Wrong links from one address in a minute.
const WRONG_PER_MINUTE: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);

/// Counts wrong links by address.
pub(super) fn wrong_links(time: Arc<dyn TimeSource>) -> Throttle<IpAddr> {
    Throttle::new(time, WRONG_PER_MINUTE, WRONG_PER_MINUTE)
}

/// The link.
pub(super) struct Link {
    secret: String,
    lapses_at: Moment,
    file: PathBuf,
}

/// What a secret from an address opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opens {
    /// The pages.
    Yes,
    /// It was right, and its time is over.
    Lapsed,
    /// Nothing.
    Wrong,
}

impl Link {
    /// Draws a link and shows it.
    ///
    /// # Errors
    /// When there are no random numbers, or the file can't be written.
    pub(super) fn offer(issuer: &str, file: &Path, elapsed: Moment) -> std::io::Result<Self> {
        let (_, secret) = fresh_secret().map_err(std::io::Error::other)?;
        let url = format!("{issuer}/set-up/{secret}");
        write(file, &url).map_err(|error| {
            std::io::Error::new(error.kind(), format!("{} can't be written: {error}", file.display()))
        })?;
        let mut terminal = std::io::stderr();
        if terminal.is_terminal() {
            // When the terminal has gone, the file is still there.
            drop(writeln!(
                terminal,
                "\nThis node is not set up yet. Open this link in a browser within 30 minutes:\n\n  {url}\n\n\
                 It is in {} too. Whoever opens it becomes the first administrator.\n",
                file.display()
            ));
        }
        tracing::warn!(file = %file.display(), "this node is not set up; the link for it is in the file, good for 30 minutes");
        Ok(Self { secret, lapses_at: elapsed.plus_seconds(GOOD_SECONDS), file: file.to_owned() })
    }

    /// Judges a secret, in a time that does not say where it differs.
    pub(super) fn judge(&self, given: &str, elapsed: Moment) -> Opens {
        match (same_secret(given, &self.secret), elapsed < self.lapses_at) {
            (true, true) => Opens::Yes,
            (true, false) => Opens::Lapsed,
            (false, _) => Opens::Wrong,
        }
    }

    /// The path of its pages.
    pub(super) fn path(&self) -> String {
        format!("/set-up/{}", self.secret)
    }

    /// Removes the file: the link is of no more use.
    pub(super) fn take_back(&self) {
        if let Err(error) = std::fs::remove_file(&self.file) {
            tracing::warn!(%error, file = %self.file.display(), "the file with the used link could not be removed");
        }
    }
}

/// A link from an earlier start is replaced; the new file is made afresh, so that nobody holds it open.
fn write(file: &Path, url: &str) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(file)?;
    writeln!(file, "{url}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Aim: the link in the file opens for half an hour; another one, or an empty one, never does; used, the file goes.
    #[test]
    fn opens_for_half_an_hour() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("node.db.set-up-link");
        std::fs::write(&file, "an earlier start's").unwrap();
        let at = Moment::parse("2026-03-01T02:10:00Z").unwrap();
        let link = Link::offer("https://node-a.example", &file, at).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let secret = text.trim().strip_prefix("https://node-a.example/set-up/").unwrap();
        assert_eq!(link.judge(secret, at.plus_seconds(1_799)), Opens::Yes);
        assert_eq!(link.judge(secret, at.plus_seconds(1_800)), Opens::Lapsed);
        assert_eq!(link.judge("", at), Opens::Wrong);
        assert_eq!(link.judge(&secret.replace(|c: char| c.is_ascii_digit(), "x")[..42], at), Opens::Wrong);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        link.take_back();
        assert!(!file.exists());
    }
}
