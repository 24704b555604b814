//! What is wrong with an address that a person typed, before anything is sent there (protocol §17).
//!
//! The carrier judges every request anew; this only says it early, and in words that tell what to do.

use std::net::IpAddr;

use reqwest::Url;

use crate::address_guard::{Cidr, forbidden_range};
use crate::values::is_loopback;

/// The longest URL taken.
const URL_CHARACTERS_MAX: usize = 2_000;

/// An address to look at, with what an administrator allows for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As typed.
    pub url: String,
    /// Address ranges that are admitted although they are not public.
    pub exceptions: Vec<Cidr>,
    /// A port other than 443 that is admitted.
    pub allowed_port: Option<u16>,
}

/// What is wrong with it: a sentence without a full stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// No URL with a host.
    #[error("this is not a web address: it begins with https:// and names a server")]
    NotAUrl,
    /// Another scheme than https.
    #[error("the address has to begin with https://")]
    NotHttps,
    /// A user name or password before the host.
    #[error("the address must not hold a user name or a password")]
    UserInfo,
    /// Something behind a `#`.
    #[error("the address must not hold a # and what follows it")]
    Fragment,
    /// Another port than 443.
    #[error("port {0} is not the usual one, 443: tick the box that allows it, or leave it out")]
    Port(u16),
    /// The host is an address that is not public.
    #[error("the server is named by an address in {0}, which is not public")]
    Address(Cidr),
    /// The name leads to an address that is not public.
    #[error("the server\u{2019}s name leads to an address in {0}, which is not public")]
    Name(Cidr),
    /// The name leads nowhere.
    #[error("the server\u{2019}s name leads to no address: check how it is spelt")]
    NoAddress,
}

/// What is left to look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// A name.
    Name(String),
    /// Nothing: it is an address, or this machine.
    Judged,
}

/// All that can be said without asking a name server; `loopback` admits plain `http` on this machine.
pub(crate) fn judge(target: &Target, loopback: bool) -> Result<Host, BadTarget> {
    let url = Url::parse(target.url.trim()).map_err(|_| BadTarget::NotAUrl)?;
    if target.url.chars().count() > URL_CHARACTERS_MAX || !url.has_host() {
        return Err(BadTarget::NotAUrl);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadTarget::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(BadTarget::Fragment);
    }
    if url.scheme() == "http" && loopback && is_loopback(&url) {
        return Ok(Host::Judged);
    }
    if url.scheme() != "https" {
        return Err(BadTarget::NotHttps);
    }
    if let Some(port) = url.port().filter(|port| *port != 443 && target.allowed_port != Some(*port)) {
        return Err(BadTarget::Port(port));
    }
    let host = url.host_str().ok_or(BadTarget::NotAUrl)?;
    // The URL reader has already undone odd spellings of addresses.
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) => match forbidden(target, address) {
            Some(range) => Err(BadTarget::Address(range)),
            None => Ok(Host::Judged),
        },
        Err(_) => Ok(Host::Name(host.to_owned())),
    }
}

/// Judges what a name leads to: one forbidden answer refuses it.
pub(crate) fn judge_answers(target: &Target, answers: &[IpAddr]) -> Result<(), BadTarget> {
    if answers.is_empty() {
        return Err(BadTarget::NoAddress);
    }
    match answers.iter().find_map(|address| forbidden(target, *address)) {
        Some(range) => Err(BadTarget::Name(range)),
        None => Ok(()),
    }
}

fn forbidden(target: &Target, address: IpAddr) -> Option<Cidr> {
    let excepted = target.exceptions.iter().any(|range| range.contains(address));
    forbidden_range(address).filter(|_| !excepted)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn target(url: &str) -> Target {
        Target { url: url.to_owned(), exceptions: Vec::new(), allowed_port: None }
    }

    fn said(url: &str) -> String {
        judge(&target(url), false).map(|host| format!("{host:?}")).unwrap_or_else(|fault| fault.to_string())
    }

    #[test]
    fn each_fault_is_named() {
        for (url, words) in [
            ("", "not a web address"),
            ("hooks.example", "not a web address"),
            ("mailto:a@b.example", "not a web address"),
            ("http://hooks.example/", "begin with https://"),
            ("http://127.0.0.1:8080/", "begin with https://"),
            ("https://ann:secret@hooks.example/", "user name or a password"),
            ("https://hooks.example/#here", "must not hold a #"),
            ("https://hooks.example:8443/", "port 8443"),
            ("https://10.1.2.3/", "10.0.0.0/8"),
            ("https://0x7f.1/", "127.0.0.0/8"),
            ("https://2130706433/", "127.0.0.0/8"),
            ("https://[::1]/", "::/8"),
            ("https://[::ffff:10.0.0.1]/", "::/8"),
            ("https://[64:ff9b::a00:1]/", "10.0.0.0/8"),
            ("https://hooks.example/in?x=1", "Name(\"hooks.example\")"),
            ("https://8.8.8.8/", "Judged"),
        ] {
            assert!(said(url).contains(words), "{url}: {}", said(url));
        }
        assert_eq!(judge(&target("http://localhost:9/"), true), Ok(Host::Judged));
        assert_eq!(
            judge(&target(&format!("https://hooks.example/{}", "x".repeat(2_000))), false),
            Err(BadTarget::NotAUrl)
        );
    }

    #[test]
    fn what_an_administrator_allows_is_allowed() {
        let mut private = target("https://10.1.2.3:8443/");
        private.allowed_port = Some(8443);
        assert!(matches!(judge(&private, false), Err(BadTarget::Address(_))));
        private.exceptions = vec!["10.1.0.0/16".parse().unwrap()];
        assert_eq!(judge(&private, false), Ok(Host::Judged));
    }

    #[test]
    fn names_are_judged_by_all_their_answers() {
        let answers = |texts: &[&str]| -> Vec<IpAddr> { texts.iter().map(|text| text.parse().unwrap()).collect() };
        let name = target("https://hooks.example/");
        assert_eq!(judge_answers(&name, &[]), Err(BadTarget::NoAddress));
        assert_eq!(judge_answers(&name, &answers(&["8.8.8.8"])), Ok(()));
        let mixed = judge_answers(&name, &answers(&["8.8.8.8", "192.168.1.1"])).unwrap_err();
        assert!(mixed.to_string().contains("192.168.0.0/16"), "{mixed}");
    }
}
