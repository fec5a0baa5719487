use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::types::{Article, ArticleId, ArticleSet, PartialDate, Sequence, VectorId};

fn making() -> Making {
    let model = ModelIdentity { id: "tiny".into(), reference: "./tiny".into(), revision: "0123".into(), dims: 2 };
    Making { model, passage_tokens: 180 }
}

/// An article whose body is cut at spaces, each word a passage.
fn article(key: &str, text: &str, date: Option<&str>) -> NewArticle {
    let mut start = 0;
    let passages = text
        .split_inclusive(' ')
        .map(|word| {
            let span = CharSpan { start, end: start + word.chars().count() };
            start = span.end;
            NewPassage { field: Field::Body, span, tokens: 1, key: TextKey::of(word.trim()) }
        })
        .collect();
    let article = Article {
        key: key.into(),
        title: Some(format!("titre de {key}")),
        date: date.map(|date| date.parse().unwrap()),
        language: Some("fr".into()),
        text: text.into(),
        ..Article::default()
    };
    NewArticle {
        content: ContentHash::of(&article),
        article,
        text_key: TextKey::of(text),
        passages,
        boilerplate: Vec::new(),
    }
}

fn vectors(texts: &[&str]) -> HashMap<TextKey, Vec<f32>> {
    texts
        .iter()
        .flat_map(|text| text.split(' '))
        .map(|word| (TextKey::of(word), vec![word.len() as f32, 1.0]))
        .collect()
}

fn put(store: &mut Store, key: &str, text: &str) {
    store.put(&[article(key, text, None)], &vectors(&[text])).unwrap();
}

#[test]
fn the_fields_of_the_source_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    let mut new = article("a", "été", Some("2020-07-02"));
    new.article.metadata.insert("time".into(), "19h09".into());
    store.put(&[new], &vectors(&["été"])).unwrap();
    let article = store.find("a").unwrap().unwrap();
    assert_eq!(store.metadata(article).unwrap()["time"], "19h09");
    assert!(store.metadata(ArticleId(article.0 + 1)).is_err());
}

#[test]
fn what_is_put_is_read_back_by_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    let new = article("a", "été à Paris", Some("2023-08"));
    store.put(std::slice::from_ref(&new), &vectors(&["été à Paris"])).unwrap();
    drop(store);

    let store = Store::open(folder.path()).unwrap();
    let id = store.find("a").unwrap().unwrap();
    let header = store.header(id).unwrap();
    assert_eq!((header.title.as_deref(), header.date), (Some("titre de a"), Some("2023-08".parse().unwrap())));
    assert_eq!(store.text(id).unwrap(), "été à Paris");
    assert_eq!(store.holds("a", new.content).unwrap(), Held::Same);
    assert_eq!(store.holds("a", ContentHash::of(&Article::default())).unwrap(), Held::Other);
    assert_eq!(store.holds("b", new.content).unwrap(), Held::Nothing);
    let passages = store.passages_of(id).unwrap();
    assert_eq!(passages.iter().map(|p| (p.span.start, p.span.end)).collect::<Vec<_>>(), [(0, 4), (4, 6), (6, 11)]);
    assert_eq!(store.vectors(&[passages[2].vector]).unwrap(), [[5.0, 1.0]]);
    assert_eq!(store.integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn texts_share_vectors_and_sweeping_keeps_what_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    put(&mut store, "a", "un deux");
    put(&mut store, "b", "deux trois");
    assert_eq!(store.stats().unwrap().vectors, 3);
    let before = store.sequence().unwrap();

    put(&mut store, "a", "quatre deux");
    assert_eq!(store.sweep().unwrap(), 1, "only \"un\" is used no more");
    let id = store.find("a").unwrap().unwrap();
    assert_eq!(store.remove(&[id, id]).unwrap(), 1);
    assert_eq!(store.sweep().unwrap(), 1, "\"quatre\" went with its article, \"deux\" is still used by b");
    assert_eq!(store.vectors_removed_after(before).unwrap().len(), 2);
    let mut left = Vec::new();
    store.vectors_after(VectorId(0), |_, vector| left.push(vector[0])).unwrap();
    assert_eq!(left, [4.0, 5.0]);
}

