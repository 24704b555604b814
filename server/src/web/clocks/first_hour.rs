//! Getting started: what a new organisation does in its first hour, each step as done, next or later. The panel goes once
//! all of it was done.

use askama::Template;
use domain::values::Role;

use crate::access::Responder;
use crate::problem::Problem;
use crate::store::queries::first_hour::{FirstHour, first_hour};
use crate::web::field::Tag;
use crate::web::page::Visit;

/// The panel.
#[derive(Template)]
#[template(path = "getting_started.html")]
pub(super) struct GettingStarted {
    steps: Vec<Step>,
    /// Address and words of the one thing to do now.
    next: (&'static str, &'static str),
}

impl askama::filters::HtmlSafe for GettingStarted {}

struct Step {
    words: &'static str,
    why: &'static str,
    href: &'static str,
    tag: Tag,
}

/// Where administrators are invited.
const INVITE: &str = "/people/invite";

/// One step: what, why, where, the button's words, whether it was done.
type Known = (&'static str, &'static str, &'static str, &'static str, bool);

/// The panel, for administrators of a node that is young.
pub(super) async fn of(visit: &Visit) -> Result<Option<GettingStarted>, Problem> {
    if !visit.person.has(Role::Administrator) {
        return Ok(None);
    }
    let done = visit.node.store().read(first_hour).await?;
    if done.is_over() {
        return Ok(None);
    }
    Ok(Some(panel(done, Responder::of(&visit.person).is_some())))
}

fn panel(done: FirstHour, may_log: bool) -> GettingStarted {
    let exercise = if may_log { "/incidents/new?exercise=1" } else { "/people" };
    let steps: [Known; 5] = [
        ("Name your organisation", "Done at set-up.", "/parties", "", true),
        (
            "Import an agreement",
            "It says who your partners are, and within how many hours each has to be told.",
            "/import",
            "Import an agreement",
            done.agreement,
        ),
        (
            "Invite a second administrator",
            if done.one_person_pairing {
                "This node lets one administrator pair alone. A second one can stand in for you."
            } else {
                "Pairing takes two: one types a fingerprint, another confirms it."
            },
            INVITE,
            "Invite an administrator",
            done.second_administrator,
        ),
        (
            "Pair with a partner",
            "Exchange cards, and read your fingerprints to each other on the telephone.",
            "/partners",
            "Pair with a partner",
            done.paired,
        ),
        (
            "Run an exercise",
            "Log a drill and see it arrive at your partner, or acknowledge one of theirs. It is marked as an exercise everywhere.",
            exercise,
            if may_log { "Run an exercise" } else { "Invite a responder to run one" },
            done.exercise,
        ),
    ];
    let needless = |href: &str| href == INVITE && done.one_person_pairing;
    let next = steps.iter().position(|(_, _, href, _, done)| !done && !needless(href));
    let tag = |index: usize, href: &str, done: bool| {
        if done {
            Tag::green("Done")
        } else if needless(href) {
            Tag::grey("Not needed")
        } else if Some(index) == next {
            Tag::blue("Next")
        } else {
            Tag::grey("Later")
        }
    };
    GettingStarted {
        next: next.and_then(|next| steps.get(next)).map_or(("", ""), |(_, _, href, button, _)| (*href, *button)),
        steps: steps
            .iter()
            .enumerate()
            .map(|(index, (words, why, href, _, done))| Step { words, why, href, tag: tag(index, href, *done) })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(agreement: bool, second_administrator: bool, paired: bool, exercise: bool) -> FirstHour {
        FirstHour { agreement, second_administrator, one_person_pairing: false, paired, exercise }
    }

    fn words(panel: &GettingStarted) -> Vec<&str> {
        panel.steps.iter().map(|step| step.tag.word()).collect()
    }

    /// Aim: the first step that was not done is the next one, whatever came before its turn.
    #[test]
    fn one_step_is_next() {
        let fresh = panel(done(false, false, false, false), true);
        assert_eq!(words(&fresh), ["Done", "Next", "Later", "Later", "Later"]);
        assert_eq!(fresh.next.0, "/import");
        let paired_first = panel(done(true, true, false, true), true);
        assert_eq!(words(&paired_first), ["Done", "Done", "Done", "Next", "Done"]);
        assert_eq!(paired_first.next.0, "/partners");
    }

    /// Aim: where one may pair alone, nobody is said to have been invited, and nobody is waited for.
    #[test]
    fn a_second_administrator_may_be_needless() {
        let alone = FirstHour { one_person_pairing: true, ..done(true, false, false, false) };
        let shown = panel(alone, true);
        assert_eq!(words(&shown), ["Done", "Done", "Not needed", "Next", "Later"]);
        assert_eq!(shown.next.0, "/partners");
        assert!(FirstHour { paired: true, exercise: true, ..alone }.is_over());
    }

    /// Aim: who may not log incidents is not led to the form that refuses them.
    #[test]
    fn the_exercise_leads_where_one_may_go() {
        assert_eq!(panel(done(true, true, true, false), true).next.0, "/incidents/new?exercise=1");
        assert_eq!(panel(done(true, true, true, false), false).next.0, "/people");
    }
}
