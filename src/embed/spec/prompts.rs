//! The texts that a model wants before queries and passages.

use std::collections::HashMap;

/// Which side of a search a text is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What is asked.
    Query,
    /// What is searched.
    Passage,
}

/// The prompt of each role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompts {
    /// Before a query.
    pub query: Option<String>,
    /// Before a passage.
    pub passage: Option<String>,
}

impl Prompts {
    /// The prompt of a role.
    pub fn of(&self, role: Role) -> Option<&str> {
        match role {
            Role::Query => self.query.as_deref(),
            Role::Passage => self.passage.as_deref(),
        }
    }

    /// The prompts of queries and passages among those of a model: by their names, or the default prompt for both.
    pub(super) fn choose(prompts: &HashMap<String, String>, default: Option<&str>) -> Result<Self, String> {
        // A prompt that is there but empty is none; only where none is named does the default stand in.
        let named = |names: &[&str]| {
            let mut known = names.iter().filter_map(|name| prompts.get(*name)).peekable();
            known.peek().is_some().then(|| known.find(|prompt| !prompt.is_empty()).cloned())
        };
        let missing = |name| format!("default_prompt_name \"{name}\" is not among the prompts");
        let default = default.map(|name| prompts.get(name).cloned().ok_or_else(|| missing(name))).transpose()?;
        Ok(Self {
            query: named(&["query"]).unwrap_or_else(|| default.clone()),
            passage: named(&["document", "passage", "corpus"]).unwrap_or(default),
        })
    }

    /// The prompts of models that ask for them in their cards, but not in their files.
    pub(super) fn of_card(id: &str) -> Self {
        const E5: [&str; 6] = [
            "e5-small",
            "e5-base",
            "e5-large",
            "multilingual-e5-small",
            "multilingual-e5-base",
            "multilingual-e5-large",
        ];
        let name = id.rsplit('/').next().unwrap_or_default();
        if E5.contains(&name.trim_end_matches("-v2")) {
            return Self { query: Some("query: ".to_owned()), passage: Some("passage: ".to_owned()) };
        }
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(prompts: &[(&str, &str)], default: Option<&str>) -> Result<Prompts, String> {
        let prompts = prompts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Prompts::choose(&prompts, default)
    }

    #[test]
    fn prompts_are_found_by_name_and_by_default() {
        let both = choose(&[("query", "q: "), ("document", ""), ("passage", "p: ")], None).unwrap();
        assert_eq!((both.of(Role::Query), both.of(Role::Passage)), (Some("q: "), Some("p: ")));
        let default = choose(&[("sts", "s: ")], Some("sts")).unwrap();
        assert_eq!((default.of(Role::Query), default.of(Role::Passage)), (Some("s: "), Some("s: ")));
        assert_eq!(choose(&[("query", ""), ("document", "")], None), Ok(Prompts::default()));
        assert!(choose(&[], Some("sts")).is_err());
    }

    #[test]
    fn prompts_that_only_a_card_states_are_known() {
        assert_eq!(Prompts::of_card("intfloat/multilingual-e5-small").of(Role::Query), Some("query: "));
        assert_eq!(Prompts::of_card("intfloat/e5-large-v2").of(Role::Passage), Some("passage: "));
        assert_eq!(Prompts::of_card("intfloat/multilingual-e5-large-instruct"), Prompts::default());
    }
}
