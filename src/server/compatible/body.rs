//! What is sent: JSON, and the texts in it.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, SeqAccess, Visitor};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::server::problem::Problem;

/// Characters of what the parser says that are passed on: it quotes what it did not expect.
const QUOTED: usize = 300;

/// A body of JSON, said to be JSON: a page of another site can send no such thing without being allowed to.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let message = "send JSON, with the header content-type: application/json";
            return Err(Problem { status, ..Problem::invalid(message) });
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|refused| match refused.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Problem::too_large("the body is larger than this server takes: send fewer texts at a time")
            }
            _ => Problem::invalid("the body broke off"),
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            let said = error.to_string();
            let end = said.char_indices().nth(QUOTED).map_or(said.len(), |(at, _)| at);
            let more = if end < said.len() { "…" } else { "" };
            Problem::invalid(format!("the body is not what is expected here: {}{more}", &said[..end]))
        })
    }
}

/// One text, or several.
#[derive(Debug, Default, PartialEq)]
pub struct Texts(pub Vec<String>);

impl Texts {
    /// The texts, if there is one, there are not more than `most`, and none is empty.
    pub fn checked(self, most: usize) -> Result<Vec<String>, Problem> {
        let Self(texts) = self;
        let empty = |message: String| Problem { code: "empty", ..Problem::invalid(message) };
        if texts.is_empty() {
            return Err(empty("no text was sent: send one or more".to_owned()));
        }
        if texts.len() > most {
            let sent = texts.len();
            return Err(Problem::too_large(format!(
                "{sent} texts in one request, the limit is {most}: send fewer at a time"
            )));
        }
        match texts.iter().position(String::is_empty) {
            Some(at) => Err(empty(format!("input {at} is empty: leave it out"))),
            None => Ok(texts),
        }
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Texts;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(Text(text)) = elements.next_element()? {
                    texts.push(text);
                }
                Ok(Texts(texts))
            }
        }

        deserializer.deserialize_any(OneOrMore)
    }
}

/// An element of [`Texts`].
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;

        fn ids<T, E: Error>() -> Result<T, E> {
            Err(E::custom("token ids, which are of another model's tokenizer and mean nothing here: send texts"))
        }

        impl<'de> Visitor<'de> for One {
            type Value = Text;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Text, E> {
                ids()
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Text, E> {
                ids()
            }

            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Text, A::Error> {
                ids()
            }
        }

        deserializer.deserialize_any(One)
    }
}

impl PartialSchema for Texts {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String).min_length(Some(1));
        let texts = ArrayBuilder::new().items(text()).min_items(Some(1));
        OneOfBuilder::new().item(text()).item(texts).description(Some("One text, or several.")).into()
    }
}

impl ToSchema for Texts {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("InputTexts")
    }
}
