//! Plans of ladders, the rota, and calendars of deadlines.

use domain::clock::ClockKind;
use domain::ladder::{Channels, Plan, Reach, Step};
use domain::rota::When;
use domain::values::{Digest32, Moment, PersonId, Role};
use uuid::Uuid;

use super::call::{Call, Page, Reply, fault};
use super::operation::{Group, Parameter, get, post, put, run};
use super::shape::{answer, request};
use crate::access::{RotaKeeper, Scope};
use crate::node::ladders::KeptPlan;
use crate::node::rota::NewShift;
use crate::problem::Problem;

/// What plans need.
const ADMINISTER: &[Scope] = &[Scope::Administer];
/// What the rota needs: managers keep it too.
const KEEP: &[Scope] = &[Scope::Administer, Scope::Decide];
/// What an address of one's own calendar needs: more than reading.
const OWN: &[Scope] = &[Scope::Respond, Scope::Decide, Scope::Administer];
/// How far the rota is told ahead, in seconds.
const AHEAD_SECONDS: i64 = 31 * 86_400;

/// Operations on plans, the rota and calendars.
pub const GROUP: Group = Group {
    name: "Ladders and rota",
    about: "Who is told when time runs short: the plan of each kind of duty, who is on call, and calendars of deadlines.",
    operations: &[
        get("/ladder-plans", "list_ladder_plans", "The plan of each kind of duty", run!(plans))
            .needs(ADMINISTER)
            .lists::<LadderPlan>(),
        get("/ladder-plans/{kind}", "get_ladder_plan", "The plan of one kind of duty", run!(plan))
            .needs(ADMINISTER)
            .gives::<LadderPlan>(),
        put(
            "/ladder-plans/{kind}",
            "put_ladder_plan",
            "Keep another plan: it governs the steps still to come",
            run!(save_plan),
        )
        .needs(ADMINISTER)
        .takes::<LadderPlanSettings>()
        .gives::<LadderPlan>(),
        get("/rota", "get_rota", "Who is on call in the month to come, and where nobody is", run!(rota))
            .asks(&[Parameter { name: "from", about: "From which instant on; now without it." }])
            .gives::<Rota>(),
        post("/rota/shifts", "add_shift", "Add a shift for one time or for every week, or a swap", run!(add_shift))
            .needs(KEEP)
            .takes::<ShiftSettings>()
            .makes::<Shift>(),
        post("/rota/shifts/{id}/remove", "remove_shift", "Remove a shift", run!(remove_shift)).needs(KEEP),
        get("/calendar-links", "list_calendar_links", "Your own calendar addresses, the first made first", run!(links))
            .lists::<CalendarLink>(),
        post(
            "/calendar-links",
            "make_calendar_link",
            "Make an address for your calendar of deadlines",
            run!(make_link),
        )
        .needs(OWN)
        .makes::<NewCalendarLink>()
        .shown_once(),
        post("/calendar-links/{id}/end", "end_calendar_link", "End an address of your own", run!(end_link)).needs(OWN),
    ],
};

answer! {
    /// The plan of one kind of duty.
    LadderPlan {
        /// Which duty.
        kind: ClockKind,
        /// 1, 2, 3 …; 0 for the built-in plan.
        version: u32,
        /// Since when; null for the built-in plan.
        since: Option<Moment>,
        /// Its steps, in order.
        steps: Vec<LadderStep>,
        /// After the last step one every hour up to here, in minutes after the due instant; 0 for none.
        hourly_until: i32,
        /// After those one every day up to here, in minutes after the due instant; 0 for none. Where none come every hour they
        /// keep the time of day of the last step.
        daily_until: i32,
        /// After how many minutes a duty in hand goes on; null for never.
        lapse_minutes: Option<u32>,
    }
}

answer! {
    /// A step.
    LadderStep {
        /// Minutes from the due instant; negative before it.
        offset_minutes: i32,
        /// Everybody with one of these roles is reached.
        roles: Vec<Role>,
        /// These people are reached.
        people: Vec<PersonId>,
        /// Whoever is on call is reached.
        on_call: bool,
        /// By e-mail.
        mail: bool,
        /// By webhook, to integrations that hear of steps.
        webhook: bool,
        /// Each has to say that they have seen it.
        must_see: bool,
    }
}

request! {
    /// A plan, all of it.
    LadderPlanSettings {
        /// Its steps, in order: 1 to 20.
        steps: Vec<LadderStepSettings>,
        /// After the last step one every hour up to here, in minutes after the due instant: whole hours, a week at most; 0 for none.
        hourly_until: i32,
        /// After those one every day up to here, in minutes after the due instant: whole days, a year at most; 0 for none. Where
        /// none come every hour they keep the time of day of the last step.
        daily_until: i32,
        /// After how many minutes a duty in hand goes on: 15 to 10,080; null for never.
        lapse_minutes: Option<u32>,
    }
}

