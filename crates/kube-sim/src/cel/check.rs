//! Whether the parts of an expression fit together.
//!
//! Where a type is not known before evaluation (`dyn`), everything fits.

use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, StructExpr};

use super::declared::{Declared, Objects, is_reserved};
use super::fault::{Fault, Place};
use super::literals;
use super::parse::Parsed;
use super::typed::{Entry, Loop, Part, Typed};
use super::value_type::{Substitutions, Type};

/// The value that a rule is about.
const SELF: &str = "self";
/// The value before.
pub(super) const OLD_SELF: &str = "oldSelf";
/// What the type of the value is called. A server puts a number behind it that is another at each time.
const SELF_TYPE: &str = "selfType";

/// The types that can be named in an expression.
const NAMED_TYPES: [&str; 24] = [
    "bool",
    "bytes",
    "double",
    "duration",
    "int",
    "list",
    "map",
    "null_type",
    "optional_type",
    "string",
    "timestamp",
    "type",
    "uint",
    "google.protobuf.Duration",
    "google.protobuf.Timestamp",
    "kubernetes.NamedFormat",
    "kubernetes.Quantity",
    "kubernetes.Semver",
    "kubernetes.URL",
    "kubernetes.authorization.Authorizer",
    "kubernetes.authorization.Decision",
    "kubernetes.authorization.ResourceCheck",
    "net.CIDR",
    "net.IP",
];
/// What Protocol Buffers know; it is taken as it is.
const FOREIGN: &str = "google.";

/// Finds the types of all parts of an expression about a value of which the schema declares this.
pub(super) fn check(
    parsed: &Parsed,
    text: &str,
    declared: &Declared,
    optional_old_self: bool,
) -> Result<Typed, Vec<Fault>> {
    let mut objects = Objects::new();
    let about = declared.value_type(SELF_TYPE, &mut objects);
    let mut checker = Checker {
        old: if optional_old_self {
            Type::optional(about.clone())
        } else {
            about.clone()
        },
        about,
        objects,
        locals: Vec::new(),
        known: Substitutions::default(),
        variables: 0,
        faults: Vec::new(),
    };
    let mut typed = checker.expression(&parsed.root);
    if checker.faults.is_empty() {
        typed.settle(&checker.known);
        checker.faults = literals::faults(&typed);
    }
    if checker.faults.is_empty() {
        return Ok(typed);
    }
    let located = |(id, message)| Fault {
        place: parsed
            .places
            .offset_for(id)
            .map_or(Place { line: 1, column: 0 }, |(start, _)| {
                Place::of(text, start as usize)
            }),
        message,
    };
    Err(checker.faults.into_iter().map(located).collect())
}

pub(super) struct Checker {
    about: Type,
    old: Type,
    objects: Objects,
    /// The variables of macros, the innermost last.
    locals: Vec<(String, Type)>,
    pub(super) known: Substitutions,
    variables: u32,
    /// The part that each is about, and what it says.
    faults: Vec<(u64, String)>,
}

impl Checker {
    pub(super) fn fault(&mut self, id: u64, message: String) {
        self.faults.push((id, message));
    }

    pub(super) fn mismatch(&mut self, id: u64, wanted: &Type, found: &Type) {
        self.fault(id, format!("expected type '{wanted}' but found '{found}'"));
    }

    pub(super) fn variable(&mut self) -> Type {
        self.variables += 1;
        Type::Variable(format!("_var{}", self.variables - 1))
    }

    pub(super) fn expression(&mut self, expression: &IdedExpr) -> Typed {
        let id = expression.id;
        match &expression.expr {
            Expr::Unspecified => Typed {
                id,
                of: Type::Error,
                part: Part::Scalar(None),
            },
            Expr::Literal(value) => literal(id, value),
            Expr::Ident(name) => self.name(id, name),
            Expr::Select(select) => self.select(id, expression, select),
            Expr::Call(call) => self.call(id, call),
            Expr::List(list) => {
                let items: Vec<Typed> = list.elements.iter().map(|it| self.expression(it)).collect();
                let optional = &list.optional_indices;
                let mut of = None;
                for (at, item) in items.iter().enumerate() {
                    let item_type = self.present(item, optional.contains(&at));
                    of = Some(self.join(of, item_type));
                }
                let of = of.unwrap_or_else(|| self.variable());
                let optional = optional.clone();
                Typed {
                    id,
                    of: Type::list(of),
                    part: Part::List { items, optional },
                }
            }
            Expr::Map(map) => {
                let entries = map.entries.iter().map(|entry| &entry.expr);
                self.map(id, entries)
            }
            Expr::Struct(message) => self.message(id, message),
            Expr::Comprehension(comprehension) => self.comprehension(id, comprehension),
        }
    }

