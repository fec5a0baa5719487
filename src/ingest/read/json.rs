//! Objects out of JSON: one a line, or those of an array, each read by itself so that a bad one costs itself alone.
//!
//! No file is held in memory: an array is cut into its elements by counting brackets outside strings, and only one
//! element is parsed at a time.

use std::ops::ControlFlow;

use serde_json::Value;

use super::Outlet;
use super::fields::{self, FieldNames};
use super::problem::{Reason, Remark};
use super::stream::{Piece, Stream};
use crate::types::Article;

/// Reads one object a line.
pub(super) fn lines(stream: &mut Stream, outlet: &mut Outlet<'_>) -> ControlFlow<()> {
    let limit = outlet.options.max_text_bytes;
    let mut bytes = Vec::new();
    let mut empty = true;
    for number in 1.. {
        match stream.line(&mut bytes, limit) {
            Ok(None) => break,
            Ok(Some(Piece::TooLong(size))) => outlet.problem(Some(number), Reason::TooLong { bytes: size, limit })?,
            Ok(Some(Piece::Whole(()))) if bytes.trim_ascii().is_empty() => continue,
            Ok(Some(Piece::Whole(()))) => one(&bytes, number, &format!("#{number}"), stream, outlet)?,
            Err(reason) => return outlet.problem(Some(number), reason),
        }
        empty = false;
    }
    if empty { outlet.problem(None, Reason::Empty) } else { ControlFlow::Continue(()) }
}

/// Reads one object, the objects of an array, or objects one after the other.
pub(super) fn values(stream: &mut Stream, outlet: &mut Outlet<'_>) -> ControlFlow<()> {
    let limit = outlet.options.max_text_bytes;
    let mut cutter = Cutter::new(limit);
    loop {
        let read = match stream.fill() {
            Ok(bytes) => cutter.feed(bytes),
            Err(reason) => return outlet.problem(Some(cutter.line), reason),
        };
        let Some((taken, ended)) = read else { break };
        stream.consume(taken);
        if ended {
            element(&mut cutter, stream, outlet)?;
        }
    }
    if cutter.begun && cutter.depth == 0 && !cutter.in_string {
        element(&mut cutter, stream, outlet)?;
    }
    if cutter.begun {
        outlet.problem(Some(cutter.start), Reason::CutShort)
    } else if cutter.in_array {
        outlet.problem(Some(cutter.line), Reason::CutShort)
    } else if cutter.ordinal == 0 {
        outlet.problem(None, Reason::Empty)
    } else {
        ControlFlow::Continue(())
    }
}

/// Hands on the element that the cutter holds.
fn element(cutter: &mut Cutter, stream: &Stream, outlet: &mut Outlet<'_>) -> ControlFlow<()> {
    let (bytes, length, line) = (std::mem::take(&mut cutter.bytes), cutter.length, cutter.start);
    cutter.begun = false;
    cutter.ordinal += 1;
    if length > cutter.limit {
        return outlet.problem(Some(line), Reason::TooLong { bytes: length, limit: cutter.limit });
    }
    // A lone object is named by its file, the others by their place in it.
    let key = if cutter.in_array || cutter.ordinal > 1 { format!("#{}", cutter.ordinal) } else { String::new() };
    one(&bytes, line, &key, stream, outlet)
}

/// Reads one object. `key`: what tells it from the others of its file.
fn one(bytes: &[u8], line: u64, key: &str, stream: &Stream, outlet: &mut Outlet<'_>) -> ControlFlow<()> {
    let text = outlet.decode(bytes, Some(line), stream.legacy())?;
    match serde_json::from_str::<Value>(&text) {
        Ok(value) => {
            let made = article_of(value, &outlet.options.fields);
            outlet.made(made, Some(line), key)
        }
        Err(error) => outlet.problem(Some(line), Reason::Json { detail: error.to_string() }),
    }
}

