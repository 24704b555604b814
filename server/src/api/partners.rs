//! Partners and pairing with them (protocol §15): a card taken in, digits typed, a second administrator, and what follows.

pub mod views;

use domain::values::{Line, PartnerId};

use super::call::{Call, Reply};
use super::operation::{Group, get, post, put, run};
use super::shape::{answer, request};
use crate::access::Scope;
use crate::node::pairing::Confirmation;
use crate::problem::Problem;
use crate::store::queries::partners;

use self::views::{ListedPartner, PartnerDetails};

/// What pairing needs.
const ADMINISTER: &[Scope] = &[Scope::Administer];

/// What seeing to an alert needs.
const ATTEND: &[Scope] = &[Scope::Respond, Scope::Decide, Scope::Administer];

/// Operations on partners.
pub const GROUP: Group = Group {
    name: "Partners",
    about: "Who they are, how each pairing stands, and pairing with one more.",
    operations: &[
        get("/partners", "list_partners", "Every partner, by name", run!(list)).lists::<ListedPartner>(),
        post("/partners", "import_card", "Take a partner's card in: nothing is trusted yet", run!(import))
            .needs(ADMINISTER)
            .takes::<ImportCard>()
            .makes::<Imported>(),
        get(
            "/partners/{id}",
            "get_partner",
            "One partner: the card, who checked the digits, the way to them",
            run!(one),
        )
        .gives::<PartnerDetails>(),
        post(
            "/partners/{id}/digits",
            "type_digits",
            "Type the digits that the partner read out; three wrong tries lock the card",
            run!(digits),
        )
        .needs(ADMINISTER)
        .takes::<TypeDigits>(),
        post("/partners/{id}/confirm", "confirm_partner", "Confirm typed digits: their key is pinned", run!(confirm))
            .needs(ADMINISTER)
            .takes::<Confirm>(),
        get(
            "/partners/{id}/addresses",
            "get_addresses",
            "Address ranges admitted beside public addresses",
            run!(addresses),
        )
        .gives::<Addresses>(),
        put(
            "/partners/{id}/addresses",
            "put_addresses",
            "Admit these address ranges in the place of those before",
            run!(admit),
        )
        .needs(ADMINISTER)
        .takes::<Addresses>()
        .gives::<Addresses>(),
        post(
            "/partners/{id}/later-card/accept",
            "accept_later_card",
            "A later card's addresses take effect",
            run!(accept),
        )
        .needs(ADMINISTER),
        post("/partners/{id}/later-card/refuse", "refuse_later_card", "Put a later card aside", run!(refuse))
            .needs(ADMINISTER),
        post(
            "/partners/{id}/card-change/note",
            "note_card_change",
            "Say that a changed card was looked at",
            run!(note),
        )
        .needs(ADMINISTER),
        post("/alerts/{id}/seen-to", "see_to_alert", "Say that an alert was looked at: it ends", run!(see_to_alert))
            .needs(ATTEND),
        post("/partners/{id}/heartbeat", "send_heartbeat", "Send a sign of life now", run!(heartbeat))
            .needs(ADMINISTER),
        post(
            "/partners/{id}/lane/resume",
            "resume_lane",
            "Send again on a lane that stopped, behind what the partner holds",
            run!(resume_lane),
        )
        .needs(ADMINISTER),
        post("/partners/{id}/suspend", "suspend_partner", "Stop all exchange for now", run!(suspend))
            .needs(ADMINISTER)
            .takes::<Reason>(),
        post("/partners/{id}/resume", "resume_partner", "Take the exchange up again", run!(resume))
            .needs(ADMINISTER)
            .takes::<Reason>(),
        post("/partners/{id}/end", "end_pairing", "End the pairing; its history stays", run!(end))
            .needs(ADMINISTER)
            .takes::<Reason>(),
    ],
};

request! {
    /// A card to take in.
    ImportCard {
        /// The card: a signed token, as their node gives it under /card.jwt.
        card: String,
        /// The partner that it is for, if they are known by name only; null for a new one.
        for_partner: Option<PartnerId>,
    }
}

