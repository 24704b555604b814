//! Pages: rendered on the server, complete without script, for people with a session.
//!
//! | module | page |
//! |---|---|
//! | [`clocks`], [`alerts`] | home with the first hour, wall; what a person has to look at; the component itself is [`clock`] |
//! | [`log`] | log an incident |
//! | [`incidents`], [`incident`], [`actions`], [`update`] | the list, one incident, what may be done to it |
//! | [`exchange`] | one partner on one incident |
//! | [`joint`] | the joint decision: who leads, views, what was decided, whose report we rely on |
//! | [`complaints`], [`law`] | complaints about how we use data; the tables of law that we count by |
//! | [`duties`] | duties for which the law names no time |
//! | [`assessment`], [`decision`] | the risk assessed; what was decided, by whom and why |
//! | [`report`] | the ICO report |
//! | [`telling`], [`lessons`], [`costs`] | telling the people affected; root cause and corrective actions; what it cost |
//! | [`printed`] | documents to keep |
//! | [`received`] | notices received |
//! | [`register`], [`chart`] | the register, its statistics and their charts, files in and out |
//! | [`partners`], [`pairing`] | partners, and pairing with them |
//! | [`directory`], [`import`] | agreements, arrangements, services and parties |
//! | [`administration`], [`people`], [`keys`], [`organisation`], [`api_page`] | administration |
//! | [`ladders`], [`rota`] | who is told when time runs short, and who is on call |
//! | [`account`], [`calendar`], [`invitation`] | one's own account, its calendar of deadlines |
//! | [`statements`], [`sign_in`] | the rest |
//!
//! [`page`] holds what a handler takes and gives, [`form`] and [`field`] what people type, [`words`] and [`standing`] the
//! words for time and states, [`problems`] what is shown when the answer is no.

pub mod account;
pub mod action;
pub mod actions;
pub mod administration;
pub mod alerts;
pub mod api_page;
pub mod assessment;
pub mod board;
pub mod calendar;
pub mod channel;
pub mod chart;
pub mod clock;
pub mod clocks;
pub mod complaints;
pub mod costs;
pub mod decision;
pub mod directory;
pub mod duties;
pub mod exchange;
pub mod exercises;
pub mod facts;
pub mod field;
pub mod form;
pub mod import;
pub mod incident;
pub mod incidents;
pub mod integrations;
pub mod invitation;
pub mod joint;
pub mod keys;
pub mod ladders;
pub mod law;
pub mod lessons;
pub mod link;
pub mod live;
pub mod log;
pub mod mail;
pub mod messages;
pub mod organisation;
pub mod page;
pub mod pairing;
pub mod partners;
pub mod people;
pub mod printed;
pub mod problems;
pub mod received;
pub mod register;
pub mod report;
pub mod rota;
pub mod sign_in;
pub mod standing;
pub mod statements;
pub mod telling;
pub mod timeline;
pub mod update;
pub mod upload;
pub mod words;

pub(crate) mod files;
mod refusals;

use actix_web::middleware::from_fn;
use actix_web::web::{PathConfig, QueryConfig, ServiceConfig, resource, scope, to};
use actix_web::{HttpRequest, HttpResponse};

use crate::problem::Problem;

/// Every page's address. It comes last: what it does not know is not found.
pub fn routes(config: &mut ServiceConfig) {
    config.service(
        scope("")
            .app_data(PathConfig::default().error_handler(|_, _| Problem::NotFound.into()))
            .app_data(
                QueryConfig::default()
                    .error_handler(|_, _| Problem::Malformed("The address could not be read.").into()),
            )
            .wrap(from_fn(problems::same_site))
            .wrap(from_fn(problems::pages))
            .configure(outside)
            .configure(watching)
            .configure(logging)
            .configure(telling)
            .configure(register::routes)
            .configure(report::routes)
            .configure(acting)
            .configure(receiving)
            .configure(administering)
            .default_service(to(nowhere)),
    );
}

