//! The outputs of a workspace, from its connection secret and its status.

use std::collections::BTreeMap;
use std::sync::Arc;

use capt_core::fault::Fault;
use capt_runtime::View;
use k8s_openapi::api::core::v1::Secret;
use serde_json::Value;

use crate::Options;
use crate::backend::Workspace;

/// An output that is nowhere.
const MISSING: &str = "OutputMissing";
/// An output that is there and cannot be what it should be.
const INVALID: &str = "OutputInvalid";

/// The outputs of one workspace. Deliberately without `Debug`: it holds secrets.
#[derive(Default, Clone)]
pub(crate) struct Outputs {
    secret: Option<Arc<Secret>>,
    public: BTreeMap<String, Value>,
    /// Whether an output that is in neither does not exist, or cannot be seen from here, now or later.
    complete: bool,
}

impl Outputs {
    /// The outputs of `workspace`, as far as an object in the namespace `own` may see them.
    pub(crate) async fn of(
        workspace: Option<&Workspace>,
        own: &str,
        view: &View,
        options: &Options,
    ) -> Result<Self, Fault> {
        let Some(workspace) = workspace else {
            return Ok(Self::default());
        };
        // A workspace may be told to write anywhere; that must not open other namespaces for reading.
        let visible = workspace.connection.as_ref();
        let visible = visible.filter(|key| options.allows(own, &key.namespace));
        let secret = match visible {
            Some(key) => view.read(&key.namespace, &key.name).await?,
            None => None,
        };
        Ok(Self {
            complete: workspace.last_applied.is_some() && (secret.is_some() || visible.is_none()),
            secret,
            public: workspace.outputs.clone(),
        })
    }

    /// The outputs in a Secret.
    pub(crate) async fn in_secret(namespace: &str, name: &str, view: &View) -> Result<Self, Fault> {
        let secret = view.read(namespace, name).await?;
        Ok(Self {
            complete: secret.is_some(),
            secret,
            public: BTreeMap::new(),
        })
    }

    /// Adds the outputs that are not sensitive, for names that the Secret does not have.
    pub(crate) fn with_public(mut self, workspace: Option<&Workspace>) -> Self {
        self.public = workspace
            .map(|workspace| workspace.outputs.clone())
            .unwrap_or_default();
        self
    }

    /// Whether all of them are there, so that what is not among them does not exist.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether there is an output of this name, whatever it holds.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.shape(name).is_some()
    }

    /// The bytes of an output in the Secret; nothing if it is empty.
    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        let value = self.secret.as_ref()?.data.as_ref()?.get(name)?;
        Some(value.0.as_slice()).filter(|value| !value.is_empty())
    }

    /// An output as a text, from the Secret or from what is not sensitive.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let secret = self
            .bytes(name)
            .and_then(|value| std::str::from_utf8(value).ok())
            .map(|value| value.trim().to_owned());
        let public = || self.public.get(name)?.as_str().map(ToOwned::to_owned);
        secret.or_else(public).filter(|value| !value.is_empty())
    }

    /// The output `name`, which must be an identifier of at most `longest` bytes. Nothing while it is not known.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and that `template` must be mended. The value is never shown: it may be sensitive.
    pub(crate) fn identifier(
        &self,
        name: &str,
        longest: usize,
        template: &str,
    ) -> Result<Option<String>, Fault> {
        let Some(shape) = self.shape(name) else {
            return if self.complete {
                Err(missing(name, template))
            } else {
                Ok(None)
            };
        };
        let what = match shape {
            Shape::Text(text) if text.trim().is_empty() => "is empty".to_owned(),
            Shape::Text(text) if text.len() > longest => {
                format!("is {} bytes long, and at most {longest} can be right", text.len())
            }
            Shape::Text(text)
                if text
                    .trim()
                    .chars()
                    .any(|it| it.is_whitespace() || it.is_control()) =>
            {
                "holds white space or control characters".to_owned()
            }
            Shape::Text(text) => return Ok(Some(text.trim().to_owned())),
            Shape::Other(kind) => format!("is {kind} and not a text"),
        };
        Err(wrong(
            name,
            &format!("it {what}; correct the output in {template}"),
        ))
    }

    /// What an output looks like: the status knows its type, the Secret only its bytes.
    fn shape(&self, name: &str) -> Option<Shape<'_>> {
        let other = |value: &Value| match value {
            Value::String(_) => None,
            Value::Null => Some("null"),
            Value::Bool(_) => Some("a bool"),
            Value::Number(_) => Some("a number"),
            Value::Array(_) => Some("a list"),
            Value::Object(_) => Some("a map"),
        };
        let public = self.public.get(name);
        if let Some(kind) = public.and_then(other) {
            return Some(Shape::Other(kind));
        }
        let data = self.secret.as_ref().and_then(|secret| secret.data.as_ref());
        match data.and_then(|data| data.get(name)) {
            Some(value) => Some(match std::str::from_utf8(&value.0) {
                // In the Secret, what is no text is JSON.
                Ok(text) => match serde_json::from_str::<Value>(text).ok().as_ref().and_then(other) {
                    Some(kind) if matches!(kind, "a list" | "a map" | "null") => Shape::Other(kind),
                    Some(_) | None => Shape::Text(text),
                },
                Err(_) => Shape::Other("no UTF-8"),
            }),
            None => public.and_then(Value::as_str).map(Shape::Text),
        }
    }
}

