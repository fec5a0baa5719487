//! A web page to an article: its main content, and what its head says about it.
//!
//! Menus and footers are left out where the content can be told from them; a page is never silently empty, since its
//! whole text is taken where it cannot.

use dom_smoothie::Readability;
use serde_json::{Map, Value};

use super::problem::{Reason, Remark};
use super::{date, fields, markup};
use crate::types::Article;

/// Reads a page; the key of the article stays empty.
pub(super) fn article(html: &str) -> Result<(Article, Vec<Remark>), Reason> {
    let mut page = markup::parse(html);
    let facts = linked_data(&page);
    let fact = |path: &[&str]| facts.as_ref().and_then(|facts| text_at(facts, path));
    let head = page.get_article_metadata(None);
    let heading = || Some(page.doc.select("h1").text().trim().to_owned());
    let title = [fact(&["headline"]), Some(head.title.clone()), heading()]
        .into_iter()
        .flatten()
        .map(|title| title.split_whitespace().collect::<Vec<_>>().join(" "))
        .find(|title| !title.is_empty());
    let dates = [
        attribute(&page, "meta[property='article:published_time' i]", "content"),
        fact(&["datePublished"]),
        attribute(&page, "meta[itemprop='datePublished' i]", "content"),
        attribute(&page, "meta[name='date' i], meta[name='dc.date' i], meta[name='dc.date.issued' i]", "content"),
        attribute(&page, "meta[name='dcterms.date' i], meta[name='dcterms.created' i]", "content"),
        attribute(&page, "meta[name='pubdate' i], meta[name='publish-date' i]", "content"),
        attribute(&page, "time[itemprop='datePublished' i], time[pubdate]", "datetime"),
        attribute(&page, "article time[datetime], time[datetime]", "datetime"),
    ];
    let mut dates = dates.into_iter().flatten().peekable();
    let first = dates.peek().cloned();
    let date = dates.find_map(|value| date::parse_date(&value));
    let url = attribute(&page, "link[rel='canonical' i]", "href")
        .or_else(|| attribute(&page, "meta[property='og:url' i]", "content"))
        .or_else(|| fact(&["url"]))
        .filter(|url| url.contains("://"));
    let source = attribute(&page, "meta[property='og:site_name' i]", "content")
        .or_else(|| fact(&["publisher", "name"]))
        .or_else(|| url.as_deref().and_then(fields::host));
    let language = attribute(&page, "html", "lang")
        .or_else(|| attribute(&page, "html", "xml:lang"))
        .or_else(|| fact(&["inLanguage"]))
        .and_then(|language| fields::language(&language));
    let mut metadata = Map::new();
    for (name, value) in [("author", &head.byline), ("description", &head.excerpt), ("modified", &head.modified_time)] {
        if let Some(value) = value {
            metadata.insert(name.into(), Value::String(value.clone()));
        }
    }
    let mut remarks = Vec::new();
    if let (None, Some(value)) = (date, &first) {
        remarks.push(Remark::BadDate { value: value.chars().take(80).collect() });
    }
    if let Some(value) = first {
        metadata.insert("date".into(), Value::String(value));
    }

    let mut repairs = fields::Repairs::default();
    let text = [content(&mut page), shown(html, true), shown(html, false)].into_iter().find(|text| !text.is_empty());
    let title = title.map(|title| repairs.ungarble(&title).unwrap_or(title));
    let text = text.or_else(|| title.clone()).ok_or(Reason::BlankPage)?;
    let text = repairs.ungarble(&text).unwrap_or(text);
    remarks.extend(repairs.remarks());
    Ok((Article { key: String::new(), title, date, url, source, language, text, metadata }, remarks))
}

/// The encoding that a page in an older encoding states in its first bytes.
pub(super) fn stated_encoding(html: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let head = &html[..html.len().min(4096)].to_ascii_lowercase();
    let at = head.windows(8).position(|window| window == b"charset=")? + 8;
    let label = head[at..].trim_ascii_start();
    let label = label.strip_prefix(b"\"").or_else(|| label.strip_prefix(b"'")).unwrap_or(label);
    let end = label.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':')))?;
    encoding_rs::Encoding::for_label(&label[..end])
        .filter(|encoding| encoding.is_ascii_compatible() && *encoding != encoding_rs::UTF_8)
}

/// The main content, empty where none stands out.
fn content(page: &mut Readability) -> String {
    match page.parse() {
        Ok(found) => markup::text_of(&markup::parse(&found.content), &markup::SILENT),
        Err(_) => String::new(),
    }
}

/// All that the page shows, with or without menus and the like.
fn shown(html: &str, bare: bool) -> String {
    let furniture: &[&str] = if bare { &markup::FURNITURE } else { &[] };
    markup::text_of(&markup::parse(html), &[&markup::SILENT, furniture].concat())
}

/// The first attribute that is there and not blank.
fn attribute(page: &Readability, selector: &str, name: &str) -> Option<String> {
    let found = page.doc.select(selector);
    let values = found.nodes().iter().filter_map(|node| node.attr(name));
    values.map(|value| value.trim().to_owned()).find(|value| !value.is_empty())
}

