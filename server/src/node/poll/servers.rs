//! Whom we ask for messages, and where: the address for polls in the card of every paired partner.
//!
//! Opening a card and checking its signature is dear, and partners are looked at every second. So each card is read once;
//! from then on one look at few octets of each row says whether it is still the same, and who is paired at all. What is
//! remembered of whoever is not paired any more goes with that look, and no more partners are listed than a node may have.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::values::PartnerId;
use webhooks::card::parse_self_signed;

use crate::node::Node;
use crate::store::StoreError;
use crate::store::partners::{self, CardMark};

/// Cards read in one go: others have their turn on the runtime between two.
const READ_AT_ONCE: usize = 32;

/// Where partners serve polls.
pub(super) type Addresses = BTreeMap<PartnerId, Arc<str>>;

/// What the cards of paired partners say.
#[derive(Default)]
pub(super) struct Servers(Mutex<HashMap<PartnerId, Known>>);

struct Known {
    /// Of the card that was read.
    mark: CardMark,
    /// Where the partner serves polls, if it does.
    url: Option<Arc<str>>,
}

impl Servers {
    fn known(&self) -> MutexGuard<'_, HashMap<PartnerId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets all but what these cards say; gives those that have to be read.
    fn unread(&self, paired: Vec<(PartnerId, CardMark)>) -> Vec<PartnerId> {
        let mut known = self.known();
        let mut before = std::mem::take(&mut *known);
        let mut unread = Vec::new();
        for (id, mark) in paired {
            match before.remove(&id) {
                Some(same) if same.mark == mark => {
                    known.insert(id, same);
                }
                Some(_) | None => unread.push(id),
            }
        }
        unread
    }

    fn read(&self, id: PartnerId, mark: CardMark, url: Option<&str>) {
        self.known().insert(id, Known { mark, url: url.map(Arc::from) });
    }

    fn addresses(&self) -> Addresses {
        self.known().iter().filter_map(|(id, known)| Some((*id, Arc::clone(known.url.as_ref()?)))).collect()
    }
}

impl Node {
    /// Partners to ask, each with where, as the pairings stand now; none while partners can reach us.
    pub(super) async fn poll_servers(&self, servers: &Servers) -> Result<Addresses, StoreError> {
        if self.reachable {
            return Ok(Addresses::new());
        }
        let unread = servers.unread(self.store.read(partners::card_marks).await?);
        for some in unread.chunks(READ_AT_ONCE) {
            let some = some.to_vec();
            for (id, mark, card) in self.store.read(move |rows| partners::cards(rows, &some)).await? {
                let card = parse_self_signed(card.as_bytes(), self.schemes).ok();
                servers.read(id, mark, card.as_ref().and_then(|card| card.get().serve.poll.as_deref()));
            }
        }
        Ok(servers.addresses())
    }
}

#[cfg(test)]
mod tests {
    use domain::values::PartnerId;
    use uuid::Uuid;

    use super::*;

    /// Aim: a card is read once, again when it changes or its partner comes back, and counts only while that one is paired:
    /// a look finds nothing else to read, however many partners there are.
    #[test]
    fn each_card_is_read_once() {
        let id = |number| PartnerId::from_uuid(Uuid::from_u128(number));
        let servers = Servers::default();
        let look = |cards: &[(u128, &str)]| {
            let marks = cards.iter().map(|(number, mark)| (id(*number), CardMark::of(mark))).collect();
            let unread = servers.unread(marks);
            for (number, mark) in cards.iter().filter(|(number, _)| unread.contains(&id(*number))) {
                servers.read(id(*number), CardMark::of(mark), (*number != 3).then_some("https://partner.example/poll"));
            }
            (unread, servers.addresses().into_keys().collect::<Vec<_>>())
        };
        let all = [(1, "a"), (2, "b"), (3, "c")];
        assert_eq!(look(&all), (vec![id(1), id(2), id(3)], vec![id(1), id(2)]));
        assert_eq!(look(&all), (vec![], vec![id(1), id(2)]), "nor is one that serves none read again");
        assert_eq!(look(&[(1, "later"), (3, "c")]), (vec![id(1)], vec![id(1)]), "the second is suspended");
        assert_eq!(look(&[(1, "later"), (2, "b"), (3, "c")]), (vec![id(2)], vec![id(1), id(2)]));
        assert_eq!(look(&[]), (vec![], vec![]));
        assert!(servers.known().is_empty(), "nothing is kept of whoever is gone");
    }

    /// Aim: until a changed card is read, its partner is not asked at the old address.
    #[test]
    fn an_old_address_is_not_used() {
        let id = PartnerId::from_uuid(Uuid::from_u128(1));
        let servers = Servers::default();
        servers.unread(vec![(id, CardMark::of("a"))]);
        servers.read(id, CardMark::of("a"), Some("https://partner.example/poll"));
        assert_eq!(servers.unread(vec![(id, CardMark::of("b"))]), [id]);
        assert!(servers.addresses().is_empty());
    }
}
