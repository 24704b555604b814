//! A form with a file in it, read part by part within a limit, and under the same protection as every other form.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use futures_util::StreamExt as _;

use super::form::Form;
use super::page::{Posted, Visit};
use crate::access::sessions;
use crate::problem::Problem;

/// Parts of one form.
const PARTS_MAX: usize = 32;
/// What the small parts of a form may come to, beside a file and the same as text.
const SMALL_PARTS_OCTETS_MAX: usize = 65_536;
/// A form that comes more slowly is not waited for.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// A form with files that a signed-in person sent from one of our pages, each part at most `MOST` octets and all of it
/// little more than two of them: a file, and the same as text. Files are among its values, as text.
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

/// A form with one file, octet for octet, at most `MOST` of them. A form without any is taken too.
pub struct WithFile<const MOST: usize> {
    /// Who, where and when.
    pub visit: Visit,
    /// What they typed and chose, without the session's secret.
    pub form: Form,
    /// The file, if one was chosen.
    pub file: Option<SentFile>,
}

/// A file as it was sent.
pub struct SentFile {
    /// Its name, as the browser gives it.
    pub name: String,
    /// All of it.
    pub octets: Vec<u8>,
}

impl<const MOST: usize> FromRequest for WithFile<MOST> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !request.content_type().starts_with("multipart/") {
            let posted = Posted::from_request(request, payload);
            return Box::pin(async move {
                let Posted { visit, form } = posted.await?;
                Ok(Self { visit, form, file: None })
            });
        }
        let visit = Visit::from_request(request, &mut Payload::None);
        let parts = Multipart::new(request.headers(), payload.take());
        Box::pin(async move {
            let visit = visit.await?;
            let read = tokio::time::timeout(BODY_TIMEOUT, read_with_file(parts, MOST)).await;
            let (mut form, file) = read.map_err(|_| Problem::Malformed("The form did not arrive whole."))??;
            if !sessions::same_secret(form.first("csrf"), &visit.csrf) {
                return Err(Problem::FormExpired);
            }
            form.drop_names(&["csrf"]);
            Ok(Self { visit, form, file })
        })
    }
}

async fn read_with_file(mut parts: Multipart, most: usize) -> Result<(Form, Option<SentFile>), Problem> {
    let (mut form, mut file) = (Form::default(), None);
    let (mut count, mut left) = (0_usize, SMALL_PARTS_OCTETS_MAX);
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(|_| Problem::Malformed("The form could not be read."))?;
        count = count.saturating_add(1);
        if count > PARTS_MAX {
            return Err(Problem::TooLarge);
        }
        let name = part.name().unwrap_or_default().to_owned();
        let sent_as = part.content_disposition().and_then(|found| found.get_filename().map(str::to_owned));
        let is_file = sent_as.is_some() && file.is_none();
        let octets = match part.bytes(if is_file { most } else { left }).await {
            Ok(Ok(octets)) => octets,
            Ok(Err(_)) => return Err(Problem::Malformed("The form did not arrive whole.")),
            Err(_) => return Err(Problem::TooLarge),
        };
        match sent_as.filter(|_| is_file) {
            // A browser sends an unnamed empty file when none was chosen.
            Some(sent_as) if sent_as.is_empty() && octets.is_empty() => {}
            Some(sent_as) => file = Some(SentFile { name: sent_as, octets: octets.to_vec() }),
            None => {
                left = left.saturating_sub(octets.len());
                form.add(&name, String::from_utf8_lossy(&octets).into_owned());
            }
        }
    }
    Ok((form, file))
}

async fn read(mut parts: Multipart, most: usize) -> Result<Form, Problem> {
    let mut form = Form::default();
    let mut count = 0_usize;
    let mut left = most.saturating_mul(2).saturating_add(SMALL_PARTS_OCTETS_MAX);
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(|_| Problem::Malformed("The form could not be read."))?;
        count = count.saturating_add(1);
        if count > PARTS_MAX {
            return Err(Problem::TooLarge);
        }
        let name = part.name().unwrap_or_default().to_owned();
        let octets = match part.bytes(most.min(left)).await {
            Ok(Ok(octets)) => octets,
            Ok(Err(_)) => return Err(Problem::Malformed("The form did not arrive whole.")),
            Err(_) => return Err(Problem::TooLarge),
        };
        left = left.saturating_sub(octets.len());
        // A file that is no text is none of ours; that is said where it is read.
        form.add(&name, String::from_utf8_lossy(&octets).into_owned());
    }
    Ok(form)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use actix_web::error::PayloadError;
    use actix_web::http::header::{self, HeaderMap, HeaderValue};
    use actix_web::web::Bytes;

    use super::*;

    async fn sent(parts: &[usize], most: usize) -> Result<Form, Problem> {
        let mut body = String::new();
        for (number, octets) in parts.iter().enumerate() {
            let name = format!("--x\r\nContent-Disposition: form-data; name=\"f{number}\"\r\n\r\n");
            body.extend([name.as_str(), &"a".repeat(*octets), "\r\n"]);
        }
        body.push_str("--x--\r\n");
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("multipart/form-data; boundary=x"));
        let stream = futures_util::stream::iter([Ok::<_, PayloadError>(Bytes::from(body))]);
        read(Multipart::new(&headers, stream), most).await
    }

    /// Aim: neither one part, nor many parts that are each small enough, nor their number can fill the memory.
    #[actix_web::test]
    async fn parts_are_limited_one_by_one_and_together() {
        const MOST: usize = 100_000;
        let form = sent(&[MOST, MOST, 43], MOST).await.unwrap();
        assert_eq!((form.first("f0").len(), form.first("f2").len()), (MOST, 43));
        for (what, parts) in
            [("one", vec![MOST + 1]), ("together", vec![MOST; 3]), ("their number", vec![1; PARTS_MAX + 1])]
        {
            assert!(matches!(sent(&parts, MOST).await, Err(Problem::TooLarge)), "{what}");
        }
    }
}
