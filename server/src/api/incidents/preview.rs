//! Who would be told, and by when, were an incident logged.

use domain::facts::IncidentKind;
use domain::incident::Awareness;
use domain::values::{Line, Moment, Options, PartnerId, ServiceId};

use super::super::call::{Call, Reply};
use super::super::operation::{Operation, Parameter, get, run};
use super::super::shape::answer;
use super::super::shape::values::Words as _;
use crate::node::LaneProof;
use crate::problem::Problem;

/// Who would be told.
pub(super) const PREVIEW: Operation =
    get("/preview", "preview_incident", "Who would be told, and by when, were an incident logged", run!(preview))
        .asks(&[
            Parameter { name: "kind", about: "breach, likely_to_give_rise or under_investigation." },
            Parameter { name: "services", about: "Ids of the services hit, with commas between." },
            Parameter { name: "aware_of_circumstances_at", about: "When we became aware of circumstances." },
            Parameter { name: "aware_of_breach_at", about: "When we became aware of the breach." },
        ])
        .gives::<Preview>();

answer! {
    /// What logging would start.
    Preview {
        /// Who would be told, the earliest due first.
        partners: Vec<PreviewPartner>,
        /// When the first notice would be due.
        notice_due_at: Option<Moment>,
        /// When the ICO report would be due; null without a breach.
        ico_due_at: Option<Moment>,
        /// The statute's limit for it.
        ico_legal_limit_at: Option<Moment>,
        /// For every service given we only process: the report is the controllers'.
        processing: bool,
    }
}

answer! {
    /// A partner that would be told.
    PreviewPartner {
        /// Who.
        id: PartnerId,
        /// Their name.
        name: Line,
        /// When their notice would be due; null while awareness is not given.
        due_at: Option<Moment>,
        /// How sure the way to them is: proven, silent, untried or not_paired.
        way: &'static str,
        /// Every agreement that owes it.
        agreements: Vec<Line>,
    }
}

/// An instant in the query, if it is there.
fn instant(call: &Call, name: &str, wrong: &'static str) -> Result<Option<Moment>, Problem> {
    call.asked(name).map(|text| Moment::parse(&text).map_err(|_| Problem::Malformed(wrong))).transpose()
}

async fn preview(call: Call) -> Result<Reply, Problem> {
    const KIND: Problem = Problem::Malformed("kind is breach, likely_to_give_rise or under_investigation.");
    let word = call.asked("kind").ok_or(KIND)?;
    let kind = IncidentKind::words().into_iter().find(|(_, known)| *known == word).map(|(kind, _)| kind).ok_or(KIND)?;
    let listed = call.asked("services").unwrap_or_default();
    let services: Result<Options<ServiceId>, _> =
        listed.split(',').filter(|id| !id.is_empty()).map(str::parse).collect();
    let services = services.map_err(|_| Problem::Malformed("services are ids with commas between."))?;
    let awareness = Awareness {
        circumstances: instant(
            &call,
            "aware_of_circumstances_at",
            "aware_of_circumstances_at is an RFC 3339 instant.",
        )?,
        breach: instant(&call, "aware_of_breach_at", "aware_of_breach_at is an RFC 3339 instant.")?,
    };
    let found = call.node.preview(kind, services, awareness).await?;
    let partners = found.partners.into_iter().map(|partner| PreviewPartner {
        id: partner.id,
        name: partner.name,
        due_at: partner.due,
        way: match partner.lane {
            LaneProof::Proven { .. } => "proven",
            LaneProof::Silent { .. } => "silent",
            LaneProof::Untried => "untried",
            LaneProof::NotPaired => "not_paired",
        },
        agreements: partner.agreements,
    });
    Ok(Reply::one(&Preview {
        partners: partners.collect(),
        notice_due_at: found.notice_due,
        ico_due_at: found.ico_due,
        ico_legal_limit_at: found.ico_legal_limit,
        processing: found.processing,
    }))
}
