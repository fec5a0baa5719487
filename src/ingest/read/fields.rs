//! One record of named fields to one article: which field is what, in French and English, and what the body is.
//!
//! Nothing a record says is dropped: fields that are not understood become metadata, unchanged.

use serde_json::{Map, Value};

use super::problem::{Reason, Remark};
use super::{date, decode, markup};
use crate::types::Article;

/// Names of the fields that hold each part of an article. `None` means: guess among known names.
///
/// A name that is given is the only one that is looked at, in any case of letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldNames {
    /// The article's own name.
    pub id: Option<String>,
    /// Headline.
    pub title: Option<String>,
    /// Date of publication.
    pub date: Option<String>,
    /// Standfirst or summary, which goes before the text.
    pub lead: Option<String>,
    /// Body.
    pub text: Option<String>,
    /// Address on the web.
    pub url: Option<String>,
    /// Language code.
    pub language: Option<String>,
    /// Publisher or site.
    pub source: Option<String>,
}

/// A record as its file gives it, fields in order.
pub(super) type Record = Map<String, Value>;

// Known names, letters and digits alone, lower case, without accents; the first that is there wins.
const ID: &[&str] = &["id", "uid", "uuid", "guid", "docid", "articleid", "identifiant"];
const TITLE: &[&str] = &["title", "titre", "headline", "titrearticle", "articletitle"];
#[rustfmt::skip]
const DATE: &[&str] = &[
    "date", "datepublication", "datedepublication", "publicationdate", "datepublished", "publisheddate", "publishdate",
    "published", "publishedat", "publishedon", "publishedtime", "pubdate", "datepub", "datetime", "createdat",
    "datecreated", "created", "timestamp", "year", "annee",
];
const LEAD: &[&str] =
    &["lead", "chapo", "chapeau", "abstract", "standfirst", "resume", "summary", "description", "excerpt"];
#[rustfmt::skip]
const TEXT: &[&str] = &[
    "text", "texte", "fulltext", "articlebody", "maintext", "articletext", "body", "bodytext", "content", "contenu",
    "article", "corps",
];
const URL: &[&str] = &["url", "link", "lien", "permalink", "canonicalurl", "articleurl"];
const LANGUAGE: &[&str] = &["language", "lang", "langue", "inlanguage", "languagecode"];
const SOURCE: &[&str] =
    &["source", "site", "sitename", "sourcename", "publisher", "journal", "media", "newspaper", "editeur"];

/// Makes an article of a record; its key stays empty where the record has no id.
///
/// `body` is the text where it stands outside the record, under a front matter. The article's text is lead, blank line
/// and text; a lead that the text begins with is not doubled. A record with a title alone gives an article whose text
/// is that title: a dispatch of one line can be found too.
pub(super) fn article(
    mut record: Record,
    names: &FieldNames,
    body: Option<String>,
) -> Result<(Article, Vec<Remark>), Reason> {
    let mut remarks = Vec::new();
    let folded: Vec<(String, String)> = record.keys().map(|key| (simple(key), key.clone())).collect();
    let mut take = |role: &[&str], name: &Option<String>, read: fn(&Value) -> Option<String>| {
        let key = candidates(&folded, role, name).find(|key| record.get(*key).and_then(read).is_some())?;
        let value = record.get(key).and_then(read);
        // A publisher or id that is an object says more than its name: it stays.
        if !matches!(record.get(key), Some(Value::Object(_))) {
            record.shift_remove(key);
        }
        value
    };
    let id = take(ID, &names.id, identifier);
    let title = take(TITLE, &names.title, string);
    let url = take(URL, &names.url, string);
    let source = take(SOURCE, &names.source, name);
    let (lead, text) = match body {
        Some(body) => (take(LEAD, &names.lead, string), Some(body).filter(|body| !body.trim().is_empty())),
        None => {
            let text = take(TEXT, &names.text, prose);
            (take(LEAD, &names.lead, prose), text)
        }
    };
    let date = take_date(&mut record, &folded, &names.date, &mut remarks);
    let language = take_language(&mut record, &folded, &names.language);

    let mut repaired = Repairs::default();
    let title = title.map(|title| repaired.clean(&title).trim().to_owned());
    let lead = lead.map(|lead| repaired.clean(&lead));
    let text = text.map(|text| repaired.clean(&text)).filter(|text| !text.trim().is_empty());
    remarks.extend(repaired.remarks());
    let text = match (lead, text) {
        (Some(lead), Some(text)) if begins_with(&text, &lead) => text,
        (Some(lead), Some(text)) => format!("{}\n\n{text}", lead.trim_end()),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => match &title {
            Some(title) => title.clone(),
            None => {
                let fields = folded.into_iter().map(|(_, key)| key).collect::<Vec<_>>();
                return Err(Reason::NoText { fields: listed(&fields) });
            }
        },
    };
    let source = source.map(|source| source.trim().to_owned()).or_else(|| url.as_deref().and_then(host));
    let url = url.map(|url| url.trim().to_owned());
    let key = id.unwrap_or_default();
    Ok((Article { key, title, date, url, source, language, text, metadata: record }, remarks))
}

