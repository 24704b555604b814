//! About this organisation: the answers that stand for every report to a regulator.

use domain::report::{OrganisationSize, Standing};
use domain::values::{Line, LongText};

use super::call::{Call, Reply, fault};
use super::facts::texts_must_be_checked;
use super::operation::{Group, get, put, run};
use super::shape::{answer, request};
use crate::access::{Scope, Spokesperson};
use crate::node::DoorError;
use crate::problem::Problem;

/// Operations on the answers that stand for every report.
pub const GROUP: Group = Group {
    name: "About this organisation",
    about: "Answers that stand in every report to a regulator, until somebody writes another one there.",
    operations: &[
        get("/standing-answers", "get_standing_answers", "The answers that stand for every report", run!(one))
            .gives::<StandingAnswers>(),
        put("/standing-answers", "put_standing_answers", "Change them", run!(save))
            .needs(&[Scope::Decide, Scope::Administer])
            .takes::<NewStandingAnswers>()
            .gives::<StandingAnswers>(),
    ],
};

answer! {
    /// What stands for every report; null for what nobody has said.
    StandingAnswers {
        /// How many times they were changed.
        version: u32,
        /// How many people work here: under_250 or from_250.
        size: Option<String>,
        /// Whether the regulator was told of a breach before.
        reported_before: Option<bool>,
        /// What is done to prevent breaches.
        prevention: Option<LongText>,
        /// The data protection training that people here get.
        training: Option<LongText>,
        /// Whether you belong to an approved code of conduct or certification scheme.
        code_of_conduct: Option<bool>,
        /// Which, and who watches over it.
        code_of_conduct_details: Option<LongText>,
    }
}

request! {
    /// All of them anew.
    NewStandingAnswers {
        /// How many people work here: under_250 or from_250.
        size: Option<Line>,
        /// Whether the regulator was told of a breach before.
        reported_before: Option<bool>,
        /// What is done to prevent breaches.
        prevention: Option<LongText>,
        /// The data protection training that people here get.
        training: Option<LongText>,
        /// Whether you belong to an approved code of conduct or certification scheme.
        code_of_conduct: Option<bool>,
        /// Which, and who watches over it.
        code_of_conduct_details: Option<LongText>,
        /// A person has checked the texts for personal data.
        checked: Option<bool>,
    }
}

async fn current(call: &Call) -> Result<(u32, Reply), Problem> {
    let (version, standing) = call.node.standing_answers().await?;
    let shown = StandingAnswers {
        version,
        size: standing.size.map(|size| size.word().to_owned()),
        reported_before: standing.reported_before,
        prevention: standing.prevention,
        training: standing.training,
        code_of_conduct: standing.code_of_conduct,
        code_of_conduct_details: standing.code_of_conduct_details,
    };
    Ok((version, Reply::version(&shown, &version.to_string())))
}

async fn one(call: Call) -> Result<Reply, Problem> {
    Ok(current(&call).await?.1)
}

async fn save(call: Call) -> Result<Reply, Problem> {
    let by =
        Spokesperson::of(call.person()).ok_or(Problem::NotAllowed("data protection officers and administrators"))?;
    let (seen, reply) = current(&call).await?;
    call.must_match(&reply)?;
    let new: NewStandingAnswers = call.body()?;
    let size = new.size.as_ref().map(|word| {
        OrganisationSize::from_word(word.as_str()).ok_or_else(|| fault("/size", "it is under_250 or from_250"))
    });
    let standing = Standing {
        size: size.transpose()?,
        reported_before: new.reported_before,
        prevention: new.prevention,
        training: new.training,
        code_of_conduct: new.code_of_conduct,
        code_of_conduct_details: new.code_of_conduct_details,
    };
    texts_must_be_checked(&call, &standing.free_texts(), new.checked.unwrap_or(false), "").await?;
    match call.node.set_standing_answers(&by, seen, standing).await {
        Ok(_) => Ok(current(&call).await?.1),
        Err(DoorError::Stale) => Err(current(&call).await?.1.changed()),
        Err(error) => Err(error.into()),
    }
}
