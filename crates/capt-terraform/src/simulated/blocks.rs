//! The instances of a block and their arguments.

use std::time::Duration;

use hcl::Value;
use hcl::eval::Context;
use hcl::expr::Expression;
use hcl::structure::{Body, Structure};
use hcl::value::Map;

use super::eval::Evaluator;
use super::functions;
use super::module::{Item, Variable, error};
use super::provisioner::{exiting, sleeping};
use crate::stream::Diagnostic;

/// The instances of a block: key in the address, and what is named in its body.
pub(super) struct Repetitions {
    pub(super) each: Vec<(String, Context<'static>)>,
    pub(super) shape: Shape,
}

#[derive(Clone, Copy)]
/// What a name of the block stands for.
pub(super) enum Shape {
    One,
    List,
    Map,
}

impl Evaluator<'_> {
    pub(super) fn repetitions(&self, item: &Item) -> Result<Repetitions, Diagnostic> {
        let mut each = Vec::new();
        let declare = |name: &str, fields: Vec<(&str, Value)>| {
            let mut context = Context::new();
            let fields: Map<_, _> = fields
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect();
            context.declare_var(hcl::Identifier::sanitized(name), Value::Object(fields));
            context
        };
        if let Some(count) = attribute(&item.body, "count") {
            let count = self.value(count, &Context::new(), &item.name)?;
            let count = count.as_u64().ok_or_else(|| {
                error(
                    "Invalid count argument",
                    "The given \"count\" argument value is unsuitable: a whole number is required.",
                )
            })?;
            for index in 0..count {
                each.push((
                    format!("[{index}]"),
                    declare("count", vec![("index", index.into())]),
                ));
            }
            return Ok(Repetitions {
                each,
                shape: Shape::List,
            });
        }
        if let Some(over) = attribute(&item.body, "for_each") {
            let pairs: Vec<(String, Value)> = match self.value(over, &Context::new(), &item.name)? {
                Value::Array(items) => items
                    .into_iter()
                    .filter_map(|item| functions::to_text(&item).map(|key| (key, item)))
                    .collect(),
                Value::Object(object) => object.into_iter().collect(),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                    return Err(error(
                        "Invalid for_each argument",
                        "The given \"for_each\" argument value is unsuitable: a map, or set of strings is required.",
                    ));
                }
            };
            for (key, value) in pairs {
                let fields = vec![("key", Value::from(key.clone())), ("value", value)];
                each.push((format!("[{key:?}]"), declare("each", fields)));
            }
            return Ok(Repetitions {
                each,
                shape: Shape::Map,
            });
        }
        Ok(Repetitions {
            each: vec![(String::new(), Context::new())],
            shape: Shape::One,
        })
    }

    /// The arguments of a block; what Terraform itself reads is left out.
    pub(super) fn body(
        &self,
        body: &Body,
        context: &Context<'_>,
        at: &str,
    ) -> Result<Map<String, Value>, Diagnostic> {
        let mut values = Map::new();
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => {
                    if !matches!(attribute.key(), "count" | "for_each" | "depends_on" | "provider") {
                        values.insert(
                            attribute.key().to_owned(),
                            self.value(attribute.expr(), context, at)?,
                        );
                    }
                }
                Structure::Block(block) => {
                    if matches!(
                        block.identifier(),
                        "lifecycle" | "provisioner" | "connection" | "dynamic" | "timeouts"
                    ) {
                        continue;
                    }
                    let inner = Value::Object(self.body(block.body(), context, at)?);
                    let present = values
                        .entry(block.identifier().to_owned())
                        .or_insert_with(|| Value::Array(Vec::new()));
                    if let Value::Array(blocks) = present {
                        blocks.push(inner);
                    }
                }
            }
        }
        Ok(values)
    }

    /// How long the provisioners of a creation sleep and what the last one ends with.
    pub(super) fn provisioners(
        &self,
        item: &Item,
        context: &Context<'_>,
        own: &Map<String, Value>,
    ) -> Result<(Option<Duration>, Option<i32>), Diagnostic> {
        let mut context = context.clone();
        context.declare_var(hcl::Identifier::sanitized("self"), Value::Object(own.clone()));
        let (mut sleep, mut exit) = (None, None);
        for block in item
            .body
            .blocks()
            .filter(|block| block.identifier() == "provisioner")
        {
            let on_destroy =
                attribute(block.body(), "when").is_some_and(|when| when.to_string() == "destroy");
            if let Some(command) = attribute(block.body(), "command").filter(|_| !on_destroy) {
                let command =
                    functions::to_text(&self.value(command, &context, &item.name)?).unwrap_or_default();
                if let Some(more) = sleeping(&command) {
                    sleep = Some(sleep.unwrap_or(Duration::ZERO) + more);
                }
                exit = exit.or_else(|| exiting(&command));
            }
        }
        Ok((sleep, exit))
    }
}

/// The expression of an attribute.
pub(super) fn attribute<'a>(body: &'a Body, key: &str) -> Option<&'a Expression> {
    body.attributes()
        .find(|attribute| attribute.key() == key)
        .map(hcl::Attribute::expr)
}

/// The value of a variable in the type that it is declared with.
pub(super) fn convert(name: &str, variable: &Variable, value: Value) -> Result<Value, Diagnostic> {
    let unsuitable = |wanted: &str| {
        let detail = format!("Unsuitable value for var.{name}: {wanted} required.");
        Err(error("Invalid value for input variable", detail))
    };
    match (variable.kind.as_deref(), value) {
        (Some("string"), value @ (Value::Bool(_) | Value::Number(_))) => {
            Ok(functions::to_text(&value).map_or(Value::Null, Value::from))
        }
        (Some("string"), Value::Array(_) | Value::Object(_)) => unsuitable("a string is"),
        (Some("number"), Value::String(text)) => {
            functions::number(&text).map_or_else(|| unsuitable("a number is"), Ok)
        }
        (Some("number"), Value::Array(_) | Value::Object(_) | Value::Bool(_)) => unsuitable("a number is"),
        (Some("bool"), Value::String(text)) => text
            .parse::<bool>()
            .map_or_else(|_| unsuitable("a bool is"), |flag| Ok(flag.into())),
        (_, value) => Ok(value),
    }
}
