//! Who refers to whom in a module.

use std::collections::{BTreeMap, BTreeSet};

use super::computed::{combine, grow};
use super::eval::Evaluator;
use super::module::error;
use super::placeholder;
use super::references::{Part, Reference, of_body, of_expression};
use crate::stream::Diagnostic;

impl Evaluator<'_> {
    /// What each node refers to; every reference must be declared.
    pub(super) fn graph(&mut self) -> Result<BTreeMap<String, BTreeSet<String>>, Diagnostic> {
        let mut graph = BTreeMap::new();
        for (name, expression) in &self.module.locals {
            graph.insert(format!("local.{name}"), self.nodes(of_expression(expression))?);
        }
        for (name, item) in &self.module.items {
            let nodes = self.nodes(of_body(&item.body));
            graph.insert(name.clone(), nodes.map_err(|error| error.within(name))?);
        }
        for (name, output) in &self.module.outputs {
            let name = format!("output.{name}");
            let nodes = self.nodes(of_expression(&output.value));
            let nodes = nodes.map_err(|error| error.within(&name))?;
            graph.insert(name, nodes);
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
                // A bare word is a type constraint, a provider or an attribute in `ignore_changes`.
                ("var" | "each" | "count" | "self" | "path" | "terraform", _) | (_, None) => continue,
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
        let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) {
            "An"
        } else {
            "A"
        };
        let detail = format!("{article} {what} {name:?} has not been declared in this module.");
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
}

/// An order in which each node comes after what it refers to.
pub(super) fn order(mut graph: BTreeMap<String, BTreeSet<String>>) -> Result<Vec<String>, Diagnostic> {
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
