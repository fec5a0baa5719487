//! Pairs, comparisons and groups of articles.

use serde::Serialize;

use super::{Article, Span, number};
use crate::dedup::comparison::{self, Precedence, Relation, SharedStretch, Side};
use crate::dedup::copies;
use crate::dedup::credits::{self, CreditKind};
use crate::dedup::facts::{FactKind, SharedFact};
use crate::types::{self, to_char_spans};

/// What tells pairs and groups from each other in one list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub enum Kind {
    /// Two articles.
    Pair,
    /// Versions of one article.
    Group,
}

/// What the second of two articles is to the first, and how much they have in common.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Pair {
    /// Always `pair`.
    pub kind: Kind,
    /// What `b` is to `a`; null where they have nothing to do with each other.
    pub relation: Option<Relation>,
    /// How far the evidence is from what would make another relation of it, from 0 to 1: 0.5 is on the border.
    pub confidence: f64,
    /// The earlier, or the one that stands first.
    pub a: Article,
    /// The other.
    pub b: Article,
    /// Whether `a` is the earlier.
    pub precedence: Precedence,
    /// Minutes between the two; null where the sources do not give both times.
    pub minutes: Option<i64>,
    /// Runs of five words that both have, over those that either has: from 0 to 1.
    pub jaccard: f64,
    /// The share of the runs of five words of `a` that are in `b`, from 0 to 1.
    pub a_in_b: f64,
    /// The share of the runs of five words of `b` that are in `a`, from 0 to 1.
    pub b_in_a: f64,
    /// The share of the letters of `a`, page furniture left out, that stand in stretches of both: from 0 to 1.
    pub share_a: f64,
    /// The share of the letters of `b`, page furniture left out, that stand in stretches of both: from 0 to 1.
    pub share_b: f64,
    /// How close the two are in meaning, passage by passage both ways: 1 for the same passages; null where that was not looked
    /// at.
    pub closeness: Option<f64>,
}

impl From<&copies::Pair> for Pair {
    fn from(pair: &copies::Pair) -> Self {
        let evidence = &pair.evidence;
        Self {
            kind: Kind::Pair,
            relation: Some(pair.relation),
            confidence: number(pair.confidence),
            a: (&pair.a).into(),
            b: (&pair.b).into(),
            precedence: pair.precedence,
            minutes: pair.minutes,
            jaccard: number(evidence.overlap.jaccard),
            a_in_b: number(evidence.overlap.a_in_b),
            b_in_a: number(evidence.overlap.b_in_a),
            share_a: number(evidence.share_a),
            share_b: number(evidence.share_b),
            // The register keeps 0 where it did not look.
            closeness: (evidence.closeness != 0.0).then(|| number(evidence.closeness)),
        }
    }
}

impl From<&comparison::Comparison> for Pair {
    fn from(comparison: &comparison::Comparison) -> Self {
        let comparison::Comparison { a, b, overlap, .. } = comparison;
        Self {
            kind: Kind::Pair,
            relation: comparison.relation,
            confidence: number(comparison.confidence),
            a: (&a.header).into(),
            b: (&b.header).into(),
            precedence: comparison.precedence,
            minutes: comparison.minutes,
            jaccard: number(overlap.jaccard),
            a_in_b: number(overlap.a_in_b),
            b_in_a: number(overlap.b_in_a),
            share_a: number(a.share),
            share_b: number(b.share),
            closeness: comparison.closeness.map(number),
        }
    }
}

/// Two articles beside each other. Offsets count characters of the text of each.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Comparison {
    /// What they are to each other.
    #[serde(flatten)]
    pub pair: Pair,
    /// The passages that both have, in the order of `a`; they overlap in neither.
    pub stretches: Vec<Stretch>,
    /// The agencies that each names as its source.
    pub credits: Credits,
    /// The names, numbers and quotations that both have.
    pub facts: Vec<Fact>,
    /// The texts of both; left out where they were not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub texts: Option<Texts>,
}

impl From<&comparison::Comparison> for Comparison {
    /// Without the texts.
    fn from(comparison: &comparison::Comparison) -> Self {
        let comparison::Comparison { a, b, .. } = comparison;
        Self {
            pair: comparison.into(),
            stretches: Stretch::of(&a.text, &b.text, &comparison.stretches),
            credits: Credits { a: Credit::of(a), b: Credit::of(b) },
            facts: Fact::of(comparison),
            texts: None,
        }
    }
}

impl Comparison {
    /// With the texts.
    pub fn with_texts(comparison: &comparison::Comparison) -> Self {
        let texts = Texts { a: comparison.a.text.clone(), b: comparison.b.text.clone() };
        Self { texts: Some(texts), ..comparison.into() }
    }
}

/// The texts of two articles, as published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Texts {
    /// The body of the first.
    pub a: String,
    /// The body of the second.
    pub b: String,
}

/// A passage that both texts have, but for small edits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Stretch {
    /// Where it stands in the first.
    pub a: Span,
    /// Where it stands in the second.
    pub b: Span,
    /// Its parts that are equal word by word, in the order of both: what is between them was edited.
    pub equal: Vec<Equal>,
}

/// Words that stand in both texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Equal {
    /// Where they stand in the first.
    pub a: Span,
    /// Where they stand in the second.
    pub b: Span,
}

