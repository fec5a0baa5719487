//! Bytes of one input, made ready for the formats: counted, decompressed, and UTF-16 turned into UTF-8.
//!
//! Memory is bounded by the limit that the caller gives: what is longer is skipped to its end and measured.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::rc::Rc;

use encoding_rs::{CoderResult, Decoder, Encoding};

use super::decode;
use super::problem::Reason;

/// Bytes that are looked at to tell format and encoding.
const HEAD_BYTES: u64 = 256 << 10;

/// One input, read from start to end.
pub(super) struct Stream {
    reader: Box<dyn BufRead>,
    head: Vec<u8>,
    archive: Option<&'static str>,
    guessed: Option<&'static Encoding>,
    legacy: Option<&'static Encoding>,
}

/// A piece of a stream, or the size in bytes of one that is over the limit.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<T> {
    /// Within the limit.
    Whole(T),
    /// Skipped to its end.
    TooLong(u64),
}

impl Stream {
    /// Starts to read `raw`; `count` is kept at the bytes taken from it.
    pub(super) fn open(raw: Box<dyn Read>, count: Rc<Cell<u64>>) -> Result<Self, Reason> {
        let (magic, raw) = peek(Box::new(Counted { raw, count }), 4);
        let (archive, plain): (_, Box<dyn Read>) = match magic[..] {
            [0x1F, 0x8B, ..] => (Some("gzip"), Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(raw)))),
            [0x28, 0xB5, 0x2F, 0xFD] => {
                let decoder = zstd::Decoder::new(raw).map_err(|error| Reason::Damaged { kind: "zstd", error })?;
                (Some("zstd"), Box::new(decoder))
            }
            _ => (None, Box::new(raw)),
        };
        let (mut head, mut reader) = peek(plain, HEAD_BYTES);
        let mut guessed = None;
        if let Some((encoding, mark)) = decode::utf16(&head) {
            guessed = (mark == 0).then_some(encoding);
            (head, reader) = peek(Box::new(Utf16::new(reader, encoding)), HEAD_BYTES);
        }
        let bad = head.utf8_chunks().any(|chunk| match chunk.invalid() {
            [] => false,
            // A character cut by the end of the head is no damage.
            invalid => invalid.as_ptr_range().end != head.as_ptr_range().end || (head.len() as u64) < HEAD_BYTES,
        });
        let legacy = bad.then(|| decode::guess_legacy(&head));
        Ok(Self { reader: Box::new(BufReader::with_capacity(64 << 10, reader)), head, archive, guessed, legacy })
    }

    /// The first bytes, decompressed and out of UTF-16.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The UTF-16 that the stream is in, where no byte-order mark says so.
    pub(super) fn guessed(&self) -> Option<&'static Encoding> {
        self.guessed
    }

    /// The encoding of those parts that are not UTF-8, as far as the first bytes show.
    pub(super) fn legacy(&self) -> Option<&'static Encoding> {
        self.legacy
    }

    /// Sets the encoding of those parts that are not UTF-8.
    pub(super) fn set_legacy(&mut self, encoding: &'static Encoding) {
        self.legacy = Some(encoding);
    }

    /// Reads all that is left.
    pub(super) fn whole(&mut self, limit: u64) -> Result<Piece<Vec<u8>>, Reason> {
        let mut bytes = Vec::new();
        let mut within = (&mut self.reader).take(limit.saturating_add(1));
        let read = within.read_to_end(&mut bytes).and_then(|read| {
            let rest = if read as u64 > limit { io::copy(&mut self.reader, &mut io::sink())? } else { 0 };
            Ok(read as u64 + rest)
        });
        match read {
            Ok(length) if length > limit => Ok(Piece::TooLong(length)),
            Ok(_) => Ok(Piece::Whole(bytes)),
            Err(error) => Err(self.failure(error)),
        }
    }

    /// Reads a line into `line`, without its end of line; `None` at the end of the stream.
    pub(super) fn line(&mut self, line: &mut Vec<u8>, limit: u64) -> Result<Option<Piece<()>>, Reason> {
        line.clear();
        let (mut length, mut begun) = (0, false);
        loop {
            let buffer = self.fill()?;
            if buffer.is_empty() {
                break;
            }
            begun = true;
            let end = buffer.iter().position(|b| *b == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            let taken = part.len() + usize::from(end.is_some());
            length += part.len() as u64;
            if length <= limit {
                line.extend_from_slice(part);
            } else {
                *line = Vec::new();
            }
            self.consume(taken);
            if end.is_some() {
                break;
            }
        }
        if length > limit {
            return Ok(Some(Piece::TooLong(length)));
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(begun.then_some(Piece::Whole(())))
    }

    /// The bytes that are next, none at the end of the stream.
    pub(super) fn fill(&mut self) -> Result<&[u8], Reason> {
        loop {
            match self.reader.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failure(error)),
            }
        }
        // Asked again, since the borrow of the loop's answer cannot leave it: this reads no further byte.
        let archive = self.archive;
        self.reader.fill_buf().map_err(|error| explain(archive, error))
    }

    /// Marks bytes of [`fill`](Self::fill) as read.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.reader.consume(bytes);
    }

    /// Puts bytes back in front of what is left.
    pub(super) fn again(&mut self, bytes: Vec<u8>) {
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(Cursor::new(bytes).chain(rest));
    }

    fn failure(&self, error: io::Error) -> Reason {
        explain(self.archive, error)
    }
}