/// Makes an article of a JSON value, as every object of a file is read: which field is what, in French and English, or by the
/// names given. What is not understood becomes metadata, unchanged. The key stays empty where the object has no id.
///
/// # Errors
/// When it is no object, or holds neither text nor title.
pub fn article_of(value: Value, names: &FieldNames) -> Result<(Article, Vec<Remark>), Reason> {
    match value {
        Value::Object(record) => fields::article(record, names, None),
        other => Err(Reason::NotAnObject { found: kind(&other) }),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Finds where the elements of a JSON text begin and end.
struct Cutter {
    limit: u64,
    /// The element so far; emptied once it is over the limit.
    bytes: Vec<u8>,
    /// Its length in bytes.
    length: u64,
    /// Whether an element has begun.
    begun: bool,
    /// Line where it began.
    start: u64,
    /// Line of the next byte, from 1.
    line: u64,
    /// Brackets open inside the element.
    depth: u64,
    in_string: bool,
    escaped: bool,
    /// Whether the outermost array is open.
    in_array: bool,
    /// Elements cut so far.
    ordinal: u64,
}

impl Cutter {
    fn new(limit: u64) -> Self {
        let (bytes, length, begun, depth) = (Vec::new(), 0, false, 0);
        let (start, line, ordinal) = (1, 1, 0);
        Self {
            limit,
            bytes,
            length,
            begun,
            start,
            line,
            depth,
            in_string: false,
            escaped: false,
            in_array: false,
            ordinal,
        }
    }

    /// Takes bytes up to the end of an element: how many, and whether one ended. `None` where there are no bytes.
    fn feed(&mut self, bytes: &[u8]) -> Option<(usize, bool)> {
        if bytes.is_empty() {
            return None;
        }
        let mut from = if self.begun { 0 } else { bytes.len() };
        for (at, &byte) in bytes.iter().enumerate() {
            self.line += u64::from(byte == b'\n');
            if !self.begun {
                match byte {
                    b'[' if !self.in_array => self.in_array = true,
                    b']' => self.in_array = false,
                    b',' | b' ' | b'\t' | b'\r' | b'\n' | 0xEF | 0xBB | 0xBF => {}
                    _ => {
                        (self.begun, self.start, self.length, self.depth) = (true, self.line, 0, 0);
                        (self.in_string, self.escaped) = (byte == b'"', false);
                        self.depth = u64::from(matches!(byte, b'{' | b'['));
                        from = at;
                    }
                }
                continue;
            }
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 1 => self.depth -= 1,
                b'}' | b']' if self.depth == 1 => {
                    self.depth = 0;
                    self.keep(&bytes[from..=at]);
                    return Some((at + 1, true));
                }
                // A scalar, which is no article, ends at a comma, a line or the end of the array. The last is left
                // for the array.
                b',' | b'\n' | b']' if self.depth == 0 => {
                    self.keep(&bytes[from..at]);
                    self.line -= u64::from(byte == b'\n');
                    return Some((at, true));
                }
                _ => {}
            }
        }
        self.keep(&bytes[from..]);
        Some((bytes.len(), false))
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if self.length <= self.limit {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.bytes = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::read_text;
    use super::*;

    #[test]
    fn one_bad_line_costs_itself_alone() {
        let text = "{\"text\": \"a\"}\n{bad\n\n[1]\n{\"text\": \"\\ud800\"}\n{\"n\": 1}\n{\"id\": 7, \"text\": \"b\"}";
        let seen = read_text("x.jsonl", text);
        assert_eq!(seen[0], "x.jsonl#1: a");
        assert!(seen[1].starts_with("! x.jsonl:2: not valid JSON"), "{}", seen[1]);
        assert!(seen[2].starts_with("! x.jsonl:4: expected an object") && seen[2].ends_with("an array"), "{}", seen[2]);
        assert!(seen[3].starts_with("! x.jsonl:5: not valid JSON"), "{}", seen[3]);
        assert!(seen[4].starts_with("! x.jsonl:6: no text and no title"), "{}", seen[4]);
        assert_eq!(seen[5..], ["7: b"]);
    }

    #[test]
    fn an_array_is_cut_into_its_elements() {
        let text = "[\n {\"text\": \"a]}, \\\" {\"},\n {\"text\": },\n 3, \"x\",\n [{}], {\"text\": \"b\"}]\n";
        let seen = read_text("x.json", text);
        assert_eq!(seen[0], "x.json#1: a]}, \" {");
        assert!(seen[1].starts_with("! x.json:3: not valid JSON"), "{}", seen[1]);
        assert!(seen[2].starts_with("! x.json:4:") && seen[2].ends_with("a number"), "{}", seen[2]);
        assert!(seen[3].starts_with("! x.json:4:") && seen[3].ends_with("a string"), "{}", seen[3]);
        assert!(seen[4].starts_with("! x.json:5:") && seen[4].ends_with("an array"), "{}", seen[4]);
        assert_eq!(seen[5..], ["x.json#6: b"]);
    }

    #[test]
    fn one_object_is_named_by_its_file_and_lines_in_a_json_file_are_read() {
        assert_eq!(read_text("x.json", "\u{FEFF}{\n\"text\": \"a\"\n}"), ["x.json: a"]);
        assert_eq!(read_text("x.json", "{\"text\": \"a\"}\n{\"text\": \"b\"}"), ["x.json: a", "x.json#2: b"]);
    }

    #[test]
    fn a_file_that_is_cut_gives_its_whole_objects() {
        let seen = read_text("x.json", "[{\"text\": \"a\"},\n{\"text\": \"b");
        assert_eq!(seen[0], "x.json#1: a");
        assert!(seen[1].starts_with("! x.json:2: the file ends inside"), "{}", seen[1]);
        assert!(read_text("x.json", "[{\"text\": \"a\"},")[1].contains("cut short"));
        assert!(read_text("x.json", " \n")[0].contains("empty"));
        assert!(read_text("x.jsonl", "\n\n")[0].contains("empty"));
    }

    proptest! {
        #[test]
        fn cutting_ends_on_any_bytes(text in "[\\[\\]{},\"\\\\\n a1]{0,60}") {
            let bytes = text.as_bytes();
            let mut cutter = Cutter::new(20);
            let (mut rest, mut steps) = (bytes, 0);
            while let Some((taken, ended)) = cutter.feed(rest) {
                rest = &rest[taken..];
                if ended {
                    cutter.begun = false;
                    cutter.bytes.clear();
                }
                steps += 1;
                prop_assert!(steps <= 2 * bytes.len() + 2 && cutter.bytes.len() <= 20);
            }
        }
    }
}
