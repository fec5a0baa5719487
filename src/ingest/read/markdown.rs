//! Markdown to an article: the fields of its front matter, its first heading, and its body as it is written.
//!
//! Of YAML only `key: value` is read; the lines of a nested value are kept together as text in the metadata.

use serde_json::Value;

use super::fields::{self, FieldNames, Record};
use super::problem::{Reason, Remark};
use crate::types::Article;

/// Reads a text; the key of the article stays empty where the front matter has no id.
pub(super) fn article(text: &str, names: &FieldNames) -> Result<(Article, Vec<Remark>), Reason> {
    if text.trim().is_empty() {
        return Err(Reason::Empty);
    }
    let (record, body) = front_matter(text).unwrap_or_else(|| (Record::new(), text));
    let mut repairs = fields::Repairs::default();
    let body = repairs.ungarble(body).unwrap_or_else(|| body.to_owned());
    let title = heading(&body);
    // A file whose body is blank is an article still if its front matter has a title: `fields` decides.
    let (mut article, mut remarks) = if record.is_empty() {
        (Article { text: body, ..Article::default() }, Vec::new())
    } else {
        fields::article(record, names, Some(body))?
    };
    article.title = article.title.or(title);
    remarks.extend(repairs.remarks());
    Ok((article, remarks))
}

/// The fields between two `---` lines at the start, and the text after them; `None` where they are not there.
fn front_matter(text: &str) -> Option<(Record, &str)> {
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().filter(|line| line.trim_end() == "---")?;
    let mut at = first.len();
    let mut record = Record::new();
    let mut current: Option<String> = None;
    for line in lines {
        at += line.len();
        let bare = line.trim_end();
        if bare == "---" || bare == "..." {
            return Some((record, text[at..].trim_start_matches(['\r', '\n'])));
        }
        let nested = line.starts_with([' ', '\t', '-']);
        match bare.split_once(':').filter(|(key, _)| !nested && !key.is_empty() && !key.starts_with('#')) {
            Some((key, value)) => {
                let key = key.trim().trim_matches(['"', '\'']).to_owned();
                record.insert(key.clone(), Value::String(scalar(value)));
                current = Some(key);
            }
            None => append(&mut record, current.as_deref(), bare),
        }
    }
    None
}

/// Adds a line to the value of a field that goes on over several.
fn append(record: &mut Record, key: Option<&str>, line: &str) {
    if let Some(Value::String(value)) = key.and_then(|key| record.get_mut(key)) {
        let line = line.trim();
        if matches!(value.as_str(), "|" | ">" | "|-" | ">-") {
            value.clear();
        }
        if !value.is_empty() && !line.is_empty() {
            value.push('\n');
        }
        value.push_str(line);
    }
}

/// A value without its quotes or the comment after it.
fn scalar(value: &str) -> String {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some((inner, _)) = value.strip_prefix(quote).and_then(|rest| rest.rsplit_once(quote)) {
            return if quote == '"' { inner.replace("\\\"", "\"") } else { inner.replace("''", "'") };
        }
    }
    value.split(" #").next().unwrap_or_default().trim_end().to_owned()
}

/// The first heading of the first level, outside code.
fn heading(text: &str) -> Option<String> {
    let mut fenced = false;
    for line in text.lines() {
        if line.starts_with("```") || line.starts_with("~~~") {
            fenced = !fenced;
        }
        if let Some(title) = line.strip_prefix("# ").filter(|_| !fenced) {
            let title = title.trim().trim_end_matches('#').trim_end();
            return (!title.is_empty()).then(|| title.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Article {
        article(text, &FieldNames::default()).unwrap().0
    }

    #[test]
    fn front_matter_gives_fields_and_the_body_is_kept() {
        let a = read(
            "---\ntitle: \"Un titre: le mien\"\ndate: 2023-08-22 # hier\ntags:\n  - a\n  - b\nlang: fr\n---\n\n\
             # Autre\n\nUn *mot*.\n",
        );
        assert_eq!((a.title.as_deref(), a.language.as_deref()), (Some("Un titre: le mien"), Some("fr")));
        assert_eq!((a.date.unwrap().to_string().as_str(), a.text.as_str()), ("2023-08-22", "# Autre\n\nUn *mot*.\n"));
        assert_eq!(a.metadata["tags"], "- a\n- b");
    }

    #[test]
    fn the_first_heading_is_the_title() {
        let text = "Intro\n\n```\n# code\n```\n# Le titre #\n\nTexte & <b>gras</b>";
        let a = read(text);
        assert_eq!((a.title.as_deref(), a.text.as_str()), (Some("Le titre"), text));
    }

    #[test]
    fn a_rule_is_no_front_matter() {
        let text = "---\nUn texte: sans fin";
        assert_eq!((read(text).text.as_str(), read(text).title), (text, None));
    }

    #[test]
    fn a_lead_goes_before_the_body_and_a_title_alone_is_enough() {
        assert_eq!(read("---\r\nsummary: >\r\n  Un\r\n  deux\r\n---\r\nCorps").text, "Un\ndeux\n\nCorps");
        assert_eq!(read("---\ntitle: Seul\n---\n").text, "Seul");
        assert!(article("---\ndate: 2023\n---\n", &FieldNames::default()).is_err());
        assert!(matches!(article(" \n", &FieldNames::default()), Err(Reason::Empty)));
    }
}
