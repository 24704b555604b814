//! Operations: the joint decision on an incident, and relying on a partner's report.

use domain::arrangement::Lead;
use domain::incident::joint::{self as rules, Reasons, Why};
use domain::reliance::{self, Standing};
use domain::values::{Actor, Digest32, ExchangeId, IncidentId, Line, LongText, MessageId, Moment, PartnerId};
use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};

use super::call::{Call, Page, Reply};
use super::facts::texts_must_be_checked;
use super::operation::{Group, get, post, run};
use super::shape::{Faults, NamedSchemas, Read, Shape, Show, answer, request};
use crate::access::Scope;
use crate::node::joint::{Considered, NewDecision};
use crate::problem::Problem;
use crate::store::queries::incidents;
use crate::store::queries::joint::{self, Asked, Filed, FiledAbout, Side, View};

/// Partners whose reports are given.
const FILED_MAX: usize = 50;

/// Operations on the joint decision.
pub const GROUP: Group = Group {
    name: "Joint decision",
    about: "Who leads on an incident, what each partner thinks, what the lead decided for all, and who reported it. A lead is \
            us, each, or a partner\u{2019}s id.",
    operations: &[
        get("/incidents/{id}/joint", "get_joint_decision", "The joint decision as it stands", run!(one))
            .gives::<Joint>(),
        get("/incidents/{id}/joint/views", "list_joint_views", "Each partner with their view, by partner", run!(views))
            .lists::<PartnerView>(),
        post("/incidents/{id}/joint/lead", "choose_joint_lead", "Record who leads on this incident", run!(choose))
            .needs(&[Scope::Decide])
            .takes::<ChooseLead>(),
        post(
            "/incidents/{id}/joint/ask",
            "ask_joint_views",
            "Ask every partner who knows of it for their view",
            run!(ask),
        )
        .needs(&[Scope::Decide])
        .takes::<AskViews>(),
        post(
            "/incidents/{id}/joint/decide",
            "decide_jointly",
            "Decide for all as the lead, and tell every partner who knows of it",
            run!(decide),
        )
        .needs(&[Scope::Decide])
        .takes::<DecideForAll>(),
        post("/notices/{id}/view", "give_view", "Give our view to a partner who asked for it", run!(give))
            .needs(&[Scope::Respond])
            .takes::<GiveView>(),
        post(
            "/notices/{id}/rely",
            "rely_on_filing",
            "Rely on a report to the ICO that the partner told us of: our clock ends as not required",
            run!(rely),
        )
        .needs(&[Scope::Decide])
        .takes::<RelyOn>(),
    ],
};

impl Shape for Lead {
    fn schema(named: &mut NamedSchemas) -> RefOr<Schema> {
        String::schema(named)
    }
}

impl Read for Lead {
    fn read(value: &Value, at: &str, faults: &mut Faults) -> Option<Self> {
        let word = String::read(value, at, faults)?;
        match (word.as_str(), word.parse::<PartnerId>()) {
            ("us", _) => Some(Self::Us),
            ("each", _) => Some(Self::Each),
            (_, Ok(partner)) => Some(Self::Partner { partner }),
            (_, Err(_)) => {
                faults.add(at, "it is none of us, each, or a partner\u{2019}s id");
                None
            }
        }
    }
}

impl Show for Lead {
    fn show(&self) -> Value {
        Value::String(match self {
            Self::Us => "us".to_owned(),
            Self::Each => "each".to_owned(),
            Self::Partner { partner } => partner.to_string(),
            Self::Named { name } => name.to_string(),
        })
    }
}

