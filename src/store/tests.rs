use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::types::{Article, VectorId};

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
            language: None,
        };
        let ids = store.articles_matching(&filter).unwrap();
        assert_eq!(store.vectors_matching(&filter).unwrap().len(), ids.len());
        ids.into_iter().map(|id| store.header(id).unwrap().key).collect()
    };
    assert_eq!(keys(None, None), ["day", "month", "year", "none"]);
    assert_eq!(keys(Some("2023-08-22"), None), ["day", "month", "year"]);
    assert_eq!(keys(Some("2023-08-23"), None), ["month", "year"]);
    assert_eq!(keys(Some("2023-09"), None), ["year"]);
    assert_eq!(keys(None, Some("2023-08")), ["day", "month", "year"]);
    assert_eq!(keys(None, Some("2023-07-31")), ["year"]);
    assert_eq!(keys(Some("2024"), None), Vec::<String>::new());
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
