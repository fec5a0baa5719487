//! What labels cost and what they give: articles put a second, and the times of filters, facets and orders in time over a store
//! of synthetic articles of 1,500 characters, 4 passages and 9 labels each.
//!
//! `VOISIN_ROWS=400000 cargo bench --bench store`, where rows are articles. Without `VOISIN_ROWS` a small size is used, so that
//! the tests run it too.

#![allow(clippy::print_stdout, reason = "a bench prints its result")]

use std::collections::HashMap;
use std::time::Instant;

use criterion::Criterion;
use serde_json::json;
use voisin::store::{
    ContentHash, DateOrder, Field, Filter, Making, ModelIdentity, NewArticle, NewPassage, Store, TextKey,
};
use voisin::types::{Article, ArticleSet, CharSpan, PartialDate};

const DIMS: usize = 8;
const PASSAGES: usize = 4;

/// Numbers that look random and depend on `seed` alone.
fn number(seed: usize, below: usize) -> usize {
    let hash = blake3::hash(&seed.to_le_bytes());
    u32::from_le_bytes(hash.as_bytes()[..4].try_into().unwrap()) as usize % below
}

/// Ten years of days, a section of twenty (half of them the first), an author of 2,000, three topics of 3,000.
fn article(at: usize) -> NewArticle {
    let day = number(at, 3650);
    let (year, month, day) = (2014 + day / 365, 1 + day % 365 / 31, 1 + day % 28);
    let section = if at.is_multiple_of(2) { 0 } else { number(at + 1_000_000, 20) };
    let topics: Vec<String> = (0..3).map(|n| format!("Thème {}", number(3 * at + n, 3000))).collect();
    let metadata = json!({
        "rubrique": format!("Rubrique {section}"),
        "auteur": format!("Autrice {}", number(at + 2_000_000, 2000)),
        "thèmes": topics,
    });
    let article = Article {
        key: format!("article-{at}"),
        title: Some(format!("Titre de l'article {at}")),
        date: PartialDate::new(year as i16, Some(month as i8), Some(day as i8)),
        source: Some(format!("journal-{}.example", number(at + 3_000_000, 50))),
        language: Some(if at.is_multiple_of(10) { "en" } else { "fr" }.to_owned()),
        text: format!("{at} {}", "La crue a coupé la route du bourg pendant la nuit. ".repeat(30)),
        metadata: metadata.as_object().unwrap().clone(),
        ..Article::default()
    };
    let passage = |n| NewPassage {
        field: Field::Body,
        span: CharSpan { start: n, end: n + 1 },
        tokens: 1,
        key: TextKey::of(&format!("{at} {n}")),
    };
    NewArticle {
        content: ContentHash::of(&article),
        text_key: TextKey::of(&article.text),
        passages: (0..PASSAGES).map(passage).collect(),
        boilerplate: Vec::new(),
        article,
    }
}

fn main() {
    let rows = std::env::var("VOISIN_ROWS").map_or(2000, |rows| rows.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let model = ModelIdentity { id: "none".into(), reference: "none".into(), revision: "0".into(), dims: DIMS };
    let mut store = Store::open_to_write(folder.path(), &Making { model, passage_tokens: 180 }).unwrap();
    let mut seconds = 0.0;
    for first in (0..rows).step_by(500) {
        let articles: Vec<NewArticle> = (first..(first + 500).min(rows)).map(article).collect();
        let keys = articles.iter().flat_map(|new| new.passages.iter().map(|passage| passage.key));
        let vectors: HashMap<TextKey, Vec<f32>> = keys.map(|key| (key, vec![0.5; DIMS])).collect();
        let start = Instant::now();
        store.put(&articles, &vectors).unwrap();
        seconds += start.elapsed().as_secs_f64();
    }
    println!("{rows} articles, 500 a transaction: {:.0} articles/s are put", rows as f64 / seconds);

    let day = "2019-03-04".parse().ok();
    let filters = [
        ("one of 3,000 topics", Filter::default().with_label("themes", "theme 7")),
        ("a topic, in French, of a section", {
            Filter::default()
                .with_label("themes", "thème 7")
                .with_label("lang", "fr")
                .with_label("rubrique", "rubrique 0")
        }),
        ("a day", Filter { since: day, until: day, ..Filter::default() }),
        ("a day, in French", Filter { since: day, until: day, ..Filter::default() }.with_label("lang", "fr")),
        ("half of all, by section", Filter::default().with_label("rubrique", "Rubrique 0")),
        ("nine tenths, by language", Filter::default().with_label("lang", "fr")),
        ("five years, in French", Filter { since: "2019".parse().ok(), ..Filter::default() }.with_label("lang", "fr")),
    ];
    let mut c = Criterion::default().configure_from_args().sample_size(20);
    let mut group = c.benchmark_group(format!("store/{rows} articles"));
    for (name, filter) in &filters {
        let found = store.articles_matching(filter).unwrap();
        group.bench_function(format!("filter, {name} ({})", found.len()), |b| {
            b.iter(|| store.articles_matching(filter).unwrap());
        });
    }
    let sets: [(&str, Option<ArticleSet>); 3] = [
        ("all", None),
        ("half", Some(store.articles_matching(&filters[4].1).unwrap())),
        ("a topic", Some(store.articles_matching(&filters[0].1).unwrap())),
    ];
    for (name, set) in &sets {
        for facet in ["rubrique", "thèmes", "year"] {
            group.bench_function(format!("facets of {name} by {facet}"), |b| {
                b.iter(|| store.facets(facet, set.as_ref(), 20).unwrap());
            });
        }
        group.bench_function(format!("names of fields of {name}"), |b| {
            b.iter(|| store.label_names(set.as_ref()).unwrap());
        });
        let Some(set) = set else { continue };
        group.bench_function(format!("vectors of {name}"), |b| b.iter(|| store.vectors_of(set).unwrap()));
        for (page, offset) in [("first", 0), ("100th", 990)] {
            group.bench_function(format!("{page} page of {name}, newest first"), |b| {
                b.iter(|| store.by_date(set, DateOrder::Newest, offset, 10).unwrap());
            });
        }
    }
    group.finish();
    c.final_summary();
}
