//! The files that tasks read: tab-separated pairs, parallel lines, and passages with queries.
//!
//! | what | files |
//! | --- | --- |
//! | pairs with a score or a label | `.tsv`: two texts and a number, tab-separated; `.jsonl`: `sentence1`, `sentence2`, `score` or `label` |
//! | parallel texts | one `.tsv` with a text and its translation a line, or two files with a text a line |
//! | passages | `.jsonl`: `pid` (or `_id`, `id`), `text`, and `title` if there is one |
//! | queries | `.jsonl`: `query` (or `text`), and `pid` or `relevant`: the passages that answer; `kind` if there are several |
//! | judgements | BEIR's `.tsv`: query id, passage id, score (0: not relevant), with its line of names |
//! | names | `.tsv`: a name a line, its spellings tab-separated |
//! | near-duplicates | `.tsv` with names: two ids, then columns of similarities |
//!
//! These are the layouts of STS and pair-classification sets, and of BEIR and MTEB retrieval sets (`corpus.jsonl`,
//! `queries.jsonl`, `qrels/test.tsv`), with the shorter one in which queries name their passages themselves.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::EvalError;

/// Two texts, and what is said of them.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredPair {
    /// One text.
    pub a: String,
    /// The other.
    pub b: String,
    /// A grade, or 0 and 1 for a label.
    pub score: f64,
}

/// A text and its translation.
#[derive(Clone, Debug, PartialEq)]
pub struct Translation {
    /// In one language.
    pub a: String,
    /// In the other.
    pub b: String,
}

/// A passage to be found.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its name in the data set.
    pub id: String,
    /// Its title, where it has one.
    pub title: Option<String>,
    /// Its text.
    pub text: String,
}

/// A question with its answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The question.
    pub text: String,
    /// The kind of question, where a data set has several.
    pub kind: Option<String>,
    /// Gains of the passages that answer, by their ids; none is 0.
    pub relevant: HashMap<String, u32>,
    /// The passage of the same id, if a judged question is itself a passage: BEIR does not count it as found.
    pub own: Option<String>,
}

/// Passages and questions about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Collection {
    /// The passages.
    pub documents: Vec<Document>,
    /// The questions: each has a relevant passage among the documents.
    pub questions: Vec<Question>,
    /// Queries that were left out because no judgement names them.
    pub unjudged: usize,
}

/// Two articles that are said to be alike.
#[derive(Clone, Debug, PartialEq)]
pub struct TruePair {
    /// The id of one.
    pub a: String,
    /// The id of the other.
    pub b: String,
    /// Their similarity.
    pub similarity: f64,
}

/// The numbered lines of a file that are not blank, without a byte-order mark.
pub(super) struct Lines<'a> {
    path: &'a Path,
    text: String,
}

impl<'a> Lines<'a> {
    pub(super) fn read(path: &'a Path) -> Result<Self, EvalError> {
        let mut text = fs_err::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => EvalError::Data {
                path: path.to_owned(),
                what: "is no UTF-8 text: convert it, or unpack it if it is compressed".to_owned(),
            },
            _ => error.into(),
        })?;
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Ok(Self { path, text })
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.trim().is_empty())
    }

    pub(super) fn wrong(&self, line: usize, what: impl Into<String>) -> EvalError {
        EvalError::Line { path: self.path.to_owned(), line, what: what.into() }
    }

    /// The objects of JSON Lines.
    pub(super) fn objects(&self) -> impl Iterator<Item = Result<(usize, Value), EvalError>> {
        self.iter().map(|(line, text)| match serde_json::from_str(text) {
            Ok(value @ Value::Object(_)) => Ok((line, value)),
            Ok(_) => Err(self.wrong(line, "is no JSON object")),
            Err(error) => Err(self.wrong(line, format!("is no JSON object: {error}"))),
        })
    }

    /// At least one, or the file is no data set.
    fn some<T>(&self, items: Vec<T>, what: &str) -> Result<Vec<T>, EvalError> {
        if items.is_empty() {
            return Err(EvalError::Data { path: self.path.to_owned(), what: format!("holds no {what}") });
        }
        Ok(items)
    }
}

