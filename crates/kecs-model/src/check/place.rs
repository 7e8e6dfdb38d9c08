//! Where in an input a value stands.

use std::fmt;

/// A way from the input to a value, kept on the stack while the input is walked: most of them are never printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    parent: Option<&'a Self>,
    step: Step<'a>,
    /// The name of the outermost element of a list that has one: the container.
    container: Option<&'a str>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Member(&'a str),
    Element(usize),
    Entry(&'a str),
}

impl<'a> Place<'a> {
    pub(super) const fn root() -> Self {
        Self {
            parent: None,
            step: Step::Root,
            container: None,
        }
    }

    pub(super) const fn member(&'a self, name: &'a str) -> Self {
        self.then(Step::Member(name))
    }

    /// The element at this position, counted from 0, and the name that it has.
    pub(super) fn element(&'a self, position: usize, name: Option<&'a str>) -> Self {
        Self {
            container: self.container.or(name),
            ..self.then(Step::Element(position))
        }
    }

    pub(super) const fn entry(&'a self, key: &'a str) -> Self {
        self.then(Step::Entry(key))
    }

    const fn then(&'a self, step: Step<'a>) -> Self {
        Self {
            parent: Some(self),
            step,
            container: self.container,
        }
    }

    /// The name of the container that the value is part of, if it is part of one.
    pub(super) const fn container(&self) -> Option<&'a str> {
        self.container
    }

    /// The name of the member that the value is or is part of.
    pub(super) fn name(&self) -> &'a str {
        match (self.step, self.parent) {
            (Step::Member(name), _) => name,
            (Step::Element(_) | Step::Entry(_), Some(parent)) => parent.name(),
            (Step::Root | Step::Element(_) | Step::Entry(_), _) => "",
        }
    }
}

/// As AWS writes it: `tags.1.member.key`, elements counted from 1.
impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(formatter)?;
            if !matches!(parent.step, Step::Root) {
                formatter.write_str(".")?;
            }
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Member(name) => formatter.write_str(name),
            Step::Element(position) => write!(formatter, "{}.member", position.saturating_add(1)),
            Step::Entry(key) => write!(formatter, "{key}.value"),
        }
    }
}