/// What needs no session, and signing in itself.
fn outside(config: &mut ServiceConfig) {
    config
        .service(resource("/static/{name}").get(files::serve))
        .service(resource("/sign-in").get(sign_in::show).post(sign_in::enter))
        .service(resource("/sign-out").post(sign_in::leave))
        .service(resource("/privacy").get(statements::privacy))
        .service(resource("/accessibility").get(statements::accessibility));
}

fn watching(config: &mut ServiceConfig) {
    config
        .service(resource("/").get(clocks::home))
        .service(resource("/clocks/list").get(clocks::list))
        .service(resource("/wall").get(clocks::wall))
        .service(resource("/wall/list").get(clocks::wall_list))
        .service(resource("/live").get(live::listen))
        .service(resource("/now").get(clocks::now))
        .service(resource("/alerts").get(alerts::list))
        .service(resource("/alerts/{id}/seen-to").post(alerts::seen_to))
        .service(resource("/take-in-hand").post(clocks::take_in_hand))
        .service(resource("/seen").post(clocks::seen))
        .service(resource("/partners").get(partners::list));
}

fn logging(config: &mut ServiceConfig) {
    config
        .service(resource("/incidents/new").get(log::start))
        .service(resource("/incidents/new/{form}").get(log::open).post(log::step))
        .service(resource("/incidents/new/{form}/draft").post(log::autosave))
        .service(resource("/incidents/new/{form}/told").post(log::preview))
        .service(resource("/incidents/new/{form}/discard").post(log::discard))
        .service(resource("/incidents/new/{form}/check").get(log::check_page))
        .service(resource("/incidents/new/{form}/log").post(log::log));
}

fn acting(config: &mut ServiceConfig) {
    config
        .service(resource("/incidents").get(incidents::list))
        .service(resource("/incidents/{id}").get(incident::show))
        .service(resource("/incidents/{id}/live").get(incident::live))
        .service(resource("/incidents/{id}/timeline").get(incident::earlier))
        .service(resource("/incidents/{id}/update-facts").get(update::show).post(update::save))
        .service(resource("/incidents/{id}/duties/{duty}").get(duties::show).post(duties::act))
        .service(resource("/incidents/{id}/{action}").get(actions::show).post(actions::act))
        .service(resource("/exchanges/{id}").get(exchange::show))
        .service(resource("/exchanges/{id}/call").get(exchange::call).post(exchange::record_call))
        .service(resource("/exchanges/{id}/abandon").get(exchange::abandon).post(exchange::do_abandon))
        .service(resource("/exchanges/{id}/retry").post(exchange::retry));
}

fn receiving(config: &mut ServiceConfig) {
    config
        .service(resource("/received").get(received::list))
        .service(resource("/received/{exchange}").get(received::show))
        .service(resource("/received/{exchange}/acknowledge").post(received::acknowledge));
}

/// Every channel to a partner, and what passes over it. Before [`acting`], whose last address takes any word.
fn telling(config: &mut ServiceConfig) {
    config
        .configure(assessment::routes)
        .configure(board::routes)
        .configure(channel::routes)
        .configure(decision::routes)
        .configure(exercises::routes)
        .configure(integrations::routes)
        .configure(lessons::routes)
        .configure(costs::routes)
        .configure(joint::routes)
        .configure(link::routes)
        .configure(mail::routes)
        .configure(messages::routes)
        .configure(telling::routes);
}

/// What two organisations need before a breach: each module has its own addresses.
fn administering(config: &mut ServiceConfig) {
    config
        .configure(administration::routes)
        .configure(complaints::routes)
        .configure(law::routes)
        .configure(account::routes)
        .configure(api_page::routes)
        .configure(calendar::routes)
        .configure(directory::routes)
        .configure(import::routes)
        .configure(invitation::routes)
        .configure(keys::routes)
        .configure(ladders::routes)
        .configure(organisation::routes)
        .configure(pairing::routes)
        .configure(people::routes)
        .configure(rota::routes);
}

/// Whatever is asked for that is not there.
async fn nowhere(_: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(Problem::NotFound)
}
