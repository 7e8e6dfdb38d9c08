//! What kind of failure a text of Terraform, its providers or Crossplane's Terraform provider speaks of.
//!
//! A text is judged by the AWS error code in it first, then by what was being done, then by its words. The
//! classes and what to do about each are those that operators of Terraform have in common.

mod class;
mod codes;
mod crossplane;
mod lock;
mod rules;

use capt_core::fault::{Fault, FaultClass};

pub use class::ErrorClass;
pub use crossplane::decode_message;
pub use lock::{LockInfo, lock_id};

/// The judgement over one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified {
    /// The class; absent if nothing in the text is known.
    pub class: Option<ErrorClass>,
    /// A `CamelCase` word for programs: the AWS error code if there is one, else a word for what was recognised.
    pub code: String,
}

impl Classified {
    /// The class that decisions are made by.
    pub fn fault_class(&self) -> FaultClass {
        self.class.map_or(FaultClass::Unknown, ErrorClass::fault_class)
    }

    /// A fault of this class, with `message` for people.
    pub fn fault(&self, subject: &str, message: impl Into<String>) -> Fault {
        Fault::new(self.fault_class(), self.code.clone(), message).on(subject)
    }
}

/// Judges one failure. Takes the text of a diagnostic (`summary: detail`), a whole output of the command line,
/// or a condition message of Crossplane's provider, which is decoded first.
pub fn classify(text: &str) -> Classified {
    let decoded = decode_message(text);
    let text = decoded.as_deref().unwrap_or(text);
    let text = rules::Text::new(text);
    rules::beyond_doubt(&text)
        .or_else(|| codes::by_code(&text))
        .or_else(|| rules::by_words(&text))
        .unwrap_or_else(|| Classified {
            class: None,
            code: "Unclassified".into(),
        })
}

/// Judges several failures of one run: the one that decides comes first, the others keep their order.
pub fn classify_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Classified> {
    let mut all: Vec<_> = texts.into_iter().map(classify).collect();
    all.sort_by_key(|classified| precedence(classified.class));
    all
}

/// The order in which the failures of one run decide: least first. What is not known decides last.
pub fn precedence(class: Option<ErrorClass>) -> u8 {
    class.map_or(u8::MAX, ErrorClass::precedence)
}
