//! What `format` fills in: whether each clause of a literal gets a value that it can show.

use super::literals::FORMAT;
use super::typed::{Part, Typed};
use super::value_type::{OPTIONAL, Type};

/// Adds what is wrong with the templates of an expression.
pub(super) fn add_faults(typed: &Typed, faults: &mut Vec<(u64, String)>) {
    if let Part::Call {
        function,
        target: Some(target),
        arguments,
        ..
    } = &typed.part
        && function == FORMAT
        && let Part::Text(template) = &target.part
        && let [values] = arguments.as_slice()
        && let Part::List { items, .. } = &values.part
    {
        match fill(template, items) {
            Ok(used) if items.len() > used => faults.push((
                typed.id,
                format!(
                    "too many arguments supplied to string.format (expected {used}, got {})",
                    items.len()
                ),
            )),
            Ok(_) => {}
            Err((id, why)) => faults.push((id.unwrap_or(typed.id), why)),
        }
    }
    for child in typed.children() {
        add_faults(child, faults);
    }
}

/// Why a clause cannot be filled in, and the value that it is about.
type Unfilled = (Option<u64>, String);

/// Counts the clauses of a template, each of which shows the next value.
fn fill(template: &str, values: &[Typed]) -> Result<usize, Unfilled> {
    let mut used = 0;
    let mut rest = template;
    while let Some((_, clause)) = rest.split_once('%') {
        if let Some(after) = clause.strip_prefix('%') {
            rest = after;
            continue;
        }
        if clause.is_empty() {
            return Err((None, "unexpected end of string".to_owned()));
        }
        let Some(value) = values.get(used) else {
            return Err((None, format!("index {used} out of range")));
        };
        rest = show(clause, value)?;
        used += 1;
    }
    Ok(used)
}

/// Shows a value in a clause; what follows the clause.
fn show<'a>(clause: &'a str, value: &Typed) -> Result<&'a str, Unfilled> {
    let parse = |why: &str| (None, format!("could not parse formatting clause: {why}"));
    let clause = match clause.strip_prefix('.') {
        Some(precision) => {
            let rest = precision.trim_start_matches(|it: char| it.is_ascii_digit());
            if rest.is_empty() {
                return Err(parse(
                    "error while parsing precision: could not find end of precision specifier",
                ));
            }
            rest
        }
        None => clause,
    };
    let mut letters = clause.chars();
    let kind = letters.next().unwrap_or_default();
    let fits = match kind {
        's' => shown_as_string(value),
        'd' => only(
            value,
            &["int", "uint"],
            "decimal clause can only be used on integers",
        ),
        'f' => only(
            value,
            &["double", "string"],
            "fixed-point clause can only be used on doubles",
        ),
        'e' => only(
            value,
            &["double", "string"],
            "scientific clause can only be used on doubles",
        ),
        'b' => only(
            value,
            &["int", "uint", "bool"],
            "only integers and bools can be formatted as binary",
        ),
        'x' | 'X' => only(
            value,
            &["int", "uint", "string", "bytes"],
            "only integers, byte buffers, and strings can be formatted as hex",
        ),
        'o' => only(
            value,
            &["int", "uint"],
            "octal clause can only be used on integers",
        ),
        _ => return Err(parse(&format!("unrecognized formatting clause \"{kind}\""))),
    };
    fits.map_err(|(id, why)| (Some(id), format!("error during formatting: {why}")))?;
    Ok(letters.as_str())
}

fn only(value: &Typed, wanted: &[&str], why: &str) -> Result<(), (u64, String)> {
    let of = value.of.to_string();
    if value.of == Type::Dyn || wanted.contains(&of.as_str()) {
        Ok(())
    } else {
        Err((value.id, format!("{why}, was given {}", runtime_name(&value.of))))
    }
}

/// Strings show everything but objects and what libraries define, in lists and maps too.
fn shown_as_string(value: &Typed) -> Result<(), (u64, String)> {
    if matches!(value.of, Type::Object(_) | Type::Opaque(_, _)) {
        let why = "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, \
                   and timestamps";
        return Err((value.id, format!("{why}, was given {}", runtime_name(&value.of))));
    }
    match &value.part {
        Part::List { .. } | Part::Map(_) => value.children().into_iter().try_for_each(shown_as_string),
        Part::Text(_)
        | Part::Bytes(_)
        | Part::Number(_)
        | Part::Scalar(_)
        | Part::Name(_)
        | Part::Select { .. }
        | Part::Call { .. }
        | Part::Message(_)
        | Part::Loop(_) => Ok(()),
    }
}

/// The name of a type when values are shown.
fn runtime_name(of: &Type) -> String {
    match of {
        Type::List(_) => "list".to_owned(),
        Type::Map(_, _) => "map".to_owned(),
        Type::Null => "null_type".to_owned(),
        Type::Duration => "google.protobuf.Duration".to_owned(),
        Type::Timestamp => "google.protobuf.Timestamp".to_owned(),
        Type::Opaque(name, _) if name == OPTIONAL => name.clone(),
        Type::Meta(_) => "type".to_owned(),
        Type::Dyn
        | Type::Error
        | Type::Bool
        | Type::Int
        | Type::Uint
        | Type::Double
        | Type::String
        | Type::Bytes
        | Type::Object(_)
        | Type::Opaque(_, _)
        | Type::Variable(_) => of.to_string(),
    }
}
