//! What there is to say of two articles: what the later is to the earlier, how sure that is, and the evidence for it.

use jiff::civil::Date;

use super::align::align;
use super::credits::{Credit, credits};
use super::evidence::{Evidence, Readable, days_apart};
use super::facts::{self, SharedFact};
use super::moment::Moment;
use super::source;
use crate::search::related::{body_passages, closeness, unit};
use crate::store::{Header, Store, StoreError, TextKey};
use crate::text::analysis_form;
use crate::text::shingles::Overlap;
use crate::types::{Score, Span};

/// What the second of two articles is to the first, from the strongest to the weakest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// The same words in the same order.
    Identical,
    /// The same but for page furniture or a few words.
    Republished,
    /// A later version of the same piece: much of it stays, something was added, changed or taken out.
    Updated,
    /// It holds the whole of the first, or nearly, in a longer text.
    Contains,
    /// It is a part of the first, or nearly.
    Excerpt,
    /// Both are built on the same source, with different parts around.
    SharedSource,
    /// The same event in other words.
    SameStory,
}

impl Relation {
    /// All, from the strongest to the weakest.
    pub const ALL: [Self; 7] = [
        Self::Identical,
        Self::Republished,
        Self::Updated,
        Self::Contains,
        Self::Excerpt,
        Self::SharedSource,
        Self::SameStory,
    ];

    /// The name for people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::Republished => "republished",
            Self::Updated => "updated",
            Self::Contains => "contains",
            Self::Excerpt => "excerpt",
            Self::SharedSource => "shared-source",
            Self::SameStory => "same-story",
        }
    }

    /// Whether text was copied, rather than an event told twice.
    pub fn is_copy(self) -> bool {
        self != Self::SameStory
    }
}

/// Which of two articles came first, as far as their dates tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precedence {
    /// The first: by the minute where both sources give one, else its date ends before the other's begins.
    Known,
    /// Both may be of the same time, as far as is known; the first stands first by some other rule.
    SameTime,
    /// One of them has no date.
    Undated,
}

/// One of the two articles.
#[derive(Clone, Debug)]
pub struct Side {
    /// The article.
    pub header: Header,
    /// Its body as published.
    pub text: String,
    /// The share of its characters in words, page furniture left out, that stand in stretches of the other: 0 to 1.
    pub share: f32,
    /// The agencies that it names as its source.
    pub credits: Vec<Credit>,
    /// Page furniture, in bytes of the text.
    pub furniture: Vec<Span>,
}

/// A passage that both articles have, but for small edits.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedStretch {
    /// Where it stands in the first, in bytes.
    pub a: Span,
    /// Where it stands in the second, in bytes.
    pub b: Span,
    /// The parts that are equal word by word, in the order of both, in bytes: what is between them was edited.
    pub equal: Vec<(Span, Span)>,
}

/// Two articles beside each other. The first is the earlier, where that is known.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What the second is to the first; nothing, where they have nothing to do with each other.
    pub relation: Option<Relation>,
    /// How far the evidence is from what would make another relation of it: 0.5 is on the border, 1 beyond doubt; less where no
    /// more than the share of a very short text speaks for it.
    pub confidence: f32,
    /// The earlier, or the one that stands first.
    pub a: Side,
    /// The other.
    pub b: Side,
    /// Whether the first is the earlier.
    pub precedence: Precedence,
    /// By how many minutes, where the sources of both give a time.
    pub minutes: Option<i64>,
    /// Runs of five words in common, exactly counted.
    pub overlap: Overlap,
    /// [`closeness()`] of their passages, where vectors were at hand.
    pub closeness: Option<Score>,
    /// What both have, in the order of the first; they overlap in neither.
    pub stretches: Vec<SharedStretch>,
    /// Names, numbers and quotations that both have.
    pub facts: Vec<SharedFact>,
}

/// An article to be compared.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The article.
    pub header: Header,
    /// Its body as published.
    pub text: String,
    /// When it was published, where that is known.
    pub moment: Option<Moment>,
    /// Page furniture, in bytes of the text, ascending.
    pub furniture: Vec<Span>,
    /// Vectors of its passages, of unit length; may be none.
    pub passages: Vec<Vec<f32>>,
}

impl Subject {
    /// An article of a store.
    ///
    /// # Errors
    /// When it is not there, or the store fails.
    pub fn stored(store: &Store, header: Header) -> Result<Self, StoreError> {
        let (text, furniture) = source(store, header.id)?;
        let ids: Vec<_> = body_passages(store, header.id)?.into_iter().map(|passage| passage.vector).collect();
        let passages = store.vectors(&ids)?.iter().map(|vector| unit(vector)).collect();
        let moment = moment(store, &header)?;
        Ok(Self { header, text, moment, furniture, passages })
    }
}

