//! What an expression costs at worst.
//!
//! The estimate is cel-go's with the sizes that the schema declares: what a rule may cost decides whether a server takes
//! its definition, so the number must be the same as there, roundings and oddities included.

use super::calls;
use super::declared::Declared;
use super::parse::RESULT;
use super::typed::{Loop, Part, Typed};
use super::value_type::{OPTIONAL, Type};

/// A cost, or a size, is between these two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) min: u64,
    pub(super) max: u64,
}

impl Range {
    /// Of which nothing is known.
    pub(super) const UNKNOWN: Self = Self {
        min: 0,
        max: u64::MAX,
    };

    pub(super) const fn exactly(number: u64) -> Self {
        Self {
            min: number,
            max: number,
        }
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            min: self.min.saturating_add(other.min),
            max: self.max.saturating_add(other.max),
        }
    }

    pub(super) const fn times(self, other: Self) -> Self {
        Self {
            min: self.min.saturating_mul(other.min),
            max: self.max.saturating_mul(other.max),
        }
    }

    /// The range that has both in it.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }

    /// A multiple of it, rounded up as floating-point numbers are.
    pub(super) fn scaled(self, by: f64) -> Self {
        Self {
            min: scaled(self.min, by),
            max: scaled(self.max, by),
        }
    }
}

/// To go through a string once.
pub(super) const STRING_TRAVERSAL: f64 = 0.1;
/// To match a pattern, by its length.
pub(super) const PATTERN_LENGTH: f64 = 0.25;

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the server calculates so: its estimate has these roundings, and ends at the largest number"
)]
fn scaled(number: u64, by: f64) -> u64 {
    (number as f64 * by).ceil() as u64
}

const SELECTION: Range = Range::exactly(1);
const NEW_LIST: Range = Range::exactly(10);
const NEW_MAP: Range = Range::exactly(30);
const NEW_MESSAGE: Range = Range::exactly(40);

/// The sizes of the keys and the values of a list or a map.
#[derive(Debug, Clone, Copy)]
pub(super) struct Elements {
    of_list: bool,
    key: Range,
    value: Range,
}

impl Elements {
    fn or(self, other: Self) -> Self {
        Self {
            of_list: self.of_list,
            key: self.key.or(other.key),
            value: self.value.or(other.value),
        }
    }
}

/// What is known of a part of an expression.
#[derive(Debug, Clone)]
pub(super) struct Estimate<'a> {
    pub(super) typed: &'a Typed,
    pub(super) cost: Range,
    /// The way to it from a variable of the rule; empty where there is none.
    pub(super) path: Vec<String>,
    pub(super) size: Option<Range>,
    pub(super) elements: Option<Elements>,
}

impl Estimate<'_> {
    pub(super) fn size_or_unknown(&self) -> Range {
        self.size.unwrap_or(Range::UNKNOWN)
    }
}

/// The units that an expression costs at worst.
pub(super) fn worst(typed: &Typed, declared: &Declared) -> u64 {
    let mut coster = Coster {
        declared,
        locals: Vec::new(),
    };
    coster.estimate(typed).cost.max
}

struct Local {
    name: String,
    path: Vec<String>,
    size: Option<Range>,
    elements: Option<Elements>,
}

pub(super) struct Coster<'a> {
    declared: &'a Declared,
    /// The variables of macros, the innermost last.
    locals: Vec<Local>,
}

