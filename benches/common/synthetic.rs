//! Articles made of stored ones, for benches that need more articles than there are.

use std::collections::HashMap;
use std::path::Path;

use voisin::store::{ContentHash, Field, Filter, Making, ModelIdentity, NewArticle, NewPassage, Store, TextKey};
use voisin::text::analysis_form;
use voisin::types::{Article, CharSpan};

/// Why a bench stops.
pub type Failure = Box<dyn std::error::Error>;

/// Length of what is added to a vector of length 1 so that it has a neighbourhood of its own: a cosine of 0.9.
pub const TURN: f32 = 0.484;

/// Articles of a transaction.
pub const TOGETHER: usize = 5000;

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers every time.
pub struct Random(pub u64);

impl Random {
    /// The next 64 bits.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number of 0 to `end` - 1.
    pub fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }

    /// About normally distributed: the sum of four uniform numbers.
    fn normal(&mut self) -> f32 {
        let bits = self.next();
        (0..4).map(|part| (bits >> (16 * part) & 0xffff) as f32 / 65_536.0 - 0.5).sum()
    }
}

/// An article that others are made of.
pub struct Source {
    /// All but its title and text.
    pub article: Article,
    /// The part each passage is of, its text and its vector.
    pub passages: Vec<(Field, String, Vec<f32>)>,
}

/// All articles of a store.
pub fn read(store: &Store) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for id in store.articles_matching(&Filter::default())?.iter() {
        let header = store.header(id)?;
        let mut passages = Vec::new();
        for passage in store.passages_of(id)? {
            let text = store.field_text(id, passage.field)?;
            let text = text[passage.span.to_bytes(&text).range()].trim().to_owned();
            let vector = store.vectors(&[passage.vector])?.remove(0);
            passages.push((passage.field, text, vector));
        }
        let article = Article {
            key: header.key,
            date: header.date,
            source: header.source,
            language: header.language,
            ..Article::default()
        };
        sources.push(Source { article, passages });
    }
    Ok(sources)
}

/// A text with one in `every` of its words from others.
pub fn exchange(text: &str, words: &[&str], every: u64, random: &mut Random) -> String {
    let pick = |word| {
        let draw = random.next();
        if draw.is_multiple_of(every) && !words.is_empty() { words[(draw >> 8) as usize % words.len()] } else { word }
    };
    text.split_whitespace().map(pick).collect::<Vec<_>>().join(" ")
}

/// A vector to which a random one of length `by` was added, scaled to unit length.
pub fn turn(vector: &[f32], by: f32, random: &mut Random) -> Vec<f32> {
    let mut noise: Vec<f32> = vector.iter().map(|_| random.normal()).collect();
    let length = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>().sqrt();
    let scale = by / length(&noise).max(f32::MIN_POSITIVE);
    noise.iter_mut().zip(vector).for_each(|(noise, value)| *noise = *noise * scale + value);
    let whole = length(&noise);
    noise.iter().map(|value| value / whole).collect()
}

/// An article of these passages, ready to be stored, with its vectors.
pub fn written(
    mut article: Article,
    texts: Vec<(Field, String, Vec<f32>)>,
) -> (NewArticle, HashMap<TextKey, Vec<f32>>) {
    let (mut passages, mut vectors) = (Vec::new(), HashMap::new());
    for (field, text, vector) in texts {
        let start = match field {
            Field::Title => 0,
            Field::Body => article.text.chars().count(),
        };
        let span = CharSpan { start, end: start + text.chars().count() };
        let key = TextKey::of(&analysis_form(&text));
        vectors.insert(key, vector);
        passages.push(NewPassage { field, span, tokens: 160, key });
        match field {
            Field::Title => article.title = Some(text),
            Field::Body => article.text.push_str(&(text + "\n")),
        }
    }
    let text_key = TextKey::of(&analysis_form(&article.text));
    let content = ContentHash::of(&article);
    (NewArticle { article, content, text_key, passages, boilerplate: Vec::new() }, vectors)
}

/// A store for more articles like those of another.
pub fn like(from: &Store, into: &Path) -> Result<Store, Failure> {
    let making = Making { model: from.model().clone(), passage_tokens: from.passage_tokens() };
    Ok(Store::open_to_write(into, &making)?)
}

/// A store of a few articles, to make more of: their titles and texts.
pub fn small(folder: &Path, texts: &[(String, String)]) -> Result<Store, Failure> {
    let model = ModelIdentity { id: "none".into(), reference: "none".into(), revision: "0".into(), dims: 8 };
    let mut store = Store::open_to_write(folder, &Making { model, passage_tokens: 180 })?;
    let mut random = Random(1);
    for (title, text) in texts {
        let mut passage = |field, text: &str| (field, text.to_owned(), turn(&[0.0; 8], TURN, &mut random));
        let passages = vec![passage(Field::Title, title), passage(Field::Body, text)];
        let (article, vectors) = written(Article { key: title.clone(), ..Article::default() }, passages);
        store.put(&[article], &vectors)?;
    }
    Ok(store)
}

/// Bytes of a file or of all files in a folder.
pub fn size(path: &Path) -> std::io::Result<u64> {
    if path.is_file() {
        return Ok(fs_err::metadata(path)?.len());
    }
    fs_err::read_dir(path)?.map(|entry| size(&entry?.path())).sum()
}