/// Whether one of the columns is text, lead or title: what tells a table from prose with commas.
pub(super) fn has_words(columns: &[String], names: &FieldNames) -> bool {
    let folded: Vec<(String, String)> = columns.iter().map(|name| (simple(name), name.clone())).collect();
    [(TEXT, &names.text), (LEAD, &names.lead), (TITLE, &names.title)]
        .into_iter()
        .any(|(role, name)| candidates(&folded, role, name).next().is_some())
}

/// Names for a message: with commas, cut where there are too many.
pub(super) fn listed(names: &[String]) -> String {
    let mut list = names.iter().take(20).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > 20 {
        list.push_str(", …");
    }
    if list.is_empty() { "(none)".into() } else { list.chars().take(400).collect() }
}

/// The keys that may hold a role, best first. `folded`: (simple form, key).
fn candidates<'a>(
    folded: &'a [(String, String)],
    role: &'a [&str],
    name: &'a Option<String>,
) -> impl Iterator<Item = &'a str> {
    let given = name.iter().flat_map(|name| {
        let exact = folded.iter().filter(move |(_, key)| key == name);
        exact.chain(folded.iter().filter(move |(_, key)| key != name && key.to_lowercase() == name.to_lowercase()))
    });
    let known = if name.is_some() { &[][..] } else { role };
    let guessed = known.iter().flat_map(|known| folded.iter().filter(move |(form, _)| form == known));
    given.chain(guessed).map(|(_, key)| key.as_str())
}

/// A name as it is compared: `Date de publication` and `date_de_publication` are one.
fn simple(name: &str) -> String {
    date::fold(name).chars().filter(|c| c.is_alphanumeric()).collect()
}

