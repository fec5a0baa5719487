//! A lean HTTP/1.1 client over one connection that is kept alive: the generator shares its cores with the server, so it does no more
//! than it has to.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection.
pub struct Client {
    stream: TcpStream,
    /// Bytes that were read; what is beyond an answer is never there, as nothing is asked before it was read.
    read: Vec<u8>,
    /// The last body, where it came in chunks.
    whole: Vec<u8>,
}

/// What was answered.
pub struct Answer<'a> {
    pub status: u16,
    /// Seconds.
    pub retry_after: Option<u64>,
    pub body: &'a [u8],
}

/// A request as it goes over the wire.
pub fn request(method: &str, path: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nhost: voisin\r\n").into_bytes();
    if !kind.is_empty() {
        bytes.extend(format!("content-type: {kind}\r\ncontent-length: {}\r\n", body.len()).bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body);
    bytes
}

/// A request without a body.
pub fn get(path: &str) -> Vec<u8> {
    request("GET", path, "", b"")
}

/// A text as it may stand in a path or a query string.
pub fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

impl Client {
    /// Connects.
    pub fn new(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, read: Vec::new(), whole: Vec::new() })
    }

    /// Sends a request and reads the answer to its end.
    pub fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.read.clear();
        self.stream.write_all(request)?;
        let head = loop {
            self.more()?;
            if let Some(at) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let text = String::from_utf8_lossy(&self.read[..head]).into_owned();
        let field = |name: &str| {
            let mut fields = text.lines().skip(1).filter_map(|line| line.split_once(':'));
            fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let strange = |what: &str| Error::new(ErrorKind::InvalidData, format!("{what}: {text}"));
        let status = text.get(9..12).and_then(|code| code.parse().ok()).ok_or_else(|| strange("no status"))?;
        let retry_after = field("retry-after").and_then(|seconds| seconds.parse().ok());
        if let Some(length) = field("content-length") {
            let end = head + length.parse::<usize>().map_err(|_| strange("no length"))?;
            while self.read.len() < end {
                self.more()?;
            }
            return Ok(Answer { status, retry_after, body: &self.read[head..end] });
        }
        if !field("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return Err(strange("no length"));
        }
        self.whole.clear();
        let mut at = head;
        loop {
            let line = loop {
                if let Some(line) = self.read[at..].windows(2).position(|bytes| bytes == b"\r\n") {
                    break at + line;
                }
                self.more()?;
            };
            let size =
                std::str::from_utf8(&self.read[at..line]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
            let size = size.ok_or_else(|| strange("no size of a chunk"))?;
            let (start, end) = (line + 2, line + 2 + size);
            while self.read.len() < end + 2 {
                self.more()?;
            }
            self.whole.extend_from_slice(&self.read[start..end]);
            at = end + 2;
            if size == 0 {
                return Ok(Answer { status, retry_after, body: &self.whole });
            }
        }
    }

    fn more(&mut self) -> Result<()> {
        const ROOM: usize = 16 << 10;
        let held = self.read.len();
        self.read.resize(held + ROOM, 0);
        let got = self.stream.read(&mut self.read[held..]);
        self.read.truncate(held + got.as_ref().copied().unwrap_or_default());
        match got? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