#[test]
fn an_article_without_its_vectors_is_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    let both = [article("a", "un", None), article("b", "deux", None)];
    assert!(matches!(store.put(&both, &vectors(&["un"])), Err(StoreError::Damaged { .. })));
    assert_eq!(store.stats().unwrap().articles, 0);
}

#[test]
fn filters_know_how_precise_a_date_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    for (key, date) in [("day", Some("2023-08-22")), ("month", Some("2023-08")), ("year", Some("2023")), ("none", None)]
    {
        store.put(&[article(key, key, date)], &vectors(&[key])).unwrap();
    }
    let keys = |since: Option<&str>, until: Option<&str>| -> Vec<String> {
        let filter = Filter {
            since: since.map(|date| date.parse().unwrap()),
            until: until.map(|date| date.parse().unwrap()),
            labels: Vec::new(),
        };
        let ids = store.articles_matching(&filter).unwrap();
        assert_eq!(store.vectors_matching(&filter).unwrap().len(), ids.len());
        ids.iter().map(|id| store.header(id).unwrap().key).collect()
    };
    assert_eq!(keys(None, None), ["day", "month", "year", "none"]);
    assert_eq!(keys(Some("2023-08-22"), None), ["day", "month", "year"]);
    assert_eq!(keys(Some("2023-08-23"), None), ["month", "year"]);
    assert_eq!(keys(Some("2023-09"), None), ["year"]);
    assert_eq!(keys(None, Some("2023-08")), ["day", "month", "year"]);
    assert_eq!(keys(None, Some("2023-07-31")), ["year"]);
    assert_eq!(keys(Some("2024"), None), Vec::<String>::new());
}

/// A store written by format 1, made by the voisin of that time with the tiny model `static`: two articles of the section
/// "Société", one of "Économie".
fn old_store(folder: &Path) {
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/store-1").join(DATABASE);
    fs_err::copy(old, folder.join(DATABASE)).unwrap();
}

#[test]
fn a_store_of_format_1_is_brought_forward_by_whoever_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    old_store(folder.path());
    // Nobody brings it forward under a writer.
    let writer = lock(folder.path()).unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Locked(_))));
    drop(writer);

    let mut store = Store::open(folder.path()).unwrap();
    let facets = |store: &Store, name| store.facets(name, None, 10).unwrap();
    assert_eq!(facets(&store, "rubrique"), [("SOCIETE".to_owned(), 2), ("Économie".to_owned(), 1)]);
    assert_eq!(facets(&store, "mots"), [("Grève".to_owned(), 2), ("Hôpital".to_owned(), 1)]);
    assert_eq!(facets(&store, "lang"), [("fr".to_owned(), 2), ("en".to_owned(), 1)]);
    assert_eq!(facets(&store, "month"), [("2023-08".to_owned(), 2)]);
    let filter = Filter::default().with_label("RUBRIQUE", "societe");
    assert_eq!(store.articles_matching(&filter).unwrap().len(), 2);
    assert_eq!(store.articles_matching(&filter.with_label("rubrique", "économie")).unwrap().len(), 3, "either value");
    assert_eq!(store.integrity().unwrap(), Vec::<String>::new());

    // What is put and removed from now on is labelled like what was there.
    drop(store);
    store = Store::open_to_remove(folder.path()).unwrap();
    let id = store.find("a1").unwrap().unwrap();
    store.remove(&[id]).unwrap();
    store.sweep().unwrap();
    assert_eq!(facets(&store, "rubrique"), [("Économie".to_owned(), 1), ("SOCIETE".to_owned(), 1)]);
    assert_eq!(store.facets("mots", None, 10).unwrap(), [("grève".to_owned(), 1)]);
}

#[cfg(unix)]
#[test]
fn a_store_of_format_1_that_may_not_be_written_says_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    old_store(folder.path());
    let mode = |mode| fs_err::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o555);
    let opened = Store::open(folder.path());
    mode(0o755);
    // The superuser may write all the same.
    if let Err(error) = opened {
        assert!(matches!(error, StoreError::Older { found: 1, .. }), "{error}");
    }
}

