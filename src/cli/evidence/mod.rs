//! How comparisons and groups are shown: to people in the terminal and as one page of HTML, to programs as [`crate::wire`] says.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | `words` | what is said of two articles, in words and figures: the same in the terminal and on the page |
//! | `columns` | text of several styles, wrapped by the width that it has on the screen |
//! | `terminal` | a comparison or a group as lines of text |
//! | `html` | a report that a browser shows: `report.html`, its style and its script, and the data |

mod columns;
pub(super) mod html;
mod terminal;
mod words;

use super::CliError;
use super::print::{BOLD, DIM, Printer};
use crate::dedup::comparison::{Comparison, Group};
use crate::wire;
use terminal::Look;

pub(super) use words::count;

/// How much of the evidence is shown to people; programs always get all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// What fits into a list: the longest shared passage of two articles, the first members of a group.
    Brief,
    /// All of it.
    Full,
}

impl Printer {
    /// What there is to say of two articles.
    pub(super) fn comparison(&mut self, comparison: &Comparison, detail: Detail) -> Result<(), CliError> {
        if self.json {
            return self.object(&wire::Comparison::from(comparison));
        }
        self.text(&terminal::comparison(comparison, Look::of_stdout(), detail))
    }

    /// Groups of versions and the `count` pairs outside of them, as a list.
    pub(super) fn evidence(
        &mut self,
        groups: &[Group],
        count: usize,
        pairs: impl Iterator<Item = Result<Comparison, CliError>>,
    ) -> Result<(), CliError> {
        if !groups.is_empty() && !self.json {
            self.line(&format!("{BOLD}{}{BOLD:#}", words::count(groups.len(), "group")))?;
            self.line(&format!("{DIM}{}{DIM:#}\n", terminal::LEGEND))?;
        }
        for group in groups {
            self.group(group, Detail::Brief)?;
            self.gap()?;
        }
        if count > 0 && !self.json {
            let other = if groups.is_empty() { "" } else { "other " };
            self.line(&format!("{BOLD}{}{BOLD:#}\n", words::count(count, &format!("{other}pair"))))?;
        }
        for pair in pairs {
            self.comparison(&pair?, Detail::Brief)?;
            self.gap()?;
        }
        Ok(())
    }

    /// Between entries for people.
    fn gap(&mut self) -> Result<(), CliError> {
        if self.json { Ok(()) } else { self.line("") }
    }

    /// The versions of one article, the representative first.
    pub(super) fn group(&mut self, group: &Group, detail: Detail) -> Result<(), CliError> {
        if self.json {
            return self.object(&wire::Group::from(group));
        }
        self.text(&terminal::group(group, Look::of_stdout(), detail))
    }
}

#[cfg(test)]
mod tests;