answer! {
    /// Whose card it is.
    Imported {
        /// The partner.
        id: PartnerId,
    }
}

request! {
    /// Digits that were given another way than the card.
    TypeDigits {
        /// The eight groups of digits.
        digits: String,
        /// How they were given: by telephone, in person …
        channel: Line,
        /// By whom.
        with_whom: Line,
    }
}

request! {
    /// The second step.
    Confirm {
        /// One person did both steps. Only where set-up chose that.
        one_person: Option<bool>,
    }
}

answer! {
    /// Address ranges, such as 10.1.0.0/16.
    Addresses {
        /// At most 20.
        ranges: Vec<String>,
    }
}

super::shape::readable!(Addresses, { ranges: Vec<String>, });

request! {
    /// Why it is done.
    Reason {
        /// It stays on record.
        reason: Line,
    }
}

async fn list(call: Call) -> Result<Reply, Problem> {
    let all = call.node.store().read(partners::list).await?;
    let elapsed = call.node.time().elapsed();
    let page = call.page_of(all, |partner| partner.id.to_string())?;
    Ok(page.reply(|partner| ListedPartner::of(partner, elapsed)))
}

async fn one(call: Call) -> Result<Reply, Problem> {
    let view = call.node.partner_view(call.id()?).await?;
    Ok(Reply::one(&PartnerDetails::of(view)))
}

async fn import(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let ImportCard { card, for_partner } = call.body()?;
    let id = call.node.import_card(&by, &card, for_partner).await?;
    Ok(Reply::made(&Imported { id }, &format!("/partners/{id}")))
}

async fn digits(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let TypeDigits { digits, channel, with_whom } = call.body()?;
    call.node.type_fingerprint(&by, call.id()?, &digits, channel, with_whom).await?;
    Ok(Reply::done())
}

async fn confirm(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let Confirm { one_person } = call.body()?;
    let how = if one_person.unwrap_or(false) { Confirmation::OnePerson } else { Confirmation::SecondPerson };
    call.node.confirm(&by, call.id()?, how).await?;
    Ok(Reply::done())
}

async fn admitted(call: &Call) -> Result<Reply, Problem> {
    let view = call.node.partner_view(call.id()?).await?;
    Ok(Reply::one(&Addresses { ranges: view.exceptions }))
}

async fn addresses(call: Call) -> Result<Reply, Problem> {
    admitted(&call).await
}

async fn admit(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    call.must_match(&admitted(&call).await?)?;
    let Addresses { ranges } = call.body()?;
    call.node.set_exceptions(&by, call.id()?, ranges).await?;
    admitted(&call).await
}

async fn accept(call: Call) -> Result<Reply, Problem> {
    call.node.accept_later_card(&call.administrator()?, call.id()?).await?;
    Ok(Reply::done())
}

async fn refuse(call: Call) -> Result<Reply, Problem> {
    call.node.refuse_later_card(&call.administrator()?, call.id()?).await?;
    Ok(Reply::done())
}

async fn note(call: Call) -> Result<Reply, Problem> {
    call.node.note_card_change(&call.administrator()?, call.id()?).await?;
    Ok(Reply::done())
}

async fn see_to_alert(call: Call) -> Result<Reply, Problem> {
    call.node.alert_seen_to(&call.attendant()?, call.id()?).await?;
    Ok(Reply::done())
}

async fn heartbeat(call: Call) -> Result<Reply, Problem> {
    call.administrator()?;
    call.node.send_heartbeat(call.id()?).await?;
    Ok(Reply::done())
}

async fn resume_lane(call: Call) -> Result<Reply, Problem> {
    call.node.resume_lane(&call.administrator()?, call.id()?).await?;
    Ok(Reply::done())
}

async fn suspend(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let Reason { reason } = call.body()?;
    call.node.suspend(&by, call.id()?, reason).await?;
    Ok(Reply::done())
}

async fn resume(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let Reason { reason } = call.body()?;
    call.node.resume(&by, call.id()?, reason).await?;
    Ok(Reply::done())
}

async fn end(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let Reason { reason } = call.body()?;
    call.node.end_pairing(&by, call.id()?, reason).await?;
    Ok(Reply::done())
}