#[test]
fn stores_that_cannot_be_opened_say_why() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Missing(_))));
    // Killed while it was made: an empty file is no store yet, and can become one.
    fs_err::write(folder.path().join(DATABASE), b"").unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Missing(_))));

    let store = Store::open_to_write(folder.path(), &making()).unwrap();
    assert!(matches!(Store::open_to_write(folder.path(), &making()), Err(StoreError::Locked(_))));
    drop(store);

    let longer = Making { passage_tokens: 300, ..making() };
    assert!(matches!(Store::open_to_write(folder.path(), &longer), Err(StoreError::OtherLength { .. })));

    let other = ModelIdentity { id: "other".into(), revision: "4567".into(), ..making().model };
    let other = Making { model: other, ..making() };
    let error = Store::open_to_write(folder.path(), &other).err().unwrap();
    assert!(error.to_string().contains("tiny") && error.to_string().contains("other"), "{error}");

    let connection = Connection::open(folder.path().join(DATABASE)).unwrap();
    connection.pragma_update(None, "user_version", VERSION + 1).unwrap();
    drop(connection);
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Newer { .. })));

    fs_err::write(folder.path().join(DATABASE), b"this is no database, but long enough to be looked at by SQLite")
        .unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Foreign(_))));
}

/// An article with some labels, and what a filter should find in it.
#[derive(Clone, Debug)]
struct Labelled {
    date: Option<PartialDate>,
    language: Option<String>,
    /// Under the name "rubrique".
    sections: Vec<String>,
}

impl Labelled {
    fn values(&self, name: &str) -> Vec<String> {
        match name {
            "language" => self.language.iter().cloned().collect(),
            "year" => self.date.iter().map(|date| format!("{:04}", date.year())).collect(),
            _ => self.sections.clone(),
        }
    }

    /// The rule in its plainest words.
    fn passes(&self, filter: &Filter) -> bool {
        let from = filter.since.is_none_or(|since| self.date.is_some_and(|date| date.last_day() >= since.first_day()));
        let to = filter.until.is_none_or(|until| self.date.is_some_and(|date| date.first_day() <= until.last_day()));
        let has = |label: &LabelFilter| {
            let values = self.values(&label.name);
            label.values.iter().any(|wanted| values.iter().any(|value| value.eq_ignore_ascii_case(wanted)))
        };
        from && to && filter.labels.iter().all(has)
    }
}

fn dates() -> impl Strategy<Value = PartialDate> {
    let part = |last: i8| prop_oneof![Just(None), (1..=last).prop_map(Some)];
    (2022i16..=2024, part(3), part(31))
        .prop_filter_map("a day of no month", |(year, month, day)| PartialDate::new(year, month, day))
}

fn labelled() -> impl Strategy<Value = Labelled> {
    let language = prop::option::of(prop::sample::select(vec!["fr".to_owned(), "en".to_owned()]));
    let sections = prop::collection::vec("[a-cA-C]", 0..3);
    (prop::option::of(dates()), language, sections).prop_map(|(date, language, sections)| Labelled {
        date,
        language,
        sections,
    })
}