/// When a stored article was published, where that is known.
pub(super) fn moment(store: &Store, header: &Header) -> Result<Option<Moment>, StoreError> {
    header.date.map(|date| Ok(Moment::new(date, &store.metadata(header.id)?))).transpose()
}

/// In which order two articles stand.
pub(super) struct InOrder {
    /// Whether the second of the two is to stand first.
    pub turned: bool,
    /// Whether the one that stands first is the earlier.
    pub precedence: Precedence,
    /// By how many minutes, where both times are known.
    pub minutes: Option<i64>,
}

impl InOrder {
    /// What stands first where it is not known which is the earlier: what is known more precisely.
    fn key(moment: Option<Moment>) -> Option<(Date, Date, i64)> {
        moment.map(|moment| (moment.days().1, moment.days().0, moment.minute().unwrap_or(i64::MAX)))
    }

    pub fn of(x: Option<Moment>, y: Option<Moment>) -> Self {
        let (turned, precedence) = match (x, y) {
            (Some(x), Some(y)) if x.is_before(&y) => (false, Precedence::Known),
            (Some(x), Some(y)) if y.is_before(&x) => (true, Precedence::Known),
            (Some(_), Some(_)) => (Self::key(y) < Self::key(x), Precedence::SameTime),
            (x, y) => (x.is_none() && y.is_some(), Precedence::Undated),
        };
        let minutes = x.zip(y).and_then(|(x, y)| x.minutes_to(&y)).map(i64::abs);
        Self { turned, precedence, minutes }
    }
}

/// Lays two articles side by side, the earlier first.
pub fn compare(x: Subject, y: Subject) -> Comparison {
    // Of two of the same time either may stand first, but always the same.
    let tie = || TextKey::of(&analysis_form(&x.text)) > TextKey::of(&analysis_form(&y.text));
    let InOrder { turned, precedence, .. } = InOrder::of(x.moment, y.moment);
    let same = precedence != Precedence::Known && InOrder::key(x.moment) == InOrder::key(y.moment);
    if turned || (same && tie()) { side_by_side(y, x) } else { side_by_side(x, y) }
}

/// Lays two articles side by side, as they come.
pub(super) fn side_by_side(a: Subject, b: Subject) -> Comparison {
    let InOrder { precedence, minutes, .. } = InOrder::of(a.moment, b.moment);
    let (words_a, words_b) = (Readable::new(&a.text, &a.furniture), Readable::new(&b.text, &b.furniture));
    let stretches = align(words_a.words.hashes(), words_b.words.hashes());
    let facts = facts::shared_facts(&a.text, &b.text);
    let closeness = (!a.passages.is_empty() && !b.passages.is_empty())
        .then(|| closeness(&slices(&a.passages), &slices(&b.passages)));
    let evidence = Evidence {
        closeness: closeness.unwrap_or_default(),
        facts: facts::evidence(&facts),
        ..Evidence::of(&words_a, &words_b, &stretches)
    };
    let relation = evidence.relation(days_apart(a.header.date, b.header.date));
    let side = |subject: Subject, share: f32| Side {
        share,
        credits: credits(&subject.text),
        header: subject.header,
        text: subject.text,
        furniture: subject.furniture,
    };
    Comparison {
        relation: relation.map(|(relation, _)| relation),
        confidence: relation.map_or(0.0, |(_, sure)| sure),
        precedence,
        minutes,
        overlap: evidence.overlap,
        closeness,
        stretches: stretches.iter().map(|stretch| stretch.located(&words_a.words, &words_b.words)).collect(),
        facts,
        a: side(a, evidence.share_a),
        b: side(b, evidence.share_b),
    }
}

pub(super) fn slices(vectors: &[Vec<f32>]) -> Vec<&[f32]> {
    vectors.iter().map(Vec::as_slice).collect()
}

/// An article of a group, and why it is in it.
#[derive(Clone, Debug)]
pub struct Member {
    /// The article.
    pub article: Header,
    /// What it is to the representative.
    pub relation: Relation,
    /// How sure that is, as in [`Comparison`].
    pub confidence: f32,
    /// Runs of five words that it has in common with the representative, which is `a`.
    pub overlap: Overlap,
    /// The share of the representative that it has, as in [`Side`].
    pub share_of_first: f32,
    /// The share of it that the representative has.
    pub share: f32,
    /// Whether the representative is the earlier.
    pub precedence: Precedence,
    /// By how many minutes, where the sources of both give a time.
    pub minutes: Option<i64>,
}

/// Versions of one article: each was compared with the representative, so there are no chains.
#[derive(Clone, Debug)]
pub struct Group {
    /// The earliest of them; of several that may be, the one whose text comes first by its hash.
    pub representative: Header,
    /// The others, in the order of their dates.
    pub members: Vec<Member>,
}