/// The first object of the page's JSON-LD that describes an article.
fn linked_data(page: &Readability) -> Option<Value> {
    let scripts = page.doc.select("script[type='application/ld+json' i]");
    for script in scripts.nodes() {
        let Ok(value) = serde_json::from_str::<Value>(script.text().trim()) else { continue };
        let listed = match value {
            Value::Array(values) => values,
            other => vec![other],
        };
        for mut value in listed {
            let inner = value.get_mut("@graph").map(Value::take);
            let inner = if let Some(Value::Array(values)) = inner { values } else { Vec::new() };
            if let Some(found) = std::iter::once(value).chain(inner).find(describes_article) {
                return Some(found);
            }
        }
    }
    None
}

fn describes_article(value: &Value) -> bool {
    let is_one = |kind: &str| kind.ends_with("Article") || kind.ends_with("Posting") || kind == "Report";
    match value.get("@type") {
        Some(Value::String(kind)) => is_one(kind),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).any(is_one),
        _ => false,
    }
}

fn text_at(value: &Value, path: &[&str]) -> Option<String> {
    let found = path.iter().try_fold(value, |value, name| value.get(name))?.as_str()?.trim();
    (!found.is_empty()).then(|| markup::field(found).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENTENCE: &str = "La mairie a rouvert mardi le pont de Besançon, où les piétons ont été invités à passer, selon \
        un communiqué publié dans la soirée, qui ne précise pas la durée des travaux.";

    fn news(head: &str) -> String {
        format!(
            "<!doctype html><html lang='fr-FR'><head><title>Titre de la page - Site</title>{head}</head><body>\
             <nav><ul><li><a href='/'>Accueil</a></li><li><a href='/m'>Menu du site</a></li></ul></nav>\
             <article><h1>Le titre</h1><p>{SENTENCE}</p><p>Second : {SENTENCE}</p></article>\
             <footer>Mentions légales</footer><script>var x = 'non';</script></body></html>"
        )
    }

    #[test]
    fn the_content_is_kept_and_the_menu_is_not() {
        let (a, remarks) = article(&news(
            "<meta property='article:published_time' content='2023-08-22T10:00:00Z'>\
            <link rel='canonical' href='https://www.exemple.fr/a'><meta property='og:site_name' content='Exemple'>",
        ))
        .unwrap();
        assert!(a.text.contains(&format!("{SENTENCE}\n\nSecond : {SENTENCE}")), "{}", a.text);
        for gone in ["Menu du site", "Mentions", "non"] {
            assert!(!a.text.contains(gone), "{gone}: {}", a.text);
        }
        assert_eq!((a.date.unwrap().to_string().as_str(), a.language.as_deref()), ("2023-08-22", Some("fr")));
        assert_eq!((a.source.as_deref(), a.url.as_deref()), (Some("Exemple"), Some("https://www.exemple.fr/a")));
        assert!(a.title.unwrap().contains("itre"));
        assert_eq!(remarks, []);
    }

    #[test]
    fn linked_data_is_read() {
        let head = r#"<script type="application/ld+json">{"@graph": [{"@type": "WebSite"}, {"@type": ["NewsArticle"],
            "headline": "L&#39;arrivée", "datePublished": "2016-11-28", "publisher": {"name": "RFI"}}]}</script>"#;
        let (a, _) = article(&news(head)).unwrap();
        assert_eq!((a.title.as_deref(), a.source.as_deref()), (Some("L'arrivée"), Some("RFI")));
        assert_eq!(a.date.unwrap().to_string(), "2016-11-28");
    }

    #[test]
    fn other_dates_are_looked_for_and_a_bad_one_is_said() {
        let (a, _) = article(&news("<meta name='DC.date' content='22 août 2023'>")).unwrap();
        assert_eq!(a.date.unwrap().to_string(), "2023-08-22");
        let (a, remarks) = article(&news("<meta name='date' content='2023-02-30'>")).unwrap();
        assert_eq!((a.date, remarks), (None, vec![Remark::BadDate { value: "2023-02-30".into() }]));
    }

    #[test]
    fn a_page_without_an_article_gives_its_text_and_an_empty_one_is_refused() {
        assert_eq!(article("<p>Bref.").unwrap().0.text, "Bref.");
        assert_eq!(article("<nav>Rien que le menu</nav>").unwrap().0.text, "Rien que le menu");
        assert!(matches!(article("<html><script>x</script></html>"), Err(Reason::BlankPage)));
        assert_eq!(article("<title>Seul</title>").unwrap().0.text, "Seul");
    }

    #[test]
    fn broken_pages_are_read_all_the_same() {
        for html in
            ["<", "<!", "<html", "<p><b><i>a", "</div></p>a", "<table><p>a", "<script type='application/ld+json'>{"]
        {
            let _ = article(html);
        }
        let deep = format!("<article>{}<p>{SENTENCE}</p>", "<div>".repeat(3000));
        assert!(article(&deep).unwrap().0.text.contains(SENTENCE));
    }

    #[test]
    fn the_stated_encoding_is_found() {
        assert_eq!(stated_encoding(b"<meta charset=\"ISO-8859-1\">"), Some(encoding_rs::WINDOWS_1252));
        assert_eq!(
            stated_encoding(b"<meta content='text/html; charset=windows-1256'>"),
            Some(encoding_rs::WINDOWS_1256)
        );
        assert_eq!((stated_encoding(b"<meta charset=utf-8>"), stated_encoding(b"charset=")), (None, None));
    }
}
