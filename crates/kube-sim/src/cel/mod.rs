//! Rules of definitions, before they are ever evaluated: whether their types fit together, and what they cost at worst.
//!
//! Evaluation is the library's business; what a server answers to a definition is not in it. An expression is
//! [parsed](parse) by the library too, [checked](check) against the types that the schema [declares](declared), and its
//! worst [cost](cost) is estimated from the sizes that the schema allows.

mod calls;
mod check;
mod cost;
mod declared;
mod fault;
mod functions;
mod literals;
mod overloads;
mod parse;
mod template;
#[cfg(test)]
mod tests;
mod typed;
mod value_type;

pub(crate) use declared::Declared;
use value_type::Type;

/// What an expression must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A rule: whether the value is taken.
    Bool,
    /// What is said when it is not.
    String,
}

/// What is known of an expression that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checked {
    /// Whether it asks for the value before.
    pub(crate) uses_old_self: bool,
    /// The units that it costs at worst; a unit is about fifty nanoseconds.
    pub(crate) cost: u64,
}

/// Why an expression is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It cannot be read, or its parts do not fit together: what cel-go says.
    Compilation(String),
    /// It comes to something else than is wanted.
    Output,
}

/// Checks an expression about a value of which the schema declares this.
pub(crate) fn check(
    text: &str,
    declared: &Declared,
    optional_old_self: bool,
    wanted: Wanted,
) -> Result<Checked, Refusal> {
    let refuse = |faults| Refusal::Compilation(fault::told(faults, text));
    let parsed = parse::parse(text).map_err(refuse)?;
    let typed = check::check(&parsed, text, declared, optional_old_self).map_err(refuse)?;
    let output = match wanted {
        Wanted::Bool => Type::Bool,
        Wanted::String => Type::String,
    };
    if typed.of != output {
        return Err(Refusal::Output);
    }
    Ok(Checked {
        uses_old_self: typed.names(check::OLD_SELF),
        cost: cost::worst(&typed, declared),
    })
}
