//! A picture as a tree: what was made for what.

use std::collections::BTreeSet;

use crate::{Node, NodeKey, Picture};

/// One line of a tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch<'a> {
    /// The arms that lead to it; empty for a root.
    pub arms: String,
    /// The arms of what is written below it about itself.
    pub below: String,
    /// How many are above it.
    pub depth: usize,
    /// The object.
    pub node: &'a Node,
}

/// All objects with a state, each below the one that it was made for.
pub fn tree(picture: &Picture) -> Vec<Branch<'_>> {
    let mut grown = Tree {
        picture,
        seen: BTreeSet::new(),
        branches: Vec::new(),
    };
    for root in picture.roots() {
        grown.grow(root, "", "", 0);
    }
    // Owners that own each other are nobody's child; nothing keeps people from writing that down.
    for node in picture.nodes().filter(|node| node.key.kind.has_state()) {
        grown.grow(node, "", "", 0);
    }
    grown.branches
}

struct Tree<'a> {
    picture: &'a Picture,
    seen: BTreeSet<&'a NodeKey>,
    branches: Vec<Branch<'a>>,
}

impl<'a> Tree<'a> {
    fn grow(&mut self, node: &'a Node, arms: &str, indent: &str, depth: usize) {
        if !self.seen.insert(&node.key) {
            return;
        }
        let mut children = self.picture.children(&node.key);
        children.retain(|child| !self.seen.contains(&child.key));
        let trunk = if children.is_empty() { "   " } else { "│  " };
        self.branches.push(Branch {
            arms: arms.to_owned(),
            below: format!("{indent}{trunk}"),
            depth,
            node,
        });
        let last = children.len().saturating_sub(1);
        for (number, child) in children.into_iter().enumerate() {
            let (arm, below) = if number == last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            self.grow(
                child,
                &format!("{indent}{arm}"),
                &format!("{indent}{below}"),
                depth + 1,
            );
        }
    }
}
