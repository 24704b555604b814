//! `tocsin health`: asks the node that runs with the same settings whether it lives, for containers that hold no other
//! client.
//!
//! It reads what `serve` reads, so there is nothing more to set. Over TLS it takes the certificate in the file and no other:
//! who answers has the key that belongs to it, whatever name the certificate is for and whoever signed it.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
};

use crate::config::ServeSettings;
use crate::serve::Failure;

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Octets of the answer that are read: its first line is enough.
const ANSWER_OCTETS_MAX: u64 = 64;
/// What is asked. A node that waits to be set up, or for its database, lives: starting it again would not help.
const REQUEST: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// Asks, and succeeds when the node answers that it lives.
///
/// # Errors
/// Why it is not known to live.
pub async fn health(settings: &ServeSettings) -> Result<(), Failure> {
    let address = reached_at(settings.bind);
    let certificate = settings.tls_certificate.clone();
    tokio::task::spawn_blocking(move || ask(address, certificate.as_deref())).await??;
    Ok(())
}

/// A server that listens on every address is asked on loopback.
fn reached_at(bind: SocketAddr) -> SocketAddr {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, bind.port())
}

fn ask(address: SocketAddr, certificate: Option<&Path>) -> Result<(), Failure> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let answer = match certificate {
        Some(file) => spoken(StreamOwned::new(connection(file)?, stream))?,
        None => spoken(stream)?,
    };
    if answer.starts_with("HTTP/1.1 200 ") { Ok(()) } else { Err("the node does not say that it lives".into()) }
}

fn spoken(mut stream: impl Read + Write) -> std::io::Result<String> {
    stream.write_all(REQUEST)?;
    stream.flush()?;
    let mut answer = Vec::new();
    stream.take(ANSWER_OCTETS_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn connection(file: &Path) -> Result<ClientConnection, Failure> {
    let own = CertificateDer::from_pem_file(file)
        .map_err(|_| format!("{} holds no certificate in PEM form", file.display()))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(OnlyThis { own, provider }))
        .with_no_client_auth();
    Ok(ClientConnection::new(Arc::new(config), ServerName::try_from("localhost")?)?)
}

/// Takes one certificate, to the octet.
#[derive(Debug)]
struct OnlyThis {
    own: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OnlyThis {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if end_entity.as_ref() == self.own.as_ref() {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Aim: a node on every address is asked on loopback, one on an address there.
    #[test]
    fn asks_where_it_listens() {
        for (bind, asked) in
            [("0.0.0.0:443", "127.0.0.1:443"), ("[::]:443", "[::1]:443"), ("192.0.2.7:80", "192.0.2.7:80")]
        {
            assert_eq!(reached_at(bind.parse().unwrap()), asked.parse().unwrap());
        }
    }

    /// Aim: where nobody listens nobody is well.
    #[test]
    fn nobody_is_not_well() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert!(ask(address, None).is_err());
    }
}
