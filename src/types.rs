//! The vocabulary shared by every room: ids, scores, spans and dates.
//!
//! Nothing here does work or I/O. Units are part of the types: a [`Span`] counts bytes of one given text, a [`CharSpan`]
//! counts Unicode scalar values of the same text, a [`Score`] grows with closeness.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// How well something answers: greater is better, never a distance. A cosine in \[-1, 1\] where vectors are compared, BM25 where
/// words are, a sum of evidence where both are.
pub type Score = f32;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Row number of an article in one store. Stable for the life of the article, never reused.
    ArticleId
}
id! {
    /// Row number of a passage in one store. Stable until its article changes.
    PassageId
}
id! {
    /// Row number of a vector in one store. Passages with the same text share one vector.
    VectorId
}
id! {
    /// Position in a store's change log. Grows with every acknowledged change; views name the last one they hold.
    Sequence
}

/// A set of articles of one store: one bit for each row, which is little even where every article is meant.
///
/// Rows count from 1; an id below 0 is no row, and cannot be put in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArticleSet {
    /// Bit `b` of word `w` stands for row `64 w + b`; the last word is not 0.
    words: Vec<u64>,
    count: usize,
}

impl ArticleSet {
    /// Whether an article is in the set.
    pub fn contains(&self, article: ArticleId) -> bool {
        place(article).is_some_and(|(word, bit)| self.words.get(word).is_some_and(|bits| bits & bit != 0))
    }

    /// How many articles are in the set.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether no article is in the set.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The articles, ascending.
    pub fn iter(&self) -> impl Iterator<Item = ArticleId> + '_ {
        self.words.iter().enumerate().flat_map(|(word, &bits)| {
            let rest = std::iter::successors(Some(bits), |bits| Some(bits & bits.wrapping_sub(1)));
            rest.take_while(|&bits| bits != 0)
                .map(move |bits| ArticleId(64 * word as i64 + i64::from(bits.trailing_zeros())))
        })
    }

    /// The articles that are in both sets.
    pub fn intersect(&self, other: &Self) -> Self {
        let mut words: Vec<u64> = self.words.iter().zip(&other.words).map(|(a, b)| a & b).collect();
        words.truncate(words.iter().rposition(|&bits| bits != 0).map_or(0, |last| last + 1));
        let count = words.iter().map(|bits| bits.count_ones() as usize).sum();
        Self { words, count }
    }
}

impl FromIterator<ArticleId> for ArticleSet {
    fn from_iter<T: IntoIterator<Item = ArticleId>>(articles: T) -> Self {
        let mut set = Self::default();
        for (word, bit) in articles.into_iter().filter_map(place) {
            if word >= set.words.len() {
                set.words.resize(word + 1, 0);
            }
            set.count += usize::from(set.words[word] & bit == 0);
            set.words[word] |= bit;
        }
        set
    }
}

/// The word and the bit of an [`ArticleSet`] that stand for an article.
fn place(article: ArticleId) -> Option<(usize, u64)> {
    let row = usize::try_from(article.0).ok()?;
    Some((row / 64, 1 << (row % 64)))
}

/// A half-open range of bytes of one text, on character borders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span `start..end`, in bytes.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Length in bytes.
    pub const fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether the span holds no byte.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The range of bytes, to index a `str` with.
    pub const fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// The part of the span that is left without leading and trailing white space of `text`.
    pub fn trimmed(self, text: &str) -> Self {
        let inner = &text[self.range()];
        let start = self.start + (inner.len() - inner.trim_start().len());
        Self::new(start, start + inner.trim().len())
    }
}

/// A half-open range of characters (Unicode scalar values) of one text: what is stored and printed, since it means the
/// same in every language that users slice text in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CharSpan {
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
}

impl CharSpan {
    /// The bytes of `text` that these characters occupy; a span that reaches past the end is cut there.
    pub fn to_bytes(self, text: &str) -> Span {
        let byte = |position: usize, from: usize| {
            text[from..].char_indices().nth(position).map_or(text.len(), |(at, _)| from + at)
        };
        let start = byte(self.start, 0);
        Span::new(start, byte(self.end - self.start, start))
    }
}