impl Coster<'_> {
    fn estimate<'a>(&mut self, typed: &'a Typed) -> Estimate<'a> {
        let nothing = Range::exactly(0);
        let mut estimate = Estimate {
            typed,
            cost: nothing,
            path: Vec::new(),
            size: None,
            elements: None,
        };
        match &typed.part {
            Part::Text(text) => estimate.size = Some(Range::exactly(text.chars().count() as u64)),
            Part::Bytes(length) => estimate.size = Some(Range::exactly(*length as u64)),
            Part::Number(_) | Part::Scalar(_) => estimate.size = Some(Range::exactly(1)),
            Part::Name(name) => {
                let local = self.locals.iter().rev().find(|local| local.name == *name);
                estimate.cost = SELECTION;
                estimate.path = local.map_or_else(|| vec![name.clone()], |local| local.path.clone());
                estimate.elements = local.and_then(|local| local.elements);
                let size = local.and_then(|local| local.size);
                estimate.size = self.size(&estimate.path, &typed.of).or(size);
            }
            Part::Select { operand, field, test } => {
                let operand = self.estimate(operand);
                estimate.cost = operand.cost;
                // To ask whether something is there costs nothing.
                if !test {
                    if matches!(operand.typed.of, Type::Map(_, _) | Type::Object(_)) {
                        estimate.cost = estimate.cost.plus(SELECTION);
                    }
                    estimate.path = operand.path;
                    estimate.path.push(field.clone());
                }
                estimate.size = self.size(&estimate.path, &typed.of);
            }
            Part::Call { .. } => self.call(&mut estimate),
            Part::List { items, .. } => {
                let items: Vec<Estimate<'_>> = items.iter().map(|it| self.estimate(it)).collect();
                estimate.cost = items.iter().fold(NEW_LIST, |sum, it| sum.plus(it.cost));
                estimate.size = Some(Range::exactly(items.len() as u64));
                estimate.elements = Some(Elements {
                    of_list: true,
                    key: Range::exactly(1),
                    value: spread(items.iter()),
                });
            }
            Part::Map(entries) => {
                let entries: Vec<(Estimate<'_>, Estimate<'_>)> = entries
                    .iter()
                    .map(|it| (self.estimate(&it.key), self.estimate(&it.value)))
                    .collect();
                estimate.cost = entries
                    .iter()
                    .fold(NEW_MAP, |sum, (key, value)| sum.plus(key.cost).plus(value.cost));
                estimate.size = Some(Range::exactly(entries.len() as u64));
                estimate.elements = Some(Elements {
                    of_list: false,
                    key: spread(entries.iter().map(|(key, _)| key)),
                    value: spread(entries.iter().map(|(_, value)| value)),
                });
            }
            Part::Message(values) => {
                estimate.cost = values
                    .iter()
                    .fold(NEW_MESSAGE, |sum, value| sum.plus(self.estimate(value).cost));
            }
            Part::Loop(it) if it.is_binding() => self.binding(it, &mut estimate),
            Part::Loop(it) => self.loop_through(it, &mut estimate),
        }
        estimate
    }

    /// The size of what is at a path, or of a type whose values all have the same.
    fn size(&self, path: &[String], of: &Type) -> Option<Range> {
        self.declared_size(path)
            .or_else(|| is_scalar(of).then_some(Range::exactly(1)))
    }

    /// The size that is declared at a path: what it starts from is left away, whatever that is.
    pub(super) fn declared_size(&self, path: &[String]) -> Option<Range> {
        let (_, steps) = path.split_first()?;
        let max = self.declared.at(steps.iter().map(String::as_str))?;
        Some(Range { min: 0, max })
    }

    fn call<'a>(&mut self, estimate: &mut Estimate<'a>) {
        let Part::Call {
            function,
            target,
            arguments,
            signatures,
        } = &estimate.typed.part
        else {
            return;
        };
        if function == "dyn" {
            let argument = arguments.first().map(|it| self.estimate(it));
            estimate.cost = SELECTION;
            if let Some(argument) = argument {
                estimate.cost = argument.cost.plus(SELECTION);
                estimate.size = argument.size;
                estimate.elements = argument.elements;
            }
            return;
        }
        let arguments: Vec<Estimate<'a>> = arguments.iter().map(|it| self.estimate(it)).collect();
        let target = target.as_deref().map(|it| self.estimate(it));
        let sum = arguments
            .iter()
            .fold(Range::exactly(0), |sum, argument| sum.plus(argument.cost));
        // The optional selection has one signature, of any value.
        let all: Vec<_> = signatures.iter().copied().map(Some).collect();
        let all = if all.is_empty() { vec![None] } else { all };
        let mut cost: Option<Range> = None;
        let mut size = None;
        for signature in all {
            let call = calls::Call {
                function,
                signature,
                target: target.as_ref().map(calls::Operand::of),
                arguments: arguments.iter().map(calls::Operand::of).collect(),
                sum,
                sizes: self,
            };
            let estimated = call.estimate();
            cost = Some(cost.map_or(estimated.cost, |cost| cost.or(estimated.cost)));
            if let Some(result) = estimated.size {
                size = Some(size.map_or(result, |size: Range| size.or(result)));
            }
            if estimated.elements.is_some() {
                estimate.elements = estimated.elements;
            }
            if let (Some(step), Some(first)) = (estimated.step, arguments.first()) {
                estimate.path.clone_from(&first.path);
                estimate.path.push(step.to_owned());
                size = first.elements.map(|elements| elements.value);
            }
            size = size.or_else(|| self.size(&estimate.path, &estimate.typed.of));
        }
        let target = target.map_or(Range::exactly(0), |target| target.cost);
        estimate.cost = target.plus(cost.unwrap_or(Range::exactly(0)));
        estimate.size = size.or_else(|| self.size(&estimate.path, &estimate.typed.of));
    }

    /// A value that gets a name for the rest of the expression.
    fn binding(&mut self, it: &Loop, estimate: &mut Estimate<'_>) {
        let range = self.estimate(&it.range);
        let init = self.estimate(&it.init);
        self.remember(&it.gathered, &init);
        let result = self.estimate(&it.result);
        self.locals.pop();
        estimate.cost = range.cost.plus(init.cost).plus(result.cost);
        estimate.size = result.size;
        estimate.elements = result.elements;
    }

    fn loop_through(&mut self, it: &Loop, estimate: &mut Estimate<'_>) {
        let range = self.estimate(&it.range);
        let init = self.estimate(&it.init);
        self.remember(&it.gathered, &init);
        let before = self.locals.len();
        self.remember_elements(it, &range);
        let condition = self.estimate(&it.condition);
        let step = self.estimate(&it.step);
        self.locals.truncate(before);
        let result = self.estimate(&it.result);
        self.locals.pop();
        let times = range.size_or_unknown();
        let loops = times.times(step.cost.plus(condition.cost));
        estimate.cost = range.cost.plus(init.cost).plus(result.cost).plus(loops);
        match &it.init.part {
            Part::List { .. } | Part::Map(_) => {
                estimate.size = Some(times);
                estimate.elements = step.elements;
            }
            Part::Text(_) | Part::Bytes(_) | Part::Number(_) | Part::Scalar(_) => estimate.size = init.size,
            Part::Name(_) | Part::Select { .. } | Part::Call { .. } | Part::Message(_) | Part::Loop(_) => {
                estimate.size = self.size(&[], &estimate.typed.of);
            }
        }
    }

    fn remember(&mut self, name: &str, value: &Estimate<'_>) {
        self.locals.push(Local {
            name: name.to_owned(),
            path: value.path.clone(),
            size: value.size,
            elements: value.elements,
        });
    }

    fn remember_elements(&mut self, it: &Loop, range: &Estimate<'_>) {
        let elements = range.elements;
        let of_list = elements.map_or_else(|| matches!(range.typed.of, Type::List(_)), |it| it.of_list);
        let (key_step, value_step) = if of_list {
            ("@indices", "@items")
        } else {
            ("@keys", "@values")
        };
        let key = elements.map(|it| it.key);
        let value = elements.map(|it| it.value);
        let named = match &it.second {
            Some(second) => vec![(&it.variable, key_step, key), (second, value_step, value)],
            None if of_list => vec![(&it.variable, value_step, value)],
            None => vec![(&it.variable, key_step, key)],
        };
        for (name, step, size) in named {
            let mut path = range.path.clone();
            path.push(step.to_owned());
            self.locals.push(Local {
                name: name.clone(),
                path,
                size,
                elements: None,
            });
        }
    }
}