request! {
    /// A step.
    LadderStepSettings {
        /// Minutes from the due instant; negative before it: from 30 days before to a year after.
        offset_minutes: i32,
        /// Everybody with one of these roles is reached.
        roles: Vec<Role>,
        /// These people are reached.
        people: Vec<PersonId>,
        /// Whoever is on call is reached.
        on_call: bool,
        /// By e-mail.
        mail: bool,
        /// By webhook, to integrations that hear of steps.
        webhook: bool,
        /// Each has to say that they have seen it.
        must_see: bool,
    }
}

answer! {
    /// Who is on call.
    Rota {
        /// At its beginning.
        on_call: Vec<PersonId>,
        /// How the shifts fall, in order.
        times: Vec<RotaTime>,
        /// Where nobody is on call.
        gaps: Vec<RotaGap>,
        /// The shifts that it is made of.
        shifts: Vec<Shift>,
    }
}

answer! {
    /// Somebody is on call.
    RotaTime {
        /// Who.
        person: PersonId,
        /// From this instant on.
        from: Moment,
        /// Until just before this one.
        until: Moment,
        /// By a swap, which takes the place of the others.
        swap: bool,
        /// By which shift.
        shift: Uuid,
    }
}

answer! {
    /// Nobody is on call.
    RotaGap {
        /// From this instant on.
        from: Moment,
        /// Until just before this one.
        until: Moment,
    }
}

answer! {
    /// A shift.
    Shift {
        /// Which.
        id: Uuid,
        /// Whose.
        person: PersonId,
        /// From this instant on; null for a weekly shift.
        from: Option<Moment>,
        /// Until just before this one; null for a weekly shift.
        until: Option<Moment>,
        /// The day on which a weekly shift begins: 1 for Monday to 7 for Sunday.
        day: Option<u16>,
        /// The minute of that day.
        from_minute: Option<u16>,
        /// How many minutes a weekly shift lasts.
        minutes: Option<u32>,
        /// It takes the place of the others.
        swap: bool,
    }
}

request! {
    /// A shift for one time (from and until) or for every week (day, from_minute and minutes).
    ShiftSettings {
        /// Whose.
        person: PersonId,
        /// From this instant on; null for a weekly shift.
        from: Option<Moment>,
        /// Until just before this one; null for a weekly shift.
        until: Option<Moment>,
        /// The day on which a weekly shift begins: 1 for Monday to 7 for Sunday; null for one time.
        day: Option<u16>,
        /// The minute of that day; null for one time.
        from_minute: Option<u16>,
        /// How many minutes a weekly shift lasts; null for one time.
        minutes: Option<u32>,
        /// It takes the place of the others for as long as it lasts.
        swap: bool,
    }
}

answer! {
    /// An address of a calendar.
    CalendarLink {
        /// Names it; its secret is shown once, when it is made.
        id: String,
        /// When it was made, by the machine's clock.
        made_at: Moment,
    }
}

answer! {
    /// An address that was made.
    NewCalendarLink {
        /// It: shown once.
        address: String,
    }
}

impl LadderPlan {
    fn of(kind: ClockKind, kept: KeptPlan) -> Self {
        let KeptPlan { version, at, plan } = kept;
        Self {
            kind,
            version,
            since: at,
            steps: plan.steps.into_iter().map(LadderStep::of).collect(),
            hourly_until: plan.hourly_until,
            daily_until: plan.daily_until,
            lapse_minutes: plan.lapse_minutes,
        }
    }
}

impl LadderStep {
    fn of(step: Step) -> Self {
        let Step { offset_minutes, reaches, by, must_see, since: _ } = step;
        let Reach { roles, people, on_call } = reaches;
        Self { offset_minutes, roles, people, on_call, mail: by.mail, webhook: by.webhook, must_see }
    }
}

impl From<LadderPlanSettings> for Plan {
    fn from(settings: LadderPlanSettings) -> Self {
        let step = |step: LadderStepSettings| Step {
            offset_minutes: step.offset_minutes,
            reaches: Reach { roles: step.roles, people: step.people, on_call: step.on_call },
            by: Channels { mail: step.mail, webhook: step.webhook },
            must_see: step.must_see,
            since: None,
        };
        Self {
            steps: settings.steps.into_iter().map(step).collect(),
            hourly_until: settings.hourly_until,
            daily_until: settings.daily_until,
            repeats_since: None,
            lapse_minutes: settings.lapse_minutes,
        }
    }
}

async fn plans(call: Call) -> Result<Reply, Problem> {
    let mut items = Vec::new();
    for kind in ClockKind::ALL {
        items.push(LadderPlan::of(kind, call.node.ladder_plan(kind).await?));
    }
    Ok(call.page_of(items, |plan| plan.kind.word().to_owned())?.reply(|plan| plan))
}

