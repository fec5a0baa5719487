//! HTML to plain text: paragraphs apart, white space as a browser shows it, scripts and styles left out.
//!
//! What a page's main content is, is decided in [`page`](super::page). The parser of `dom_smoothie` does the reading.

use std::borrow::Cow;
use std::sync::LazyLock;

use dom_smoothie::{Config, Readability};
use regex::Regex;

/// Elements that are no text.
pub(super) const SILENT: [&str; 12] = [
    "script", "style", "noscript", "template", "head", "iframe", "svg", "object", "select", "textarea", "button",
    "title",
];

/// Elements that are about the site rather than the article.
pub(super) const FURNITURE: [&str; 4] = ["nav", "footer", "aside", "form"];

/// A closing tag, or an opening one that nobody writes in running text.
static TAG: LazyLock<Regex> = LazyLock::new(|| {
    let any = "p|div|span|a|em|strong|b|i|u|ul|ol|li|h[1-6]|figure|figcaption|blockquote|table|section|article|sup|sub";
    constant(&format!(r"(?i)</(?:{any})\s*>|<(?:p|br|div|img|hr|li)(?:\s[^<>]*)?/?>"))
});

/// A tag that starts a new line.
static BLOCK: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?i)</?(?:p|br|div|li|ul|ol|h[1-6]|table|section|article|blockquote|figure)[\s/>]"));

/// A character reference that is complete.
static ENTITY: LazyLock<Regex> =
    LazyLock::new(|| constant("&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});"));

/// Any tag: its slash and its name.
static ANY_TAG: LazyLock<Regex> = LazyLock::new(|| constant("<(/?)([a-zA-Z][a-zA-Z0-9]*)[^<>]*>"));

/// Elements that hold no elements of their kind, so that any number of them is no depth.
const SHALLOW: [&str; 23] = [
    "html", "head", "body", "title", "meta", "link", "base", "script", "style", "p", "br", "hr", "img", "input",
    "source", "wbr", "col", "area", "embed", "track", "param", "option", "h1",
];

/// Nesting beyond which a page is flattened: the parser's time grows with its square.
const DEPTH: usize = 400;

fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| unreachable!("a constant pattern: {error}"))
}

/// Parses a page. Its JSON-LD is read by [`page`](super::page), not by the parser.
pub(super) fn parse(html: &str) -> Readability {
    // News in brief are shorter than the 500 characters below which the parser would keep menus to find more text;
    // pages of more than 100,000 elements are not searched for their content: that takes minutes.
    let config =
        Config { char_threshold: 150, max_elements_to_parse: 100_000, disable_json_ld: true, ..Config::default() };
    let mut page = if depth(html) > DEPTH { Readability::from(flatten(html)) } else { Readability::from(html) };
    page.config = config;
    page
}

/// How deep elements are nested at most, roughly: elements that need no end are not counted.
fn depth(html: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for tag in ANY_TAG.captures_iter(html) {
        if &tag[1] == "/" {
            depth = depth.saturating_sub(1);
        } else if !SHALLOW.contains(&tag[2].to_ascii_lowercase().as_str()) {
            depth += 1;
            deepest = deepest.max(depth);
        }
    }
    deepest
}

/// The page without the elements that can be nested: each of their tags becomes a line break.
fn flatten(html: &str) -> String {
    let keep = |tag: &regex::Captures<'_>| {
        let shallow = SHALLOW.contains(&tag[2].to_ascii_lowercase().as_str());
        if shallow { tag[0].to_owned() } else { "<br>".to_owned() }
    };
    ANY_TAG.replace_all(html, keep).into_owned()
}

