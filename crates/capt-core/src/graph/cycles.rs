//! All the ways in which a set of edges leads back to itself.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::NodeFiltered;

/// The elementary circuits of a graph whose nodes are numbered in key order, at most `limit` of them.
///
/// Each begins with its least node, and they come in order: of the least nodes first, then of what follows. That
/// is the algorithm of Johnson ("Finding All the Elementary Circuits of a Directed Graph", SIAM Journal on
/// Computing 4(1), 1975): a circuit costs at most a walk over the strongly connected part that it lies in.
/// Edges from a node to itself are circuits too.
pub(super) fn circuits(edges: &[Vec<usize>], limit: usize) -> Vec<Vec<usize>> {
    let mut graph = DiGraph::<(), ()>::with_capacity(edges.len(), 0);
    for _ in edges {
        graph.add_node(());
    }
    for (from, ends) in edges.iter().enumerate() {
        for &to in ends {
            graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), ());
        }
    }
    let mut found = Vec::new();
    let mut first = 0;
    while found.len() < limit {
        let rest = NodeFiltered::from_fn(&graph, |node| node.index() >= first);
        let parts = kosaraju_scc(&rest).into_iter();
        let nodes = parts.map(|part| part.into_iter().map(NodeIndex::index).collect::<Vec<usize>>());
        let circular = nodes.filter(|part| part.len() > 1 || edges[part[0]].contains(&part[0]));
        let Some(part) = circular.min_by_key(|part| part.iter().min().copied()) else {
            break;
        };
        let start = part.iter().min().copied().unwrap_or_default();
        Walk::new(edges, &part, start).run(limit, &mut found);
        first = start + 1;
    }
    found
}

/// One walk from a node through its part of the graph, and back to it in every way.
struct Walk<'e> {
    edges: &'e [Vec<usize>],
    start: usize,
    /// Nodes outside the part, nodes on the path, and nodes from which the way back is known to be closed while
    /// the path is what it is.
    blocked: Vec<bool>,
    /// Which nodes are open again once this one is.
    opens: Vec<Vec<usize>>,
}

struct Frame {
    node: usize,
    next: usize,
    came_back: bool,
}

impl<'e> Walk<'e> {
    fn new(edges: &'e [Vec<usize>], part: &[usize], start: usize) -> Self {
        let mut blocked = vec![true; edges.len()];
        for &node in part {
            blocked[node] = false;
        }
        blocked[start] = true;
        Self {
            edges,
            start,
            blocked,
            opens: vec![Vec::new(); edges.len()],
        }
    }

    fn run(mut self, limit: usize, found: &mut Vec<Vec<usize>>) {
        // A stack of our own: the length of a circuit is not bounded, the depth of the call stack is.
        let mut path = vec![Frame {
            node: self.start,
            next: 0,
            came_back: false,
        }];
        let part: Vec<bool> = self.blocked.iter().map(|blocked| !blocked).collect();
        while let Some(frame) = path.last_mut() {
            let node = frame.node;
            if let Some(&to) = self.edges[node].get(frame.next) {
                frame.next += 1;
                if to == self.start {
                    frame.came_back = true;
                    if found.len() < limit {
                        found.push(path.iter().map(|frame| frame.node).collect());
                    }
                } else if !self.blocked[to] {
                    self.blocked[to] = true;
                    path.push(Frame {
                        node: to,
                        next: 0,
                        came_back: false,
                    });
                }
                continue;
            }
            let came_back = frame.came_back;
            path.pop();
            if came_back {
                self.open(node);
            } else {
                for &to in self.edges[node].iter().filter(|to| part[**to]) {
                    if !self.opens[to].contains(&node) {
                        self.opens[to].push(node);
                    }
                }
            }
            if let Some(before) = path.last_mut() {
                before.came_back |= came_back;
            }
            if found.len() >= limit {
                return;
            }
        }
    }

    fn open(&mut self, node: usize) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            self.blocked[node] = false;
            for next in std::mem::take(&mut self.opens[node]) {
                if self.blocked[next] {
                    open.push(next);
                }
            }
        }
    }
}
