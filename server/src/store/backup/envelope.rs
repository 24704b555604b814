//! The outside of a backup: octets sealed in numbered chunks, so that it is written and read with little memory and any
//! change is found out: an octet altered, a chunk moved, dropped or repeated, an end cut off.
//!
//! ```text
//! header   "tocsin backup\n"  format (1)  salt (32)  check (32)
//! chunk    last? (1)  length (4, big-endian)  nonce (12), ciphertext, tag (16)
//! ```
//!
//! Each backup has a key of its own, derived from the data key and the salt. The check, derived likewise, tells another
//! key from a damaged file. A chunk is bound to the header, its number and whether it is the last.

use std::io::{self, Read, Write};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::BackupError;
use crate::store::DataKey;
use crate::store::sealed::random;

const MAGIC: &[u8; 14] = b"tocsin backup\n";
/// The form of the file and of what is in it.
const FORMAT: u8 = 1;
const SALT_LEN: usize = 32;
const CHECK_LEN: usize = 32;
const HEADER_LEN: usize = MAGIC.len() + 1 + SALT_LEN + CHECK_LEN;
/// Plain octets in a chunk.
const CHUNK: usize = 65_536;
/// The longest sealed chunk: nonce and tag come on top.
const SEALED_MAX: usize = CHUNK + NONCE_LEN + 16;

/// What is wrong with a backup's octets, carried through [`io::Read`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Damage(pub(super) &'static str);

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Damage(what))
}

/// Key and check of one backup.
fn keys(data_key: &DataKey, salt: &[u8]) -> Result<(RandomizedNonceKey, Vec<u8>), BackupError> {
    let key = data_key.derived(salt, b"tocsin backup key 1")?;
    let check = data_key.derived(salt, b"tocsin backup check 1")?;
    let failed = |_| crate::store::StoreError::Encryption { doing: "deriving the backup's key" };
    let key = RandomizedNonceKey::new(&AES_256_GCM, key.as_slice()).map_err(failed)?;
    Ok((key, check.to_vec()))
}

/// What a chunk is bound to.
fn bound_to(header: &[u8], number: u64, last: bool) -> Vec<u8> {
    [header, &number.to_be_bytes(), &[u8::from(last)]].concat()
}

/// Seals what is written to it.
pub(super) struct Sealer<W: Write> {
    to: W,
    key: RandomizedNonceKey,
    header: Vec<u8>,
    number: u64,
    waiting: Vec<u8>,
}

impl<W: Write> Sealer<W> {
    pub(super) fn new(mut to: W, data_key: &DataKey) -> Result<Self, BackupError> {
        let mut salt = [0; SALT_LEN];
        random(&mut salt)?;
        let (key, check) = keys(data_key, &salt)?;
        let header = [MAGIC.as_slice(), &[FORMAT], &salt, &check].concat();
        to.write_all(&header)?;
        Ok(Self { to, key, header, number: 0, waiting: Vec::with_capacity(CHUNK) })
    }

    /// Writes the last chunk and answers what was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.chunk(true)?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn chunk(&mut self, last: bool) -> io::Result<()> {
        let bound_to = Aad::from(bound_to(&self.header, self.number, last));
        let sealed = self.key.seal_in_place_append_tag(bound_to, &mut self.waiting);
        let nonce = sealed.map_err(|_| io::Error::other("encryption failed"))?;
        let length = u32::try_from(NONCE_LEN + self.waiting.len()).map_err(io::Error::other)?;
        self.to.write_all(&[u8::from(last)])?;
        self.to.write_all(&length.to_be_bytes())?;
        self.to.write_all(nonce.as_ref())?;
        self.to.write_all(&self.waiting)?;
        self.waiting.clear();
        self.number += 1;
        Ok(())
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.waiting.len() == CHUNK {
            self.chunk(false)?;
        }
        let room = CHUNK - self.waiting.len();
        let taken = octets.get(..room.min(octets.len())).unwrap_or_default();
        self.waiting.extend_from_slice(taken);
        Ok(taken.len())
    }

    /// A chunk that is not full stays: only [`Sealer::finish`] ends a backup.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens a backup; gives its plain octets.
pub(super) struct Opener<R: Read> {
    from: R,
    key: RandomizedNonceKey,
    header: Vec<u8>,
    number: u64,
    ended: bool,
    plain: io::Cursor<Vec<u8>>,
}

impl<R: Read> Opener<R> {
    pub(super) fn new(mut from: R, data_key: &DataKey) -> Result<Self, BackupError> {
        let mut header = Vec::with_capacity(HEADER_LEN);
        from.by_ref().take(u64::try_from(HEADER_LEN).unwrap_or(u64::MAX)).read_to_end(&mut header)?;
        let rest = header.strip_prefix(MAGIC.as_slice()).ok_or(BackupError::NotABackup)?;
        let (format, rest) = rest.split_first().ok_or(BackupError::NotABackup)?;
        if *format != FORMAT {
            return Err(BackupError::OtherFormat);
        }
        let (salt, check) = rest.split_at_checked(SALT_LEN).ok_or(BackupError::NotABackup)?;
        let (key, expected) = keys(data_key, salt)?;
        if check.len() != CHECK_LEN {
            return Err(BackupError::Damaged("it ends too soon"));
        }
        verify_slices_are_equal(check, &expected).map_err(|_| BackupError::OtherKey)?;
        Ok(Self { from, key, header, number: 0, ended: false, plain: io::Cursor::default() })
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        let mut start = [0; 5];
        self.read_exactly(&mut start)?;
        let [last, length @ ..] = start;
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
        if last > 1 || !(NONCE_LEN..=SEALED_MAX).contains(&length) {
            return Err(damaged("a part of it is not as it was written"));
        }
        let mut nonce = [0; NONCE_LEN];
        self.read_exactly(&mut nonce)?;
        let mut text = vec![0; length - NONCE_LEN];
        self.read_exactly(&mut text)?;
        let bound_to = Aad::from(bound_to(&self.header, self.number, last == 1));
        let opened = self.key.open_in_place(Nonce::assume_unique_for_key(nonce), bound_to, &mut text);
        let length = opened.map_err(|_| damaged("a part of it is not as it was written"))?.len();
        text.truncate(length);
        self.plain = io::Cursor::new(text);
        self.number += 1;
        if last == 1 {
            self.ended = true;
            if self.from.read(&mut [0])? > 0 {
                return Err(damaged("something follows its end"));
            }
        }
        Ok(())
    }

    fn read_exactly(&mut self, to: &mut [u8]) -> io::Result<()> {
        self.from.read_exact(to).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof { damaged("it ends too soon") } else { error }
        })
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            let taken = self.plain.read(to)?;
            if taken > 0 || self.ended || to.is_empty() {
                return Ok(taken);
            }
            self.next_chunk()?;
        }
    }
}
