//! The texts that are timed.

use std::ops::ControlFlow;
use std::path::Path;

use super::BenchError;
use crate::chunk::{self, Budget};
use crate::embed::spec::Role;
use crate::embed::tokenize::Tokens;
use crate::embed::{EmbedError, Embedder};
use crate::engine::{PASSAGE_TOKENS, budget};
use crate::ingest::prepare::Counter;
use crate::ingest::read::{self, Input};
use crate::store::{Filter, Store};
use crate::text::analysis_form;
use crate::types::Article;

/// Articles that texts are taken from, at most.
const ARTICLES: usize = 400;

/// Texts of a mix, at most.
const TEXTS: usize = 2000;

/// Words of a query: what people type is seldom longer.
const WORDS: usize = 10;

/// Tokens of a long passage, at most: what most models can take.
const LONG: usize = 512;

/// Texts of about one length.
pub struct Mix {
    /// `short query`, `news passage`, `long passage`.
    pub name: &'static str,
    /// As what they are embedded.
    pub role: Role,
    /// The texts, ready for the tokenizer.
    pub texts: Vec<String>,
}

impl Mix {
    /// The tokens of a text.
    ///
    /// # Errors
    /// When the tokenizer refuses it.
    pub fn tokens(&self, embedder: &Embedder, text: &str) -> Result<Tokens, EmbedError> {
        embedder.tokenize(text, self.role)
    }
}

/// Three mixes of the articles: the first words of their titles (of their bodies, where they have none) as short queries; their
/// passages, cut as for the index; and all bodies end to end, cut as long as the model can take.
///
/// # Errors
/// When there is no text.
pub fn mixes(articles: &[Article], from: &str, embedder: &Embedder) -> Result<Vec<Mix>, BenchError> {
    let queries = articles.iter().map(|article| {
        let text = article.title.as_deref().unwrap_or(&article.text);
        analysis_form(&text.split_whitespace().take(WORDS).collect::<Vec<_>>().join(" "))
    });
    let bodies: Vec<&str> = articles.iter().map(|article| article.text.as_str()).collect();
    let cut = |text: &str, budget: Budget| -> Vec<String> {
        let spans = chunk::passages(text, budget, &Counter(embedder)).passages;
        spans.into_iter().map(|span| analysis_form(&text[span.range()])).collect()
    };
    let usual = budget(PASSAGE_TOKENS, embedder);
    let news = bodies.iter().flat_map(|body| cut(body, usual));
    let limit = embedder.passage_limit().clamp(Budget::LEAST, LONG);
    let long = cut(&bodies.join("\n\n"), budget(limit, embedder));
    let mixes = [
        ("short query", Role::Query, some(queries)),
        ("news passage", Role::Passage, some(news)),
        ("long passage", Role::Passage, some(long.into_iter())),
    ];
    if mixes.iter().any(|(_, _, texts)| texts.is_empty()) {
        return Err(BenchError::NoText(from.to_owned()));
    }
    Ok(mixes.into_iter().map(|(name, role, texts)| Mix { name, role, texts }).collect())
}

fn some(texts: impl Iterator<Item = String>) -> Vec<String> {
    texts.filter(|text| !text.is_empty()).take(TEXTS).collect()
}

/// The first articles of a file or folder.
pub fn articles_of(path: &Path) -> Vec<Article> {
    let mut articles = Vec::new();
    let options = read::Options::default();
    let mut sink = |event, _| {
        if let read::Event::Article(article) = event {
            articles.push(*article);
        }
        if articles.len() < ARTICLES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    // Whether there was more does not matter.
    let _ = read::read(&[Input::Path(path.to_owned())], &options, &mut sink);
    articles
}

/// Articles of a store, evenly spread over the order in which they came.
///
/// # Errors
/// When the store fails.
pub fn articles_of_store(store: &Store) -> Result<Vec<Article>, BenchError> {
    let ids = store.articles_matching(&Filter::default())?;
    let step = ids.len().div_ceil(ARTICLES).max(1);
    let mut articles = Vec::new();
    for id in ids.iter().step_by(step) {
        let header = store.header(id)?;
        articles.push(Article { key: header.key, title: header.title, text: store.text(id)?, ..Article::default() });
    }
    Ok(articles)
}

macro_rules! samples {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("../../tests/fixtures/articles/", $name)).as_bytes())),*]
    };
}

/// French articles that come with the program; their authors are those of voisin.
const SAMPLES: [(&str, &[u8]); 14] = samples!(
    "cable-apo.txt" "cable-maj.txt" "coupe-plouvenec-apo.txt" "gel-vignes.txt" "ia-bruxelles.txt" "inondation-apo.txt"
    "inondation-bilan.txt" "libye-evkourov.txt" "libye-visite-apo.txt" "medecine-diabete.txt" "pesticides-tribunal.txt"
    "train-creuse.md" "vol-musee-apo.txt" "vol-musee-enquete.md"
);

/// The built-in articles.
///
/// # Errors
/// When they cannot be written where they are read from.
pub fn samples() -> std::io::Result<Vec<Article>> {
    let folder = tempfile::tempdir()?;
    unpack_samples(folder.path())?;
    Ok(articles_of(folder.path()))
}

/// Writes the built-in articles into a folder.
///
/// # Errors
/// When they cannot be written.
pub fn unpack_samples(folder: &Path) -> std::io::Result<()> {
    SAMPLES.iter().try_for_each(|(name, text)| fs_err::write(folder.join(name), text))
}
