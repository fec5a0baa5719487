//! How long a passage may be, and the counting of tokens against that.

use crate::text::analysis_form;

/// Counts tokens as the model will.
///
/// The count is of content: without the special tokens that the model adds at both ends. An empty text has none. The same
/// text always has the same count. Text that grows may lose a few tokens at the seam, never many.
pub trait TokenCounter {
    /// Number of content tokens of `text`, which is in analysis form.
    fn count(&self, text: &str) -> usize;
}

/// How many tokens a passage should have, and how many it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    target: usize,
    limit: usize,
}

/// A budget that no passage could keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// A passage this short holds no sentence.
    #[error("a passage of {target} tokens is too short: the target must be at least {least}")]
    TooShort {
        /// The target that was asked for, in tokens.
        target: usize,
        /// The smallest target there is, in tokens.
        least: usize,
    },
    /// The target lies above what the model takes.
    #[error("a target of {target} tokens is above the limit of {limit}")]
    AboveLimit {
        /// The target that was asked for, in tokens.
        target: usize,
        /// The limit that was asked for, in tokens.
        limit: usize,
    },
}

impl Budget {
    /// The smallest target, in tokens.
    pub const LEAST: usize = 8;

    /// A budget in content tokens.
    ///
    /// # Errors
    ///
    /// If `target` is below [`Budget::LEAST`] or above `limit`.
    pub const fn new(target: usize, limit: usize) -> Result<Self, BudgetError> {
        if target < Self::LEAST {
            return Err(BudgetError::TooShort { target, least: Self::LEAST });
        }
        if target > limit {
            return Err(BudgetError::AboveLimit { target, limit });
        }
        Ok(Self { target, limit })
    }

    /// Content tokens that a passage should have.
    pub const fn target(self) -> usize {
        self.target
    }

    /// Content tokens that no passage exceeds.
    pub const fn limit(self) -> usize {
        self.limit
    }
}

/// Bytes of analysis form that one token can stand for, on average over a passage. Text that claims more, such as a word of
/// 100,000 letters that a vocabulary calls one unknown token, counts as too long.
const BYTES_PER_TOKEN: usize = 32;

/// A counter with the budget to count against.
pub(super) struct Gauge<'c, C: ?Sized> {
    counter: &'c C,
    /// The budget.
    pub budget: Budget,
    /// Bytes per token seen last, a first guess at where a cut falls.
    pub bytes_per_token: f64,
}

impl<'c, C: TokenCounter + ?Sized> Gauge<'c, C> {
    pub fn new(budget: Budget, counter: &'c C) -> Self {
        Self { counter, budget, bytes_per_token: 4.0 }
    }

    /// Tokens of `published` text in analysis form, or nothing above the limit. Text that is too long in bytes already is
    /// not shown to the counter.
    pub fn tokens_within_limit(&self, published: &str) -> Option<usize> {
        let form = analysis_form(published);
        if form.len() / BYTES_PER_TOKEN > self.budget.limit {
            return None;
        }
        let tokens = self.counter.count(&form);
        (tokens <= self.budget.limit).then_some(tokens)
    }

    /// Tokens of `published` text in analysis form, at least what its bytes stand for.
    pub fn tokens(&self, published: &str) -> usize {
        let form = analysis_form(published);
        self.counter.count(&form).max(form.len() / BYTES_PER_TOKEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_one_that_passages_can_keep() {
        assert!(Budget::new(8, 8).is_ok_and(|budget| budget.target() == 8 && budget.limit() == 8));
        assert_eq!(Budget::new(7, 500), Err(BudgetError::TooShort { target: 7, least: 8 }));
        let error = Budget::new(512, 510).unwrap_err();
        assert_eq!(error.to_string(), "a target of 512 tokens is above the limit of 510");
    }
}
