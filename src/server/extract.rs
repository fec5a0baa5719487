//! What a request asks for, out of its query string or its body: names of parameters that are not known are refused, so that a slip
//! of the pen is not an answer to another question.

use std::fmt::Display;
use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::problem::Problem;

/// Characters of what the parser says that are passed on: it quotes what it did not expect.
const QUOTED: usize = 300;

/// What a parser says, without much of what it quotes.
pub fn shortened(error: &serde_json::Error) -> String {
    let said = error.to_string();
    match said.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &said[..end]),
        None => said,
    }
}

/// The parameters of a query string.
pub struct Params<T>(pub T);

/// A JSON body with the same names as the parameters of a query string.
pub struct Fields<T>(pub T);

/// A body of JSON, said to be JSON.
pub struct Body<T>(pub T);

/// Knows the names of its fields, those of its parts among them.
pub trait Named {
    /// The names.
    fn names() -> Vec<String>;
}

/// The names that a part has as parameters.
pub fn names_of<T: IntoParams>() -> impl Iterator<Item = String> {
    T::into_params(|| None).into_iter().map(|parameter| parameter.name)
}

/// Says of which parts the parameters of a route consist.
macro_rules! named {
    ($($whole:ty: $($part:ty)+;)+) => {$(
        impl $crate::server::extract::Named for $whole {
            fn names() -> Vec<String> {
                std::iter::empty()$(.chain($crate::server::extract::names_of::<$part>()))+.collect()
            }
        }
    )+};
}
pub(crate) use named;

impl<S: Send + Sync, T: DeserializeOwned + Named> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|error| Problem::invalid(format!("the query string is not understood: {error}")))?;
        let mut fields = Map::new();
        for (name, value) in pairs {
            match fields.entry(name) {
                serde_json::map::Entry::Vacant(place) => drop(place.insert(Value::String(value))),
                serde_json::map::Entry::Occupied(mut place) => match place.get_mut() {
                    Value::Array(values) => values.push(Value::String(value)),
                    first => *first = Value::Array(vec![first.take(), Value::String(value)]),
                },
            }
        }
        known(fields).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Named> FromRequest<S> for Fields<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Body(fields) = Body::<Map<String, Value>>::from_request(request, state).await?;
        known(fields).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        // A page of another site can send no such thing without being allowed to.
        if !is_json(request.headers()) {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let message = "send JSON, with the header content-type: application/json";
            return Err(Problem { status, ..Problem::invalid(message) });
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|refused| match refused.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Problem::too_large("the body is larger than this server takes: send less at a time")
            }
            _ => Problem::invalid("the body broke off"),
        })?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Problem::invalid(format!("the body is not what is expected here: {}", shortened(&error))))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json")
}

/// Reads fields of known names.
fn known<T: DeserializeOwned + Named>(fields: Map<String, Value>) -> Result<T, Problem> {
    let names = T::names();
    if let Some(unknown) = fields.keys().find(|name| !names.contains(name)) {
        return Err(Problem::invalid(format!("there is no \"{unknown}\" here: expected {}", names.join(", "))));
    }
    serde_json::from_value(Value::Object(fields)).map_err(|error| Problem::invalid(shortened(&error)))
}

/// A value as itself, or as text that says it, as query strings do.
pub fn told<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: DeserializeOwned + FromStr,
    T::Err: Display,
{
    match Option::<Value>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => {
            let parsed = text.trim().parse();
            parsed.map(Some).map_err(|error| D::Error::custom(format!("\"{text}\" is not understood: {error}")))
        }
        Some(value) => serde_json::from_value(value).map(Some).map_err(D::Error::custom),
    }
}

/// A value that only text says, such as a date.
pub fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(deserializer: D) -> Result<Option<T>, D::Error> {
    match Option::<String>::deserialize(deserializer)? {
        Some(text) if !text.trim().is_empty() => text.trim().parse().map(Some).map_err(D::Error::custom),
        _ => Ok(None),
    }
}

/// None, one or many; what is empty is none.
pub fn many<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let values = match Value::deserialize(deserializer)? {
        Value::Null => Vec::new(),
        Value::Array(values) => values,
        one => vec![one],
    };
    let values = values.into_iter().filter(|value| value.as_str().is_none_or(|text| !text.is_empty()));
    values.map(|value| serde_json::from_value(value).map_err(D::Error::custom)).collect()
}