answer! {
    /// The joint decision on an incident.
    Joint {
        /// Who leads on the report to the ICO; each: nobody does.
        lead: Lead,
        /// chosen, named, nobody_named or several_named.
        why: &'static str,
        /// Whom the arrangements name that are frozen on the incident.
        named: Vec<NamedLead>,
        /// Why another lead was chosen.
        reason: Option<LongText>,
        /// Every time that all partners were asked for their view, the first first.
        asked: Vec<ViewsAsked>,
        /// What we decided as the lead, the first first: the last one stands. It is no decision of ours under Article 33.
        decisions: Vec<DecidedForAll>,
        /// Reports that partners told us of. None ends a clock of ours by itself.
        filings: Vec<FiledReport>,
        /// Whose report we rely on.
        reliance: Option<Reliance>,
    }
}

answer! {
    /// Whom arrangements name as the lead.
    NamedLead {
        /// Who; null: nobody.
        lead: Option<Lead>,
        /// How many arrangements do.
        arrangements: u32,
    }
}

answer! {
    /// All partners were asked for their view.
    ViewsAsked {
        /// When.
        at: Moment,
        /// By when a view was asked for.
        due_at: Option<Moment>,
        /// Who asked.
        by: String,
    }
}

answer! {
    /// What the lead decided for all.
    DecidedForAll {
        /// 1, 2, 3 …
        number: u32,
        /// Standing, or replaced by a later one.
        state: &'static str,
        /// Who reports it to the ICO; null: it is not reported.
        reports: Option<Lead>,
        /// Who tells the people affected; null: they are not told.
        tells: Option<Lead>,
        /// Why.
        reasons: Reasons,
        /// The views that were considered: partners' messages.
        views: Vec<MessageId>,
        /// Who decided.
        by: String,
        /// When.
        at: Moment,
    }
}

answer! {
    /// A report that a partner told us of, signed.
    FiledReport {
        /// The exchange with them.
        exchange: ExchangeId,
        /// Who.
        partner: PartnerId,
        /// The message that told us.
        message: MessageId,
        /// The regulator.
        authority: Line,
        /// When they reported it.
        reported_at: Moment,
        /// The regulator's reference.
        reference: Option<Line>,
        /// Stands, no reference, replaced, withdrawn or another authority: only the first can be relied on.
        state: &'static str,
    }
}

answer! {
    /// A partner's report that we rely on.
    Reliance {
        /// The exchange with them.
        exchange: ExchangeId,
        /// Whose report.
        partner: PartnerId,
        /// The message that told us.
        message: MessageId,
        /// SHA-256 of that message's octets.
        set_sha256: Digest32,
        /// The ICO's reference.
        reference: Option<Line>,
        /// Why it is enough for us.
        reason: LongText,
        /// Who accepted it.
        by: String,
        /// When.
        at: Moment,
    }
}

answer! {
    /// One partner in the joint decision.
    PartnerView {
        /// The exchange with them.
        exchange: ExchangeId,
        /// Who.
        partner: PartnerId,
        /// Their name.
        name: String,
        /// Not asked, no view yet, or view given. What they say of themselves is their stance, in the list of partners.
        state: &'static str,
        /// Our newest request for their view.
        asked: Option<Ours>,
        /// Their newest view.
        view: Option<Theirs>,
        /// The newest decision that we told them.
        told: Option<Ours>,
        /// The newest decision that they told us.
        decided: Option<Theirs>,
    }
}

answer! {
    /// A message of ours in the joint decision.
    Ours {
        /// Which.
        message: MessageId,
        /// When.
        at: Moment,
        /// By when an answer was asked for.
        due_at: Option<Moment>,
        /// queued, sealed, waiting, parked, unconfirmed, accepted, receipted or abandoned.
        state: String,
    }
}

answer! {
    /// A message of theirs in the joint decision, signed.
    Theirs {
        /// Which.
        message: MessageId,
        /// In words.
        text: LongText,
        /// Who says it.
        name: Line,
        /// Their role.
        role: Line,
        /// When it was said.
        said_at: Moment,
        /// When it came.
        at: Moment,
    }
}

request! {
    /// Who leads on this incident.
    ChooseLead {
        /// us, each, or the id of a partner of the incident.
        lead: Lead,
        /// Why.
        reason: LongText,
    }
}

