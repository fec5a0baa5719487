//! An article that a program sends: understood as `voisin index` understands an object of a JSON file.

use serde::Deserialize;
use serde_json::Value;

use crate::ingest::read::{FieldNames, Reason, Remark, article_of};
use crate::types::Article;

/// What was understood of an article that a program sent.
///
/// Its own fields may have any of the names that the reader of files knows, in French or English; every other field becomes
/// metadata. So that an article may be sent back as it was got, changed or not: an object named `metadata` holds such fields,
/// its own fields may be null, and the arrays `passages` and `furniture` are passed over.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct NewArticle {
    /// The article; its key is empty where the object has no id, and its source is missing where nothing tells it.
    pub article: Article,
    /// What the sender should know: a date that does not exist, text that was put right.
    pub remarks: Vec<Remark>,
}

impl TryFrom<Value> for NewArticle {
    type Error = Reason;

    fn try_from(mut value: Value) -> Result<Self, Reason> {
        let mut take = |name: &str, is_ours: fn(&Value) -> bool| {
            let fields = value.as_object_mut().filter(|fields| fields.get(name).is_some_and(is_ours))?;
            fields.shift_remove(name)
        };
        let metadata = take("metadata", Value::is_object);
        for unknown in ["id", "title", "date", "source", "url", "language", "lead", "text", "metadata"] {
            take(unknown, Value::is_null);
        }
        for made_by_us in ["passages", "furniture"] {
            take(made_by_us, Value::is_array);
        }
        let (mut article, remarks) = article_of(value, &FieldNames::default())?;
        if let Some(Value::Object(fields)) = metadata {
            article.metadata.extend(fields);
        }
        Ok(Self { article, remarks })
    }
}

/// An article to store. Fields may have other names that say the same, in English or French (`headline`, `titre`, `lien`…);
/// what is not known becomes metadata. A text or a title is needed.
#[cfg(feature = "server")]
#[derive(utoipa::ToSchema)]
#[schema(as = NewArticle)]
#[expect(dead_code, reason = "a description, which is read by its derive alone")]
struct Described {
    /// The source's own name for the article, unique in the store.
    id: Option<String>,
    /// Headline.
    title: Option<String>,
    /// Date of publication: `2023`, `2023-08`, `2023-08-22`, with a time behind it, or in the other ways that news sites write
    /// dates.
    #[schema(example = "2023-08-22")]
    date: Option<String>,
    /// Publisher or site; without it, the host of the address.
    source: Option<String>,
    /// Address on the web. It is not fetched.
    url: Option<String>,
    /// Language, as an ISO 639-1 code; detected where it is missing.
    #[schema(example = "fr")]
    language: Option<String>,
    /// Standfirst or summary, which is put before the text unless the text begins with it.
    lead: Option<String>,
    /// The body, as text or HTML; without it, the title is the text.
    text: Option<String>,
    /// Fields that voisin keeps as they are, and filters and counts by.
    #[schema(value_type = Option<Object>)]
    metadata: Option<serde_json::Map<String, Value>>,
}

#[cfg(feature = "server")]
impl utoipa::PartialSchema for NewArticle {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        Described::schema()
    }
}

#[cfg(feature = "server")]
impl utoipa::ToSchema for NewArticle {}
