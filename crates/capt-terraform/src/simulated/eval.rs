//! What a configuration comes to: the resource instances it wants and its outputs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hcl::Value;
use hcl::eval::{Context, Evaluate};
use hcl::expr::Expression;
use hcl::value::Map;
use serde::{Deserialize, Serialize};

use super::blocks::{Shape, attribute, convert};
use super::graph::order;
use super::module::{Item, Module, error};
use super::provisioner::duration;
use super::references::{Reference, of_body, of_expression};
use super::{functions, placeholder};
use crate::run::Output;
use crate::stream::Diagnostic;

/// A resource instance as the configuration wants it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Instance {
    pub(super) address: String,
    pub(super) kind: String,
    /// The arguments, evaluated.
    pub(super) inputs: serde_json::Value,
    /// What makes it be replaced when it changes.
    pub(super) triggers: serde_json::Value,
    /// How long its provisioners sleep; absent if they do not.
    pub(super) sleep: Option<Duration>,
    /// What its provisioner ends with, if not with zero.
    pub(super) exit: Option<i32>,
    /// Addresses of instances that come before.
    pub(super) after: BTreeSet<String>,
}

/// What a configuration comes to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Wanted {
    pub(super) instances: BTreeMap<String, Instance>,
    pub(super) outputs: BTreeMap<String, Output>,
}

/// How deep modules may be nested: a module that calls itself would never end.
const MAX_DEPTH: usize = 8;

/// Works out the configuration in `folder` of `files`.
pub(super) fn evaluate(
    files: &BTreeMap<String, Vec<u8>>,
    folder: &str,
    prefix: &str,
    seed: &str,
    inputs: &Map<String, Value>,
) -> Result<Wanted, Diagnostic> {
    if prefix.matches("module.").count() > MAX_DEPTH {
        return Err(error(
            "Module nesting too deep",
            format!("Modules are nested more than {MAX_DEPTH} levels at {prefix}"),
        ));
    }
    let module = Module::read(files, folder)?;
    let mut evaluator = Evaluator {
        files,
        folder,
        prefix,
        seed,
        roots: BTreeMap::new(),
        after: BTreeMap::new(),
        wanted: Wanted::default(),
        module: &module,
    };
    evaluator.variables(inputs)?;
    let graph = evaluator.graph()?;
    for name in order(graph)? {
        evaluator.node(&name).map_err(|error| error.within(&name))?;
    }
    evaluator.outputs()?;
    Ok(evaluator.wanted)
}

/// Works out one module.
pub(super) struct Evaluator<'a> {
    pub(super) files: &'a BTreeMap<String, Vec<u8>>,
    pub(super) folder: &'a str,
    pub(super) prefix: &'a str,
    pub(super) seed: &'a str,
    pub(super) module: &'a Module,
    /// `var`, `local`, `aws_vpc`, ...: what expressions see.
    pub(super) roots: BTreeMap<String, Map<String, Value>>,
    /// For each node, the instances that whoever refers to it comes after.
    pub(super) after: BTreeMap<String, BTreeSet<String>>,
    pub(super) wanted: Wanted,
}

