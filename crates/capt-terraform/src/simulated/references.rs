//! What an expression refers to.

use std::collections::BTreeSet;

use hcl::expr::{Expression, ObjectKey, Operation, TemplateExpr, Traversal, TraversalOperator};
use hcl::structure::{Body, Structure};
use hcl::template::{Directive, Element, Template};

/// One part of the path behind the root of a reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// `.name` or `["name"]`
    Attr(String),
    /// `[0]`
    Index(usize),
    /// `[*]`, or an index that is computed.
    Any,
}

/// A reference: `aws_vpc.main.id` has the root `aws_vpc` and two parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    pub(super) root: String,
    pub(super) path: Vec<Part>,
}

impl Reference {
    /// The name of the n-th part of the path, if it is one.
    pub(super) fn attr(&self, n: usize) -> Option<&str> {
        match self.path.get(n) {
            Some(Part::Attr(name)) => Some(name),
            Some(Part::Index(_) | Part::Any) | None => None,
        }
    }
}

/// Everything that an expression refers to, names bound inside it left out.
pub(super) fn of_expression(expression: &Expression) -> BTreeSet<Reference> {
    let mut collector = Collector::default();
    collector.expression(expression);
    collector.found
}

/// Everything that a body refers to, nested blocks included.
pub(super) fn of_body(body: &Body) -> BTreeSet<Reference> {
    let mut collector = Collector::default();
    collector.body(body);
    collector.found
}

#[derive(Default)]
struct Collector {
    found: BTreeSet<Reference>,
    bound: Vec<String>,
}

impl Collector {
    fn body(&mut self, body: &Body) {
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => self.expression(attribute.expr()),
                Structure::Block(block) => {
                    let bound = self.bound.len();
                    if block.identifier() == "dynamic" {
                        let iterator = block
                            .body()
                            .attributes()
                            .find(|attribute| attribute.key() == "iterator");
                        let label = block.labels().first().map(|label| label.as_str().to_owned());
                        self.bound
                            .extend(iterator.map(|iterator| iterator.expr().to_string()).or(label));
                    }
                    self.body(block.body());
                    self.bound.truncate(bound);
                }
            }
        }
    }

    fn expression(&mut self, expression: &Expression) {
        match expression {
            Expression::Array(items) => items.iter().for_each(|item| self.expression(item)),
            Expression::Object(object) => {
                for (key, value) in object {
                    // A bare word as a key is a string, as in Terraform.
                    if let ObjectKey::Expression(key) = key
                        && !matches!(key, Expression::Variable(_))
                    {
                        self.expression(key);
                    }
                    self.expression(value);
                }
            }
            Expression::TemplateExpr(template) => self.template_expr(template),
            Expression::Variable(name) => self.reference(name.as_str(), Vec::new()),
            Expression::Traversal(traversal) => self.traversal(traversal),
            Expression::FuncCall(call) => call.args.iter().for_each(|arg| self.expression(arg)),
            Expression::Parenthesis(inner) => self.expression(inner),
            Expression::Conditional(conditional) => {
                self.expression(&conditional.cond_expr);
                self.expression(&conditional.true_expr);
                self.expression(&conditional.false_expr);
            }
            Expression::Operation(operation) => match operation.as_ref() {
                Operation::Unary(unary) => self.expression(&unary.expr),
                Operation::Binary(binary) => {
                    self.expression(&binary.lhs_expr);
                    self.expression(&binary.rhs_expr);
                }
            },
            Expression::ForExpr(each) => {
                self.expression(&each.collection_expr);
                let bound = self.bound.len();
                self.bound.extend(each.key_var.as_ref().map(ToString::to_string));
                self.bound.push(each.value_var.to_string());
                let inner = [
                    each.key_expr.as_ref(),
                    Some(&each.value_expr),
                    each.cond_expr.as_ref(),
                ];
                for inner in inner.into_iter().flatten() {
                    self.expression(inner);
                }
                self.bound.truncate(bound);
            }
            // Literals, and what a newer version of the library may add.
            _ => {}
        }
    }

    fn traversal(&mut self, traversal: &Traversal) {
        for operator in &traversal.operators {
            if let TraversalOperator::Index(index) = operator {
                self.expression(index);
            }
        }
        let Expression::Variable(root) = &traversal.expr else {
            return self.expression(&traversal.expr);
        };
        let path = traversal.operators.iter().map(part).collect();
        self.reference(root.as_str(), path);
    }

    fn reference(&mut self, root: &str, path: Vec<Part>) {
        if !self.bound.iter().any(|bound| bound == root) {
            self.found.insert(Reference {
                root: root.to_owned(),
                path,
            });
        }
    }

    fn template_expr(&mut self, expression: &TemplateExpr) {
        // A template that cannot be read fails when it is evaluated.
        if let Ok(template) = Template::from_expr(expression) {
            self.template(&template);
        }
    }

    fn template(&mut self, template: &Template) {
        for element in template.elements() {
            match element {
                Element::Literal(_) => {}
                Element::Interpolation(interpolation) => self.expression(&interpolation.expr),
                Element::Directive(directive) => match directive.as_ref() {
                    Directive::If(directive) => {
                        self.expression(&directive.cond_expr);
                        self.template(&directive.true_template);
                        directive
                            .false_template
                            .iter()
                            .for_each(|other| self.template(other));
                    }
                    Directive::For(directive) => {
                        self.expression(&directive.collection_expr);
                        let bound = self.bound.len();
                        self.bound
                            .extend(directive.key_var.as_ref().map(ToString::to_string));
                        self.bound.push(directive.value_var.to_string());
                        self.template(&directive.template);
                        self.bound.truncate(bound);
                    }
                },
            }
        }
    }
}

fn part(operator: &TraversalOperator) -> Part {
    match operator {
        TraversalOperator::GetAttr(name) => Part::Attr(name.to_string()),
        TraversalOperator::LegacyIndex(index) => Part::Index(usize::try_from(*index).unwrap_or(0)),
        TraversalOperator::Index(Expression::Number(number)) => number
            .as_u64()
            .and_then(|index| usize::try_from(index).ok())
            .map_or(Part::Any, Part::Index),
        TraversalOperator::Index(Expression::String(name)) => Part::Attr(name.clone()),
        TraversalOperator::Index(_) | TraversalOperator::AttrSplat | TraversalOperator::FullSplat => {
            Part::Any
        }
    }
}
