//! What is asked of the world, free of HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::failure::{FieldError, StatusError};
use super::identity::ObjectId;
use super::kind::{Kind, KindVersion};

/// Query parameters by name; of a repeated one the last.
pub(crate) type Query = BTreeMap<String, String>;

/// The part of an object that a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subresource {
    None,
    Status,
    Scale,
    Finalize,
}

impl Subresource {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Status => "status",
            Self::Scale => "scale",
            Self::Finalize => "finalize",
        }
    }
}

/// The format of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatchFormat {
    Json,
    Merge,
    Strategic,
    Apply,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verb {
    Get,
    List,
    Create(Value),
    Update(Value),
    Patch(PatchFormat, Value),
    Delete(Value),
    DeleteCollection(Value),
}

/// The resource and object that a request names.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub kind: Arc<Kind>,
    pub version: String,
    /// None: all namespaces, or a cluster-scoped resource.
    pub namespace: Option<String>,
    /// Empty for a collection.
    pub name: String,
    pub subresource: Subresource,
}

impl Target {
    /// Where the object is stored.
    pub(crate) fn id(&self) -> ObjectId {
        ObjectId::new(
            &self.kind.stored_as,
            self.namespace.as_deref().unwrap_or_default(),
            &self.name,
        )
    }

    /// The version asked for; routing has checked that it is served.
    pub(crate) fn kind_version(&self) -> Result<&KindVersion, StatusError> {
        self.kind
            .version(&self.version)
            .ok_or_else(StatusError::no_such_resource)
    }

    /// `group/version` asked for.
    pub(crate) fn api_version(&self) -> String {
        self.kind.api_version(&self.version)
    }

    /// 422 with the kind's name.
    pub(crate) fn invalid(&self, name: &str, errors: &[FieldError]) -> StatusError {
        StatusError::invalid(self.kind.group(), &self.kind.kind, name, errors)
    }
}

/// A request to the world.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub verb: Verb,
    pub target: Target,
    pub query: Query,
    /// Names the field manager where the query does not.
    pub user_agent: String,
    /// Paths of fields that stand twice in the body.
    pub duplicates: Vec<String>,
}

impl Request {
    /// Whether it writes an object.
    pub(super) fn writes(&self) -> bool {
        match self.verb {
            Verb::Create(_) | Verb::Update(_) | Verb::Patch(_, _) => true,
            Verb::Get | Verb::List | Verb::Delete(_) | Verb::DeleteCollection(_) => false,
        }
    }

    /// The options of a write; `kind` is the name of the options object in error messages.
    pub(super) fn write_options(&self, kind: &str) -> Result<WriteOptions, StatusError> {
        let options = WriteOptions::parse(kind, &self.query, &self.user_agent)?;
        Ok(WriteOptions {
            duplicates: self.duplicates.clone(),
            ..options
        })
    }
}

/// What the server does with fields that the schema does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

/// The options of a write.
#[derive(Debug, Clone)]
pub(crate) struct WriteOptions {
    pub dry_run: bool,
    pub manager: String,
    /// Whether the manager was named in the query.
    pub manager_named: bool,
    pub force: Option<bool>,
    pub validation: FieldValidation,
    /// Paths of fields that stand twice in the body.
    pub duplicates: Vec<String>,
}

impl WriteOptions {
    /// Reads and checks the options; `kind` is the name of the options object in error messages.
    pub(crate) fn parse(kind: &str, query: &Query, user_agent: &str) -> Result<Self, StatusError> {
        let mut errors = Vec::new();
        let dry_run = match query.get("dryRun").map(String::as_str) {
            None | Some("") => false,
            Some("All") => true,
            Some(other) => {
                errors.push(unsupported("dryRun", other, &["All"]));
                false
            }
        };
        let named = query.get("fieldManager").filter(|m| !m.is_empty());
        if let Some(manager) = named {
            if manager.len() > 128 {
                errors.push(FieldError::too_long("fieldManager", 128));
            }
            if manager.chars().any(char::is_control) {
                errors.push(FieldError::invalid(
                    "fieldManager",
                    &json!(manager),
                    "should only contain printable characters",
                ));
            }
        }
        let validation = match query.get("fieldValidation").map(String::as_str) {
            None | Some("" | "Warn") => FieldValidation::Warn,
            Some("Ignore") => FieldValidation::Ignore,
            Some("Strict") => FieldValidation::Strict,
            Some(other) => {
                errors.push(unsupported(
                    "fieldValidation",
                    other,
                    &["Ignore", "Strict", "Warn"],
                ));
                FieldValidation::Warn
            }
        };
        if !errors.is_empty() {
            return Err(StatusError::invalid("meta.k8s.io", kind, "", &errors));
        }
        Ok(Self {
            dry_run,
            manager: named.cloned().unwrap_or_else(|| manager_of(user_agent)),
            manager_named: named.is_some(),
            force: query.get("force").map(|f| is_true(f)),
            validation,
            duplicates: Vec::new(),
        })
    }
}

/// A number among the query parameters, 0 where there is none.
pub(super) fn number(query: &Query, name: &str) -> Result<i64, StatusError> {
    match query.get(name).map_or("", String::as_str) {
        "" => Ok(0),
        text => text.parse().map_err(|_| {
            StatusError::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))
        }),
    }
}

/// A boolean among the query parameters: everything but `false` and `0` is true.
pub(crate) fn is_true(text: &str) -> bool {
    !text.eq_ignore_ascii_case("false") && text != "0"
}

/// `field: Unsupported value: "x": supported values: "a", "b"`.
pub(crate) fn unsupported(field: &str, value: &str, supported: &[&str]) -> FieldError {
    let supported: Vec<String> = supported.iter().map(|s| format!("{s:?}")).collect();
    FieldError {
        field: field.to_owned(),
        reason: "FieldValueNotSupported",
        message: format!(
            "Unsupported value: {value:?}: supported values: {}",
            supported.join(", ")
        ),
    }
}

/// Without an explicit manager the server takes the program name out of the user agent.
fn manager_of(user_agent: &str) -> String {
    let name: String = user_agent
        .split('/')
        .next()
        .unwrap_or_default()
        .chars()
        .take(128)
        .collect();
    if name.is_empty() {
        "unknown".to_owned()
    } else {
        name
    }
}

/// A list answer.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub api_version: String,
    pub kind: String,
    pub metadata: Value,
    pub items: Vec<Arc<Value>>,
}

/// The body of an answer.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    Object(Arc<Value>),
    List(List),
    /// `metav1.Status`, the answer to a delete that removed the object.
    Status(Value),
}

/// An answer of the world.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub code: u16,
    pub payload: Payload,
    pub warnings: Vec<String>,
}
