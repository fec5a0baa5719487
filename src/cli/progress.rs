//! How far a run has come, on standard error: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::print::one_line;
use crate::dedup as copies;
use crate::ingest::Progress;
use crate::ingest::read::Survey;

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Talk about a run.
pub(super) struct Talk {
    quiet: bool,
    bar: Option<ProgressBar>,
    start: Instant,
    last_line: Instant,
}

impl Talk {
    pub(super) fn new(survey: Survey, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let (bar, template) = if survey.open_ended {
                (ProgressBar::new_spinner(), "{spinner} {msg}  {elapsed}")
            } else {
                (ProgressBar::new(survey.bytes), "{wide_bar} {percent}%  {msg}  {eta} left")
            };
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { quiet, bar, start: Instant::now(), last_line: Instant::now() }
    }

    /// Says something about an input.
    pub(super) fn say(&self, line: &str) {
        if self.quiet {
            return;
        }
        // Names and values come from the input.
        let line = one_line(line);
        match &self.bar {
            Some(bar) => bar.suspend(|| write_line(&line)),
            None => write_line(&line),
        }
    }

    /// Shows how far the run has come.
    pub(super) fn show(&mut self, progress: &Progress) {
        let summary = &progress.summary;
        let rate = |count: u64| count as f64 / self.start.elapsed().as_secs_f64().max(0.001);
        let stored = summary.added + summary.changed;
        let message = format!(
            "{} articles stored ({:.1}/s, {} tokens/s), {} unchanged, {} skipped",
            HumanCount(stored),
            rate(stored),
            HumanCount(rate(summary.tokens) as u64),
            HumanCount(summary.unchanged),
            summary.skipped
        );
        match &self.bar {
            Some(bar) => {
                bar.set_position(progress.read.bytes);
                bar.set_message(message);
            }
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                self.say(&message);
            }
            None => {}
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Talk about the search for copies.
pub(super) struct Copying {
    quiet: bool,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Copying {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, bar: None, last_line: Instant::now() }
    }

    /// Shows how far it has come: nothing where it takes no time to speak of.
    pub(super) fn show(&mut self, progress: copies::Progress) {
        let copies::Progress { stage, done, all } = progress;
        let what = match stage {
            copies::Stage::Undated => {
                return self.note(&format!(
                    "note: {all} articles have no date that is known to the month: too many to look for the same story in other \
                     words among them, unless there is a graph: `voisin index PATH --view hnsw` makes one"
                ));
            }
            copies::Stage::Reading => "copies: reading articles",
            copies::Stage::Comparing => "copies: comparing pairs",
            copies::Stage::Meaning => "copies: looking for the same story in other words",
            copies::Stage::Writing => "copies: writing the register",
        };
        if self.quiet {
        } else if std::io::stderr().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| {
                let style = ProgressStyle::with_template("{wide_bar} {percent}%  {msg}");
                ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
            });
            bar.set_length(all as u64);
            bar.set_position(done as u64);
            bar.set_message(what);
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            write_line(&format!("{what}: {done} of {all}"));
        }
    }

    fn note(&self, line: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.suspend(|| write_line(line)),
            None => write_line(line),
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A line of talk; a closed standard error is nobody's loss.
pub(super) fn write_line(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}
