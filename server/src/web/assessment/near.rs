//! Cases to compare with: the nearest of the guidelines and of our own register, each with what was decided and why. They
//! bind nobody.

use domain::incident::Incident;
use domain::incident::assessment::Assessment;
use domain::precedent::{self, Distance, FARTHEST, Feature};
use domain::suggestion::Circumstances;

use super::super::decision::words as decided;
use super::super::page::Visit;
use crate::problem::Problem;
use crate::store::queries;
use crate::store::queries::precedents;

/// Cases of each kind.
const SHOWN: usize = 3;

/// What was found.
pub(super) struct Near {
    pub(super) cases: Vec<OfGuidelines>,
    /// Each guideline that is named, and whom it binds.
    pub(super) force: Vec<(String, String)>,
    pub(super) ours: Vec<OfOurs>,
}

/// A case of a guideline.
pub(super) struct OfGuidelines {
    pub(super) title: String,
    pub(super) facts: String,
    pub(super) authority: &'static str,
    pub(super) people: &'static str,
    pub(super) why: String,
    pub(super) alike: String,
    pub(super) unverified: bool,
}

/// An incident of ours.
pub(super) struct OfOurs {
    pub(super) href: String,
    pub(super) reference: String,
    pub(super) decided: String,
    pub(super) why: String,
    pub(super) people: String,
    pub(super) alike: String,
}

/// The nearest to an assessment, on the facts that it looked at.
pub(super) async fn of(visit: &Visit, incident: &Incident, assessment: &Assessment) -> Result<Near, Problem> {
    let (id, version, asked) = (incident.id, assessment.facts_version, assessment.asked);
    let found = visit
        .node
        .store()
        .read(move |rows| {
            let Some((facts, _)) = queries::incidents::facts_version(rows, id, version)? else { return Ok(None) };
            let circumstances = Circumstances::of(&facts, asked);
            let ours = precedents::nearest(rows, &circumstances, id, SHOWN)?;
            Ok(Some((circumstances, ours)))
        })
        .await?;
    let Some((circumstances, ours)) = found else {
        return Ok(Near { cases: Vec::new(), force: Vec::new(), ours: Vec::new() });
    };
    let near = precedent::nearest_cases(&circumstances, SHOWN);
    let named = |id: &str| near.iter().any(|near| near.what.guideline == id);
    Ok(Near {
        force: precedent::guidelines()
            .iter()
            .filter(|guideline| named(&guideline.id))
            .map(|guideline| (guideline.citation.clone(), guideline.force.clone()))
            .collect(),
        cases: near
            .iter()
            .map(|near| OfGuidelines {
                title: format!("{}, case {}: {}", near.what.guideline, near.what.number, near.what.title),
                facts: near.what.facts.clone(),
                authority: near.what.authority.label(),
                people: near.what.people.label(),
                why: near.what.why.clone(),
                alike: alike(&near.distance),
                unverified: near.what.is_unverified(),
            })
            .collect(),
        ours: ours
            .into_iter()
            .map(|found| OfOurs {
                href: format!("/incidents/{}/decision", found.id),
                decided: format!("{}, {}", decided::to_ico(&found.to_ico), visit.reader.at(found.decided_at)),
                people: match (&found.people, &found.why_people) {
                    (Some(word), Some(why)) => format!("{}. {why}", decided::to_people(word)),
                    (_, _) => String::new(),
                },
                alike: alike(&found.distance),
                reference: found.reference,
                why: found.why,
            })
            .collect(),
    })
}

/// "82 in 100 alike; furthest apart in: who received the data, backup".
fn alike(distance: &Distance) -> String {
    let percent = (FARTHEST - distance.mean().min(FARTHEST)) * 100 / FARTHEST;
    let mut apart: Vec<(u32, Feature)> = distance
        .parts()
        .iter()
        .map(|(feature, apart)| (feature.weight() * apart, *feature))
        .filter(|(apart, _)| *apart > 0)
        .collect();
    apart.sort_by(|one, other| other.cmp(one));
    let named: Vec<String> = apart.iter().take(2).map(|(_, feature)| feature.label().to_lowercase()).collect();
    if named.is_empty() {
        "Alike in everything compared".to_owned()
    } else {
        format!("{percent} in 100 alike; furthest apart in {}", named.join(" and "))
    }
}