fn explain(archive: Option<&'static str>, error: io::Error) -> Reason {
    match archive {
        Some(kind) => Reason::Damaged { kind, error },
        None => Reason::Unreadable { error },
    }
}

/// Counts the bytes that pass.
struct Counted {
    raw: Box<dyn Read>,
    count: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

/// A reader whose first bytes have been looked at; an error met there waits for its turn.
struct Peeked {
    head: Cursor<Vec<u8>>,
    error: Option<io::Error>,
    rest: Box<dyn Read>,
}

impl Read for Peeked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match (self.head.read(buffer)?, self.error.take()) {
            (0, Some(error)) if !buffer.is_empty() => Err(error),
            (0, None) => self.rest.read(buffer),
            (read, error) => {
                self.error = error;
                Ok(read)
            }
        }
    }
}

/// Looks at the first bytes of a reader, `most` at most, and gives them back with the reader as it was.
fn peek(mut reader: Box<dyn Read>, most: u64) -> (Vec<u8>, Box<dyn Read>) {
    let mut head = Vec::new();
    let error = (&mut reader).take(most).read_to_end(&mut head).err();
    (head.clone(), Box::new(Peeked { head: Cursor::new(head), error, rest: reader }))
}

/// Turns UTF-16 into UTF-8 as it passes.
struct Utf16 {
    raw: Box<dyn Read>,
    decoder: Decoder,
    input: Vec<u8>,
    output: Vec<u8>,
    given: usize,
    ended: bool,
}

impl Utf16 {
    fn new(raw: Box<dyn Read>, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        Self { raw, decoder, input: vec![0; 16 << 10], output: Vec::new(), given: 0, ended: false }
    }

    fn refill(&mut self) -> io::Result<()> {
        let read = self.raw.read(&mut self.input)?;
        self.ended = read == 0;
        let room = self.decoder.max_utf8_buffer_length(read).unwrap_or(4 * read + 16);
        self.output.resize(room, 0);
        let (result, _, written, _) = self.decoder.decode_to_utf8(&self.input[..read], &mut self.output, self.ended);
        debug_assert!(result == CoderResult::InputEmpty, "Utf16::refill: {room} bytes are too few for {read}");
        self.output.truncate(written);
        self.given = 0;
        Ok(())
    }
}