/// The text of a field that may hold HTML: with tags or character references turned into text, else as it is.
///
/// Where only inline tags or references stand in plain text, its lines are kept.
pub(super) fn field(text: &str) -> Cow<'_, str> {
    let tags = text.contains('<') && TAG.is_match(text);
    if tags && BLOCK.is_match(text) {
        return Cow::Owned(text_of(&parse(&format!("<body>{text}")), &SILENT));
    }
    if tags {
        return Cow::Owned(parse(&format!("<body><div>{text}")).doc.select("body").text().to_string());
    }
    if !text.contains('&') || !ENTITY.is_match(text) {
        return Cow::Borrowed(text);
    }
    let mut html = String::from("<body><div>");
    let mut copied = 0;
    for entity in ENTITY.find_iter(text) {
        html.push_str(&escape(&text[copied..entity.start()]));
        html.push_str(entity.as_str());
        copied = entity.end();
    }
    html.push_str(&escape(&text[copied..]));
    Cow::Owned(parse(&html).doc.select("body").text().to_string())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The text of a whole document without the elements that `skipped` names.
///
/// Walks without recursion: pages may be nested as deep as they like.
pub(super) fn text_of(page: &Readability, skipped: &[&str]) -> String {
    let root = page.doc.root();
    let mut writer = Writer::default();
    let mut node = root;
    loop {
        let name = node.node_name();
        let name = name.as_deref().unwrap_or_default();
        if node.is_text() {
            writer.text(&node.text());
        } else {
            writer.border(name);
        }
        if !skipped.contains(&name)
            && let Some(child) = node.first_child()
        {
            node = child;
            continue;
        }
        loop {
            writer.border(node.node_name().as_deref().unwrap_or_default());
            if node.id == root.id {
                return writer.text;
            }
            if let Some(next) = node.next_sibling() {
                node = next;
                break;
            }
            match node.parent() {
                Some(parent) => node = parent,
                None => return writer.text,
            }
        }
    }
}

/// Collects text, with white space as a browser collapses it.
#[derive(Default)]
struct Writer {
    text: String,
    lines: usize,
    space: bool,
}

impl Writer {
    fn text(&mut self, text: &str) {
        for character in text.chars() {
            if character.is_ascii_whitespace() {
                self.space = true;
                continue;
            }
            if !self.text.is_empty() {
                match self.lines {
                    0 if self.space => self.text.push(' '),
                    lines => self.text.extend(std::iter::repeat_n('\n', lines)),
                }
            }
            (self.lines, self.space) = (0, false);
            self.text.push(character);
        }
    }

    /// The start or the end of an element.
    fn border(&mut self, name: &str) {
        let lines = match name {
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "ul" | "ol" | "table" | "section"
            | "article" | "figure" | "pre" | "main" => 2,
            "br" | "div" | "li" | "tr" | "dt" | "dd" | "figcaption" | "header" | "footer" | "nav" | "aside"
            | "body" | "hr" | "form" | "address" | "option" => 1,
            "td" | "th" => {
                self.space = true;
                0
            }
            _ => 0,
        };
        self.lines = self.lines.max(lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_stay_apart_and_white_space_collapses() {
        let html = "<p>Un  <b>mot</b>\n et&nbsp;un autre.</p><p>Deux<br/>lignes</p>\
            <ul><li>a</li><li>b</li></ul><script>x</script>";
        assert_eq!(field(html), "Un mot et\u{A0}un autre.\n\nDeux\nlignes\n\na\nb");
    }

    #[test]
    fn plain_text_is_left_alone() {
        for text in ["a < b et c > d", "R&D, AT&T, a&b;", "si x<b alors", "?a=1&copy=2", "  deux\n\nlignes  ", ""] {
            assert!(matches!(field(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn lines_are_kept_where_only_references_or_inline_tags_stand() {
        assert_eq!(field(" L&#39;&eacute;t&eacute;\n\n1 < 2 &amp; ?a=1&copy=2"), " L'été\n\n1 < 2 & ?a=1&copy=2");
        assert_eq!(field("Un <em>mot</em>\n\nAutre"), "Un mot\n\nAutre");
    }

    #[test]
    fn deep_nesting_is_no_danger() {
        for tag in ["<div>", "<b>", "<ul><li>", "<table><tr><td>", "<p><b>"] {
            assert_eq!(field(&format!("<p>a</p>{}fond</p>", tag.repeat(20_000))), "a\n\nfond", "{tag}");
        }
    }
}
