//! What there is to know about a text before any model sees it: its clean form, its furniture, its sentences, its language.
//!
//! Every function takes text and gives text, spans or a code; spans count bytes of the text as it was published, which is
//! never changed here. Nothing in this room does I/O, keeps state, or can fail: every input has an answer.
//!
//! - [`analysis_form`]: the form of a text that is tokenised, embedded and compared.
//! - [`boilerplate`]: the lines that the web page left in the text and that no reader would call the article.
//! - [`sentences`]: sentence borders, French first.
//! - [`words`](words()): the words that texts are compared by, with their places.
//! - [`shingles`]: runs of five words, by which shared text is told.
//! - [`folded`]: the form by which names and values are compared.
//! - [`detect_language`]: the language, when it is plain.
//! - [`name_keys`]: what the spellings of one name have in common.
//! - [`terms`]: words, their exact forms and stems, for the search by words.

mod abbreviations;
mod boilerplate;
mod fold;
mod language;
mod lines;
mod names;
mod normalise;
mod sentences;
pub mod shingles;
pub mod terms;
pub mod words;

pub use boilerplate::boilerplate;
pub use fold::folded;
pub use language::detect_language;
pub use names::name_keys;
pub use normalise::{analysis_form, is_blank};
pub use sentences::sentences;
pub use words::{Words, words};