impl Read for Utf16 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.output.len() && !self.ended {
            self.refill()?;
        }
        let read = (&self.output[self.given..]).read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn open(bytes: impl Into<Vec<u8>>) -> Stream {
        Stream::open(Box::new(Cursor::new(bytes.into())), Rc::default()).unwrap()
    }

    fn lines(stream: &mut Stream, limit: u64) -> Vec<String> {
        let (mut line, mut lines) = (Vec::new(), Vec::new());
        loop {
            lines.push(match stream.line(&mut line, limit) {
                Ok(None) => return lines,
                Ok(Some(Piece::Whole(()))) => String::from_utf8(line.clone()).unwrap(),
                Ok(Some(Piece::TooLong(bytes))) => format!("<{bytes}>"),
                Err(reason) => {
                    lines.push(format!("! {reason}"));
                    return lines;
                }
            });
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn lines_end_with_or_without_a_final_newline() {
        assert_eq!(lines(&mut open("a\r\n\nb\n"), 9), ["a", "", "b"]);
        assert_eq!(lines(&mut open("a\nb"), 9), ["a", "b"]);
        assert_eq!(lines(&mut open(""), 9), [""; 0]);
    }

    #[test]
    fn a_line_over_the_limit_is_measured_and_the_next_is_read() {
        let text = format!("ab\n{}\nabc\nabcd\nz", "x".repeat(200_000));
        assert_eq!(lines(&mut open(text), 3), ["ab", "<200000>", "abc", "<4>", "z"]);
        assert_eq!(lines(&mut open("abcd"), 3), ["<4>"]);
    }

    #[test]
    fn a_text_over_the_limit_is_measured() {
        assert_eq!(open("abc").whole(3).unwrap(), Piece::Whole(b"abc".to_vec()));
        assert_eq!(open("x".repeat(300_000)).whole(3).unwrap(), Piece::TooLong(300_000));
    }

    #[test]
    fn archives_are_told_by_content_and_may_have_several_members() {
        let mut two = gzip(b"a\n");
        two.extend(gzip(b"b\n"));
        assert_eq!(lines(&mut open(two), 9), ["a", "b"]);
        assert_eq!(lines(&mut open(zstd::encode_all(&b"a\nb"[..], 1).unwrap()), 9), ["a", "b"]);
    }

    #[test]
    fn an_archive_that_is_cut_gives_its_lines_and_then_the_error() {
        let text: String = (0..200_000).map(|n| format!("{}\n", n * 7919 % 1_000_003)).collect();
        for whole in [gzip(text.as_bytes()), zstd::encode_all(text.as_bytes(), 1).unwrap()] {
            let read = lines(&mut open(&whole[..whole.len() * 2 / 3]), 99);
            assert!(read.len() > 1000, "{}", read.len());
            assert!(read[read.len() - 1].contains("cut short or damaged"), "{}", read[read.len() - 1]);
        }
    }

    #[test]
    fn utf16_becomes_utf8_across_buffers() {
        let text = "été 🎉 à Noël\n".repeat(40_000);
        let bytes: Vec<u8> = std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        let mut stream = open(bytes);
        assert_eq!(stream.guessed(), None);
        let read = lines(&mut stream, 99);
        assert_eq!(read.len(), 40_000);
        assert!(read.iter().all(|line| line == "été 🎉 à Noël"));
        let bytes: Vec<u8> = "Noël\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(open(bytes).guessed(), Some(encoding_rs::UTF_16LE));
    }

    #[test]
    fn bytes_are_counted_as_they_lie_on_disk() {
        let count = Rc::new(Cell::new(0));
        let bytes = gzip(&b"a\n".repeat(100_000));
        let size = bytes.len() as u64;
        let mut stream = Stream::open(Box::new(Cursor::new(bytes)), count.clone()).unwrap();
        assert_eq!(lines(&mut stream, 9).len(), 100_000);
        assert_eq!(count.get(), size);
    }

    #[test]
    fn an_older_encoding_is_seen_in_the_head_and_a_cut_character_is_not_one() {
        assert_eq!(open(&b"d\xE9j\xE0 vu"[..]).legacy(), Some(encoding_rs::WINDOWS_1252));
        let mut cut = "a".repeat(HEAD_BYTES as usize - 1).into_bytes();
        cut.extend("é fin".bytes());
        assert_eq!(open(cut).legacy(), None);
    }
}