fn is_jsonl(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "jsonl" || kind == "json")
}

/// Whether a field of a first line is what data sets call their column of numbers.
fn is_name(field: &str) -> bool {
    const NAMES: [&str; 8] =
        ["score", "label", "similarity", "similarity_score", "gold", "grade", "relevance", "relatedness"];
    NAMES.contains(&field.to_lowercase().as_str())
}

/// The first of the named fields that is a string or a number, as text.
fn named<'v>(value: &'v Value, names: &[&str]) -> Option<std::borrow::Cow<'v, str>> {
    names.iter().find_map(|name| id(value.get(name)?))
}

/// A string or a number as text.
fn id(value: &Value) -> Option<std::borrow::Cow<'_, str>> {
    match value {
        Value::String(text) => Some(text.into()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// Reads pairs with a score or a label.
///
/// # Errors
/// When the file cannot be read, holds no pair, or a line is no pair.
pub fn scored_pairs(path: &Path) -> Result<Vec<ScoredPair>, EvalError> {
    let lines = Lines::read(path)?;
    let mut pairs = Vec::new();
    if is_jsonl(path) {
        for object in lines.objects() {
            let (line, object) = object?;
            let text = |name| object.get(name).and_then(Value::as_str).map(str::to_owned);
            let score = ["score", "label"].iter().find_map(|name| object.get(name)?.as_f64());
            match (text("sentence1"), text("sentence2"), score) {
                (Some(a), Some(b), Some(score)) if !a.trim().is_empty() && !b.trim().is_empty() => {
                    pairs.push(ScoredPair { a, b, score });
                }
                _ => return Err(lines.wrong(line, "expected sentence1, sentence2, and a number as score or label")),
            }
        }
    } else {
        for (line, text) in lines.iter() {
            let mut fields = text.split('\t');
            let mut text = || fields.next().map(str::trim).filter(|field| !field.is_empty());
            let (a, b, score) = (text(), text(), text());
            match (a, b, score.map(str::parse::<f64>)) {
                (Some(a), Some(b), Some(Ok(score))) if score.is_finite() => {
                    pairs.push(ScoredPair { a: a.to_owned(), b: b.to_owned(), score });
                }
                _ if line == 1 && score.is_some_and(is_name) => {}
                _ => return Err(lines.wrong(line, "expected two texts and a number (such as 4.5), separated by tabs")),
            }
        }
    }
    lines.some(pairs, "pair")
}

/// Reads a text and its translation from each line of one tab-separated file; further columns are passed over.
///
/// # Errors
/// When the file cannot be read, or a line has no two texts.
pub fn translations(path: &Path) -> Result<Vec<Translation>, EvalError> {
    let lines = Lines::read(path)?;
    let pairs = lines
        .iter()
        .map(|(line, text)| match text.split('\t').map(str::trim).collect::<Vec<_>>()[..] {
            [a, b, ..] if !a.is_empty() && !b.is_empty() => Ok(Translation { a: a.to_owned(), b: b.to_owned() }),
            _ => Err(lines.wrong(line, "expected a text and its translation, separated by a tab")),
        })
        .collect::<Result<Vec<_>, _>>()?;
    lines.some(pairs, "pair")
}

/// Reads a text and its translation from the same line of two files.
///
/// # Errors
/// When a file cannot be read, or they do not have the same lines.
pub fn parallel(a: &Path, b: &Path) -> Result<Vec<Translation>, EvalError> {
    let (first, second) = (Lines::read(a)?, Lines::read(b)?);
    let (mut left, mut right) = (first.iter(), second.iter());
    let mut pairs = Vec::new();
    loop {
        match (left.next(), right.next()) {
            (None, None) => return first.some(pairs, "text"),
            (Some((at, text)), Some((other, translation))) if at == other => {
                pairs.push(Translation { a: text.trim().to_owned(), b: translation.trim().to_owned() });
            }
            (one, other) => {
                // The earlier line is the one without a counterpart.
                let line = |next: Option<(usize, &str)>| next.map_or(usize::MAX, |(line, _)| line);
                let (one, other) = (line(one), line(other));
                return Err(if one < other {
                    first.wrong(one, format!("has no counterpart in {}", b.display()))
                } else {
                    second.wrong(other, format!("has no counterpart in {}", a.display()))
                });
            }
        }
    }
}

/// Reads names: the number of its line and the spellings of each, two at least.
///
/// # Errors
/// When the file cannot be read, holds none, or a line has one spelling only or one twice.
pub fn spellings(path: &Path) -> Result<Vec<(usize, Vec<String>)>, EvalError> {
    let lines = Lines::read(path)?;
    let names = lines
        .iter()
        .map(|(line, text)| {
            let fields = text.split('\t').map(str::trim).filter(|field| !field.is_empty());
            let spellings: Vec<String> = fields.map(str::to_owned).collect();
            let twice = spellings.iter().enumerate().find(|(place, spelling)| spellings[..*place].contains(spelling));
            match (spellings.len(), twice) {
                (0 | 1, _) => Err(lines.wrong(line, "expected two or more spellings of one name, separated by tabs")),
                (_, Some((_, spelling))) => Err(lines.wrong(line, format!("has the spelling {spelling} twice"))),
                (_, None) => Ok((line, spellings)),
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    lines.some(names, "name")
}

/// Reads passages.
///
/// # Errors
/// When the file cannot be read, holds none, a line is none, or an id comes twice.
pub fn documents(path: &Path) -> Result<Vec<Document>, EvalError> {
    let lines = Lines::read(path)?;
    let mut documents = Vec::new();
    let mut seen = HashMap::new();
    for object in lines.objects() {
        let (line, object) = object?;
        let id = named(&object, &["pid", "_id", "id"]).ok_or_else(|| lines.wrong(line, "has no pid, _id or id"))?;
        if let Some(earlier) = seen.insert(id.to_string(), line) {
            return Err(lines.wrong(line, format!("the passage {id} is already in line {earlier}")));
        }
        let text = object.get("text").and_then(Value::as_str).ok_or_else(|| lines.wrong(line, "has no text"))?;
        let title = object.get("title").and_then(Value::as_str).filter(|title| !title.trim().is_empty());
        documents.push(Document { id: id.into_owned(), title: title.map(str::to_owned), text: text.to_owned() });
    }
    lines.some(documents, "passage")
}

/// Reads passages, queries, and which answers which: from the queries themselves, or from a file of judgements, which then
/// also says which of the queries are meant.
///
/// # Errors
/// When a file cannot be read or a line is not what it should be; when a query has no relevant passage among the
/// passages; when a judgement names a query that is not there.
pub fn collection(passages: &Path, queries: &Path, judgements: Option<&Path>) -> Result<Collection, EvalError> {
    let documents = documents(passages)?;
    let known: std::collections::HashSet<&str> = documents.iter().map(|document| document.id.as_str()).collect();
    let mut judged = judgements.map(self::judgements).transpose()?;
    let lines = Lines::read(queries)?;
    let (mut questions, mut unjudged) = (Vec::new(), 0);
    let mut seen = HashMap::new();
    for object in lines.objects() {
        let (line, object) = object?;
        let text = object.get("query").or_else(|| object.get("text")).and_then(Value::as_str);
        let text = text
            .filter(|text| !text.trim().is_empty())
            .ok_or_else(|| lines.wrong(line, "has no query (or text), or an empty one"))?;
        let mut own = None;
        let relevant = match &mut judged {
            Some(judged) => {
                let id = named(&object, &["qid", "_id", "id"])
                    .ok_or_else(|| lines.wrong(line, "has no qid, _id or id for the judgements to name"))?;
                if let Some(earlier) = seen.insert(id.to_string(), line) {
                    return Err(lines.wrong(line, format!("the query {id} is already in line {earlier}")));
                }
                own = known.contains(id.as_ref()).then(|| id.to_string());
                match judged.remove(id.as_ref()) {
                    Some(relevant) => relevant,
                    // A file of queries may serve several files of judgements.
                    None => {
                        unjudged += 1;
                        continue;
                    }
                }
            }
            None => answers(&object).ok_or_else(|| {
                lines.wrong(
                    line,
                    "names no passage: expected pid, or relevant: [pid, …], or a file of judgements (--qrels)",
                )
            })?,
        };
        if !relevant.keys().any(|id| known.contains(id.as_str())) {
            return Err(lines.wrong(
                line,
                format!(
                    "the query \"{text}\" has no relevant passage in {}: leave it out or add one",
                    passages.display()
                ),
            ));
        }
        let kind = object.get("kind").and_then(Value::as_str).map(str::to_owned);
        questions.push(Question { text: text.to_owned(), kind, relevant, own });
    }
    if let (Some(path), Some(id)) = (judgements, judged.and_then(|left| left.into_keys().min())) {
        let what = format!("judges the query {id}, which {} does not have", queries.display());
        return Err(EvalError::Data { path: path.to_owned(), what });
    }
    let questions = lines.some(questions, "query")?;
    Ok(Collection { documents, questions, unjudged })
}

/// The passages that a query names itself.
fn answers(query: &Value) -> Option<HashMap<String, u32>> {
    let named = |value: &Value| id(value).map(|id| (id.into_owned(), 1));
    match (query.get("relevant"), query.get("pid")) {
        (Some(Value::Array(ids)), _) => ids.iter().map(named).collect(),
        (None, Some(one)) => named(one).map(|pair| HashMap::from([pair])),
        _ => None,
    }
}

/// Gains by query and passage; those of 0 are left out, and a query that has no other stays with none.
fn judgements(path: &Path) -> Result<HashMap<String, HashMap<String, u32>>, EvalError> {
    let lines = Lines::read(path)?;
    let mut judged: HashMap<String, HashMap<String, u32>> = HashMap::new();
    for (line, text) in lines.iter() {
        match text.split('\t').map(str::trim).collect::<Vec<_>>()[..] {
            [query, passage, gain] => match gain.parse::<i32>() {
                Ok(gain) => {
                    let gains = judged.entry(query.to_owned()).or_default();
                    // Nothing and less than nothing are not relevant.
                    if let Ok(gain @ 1..) = u32::try_from(gain) {
                        gains.insert(passage.to_owned(), gain);
                    }
                }
                Err(_) if line == 1 && is_name(gain) => {}
                Err(_) => return Err(lines.wrong(line, format!("\"{gain}\" is no whole number"))),
            },
            _ => {
                return Err(
                    lines.wrong(line, "expected query id, passage id and score, separated by tabs, as BEIR has them")
                );
            }
        }
    }
    Ok(judged)
}

/// Reads pairs of articles: two ids, and the similarity in the column whose name begins with `column`.
///
/// # Errors
/// When the file cannot be read, has no such column, or a line is no pair.
pub fn true_pairs(path: &Path, column: &str) -> Result<Vec<TruePair>, EvalError> {
    let lines = Lines::read(path)?;
    let mut rows = lines.iter();
    let names: Vec<&str> = rows.next().map(|(_, names)| names.split('\t').map(str::trim).collect()).unwrap_or_default();
    let Some(at) = names.iter().position(|name| name.starts_with(column)) else {
        return Err(lines.wrong(1, format!("names no column \"{column}…\": expected id1, id2, {column}, …")));
    };
    let pairs = rows
        .map(|(line, text)| {
            let fields: Vec<&str> = text.split('\t').map(str::trim).collect();
            let similarity = fields.get(at).and_then(|similarity| similarity.parse::<f64>().ok());
            let similarity = similarity.filter(|similarity| similarity.is_finite());
            match (fields.as_slice(), similarity) {
                ([a, b, ..], Some(similarity)) if at >= 2 => {
                    Ok(TruePair { a: (*a).to_owned(), b: (*b).to_owned(), similarity })
                }
                _ => Err(lines.wrong(line, format!("expected two ids and a number as {}", names[at]))),
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    lines.some(pairs, "pair")
}