fn string(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// Text, or paragraphs in an array.
fn prose(value: &Value) -> Option<String> {
    let Value::Array(paragraphs) = value else { return string(value) };
    let paragraphs: Option<Vec<&str>> = paragraphs.iter().map(Value::as_str).collect();
    paragraphs.map(|paragraphs| paragraphs.join("\n\n")).filter(|text| !text.trim().is_empty())
}

/// A string, a number, or what MongoDB writes around them.
fn identifier(value: &Value) -> Option<String> {
    match value {
        Value::String(_) => string(value).map(|id| id.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(object) => object.get("$oid").or_else(|| object.get("$date")).and_then(|inner| match inner {
            Value::Object(object) => object.get("$numberLong").and_then(string),
            other => scalar(other),
        }),
        _ => None,
    }
}

fn scalar(value: &Value) -> Option<String> {
    if let Value::Number(number) = value { Some(number.to_string()) } else { string(value) }
}

/// A name, or an object that has one.
fn name(value: &Value) -> Option<String> {
    value.get("name").map_or_else(|| string(value), string)
}

/// The first date field that can be read. The field stays in the metadata where it says more than the date.
fn take_date(
    record: &mut Record,
    folded: &[(String, String)],
    name: &Option<String>,
    remarks: &mut Vec<Remark>,
) -> Option<crate::types::PartialDate> {
    let mut bad = None;
    for key in candidates(folded, DATE, name) {
        let Some(value) = record.get(key).and_then(identifier) else { continue };
        match date::parse_date(&value) {
            Some(date) => {
                if value == date.to_string() {
                    record.shift_remove(key);
                }
                return Some(date);
            }
            None => bad = bad.or(Some(value)),
        }
    }
    remarks.extend(bad.map(|value| Remark::BadDate { value: value.chars().take(80).collect() }));
    None
}

/// The language, taken where it is understood.
fn take_language(record: &mut Record, folded: &[(String, String)], name: &Option<String>) -> Option<String> {
    let (key, code) = candidates(folded, LANGUAGE, name)
        .find_map(|key| Some((key, record.get(key).and_then(Value::as_str).and_then(language)?)))?;
    if record.get(key).and_then(Value::as_str) == Some(code.as_str()) {
        record.shift_remove(key);
    }
    Some(code)
}

/// The ISO 639-1 code that a text names: `fr`, `fr-FR`, `fra`, `français`.
pub(super) fn language(text: &str) -> Option<String> {
    let folded = date::fold(text.trim());
    let code = match folded.as_str() {
        "fra" | "fre" | "french" | "francais" => "fr",
        "eng" | "english" | "anglais" => "en",
        "deu" | "ger" | "german" | "allemand" | "deutsch" => "de",
        "spa" | "spanish" | "espagnol" | "espanol" => "es",
        "ita" | "italian" | "italien" | "italiano" => "it",
        "ara" | "arabic" | "arabe" => "ar",
        other => other.split(['-', '_']).next().unwrap_or_default(),
    };
    (code.len() == 2 && code.bytes().all(|b| b.is_ascii_lowercase())).then(|| code.to_owned())
}

/// The host of an address, without `www.`.
pub(super) fn host(url: &str) -> Option<String> {
    let (scheme, rest) = url.trim().split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?.to_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    (!scheme.is_empty() && host.contains('.') && !host.contains(char::is_whitespace)).then(|| host.to_owned())
}

/// Whether a text begins with the words of its lead; dots at the end of the lead stand for a cut.
fn begins_with(text: &str, lead: &str) -> bool {
    let lead = lead.trim().trim_end_matches(['.', '…', ']', '[', ' ']);
    let mut letters = text.chars().filter(|c| !c.is_whitespace());
    lead.chars().filter(|c| !c.is_whitespace()).all(|c| letters.next() == Some(c))
}

/// Cleans texts of one article and adds up what was done.
#[derive(Default)]
pub(super) struct Repairs {
    repaired: u64,
    left: u64,
}

impl Repairs {
    /// Turns HTML into text and garbled UTF-8 into what it was.
    pub(super) fn clean(&mut self, text: &str) -> String {
        let plain = markup::field(text);
        self.ungarble(&plain).unwrap_or_else(|| plain.into_owned())
    }

    /// Turns garbled UTF-8 into what it was; `None` where it was right.
    pub(super) fn ungarble(&mut self, text: &str) -> Option<String> {
        let repair = decode::repair(text);
        self.repaired += repair.repaired;
        self.left += repair.left;
        repair.text
    }

    /// What to tell people.
    pub(super) fn remarks(&self) -> impl Iterator<Item = Remark> {
        let repaired = (self.repaired > 0).then_some(Remark::Repaired { count: self.repaired });
        repaired.into_iter().chain((self.left > 0).then_some(Remark::Garbled { count: self.left }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> (Article, Vec<Remark>) {
        let Value::Object(record) = value else { panic!("an object") };
        article(record, &FieldNames::default(), None).unwrap()
    }

    #[test]
    fn french_and_english_names_are_known_in_any_case() {
        let (a, remarks) = read(json!({
            "Identifiant": 12, "TITRE": "T", "Chapô": "C.", "Corps": "B.", "Date de publication": "22/08/2023",
            "Lien": "https://www.exemple.fr/a?b", "langue": "fr-FR", "rubrique": "monde", "n": 3
        }));
        assert_eq!((a.key.as_str(), a.title.as_deref(), a.text.as_str()), ("12", Some("T"), "C.\n\nB."));
        assert_eq!((a.source.as_deref(), a.language.as_deref()), (Some("exemple.fr"), Some("fr")));
        assert_eq!(a.date.unwrap().to_string(), "2023-08-22");
        assert_eq!(
            Value::Object(a.metadata),
            json!({
                "Date de publication": "22/08/2023", "langue": "fr-FR", "rubrique": "monde", "n": 3
            })
        );
        assert_eq!(remarks, []);
    }

    #[test]
    fn a_given_name_is_the_only_one() {
        let Value::Object(record) = json!({"text": "non", "Dépêche": "oui"}) else { panic!() };
        let names = FieldNames { text: Some("dépêche".into()), ..FieldNames::default() };
        let (a, _) = article(record.clone(), &names, None).unwrap();
        assert_eq!((a.text.as_str(), &a.metadata["text"]), ("oui", &json!("non")));
        let names = FieldNames { text: Some("autre".into()), ..FieldNames::default() };
        let refused = article(record, &names, None).unwrap_err().to_string();
        assert!(refused.contains("text, Dépêche"), "{refused}");
    }

    #[test]
    fn a_lead_is_not_doubled() {
        assert_eq!(read(json!({"lead": "Un début…", "text": "Un  début\nlong."})).0.text, "Un  début\nlong.");
        assert_eq!(read(json!({"lead": "Un", "text": "Autre"})).0.text, "Un\n\nAutre");
        assert_eq!(read(json!({"lead": "Un", "text": ""})).0.text, "Un");
    }

    #[test]
    fn a_title_alone_is_an_article_and_nothing_is_none() {
        assert_eq!(read(json!({"title": " Brève ", "text": null})).0.text, "Brève");
        let Value::Object(record) = json!({"text": " \n", "n": 1}) else { panic!() };
        assert!(matches!(article(record, &FieldNames::default(), None), Err(Reason::NoText { .. })));
    }

    #[test]
    fn a_date_that_is_none_is_noted_and_kept_as_metadata() {
        let (a, remarks) = read(json!({"text": "x", "date": "2023-02-30"}));
        assert_eq!((a.date, &a.metadata["date"]), (None, &json!("2023-02-30")));
        assert_eq!(remarks, [Remark::BadDate { value: "2023-02-30".into() }]);
        let (a, remarks) = read(json!({"text": "x", "date": "", "published": true, "year": 2021}));
        assert_eq!((a.date.unwrap().to_string().as_str(), remarks.len()), ("2021", 0));
        assert_eq!(
            read(json!({"text": "x", "created_at": 1692698400123_u64})).0.date.unwrap().to_string(),
            "2023-08-22"
        );
    }

    #[test]
    fn html_and_garbled_text_become_text() {
        let (a, remarks) = read(json!({"title": "L&rsquo;Ã©tÃ©", "body": "<p>Un</p><p>Deux</p>"}));
        assert_eq!((a.title.as_deref(), a.text.as_str()), (Some("L’été"), "Un\n\nDeux"));
        assert_eq!(remarks, [Remark::Repaired { count: 2 }]);
    }

    #[test]
    fn objects_and_arrays_are_read_where_they_are_usual() {
        let (a, _) = read(json!({
            "_id": {"$oid": "5f"}, "source": {"name": "Le Monde", "id": 3}, "text": ["Un", "Deux"], "title": {"fr": "T"}
        }));
        assert_eq!((a.key.as_str(), a.source.as_deref(), a.text.as_str()), ("5f", Some("Le Monde"), "Un\n\nDeux"));
        assert_eq!(a.title, None);
        assert_eq!(a.metadata["source"], json!({"name": "Le Monde", "id": 3}));
    }

    #[test]
    fn hosts_and_languages() {
        assert_eq!(host("https://u@www.RFI.fr:443/a").as_deref(), Some("rfi.fr"));
        assert_eq!((host("rfi.fr/a"), host("http://"), host("://a.b")), (None, None, None));
        assert_eq!((language("Français").as_deref(), language("en_US").as_deref()), (Some("fr"), Some("en")));
        assert_eq!((language("klingon"), language("")), (None, None));
    }
}
