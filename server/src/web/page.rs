//! What every page needs: who is asking, in which words they read time, and the frame around the content.
//!
//! A handler that shows a page takes a [`Visit`]; one that takes a form takes a [`Posted`], which exists only when the
//! form carried the secret of the session (so it was made by one of our pages). Neither can be made in another way, and
//! both exist only for people who may read the record: a page that forgets to ask shows nobody else anything. The few that
//! are for everybody with an account, whatever their roles, say so by taking [`Anyone`] or [`AnyonesForm`].

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, web};
use askama::Template;
use domain::values::{Moment, Role};

use super::form::{FORM_OCTETS_MAX, FieldError, Form};
use super::words::{self, Reader};
use crate::access::sessions::{self, SessionCookie};
use crate::access::{self, SignedIn};
use crate::node::Node;
use crate::problem::Problem;

/// A form that comes more slowly is not waited for.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// What handlers answer.
pub type Answer = Result<HttpResponse, Problem>;

/// A signed-in person in front of a page. As a handler's argument: one who may read the record.
pub struct Visit {
    /// The node.
    pub node: web::Data<Node>,
    /// Who.
    pub person: SignedIn,
    /// The secret that forms of this session carry.
    pub csrf: String,
    /// How they read instants; its `now` is the one instant of this request.
    pub reader: Reader,
}

/// A form that a signed-in person sent from one of our pages. As a handler's argument: one who may read the record.
pub struct Posted {
    /// Who, where and when.
    pub visit: Visit,
    /// What they typed, without the session's secret.
    pub form: Form,
}

/// A signed-in person with any roles, or none: for the start page and their own account.
pub struct Anyone(pub Visit);

/// A form of a signed-in person with any roles, or none: for their own account.
pub struct AnyonesForm(pub Posted);

/// What was typed, for the page that says that it could not be kept.
pub(super) struct Kept {
    pub(super) form: Form,
}

impl Visit {
    /// Duty time now.
    #[must_use]
    pub const fn now(&self) -> Moment {
        self.reader.now()
    }

    /// The frame of a page.
    #[must_use]
    pub fn chrome(&self, title: impl Into<String>, here: &'static str) -> Chrome {
        Chrome {
            person: Some(self.person.name().to_string()),
            administrator: self.person.has(Role::Administrator),
            reads: self.reads(),
            csrf: self.csrf.clone(),
            ..Chrome::outside(&self.node, title, here)
        }
    }

    /// Whether they may read the record.
    #[must_use]
    pub fn reads(&self) -> bool {
        access::Reader::of(&self.person).is_some()
    }

    fn reading(self) -> Result<Self, Problem> {
        if self.reads() { Ok(self) } else { Err(Problem::NotAllowed("people who may read the record")) }
    }

    async fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let node = node_of(request)?;
        let cookie = SessionCookie::of(node.issuer());
        let token = request.cookie(cookie.name()).ok_or(Problem::SignInNeeded)?;
        let digest = sessions::token_digest(token.value()).ok_or(Problem::SignInNeeded)?;
        let session = node.session(digest).await?.ok_or(Problem::SignInNeeded)?;
        let reader = Reader::new(node.zone(), node.now());
        Ok(Self { person: session.person, csrf: sessions::secret_text(&session.csrf), reader, node })
    }
}

/// The node that serves this request.
pub(super) fn node_of(request: &HttpRequest) -> Result<web::Data<Node>, Problem> {
    request.app_data::<web::Data<Node>>().cloned().ok_or(Problem::NotFound)
}

impl FromRequest for Visit {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(&request).await?.reading() })
    }
}

impl FromRequest for Anyone {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(Visit::of(&request).await?)) })
    }
}

impl FromRequest for Posted {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let posted = AnyonesForm::from_request(request, payload);
        Box::pin(async move {
            let AnyonesForm(Self { visit, form }) = posted.await?;
            Ok(Self { visit: visit.reading()?, form })
        })
    }
}

impl FromRequest for AnyonesForm {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let body = body(&request, payload);
        Box::pin(async move {
            let mut form = Form::parse(&body.await?)?;
            request.extensions_mut().insert(Kept { form: form.clone() });
            let visit = Visit::of(&request).await?;
            if !sessions::same_secret(form.first("csrf"), &visit.csrf) {
                return Err(Problem::FormExpired);
            }
            form.drop_names(&["csrf"]);
            Ok(Self(Posted { visit, form }))
        })
    }
}

/// A form that somebody not signed in sent: signing in itself.
pub struct Stranger {
    /// What they typed.
    pub form: Form,
}

impl FromRequest for Stranger {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = body(request, payload);
        Box::pin(async move { Ok(Self { form: Form::parse(&body.await?)? }) })
    }
}

