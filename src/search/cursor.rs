//! Where a page of hits ended.
//!
//! A page is not a number of hits to leave out: while articles are being indexed, these would be others. A cursor names the
//! articles that were shown, and the newest article that the store had when the first page was made. The next page has the
//! best of the others. So nothing comes twice, nothing that was there is passed over, and what came later waits for the next
//! question.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::types::ArticleId;

/// Where a page ended: printed and parsed as a word of letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// A hash of the question: the next page of another question is a mistake.
    pub(super) question: u32,
    /// The newest article that the store had at the first page.
    pub(super) newest: ArticleId,
    /// The articles that were shown, versions of hits among them; ascending.
    pub(super) shown: Vec<ArticleId>,
}

/// A word that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no mark of a page: give the word that the page before ended with, whole")]
pub struct CursorError;

/// Checked when a word is read: a part of a cursor is none.
const SEAL: usize = 4;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.question.to_le_bytes().to_vec();
        put(&mut bytes, self.newest.0 as u64);
        let mut before = 0;
        for article in &self.shown {
            put(&mut bytes, (article.0 - before) as u64);
            before = article.0;
        }
        let seal = blake3::hash(&bytes);
        bytes.extend_from_slice(&seal.as_bytes()[..SEAL]);
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(word: &str) -> Result<Self, CursorError> {
        let bytes = URL_SAFE_NO_PAD.decode(word.trim()).map_err(|_| CursorError)?;
        let (bytes, seal) = bytes.split_last_chunk::<SEAL>().ok_or(CursorError)?;
        if blake3::hash(bytes).as_bytes()[..SEAL] != *seal {
            return Err(CursorError);
        }
        let (question, mut rest) = bytes.split_first_chunk().ok_or(CursorError)?;
        let newest = ArticleId(take(&mut rest)? as i64);
        let (mut shown, mut at) = (Vec::new(), 0i64);
        while !rest.is_empty() {
            at = at.checked_add_unsigned(take(&mut rest)?).ok_or(CursorError)?;
            shown.push(ArticleId(at));
        }
        Ok(Self { question: u32::from_le_bytes(*question), newest, shown })
    }
}

/// A number in sevens of bits, least first (LEB128).
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Result<u64, CursorError> {
    let mut number = 0u64;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(CursorError)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(CursorError)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_printed_is_read_and_nothing_else(
            question: u32,
            shown in prop::collection::btree_set(1i64..1 << 20, 0..40),
            cut in 0usize..400,
        ) {
            let newest = ArticleId(shown.last().map_or(0, |last| last + 7));
            let cursor = Cursor { question, newest, shown: shown.into_iter().map(ArticleId).collect() };
            let word = cursor.to_string();
            prop_assert_eq!(word.parse(), Ok(cursor));
            if cut < word.len() {
                prop_assert_eq!(word[..cut].parse::<Cursor>(), Err(CursorError));
            }
        }
    }
}