impl Loop {
    /// Whether it only gives a value a name: it goes through nothing.
    fn is_binding(&self) -> bool {
        matches!(&self.range.part, Part::List { items, .. } if items.is_empty())
            && matches!(self.condition.part, Part::Scalar(Some(false)))
            && self.gathered != RESULT
    }
}

/// The sizes of the elements of a literal.
fn spread<'a, 'b: 'a>(elements: impl Iterator<Item = &'a Estimate<'b>>) -> Range {
    elements
        .map(Estimate::size_or_unknown)
        .reduce(Range::or)
        .unwrap_or(Range::exactly(0))
}

/// Either of two estimates of elements, if both are known.
pub(super) fn either(one: Option<Elements>, other: Option<Elements>) -> Option<Elements> {
    one.zip(other).map(|(one, other)| one.or(other))
}

fn is_scalar(of: &Type) -> bool {
    match of {
        Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp | Type::Uint => true,
        Type::Opaque(name, inner) => name == OPTIONAL && inner.first().is_some_and(is_scalar),
        Type::Dyn
        | Type::Error
        | Type::Null
        | Type::String
        | Type::Bytes
        | Type::List(_)
        | Type::Map(_, _)
        | Type::Object(_)
        | Type::Meta(_)
        | Type::Variable(_) => false,
    }
}
