//! Where in what a person wrote a fault lies.

use crate::words::one_line;
use crate::{Failure, Node, NodeKey, NodeKind, Picture};

/// Where a fault lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The object whose text it is, if it is that of one.
    pub(crate) object: Option<NodeKey>,
    /// The field of that object, or a file of a module that Terraform fetched.
    pub(crate) field: String,
    /// The line of that text, from 1.
    pub(crate) line: Option<u32>,
    /// The column, from 1.
    pub(crate) column: Option<u32>,
}

impl Place {
    /// Where the fault of `node` lies, if it says so. What was made from a template lies in the template.
    pub(crate) fn of(picture: &Picture, node: &Node, fault: &Failure) -> Option<Self> {
        let position = one_line(&fault.position);
        if position.is_empty() {
            return None;
        }
        let (field, line, column) = split(&position);
        // Whoever repeats the fault of a child names the object, too.
        if let Some((object, field)) = named(node, field) {
            return Some(Self {
                object: Some(object),
                field: field.to_owned(),
                line,
                column,
            });
        }
        let Some(rest) = field.strip_prefix("spec.") else {
            return Some(Self {
                object: None,
                field: field.to_owned(),
                line,
                column,
            });
        };
        let (object, field) = match template_of(picture, node) {
            Some(template) => (template.clone(), format!("spec.template.spec.{rest}")),
            None => (node.key.clone(), field.to_owned()),
        };
        Some(Self {
            object: Some(object),
            field,
            line,
            column,
        })
    }

    /// The place in words, objects of `namespace` without it.
    pub(crate) fn words(&self, namespace: &str) -> String {
        let object = self
            .object
            .as_ref()
            .map(|key| format!("{}, ", key.title_in(namespace)));
        let mut words = format!("{}{}", object.unwrap_or_default(), self.field);
        if let Some(line) = self.line {
            words = format!("{words}, line {line}");
        }
        if let Some(column) = self.column {
            words = format!("{words}, column {column}");
        }
        words
    }
}

/// `Kind/name field` taken apart.
fn named<'a>(node: &Node, position: &'a str) -> Option<(NodeKey, &'a str)> {
    let (object, field) = position.split_once(' ')?;
    let (kind, name) = object.split_once('/')?;
    let (namespace, name) = name
        .split_once('/')
        .unwrap_or((node.key.namespace.as_str(), name));
    Some((NodeKey::new(NodeKind::of(kind)?, namespace, name), field))
}

/// The template that a workspace is made from. Nobody makes a workspace from it any more that is being deleted: what
/// is wrong with its destroy is mended in its own text.
pub(super) fn template_of<'a>(picture: &'a Picture, node: &'a Node) -> Option<&'a NodeKey> {
    if node.key.kind != NodeKind::Workspace || node.deleting {
        return None;
    }
    let apply = picture.get(node.parent.as_ref()?)?;
    let mut needs = apply.needs.iter();
    needs
        .find(|it| it.key.kind == NodeKind::Template)
        .map(|it| &it.key)
}

/// `field:line,column` taken apart; the numbers may be missing.
fn split(position: &str) -> (&str, Option<u32>, Option<u32>) {
    let parts = || {
        let (field, numbers) = position.rsplit_once(':')?;
        let (line, column) = numbers
            .split_once(',')
            .map_or((numbers, None), |(line, column)| (line, Some(column)));
        let line = line.trim().parse().ok()?;
        let column = match column {
            Some(column) => Some(column.trim().parse().ok()?),
            None => None,
        };
        Some((field, Some(line), column))
    };
    parts().unwrap_or((position, None, None))
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn positions_are_taken_apart() {
        assert_eq!(split("spec.a.module:3,5"), ("spec.a.module", Some(3), Some(5)));
        assert_eq!(split("x/main.tf:3"), ("x/main.tf", Some(3), None));
        assert_eq!(
            split("spec.forProvider.vars"),
            ("spec.forProvider.vars", None, None)
        );
        assert_eq!(split("c:\\x"), ("c:\\x", None, None));
    }
}