impl Stretch {
    /// The stretches of two texts.
    pub fn of(a: &str, b: &str, stretches: &[SharedStretch]) -> Vec<Self> {
        let spans = stretches
            .iter()
            .flat_map(|stretch| [(stretch.a, stretch.b)].into_iter().chain(stretch.equal.iter().copied()));
        let (in_a, in_b): (Vec<types::Span>, Vec<types::Span>) = spans.unzip();
        let places = to_char_spans(a, &in_a).into_iter().zip(to_char_spans(b, &in_b));
        let mut places = places.map(|(a, b)| Equal { a: a.into(), b: b.into() });
        let of = |stretch: &SharedStretch| {
            let Equal { a, b } = places.next()?;
            Some(Self { a, b, equal: places.by_ref().take(stretch.equal.len()).collect() })
        };
        stretches.iter().filter_map(of).collect()
    }
}

/// The news agencies that two articles name as their source, each place in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Credits {
    /// Of the first.
    pub a: Vec<Credit>,
    /// Of the second.
    pub b: Vec<Credit>,
}

/// A place where an article credits a news agency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Credit {
    /// The agency: `AFP`, `Reuters`, `AP`.
    pub agency: &'static str,
    /// How it is credited.
    pub kind: CreditKind,
    /// The first character of its name in the text, from 0.
    pub start: usize,
    /// One past the last character of its name.
    pub end: usize,
}

impl Credit {
    /// The agencies that a side of a comparison names, and where.
    pub fn of(side: &Side) -> Vec<Self> {
        let spans: Vec<types::Span> = side.credits.iter().map(|credit| credit.span).collect();
        let places = side.credits.iter().zip(to_char_spans(&side.text, &spans));
        let at = |(credit, place): (&credits::Credit, types::CharSpan)| Self {
            agency: credit.agency,
            kind: credit.kind,
            start: place.start,
            end: place.end,
        };
        places.map(at).collect()
    }
}

/// A name, a number or a quotation that both articles have.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Fact {
    /// What it is.
    pub kind: FactKind,
    /// How much it says for one event: 0.05 for `France`, 1.2 for a full name, up to 3 for a long quotation.
    pub weight: f64,
    /// Where the first has it first.
    pub a: Mention,
    /// Where the second has it first.
    pub b: Mention,
}

/// A fact as one of the articles has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Mention {
    /// Its first character in the text, from 0.
    pub start: usize,
    /// One past its last character.
    pub end: usize,
    /// The words there.
    pub text: String,
}

impl Fact {
    /// The facts of a comparison.
    pub fn of(comparison: &comparison::Comparison) -> Vec<Self> {
        let mentions = |side: &Side, place: fn(&SharedFact) -> types::Span| -> Vec<Mention> {
            let spans: Vec<types::Span> = comparison.facts.iter().map(place).collect();
            let places = to_char_spans(&side.text, &spans).into_iter().zip(spans);
            let said = places.map(|(place, span)| (place, side.text[span.range()].to_owned()));
            said.map(|(types::CharSpan { start, end }, text)| Mention { start, end, text }).collect()
        };
        let a = mentions(&comparison.a, |fact| fact.a);
        let b = mentions(&comparison.b, |fact| fact.b);
        let facts = comparison.facts.iter().zip(a.into_iter().zip(b));
        facts.map(|(fact, (a, b))| Self { kind: fact.kind, weight: number(fact.weight), a, b }).collect()
    }
}

/// Versions of one article. Each was compared with the representative, so there are no chains.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Group {
    /// Always `group`.
    pub kind: Kind,
    /// The earliest of them; of several that may be, always the same.
    pub representative: Article,
    /// The others, in the order of their dates.
    pub members: Vec<Member>,
}

impl From<&comparison::Group> for Group {
    fn from(group: &comparison::Group) -> Self {
        Self {
            kind: Kind::Group,
            representative: (&group.representative).into(),
            members: group.members.iter().map(Member::from).collect(),
        }
    }
}

/// An article of a group, and why it is in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "server", derive(utoipa::ToSchema))]
pub struct Member {
    /// The article.
    #[serde(flatten)]
    pub article: Article,
    /// What it is to the representative.
    pub relation: Relation,
    /// How far the evidence is from what would make another relation of it, from 0 to 1: 0.5 is on the border.
    pub confidence: f64,
    /// Runs of five words that it and the representative have, over those that either has: from 0 to 1.
    pub jaccard: f64,
    /// The share of the runs of five words of the representative that are in it, from 0 to 1.
    pub a_in_b: f64,
    /// The share of its runs of five words that are in the representative, from 0 to 1.
    pub b_in_a: f64,
    /// The share of the letters of the representative that stand in stretches of both, from 0 to 1.
    pub share_of_first: f64,
    /// The share of its letters that stand in stretches of both, from 0 to 1.
    pub share: f64,
    /// Whether the representative is the earlier.
    pub precedence: Precedence,
    /// Minutes between the two; null where the sources do not give both times.
    pub minutes: Option<i64>,
}

impl From<&comparison::Member> for Member {
    fn from(member: &comparison::Member) -> Self {
        Self {
            article: (&member.article).into(),
            relation: member.relation,
            confidence: number(member.confidence),
            jaccard: number(member.overlap.jaccard),
            a_in_b: number(member.overlap.a_in_b),
            b_in_a: number(member.overlap.b_in_a),
            share_of_first: number(member.share_of_first),
            share: number(member.share),
            precedence: member.precedence,
            minutes: member.minutes,
        }
    }
}
