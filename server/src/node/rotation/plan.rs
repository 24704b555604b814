//! What the next manifest says. Pure, but for the keys drawn: a manifest, a reason and an instant give the next one.
//!
//! A planned replacement needs the passphrase once: the manifest that lists the new keys already ends the old ones, a day
//! (the longest that new keys wait) and a fortnight from now. Protocol §14 moves that end when the new keys begin to sign;
//! fixing it a day earlier spares people a second passphrase, and ends the old keys no later than they would have ended.

use domain::values::Moment;
use webhooks::keys::{KeyUse, Seed, SigningKey};
use webhooks::manifest::{MAX_KEYS, Manifest, ManifestKey, RevocationReason, Revoked};

use super::{Rotation, SWITCH_SECONDS};
use crate::node::keys::{KEY_LIFE_SECONDS, KeyFault, draw_seed, listing};

/// Old keys stay good for so long after the new ones sign.
const FORTNIGHT_SECONDS: i64 = 14 * 86_400;

/// A key just drawn.
pub(super) struct Drawn {
    pub(super) key: SigningKey,
    pub(super) seed: Seed,
}

/// The keys that take the place of others.
pub(super) struct Fresh {
    pub(super) set: Drawn,
    pub(super) log: Drawn,
    pub(super) webhook: Drawn,
}

impl Fresh {
    pub(super) fn draw() -> Result<Self, KeyFault> {
        Ok(Self { set: drawn(KeyUse::Set)?, log: drawn(KeyUse::Log)?, webhook: drawn(KeyUse::Webhook)? })
    }
}

fn drawn(purpose: KeyUse) -> Result<Drawn, KeyFault> {
    let seed = draw_seed()?;
    let key = SigningKey::from_seed(seed.octets(), purpose)
        .map_err(|_| KeyFault("a key that was drawn is not acceptable"))?;
    Ok(Drawn { key, seed })
}

/// The end of keys drawn now.
pub(super) fn until(from: Moment) -> Moment {
    from.plus_seconds(KEY_LIFE_SECONDS)
}

/// The manifest after `old`, at an instant of whole seconds.
pub(super) fn next(old: &Manifest, fresh: &Fresh, rotation: Rotation, from: Moment) -> Result<Manifest, KeyFault> {
    let now = from.unix_seconds();
    let mut keys: Vec<ManifestKey> = old.keys.clone();
    for key in &mut keys {
        match rotation {
            Rotation::Planned => key.exp = key.exp.min(now.saturating_add(SWITCH_SECONDS + FORTNIGHT_SECONDS)),
            // All that partners would still take: they were kept in one place.
            Rotation::Emergency { since } if key.revoked.is_none() && key.exp >= now => {
                key.revoked = Some(Revoked {
                    revoked_at: now,
                    reason: RevocationReason::Compromised,
                    compromised_since: Some(since.unix_seconds()),
                });
            }
            Rotation::Emergency { .. } => {}
        }
    }
    keys.extend([&fresh.set, &fresh.log, &fresh.webhook].map(|drawn| listing(&drawn.key, from, until(from))));
    if keys.len() > MAX_KEYS {
        return Err(KeyFault("the list of keys is full; pair anew with a new identity key"));
    }
    Ok(Manifest { iss: old.iss.clone(), iat: now, version: old.version.saturating_add(1), keys })
}

