//! Terms with one partner, and who is owed a notice under them.
//!
//! An agreement is versioned shared terms; an arrangement is one partner under one agreement version, with its services
//! and overrides (ruling 14). What an incident owes is frozen when it is logged: later changes of terms do not reach it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Anchor;
use crate::facts::IncidentKind;
use crate::incident::Awareness;
use crate::values::{
    AgreementId, ArrangementId, CaseId, Digest32, ExchangeId, Hours, Line, Moment, Options, PartnerId, ServiceId,
};

/// What starts the partner-notice clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A breach, or circumstances likely to give rise to one (SocietyWorks agreement, clause 6).
    #[default]
    BreachOrCircumstances,
    /// A breach only.
    BreachOnly,
}

impl Trigger {
    /// Whether it is the one that events leave out.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    const fn is_default(&self) -> bool {
        matches!(self, Self::BreachOrCircumstances)
    }

    /// The trigger that covers all that either of two covers.
    #[must_use]
    pub const fn wider(self, other: Self) -> Self {
        match (self, other) {
            (Self::BreachOnly, Self::BreachOnly) => Self::BreachOnly,
            (Self::BreachOrCircumstances, _) | (_, Self::BreachOrCircumstances) => Self::BreachOrCircumstances,
        }
    }

    /// What starts the clock, and when: the earlier awareness that applies, or for a breach only the awareness of it.
    /// `None` when neither is known.
    #[must_use]
    pub fn anchor(self, awareness: &Awareness) -> Option<(Anchor, Moment)> {
        match self {
            Self::BreachOrCircumstances => awareness.contract_anchor(),
            Self::BreachOnly => awareness.breach.map(|at| (Anchor::AwareOfBreach, at)),
        }
    }

    /// Whether an incident of this kind is owed under the trigger.
    #[must_use]
    pub const fn covers(self, kind: IncidentKind) -> bool {
        match (self, kind) {
            (Self::BreachOrCircumstances, _) | (Self::BreachOnly, IncidentKind::Breach) => true,
            (Self::BreachOnly, IncidentKind::LikelyToGiveRise | IncidentKind::UnderInvestigation) => false,
        }
    }
}

/// What we are towards the partner for the services that an arrangement covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OurRole {
    /// We decide with them (UK GDPR Article 26).
    #[default]
    JointController,
    /// They process on our behalf (Article 28): the report to the regulator is ours.
    Controller,
    /// We process on their behalf: we tell them without undue delay, and they report (Article 33(2)).
    Processor,
}

impl OurRole {
    /// Every role, in the order shown.
    pub const ALL: [Self; 3] = [Self::JointController, Self::Controller, Self::Processor];

    /// The word in tables, files and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::JointController => "joint_controller",
            Self::Controller => "controller",
            Self::Processor => "processor",
        }
    }

    /// Whether it is the one that files and events leave out.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    const fn is_default(&self) -> bool {
        matches!(self, Self::JointController)
    }
}

/// Somebody to ring when machines fail, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FallbackContact {
    /// Role or name, as the arrangement gives it.
    pub who: Line,
    /// Telephone in working hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Line>,
    /// Telephone out of hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_hours: Option<Line>,
    /// Mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Line>,
}

/// Which of a partner's contacts is rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallbackPlace {
    /// The first whom the arrangement names, in working hours.
    Named,
    /// Another whom it names, in working hours.
    Secondary,
    /// Somebody's number out of hours.
    OutOfHours,
}

/// One number to ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FallbackCall {
    /// Role or name, as the arrangement gives it.
    pub who: Line,
    /// The number.
    pub number: Line,
    /// Whose turn it is.
    pub place: FallbackPlace,
}

/// Whom to ring when this many steps of a ladder have fired: the first named contact at the first step, then at each further
/// step the next, then the numbers out of hours, then from the beginning. `None` without a number.
#[must_use]
pub fn fallback_call(contacts: &[FallbackContact], fired: u32) -> Option<FallbackCall> {
    let places = std::iter::once(FallbackPlace::Named).chain(std::iter::repeat(FallbackPlace::Secondary));
    let by_day = contacts.iter().zip(places).filter_map(|(it, place)| Some((it, it.phone.as_ref()?, place)));
    let by_night = contacts.iter().filter_map(|it| Some((it, it.out_of_hours.as_ref()?, FallbackPlace::OutOfHours)));
    let all: Vec<_> = by_day.chain(by_night).collect();
    let turn = usize::try_from(fired.saturating_sub(1)).unwrap_or(0).checked_rem(all.len())?;
    let (contact, number, place) = all.get(turn)?;
    Some(FallbackCall { who: contact.who.clone(), number: (*number).clone(), place: *place })
}

