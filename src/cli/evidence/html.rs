//! A report as one page that a browser shows from anywhere, without a request to anyone.
//!
//! The page is a template, a style and a script, and between them the data: an index of articles, groups and pairs, then the text
//! of each article and the alignment of each pair as a block of JSON of its own. The script reads the index alone and builds what
//! is on the screen; a text is parsed when its pair is opened. So a page of 5,000 pairs and 30 MB opens about as fast as it
//! is read, where 5,000 pairs written out as HTML would be a million elements.
//!
//! What articles say is the text of others: it stands in blocks that no browser runs, in which no `<` is left, and the script
//! puts it on the page as text, never as HTML. Should both fail, the policy in the page's head runs no script but ours (it has
//! a name that depends on all the data) and loads nothing.

use std::collections::HashMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::words;
use crate::dedup::blocks::pieces;
use crate::dedup::comparison::{Comparison, Group, Relation, SharedStretch, Side};
use crate::store::Header;
use crate::types::{ArticleId, to_char_spans};
use crate::wire::{self, number};

const PAGE: &str = include_str!("report.html");
const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// What a page tells.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Report<'a> {
    /// What was looked at, for people: the name of the store, and what narrowed it down.
    pub(in crate::cli) title: &'a str,
    /// The day on which the report was made.
    pub(in crate::cli) made: &'a str,
    /// How many articles were looked at.
    pub(in crate::cli) articles: u64,
    /// Versions of one article.
    pub(in crate::cli) groups: &'a [Group],
    /// Pairs to open: of each member of a group with its representative, as far as they are wanted, and pairs outside groups.
    pub(in crate::cli) comparisons: &'a [Comparison],
}

/// Writes the page.
///
/// # Errors
/// When `out` cannot be written to.
pub(in crate::cli) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let mut articles = Articles::default();
    let groups = groups(report, &mut articles);
    let pairs: Vec<Value> = report.comparisons.iter().map(|comparison| pair(comparison, &mut articles)).collect();
    let index = block(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "title": report.title,
        "made": report.made,
        "looked_at": report.articles,
        "relations": Relation::ALL.map(Relation::name),
        "articles": articles.headers.iter().map(|header| wire::Article::from(*header)).collect::<Vec<_>>(),
        "groups": groups,
        "pairs": pairs,
    }));
    let page = PAGE
        .replace("{nonce}", &blake3::hash(index.as_bytes()).to_hex()[..32])
        .replace("{style}", STYLE)
        .replace("{script}", SCRIPT);
    let Some((before, after)) = page.split_once("{data}") else {
        unreachable!("the template has a place for the data")
    };
    out.write_all(before.as_bytes())?;
    script(out, "index", &index)?;
    let mut written = vec![false; articles.headers.len()];
    for (at, comparison) in report.comparisons.iter().enumerate() {
        for side in [&comparison.a, &comparison.b] {
            let place = articles.place(&side.header);
            if !std::mem::replace(&mut written[place], true) {
                script(out, &format!("text-{place}"), &block(&text(side)))?;
            }
        }
        script(out, &format!("pair-{at}"), &block(&alignment(comparison)))?;
    }
    out.write_all(after.as_bytes())
}

/// The articles of a report, each once: others name them by their place.
#[derive(Default)]
struct Articles<'a> {
    headers: Vec<&'a Header>,
    places: HashMap<ArticleId, usize>,
}

impl<'a> Articles<'a> {
    fn place(&mut self, header: &'a Header) -> usize {
        *self.places.entry(header.id).or_insert_with(|| {
            self.headers.push(header);
            self.headers.len() - 1
        })
    }
}

fn groups<'a>(report: &Report<'a>, articles: &mut Articles<'a>) -> Vec<Value> {
    let both = |one: ArticleId, other: ArticleId| (one.min(other), one.max(other));
    let pairs: HashMap<_, usize> = report
        .comparisons
        .iter()
        .enumerate()
        .map(|(at, pair)| (both(pair.a.header.id, pair.b.header.id), at))
        .collect();
    let group = |group: &'a Group| {
        let representative = articles.place(&group.representative);
        let members = group.members.iter().map(|member| {
            json!({
                "article": articles.place(&member.article),
                "relation": member.relation,
                "confidence": number(member.confidence),
                "share_of_first": number(member.share_of_first),
                "share": number(member.share),
                "first": words::first(&group.representative, &member.article, member.precedence, member.minutes),
                "pair": pairs.get(&both(group.representative.id, member.article.id)),
            })
        });
        let members: Vec<Value> = members.collect();
        json!({ "representative": representative, "members": members })
    };
    report.groups.iter().map(group).collect()
}

/// What the list of pairs shows of one, without its texts.
fn pair<'a>(comparison: &'a Comparison, articles: &mut Articles<'a>) -> Value {
    let Comparison { a, b, overlap, .. } = comparison;
    json!({
        "a": articles.place(&a.header),
        "b": articles.place(&b.header),
        "relation": comparison.relation,
        "confidence": number(comparison.confidence),
        "says": words::relation(comparison.relation, comparison.precedence, comparison.confidence),
        "first": words::first(&a.header, &b.header, comparison.precedence, comparison.minutes),
        "credits": words::credits(comparison),
        "jaccard": number(overlap.jaccard),
        "a_in_b": number(overlap.a_in_b),
        "b_in_a": number(overlap.b_in_a),
        "share_a": number(a.share),
        "share_b": number(b.share),
        "closeness": comparison.closeness.map(number),
    })
}

/// Where two texts meet, for the eye: what an edit has on both sides beside its words is not shown as edited.
fn alignment(comparison: &Comparison) -> Value {
    let (a, b) = (comparison.a.text.as_str(), comparison.b.text.as_str());
    let seen = comparison.stretches.iter().map(|stretch| {
        let equal = pieces(stretch, a, b).into_iter().filter(|piece| piece.equal).map(|piece| (piece.a, piece.b));
        SharedStretch { a: stretch.a, b: stretch.b, equal: equal.collect() }
    });
    let seen: Vec<SharedStretch> = seen.collect();
    json!({ "stretches": wire::Stretch::of(a, b, &seen), "facts": wire::Fact::of(comparison) })
}

fn text(side: &Side) -> Value {
    let furniture = to_char_spans(&side.text, &side.furniture).into_iter().map(wire::Span::from);
    json!({
        "text": side.text,
        "furniture": furniture.collect::<Vec<_>>(),
        "credits": wire::Credit::of(side),
    })
}

/// JSON that can stand in HTML: nothing in it begins a tag or a comment.
fn block(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

fn script(out: &mut dyn Write, id: &str, json: &str) -> io::Result<()> {
    writeln!(out, "<script type=\"application/json\" id=\"{id}\">{json}</script>")
}
