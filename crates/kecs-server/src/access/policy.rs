//! What a key allows and denies.

use serde::Deserialize;

/// What may be done. Without statements: everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What is allowed; `None`: everything.
    #[serde(default)]
    pub allow: Option<Vec<Statement>>,
    /// What is denied, whatever is allowed.
    #[serde(default)]
    pub deny: Vec<Statement>,
}

/// Operations on resources. In both, `*` stands for any characters and `?` for one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Names of operations, with or without `ecs:` before them, in any case.
    pub operations: Vec<String>,
    /// ARNs.
    #[serde(default = "everything")]
    pub resources: Vec<String>,
}

fn everything() -> Vec<String> {
    vec!["*".to_owned()]
}

/// What a policy says of an operation on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may be done.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement allows it.
    NotAllowed,
}

impl Policy {
    /// Whether it says anything at all.
    pub const fn is_open(&self) -> bool {
        self.allow.is_none() && self.deny.is_empty()
    }

    /// What it says of this operation on this resource. A denial wins.
    pub fn verdict(&self, operation: &str, resource: &str) -> Verdict {
        let applies = |statement: &Statement| statement.applies(operation, resource);
        if self.deny.iter().any(applies) {
            return Verdict::Denied;
        }
        match &self.allow {
            None => Verdict::Allowed,
            Some(allow) if allow.iter().any(applies) => Verdict::Allowed,
            Some(_) => Verdict::NotAllowed,
        }
    }
}

impl Statement {
    /// The first of its operations that stands for none of `names`.
    pub(super) fn unknown_operation<'a>(&'a self, names: &[&str]) -> Option<&'a str> {
        let stands_for = |pattern: &String, name: &str| {
            let pattern = pattern.to_ascii_lowercase();
            matches(
                pattern.strip_prefix("ecs:").unwrap_or(&pattern),
                &name.to_ascii_lowercase(),
            )
        };
        let mut patterns = self.operations.iter();
        let unknown = patterns.find(|pattern| !names.iter().any(|name| stands_for(pattern, name)));
        unknown.map(String::as_str)
    }

    fn applies(&self, operation: &str, resource: &str) -> bool {
        let operation = operation.to_ascii_lowercase();
        let of_operation = |pattern: &String| {
            let pattern = pattern.to_ascii_lowercase();
            matches(pattern.strip_prefix("ecs:").unwrap_or(&pattern), &operation)
        };
        self.operations.iter().any(of_operation)
            && self.resources.iter().any(|pattern| matches(pattern, resource))
    }
}

/// Whether the text is what the pattern says: `*` any characters, also none, and `?` one.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and how much of the text it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == text[t] => {
                p += 1;
                t += 1;
            }
            Some(_) | None => {
                let Some((at, taken)) = star else {
                    return false;
                };
                star = Some((at, taken + 1));
                p = at + 1;
                t = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters_and_a_question_mark_for_one() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "a/b:c", true),
            ("", "", true),
            ("", "a", false),
            ("a", "A", false),
            ("Describe*", "DescribeTasks", true),
            ("Describe*", "describeTasks", false),
            ("*Tasks", "DescribeTasks", true),
            ("*Task", "DescribeTasks", false),
            ("?", "", false),
            ("?", "a", true),
            ("a?c*e", "abcde", true),
            ("a?c*e", "abce", true),
            ("a?c*e", "ace", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "aba", false),
            ("a**", "a", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    fn statement(operations: &[&str], resources: &[&str]) -> Statement {
        let owned = |texts: &[&str]| texts.iter().map(|&it| it.to_owned()).collect();
        Statement {
            operations: owned(operations),
            resources: owned(resources),
        }
    }

    #[test]
    fn a_denial_wins_and_what_is_not_allowed_is_not() {
        let policy = Policy {
            allow: Some(vec![statement(&["ecs:Describe*", "runtask"], &["*"])]),
            deny: vec![statement(&["*"], &["*:cluster/prod"])],
        };
        assert_eq!(policy.verdict("RunTask", "arn:x:cluster/dev"), Verdict::Allowed);
        assert_eq!(policy.verdict("RunTask", "arn:x:cluster/prod"), Verdict::Denied);
        assert_eq!(
            policy.verdict("StopTask", "arn:x:cluster/dev"),
            Verdict::NotAllowed
        );
        assert_eq!(policy.verdict("StopTask", "arn:x:cluster/prod"), Verdict::Denied);
        assert!(!policy.is_open());
    }

    #[test]
    fn operations_are_named_in_any_case_and_both_they_and_the_resources_count() {
        let both = statement(&["ECS:runTASK", "StopTask"], &["arn:a", "arn:b*"]);
        let policy = Policy {
            allow: Some(vec![both]),
            deny: Vec::new(),
        };
        for (operation, resource, expected) in [
            ("RunTask", "arn:a", Verdict::Allowed),
            ("StopTask", "arn:bc", Verdict::Allowed),
            ("StopTask", "arn:ac", Verdict::NotAllowed),
            ("StopTask", "ARN:A", Verdict::NotAllowed),
            ("ListTasks", "arn:a", Verdict::NotAllowed),
        ] {
            assert_eq!(
                policy.verdict(operation, resource),
                expected,
                "{operation} {resource}"
            );
        }
        let only_denied = Policy {
            allow: None,
            deny: vec![statement(&["stoptask"], &["*"])],
        };
        assert!(!only_denied.is_open());
        assert_eq!(only_denied.verdict("RunTask", "arn:a"), Verdict::Allowed);
        assert_eq!(only_denied.verdict("StopTask", "arn:a"), Verdict::Denied);
    }

    #[test]
    fn no_statements_allow_everything_and_no_allowed_statement_nothing() {
        assert!(Policy::default().is_open());
        assert_eq!(Policy::default().verdict("RunTask", "*"), Verdict::Allowed);
        let none = Policy {
            allow: Some(Vec::new()),
            deny: Vec::new(),
        };
        assert!(!none.is_open());
        assert_eq!(none.verdict("RunTask", "*"), Verdict::NotAllowed);
    }
}
