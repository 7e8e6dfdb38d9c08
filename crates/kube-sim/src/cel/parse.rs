//! From the text of an expression to its tree.

use std::sync::LazyLock;

use cel::Env;
use cel::common::ast::{
    CallExpr, ComprehensionExpr, Expr, IdedExpr, ListExpr, LiteralValue, MapExpr, SourceInfo, operators,
};
use cel::parser::{Macro, MacroExprHelper, ParseError};

use super::fault::{Fault, Place};

/// How deep expressions may be nested, as the server has it.
const MAX_DEPTH: u16 = 250;

/// What a result is gathered in while a macro goes through a list or a map.
pub(super) const RESULT: &str = "@result";
/// Puts an entry into a map that a macro makes.
const MAP_INSERT: &str = "cel.@mapInsert";

/// The standard macros and those of two variables.
static ENV: LazyLock<Env> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    for (name, arguments, step) in TWO_VARIABLES {
        let expanded = Macro::receiver(*name, *arguments, |helper, target, args| {
            two_variables(*step, helper, target, args).map(Some)
        });
        // Only a second macro of a name and number of arguments would be refused.
        let _ = env.add_macro(expanded);
    }
    env
});

/// A parsed expression, and where its parts stand in the text.
pub(super) struct Parsed {
    pub(super) root: IdedExpr,
    pub(super) places: SourceInfo,
}

/// Parses an expression.
pub(super) fn parse(text: &str) -> Result<Parsed, Vec<Fault>> {
    let parser = ENV.parser().max_recursion_depth(MAX_DEPTH);
    match parser.parse_with_source_info(text) {
        Ok((root, places)) => Ok(Parsed { root, places }),
        Err(errors) => Err(told(errors.errors)),
    }
}

/// The faults of a text, without the parser's own complaints about a tree that is incomplete because of them.
fn told(errors: Vec<ParseError>) -> Vec<Fault> {
    let (own, others): (Vec<_>, Vec<_>) = errors
        .into_iter()
        .partition(|error| error.msg.starts_with("Incomplete ") || error.msg.starts_with("No `"));
    let told = if others.is_empty() { own } else { others };
    told.into_iter().map(syntax_fault).collect()
}

fn syntax_fault(error: ParseError) -> Fault {
    let (line, column) = error.pos;
    Fault {
        place: Place {
            line: usize::try_from(line).unwrap_or(1),
            column: usize::try_from(column - 1).unwrap_or_default(),
        },
        message: error.msg,
    }
}

/// What a macro of two variables makes of each element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    All,
    Exists,
    ExistsOne,
    List,
    Map,
    Entry,
}

/// The macros that know the place of an element as well as the element, by their number of arguments.
const TWO_VARIABLES: &[(&str, usize, Step)] = &[
    ("all", 3, Step::All),
    ("exists", 3, Step::Exists),
    ("existsOne", 3, Step::ExistsOne),
    ("exists_one", 3, Step::ExistsOne),
    ("transformList", 3, Step::List),
    ("transformList", 4, Step::List),
    ("transformMap", 3, Step::Map),
    ("transformMap", 4, Step::Map),
    ("transformMapEntry", 3, Step::Entry),
    ("transformMapEntry", 4, Step::Entry),
];

fn two_variables(
    step: Step,
    helper: &mut MacroExprHelper<'_>,
    target: &mut Option<IdedExpr>,
    args: &mut Vec<IdedExpr>,
) -> Result<IdedExpr, ParseError> {
    let mut given = std::mem::take(args).into_iter();
    let mut variable = || {
        let given = given.next().unwrap_or_default();
        match given.expr {
            Expr::Ident(name) => Ok((name, given.id)),
            _ => Err(given.id),
        }
    };
    let not_simple =
        |helper: &MacroExprHelper<'_>, id| helper.new_error(id, "argument must be a simple name");
    let (first, _) = variable().map_err(|id| not_simple(helper, id))?;
    let (second, id) = variable().map_err(|id| not_simple(helper, id))?;
    if first == second {
        return Err(helper.new_error(id, format!("duplicate variable name: {first}")));
    }
    let rest: Vec<IdedExpr> = given.collect();
    let mut build = Builder { helper };
    let (init, condition, step, result) = build.parts(step, &first, rest);
    let iter_range = target.take().unwrap_or_default();
    Ok(build.node(Expr::Comprehension(Box::new(ComprehensionExpr {
        iter_range,
        iter_var: first,
        iter_var2: Some(second),
        accu_var: RESULT.to_owned(),
        accu_init: init,
        loop_cond: condition,
        loop_step: step,
        result,
    }))))
}

