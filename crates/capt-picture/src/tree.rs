//! A picture as a tree: what was made for what.

use super::{Node, Picture};

/// One line of a tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch<'a> {
    /// The arms that lead to it; empty for a root.
    pub arms: String,
    /// The arms of what is written below it about itself.
    pub below: String,
    /// The object.
    pub node: &'a Node,
}

/// All objects, each below the one that it was made for.
pub fn tree(picture: &Picture) -> Vec<Branch<'_>> {
    let mut branches = Vec::new();
    for root in picture.roots() {
        grow(picture, root, "", "", &mut branches);
    }
    branches
}

fn grow<'a>(picture: &'a Picture, node: &'a Node, arms: &str, indent: &str, branches: &mut Vec<Branch<'a>>) {
    // Nobody owns itself over several corners, but nothing keeps people from writing it down.
    if branches.iter().any(|branch| branch.node.key == node.key) {
        return;
    }
    let children = picture.children(&node.key);
    let trunk = if children.is_empty() { "   " } else { "│  " };
    branches.push(Branch {
        arms: arms.to_owned(),
        below: format!("{indent}{trunk}"),
        node,
    });
    let last = children.len().saturating_sub(1);
    for (number, child) in children.into_iter().enumerate() {
        let (arm, below) = if number == last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        grow(
            picture,
            child,
            &format!("{indent}{arm}"),
            &format!("{indent}{below}"),
            branches,
        );
    }
}
