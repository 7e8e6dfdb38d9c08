//! Sets of fields, in the form `metadata.managedFields` keeps them (`FieldsV1`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::schema::{ListKind, Node};

/// A set of field paths, as a tree.
///
/// Path elements are kept as `FieldsV1` writes them: `f:name` for a member of an object, `k:{...}` for an
/// item of a list of type map, `v:...` for one of type set, `i:n` for a position.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FieldSet {
    /// Whether the path that leads here is itself in the set.
    pub(super) member: bool,
    pub(super) children: BTreeMap<String, FieldSet>,
}

/// The element of a member of an object.
pub(super) fn field(name: &str) -> String {
    format!("f:{name}")
}

impl FieldSet {
    /// A set of one path's end: the path itself, to be hung under its elements.
    pub(super) fn leaf() -> Self {
        Self {
            member: true,
            children: BTreeMap::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.member && self.children.values().all(Self::is_empty)
    }

    /// Hangs `child` under `element`, unless it is empty.
    pub(super) fn put(&mut self, element: String, child: FieldSet) {
        if !child.is_empty() {
            self.children.insert(element, child);
        }
    }

    pub(super) fn child(&self, element: &str) -> Option<&FieldSet> {
        self.children.get(element)
    }

    pub(crate) fn union(&self, other: &FieldSet) -> FieldSet {
        let mut out = self.clone();
        out.member |= other.member;
        for (element, theirs) in &other.children {
            let joined = out
                .children
                .get(element)
                .map_or_else(|| theirs.clone(), |ours| ours.union(theirs));
            out.put(element.clone(), joined);
        }
        out
    }

    pub(crate) fn intersection(&self, other: &FieldSet) -> FieldSet {
        let mut out = FieldSet {
            member: self.member && other.member,
            ..FieldSet::default()
        };
        for (element, ours) in &self.children {
            if let Some(theirs) = other.children.get(element) {
                out.put(element.clone(), ours.intersection(theirs));
            }
        }
        out
    }

    /// The paths of this set that are not in the other.
    pub(crate) fn difference(&self, other: &FieldSet) -> FieldSet {
        let mut out = FieldSet {
            member: self.member && !other.member,
            ..FieldSet::default()
        };
        for (element, ours) in &self.children {
            let rest = other
                .children
                .get(element)
                .map_or_else(|| ours.clone(), |theirs| ours.difference(theirs));
            out.put(element.clone(), rest);
        }
        out
    }

    /// Removes a path of object members with all below it.
    pub(super) fn remove(&mut self, path: &[&str]) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        let element = field(first);
        if rest.is_empty() {
            self.children.remove(&element);
        } else if let Some(child) = self.children.get_mut(&element) {
            child.remove(rest);
            if child.is_empty() {
                self.children.remove(&element);
            }
        }
    }

    /// Takes a path of object members out of the set and leaves what is below it.
    pub(super) fn release(&mut self, path: &[&str]) {
        let Some((first, rest)) = path.split_first() else {
            self.member = false;
            return;
        };
        let element = field(first);
        if let Some(child) = self.children.get_mut(&element) {
            child.release(rest);
            if child.is_empty() {
                self.children.remove(&element);
            }
        }
    }

    /// Adds the declared members that paths of this set lead through.
    pub(super) fn with_named_parents(&self, node: Option<&Node>) -> FieldSet {
        let mut out = FieldSet {
            member: self.member,
            ..FieldSet::default()
        };
        for (element, child) in &self.children {
            let inner = descend(node, element);
            let mut child = child.with_named_parents(inner);
            if let (Some(name), Some(node)) = (element.strip_prefix("f:"), node) {
                child.member |= node.properties.contains_key(name);
            }
            out.children.insert(element.clone(), child);
        }
        out
    }

