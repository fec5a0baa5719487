//! What is asked of a page, and the addresses of others: every link keeps the language that was chosen.

use std::convert::Infallible;
use std::fmt::{self, Write};

use axum::extract::{FromRequestParts, Query};
use axum::http::header;
use axum::http::request::Parts;

use super::words::{Language, Words};

/// The parameter that chooses a language.
const LANGUAGE: &str = "lang";

/// What is asked of a page: its parameters, and who asks.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The language of the page.
    pub language: Language,
    /// Whether the address chooses it.
    chosen: bool,
    path: String,
    asked: Vec<(String, String)>,
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Where the address is not understood, nothing is asked.
        let asked =
            Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_or_else(|_| Vec::new(), |query| query.0);
        let chosen = asked.iter().find(|(name, _)| name == LANGUAGE).and_then(|(_, code)| Language::of(code));
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|header| header.to_str().ok());
        let language = chosen.unwrap_or_else(|| Language::accepted(accepted.unwrap_or_default()));
        let asked = asked.into_iter().filter(|(name, _)| name != LANGUAGE).collect();
        Ok(Self { language, chosen: chosen.is_some(), path: parts.uri.path().to_owned(), asked })
    }
}

impl Visit {
    /// The words of the page.
    pub fn words(&self) -> &'static Words {
        self.language.words()
    }

    /// The value of a parameter, without white space around it; none where it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a parameter that are not empty.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let said = self.asked.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.trim());
        said.filter(|value| !value.is_empty())
    }

    /// Whether a parameter is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.asked.iter().any(|(known, _)| known == name)
    }

    /// The address of another page.
    pub fn to(&self, path: &str) -> Address {
        let chosen = self.chosen.then(|| (LANGUAGE.to_owned(), self.language.code().to_owned()));
        Address { path: escaped(path, true), asked: chosen.into_iter().collect(), place: String::new() }
    }

    /// The address of an article.
    pub fn to_article(&self, key: &str) -> Address {
        // What stands between two slashes is resolved by browsers where it is nothing, one dot or two.
        if key.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return self.to("/article").with("key", key);
        }
        self.to(&format!("/article/{key}"))
    }

    /// The address of the comparison of two articles.
    pub fn to_comparison(&self, a: &str, b: &str) -> Address {
        self.to("/compare").with("a", a).with("b", b)
    }

    /// This page with what is asked of it.
    pub fn here(&self) -> Address {
        // Two slashes would lead to another host.
        let address = Address { path: format!("/{}", self.path.trim_start_matches('/')), ..self.to("") };
        let said = self.asked.iter().filter(|(_, value)| !value.trim().is_empty());
        said.fold(address, |address, (name, value)| address.with(name, value))
    }

    /// This page in another language.
    pub fn in_language(&self, language: Language) -> Address {
        Self { chosen: true, language, ..self.clone() }.here()
    }

    /// What a form on this page must carry along that none of its fields says.
    pub fn carried(&self) -> Option<(&'static str, &'static str)> {
        self.chosen.then(|| (LANGUAGE, self.language.code()))
    }
}

/// An address of ours, printed as it stands in a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// As it stands in a link.
    path: String,
    asked: Vec<(String, String)>,
    place: String,
}

impl Address {
    /// With one more value.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.asked.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without any value of this name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.asked.retain(|(known, _)| known != name);
        self
    }

    /// Without one value of this name.
    #[must_use]
    pub fn less(mut self, name: &str, value: &str) -> Self {
        self.asked.retain(|(known, said)| known != name || said.trim() != value);
        self
    }

    /// At a place of the page.
    #[must_use]
    pub fn at(self, place: impl fmt::Display) -> Self {
        Self { place: place.to_string(), ..self }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        for (at, (name, value)) in self.asked.iter().enumerate() {
            let mark = if at == 0 { '?' } else { '&' };
            write!(f, "{mark}{}={}", escaped(name, false), escaped(value, false))?;
        }
        if self.place.is_empty() { Ok(()) } else { write!(f, "#{}", self.place) }
    }
}

impl maud::Render for Address {
    fn render_to(&self, buffer: &mut String) {
        self.to_string().render_to(buffer);
    }
}

/// A text as a part of an address (RFC 3986): all but letters, digits and four marks as the hexadecimal of its bytes.
fn escaped(text: &str, slashes: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(byte)),
            b'/' if slashes => escaped.push('/'),
            // A buffer in memory takes everything.
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
    }
    escaped
}

/// An address of the web, as far as it is one that may be followed from here.
pub fn web(address: Option<&str>) -> Option<&str> {
    address.filter(|address| {
        let scheme = |scheme: &str| address.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
        scheme("https://") || scheme("http://")
    })
}