async fn found(call: &Call) -> Result<(ClockKind, KeptPlan, Reply), Problem> {
    let word: String = call.id()?;
    let kind = ClockKind::ALL.into_iter().find(|kind| kind.word() == word).ok_or(Problem::NotFound)?;
    let kept = call.node.ladder_plan(kind).await?;
    let reply = Reply::version(&LadderPlan::of(kind, kept.clone()), &kept.version.to_string());
    Ok((kind, kept, reply))
}

async fn plan(call: Call) -> Result<Reply, Problem> {
    Ok(found(&call).await?.2)
}

async fn save_plan(call: Call) -> Result<Reply, Problem> {
    let by = call.administrator()?;
    let settings: LadderPlanSettings = call.body()?;
    let (kind, kept, reply) = found(&call).await?;
    call.must_match(&reply)?;
    let kept = call.node.save_ladder_plan(&by, kind, kept.version, settings.into()).await?;
    let version = kept.version.to_string();
    Ok(Reply::version(&LadderPlan::of(kind, kept), &version))
}

async fn rota(call: Call) -> Result<Reply, Problem> {
    let from = match call.asked("from") {
        Some(text) => Moment::parse(&text).map_err(|_| fault("/from", "it is not an instant"))?,
        None => call.node.now(),
    };
    let view = call.node.rota(from, from.plus_seconds(AHEAD_SECONDS)).await?;
    Ok(Reply::plain(&Rota {
        on_call: view.on_call,
        times: view
            .spans
            .iter()
            .map(|span| RotaTime {
                person: span.person,
                from: span.from,
                until: span.until,
                swap: span.swap,
                shift: span.shift,
            })
            .collect(),
        gaps: view.gaps.iter().map(|(from, until)| RotaGap { from: *from, until: *until }).collect(),
        shifts: view
            .shifts
            .iter()
            .map(|kept| {
                let domain::rota::Shift { id, person, when, swap } = kept.shift;
                Shift::of(id, NewShift { person, when, swap })
            })
            .collect(),
    }))
}

impl Shift {
    fn of(id: Uuid, NewShift { person, when, swap }: NewShift) -> Self {
        let nothing = Self { id, person, swap, from: None, until: None, day: None, from_minute: None, minutes: None };
        match when {
            When::Once { from, until } => Self { from: Some(from), until: Some(until), ..nothing },
            When::Weekly { day, from_minute, minutes } => {
                Self { day: Some(u16::from(day)), from_minute: Some(from_minute), minutes: Some(minutes), ..nothing }
            }
        }
    }
}

fn keeper(call: &Call) -> Result<RotaKeeper, Problem> {
    RotaKeeper::of(call.person()).ok_or(Problem::NotAllowed("managers and administrators"))
}

async fn add_shift(call: Call) -> Result<Reply, Problem> {
    let by = keeper(&call)?;
    let ShiftSettings { person, from, until, day, from_minute, minutes, swap } = call.body()?;
    let when = match (from, until, day, from_minute, minutes) {
        (Some(from), Some(until), None, None, None) => When::Once { from, until },
        (None, None, Some(day), Some(from_minute), Some(minutes)) => {
            let day = u8::try_from(day).map_err(|_| fault("/day", "it is not a day of the week"))?;
            When::Weekly { day, from_minute, minutes }
        }
        _ => return Err(fault("/from", "give either from and until, or day, from_minute and minutes")),
    };
    let new = NewShift { person, when, swap };
    let id = call.node.add_shift(&by, new).await?;
    Ok(Reply::made(&Shift::of(id, new), "/rota"))
}

async fn remove_shift(call: Call) -> Result<Reply, Problem> {
    let by = keeper(&call)?;
    call.node.remove_shift(&by, call.id()?).await?;
    Ok(Reply::done())
}

async fn links(call: Call) -> Result<Reply, Problem> {
    let links = call.node.feed_links_of(call.person().id()).await?;
    let items = links
        .into_iter()
        .map(|link| CalendarLink { id: link.digest.to_string(), made_at: link.made_at })
        .collect::<Vec<_>>();
    Ok(Page { items, next: None }.reply(|link| link))
}

async fn make_link(call: Call) -> Result<Reply, Problem> {
    let secret = call.node.add_feed_link(call.person()).await?;
    let address = format!("{}/calendar/{secret}.ics", call.node.issuer());
    Ok(Reply::made(&NewCalendarLink { address }, "/calendar-links"))
}

async fn end_link(call: Call) -> Result<Reply, Problem> {
    let digest: Digest32 = call.id()?;
    call.node.end_feed_link(call.person(), digest).await?;
    Ok(Reply::done())
}