/// The body of a form, counted while it is read.
fn body(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<web::Bytes, Problem>> + use<> {
    let is_form = request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded");
    let payload = web::Payload::from_request(request, payload);
    async move {
        if !is_form {
            return Err(Problem::Malformed("The form could not be read."));
        }
        let payload = payload.await.map_err(|_| Problem::Malformed("The form could not be read."))?;
        match tokio::time::timeout(BODY_TIMEOUT, payload.to_bytes_limited(FORM_OCTETS_MAX)).await {
            Ok(Ok(Ok(body))) => Ok(body),
            Err(_) | Ok(Ok(Err(_))) => Err(Problem::Malformed("The form did not arrive whole.")),
            Ok(Err(_)) => Err(Problem::TooLarge),
        }
    }
}

/// The frame of a page.
#[derive(Debug, Clone)]
pub struct Chrome {
    /// The page's title.
    pub title: String,
    /// Whose node it is.
    pub party: String,
    /// Who is signed in.
    pub person: Option<String>,
    /// Whether the navigation leads to administration.
    pub administrator: bool,
    /// Whether they may read the record: then there is a navigation, and pages follow what changes.
    pub reads: bool,
    /// The secret that forms of this session carry.
    pub csrf: String,
    /// The entry of the navigation that the page belongs to.
    pub here: &'static str,
    /// What the exercise banner says; empty when time runs as it does.
    pub banner: String,
    /// The zone's name now.
    pub zone: String,
}

impl Chrome {
    /// The frame for somebody who is not signed in.
    #[must_use]
    pub fn outside(node: &Node, title: impl Into<String>, here: &'static str) -> Self {
        Self {
            title: title.into(),
            party: node.organisation().name.to_string(),
            person: None,
            administrator: false,
            reads: false,
            csrf: String::new(),
            here,
            banner: banner(node.time().speed()),
            zone: Reader::new(node.zone(), node.now()).zone_name(),
        }
    }

    /// The navigation.
    #[must_use]
    pub const fn nav(&self) -> &'static [(&'static str, &'static str)] {
        const ALL: &[(&str, &str)] = &[
            ("/", "Clocks"),
            ("/incidents", "Incidents"),
            ("/received", "Notices received"),
            ("/register", "Register"),
            ("/partners", "Partners"),
            ("/complaints", "Complaints"),
            ("/agreements", "Agreements"),
            ("/administration", "Administration"),
        ];
        match ALL.split_last() {
            Some((_, others)) if !self.administrator => others,
            Some(_) | None => ALL,
        }
    }

    /// With the exercise banner, for pages about a drill.
    #[must_use]
    pub fn exercise(mut self, is_exercise: bool) -> Self {
        if is_exercise && self.banner.is_empty() {
            "Nothing here has happened.".clone_into(&mut self.banner);
        }
        self
    }
}

/// "Nothing here has happened. One hour passes every second."
fn banner(speed: u32) -> String {
    if speed == 1 {
        return String::new();
    }
    let passes = match speed {
        60 => "One minute passes".to_owned(),
        3_600 => "One hour passes".to_owned(),
        86_400 => "One day passes".to_owned(),
        _ => format!("{} pass", words::length(i64::from(speed))),
    };
    format!("Nothing here has happened. {passes} every second.")
}

/// A page.
///
/// # Errors
/// [`Problem::Internal`] when the template can't be written.
pub fn html(template: &impl Template) -> Answer {
    html_as(StatusCode::OK, template)
}

/// A page with another status than 200.
///
/// # Errors
/// [`Problem::Internal`] when the template can't be written.
pub fn html_as(status: StatusCode, template: &impl Template) -> Answer {
    let body = template.render()?;
    Ok(HttpResponse::build(status)
        .insert_header(ContentType::html())
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body))
}

/// The status of a form page: 422 when it is shown again with faults.
#[must_use]
pub const fn form_status(errors: &[FieldError]) -> StatusCode {
    if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
}

/// On to another page, by GET.
#[must_use]
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

/// A path of ours to go back to; anything else becomes the start page, so that no link leads elsewhere.
#[must_use]
pub fn own_path(path: &str) -> &str {
    let own = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains(['\\', '\n', '\r', '\t'])
        && path.len() <= 500
        && path.is_ascii();
    if own { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: after signing in nobody is sent to another site.
    #[test]
    fn only_own_paths() {
        for other in ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/a\nb"] {
            assert_eq!(own_path(other), "/", "{other:?}");
        }
        assert_eq!(own_path("/incidents/new?a=b"), "/incidents/new?a=b");
    }

    /// Aim: the banner says how fast time runs, and is absent when it runs as it does.
    #[test]
    fn banner_says_the_speed() {
        assert_eq!(banner(1), "");
        assert_eq!(banner(3_600), "Nothing here has happened. One hour passes every second.");
        assert_eq!(banner(1_800), "Nothing here has happened. 30 minutes pass every second.");
    }
}