/// What an output looks like.
enum Shape<'a> {
    Text(&'a str),
    /// Something else, which reads behind "is".
    Other(&'static str),
}

/// There is no output of this name.
pub(crate) fn missing(name: &str, template: &str) -> Fault {
    let message = format!("there is no such output; add output \"{name}\" to {template}");
    Fault::of_output(name, MISSING, message)
}

/// There is one, and `what` says what is wrong with it and what to do.
pub(crate) fn wrong(name: &str, what: &str) -> Fault {
    Fault::of_output(name, INVALID, what)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use serde_json::json;

    use super::*;

    fn outputs(public: &Value, secret: Option<&[u8]>) -> Outputs {
        let secret = secret.map(|value| {
            let data = BTreeMap::from([("vpc_id".to_owned(), ByteString(value.to_vec()))]);
            Arc::new(Secret {
                data: Some(data),
                ..Secret::default()
            })
        });
        Outputs {
            secret,
            public: serde_json::from_value(public.clone()).unwrap(),
            complete: true,
        }
    }

    fn read(public: &Value, secret: Option<&[u8]>) -> Result<Option<String>, String> {
        outputs(public, secret)
            .identifier("vpc_id", 20, "WorkspaceTemplate/vpc")
            .map_err(|fault| fault.to_string())
    }

    #[test]
    fn an_identifier_is_a_short_text() {
        for (public, secret) in [
            (json!({"vpc_id": "vpc-1"}), None),
            (json!({}), Some(&b"vpc-1\n"[..])),
            (json!({"vpc_id": "vpc-1"}), Some(&b"vpc-1"[..])),
        ] {
            assert_eq!(read(&public, secret), Ok(Some("vpc-1".to_owned())));
        }
        // Digits and words of JSON can be an id.
        assert_eq!(read(&json!({}), Some(b"1234")), Ok(Some("1234".to_owned())));
        let mut unknown = outputs(&json!({}), None);
        unknown.complete = false;
        assert_eq!(unknown.identifier("vpc_id", 20, "x"), Ok(None));
    }

    #[test]
    fn what_is_wrong_is_said_and_the_value_is_not() {
        let huge = "x".repeat(100_000);
        for (public, secret, words) in [
            (
                json!({"other": "x"}),
                None,
                "there is no such output; add output \"vpc_id\" to WorkspaceTemplate/vpc",
            ),
            (json!({"vpc_id": ""}), None, "it is empty"),
            (json!({"vpc_id": "hunter2 "}), Some(&b" "[..]), "it is empty"),
            (json!({"vpc_id": 1}), None, "it is a number and not a text"),
            (json!({"vpc_id": true}), None, "it is a bool and not a text"),
            (json!({"vpc_id": null}), None, "it is null and not a text"),
            (
                json!({"vpc_id": ["hunter2"]}),
                None,
                "it is a list and not a text",
            ),
            (
                json!({}),
                Some(&b"{\"a\":\"hunter2\"}"[..]),
                "it is a map and not a text",
            ),
            (json!({}), Some(&b"\xff\xfe"[..]), "it is no UTF-8 and not a text"),
            (json!({"vpc_id": "hunter2 hunter2"}), None, "it holds white space"),
            (json!({"vpc_id": huge}), None, "it is 100000 bytes long"),
        ] {
            let fault = read(&public, secret).unwrap_err();
            assert!(
                fault.contains(words) && !fault.contains("hunter2"),
                "{words}: {fault}"
            );
            assert!(fault.contains("WorkspaceTemplate/vpc"), "{fault}");
        }
    }
}