/// Converts spans of one text from bytes to characters, in one walk over the text.
///
/// `spans` may come in any order and may overlap.
pub fn to_char_spans(text: &str, spans: &[Span]) -> Vec<CharSpan> {
    let mut borders: Vec<usize> = spans.iter().flat_map(|s| [s.start, s.end]).collect();
    borders.sort_unstable();
    borders.dedup();
    let mut positions = Vec::with_capacity(borders.len());
    let (mut byte, mut chars) = (0, 0);
    for &border in &borders {
        chars += text[byte..border].chars().count();
        byte = border;
        positions.push(chars);
    }
    let position = |border: usize| match borders.binary_search(&border) {
        Ok(at) => positions[at],
        Err(_) => unreachable!("every border was collected above"),
    };
    spans.iter().map(|s| CharSpan { start: position(s.start), end: position(s.end) }).collect()
}

/// A date as far as it is known: a year, a month of a year, or a day.
///
/// Printed and parsed as `2023`, `2023-08` or `2023-08-22`. The order is that of the first day of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartialDate {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
}

/// A date that no calendar has, such as the 30th of February, or a text that is no date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no date: expected YYYY, YYYY-MM or YYYY-MM-DD, with a day that exists")]
pub struct DateError(pub String);

impl PartialDate {
    /// A date of the given precision, `None` where no calendar has it.
    pub fn new(year: i16, month: Option<i8>, day: Option<i8>) -> Option<Self> {
        if !(1..=9999).contains(&year) || (month.is_none() && day.is_some()) {
            return None;
        }
        jiff::civil::Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok()?;
        Some(Self { year, month, day })
    }

    /// The year.
    pub fn year(self) -> i16 {
        self.year
    }

    /// How much of the date is known.
    pub fn precision(self) -> DatePrecision {
        match (self.month, self.day) {
            (None, _) => DatePrecision::Year,
            (_, None) => DatePrecision::Month,
            _ => DatePrecision::Day,
        }
    }

    /// The first day that the date may mean.
    pub fn first_day(self) -> jiff::civil::Date {
        jiff::civil::date(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1))
    }

    /// The last day that the date may mean.
    pub fn last_day(self) -> jiff::civil::Date {
        match (self.month, self.day) {
            (None, _) => jiff::civil::date(self.year, 12, 31),
            (Some(month), None) => jiff::civil::date(self.year, month, 1).last_of_month(),
            (Some(month), Some(day)) => jiff::civil::date(self.year, month, day),
        }
    }
}

/// A length of time: `7d`, `2w`, `3m`, `1y` for days, weeks, months and years of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    count: u16,
    unit: PeriodUnit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PeriodUnit {
    Day,
    Week,
    Month,
    Year,
}

/// A text that is no [`Period`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no length of time: expected a number of days, weeks, months or years, such as 7d, 2w, 3m or 1y")]
pub struct PeriodError(pub String);

impl Period {
    fn span(self) -> jiff::Span {
        let (span, count) = (jiff::Span::new(), i64::from(self.count));
        match self.unit {
            PeriodUnit::Day => span.days(count),
            PeriodUnit::Week => span.weeks(count),
            // No calendar is as long as that, and jiff's spans are not.
            PeriodUnit::Month => span.months(count),
            PeriodUnit::Year => span.years(count.min(9999)),
        }
    }

    /// The first and the last day that are no further than this from a day that `date` may mean.
    pub fn around(self, date: PartialDate) -> (PartialDate, PartialDate) {
        let day = |day: jiff::civil::Date| {
            let day = day.max(jiff::civil::date(1, 1, 1));
            PartialDate { year: day.year(), month: Some(day.month()), day: Some(day.day()) }
        };
        (day(date.first_day().saturating_sub(self.span())), day(date.last_day().saturating_add(self.span())))
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let refuse = || PeriodError(text.to_owned());
        let unit = match text.chars().last() {
            Some('d') => PeriodUnit::Day,
            Some('w') => PeriodUnit::Week,
            Some('m') => PeriodUnit::Month,
            Some('y') => PeriodUnit::Year,
            _ => return Err(refuse()),
        };
        let count = text[..text.len() - 1].parse().map_err(|_| refuse())?;
        Ok(Self { count, unit })
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        if let Some(month) = self.month {
            write!(f, "-{month:02}")?;
        }
        if let Some(day) = self.day {
            write!(f, "-{day:02}")?;
        }
        Ok(())
    }
}

