//! What a conversation goes over: TCP without delays, and TLS on top of it where the relay is to be spoken to under TLS.
//!
//! The part of SMTP that comes before `STARTTLS` is here too, so that nothing that was said in the clear can be taken for
//! something that was said under TLS.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, ReadBuf,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::classify::{Cause, Fault, Stage};
use crate::relay::{Relay, Security};

/// The most bytes of an answer before TLS.
const ANSWER_BYTES_MAX: u64 = 16 << 10;

/// What stands for the greeting that was said before TLS: a conversation begins with one.
const GREETED: &[u8] = b"220 greeted before\r\n";

/// A connection to a relay. Its end is an error, for no conversation ends that way.
#[derive(Debug)]
pub(crate) struct Stream {
    wire: Wire,
    /// What is read first.
    ahead: &'static [u8],
}

#[derive(Debug)]
enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Connects to `relay`, and has it speak TLS where it is to; `hello` is our name until then.
    pub(crate) async fn open(relay: &Relay, tls: Option<&Arc<ClientConfig>>, hello: &str) -> Result<Self, Fault> {
        let at_connecting = |error| Fault::new(Stage::Connecting, Cause::Network(error));
        let tcp = TcpStream::connect((relay.host.as_str(), relay.port)).await.map_err(at_connecting)?;
        // Else the last dot of each e-mail waits for the acknowledgement of what came before it.
        tcp.set_nodelay(true).map_err(at_connecting)?;
        match (relay.security, tls) {
            (Security::Plain, _) => Ok(Self { wire: Wire::Plain(tcp), ahead: b"" }),
            (Security::Tls, Some(tls)) => Ok(Self { wire: encrypted(tcp, relay, tls).await?, ahead: b"" }),
            (Security::StartTls, Some(tls)) => {
                let tcp = agreed_on_tls(tcp, hello).await?;
                Ok(Self { wire: encrypted(tcp, relay, tls).await?, ahead: GREETED })
            }
            (_, None) => Err(Fault::new(Stage::Tls, Cause::NoTls)),
        }
    }
}

async fn encrypted(tcp: TcpStream, relay: &Relay, tls: &Arc<ClientConfig>) -> Result<Wire, Fault> {
    let at_tls = |error: io::Error| Fault::new(Stage::Tls, Cause::Tls(error));
    let name = ServerName::try_from(relay.host.clone()).map_err(|error| at_tls(io::Error::other(error)))?;
    let stream = TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await.map_err(at_tls)?;
    Ok(Wire::Tls(Box::new(stream)))
}

/// Asks for TLS in the clear, and for nothing else.
async fn agreed_on_tls(tcp: TcpStream, hello: &str) -> Result<TcpStream, Fault> {
    let mut stream = BufReader::new(tcp);
    answer(&mut stream, Stage::Greeting, None).await?;
    let offers = answer(&mut stream, Stage::Greeting, Some(&format!("EHLO {hello}\r\n"))).await?;
    if !offers.lines().skip(1).any(|line| line.get(4..).is_some_and(|offer| offer.eq_ignore_ascii_case("STARTTLS"))) {
        return Err(Fault::new(Stage::Tls, Cause::NoTls));
    }
    answer(&mut stream, Stage::Tls, Some("STARTTLS\r\n")).await?;
    // Somebody on the way may have added what we should take for answers given under TLS.
    match stream.buffer().is_empty() {
        true => Ok(stream.into_inner()),
        false => Err(Fault::new(Stage::Tls, Cause::Malformed("something follows the answer to starttls".into()))),
    }
}

/// Says `command`, if there is one, and gives the answer, all lines of it, unless it is a refusal.
async fn answer(stream: &mut BufReader<TcpStream>, stage: Stage, command: Option<&str>) -> Result<String, Fault> {
    let broken = |error| Fault::new(stage, Cause::Network(error));
    if let Some(command) = command {
        stream.write_all(command.as_bytes()).await.map_err(broken)?;
    }
    let malformed = || Fault::new(stage, Cause::Malformed("it does not speak smtp".into()));
    let mut lines = String::new();
    loop {
        let (begin, room) = (lines.len(), ANSWER_BYTES_MAX.saturating_sub(lines.len() as u64));
        stream.take(room).read_line(&mut lines).await.map_err(broken)?;
        let line = &lines[begin..];
        if line.is_empty() && room > 0 {
            return Err(broken(closed()));
        }
        let code = line.get(..3).and_then(|code| code.parse::<u16>().ok()).filter(|_| line.ends_with('\n'));
        match (code, line.as_bytes().get(3)) {
            (Some(_), Some(b'-')) => {}
            (Some(200..=299), Some(b' ' | b'\r' | b'\n')) => return Ok(lines),
            (Some(code @ 400..=599), _) => {
                return Err(Fault::new(stage, Cause::Answer { code, text: line[3..].trim().to_owned() }));
            }
            _ => return Err(malformed()),
        }
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the relay closed the connection")
}

impl AsyncTokioStream for Stream {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.wire {
            Wire::Plain(tcp) => tcp.peer_addr(),
            Wire::Tls(tls) => tls.get_ref().0.peer_addr(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let (now, later) = self.ahead.split_at(self.ahead.len().min(buf.remaining()));
            buf.put_slice(now);
            self.ahead = later;
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let read = match &mut self.wire {
            Wire::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Wire::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        };
        match read {
            Poll::Ready(Ok(())) if buf.filled().len() == before && buf.remaining() > 0 => Poll::Ready(Err(closed())),
            read => read,
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.wire {
            Wire::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Wire::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.wire {
            Wire::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Wire::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.wire {
            Wire::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Wire::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn what_is_written_does_not_wait_for_an_acknowledgement() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Relay::plain("127.0.0.1").unwrap().port(listener.local_addr().unwrap().port());
        let stream = Stream::open(&relay, None, "client.example.com").await.unwrap();
        let Wire::Plain(tcp) = &stream.wire else { panic!("{stream:?}") };
        assert!(tcp.nodelay().unwrap());
    }
}
