//! A form with a file in it, read part by part within a limit, and under the same protection as every other form.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt as _;

use super::form::Form;
use super::page::Visit;
use crate::access::sessions;
use crate::problem::Problem;

/// Parts of one form.
const PARTS_MAX: usize = 32;
/// A form that comes more slowly is not waited for.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// A form with files that a signed-in person sent from one of our pages, each part at most `MOST` octets. Files are among
/// its values, as text.
pub struct Uploaded<const MOST: usize> {
    /// Who, where and when.
    pub visit: Visit,
    /// What they typed and chose, without the session's secret.
    pub form: Form,
}

impl<const MOST: usize> FromRequest for Uploaded<MOST> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let visit = Visit::from_request(request, &mut Payload::None);
        let parts = Multipart::new(request.headers(), payload.take());
        Box::pin(async move {
            let visit = visit.await?;
            let read = tokio::time::timeout(BODY_TIMEOUT, read(parts, MOST)).await;
            let mut form = read.map_err(|_| Problem::Malformed("The form did not arrive whole."))??;
            if !sessions::same_secret(form.first("csrf"), &visit.csrf) {
                return Err(Problem::FormExpired);
            }
            form.drop_names(&["csrf"]);
            Ok(Self { visit, form })
        })
    }
}

async fn read(mut parts: Multipart, most: usize) -> Result<Form, Problem> {
    let mut form = Form::default();
    let mut count = 0_usize;
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(|_| Problem::Malformed("The form could not be read."))?;
        count = count.saturating_add(1);
        if count > PARTS_MAX {
            return Err(Problem::TooLarge);
        }
        let name = part.name().unwrap_or_default().to_owned();
        let octets = match part.bytes(most).await {
            Ok(Ok(octets)) => octets,
            Ok(Err(_)) => return Err(Problem::Malformed("The form did not arrive whole.")),
            Err(_) => return Err(Problem::TooLarge),
        };
        // A file that is no text is none of ours; that is said where it is read.
        form.add(&name, String::from_utf8_lossy(&octets).into_owned());
    }
    Ok(form)
}
