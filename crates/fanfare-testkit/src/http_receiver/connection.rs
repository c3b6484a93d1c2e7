//! One connection of the receiver: reads requests and carries out what the script says.

use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::Shared;
use super::reply::{Act, Answer, End, Length, Reading, Reply};
use super::request::ReceivedRequest;

/// A stream whose TCP connection can be reset.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    /// The TCP connection underneath.
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

#[cfg(feature = "tls")]
impl Wire for tokio_rustls::server::TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// What becomes of the connection after a reply.
enum Next {
    Request,
    Close,
    Reset,
}

/// Serves requests until the connection ends, from either side.
pub(super) async fn serve(stream: impl Wire, shared: &Shared, number: usize) {
    let mut stream = BufReader::new(stream);
    loop {
        match exchange(&mut stream, shared, number).await {
            Ok(Next::Request) => {}
            Ok(Next::Close) => {
                let _ = stream.get_mut().shutdown().await;
                return;
            }
            Ok(Next::Reset) => {
                let _ = stream.get_ref().tcp().set_zero_linger();
                return;
            }
            Err(_) => return,
        }
    }
}

/// Reads one request, as far as its reply wants it read, and carries out the reply.
async fn exchange(stream: &mut BufReader<impl Wire>, shared: &Shared, number: usize) -> io::Result<Next> {
    if stream.fill_buf().await?.is_empty() {
        return Ok(Next::Close);
    }
    let reply = shared.next_reply();
    if reply.reading == Reading::Nothing {
        return pending().await;
    }
    let mut request = ReceivedRequest::read_head(stream, number).await?;
    let framing = request.framing()?;
    if reply.reading != Reading::Head && request.expects_continue() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    match reply.reading {
        Reading::Nothing | Reading::Head => {}
        Reading::HalfBody => request.body = framing.read_half(stream).await?,
        Reading::Whole => request.body = framing.read(stream).await?,
    }
    let unread = (reply.reading == Reading::Head).then_some(framing);
    let closes = request.closes();
    let Reply { act, delay, .. } = choose(reply, &request);
    shared.record(request);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    match carry_out(&act, stream).await? {
        Next::Request if closes => Ok(Next::Close),
        Next::Request => {
            if let Some(framing) = unread {
                framing.read(stream).await?;
            }
            Ok(Next::Request)
        }
        next => Ok(next),
    }
}

/// The reply itself, or the one that it picks for `request`.
fn choose(mut reply: Reply, request: &ReceivedRequest) -> Reply {
    while let Act::By(choice) = &reply.act {
        reply = choice.0(request);
    }
    reply
}

async fn carry_out(act: &Act, stream: &mut BufReader<impl Wire>) -> io::Result<Next> {
    match act {
        Act::Answer(answer) => send(answer, stream).await,
        Act::Raw(bytes) => {
            stream.write_all(bytes).await?;
            stream.flush().await?;
            Ok(Next::Close)
        }
        Act::Storm => loop {
            stream.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n").await?;
            stream.flush().await?;
        },
        Act::Hang => pending().await,
        Act::Close => Ok(Next::Close),
        Act::Reset => Ok(Next::Reset),
        Act::By(_) => unreachable!("`choose` leaves no choice open"),
    }
}

async fn send(answer: &Answer, stream: &mut BufReader<impl Wire>) -> io::Result<Next> {
    write(&answer.head(), answer.head_pace, stream).await?;
    if answer.length == Length::Endless {
        loop {
            stream.write_all(format!("{:x}\r\n", answer.body.len()).as_bytes()).await?;
            write(&answer.body, answer.body_pace, stream).await?;
            stream.write_all(b"\r\n").await?;
        }
    }
    if answer.end == End::ResetInBody {
        write(&answer.body[..answer.body.len() / 2], answer.body_pace, stream).await?;
        return Ok(Next::Reset);
    }
    write(&answer.body, answer.body_pace, stream).await?;
    match (answer.length, answer.end) {
        (Length::Claimed(_), _) => pending().await,
        (_, End::KeepAlive) => Ok(Next::Request),
        _ => Ok(Next::Close),
    }
}

/// Writes `bytes` at once, or one in each interval.
async fn write(bytes: &[u8], pace: Option<Duration>, stream: &mut BufReader<impl Wire>) -> io::Result<()> {
    match pace {
        None => stream.write_all(bytes).await?,
        Some(interval) => {
            for byte in bytes {
                stream.write_all(&[*byte]).await?;
                stream.flush().await?;
                tokio::time::sleep(interval).await;
            }
        }
    }
    stream.flush().await
}