/// Makes nodes that stand where the macro stands.
struct Builder<'a, 'b> {
    helper: &'a mut MacroExprHelper<'b>,
}

impl Builder<'_, '_> {
    fn node(&mut self, expr: Expr) -> IdedExpr {
        self.helper.next_expr(expr)
    }

    fn ident(&mut self, name: &str) -> IdedExpr {
        self.node(Expr::Ident(name.to_owned()))
    }

    fn truth(&mut self, value: bool) -> IdedExpr {
        self.node(Expr::Literal(LiteralValue::Boolean(value.into())))
    }

    fn number(&mut self, value: i64) -> IdedExpr {
        self.node(Expr::Literal(LiteralValue::Int(value.into())))
    }

    fn call(&mut self, function: &str, args: Vec<IdedExpr>) -> IdedExpr {
        self.node(Expr::Call(CallExpr {
            func_name: function.to_owned(),
            target: None,
            args,
        }))
    }

    /// The start, the condition to go on, what is done with each element, and the result.
    fn parts(
        &mut self,
        step: Step,
        first: &str,
        rest: Vec<IdedExpr>,
    ) -> (IdedExpr, IdedExpr, IdedExpr, IdedExpr) {
        let result = self.ident(RESULT);
        let so_far = self.ident(RESULT);
        let mut rest = rest.into_iter();
        let mut next = || rest.next().unwrap_or_default();
        match step {
            Step::All => {
                let going = self.ident(RESULT);
                let condition = self.call(operators::NOT_STRICTLY_FALSE, vec![going]);
                let each = self.call(operators::LOGICAL_AND, vec![so_far, next()]);
                (self.truth(true), condition, each, result)
            }
            Step::Exists => {
                let found = self.ident(RESULT);
                let going = self.call(operators::LOGICAL_NOT, vec![found]);
                let condition = self.call(operators::NOT_STRICTLY_FALSE, vec![going]);
                let each = self.call(operators::LOGICAL_OR, vec![so_far, next()]);
                (self.truth(false), condition, each, result)
            }
            Step::ExistsOne => {
                let one = self.number(1);
                let more = self.call(operators::ADD, vec![so_far, one]);
                let same = self.ident(RESULT);
                let each = self.call(operators::CONDITIONAL, vec![next(), more, same]);
                let one = self.number(1);
                let result = self.call(operators::EQUALS, vec![result, one]);
                (self.number(0), self.truth(true), each, result)
            }
            Step::List | Step::Map | Step::Entry => {
                let given = next();
                let (filter, transform) = match rest.next() {
                    Some(transform) => (Some(given), transform),
                    None => (None, given),
                };
                let (init, more) = if step == Step::List {
                    let item = self.node(Expr::List(ListExpr::new(vec![transform])));
                    let init = self.node(Expr::List(ListExpr::new(Vec::new())));
                    (init, self.call(operators::ADD, vec![so_far, item]))
                } else {
                    let mut args = vec![so_far];
                    if step == Step::Map {
                        args.push(self.ident(first));
                    }
                    args.push(transform);
                    let init = self.node(Expr::Map(MapExpr::default()));
                    (init, self.call(MAP_INSERT, args))
                };
                let each = match filter {
                    Some(filter) => {
                        let same = self.ident(RESULT);
                        self.call(operators::CONDITIONAL, vec![filter, more, same])
                    }
                    None => more,
                };
                (init, self.truth(true), each, result)
            }
        }
    }
}
