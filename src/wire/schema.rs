//! The names of kinds of things, for the description of the interface: each as its own room prints it.

use std::fmt::Write as _;

use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::dedup::comparison::{Precedence, Relation};
use crate::dedup::credits::CreditKind;
use crate::dedup::facts::FactKind;
use crate::lexical::TermKind;
use crate::store::Field;

/// Describes an enum by all of its variants, each with what it means.
macro_rules! described {
    ($($kind:ident: $about:literal { $($variant:ident: $meaning:literal,)+ })+) => {$(
        impl PartialSchema for $kind {
            fn schema() -> RefOr<Schema> {
                // Does not compile where a variant is forgotten.
                let meaning = |value: &Self| match value {
                    $(Self::$variant => $meaning,)+
                };
                one_of($about, &[$(Self::$variant),+], meaning)
            }
        }

        impl ToSchema for $kind {}
    )+};
}

fn one_of<T: Serialize>(about: &str, values: &[T], meaning: impl Fn(&T) -> &'static str) -> RefOr<Schema> {
    let (mut description, mut names) = (about.to_owned(), Vec::new());
    for value in values {
        let name = serde_json::json!(value);
        let _ = write!(description, "\n- `{}`: {}", name.as_str().unwrap_or_default(), meaning(value));
        names.push(name);
    }
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).enum_values(Some(names)).into()
}

described! {
    Field: "A part of an article." {
        Title: "the headline",
        Body: "the body",
    }
    TermKind: "How a part of a question is found in an article." {
        Stem: "a word with the same stem",
        Exact: "the same word",
        Name: "another spelling of the same name",
        Phrase: "the same words next to each other",
    }
    Relation: "What the second of two articles is to the first, from the strongest to the weakest." {
        Identical: "the same words in the same order",
        Republished: "the same but for page furniture or a few words",
        Updated: "a later version of the same piece",
        Contains: "it holds the whole of the first, or nearly, in a longer text",
        Excerpt: "it is a part of the first, or nearly",
        SharedSource: "both are built on the same source, with different parts around",
        SameStory: "the same event in other words",
    }
    Precedence: "Which of two articles came first, as far as their dates tell." {
        Known: "the first",
        SameTime: "both may be of the same time, as far as is known",
        Undated: "one of them has no date",
    }
    CreditKind: "How an article credits a news agency." {
        Signed: "the text, or most of it, is by the agency",
        Cited: "a statement of the text is by the agency",
    }
    FactKind: "What kind of fact two articles share." {
        Name: "a person, a place, an organisation, in whatever spelling",
        Number: "a number, with what it counts",
        Quotation: "words between quotation marks",
    }
}
