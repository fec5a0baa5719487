//! Comparisons and groups for programs. Offsets count characters (Unicode scalar values) of the article's text as published.

use serde_json::{Value, json};

use crate::cli::print::{article, number};
use crate::dedup::comparison::{Comparison, Group, Member, SharedStretch, Side};
use crate::types::{CharSpan, Span, to_char_spans};

/// Two articles beside each other.
pub(super) fn comparison(comparison: &Comparison) -> Value {
    let Comparison { a, b, overlap, .. } = comparison;
    json!({
        "kind": "pair",
        "relation": comparison.relation,
        "confidence": number(comparison.confidence),
        "a": article(&a.header),
        "b": article(&b.header),
        "precedence": comparison.precedence,
        "minutes": comparison.minutes,
        "jaccard": number(overlap.jaccard),
        "a_in_b": number(overlap.a_in_b),
        "b_in_a": number(overlap.b_in_a),
        "share_a": number(a.share),
        "share_b": number(b.share),
        "closeness": comparison.closeness.map(number),
        "stretches": stretches(&a.text, &b.text, &comparison.stretches),
        "credits": { "a": credits(a), "b": credits(b) },
        "facts": facts(comparison),
    })
}

/// The versions of one article.
pub(super) fn group(group: &Group) -> Value {
    json!({
        "kind": "group",
        "representative": article(&group.representative),
        "members": group.members.iter().map(member).collect::<Vec<_>>(),
    })
}

/// The fields of the article, with those that say why it is in the group.
fn member(member: &Member) -> Value {
    let mut value = article(&member.article);
    let why = json!({
        "relation": member.relation,
        "confidence": number(member.confidence),
        "jaccard": number(member.overlap.jaccard),
        "a_in_b": number(member.overlap.a_in_b),
        "b_in_a": number(member.overlap.b_in_a),
        "share_of_first": number(member.share_of_first),
        "share": number(member.share),
        "precedence": member.precedence,
        "minutes": member.minutes,
    });
    if let (Value::Object(fields), Value::Object(why)) = (&mut value, why) {
        fields.extend(why);
    }
    value
}

/// What both texts have, and of that what is equal word by word.
pub(super) fn stretches(a: &str, b: &str, stretches: &[SharedStretch]) -> Value {
    let spans =
        stretches.iter().flat_map(|stretch| [(stretch.a, stretch.b)].into_iter().chain(stretch.equal.iter().copied()));
    let (in_a, in_b): (Vec<Span>, Vec<Span>) = spans.unzip();
    let places = to_char_spans(a, &in_a).into_iter().zip(to_char_spans(b, &in_b));
    let mut places = places.map(|(a, b)| json!({ "a": a, "b": b }));
    let values = stretches.iter().filter_map(|stretch| {
        let mut value = places.next()?;
        value["equal"] = places.by_ref().take(stretch.equal.len()).collect();
        Some(value)
    });
    values.collect()
}

/// The agencies that a side names, and where.
pub(super) fn credits(side: &Side) -> Value {
    let spans: Vec<Span> = side.credits.iter().map(|credit| credit.span).collect();
    let places = to_char_spans(&side.text, &spans);
    let values = side.credits.iter().zip(places);
    values
        .map(|(credit, CharSpan { start, end })| json!({ "agency": credit.agency, "kind": credit.kind, "start": start, "end": end }))
        .collect()
}

/// The facts that both have, as each of them has them.
pub(super) fn facts(comparison: &Comparison) -> Value {
    let of = |side: &Side, spans: Vec<Span>| -> Vec<Value> {
        let places = to_char_spans(&side.text, &spans);
        let texts = spans.iter().map(|span| &side.text[span.range()]);
        let said = places.into_iter().zip(texts);
        said.map(|(CharSpan { start, end }, text)| json!({ "start": start, "end": end, "text": text })).collect()
    };
    let a = of(&comparison.a, comparison.facts.iter().map(|fact| fact.a).collect());
    let b = of(&comparison.b, comparison.facts.iter().map(|fact| fact.b).collect());
    let values = comparison.facts.iter().zip(a.into_iter().zip(b));
    values.map(|(fact, (a, b))| json!({ "kind": fact.kind, "weight": number(fact.weight), "a": a, "b": b })).collect()
}
