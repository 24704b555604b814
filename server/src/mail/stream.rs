//! The connection before TLS, made safe to upgrade.
//!
//! Until the client opens TLS, octets are handed on one at a time, so that nobody who sits in between can leave words in
//! the reader's buffer that would pass for the server's once the connection is secured (the command injection of
//! RFC 3207's implementations). All that comes in is counted, because nobody has proved yet who it comes from.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Octets that one connection may bring in.
const INBOUND_MAX: usize = 1_048_576;
/// The first octet of a TLS handshake (RFC 8446 §5.1); no SMTP command begins with it.
const HANDSHAKE: u8 = 22;

/// A connection that may be upgraded to TLS.
#[derive(Debug)]
pub(super) struct Narrow {
    stream: TcpStream,
    left: usize,
    /// TLS speaks by now, and sees to its own buffers.
    wide: bool,
}

impl Narrow {
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self { stream, left: INBOUND_MAX, wide: false }
    }
}

impl AsyncRead for Narrow {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let most = if self.wide { buf.remaining() } else { buf.remaining().min(1) };
        if self.left == 0 {
            return Poll::Ready(Err(io::Error::other("the mail server says too much")));
        }
        let read = {
            let mut part = ReadBuf::new(buf.initialize_unfilled_to(most));
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
            part.filled().len()
        };
        buf.advance(read);
        self.left = self.left.saturating_sub(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Narrow {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.first() == Some(&HANDSHAKE) {
            self.wide = true;
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Narrow {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}