/// One partner under one agreement version: terms as incidents are logged under them, with nothing left to look up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrangement {
    /// Stable over versions.
    pub id: ArrangementId,
    /// 1, 2, 3 …
    pub version: u32,
    /// The agreement it is under.
    pub agreement: AgreementId,
    /// Which version of it.
    pub agreement_version: u32,
    /// The agreement's title, to name it to people and partners.
    pub agreement_title: Line,
    /// With whom.
    pub partner: PartnerId,
    /// Which services it covers.
    pub services: Options<ServiceId>,
    /// Hours to notify; absent where no contract clock exists: then no notice is owed by these terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_hours: Option<Hours>,
    /// Hours to acknowledge.
    pub acknowledgement_hours: Hours,
    /// What starts the clock.
    pub trigger: Trigger,
    /// Who leads on the report to the ICO: a party's key, or `each`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ico_lead: Option<Line>,
    /// The contact point for data subjects: a party's key, `client`, or `each`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_point: Option<Line>,
    /// Whom to ring, in order.
    #[serde(default)]
    pub contacts: Vec<FallbackContact>,
    /// What we are towards the partner.
    #[serde(default, skip_serializing_if = "OurRole::is_default")]
    pub our_role: OurRole,
}

impl Arrangement {
    /// Digest of the terms: SHA-256 of their JSON.
    #[must_use]
    pub fn digest(&self) -> Digest32 {
        Digest32::of(&serde_json::to_vec(self).unwrap_or_default())
    }
}

/// Who leads: reports to the ICO for all, or tells people for all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "who")]
pub enum Lead {
    /// We.
    Us,
    /// Each for itself.
    Each,
    /// A partner.
    Partner {
        /// Which.
        partner: PartnerId,
    },
    /// A word of the arrangement that names no party of ours, for example `client`.
    Named {
        /// It.
        name: Line,
    },
}

impl Lead {
    /// What the arrangement's word stands for, before anybody looked up whose key it is.
    fn written(word: &Line) -> Self {
        if word.as_str() == "each" { Self::Each } else { Self::Named { name: word.clone() } }
    }
}

/// Names one immutable version of an arrangement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrangementRef {
    /// Which.
    pub id: ArrangementId,
    /// Which version.
    pub version: u32,
    /// Digest of those terms.
    pub digest: Digest32,
    /// The agreement's title.
    pub title: Line,
    /// Whom it names as the lead on the report to the ICO. Absent in events from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ico_lead: Option<Lead>,
}

/// The terms with one partner, frozen on an incident: the earliest due wins and all arrangements are named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Hours to notify; absent where we process on their behalf and none were agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_hours: Option<Hours>,
    /// Hours to acknowledge.
    pub acknowledgement_hours: Hours,
    /// What we are towards them; of several arrangements, a controller's word before a processor's.
    #[serde(default, skip_serializing_if = "OurRole::is_default")]
    pub our_role: OurRole,
    /// What starts the clock; of several arrangements, the wider word. Absent in events from before it was kept.
    #[serde(default, skip_serializing_if = "Trigger::is_default")]
    pub trigger: Trigger,
    /// Every arrangement that covers the incident.
    pub arrangements: Vec<ArrangementRef>,
}

impl Terms {
    /// Puts parties in the place of the keys that lead; whose key nobody has stays a word.
    pub fn find_leads(&mut self, party: impl Fn(&Line) -> Option<Lead>) {
        for arrangement in &mut self.arrangements {
            if let Some(Lead::Named { name }) = &arrangement.ico_lead
                && let Some(found) = party(name)
            {
                arrangement.ico_lead = Some(found);
            }
        }
    }
}

/// One partner that an incident owes a notice, with the ids its exchange will have (ruling 13: case and reference are
/// fresh and random, so that two partners can't match their copies).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// Whom.
    pub partner: PartnerId,
    /// Under which terms.
    pub terms: Terms,
    /// The exchange to open.
    pub exchange: ExchangeId,
    /// The case on the wire.
    pub case: CaseId,
    /// Our reference towards this partner.
    pub reference: Line,
}

/// Whether, for every one of these services, we only process on a controller's behalf: then the report to the regulator
/// is the controllers' (UK GDPR Article 33(2)). A service of which no arrangement says so is ours.
#[must_use]
pub fn processor_only(arrangements: &[Arrangement], services: &Options<ServiceId>) -> bool {
    let roles = |service: &ServiceId| {
        let covering = arrangements.iter().filter(|terms| terms.services.contains(service));
        covering.map(|terms| terms.our_role).collect::<Vec<_>>()
    };
    let processed = |roles: Vec<OurRole>| !roles.is_empty() && roles.into_iter().all(|role| role == OurRole::Processor);
    !services.is_empty() && services.iter().all(|service| processed(roles(service)))
}

