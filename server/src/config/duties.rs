//! Which law applies, and what a node's own people aim at or promise beside it.

use clap::Args;
use domain::clock_terms::Law;
use domain::values::Hours;

/// Which law applies, and what our own people aim at or promise beside it. What is logged keeps what it was logged under.
#[derive(Debug, Clone, Copy, Args)]
pub struct DutyArgs {
    /// The law under which we report: uk or eu.
    #[arg(long, env = "TOCSIN_LAW", default_value = "uk", value_parser = law)]
    pub law: Law,

    /// Hours within which our own people aim to tell the people affected, once a person decided that they are to be told. The law names no time.
    #[arg(long, env = "TOCSIN_TARGET_PEOPLE_TOLD", value_parser = hours)]
    pub target_people_told: Option<Hours>,

    /// Hours within which our own people aim to follow an incomplete report to the regulator up. The law names no time.
    #[arg(long, env = "TOCSIN_TARGET_FOLLOW_UP", value_parser = hours)]
    pub target_follow_up: Option<Hours>,

    /// Hours within which our own people aim to tell a controller for whom we process, where none are agreed. The law names no time.
    #[arg(long, env = "TOCSIN_TARGET_CONTROLLER_TOLD", value_parser = hours)]
    pub target_controller_told: Option<Hours>,

    /// We promise our users to acknowledge complaints within 5 working days and to answer within 20.
    #[arg(long, env = "TOCSIN_COMPLAINT_PROMISE")]
    pub complaint_promise: bool,
}

fn law(word: &str) -> Result<Law, &'static str> {
    Law::from_word(word).ok_or("uk or eu")
}

fn hours(text: &str) -> Result<Hours, &'static str> {
    let hours = text.parse().ok().and_then(|hours| Hours::new(hours).ok());
    hours.ok_or("whole hours, from 1 to 8784")
}
