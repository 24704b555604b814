//! Parties, services, agreements and arrangements: listed, saved one by one, imported and exported as a file.

pub mod files;
pub mod records;

use domain::directory::{Agreement, ArrangementRecord, Key, Party, ServiceRecord};
use domain::values::{ArrangementId, LongText};
use serde_json::Value;
use uuid::Uuid;

use super::call::{Call, Reply};
use super::operation::{Group, get, post, put, run};
use super::shape::{Read, Show, request};
use crate::access::{Administrator, Scope};
use crate::node::DoorError;
use crate::problem::{FieldFault, Problem};
use crate::store::queries::directory::{self, Stored};

pub use self::files::FILES;
use self::records::{AgreementVersion, ArrangementRecordVersion, PartyVersion, ServiceVersion};

/// What saving needs.
const ADMINISTER: &[Scope] = &[Scope::Administer];

/// Operations on single records.
pub const GROUP: Group = Group {
    name: "Directory",
    about: "Which terms bind whom to whom. Records refer to each other by key; what a document does not say is null. An edit is \
            a new version: incidents keep the terms that they were logged under.",
    operations: &[
        get("/parties", "list_parties", "Every party, ours first", run!(list::<Party>)).lists::<PartyVersion>(),
        post("/parties", "add_party", "Add a party", run!(add::<Party>))
            .needs(ADMINISTER)
            .takes::<Party>()
            .makes::<PartyVersion>(),
        get("/parties/{id}", "get_party", "One party", run!(one::<Party>)).gives::<PartyVersion>(),
        put("/parties/{id}", "put_party", "Save a newer version of a party", run!(save::<Party>))
            .needs(ADMINISTER)
            .takes::<Party>()
            .gives::<PartyVersion>(),
        get("/services", "list_services", "Every service, in the order shown", run!(list::<ServiceRecord>))
            .lists::<ServiceVersion>(),
        post("/services", "add_service", "Add a service", run!(add::<ServiceRecord>))
            .needs(ADMINISTER)
            .takes::<ServiceRecord>()
            .makes::<ServiceVersion>(),
        get("/services/{id}", "get_service", "One service", run!(one::<ServiceRecord>)).gives::<ServiceVersion>(),
        put("/services/{id}", "put_service", "Save a newer version of a service", run!(save::<ServiceRecord>))
            .needs(ADMINISTER)
            .takes::<ServiceRecord>()
            .gives::<ServiceVersion>(),
        get("/agreements", "list_agreements", "The newest version of every agreement", run!(list::<Agreement>))
            .lists::<AgreementVersion>(),
        post("/agreements", "add_agreement", "Add an agreement", run!(add::<Agreement>))
            .needs(ADMINISTER)
            .takes::<Agreement>()
            .makes::<AgreementVersion>(),
        get("/agreements/{id}", "get_agreement", "The newest version of one agreement", run!(one::<Agreement>))
            .gives::<AgreementVersion>(),
        put("/agreements/{id}", "put_agreement", "Save the next version of an agreement", run!(save::<Agreement>))
            .needs(ADMINISTER)
            .takes::<Agreement>()
            .gives::<AgreementVersion>(),
        get("/arrangements", "list_arrangements", "Every current arrangement", run!(list::<ArrangementRecord>))
            .lists::<ArrangementRecordVersion>(),
        post("/arrangements", "add_arrangement", "Add an arrangement", run!(add::<ArrangementRecord>))
            .needs(ADMINISTER)
            .takes::<ArrangementRecord>()
            .makes::<ArrangementRecordVersion>(),
        get("/arrangements/{id}", "get_arrangement", "One current arrangement", run!(one::<ArrangementRecord>))
            .gives::<ArrangementRecordVersion>(),
        put(
            "/arrangements/{id}",
            "put_arrangement",
            "Save a newer version of an arrangement",
            run!(save::<ArrangementRecord>),
        )
        .needs(ADMINISTER)
        .takes::<ArrangementRecord>()
        .gives::<ArrangementRecordVersion>(),
        post(
            "/arrangements/{id}/end",
            "end_arrangement",
            "End an arrangement; what was logged under it stays",
            run!(end),
        )
        .needs(ADMINISTER)
        .takes::<EndArrangement>(),
    ],
};

request! {
    /// Why it ends.
    EndArrangement {
        /// It stays on record.
        reason: LongText,
    }
}

