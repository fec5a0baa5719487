//! The way out of the formats: articles get their key and source here, notes and problems their place.
//!
//! It knows which file is being read and how far the run has come; it decides nothing about content.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::rc::Rc;

use encoding_rs::Encoding;

use super::fields::{self, Record};
use super::problem::{Note, Place, Problem, Reason, Remark};
use super::{Event, Options, Progress, Sink, decode};
use crate::types::Article;

/// Takes what one file gives and hands it to the sink.
pub(super) struct Outlet<'a> {
    /// How to read.
    pub(super) options: &'a Options,
    sink: &'a mut Sink<'a>,
    path: PathBuf,
    name: String,
    /// What was read before this file.
    before: Progress,
    count: Rc<Cell<u64>>,
    guess_noted: bool,
}

impl<'a> Outlet<'a> {
    /// An outlet that stands before the first file.
    pub(super) fn new(options: &'a Options, sink: &'a mut Sink<'a>) -> Self {
        let (path, name, before) = (PathBuf::new(), String::new(), Progress::default());
        Self { options, sink, path, name, before, count: Rc::default(), guess_noted: false }
    }

    /// Begins a file; returns the counter of its bytes. `name`: what the keys of its articles begin with.
    pub(super) fn begin(&mut self, path: PathBuf, name: String) -> Rc<Cell<u64>> {
        (self.path, self.name, self.guess_noted) = (path, name, false);
        self.count = Rc::default();
        self.count.clone()
    }

    /// Ends a file, read or given up: its size on disk counts as done, so that a progress bar reaches its end.
    pub(super) fn end(&mut self, bytes: u64) {
        self.before.files += 1;
        self.before.bytes += bytes.max(self.count.take());
    }

    /// Hands on an article made of a record that begins at `line`. `key`: what tells it from the others of its file.
    pub(super) fn record(&mut self, record: Record, line: u64, key: &str) -> ControlFlow<()> {
        let made = fields::article(record, &self.options.fields, None);
        self.made(made, Some(line), key)
    }

    /// Hands on what a format made, with its remarks before it.
    pub(super) fn made(
        &mut self,
        made: Result<(Article, Vec<Remark>), Reason>,
        line: Option<u64>,
        key: &str,
    ) -> ControlFlow<()> {
        let (mut article, remarks) = match made {
            Ok(made) => made,
            Err(reason) => return self.problem(line, reason),
        };
        for remark in remarks {
            self.note(line, remark)?;
        }
        if article.key.is_empty() {
            article.key = format!("{}{key}", self.name);
        }
        if article.source.is_none() {
            let file =
                self.path.file_name().map_or_else(|| self.name.clone(), |name| name.to_string_lossy().into_owned());
            article.source = Some(file);
        }
        self.event(Event::Article(Box::new(article)))
    }

    /// Decodes a unit of text and says what it took.
    pub(super) fn decode<'b>(
        &mut self,
        bytes: &'b [u8],
        line: Option<u64>,
        legacy: Option<&'static Encoding>,
    ) -> ControlFlow<(), Cow<'b, str>> {
        let decoded = decode::decode(bytes, legacy);
        if let Some(encoding) = decoded.guessed {
            self.guessed(line, encoding)?;
        }
        if decoded.replaced > 0 {
            self.note(line, Remark::Replaced { count: decoded.replaced })?;
        }
        ControlFlow::Continue(decoded.text)
    }

    /// Says once a file that its encoding is a guess.
    pub(super) fn guessed(&mut self, line: Option<u64>, encoding: &'static Encoding) -> ControlFlow<()> {
        if std::mem::replace(&mut self.guess_noted, true) {
            return ControlFlow::Continue(());
        }
        self.note(line, Remark::Guessed { encoding: encoding.name() })
    }

    /// Says that a part of the file gives no article.
    pub(super) fn problem(&mut self, line: Option<u64>, reason: Reason) -> ControlFlow<()> {
        let place = self.place(line);
        self.event(Event::Skipped(Problem { place, reason }))
    }

    /// Hands on an event of the walk, or of this file.
    pub(super) fn event(&mut self, event: Event) -> ControlFlow<()> {
        let progress = Progress { files: self.before.files, bytes: self.before.bytes + self.count.get() };
        (self.sink)(event, progress)
    }

    /// The file that is being read.
    pub(super) fn path(&self) -> &std::path::Path {
        &self.path
    }

    fn note(&mut self, line: Option<u64>, remark: Remark) -> ControlFlow<()> {
        let place = self.place(line);
        self.event(Event::Note(Note { place, remark }))
    }

    fn place(&self, line: Option<u64>) -> Place {
        Place { path: self.path.clone(), line }
    }
}