    /// All paths, as conflicts print them (`.spec.items[name="x"].value`), in order.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.collect_paths(&mut String::new(), &mut out);
        out
    }

    fn collect_paths(&self, prefix: &mut String, out: &mut Vec<String>) {
        if self.member {
            out.push(prefix.clone());
        }
        for (element, child) in &self.children {
            let length = prefix.len();
            print_element(element, prefix);
            child.collect_paths(prefix, out);
            prefix.truncate(length);
        }
    }

    /// `FieldsV1`.
    pub(crate) fn to_json(&self) -> Value {
        let mut out = Map::new();
        if self.member && !self.children.is_empty() {
            out.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for (element, child) in &self.children {
            out.insert(element.clone(), child.to_json());
        }
        Value::Object(out)
    }

    /// Reads `FieldsV1`; `None` where it is not of that form.
    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        Self::read(value).map(|mut set| {
            set.member = value.get(".").is_some();
            set
        })
    }

    fn read(value: &Value) -> Option<Self> {
        let members = value.as_object()?;
        let mut out = FieldSet {
            member: members.is_empty() || members.contains_key("."),
            ..FieldSet::default()
        };
        for (element, child) in members.iter().filter(|(element, _)| *element != ".") {
            let (prefix, rest) = element.split_once(':')?;
            let canonical = match prefix {
                "f" => element.clone(),
                "k" | "v" | "i" => format!("{prefix}:{}", serde_json::from_str::<Value>(rest).ok()?),
                _ => return None,
            };
            out.children.insert(canonical, Self::read(child)?);
        }
        Some(out)
    }
}

/// The schema node a path element leads to.
pub(super) fn descend<'a>(node: Option<&'a Node>, element: &str) -> Option<&'a Node> {
    let node = node?;
    match element.strip_prefix("f:") {
        Some(name) => node.child(name),
        None => node.items.as_deref(),
    }
}

/// The path element of a list's item, or `None` where the list is owned as a whole.
pub(super) fn item_element(node: Option<&Node>, item: &Value) -> Option<String> {
    let node = node?;
    match &node.list {
        ListKind::Atomic => None,
        ListKind::Set => Some(format!("v:{item}")),
        ListKind::Map(_) => node.item_key(item).map(|key| format!("k:{key}")),
    }
}

/// Whether a value at `node` is owned as a whole.
pub(super) fn is_atomic(node: Option<&Node>, value: &Value) -> bool {
    match value {
        Value::Object(_) => node.is_some_and(|node| node.atomic_map),
        Value::Array(items) => match node.map(|node| &node.list) {
            None | Some(ListKind::Atomic) => true,
            Some(ListKind::Set) => false,
            Some(ListKind::Map(_)) => items.iter().any(|item| item_element(node, item).is_none()),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// All fields of an applied object.
pub(super) fn of_value(node: Option<&Node>, value: &Value) -> FieldSet {
    let mut out = FieldSet::default();
    match value {
        Value::Object(members) if !is_atomic(node, value) => {
            for (name, member) in members {
                let child = node.and_then(|node| node.child(name));
                let declared = node.is_some_and(|node| node.properties.contains_key(name));
                let mut set = of_value(child, member);
                let hollow = member.is_null() || member.as_object().is_some_and(Map::is_empty);
                set.member |= hollow || !declared;
                out.put(field(name), set);
            }
        }
        Value::Array(items) if !is_atomic(node, value) => {
            for item in items {
                if let Some(element) = item_element(node, item) {
                    let mut set = of_value(node.and_then(|node| node.items.as_deref()), item);
                    set.member = true;
                    out.put(element, set);
                }
            }
        }
        _ => out.member = true,
    }
    out
}

/// A path element as conflicts print it.
pub(super) fn print_element(element: &str, out: &mut String) {
    let (prefix, rest) = element.split_once(':').unwrap_or(("f", element));
    match prefix {
        "k" => {
            let key: Value = serde_json::from_str(rest).unwrap_or_default();
            let parts: Vec<String> = key
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let _ = write!(out, "[{}]", parts.join(","));
        }
        "v" => {
            let _ = write!(out, "[={rest}]");
        }
        "i" => {
            let _ = write!(out, "[{rest}]");
        }
        _ => {
            let _ = write!(out, ".{rest}");
        }
    }
}