/// The keys that a manifest revokes.
pub(super) fn revoked(manifest: &Manifest) -> impl Iterator<Item = &str> {
    manifest.keys.iter().filter(|key| key.revoked.is_some()).map(ManifestKey::kid)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use webhooks::manifest::{KeyRefusal, Stored, Taken, take_in};

    use super::*;

    const DAY: i64 = 86_400;
    const ISSUER: &str = "https://node-a.example";

    fn at(seconds: i64) -> Moment {
        Moment::from_unix_seconds(1_795_000_000 + seconds).unwrap()
    }

    fn first(fresh: &Fresh) -> Manifest {
        let keys =
            [&fresh.set, &fresh.log, &fresh.webhook].map(|drawn| listing(&drawn.key, at(0), until(at(0)))).to_vec();
        Manifest { iss: ISSUER.to_owned(), iat: at(0).unix_seconds(), version: 1, keys }
    }

    /// What a partner that holds `old` makes of `new`.
    fn taken(old: &Manifest, new: &Manifest, now: Moment) -> bool {
        let identity = drawn(KeyUse::Identity).unwrap().key;
        let (before, after) = (old.sign(&identity), new.sign(&identity));
        let stored = Stored { manifest: old, octets: &before };
        let judged = take_in(Some(stored), after.as_bytes(), ISSUER, identity.public(), now.unix_seconds());
        matches!(judged, Ok(Taken::New(_)))
    }

    /// Aim: partners take the planned manifest; both keys are good through the change, and the old one ends by itself.
    #[test]
    fn planned() {
        let (old, new) = (Fresh::draw().unwrap(), Fresh::draw().unwrap());
        let (now, before) = (at(100 * DAY), first(&old));
        let after = next(&before, &new, Rotation::Planned, now).unwrap();
        assert_eq!((after.version, after.keys.len()), (2, 6));
        assert!(taken(&before, &after, now));
        for day in [100, 101, 114] {
            assert!(after.key_for_set(old.set.key.kid(), at(day * DAY).unix_seconds()).is_ok(), "day {day}");
            assert!(after.key_for_set(new.set.key.kid(), at(day * DAY).unix_seconds()).is_ok(), "day {day}");
        }
        let later = at(116 * DAY).unix_seconds();
        assert_eq!(after.key_for_set(old.set.key.kid(), later), Err(KeyRefusal::KeyExpired));
        assert_eq!(after.log_keys().count(), 2, "checkpoints under the old log key are believed for ever");
        assert_eq!(revoked(&after).count(), 0);
    }

    /// Aim: a key that ends soon is not made to last longer by replacing it.
    #[test]
    fn no_end_moves_later() {
        let (old, new) = (Fresh::draw().unwrap(), Fresh::draw().unwrap());
        let (now, before) = (at(395 * DAY), first(&old));
        let after = next(&before, &new, Rotation::Planned, now).unwrap();
        assert_eq!(after.keys[0].exp, before.keys[0].exp);
        assert!(taken(&before, &after, now));
    }

    /// Aim: in an emergency all that was good is revoked, with the instant since when, also keys replaced before.
    #[test]
    fn emergency() {
        let (one, two, three) = (Fresh::draw().unwrap(), Fresh::draw().unwrap(), Fresh::draw().unwrap());
        let before = next(&first(&one), &two, Rotation::Planned, at(DAY)).unwrap();
        let since = at(2 * DAY);
        let after = next(&before, &three, Rotation::Emergency { since }, at(3 * DAY)).unwrap();
        assert!(taken(&before, &after, at(3 * DAY)));
        assert_eq!(revoked(&after).count(), 6);
        let now = at(3 * DAY).unix_seconds();
        for gone in [&one, &two] {
            assert_eq!(after.key_for_set(gone.set.key.kid(), now), Err(KeyRefusal::KeyRevoked));
        }
        assert!(after.key_for_set(three.set.key.kid(), now).is_ok());
        assert!(after.keys[0].revoked.unwrap().compromised_since == Some(since.unix_seconds()));
        let again = next(&after, &Fresh::draw().unwrap(), Rotation::Emergency { since: at(4 * DAY) }, at(5 * DAY));
        let again = again.unwrap();
        assert!(taken(&after, &again, at(5 * DAY)));
        assert_eq!(again.keys[0].revoked, after.keys[0].revoked, "a revocation stays as it was");
    }

    /// Aim: the list never grows beyond what partners take.
    #[test]
    fn bounded() {
        let mut manifest = first(&Fresh::draw().unwrap());
        for day in 1..33 {
            manifest = next(&manifest, &Fresh::draw().unwrap(), Rotation::Planned, at(day * DAY)).unwrap();
        }
        assert!(manifest.keys.len() <= MAX_KEYS);
        assert!(next(&manifest, &Fresh::draw().unwrap(), Rotation::Planned, at(33 * DAY)).is_err());
    }
}
