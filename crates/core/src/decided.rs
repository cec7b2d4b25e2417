//! A decision as others are told of it: a code for programs, a sentence for people.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A decision of a sentinel or an agent, on the wire and on record. A version that does not know the code shows the sentence all the
/// same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Told")]
pub struct Decided {
    /// What it is: a word in CamelCase that stays the same. Empty of a version that told only sentences.
    pub code: String,
    /// The sentence. Nothing may depend on it.
    pub text: String,
}

/// How it may stand in a register or come over the wire.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Text(String),
    Whole { code: String, text: String },
}

impl From<Told> for Decided {
    fn from(told: Told) -> Self {
        let (code, text) = match told {
            Told::Text(text) => (String::new(), text),
            Told::Whole { code, text } => (code, text),
        };
        Self { code, text }
    }
}

impl Decided {
    /// Whether it is a decision of this code.
    pub fn is(&self, code: &str) -> bool {
        self.code == code
    }
}

impl fmt::Display for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_of_an_older_version_is_read() {
        let said = Decided {
            code: "Deposed".to_owned(),
            text: "deposed redis-0".to_owned(),
        };
        let text = serde_json::to_string(&said).unwrap();
        assert_eq!(serde_json::from_str::<Decided>(&text).unwrap(), said);
        let old: Decided = serde_json::from_str("\"deposed redis-0\"").unwrap();
        assert_eq!((old.code.as_str(), old.text), ("", said.text));
    }
}
