//! What a configuration comes to: the resource instances it wants and its outputs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hcl::Value;
use hcl::eval::{Context, Evaluate};
use hcl::expr::Expression;
use hcl::structure::{Body, Structure};
use hcl::value::Map;

use super::module::{Item, Module, Variable, error};
use super::references::{Part, Reference, of_body, of_expression};
use super::{functions, placeholder};
use crate::run::Output;
use crate::stream::Diagnostic;

/// A resource instance as the configuration wants it.
#[derive(Debug, Clone, PartialEq)]
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
        evaluator.node(&name)?;
    }
    evaluator.outputs()?;
    Ok(evaluator.wanted)
}

struct Evaluator<'a> {
    files: &'a BTreeMap<String, Vec<u8>>,
    folder: &'a str,
    prefix: &'a str,
    seed: &'a str,
    module: &'a Module,
    /// `var`, `local`, `aws_vpc`, ...: what expressions see.
    roots: BTreeMap<String, Map<String, Value>>,
    /// For each node, the instances that whoever refers to it comes after.
    after: BTreeMap<String, BTreeSet<String>>,
    wanted: Wanted,
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
                    return Err(error("No value for required variable", detail).at(place));
                }
            };
            values.insert(name.clone(), convert(name, variable, value)?);
        }
        self.roots.insert("var".into(), values);
        for (name, variable) in &self.module.variables {
            for (condition, message) in &variable.validations {
                let place = format!("variable \"{name}\"");
                if self.value(condition, &Context::new(), &place)? != Value::Bool(true) {
                    return Err(
                        error("Invalid value for variable", message.clone()).at(self.module.locate(&place))
                    );
                }
            }
        }
        Ok(())
    }

    /// What each node refers to; every reference must be declared.
    fn graph(&mut self) -> Result<BTreeMap<String, BTreeSet<String>>, Diagnostic> {
        let mut graph = BTreeMap::new();
        for (name, expression) in &self.module.locals {
            graph.insert(format!("local.{name}"), self.nodes(of_expression(expression))?);
        }
        for (name, item) in &self.module.items {
            graph.insert(name.clone(), self.nodes(of_body(&item.body))?);
        }
        for (name, output) in &self.module.outputs {
            graph.insert(
                format!("output.{name}"),
                self.nodes(of_expression(&output.value))?,
            );
        }
        Ok(graph)
    }

    /// The nodes behind references. What a provider would compute is filled in on the way.
    fn nodes(&mut self, references: BTreeSet<Reference>) -> Result<BTreeSet<String>, Diagnostic> {
        let mut nodes = BTreeSet::new();
        for reference in references {
            let first = reference.attr(0);
            let (name, what, path) = match (reference.root.as_str(), first) {
                ("var", Some(name)) if !self.module.variables.contains_key(name) => {
                    return Err(self.undeclared(&format!("var.{name}"), "input variable", name));
                }
                ("local", Some(name)) if !self.module.locals.contains_key(name) => {
                    return Err(self.undeclared(&format!("local.{name}"), "local value", name));
                }
                ("local", Some(name)) => {
                    nodes.insert(format!("local.{name}"));
                    continue;
                }
                ("var" | "each" | "count" | "self" | "path" | "terraform", _) => continue,
                // A bare word: a type constraint, a provider or an attribute in `ignore_changes`.
                (_, None) => continue,
                ("module", Some(name)) => (format!("module.{name}"), "module", &reference.path[1..]),
                ("data", Some(kind)) => match reference.attr(1) {
                    Some(name) => (
                        format!("data.{kind}.{name}"),
                        "data resource",
                        &reference.path[2..],
                    ),
                    None => continue,
                },
                (kind, Some(name)) => (format!("{kind}.{name}"), "resource", &reference.path[1..]),
            };
            if !self.module.items.contains_key(&name) {
                // Providers are referred to as `aws.west`.
                if self
                    .module
                    .locate(&format!("provider \"{}\"", reference.root))
                    .is_some()
                {
                    continue;
                }
                return Err(self.undeclared(&name, what, &name));
            }
            self.expect(&name, path);
            nodes.insert(name);
        }
        Ok(nodes)
    }

    fn undeclared(&self, text: &str, what: &str, name: &str) -> Diagnostic {
        let detail = format!("A {what} {name:?} has not been declared in this module.");
        error(&format!("Reference to undeclared {what}"), detail).at(self.module.locate(text))
    }

    /// Remembers that somebody reads `path` of a resource, so that there is something to read.
    fn expect(&mut self, name: &str, path: &[Part]) {
        let path = match path {
            [Part::Index(_) | Part::Any, rest @ ..] => rest,
            // `aws_subnet.a["x"].id`: an instance of `for_each`.
            [Part::Attr(_), rest @ ..] if self.is_repeated(name) => rest,
            path => path,
        };
        let Some((Part::Attr(attribute), rest)) = path.split_first() else {
            return;
        };
        let owner = format!("{}{name}", self.prefix);
        let leaf = |path: &str| placeholder::attribute(self.seed, &owner, path);
        let value = grow(attribute, rest, &leaf);
        let known = self.roots.entry(format!("? {name}")).or_default();
        match known.get_mut(attribute) {
            Some(present) => combine(present, value),
            None => {
                known.insert(attribute.clone(), value);
            }
        }
    }

    fn is_repeated(&self, name: &str) -> bool {
        let body = self.module.items.get(name).map(|item| &item.body);
        body.is_some_and(|body| body.attributes().any(|attribute| attribute.key() == "for_each"))
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
    fn value(&self, expression: &Expression, extra: &Context<'_>, at: &str) -> Result<Value, Diagnostic> {
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

    fn repetitions(&self, item: &Item) -> Result<Repetitions, Diagnostic> {
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
    fn body(&self, body: &Body, context: &Context<'_>, at: &str) -> Result<Map<String, Value>, Diagnostic> {
        let mut values = Map::new();
        for structure in body.iter() {
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
    fn provisioners(
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

    fn outputs(&mut self) -> Result<(), Diagnostic> {
        for (name, output) in &self.module.outputs {
            let value = json(&self.value(&output.value, &Context::new(), &format!("output \"{name}\""))?);
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

struct Repetitions {
    each: Vec<(String, Context<'static>)>,
    shape: Shape,
}

#[derive(Clone, Copy)]
enum Shape {
    One,
    List,
    Map,
}

fn attribute<'a>(body: &'a Body, key: &str) -> Option<&'a Expression> {
    body.attributes()
        .find(|attribute| attribute.key() == key)
        .map(hcl::Attribute::expr)
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

/// A value that has `path`, with a placeholder at its end.
fn grow(name: &str, path: &[Part], leaf: &dyn Fn(&str) -> Value) -> Value {
    match path.split_first() {
        None => leaf(name),
        Some((Part::Attr(next), rest)) => {
            let inner = grow(&format!("{name}_{next}"), rest, leaf);
            Value::Object(Map::from_iter([(next.clone(), inner)]))
        }
        Some((Part::Index(index), rest)) => {
            if rest.is_empty()
                && let Value::Array(items) = leaf(name)
                && items.len() > *index
            {
                return Value::Array(items);
            }
            // Nobody means the thousandth element of something that a provider computes.
            let count = (*index).min(63) + 1;
            let items = (0..count).map(|n| {
                if rest.is_empty() {
                    leaf(&format!("{name}_{n}"))
                } else {
                    grow(name, rest, leaf)
                }
            });
            Value::Array(items.collect())
        }
        Some((Part::Any, [])) => match leaf(name) {
            Value::Array(items) => Value::Array(items),
            other => Value::Array(vec![other]),
        },
        Some((Part::Any, rest)) => Value::Array(vec![grow(name, rest, leaf)]),
    }
}

fn combine(present: &mut Value, other: Value) {
    match (present, other) {
        (Value::Object(present), Value::Object(other)) => {
            for (key, value) in other {
                match present.get_mut(&key) {
                    Some(inner) => combine(inner, value),
                    None => {
                        present.insert(key, value);
                    }
                }
            }
        }
        (Value::Array(present), Value::Array(other)) => {
            for (index, value) in other.into_iter().enumerate() {
                match present.get_mut(index) {
                    Some(inner) => combine(inner, value),
                    None => present.push(value),
                }
            }
        }
        (present, other @ (Value::Object(_) | Value::Array(_))) => *present = other,
        _ => {}
    }
}

fn convert(name: &str, variable: &Variable, value: Value) -> Result<Value, Diagnostic> {
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

/// An order in which each node comes after what it refers to.
fn order(mut graph: BTreeMap<String, BTreeSet<String>>) -> Result<Vec<String>, Diagnostic> {
    let mut ordered = Vec::new();
    while !graph.is_empty() {
        let free: Vec<String> = graph
            .iter()
            .filter(|(_, after)| !after.iter().any(|name| graph.contains_key(name)))
            .map(|(name, _)| name.clone())
            .collect();
        if free.is_empty() {
            let names: Vec<_> = graph.into_keys().collect();
            return Err(error(&format!("Cycle: {}", names.join(", ")), ""));
        }
        for name in free {
            graph.remove(&name);
            ordered.push(name);
        }
    }
    Ok(ordered)
}

/// `30s`, `5m`, `1h`
fn duration(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return None,
    };
    text.get(..text.len() - 1)?
        .parse::<u64>()
        .ok()
        .map(|count| Duration::from_secs(count.saturating_mul(unit)))
}

/// The seconds of every `sleep N` in a command.
fn sleeping(command: &str) -> Option<Duration> {
    let words: Vec<&str> = command
        .split(|c: char| c.is_whitespace() || ";&|()".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    let seconds = words.windows(2).filter(|pair| matches!(pair, ["sleep", _]));
    let seconds: Vec<f64> = seconds
        .filter_map(|pair| pair.last()?.trim_end_matches('s').parse().ok())
        .collect();
    let total = seconds
        .iter()
        .copied()
        .filter(|seconds| seconds.is_finite())
        .fold(0.0, |sum, seconds| sum + seconds);
    (!seconds.is_empty()).then(|| Duration::try_from_secs_f64(total.clamp(0.0, 1e6)).unwrap_or_default())
}

/// The code of a plain `exit N` other than zero in a command.
fn exiting(command: &str) -> Option<i32> {
    command
        .split([';', '\n'])
        .flat_map(|part| part.split("&&"))
        .filter_map(|part| part.trim().strip_prefix("exit ")?.trim().parse::<i32>().ok())
        .find(|code| *code != 0)
}
