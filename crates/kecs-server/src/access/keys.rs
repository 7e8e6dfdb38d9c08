//! The file of keys.
//!
//! ```yaml
//! keys:
//!   - access_key_id: AKIDEXAMPLE
//!     secret_access_key: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
//!     account: "123456789012"
//!     principal: arn:aws:iam::123456789012:user/ci
//!     allow:
//!       - operations: ["Describe*", "List*", "RunTask"]
//!         resources: ["*"]
//!     deny:
//!       - operations: ["*"]
//!         resources: ["arn:aws:ecs:*:*:cluster/prod"]
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kecs_model::Operation;
use serde::Deserialize;

use super::policy::{Policy, Statement};

/// What following events is called where operations are named.
pub(crate) const FOLLOW_EVENTS: &str = "FollowEvents";

/// The keys that requests may be signed with.
#[derive(Debug, Clone)]
pub struct KeyRing(Arc<BTreeMap<String, Key>>);

/// A key and who holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// What signatures are made with.
    pub secret_access_key: String,
    /// The token that must come with it.
    pub session_token: Option<String>,
    /// The account; `None`: that of the server.
    pub account: Option<String>,
    /// The ARN of who holds it; `None`: the root of the account.
    pub principal: Option<String>,
    /// What it may be used for.
    pub policy: Policy,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without what is secret.
        f.debug_struct("Key")
            .field("account", &self.account)
            .field("principal", &self.principal)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

/// Why keys could not be read.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be opened.
    #[error("read the keys of {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no YAML, or has other fields.
    #[error("understand the keys of {path}: {message}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
    /// What it says cannot be.
    #[error("{path}: {message}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What cannot be.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    keys: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    account: Option<String>,
    principal: Option<String>,
    allow: Option<Vec<Statement>>,
    #[serde(default)]
    deny: Vec<Statement>,
}

impl KeyRing {
    /// The keys of a file, YAML or JSON.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let text = std::fs::read_to_string(path).map_err(|source| KeyFileError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// The keys of a text; `path` is named in errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, KeyFileError> {
        let file: File = serde_saphyr::from_str(text).map_err(|error| KeyFileError::Parse {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
        let wrong = |message: String| KeyFileError::Wrong {
            path: path.to_owned(),
            message,
        };
        let operations = Operation::ALL.iter().map(|it| it.name());
        let names: Vec<&str> = operations.chain([FOLLOW_EVENTS]).collect();
        let mut keys = BTreeMap::new();
        for entry in file.keys {
            let id = entry.access_key_id;
            if id.is_empty() || id.contains(['/', ',', '=', ' ']) {
                return Err(wrong(format!("`{id}` cannot be an access key id")));
            }
            if entry.secret_access_key.is_empty() {
                return Err(wrong(format!("the key {id} has an empty secret")));
            }
            let digits =
                |account: &String| account.len() == 12 && account.bytes().all(|it| it.is_ascii_digit());
            if entry.account.as_ref().is_some_and(|account| !digits(account)) {
                return Err(wrong(format!("the account of the key {id} is not twelve digits")));
            }
            // A name that is written wrongly in `deny` would let through what it is to stop.
            let mut statements = entry.allow.iter().flatten().chain(&entry.deny);
            if let Some(unknown) = statements.find_map(|it| it.unknown_operation(&names)) {
                return Err(wrong(format!(
                    "the key {id} names the operation `{unknown}`, which there is not"
                )));
            }
            let key = Key {
                secret_access_key: entry.secret_access_key,
                session_token: entry.session_token,
                account: entry.account,
                principal: entry.principal,
                policy: Policy {
                    allow: entry.allow,
                    deny: entry.deny,
                },
            };
            if keys.insert(id.clone(), key).is_some() {
                return Err(wrong(format!("the key {id} is there twice")));
            }
        }
        if keys.is_empty() {
            return Err(wrong("there is no key: nobody could sign anything".to_owned()));
        }
        Ok(Self(Arc::new(keys)))
    }

    /// The key of this id.
    pub fn get(&self, access_key_id: &str) -> Option<&Key> {
        self.0.get(access_key_id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none, which never is so.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
