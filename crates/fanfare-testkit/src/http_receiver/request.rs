//! A request as the receiver read it from the socket.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The most bytes of a request's head that are read.
const HEAD_BYTES_MAX: usize = 1 << 20;

/// The most bytes of a request's body that are read.
const BODY_BYTES_MAX: usize = 64 << 20;

/// A request that the receiver was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedRequest {
    /// The method, such as `POST`.
    pub method: String,
    /// The target as it stood in the request line, such as `/path?query`.
    pub target: String,
    /// The header lines in their order, names in the case in which they came.
    pub headers: Vec<(String, String)>,
    /// The body without its framing, as far as the reply let the receiver read it: all of it, unless the reply says
    /// otherwise.
    pub body: Vec<u8>,
    /// The number of the connection that it came on, from 0.
    pub connection: usize,
}

impl ReceivedRequest {
    /// The value of the first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("the body is not JSON: {error}: {}", String::from_utf8_lossy(&self.body)),
        }
    }

    /// Reads the head of a request and leaves the body where it is.
    pub(super) async fn read_head(reader: &mut (impl AsyncBufRead + Unpin), connection: usize) -> io::Result<Self> {
        let mut left = HEAD_BYTES_MAX;
        let line = read_line(reader, &mut left).await?;
        let mut parts = line.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed("the request line"));
        };
        if !version.starts_with("HTTP/1.") {
            return Err(malformed("the version"));
        }
        let mut request = Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            connection,
        };
        loop {
            let line = read_line(reader, &mut left).await?;
            if line.is_empty() {
                return Ok(request);
            }
            let (name, value) = line.split_once(':').ok_or_else(|| malformed("a header"))?;
            request.headers.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
        }
    }

    /// How the body is framed.
    pub(super) fn framing(&self) -> io::Result<Framing> {
        if self.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return Ok(Framing::Chunked);
        }
        match self.header("content-length") {
            None => Ok(Framing::Length(0)),
            Some(length) => match length.parse() {
                Ok(length) if length <= BODY_BYTES_MAX => Ok(Framing::Length(length)),
                _ => Err(malformed("the Content-Length")),
            },
        }
    }

    /// Whether the client asks to be told to go on before it sends the body.
    pub(super) fn expects_continue(&self) -> bool {
        self.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
    }

    /// Whether the client ends the connection after this request.
    pub(super) fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// How many bytes make up a body.
#[derive(Debug, Clone, Copy)]
pub(super) enum Framing {
    Length(usize),
    Chunked,
}

impl Framing {
    /// Reads a whole body.
    pub(super) async fn read(self, reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
        match self {
            Self::Length(length) => read_exactly(reader, length).await,
            Self::Chunked => read_chunked(reader).await,
        }
    }

    /// Reads half of a body: of a chunked one, half of its first chunk.
    pub(super) async fn read_half(self, reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
        let mut left = HEAD_BYTES_MAX;
        let length = match self {
            Self::Length(length) => length,
            Self::Chunked => read_chunk_size(reader, &mut left).await?,
        };
        read_exactly(reader, length / 2).await
    }
}

async fn read_chunked(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let mut left = HEAD_BYTES_MAX;
    loop {
        let size = read_chunk_size(reader, &mut left).await?;
        if body.len() + size > BODY_BYTES_MAX {
            return Err(malformed("the length of the chunks"));
        }
        body.extend(read_exactly(reader, size).await?);
        if size == 0 {
            while !read_line(reader, &mut left).await?.is_empty() {}
            return Ok(body);
        }
        if !read_line(reader, &mut left).await?.is_empty() {
            return Err(malformed("the end of a chunk"));
        }
    }
}

async fn read_chunk_size(reader: &mut (impl AsyncBufRead + Unpin), left: &mut usize) -> io::Result<usize> {
    let line = read_line(reader, left).await?;
    let size = line.split(';').next().unwrap_or_default();
    match usize::from_str_radix(size.trim(), 16) {
        Ok(size) if size <= BODY_BYTES_MAX => Ok(size),
        _ => Err(malformed("the size of a chunk")),
    }
}

async fn read_exactly(reader: &mut (impl AsyncBufRead + Unpin), length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// Reads a line without its end, and takes its length off what may be `left`.
async fn read_line(reader: &mut (impl AsyncBufRead + Unpin), left: &mut usize) -> io::Result<String> {
    let mut line = Vec::new();
    reader.take(*left as u64).read_until(b'\n', &mut line).await?;
    *left -= line.len();
    match line.strip_suffix(b"\r\n") {
        Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
        None => Err(malformed("a line")),
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} of the request is malformed"))
}