    fn map<'a>(&mut self, id: u64, given: impl Iterator<Item = &'a EntryExpr>) -> Typed {
        let (mut key_type, mut value_type) = (None, None);
        let mut entries = Vec::new();
        for entry in given {
            let EntryExpr::MapEntry(entry) = entry else {
                continue;
            };
            let key = self.expression(&entry.key);
            key_type = Some(self.join(key_type, key.of.clone()));
            let value = self.expression(&entry.value);
            let of = self.present(&value, entry.optional);
            value_type = Some(self.join(value_type, of));
            entries.push(Entry {
                key,
                value,
                optional: entry.optional,
            });
        }
        let key_type = key_type.unwrap_or_else(|| self.variable());
        let value_type = value_type.unwrap_or_else(|| self.variable());
        Typed {
            id,
            of: Type::map(key_type, value_type),
            part: Part::Map(entries),
        }
    }

    /// The type of an element, which if it is optional has to be an optional value.
    fn present(&mut self, element: &Typed, optional: bool) -> Type {
        if !optional {
            return element.of.clone();
        }
        let (of, is_optional) = element.of.clone().unwrapped();
        if !is_optional && of != Type::Dyn {
            self.mismatch(element.id, &Type::optional(of.clone()), &of);
        }
        of
    }

    /// The type that elements have in common.
    fn join(&mut self, so_far: Option<Type>, next: Type) -> Type {
        match so_far {
            None => next,
            Some(so_far) if self.known.assign(&so_far, &next) => so_far.most_general(next),
            Some(_) => Type::Dyn,
        }
    }

    fn name(&mut self, id: u64, name: &str) -> Typed {
        let of = self.local(name).or_else(|| self.global(name)).unwrap_or_else(|| {
            self.undeclared(id, name);
            Type::Error
        });
        Typed {
            id,
            of,
            part: Part::Name(name.to_owned()),
        }
    }

    pub(super) fn undeclared(&mut self, id: u64, name: &str) {
        self.fault(id, format!("undeclared reference to '{name}' (in container '')"));
    }

    fn local(&self, name: &str) -> Option<Type> {
        let found = self.locals.iter().rev().find(|(local, _)| local == name);
        found.map(|(_, of)| of.clone())
    }

    fn global(&self, name: &str) -> Option<Type> {
        match name.strip_prefix('.').unwrap_or(name) {
            SELF => Some(self.about.clone()),
            OLD_SELF => Some(self.old.clone()),
            name if NAMED_TYPES.contains(&name) => Some(Type::Meta(match name {
                "type" => None,
                name => Some(Box::new(Type::parse(name))),
            })),
            name if name.starts_with(FOREIGN) => Some(Type::Dyn),
            _ => None,
        }
    }

    fn select(&mut self, id: u64, expression: &IdedExpr, select: &SelectExpr) -> Typed {
        if let Some(name) = qualified(expression)
            && let Some(root) = name.split('.').next()
            && self.local(root).is_none()
            && let Some(of) = self.global(&name)
        {
            return Typed {
                id,
                of,
                part: Part::Name(name),
            };
        }
        let operand = self.expression(&select.operand);
        let of = self.field(id, &operand, &select.field, false);
        Typed {
            id,
            of: if select.test {
                Type::Bool
            } else {
                self.known.apply(&of)
            },
            part: Part::Select {
                operand: Box::new(operand),
                field: select.field.clone(),
                test: select.test,
            },
        }
    }

    /// The type of a field of a value.
    pub(super) fn field(&mut self, id: u64, operand: &Typed, field: &str, optional: bool) -> Type {
        let (of, is_optional) = self.known.apply(&operand.of).unwrapped();
        let found = match &of {
            Type::Map(_, value) => (**value).clone(),
            Type::Object(name) => self.declared_field(id, name, field),
            Type::Variable(_) => {
                self.known.assign(&Type::Dyn, &of);
                Type::Dyn
            }
            Type::Dyn | Type::Error => Type::Dyn,
            Type::Null
            | Type::Bool
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::String
            | Type::Bytes
            | Type::Duration
            | Type::Timestamp
            | Type::List(_)
            | Type::Opaque(_, _)
            | Type::Meta(_) => {
                self.fault(id, format!("type '{of}' does not support field selection"));
                Type::Dyn
            }
        };
        if is_optional || optional {
            Type::optional(found)
        } else {
            found
        }
    }

    fn declared_field(&mut self, id: u64, object: &str, field: &str) -> Type {
        let Some(fields) = self.objects.get(object) else {
            self.fault(id, format!("unexpected failed resolution of '{object}'"));
            return Type::Error;
        };
        let escaped = is_reserved(field).then(|| format!("__{field}__"));
        let found = fields
            .get(field)
            .or_else(|| escaped.and_then(|escaped| fields.get(&escaped)));
        if let Some(found) = found {
            return found.clone();
        }
        self.fault(id, format!("undefined field '{field}'"));
        Type::Error
    }

    fn message(&mut self, id: u64, message: &StructExpr) -> Typed {
        let fields = message.entries.iter().filter_map(|entry| match &entry.expr {
            EntryExpr::StructField(field) => Some(&field.value),
            EntryExpr::MapEntry(_) => None,
        });
        let values = fields.map(|value| self.expression(value)).collect();
        let name = message.type_name.trim_start_matches('.');
        let of = if name.starts_with(FOREIGN) || NAMED_TYPES.contains(&name) {
            Type::Dyn
        } else {
            self.undeclared(id, &message.type_name);
            Type::Error
        };
        Typed {
            id,
            of,
            part: Part::Message(values),
        }
    }

    fn comprehension(&mut self, id: u64, given: &ComprehensionExpr) -> Typed {
        let range = self.expression(&given.iter_range);
        let init = self.expression(&given.accu_init);
        let (first, second) = self.elements(&range, given.iter_var2.is_some());
        let outside = self.locals.len();
        self.locals.push((given.accu_var.clone(), init.of.clone()));
        self.locals.push((given.iter_var.clone(), first));
        if let Some(name) = &given.iter_var2 {
            self.locals.push((name.clone(), second));
        }
        let condition = self.expression(&given.loop_cond);
        self.expect(&condition, &Type::Bool);
        let step = self.expression(&given.loop_step);
        self.expect(&step, &init.of);
        self.locals.truncate(outside + 1);
        let result = self.expression(&given.result);
        self.locals.truncate(outside);
        Typed {
            id,
            of: self.known.apply(&result.of),
            part: Part::Loop(Box::new(Loop {
                range,
                variable: given.iter_var.clone(),
                second: given.iter_var2.clone(),
                gathered: given.accu_var.clone(),
                init,
                condition,
                step,
                result,
            })),
        }
    }

    /// The types of the variables of a macro that goes through a value.
    fn elements(&mut self, range: &Typed, two: bool) -> (Type, Type) {
        let of = self.known.apply(&range.of);
        match &of {
            Type::List(item) if two => (Type::Int, (**item).clone()),
            Type::List(item) => ((**item).clone(), Type::Dyn),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            Type::Dyn | Type::Error | Type::Variable(_) => {
                self.known.assign(&Type::Dyn, &of);
                (Type::Dyn, Type::Dyn)
            }
            Type::Null
            | Type::Bool
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::String
            | Type::Bytes
            | Type::Duration
            | Type::Timestamp
            | Type::Object(_)
            | Type::Opaque(_, _)
            | Type::Meta(_) => {
                let message = format!(
                    "expression of type '{of}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.fault(range.id, message);
                (Type::Error, Type::Error)
            }
        }
    }

    fn expect(&mut self, found: &Typed, wanted: &Type) {
        if !self.known.assign(wanted, &found.of) {
            self.mismatch(found.id, wanted, &found.of);
        }
    }
}

fn literal(id: u64, value: &LiteralValue) -> Typed {
    let (of, part) = match value {
        LiteralValue::Boolean(value) => (Type::Bool, Part::Scalar(Some(*value.inner()))),
        LiteralValue::Bytes(bytes) => (Type::Bytes, Part::Bytes(bytes.inner().len())),
        LiteralValue::Double(_) => (Type::Double, Part::Scalar(None)),
        LiteralValue::Int(value) => (Type::Int, Part::Number(*value.inner())),
        LiteralValue::Null => (Type::Null, Part::Scalar(None)),
        LiteralValue::String(text) => (Type::String, Part::Text(text.inner().to_owned())),
        LiteralValue::UInt(_) => (Type::Uint, Part::Scalar(None)),
    };
    Typed { id, of, part }
}

/// The name that a chain of selections spells (`net.IP`).
pub(super) fn qualified(expression: &IdedExpr) -> Option<String> {
    match &expression.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => {
            qualified(&select.operand).map(|outer| format!("{outer}.{}", select.field))
        }
        _ => None,
    }
}