impl FromStr for PartialDate {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let refuse = || DateError(text.to_owned());
        let mut parts = text.split('-');
        let mut number = |width: usize| match parts.next() {
            None => Ok(None),
            Some(part) if part.len() == width && part.bytes().all(|b| b.is_ascii_digit()) => {
                part.parse::<i16>().map(Some).map_err(|_| refuse())
            }
            Some(_) => Err(refuse()),
        };
        let year = number(4)?.ok_or_else(refuse)?;
        let (month, day) = (number(2)?, number(2)?);
        if parts.next().is_some() {
            return Err(refuse());
        }
        Self::new(year, month.map(|m| m as i8), day.map(|d| d as i8)).ok_or_else(refuse)
    }
}

/// How much of a [`PartialDate`] is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DatePrecision {
    /// The year alone.
    Year,
    /// Year and month.
    Month,
    /// Year, month and day.
    Day,
}

/// An article as its source gives it, before it is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Article {
    /// The source's own name for the article, unique in a store: an id field, or the path of the file.
    pub key: String,
    /// Headline, where one is known.
    pub title: Option<String>,
    /// Date of publication, as precisely as it is known.
    pub date: Option<PartialDate>,
    /// Address on the web.
    pub url: Option<String>,
    /// Where the article comes from, for people: a publisher, a site, or the file that held it.
    pub source: Option<String>,
    /// ISO 639-1 code (`fr`), stated by the source or detected.
    pub language: Option<String>,
    /// The body as published, decoded to Unicode and otherwise untouched.
    pub text: String,
    /// Every other field that the source gives.
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_period_is_counted_from_both_ends_of_a_date() {
        let around = |period: &str, date: &str| {
            let (first, last) = period.parse::<Period>().unwrap().around(date.parse().unwrap());
            format!("{first} {last}")
        };
        assert_eq!(around("7d", "2023-08-22"), "2023-08-15 2023-08-29");
        assert_eq!(around("0d", "2023-08-22"), "2023-08-22 2023-08-22");
        assert_eq!(around("2w", "2023-08"), "2023-07-18 2023-09-14");
        assert_eq!(around("3m", "2024-05-31"), "2024-02-29 2024-08-31");
        assert_eq!(around("1y", "2023"), "2022-01-01 2024-12-31");
        assert_eq!(around("65535y", "2023"), "0001-01-01 9999-12-31");
        assert_eq!(around("65535m", "2023"), "0001-01-01 7485-02-28".replace("7485-02-28", "7485-03-31"));
        for none in ["", "d", "7", "7 d", "-7d", "7é", "7h", "70000d"] {
            assert_eq!(none.parse::<Period>(), Err(PeriodError(none.into())));
        }
    }

    proptest! {
        #[test]
        fn a_set_of_articles_is_a_set(
            a in prop::collection::vec(-2i64..300, 0..60),
            b in prop::collection::vec(-2i64..300, 0..60),
        ) {
            let ids = |set: &BTreeSet<i64>| set.iter().copied().map(ArticleId).collect::<Vec<_>>();
            let rows = |ids: &[i64]| ids.iter().copied().filter(|&id| id >= 0).collect::<BTreeSet<_>>();
            let set = |ids: &[i64]| ids.iter().copied().map(ArticleId).collect::<ArticleSet>();
            let (first, second) = (set(&a), set(&b));
            prop_assert_eq!(first.iter().collect::<Vec<_>>(), ids(&rows(&a)));
            prop_assert_eq!((first.len(), first.is_empty()), (rows(&a).len(), rows(&a).is_empty()));
            for id in -2..400 {
                prop_assert_eq!(first.contains(ArticleId(id)), id >= 0 && a.contains(&id));
            }
            let both = first.intersect(&second);
            let shared: BTreeSet<i64> = rows(&a).intersection(&rows(&b)).copied().collect();
            prop_assert_eq!(both.iter().collect::<Vec<_>>(), ids(&shared));
            prop_assert_eq!(both, shared.into_iter().map(ArticleId).collect::<ArticleSet>());
        }
    }
}
