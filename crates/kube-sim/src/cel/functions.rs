//! What may be called in an expression.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::value_type::{Substitutions, Type, split};

/// One way to call a function.
#[derive(Debug)]
pub(super) struct Signature {
    /// Whether it is called on its first parameter (`self.name.size()`).
    pub(super) member: bool,
    pub(super) parameters: Vec<Type>,
    result: Type,
    /// The names of the types that may be any.
    variables: Vec<String>,
}

/// The functions by name, each with its signatures in the order of their declaration.
static FUNCTIONS: LazyLock<BTreeMap<&'static str, Vec<Signature>>> = LazyLock::new(|| {
    let mut functions: BTreeMap<_, Vec<Signature>> = BTreeMap::new();
    for line in include_str!("functions.txt").lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, signature) = Signature::parse(line);
        functions.entry(name).or_default().push(signature);
    }
    functions
});

/// The signatures of a function, or `None` where there is no such function.
pub(super) fn signatures(name: &str) -> Option<&'static [Signature]> {
    FUNCTIONS.get(name).map(Vec::as_slice)
}

impl Signature {
    /// Reads a line of the table.
    fn parse(line: &'static str) -> (&'static str, Self) {
        let (call, result) = line.split_once(" -> ").unwrap_or((line, "dyn"));
        let (name, parameters) = call.split_once('(').unwrap_or((call, ""));
        let parameters = parameters.strip_suffix(')').unwrap_or(parameters);
        let member = name.starts_with('.');
        let parameters: Vec<Type> = split(parameters).into_iter().map(Type::parse).collect();
        let result = Type::parse(result);
        let mut variables = Vec::new();
        for part in parameters.iter().chain([&result]) {
            collect_variables(part, &mut variables);
        }
        let signature = Self {
            member,
            parameters,
            result,
            variables,
        };
        (name.strip_prefix('.').unwrap_or(name), signature)
    }

    /// The parameters and the result with variables that nothing else has; `fresh` makes their names.
    pub(super) fn instance(&self, mut fresh: impl FnMut() -> Type) -> (Vec<Type>, Type) {
        let mut renamed = Substitutions::default();
        for variable in &self.variables {
            renamed.bind(variable, fresh());
        }
        let parameters = self
            .parameters
            .iter()
            .map(|parameter| renamed.apply(parameter))
            .collect();
        (parameters, renamed.apply(&self.result))
    }

    /// Whether its parameters are of these types.
    pub(super) fn takes(&self, parameters: &[Type]) -> bool {
        self.parameters == parameters
    }
}

fn collect_variables(within: &Type, into: &mut Vec<String>) {
    match within {
        Type::Variable(name) if !into.contains(name) => into.push(name.clone()),
        Type::List(inner) | Type::Meta(Some(inner)) => collect_variables(inner, into),
        Type::Map(key, value) => {
            collect_variables(key, into);
            collect_variables(value, into);
        }
        Type::Opaque(_, inner) => inner.iter().for_each(|inner| collect_variables(inner, into)),
        Type::Variable(_)
        | Type::Dyn
        | Type::Error
        | Type::Null
        | Type::Bool
        | Type::Int
        | Type::Uint
        | Type::Double
        | Type::String
        | Type::Bytes
        | Type::Duration
        | Type::Timestamp
        | Type::Object(_)
        | Type::Meta(None) => {}
    }
}
