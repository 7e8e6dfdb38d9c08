//! Removing what the schema does not know.

use serde_json::Value;

use super::{Additional, Node, Schema, join};

impl Schema {
    /// Removes unknown fields and returns their paths (`spec.foo`, `spec.items[0].bar`), in order.
    ///
    /// Strict field validation reports each as `unknown field "<path>"`. The root's `apiVersion`, `kind`
    /// and `metadata` are always kept; unknown fields inside `metadata` are not.
    pub(crate) fn prune(&self, object: &mut Value) -> Vec<String> {
        let mut unknown = Vec::new();
        prune(object, Some(&self.root), "", true, false, &mut unknown);
        unknown
    }
}

/// `preserve` says that an ancestor keeps unknown fields; it holds for everything below that the schema does
/// not describe.
fn prune(
    value: &mut Value,
    node: Option<&Node>,
    path: &str,
    root: bool,
    preserve: bool,
    unknown: &mut Vec<String>,
) {
    match value {
        Value::Object(members) => {
            let resource = root || node.is_some_and(|node| node.embedded);
            let keep = node.map_or(preserve, |node| node.preserve_unknown);
            let names: Vec<String> = members.keys().cloned().collect();
            for name in names {
                let inner = join(path, &name);
                let declared = node.and_then(|node| node.properties.get(&name));
                let additional = node.and_then(|node| node.additional.as_ref());
                let Some(member) = members.get_mut(&name) else {
                    continue;
                };
                match (declared, additional) {
                    (Some(child), _) => prune(member, Some(child), &inner, false, keep, unknown),
                    (None, Some(Additional::Of(child))) => {
                        prune(member, Some(child), &inner, false, keep, unknown);
                    }
                    (None, Some(Additional::Any)) => prune(member, None, &inner, false, keep, unknown),
                    (None, None) if keep => {}
                    (None, None) if resource && is_type_meta(&name) => {}
                    (None, None) => {
                        members.remove(&name);
                        unknown.push(inner);
                    }
                }
            }
        }
        Value::Array(items) => {
            let keep = node.map_or(preserve, |node| node.preserve_unknown);
            let child = node.and_then(|node| node.items.as_deref());
            if child.is_none() && keep {
                return;
            }
            for (index, item) in items.iter_mut().enumerate() {
                prune(item, child, &format!("{path}[{index}]"), false, keep, unknown);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_type_meta(name: &str) -> bool {
    matches!(name, "apiVersion" | "kind" | "metadata")
}