request! {
    /// A question to every partner.
    AskViews {
        /// What is asked, without data of the people affected.
        text: LongText,
        /// By when a view is needed.
        due_at: Option<Moment>,
        /// A person has checked that what looks like personal data is none.
        checked: Option<bool>,
    }
}

request! {
    /// A decision for all.
    DecideForAll {
        /// Who reports it to the ICO; null: it is not reported.
        reports: Option<Lead>,
        /// Who tells the people affected; null: they are not told.
        tells: Option<Lead>,
        /// Why: partners read it, without data of the people affected.
        reasons: Reasons,
        /// The views that were considered; left out: the newest of each partner.
        views: Option<Vec<MessageId>>,
        /// A person has checked that what looks like personal data is none.
        checked: Option<bool>,
    }
}

request! {
    /// Our view.
    GiveView {
        /// Their request for it.
        request: MessageId,
        /// In words, without data of the people affected.
        text: LongText,
        /// A person has checked that what looks like personal data is none.
        checked: Option<bool>,
    }
}

request! {
    /// A partner's report to rely on.
    RelyOn {
        /// The message that told us.
        message: MessageId,
        /// Why it is enough for us.
        reason: LongText,
    }
}

async fn one(call: Call) -> Result<Reply, Problem> {
    let id: IncidentId = call.id()?;
    let found = call
        .node
        .store()
        .read(move |rows| match incidents::state(rows, id)? {
            Some(state) => Ok(Some((joint::filed(rows, FiledAbout::Incident(id), FILED_MAX)?.0, state))),
            None => Ok(None),
        })
        .await?;
    let (filed, state) = found.ok_or(Problem::NotFound)?;
    let (lead, why) = state.leading();
    let joint = &state.joint;
    let standing = joint.decisions.last().map(|decision| decision.number);
    Ok(Reply::one(&Joint {
        lead,
        why: match why {
            Why::Chosen => "chosen",
            Why::Named => "named",
            Why::NobodyNamed => "nobody_named",
            Why::SeveralNamed => "several_named",
        },
        named: state.named_leads().into_iter().map(NamedLead::of).collect(),
        reason: joint.chosen.as_ref().map(|chosen| chosen.reason.clone()),
        asked: joint.asked.iter().map(ViewsAsked::of).collect(),
        decisions: joint.decisions.iter().map(|decision| DecidedForAll::of(decision, standing)).collect(),
        filings: filed.into_iter().map(FiledReport::of).collect(),
        reliance: joint.reliance.as_ref().map(Reliance::of),
    }))
}

async fn views(call: Call) -> Result<Reply, Problem> {
    let id: IncidentId = call.id()?;
    let key = |text: &str| text.split_once('.').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    let (after, limit) = (call.after(key)?, call.limit()?);
    let found = call
        .node
        .store()
        .read(move |rows| match incidents::one(rows, id)? {
            Some(_) => joint::sides(rows, id, after, limit).map(Some),
            None => Ok(None),
        })
        .await?;
    let page = found.ok_or(Problem::NotFound)?;
    let next = page.next.map(|(partner, exchange)| format!("{partner}.{exchange}"));
    Ok(Page { items: page.items, next }.reply(PartnerView::of))
}

async fn choose(call: Call) -> Result<Reply, Problem> {
    let by = call.officer()?;
    let ChooseLead { lead, reason } = call.body()?;
    call.node.choose_lead(&by, call.id()?, lead, reason).await?;
    Ok(Reply::done())
}

async fn ask(call: Call) -> Result<Reply, Problem> {
    let by = call.officer()?;
    let AskViews { text, due_at, checked } = call.body()?;
    texts_must_be_checked(&call, &[("text", text.as_str())], checked.unwrap_or(false), "").await?;
    call.node.ask_views(&by, None, call.id()?, text, due_at).await?;
    Ok(Reply::done())
}