/// Who is owed a notice about an incident of this kind in these services, and under which terms. Terms without hours owe
/// none by themselves, unless we process on the partner's behalf: the law then says so (UK GDPR Article 33(2)).
#[must_use]
pub fn owed_to(
    arrangements: &[Arrangement],
    services: &Options<ServiceId>,
    kind: IncidentKind,
) -> BTreeMap<PartnerId, Terms> {
    let mut owed: BTreeMap<PartnerId, Terms> = BTreeMap::new();
    for arrangement in arrangements {
        let notice_hours = arrangement.notice_hours;
        if notice_hours.is_none() && arrangement.our_role != OurRole::Processor {
            continue;
        }
        if !arrangement.trigger.covers(kind) || arrangement.services.is_disjoint(services) {
            continue;
        }
        let named = ArrangementRef {
            id: arrangement.id,
            version: arrangement.version,
            digest: arrangement.digest(),
            title: arrangement.agreement_title.clone(),
            ico_lead: arrangement.ico_lead.as_ref().map(Lead::written),
        };
        owed.entry(arrangement.partner)
            .and_modify(|terms| {
                terms.notice_hours = terms.notice_hours.into_iter().chain(notice_hours).min();
                terms.our_role = terms.our_role.min(arrangement.our_role);
                terms.trigger = terms.trigger.wider(arrangement.trigger);
                terms.acknowledgement_hours = terms.acknowledgement_hours.min(arrangement.acknowledgement_hours);
                terms.arrangements.push(named.clone());
            })
            .or_insert_with(|| Terms {
                notice_hours,
                acknowledgement_hours: arrangement.acknowledgement_hours,
                our_role: arrangement.our_role,
                trigger: arrangement.trigger,
                arrangements: vec![named.clone()],
            });
    }
    owed
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use uuid::Uuid;

    use super::*;

    fn service(n: u128) -> ServiceId {
        ServiceId::from_uuid(Uuid::from_u128(n))
    }

    fn partner(n: u128) -> PartnerId {
        PartnerId::from_uuid(Uuid::from_u128(n))
    }

    fn arrangement(n: u128, with: u128, services: &[u128], hours: u16, trigger: Trigger) -> Arrangement {
        Arrangement {
            id: ArrangementId::from_uuid(Uuid::from_u128(n)),
            version: 1,
            agreement: AgreementId::from_uuid(Uuid::from_u128(1)),
            agreement_version: 1,
            agreement_title: Line::parse("Data sharing agreement").unwrap(),
            partner: partner(with),
            services: services.iter().map(|service_id| service(*service_id)).collect(),
            notice_hours: Some(Hours::new(hours).unwrap()),
            acknowledgement_hours: Hours::ACKNOWLEDGEMENT,
            trigger,
            ico_lead: None,
            contact_point: None,
            contacts: vec![],
            our_role: OurRole::JointController,
        }
    }

    #[test]
    fn a_partner_is_owed_when_a_service_is_hit_and_the_trigger_covers_it() {
        let arrangements = [
            arrangement(1, 1, &[1, 2], 48, Trigger::BreachOrCircumstances),
            arrangement(2, 2, &[2], 48, Trigger::BreachOnly),
            arrangement(3, 3, &[3], 48, Trigger::BreachOrCircumstances),
        ];
        let hit: Options<ServiceId> = [service(2)].into();
        let owed = |kind| owed_to(&arrangements, &hit, kind).into_keys().collect::<Vec<_>>();
        assert_eq!(owed(IncidentKind::Breach), [partner(1), partner(2)]);
        assert_eq!(owed(IncidentKind::LikelyToGiveRise), [partner(1)]);
        assert_eq!(owed(IncidentKind::UnderInvestigation), [partner(1)]);
        assert!(owed_to(&arrangements, &Options::new(), IncidentKind::Breach).is_empty());
    }

    #[test]
    fn of_several_arrangements_the_earliest_due_wins_and_all_are_named() {
        let mut slow = arrangement(1, 1, &[1], 48, Trigger::BreachOrCircumstances);
        slow.acknowledgement_hours = Hours::new(4).unwrap();
        let quick = arrangement(2, 1, &[1], 24, Trigger::BreachOrCircumstances);
        let owed = owed_to(&[slow, quick], &[service(1)].into(), IncidentKind::Breach);
        let terms = &owed[&partner(1)];
        assert_eq!((terms.notice_hours.map(Hours::get), terms.acknowledgement_hours.get()), (Some(24), 4));
        assert_eq!(terms.arrangements.len(), 2);
    }

    #[test]
    fn terms_without_hours_owe_nothing_and_the_wider_trigger_stands() {
        let visible = Arrangement { notice_hours: None, ..arrangement(1, 1, &[1], 48, Trigger::BreachOnly) };
        let hit: Options<ServiceId> = [service(1)].into();
        assert!(owed_to(std::slice::from_ref(&visible), &hit, IncidentKind::Breach).is_empty());
        let narrow = arrangement(2, 1, &[1], 48, Trigger::BreachOnly);
        let wide = arrangement(3, 1, &[1], 48, Trigger::BreachOrCircumstances);
        let of = |terms: &[Arrangement]| owed_to(terms, &hit, IncidentKind::Breach)[&partner(1)].trigger;
        assert_eq!(of(&[visible.clone(), narrow.clone()]), Trigger::BreachOnly);
        assert_eq!(of(&[narrow, wide]), Trigger::BreachOrCircumstances);
    }

    /// Aim: a processor owes its controller a notice even without agreed hours; only where every service hit is processed
    /// for somebody is there no report of ours; anything else leaves it ours.
    #[test]
    fn a_processor_tells_the_controller_and_the_controller_reports() {
        let role = |our_role, terms: Arrangement| Arrangement { our_role, ..terms };
        let none = |terms: Arrangement| Arrangement { notice_hours: None, ..terms };
        let processing = role(OurRole::Processor, none(arrangement(1, 1, &[1], 48, Trigger::BreachOnly)));
        let joint = arrangement(2, 2, &[2], 48, Trigger::BreachOrCircumstances);
        let supplier = role(OurRole::Controller, none(arrangement(3, 3, &[3], 48, Trigger::BreachOnly)));
        let all = [processing.clone(), joint, supplier.clone()];
        let only = |services: &[u128]| processor_only(&all, &services.iter().map(|id| service(*id)).collect());
        assert_eq!(
            [only(&[1]), only(&[2]), only(&[3]), only(&[1, 2]), only(&[9]), only(&[])],
            [true, false, false, false, false, false]
        );
        let owed = owed_to(&all, &[service(1), service(3)].into(), IncidentKind::Breach);
        assert_eq!(owed.keys().collect::<Vec<_>>(), [&partner(1)], "a supplier of ours is owed nothing by these terms");
        assert_eq!((owed[&partner(1)].notice_hours, owed[&partner(1)].our_role), (None, OurRole::Processor));
        // Beside joint control of another service the controller's word stands, and agreed hours count.
        let beside = arrangement(4, 1, &[2], 24, Trigger::BreachOnly);
        let owed = owed_to(&[processing, beside], &[service(1), service(2)].into(), IncidentKind::Breach);
        let terms = &owed[&partner(1)];
        assert_eq!((terms.notice_hours.map(Hours::get), terms.our_role), (Some(24), OurRole::JointController));
    }

    #[test]
    fn a_trigger_for_breaches_only_starts_at_awareness_of_the_breach() {
        let moment = |seconds| Moment::from_unix_seconds(seconds).unwrap();
        let awareness = Awareness { circumstances: Some(moment(100)), breach: Some(moment(200)) };
        assert_eq!(Trigger::BreachOnly.anchor(&awareness), Some((Anchor::AwareOfBreach, moment(200))));
        let wide = Trigger::BreachOrCircumstances.anchor(&awareness);
        assert_eq!(wide, Some((Anchor::AwareOfCircumstances, moment(100))));
    }

    #[test]
    fn the_digest_names_these_terms_only() {
        let terms = arrangement(1, 1, &[1], 48, Trigger::BreachOnly);
        let changed = Arrangement { notice_hours: Some(Hours::ICO), ..terms.clone() };
        assert_eq!(terms.digest(), terms.clone().digest());
        assert_ne!(terms.digest(), changed.digest());
        let json = serde_json::to_string(&terms).unwrap();
        assert_eq!(serde_json::from_str::<Arrangement>(&json).unwrap().digest(), terms.digest());
    }

    /// Aim: named, secondary, then out of hours, one further at each step, and round again; without a number nobody.
    #[test]
    fn each_step_rings_the_next_contact() {
        let line = |text: &str| Line::parse(text).unwrap();
        let contact = |who: &str, phone: Option<&str>, late: Option<&str>| FallbackContact {
            who: line(who),
            phone: phone.map(line),
            out_of_hours: late.map(line),
            email: None,
        };
        let contacts = [
            contact("Named", Some("1"), Some("3")),
            contact("Second", Some("2"), None),
            contact("Mail only", None, None),
        ];
        let rung: Vec<(String, FallbackPlace)> = (0..=4)
            .map(|fired| fallback_call(&contacts, fired).unwrap())
            .map(|call| (format!("{} {}", call.who, call.number), call.place))
            .collect();
        let named = ("Named 1".to_owned(), FallbackPlace::Named);
        assert_eq!(
            rung,
            [
                named.clone(),
                named.clone(),
                ("Second 2".to_owned(), FallbackPlace::Secondary),
                ("Named 3".to_owned(), FallbackPlace::OutOfHours),
                named,
            ]
        );
        assert_eq!(fallback_call(&contacts[2..], 1), None);
    }
}