/// A kind of record that is kept in versions.
trait Kept: Read + Show + 'static {
    /// Its address below `/api/v1`.
    const PATH: &'static str;

    /// Its key.
    fn key(&self) -> &Key;

    /// Every one that is current.
    async fn all(call: &Call) -> Result<Vec<Stored<Self>>, Problem>;

    /// Saves one in the place of the version that the editor saw, or a new one.
    async fn save(self, call: &Call, by: &Administrator, expected: Option<u32>) -> Result<u32, DoorError>;
}

/// A kind of record by its query and its door.
macro_rules! kept {
    ($($type:ty: $path:literal, $all:path, $save:ident;)+) => {$(
        impl Kept for $type {
            const PATH: &'static str = $path;

            fn key(&self) -> &Key {
                &self.key
            }

            async fn all(call: &Call) -> Result<Vec<Stored<Self>>, Problem> {
                Ok(call.node.store().read($all).await?)
            }

            async fn save(self, call: &Call, by: &Administrator, expected: Option<u32>) -> Result<u32, DoorError> {
                call.node.$save(by, self, expected).await
            }
        }
    )+};
}

kept! {
    Party: "/parties", directory::parties, save_party;
    ServiceRecord: "/services", directory::services, save_service;
    Agreement: "/agreements", directory::agreements, save_agreement;
    ArrangementRecord: "/arrangements", directory::arrangements, save_arrangement;
}

/// One version, shown with what names it.
struct Version<'a, T>(&'a Stored<T>);

impl<T> super::shape::Shape for Version<'_, T> {
    fn schema(named: &mut super::shape::NamedSchemas) -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        // The document names the shape of each kind; this one stands for all of them while it is shown.
        PartyVersion::schema(named)
    }
}

impl<T: Show> Show for Version<'_, T> {
    fn show(&self) -> Value {
        let Stored { id, version, digest, at, record } = self.0;
        let mut shown = serde_json::Map::new();
        for (name, value) in [
            ("id", id.show()),
            ("version", version.show()),
            ("digest", digest.show()),
            ("at", at.show()),
            ("record", record.show()),
        ] {
            shown.insert(name.to_owned(), value);
        }
        Value::Object(shown)
    }
}

fn shown<T: Kept>(stored: &Stored<T>) -> Reply {
    Reply::version(&Version(stored), &format!("{}.{}", stored.version, stored.digest))
}

async fn list<T: Kept>(call: Call) -> Result<Reply, Problem> {
    let all = T::all(&call).await?;
    let page = call.page_of(all, |stored| stored.id.to_string())?;
    let items: Vec<Value> = page.items.iter().map(|stored| Version(stored).show()).collect();
    Ok(Reply::list(items, page.next))
}

async fn found<T: Kept>(call: &Call, id: Uuid) -> Result<Stored<T>, Problem> {
    T::all(call).await?.into_iter().find(|stored| stored.id == id).ok_or(Problem::NotFound)
}

async fn one<T: Kept>(call: Call) -> Result<Reply, Problem> {
    Ok(shown(&found::<T>(&call, call.id()?).await?))
}

async fn add<T: Kept>(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let record: T = call.body()?;
    let key = record.key().clone();
    record.save(&call, &by, None).await.map_err(refused)?;
    let made = T::all(&call).await?.into_iter().find(|stored| *stored.record.key() == key).ok_or(Problem::NotFound)?;
    Ok(Reply::made(&Version(&made), &format!("{}/{}", T::PATH, made.id)))
}

async fn save<T: Kept>(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let id = call.id()?;
    let current = found::<T>(&call, id).await?;
    call.must_match(&shown(&current))?;
    let record: T = call.body()?;
    if record.key() != current.record.key() {
        return Err(super::call::fault("/key", "a record keeps its key"));
    }
    match record.save(&call, &by, Some(current.version)).await {
        Ok(_) => Ok(shown(&found::<T>(&call, id).await?)),
        Err(DoorError::Stale) => Err(shown(&found::<T>(&call, id).await?).changed()),
        Err(error) => Err(refused(error)),
    }
}

/// A record that can't be taken is a fault of what was sent, not of how things stand.
fn refused(error: DoorError) -> Problem {
    let DoorError::Records(faults) = error else { return error.into() };
    Problem::Fields(
        faults.into_iter().map(|fault| FieldFault { field: fault.what(), message: fault.message }).collect(),
    )
}

async fn end(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let EndArrangement { reason } = call.body()?;
    call.node.end_arrangement(&by, call.id::<ArrangementId>()?, reason).await?;
    Ok(Reply::done())
}