async fn decide(call: Call) -> Result<Reply, Problem> {
    let by = call.officer()?;
    let DecideForAll { reports, tells, reasons, views, checked } = call.body()?;
    texts_must_be_checked(&call, &[("reasons", reasons.as_str())], checked.unwrap_or(false), "").await?;
    let considered = views.map_or_else(|| Considered::AllBy(call.node.now()), Considered::These);
    let new = NewDecision { reports, tells, reasons, considered };
    call.node.decide_jointly(&by, None, call.id()?, new).await?;
    Ok(Reply::done())
}

async fn give(call: Call) -> Result<Reply, Problem> {
    let by = call.responder()?;
    let GiveView { request, text, checked } = call.body()?;
    texts_must_be_checked(&call, &[("text", text.as_str())], checked.unwrap_or(false), "").await?;
    call.node.give_view(&by, call.id()?, request, text).await?;
    Ok(Reply::done())
}

async fn rely(call: Call) -> Result<Reply, Problem> {
    let by = call.officer()?;
    let RelyOn { message, reason } = call.body()?;
    call.node.accept_reliance(&by, call.id()?, message, reason).await?;
    Ok(Reply::done())
}

fn name_of(actor: &Actor) -> String {
    match actor {
        Actor::Person { name, .. } => name.to_string(),
        Actor::Console | Actor::Node | Actor::Partner { .. } => String::new(),
    }
}

impl NamedLead {
    fn of(named: rules::Named) -> Self {
        Self { lead: named.lead, arrangements: named.arrangements }
    }
}

impl ViewsAsked {
    fn of(asked: &rules::ViewsAsked) -> Self {
        Self { at: asked.at, due_at: asked.due, by: name_of(&asked.by) }
    }
}

impl DecidedForAll {
    fn of(decision: &rules::JointDecision, standing: Option<u32>) -> Self {
        Self {
            number: decision.number,
            state: if standing == Some(decision.number) { "Standing" } else { "Replaced" },
            reports: decision.reports.clone(),
            tells: decision.tells.clone(),
            reasons: decision.reasons.clone(),
            views: decision.views.clone(),
            by: name_of(&decision.by),
            at: decision.at,
        }
    }
}

impl FiledReport {
    fn of(filed: Filed) -> Self {
        Self {
            exchange: filed.exchange,
            partner: filed.partner,
            message: filed.message,
            authority: filed.filing.authority,
            reported_at: filed.filing.at,
            reference: filed.filing.reference,
            state: match filed.standing {
                Standing::Stands => "Stands",
                Standing::NoReference => "No reference",
                Standing::Replaced => "Replaced",
                Standing::Withdrawn => "Withdrawn",
                Standing::OtherAuthority => "Another authority",
            },
        }
    }
}

impl Reliance {
    fn of(relied: &reliance::Relied) -> Self {
        let reliance = &relied.reliance;
        Self {
            exchange: reliance.exchange,
            partner: reliance.partner,
            message: reliance.message,
            set_sha256: reliance.set_sha256,
            reference: reliance.filing.reference.clone(),
            reason: reliance.reason.clone(),
            by: name_of(&relied.by),
            at: relied.at,
        }
    }
}

impl PartnerView {
    fn of(side: Side) -> Self {
        Self {
            exchange: side.exchange,
            partner: side.partner,
            name: side.partner_name,
            state: match (&side.asked, &side.view) {
                (_, Some(_)) => "View given",
                (Some(_), None) => "No view yet",
                (None, None) => "Not asked",
            },
            asked: side.asked.map(Ours::of),
            view: side.view.map(Theirs::of),
            told: side.told.map(Ours::of),
            decided: side.decided.map(Theirs::of),
        }
    }
}

impl Ours {
    fn of(asked: Asked) -> Self {
        Self { message: asked.message, at: asked.at, due_at: asked.due, state: asked.carried }
    }
}

impl Theirs {
    fn of(view: View) -> Self {
        Self {
            message: view.said.message,
            text: view.said.text,
            name: view.said.name,
            role: view.said.role,
            said_at: view.said.at,
            at: view.at,
        }
    }
}