fn filters() -> impl Strategy<Value = Filter> {
    let label = prop_oneof![
        Just(LabelFilter { name: "language".into(), values: vec!["FR".into()] }),
        Just(LabelFilter { name: "year".into(), values: vec!["2023".into()] }),
        prop::collection::vec("[a-dA-C]", 0..3).prop_map(|values| LabelFilter { name: "rubrique".into(), values }),
    ];
    let date = || prop::option::of(dates());
    (date(), date(), prop::collection::vec(label, 0..3)).prop_map(|(since, until, labels)| Filter {
        since,
        until,
        labels,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Filters, facets and orders in time are those of a list that is gone through in the plainest way, whether articles are
    /// looked up one by one or scanned, and after articles have changed.
    #[test]
    fn filters_find_what_a_list_would(
        articles in prop::collection::vec(labelled(), 1..60),
        again in prop::collection::vec(labelled(), 0..8),
        filters in prop::collection::vec(filters(), 8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
        let mut list: Vec<Labelled> = Vec::new();
        let mut moment = Sequence(0);
        for (at, one) in articles.iter().enumerate().chain(again.iter().take(articles.len()).enumerate()) {
            let mut new = article(&format!("k{at}"), "un", None);
            new.article.date = one.date;
            new.article.language.clone_from(&one.language);
            new.article.metadata.insert("Rubrique".into(), one.sections.clone().into());
            let sequence = store.put(&[new], &vectors(&["un"])).unwrap();
            if at == list.len() {
                list.push(one.clone());
                moment = sequence;
            } else {
                list[at] = one.clone();
            }
        }
        let ids: Vec<ArticleId> =
            (0..list.len()).map(|at| store.find(&format!("k{at}")).unwrap().unwrap()).collect();
        let changed: ArticleSet = ids.iter().take(again.len()).copied().collect();
        let found: ArticleSet = store.articles_changed_after(moment).unwrap().into_iter().collect();
        prop_assert_eq!(found, changed);
        for filter in &filters {
            let passing = |at: &usize| list[*at].passes(filter);
            let expected: Vec<usize> = (0..list.len()).filter(passing).collect();
            let found = store.articles_matching(filter).unwrap();
            let set: ArticleSet = expected.iter().map(|&at| ids[at]).collect();
            prop_assert_eq!(&found, &set, "{:?}", filter);

            for name in ["language", "year", "rubrique"] {
                let mut counts = std::collections::BTreeMap::<String, u64>::new();
                for &at in &expected {
                    let values: std::collections::BTreeSet<String> =
                        list[at].values(name).iter().map(|value| value.to_lowercase()).collect();
                    values.into_iter().for_each(|value| *counts.entry(value).or_default() += 1);
                }
                let mut facets = store.facets(name, Some(&found), usize::MAX).unwrap();
                prop_assert!(facets.is_sorted_by_key(|(_, count)| std::cmp::Reverse(*count)));
                facets.iter_mut().for_each(|(value, _)| *value = value.to_lowercase());
                facets.sort();
                prop_assert_eq!(facets, counts.into_iter().collect::<Vec<_>>());
            }

            let mut newest = expected.clone();
            newest.sort_by_key(|&at| {
                let date = list[at].date;
                (date.is_none(), std::cmp::Reverse(date.map(|date| (date.first_day(), date.last_day()))), at)
            });
            let newest: Vec<ArticleId> = newest.into_iter().map(|at| ids[at]).collect();
            let pages = [(0, 3), (3, usize::MAX)]
                .map(|(offset, limit)| store.by_date(&found, DateOrder::Newest, offset, limit).unwrap());
            prop_assert_eq!(pages.concat(), newest);
            let oldest = store.by_date(&found, DateOrder::Oldest, 0, usize::MAX).unwrap();
            let days: Vec<_> = oldest.iter().map(|id| store.header(*id).unwrap().date).collect();
            prop_assert!(days.is_sorted_by_key(|date| (date.is_none(), date.map(|date| date.first_day()))), "{:?}", days);
            prop_assert_eq!(oldest.len(), found.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Any sequence of changes, with the store closed and opened in between, leaves what a map would hold.
    #[test]
    fn a_store_is_a_map(steps in prop::collection::vec((0u8..5, "[a-d]( [a-d]){0,4}", any::<bool>()), 1..20)) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
        let mut expected = std::collections::BTreeMap::new();
        for (key, text, reopen) in steps {
            let key = format!("k{key}");
            if reopen {
                drop(store);
                store = Store::open_to_write(folder.path(), &making()).unwrap();
            }
            if expected.contains_key(&key) && text.len() == 1 {
                let id = store.find(&key).unwrap().unwrap();
                store.remove(&[id]).unwrap();
                expected.remove(&key);
            } else {
                put(&mut store, &key, &text);
                expected.insert(key, text);
            }
        }
        store.sweep().unwrap();
        let mut texts = std::collections::BTreeSet::new();
        for (key, text) in &expected {
            let id = store.find(key).unwrap().unwrap();
            prop_assert_eq!(&store.text(id).unwrap(), text);
            texts.extend(text.split(' '));
        }
        let stats = store.stats().unwrap();
        prop_assert_eq!((stats.articles, stats.vectors), (expected.len() as u64, texts.len() as u64));
        prop_assert_eq!(store.integrity().unwrap(), Vec::<String>::new());
    }
}
