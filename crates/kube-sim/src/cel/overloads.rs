//! Which signatures of a function fit a call.

use cel::common::ast::{CallExpr, operators};

use super::check::{Checker, qualified};
use super::functions::{Signature, signatures};
use super::typed::{Part, Typed};
use super::value_type::Type;

impl Checker {
    pub(super) fn call(&mut self, id: u64, call: &CallExpr) -> Typed {
        if call.func_name == operators::OPT_SELECT {
            return self.optional_select(id, call);
        }
        let arguments: Vec<Typed> = call.args.iter().map(|it| self.expression(it)).collect();
        let Some(target) = &call.target else {
            let name = call.func_name.strip_prefix('.').unwrap_or(&call.func_name);
            return self.resolve(id, name, &call.func_name, None, arguments);
        };
        if let Some(prefix) = qualified(target) {
            let name = format!("{prefix}.{}", call.func_name);
            if signatures(&name).is_some() {
                return self.resolve(id, &name, &name, None, arguments);
            }
        }
        let target = self.expression(target);
        self.resolve(id, &call.func_name, &call.func_name, Some(target), arguments)
    }

    fn optional_select(&mut self, id: u64, call: &CallExpr) -> Typed {
        let [operand, field] = call.args.as_slice() else {
            return Typed {
                id,
                of: Type::Dyn,
                part: Part::Scalar(None),
            };
        };
        let operand = self.expression(operand);
        let field = self.expression(field);
        let of = if let Part::Text(name) = &field.part {
            self.field(id, &operand, name, true)
        } else {
            Type::optional(Type::Dyn)
        };
        Typed {
            id,
            of: self.known.apply(&of),
            part: Part::Call {
                function: call.func_name.clone(),
                target: None,
                arguments: vec![operand, field],
                signatures: Vec::new(),
            },
        }
    }

    /// Finds the signatures of a call that fit.
    fn resolve(
        &mut self,
        id: u64,
        function: &str,
        written: &str,
        target: Option<Typed>,
        arguments: Vec<Typed>,
    ) -> Typed {
        let (of, fitting) = if let Some(all) = signatures(function) {
            self.fitting(id, function, all, target.as_ref(), &arguments)
        } else {
            self.undeclared(id, written);
            (Type::Error, Vec::new())
        };
        Typed {
            id,
            of,
            part: Part::Call {
                function: function.to_owned(),
                target: target.map(Box::new),
                arguments,
                signatures: fitting,
            },
        }
    }

    fn fitting(
        &mut self,
        id: u64,
        function: &str,
        all: &'static [Signature],
        target: Option<&Typed>,
        arguments: &[Typed],
    ) -> (Type, Vec<&'static Signature>) {
        if matches!(function, operators::LOGICAL_AND | operators::LOGICAL_OR) {
            return self.logical(all, arguments);
        }
        let given: Vec<Type> = target
            .into_iter()
            .chain(arguments)
            .map(|it| it.of.clone())
            .collect();
        let (mut of, mut fitting) = (None, Vec::new());
        for signature in all.iter().filter(|it| it.member == target.is_some()) {
            let (parameters, result) = signature.instance(|| self.variable());
            if !self.known.assign_all(&given, &parameters) {
                continue;
            }
            fitting.push(signature);
            let result = self.known.apply(&result);
            of = Some(match of {
                None => result,
                Some(of) if of == Type::Dyn || of == result => of,
                Some(_) => Type::Dyn,
            });
        }
        let Some(of) = of else {
            let shown: Vec<String> = given.iter().map(|it| self.known.settle(it).to_string()).collect();
            let call = match target {
                Some(_) => format!("{}.({})", shown[0], shown[1..].join(", ")),
                None => format!("({})", shown.join(", ")),
            };
            self.fault(
                id,
                format!("found no matching overload for '{function}' applied to '{call}'"),
            );
            return (Type::Error, fitting);
        };
        (of, fitting)
    }

    /// Each side of `&&` and `||` is looked at by itself.
    fn logical(&mut self, all: &'static [Signature], arguments: &[Typed]) -> (Type, Vec<&'static Signature>) {
        let mut of = Type::Bool;
        for argument in arguments {
            if !self.known.assign(&argument.of, &Type::Bool) {
                self.mismatch(argument.id, &Type::Bool, &argument.of);
                of = Type::Error;
            }
        }
        (of, all.iter().collect())
    }
}
