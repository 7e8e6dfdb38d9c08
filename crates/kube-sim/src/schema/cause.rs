//! Why an object is refused, in the API server's words.

use std::fmt;

use serde_json::Value;

use crate::world::shown;

/// One reason for refusing an object, as in a `Status`'s `details.causes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    /// The path of the field (`spec.items[0].name`), or `<nil>` where the server names none.
    pub(crate) field: String,
    /// The `CauseType`: `FieldValueInvalid`, `FieldValueRequired`, ...
    pub(crate) reason: &'static str,
    /// The body: what follows `field: ` in the server's sentence.
    pub(crate) message: String,
}

pub(super) const INVALID: &str = "FieldValueInvalid";
pub(super) const REQUIRED: &str = "FieldValueRequired";
pub(super) const NOT_SUPPORTED: &str = "FieldValueNotSupported";
pub(super) const TYPE_INVALID: &str = "FieldValueTypeInvalid";
pub(super) const FORBIDDEN: &str = "FieldValueForbidden";
pub(super) const DUPLICATE: &str = "FieldValueDuplicate";
pub(super) const INTERNAL: &str = "InternalError";
pub(super) const TOO_LONG: &str = "FieldValueTooLong";
pub(super) const TOO_MANY: &str = "FieldValueTooMany";

impl Cause {
    fn new(field: &str, reason: &'static str, title: &str, detail: &str) -> Self {
        let message = if detail.is_empty() {
            title.to_owned()
        } else {
            format!("{title}: {detail}")
        };
        Self {
            field: field.to_owned(),
            reason,
            message,
        }
    }

    /// `Required value`.
    pub(crate) fn required(field: &str, detail: &str) -> Self {
        Self::new(field, REQUIRED, "Required value", detail)
    }

    /// `Invalid value: <value>: <detail>`.
    pub(crate) fn invalid(field: &str, value: &Value, detail: &str) -> Self {
        Self::new(
            field,
            INVALID,
            &format!("Invalid value: {}", shown(value)),
            detail,
        )
    }

    /// [`invalid`](Self::invalid) with a value that is shown in a form of its own.
    pub(super) fn invalid_shown(field: &str, shown: &str, detail: &str) -> Self {
        Self::new(field, INVALID, &format!("Invalid value: {shown}"), detail)
    }

    /// `Internal error: <detail>`.
    pub(super) fn internal(field: &str, detail: &str) -> Self {
        Self::new(field, INTERNAL, "Internal error", detail)
    }

    /// `Forbidden: <detail>`.
    pub(crate) fn forbidden(field: &str, detail: &str) -> Self {
        Self::new(field, FORBIDDEN, "Forbidden", detail)
    }

    /// `Duplicate value: <value>`.
    pub(crate) fn duplicate(field: &str, value: &Value) -> Self {
        Self::new(
            field,
            DUPLICATE,
            &format!("Duplicate value: {}", shown(value)),
            "",
        )
    }

    /// `Unsupported value: <value>: supported values: ...`.
    pub(crate) fn not_supported(field: &str, value: &Value, supported: &[String]) -> Self {
        let listed: Vec<String> = supported.iter().map(|word| format!("{word:?}")).collect();
        let detail = if listed.is_empty() {
            String::new()
        } else {
            format!("supported values: {}", listed.join(", "))
        };
        Self::new(
            field,
            NOT_SUPPORTED,
            &format!("Unsupported value: {}", shown(value)),
            &detail,
        )
    }

    /// A value of another JSON type or format than asked for.
    pub(crate) fn wrong_type(field: &str, path: &str, wanted: &str, found: &str) -> Self {
        Self::new(
            field,
            TYPE_INVALID,
            &format!("Invalid value: {found:?}"),
            &format!("{path} in body must be of type {wanted}: {found:?}"),
        )
    }

    /// A string beyond its `maxLength`.
    pub(crate) fn too_long(field: &str, limit: u64) -> Self {
        let unit = if limit == 1 { "byte" } else { "bytes" };
        Self::new(
            field,
            TOO_LONG,
            "Too long",
            &format!("may not be more than {limit} {unit}"),
        )
    }

    /// A list or map beyond its `maxItems` or `maxProperties`.
    pub(crate) fn too_many(field: &str, actual: usize, limit: u64) -> Self {
        let unit = if limit == 1 { "item" } else { "items" };
        Self::new(
            field,
            TOO_MANY,
            &format!("Too many: {actual}"),
            &format!("must have at most {limit} {unit}"),
        )
    }

    /// The same cause, one level further out: `prefix` is put before the field.
    pub(crate) fn under(mut self, prefix: &str) -> Self {
        self.field = match (prefix.is_empty(), self.field.is_empty()) {
            (true, _) => self.field,
            (false, true) => prefix.to_owned(),
            (false, false) => format!("{prefix}.{}", self.field),
        };
        self
    }

    /// Whether rules can still be evaluated on an object with this fault.
    pub(super) fn blocks_rules(&self) -> bool {
        matches!(
            self.reason,
            REQUIRED | NOT_SUPPORTED | TYPE_INVALID | TOO_LONG | TOO_MANY
        )
    }

    /// Says that rules were not evaluated because of other causes.
    pub(super) fn rules_skipped() -> Self {
        Self::invalid(
            "<nil>",
            &Value::Null,
            "some validation rules were not checked because the object was invalid; \
             correct the existing errors to complete validation",
        )
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}