impl Evaluator<'_> {
    fn variables(&mut self, inputs: &Map<String, Value>) -> Result<(), Diagnostic> {
        let mut values = Map::new();
        for (name, variable) in &self.module.variables {
            let value = match (inputs.get(name), &variable.default) {
                (Some(value), _) => value.clone(),
                (None, Some(default)) => {
                    self.value(default, &Context::new(), &format!("variable \"{name}\""))?
                }
                (None, None) => {
                    let detail = format!(
                        "The module input variable {name:?} is not set, and has no default value. Provide a value for this variable."
                    );
                    let place = self.module.locate(&format!("variable \"{name}\""));
                    let missing = error("No value for required variable", detail).at(place);
                    return Err(missing.within(&format!("var.{name}")));
                }
            };
            let value = convert(name, variable, value);
            values.insert(
                name.clone(),
                value.map_err(|error| error.within(&format!("var.{name}")))?,
            );
        }
        self.roots.insert("var".into(), values);
        for (name, variable) in &self.module.variables {
            for (condition, message) in &variable.validations {
                let place = format!("variable \"{name}\"");
                if self.value(condition, &Context::new(), &place)? != Value::Bool(true) {
                    let refused = error("Invalid value for variable", message.clone());
                    let refused = refused.at(self.module.locate(&place));
                    return Err(refused.within(&format!("var.{name}")));
                }
            }
        }
        Ok(())
    }

    fn context(&self) -> Context<'static> {
        let mut context = Context::new();
        functions::declare(&mut context);
        for (root, values) in self.roots.iter().filter(|(root, _)| !root.starts_with('?')) {
            context.declare_var(hcl::Identifier::sanitized(root), Value::Object(values.clone()));
        }
        for empty in ["var", "local"] {
            if !self.roots.contains_key(empty) {
                context.declare_var(hcl::Identifier::sanitized(empty), Value::Object(Map::new()));
            }
        }
        let constants = [
            ("path", vec![("module", "."), ("root", "."), ("cwd", ".")]),
            ("terraform", vec![("workspace", "default")]),
        ];
        for (name, fields) in constants {
            let fields: Map<_, _> = fields
                .into_iter()
                .map(|(key, value)| (key.to_owned(), Value::from(value)))
                .collect();
            context.declare_var(hcl::Identifier::sanitized(name), Value::Object(fields));
        }
        context
    }

    /// Evaluates an expression; `extra` holds names of the present block.
    pub(super) fn value(
        &self,
        expression: &Expression,
        extra: &Context<'_>,
        at: &str,
    ) -> Result<Value, Diagnostic> {
        let mut context = self.context();
        for name in ["each", "count", "self"] {
            if let Ok(value) = Expression::from(hcl::expr::Variable::sanitized(name)).evaluate(extra) {
                context.declare_var(hcl::Identifier::sanitized(name), value);
            }
        }
        expression.evaluate(&context).map_err(|failure| {
            use hcl::eval::ErrorKind;
            let (summary, detail) = match failure.kind() {
                ErrorKind::FuncCall(name, reason) => (
                    "Error in function call",
                    format!("Call to function \"{name}\" failed: {reason}."),
                ),
                ErrorKind::UndefinedFunc(name) => (
                    "Call to unknown function",
                    format!("There is no function named \"{name}\" in the simulated engine."),
                ),
                ErrorKind::NoSuchKey(key) => (
                    "Unsupported attribute",
                    format!("This object does not have an attribute named {key:?}."),
                ),
                ErrorKind::UndefinedVar(name) => {
                    ("Invalid reference", format!("Nothing is named \"{name}\" here."))
                }
                ErrorKind::Index(_) => (
                    "Invalid index",
                    "The given key does not identify an element in this collection value.".to_owned(),
                ),
                other => ("Invalid expression", format!("{other}.")),
            };
            error(summary, detail).at(self.module.locate(at))
        })
    }

    fn node(&mut self, name: &str) -> Result<(), Diagnostic> {
        if let Some(local) = name.strip_prefix("local.") {
            if let Some(expression) = self.module.locals.get(local) {
                let value = self.value(expression, &Context::new(), local)?;
                self.after
                    .insert(name.to_owned(), self.behind(&of_expression(expression)));
                self.roots
                    .entry("local".into())
                    .or_default()
                    .insert(local.to_owned(), value);
            }
            return Ok(());
        }
        let Some(item) = self.module.items.get(name) else {
            return Ok(());
        };
        if item.name.starts_with("module.") {
            self.module_call(item)
        } else {
            self.resource(item)
        }
    }

    /// The instances that whoever has these references comes after.
    fn behind(&self, references: &BTreeSet<Reference>) -> BTreeSet<String> {
        let mut behind = BTreeSet::new();
        for reference in references {
            let name = match (reference.root.as_str(), reference.attr(0), reference.attr(1)) {
                ("data", Some(kind), Some(name)) => format!("data.{kind}.{name}"),
                (root, Some(name), _) => format!("{root}.{name}"),
                (_, None, _) => continue,
            };
            behind.extend(self.after.get(&name).into_iter().flatten().cloned());
        }
        behind
    }

    fn module_call(&mut self, item: &Item) -> Result<(), Diagnostic> {
        let name = item.name.strip_prefix("module.").unwrap_or(&item.name);
        let source = attribute(&item.body, "source")
            .map(|source| {
                functions::to_text(&self.value(source, &Context::new(), "source")?)
                    .ok_or(())
                    .map_err(|()| error("Unsuitable value type", "Module source must be a string."))
            })
            .transpose()?;
        let source = source.ok_or_else(|| {
            error(
                "Missing required argument",
                "The argument \"source\" is required, but no definition was found.",
            )
            .at(self.module.locate(&format!("module \"{name}\"")))
        })?;
        let behind = self.behind(&of_body(&item.body));
        let mut inputs = Map::new();
        for given in item.body.attributes() {
            if !matches!(
                given.key(),
                "source" | "version" | "providers" | "count" | "for_each" | "depends_on"
            ) {
                inputs.insert(
                    given.key().to_owned(),
                    self.value(given.expr(), &Context::new(), given.key())?,
                );
            }
        }
        let prefix = format!("{}module.{name}.", self.prefix);
        let mut outputs = self.roots.remove(&format!("? {}", item.name)).unwrap_or_default();
        let instances = if source.starts_with("./") || source.starts_with("../") {
            let folder = resolve(self.folder, &source);
            let inner = evaluate(self.files, &folder, &prefix, self.seed, &inputs)?;
            outputs = inner
                .outputs
                .iter()
                .map(|(name, output)| (name.clone(), hcl::to_value(&output.value).unwrap_or(Value::Null)))
                .collect();
            inner.instances
        } else {
            remote(&source, &prefix, &inputs)
        };
        self.roots
            .entry("module".into())
            .or_default()
            .insert(name.to_owned(), Value::Object(outputs));
        self.after.insert(
            item.name.clone(),
            instances.keys().cloned().chain(behind.clone()).collect(),
        );
        for (address, mut instance) in instances {
            instance.after.extend(behind.iter().cloned());
            self.wanted.instances.insert(address, instance);
        }
        Ok(())
    }

    fn resource(&mut self, item: &Item) -> Result<(), Diagnostic> {
        let behind = self.behind(&of_body(&item.body));
        let mut computed = self.roots.remove(&format!("? {}", item.name)).unwrap_or_default();
        let is_data = item.name.starts_with("data.");
        let mut own = BTreeSet::new();
        let mut values = Vec::new();
        let repetitions = self.repetitions(item)?;
        for (key, context) in &repetitions.each {
            let address = format!("{}{}{key}", self.prefix, item.name);
            let mut inputs = self.body(&item.body, context, &item.name)?;
            computed
                .entry("id".to_owned())
                .or_insert_with(|| placeholder::attribute(self.seed, &address, "id"));
            let mut visible = computed.clone();
            if !key.is_empty() {
                visible.insert("id".to_owned(), placeholder::attribute(self.seed, &address, "id"));
            }
            if item.kind == "terraform_data" {
                visible.insert("id".to_owned(), placeholder::uuid(self.seed, &address).into());
                let input = inputs.get("input").cloned().unwrap_or(Value::Null);
                visible.insert("input".to_owned(), input.clone());
                visible.insert("output".to_owned(), input);
            }
            visible.extend(inputs.clone());
            let (sleep, exit) = self.provisioners(item, context, &visible)?;
            values.push((key.clone(), Value::Object(visible)));
            if is_data {
                continue;
            }
            let triggers = ["triggers_replace", "triggers"]
                .iter()
                .find_map(|name| inputs.shift_remove(*name));
            let sleep = sleep.or_else(|| {
                inputs
                    .get("create_duration")
                    .and_then(Value::as_str)
                    .and_then(duration)
            });
            own.insert(address.clone());
            let instance = Instance {
                kind: item.kind.clone(),
                inputs: json(&Value::Object(inputs)),
                triggers: json(&triggers.unwrap_or(Value::Null)),
                sleep,
                exit,
                after: behind.clone(),
                address: address.clone(),
            };
            self.wanted.instances.insert(address, instance);
        }
        self.after
            .insert(item.name.clone(), own.into_iter().chain(behind).collect());
        self.publish(item, repetitions.shape, values);
        Ok(())
    }

    fn publish(&mut self, item: &Item, shape: Shape, values: Vec<(String, Value)>) {
        let value = match shape {
            Shape::One => values.into_iter().next().map_or(Value::Null, |(_, value)| value),
            Shape::List => Value::Array(values.into_iter().map(|(_, value)| value).collect()),
            Shape::Map => {
                let name = |key: &str| key.trim_start_matches("[\"").trim_end_matches("\"]").to_owned();
                Value::Object(
                    values
                        .into_iter()
                        .map(|(key, value)| (name(&key), value))
                        .collect(),
                )
            }
        };
        let (root, path) = match item.name.strip_prefix("data.") {
            Some(rest) => ("data".to_owned(), rest.to_owned()),
            None => (item.kind.clone(), item.name.clone()),
        };
        let name = path
            .split_once('.')
            .map_or(path.as_str(), |(_, name)| name)
            .to_owned();
        let scope = self.roots.entry(root.clone()).or_default();
        if root == "data" {
            let kind = scope
                .entry(item.kind.clone())
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(kind) = kind {
                kind.insert(name, value);
            }
        } else {
            scope.insert(name, value);
        }
    }

    fn outputs(&mut self) -> Result<(), Diagnostic> {
        for (name, output) in &self.module.outputs {
            let value = self.value(&output.value, &Context::new(), &format!("output \"{name}\""));
            let value = json(&value.map_err(|error| error.within(&format!("output.{name}")))?);
            self.wanted.outputs.insert(
                name.clone(),
                Output {
                    sensitive: output.sensitive,
                    value,
                },
            );
        }
        Ok(())
    }
}

fn json(value: &Value) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// A module that is not at hand: one resource stands for all it makes.
fn remote(source: &str, prefix: &str, inputs: &Map<String, Value>) -> BTreeMap<String, Instance> {
    let kind = match source {
        source if source.contains("eks") => "aws_eks_cluster",
        source if source.contains("vpc") => "aws_vpc",
        _ => "terraform_data",
    };
    let address = format!("{prefix}{kind}.this");
    let instance = Instance {
        address: address.clone(),
        kind: kind.to_owned(),
        inputs: json(&Value::Object(inputs.clone())),
        triggers: serde_json::Value::Null,
        sleep: None,
        exit: None,
        after: BTreeSet::new(),
    };
    BTreeMap::from([(address, instance)])
}

fn resolve(folder: &str, source: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in source.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
