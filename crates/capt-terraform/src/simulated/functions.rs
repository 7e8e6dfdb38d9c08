//! The functions of the configuration language, as far as modules commonly use them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hcl::Value;
use hcl::eval::{Context, Func, FuncArgs, FuncDef, ParamType};
use hcl::value::Map;

type Given = Result<Value, String>;

/// Declares every function.
pub(super) fn declare(context: &mut Context<'_>) {
    for (name, function) in FUNCTIONS {
        let definition = FuncDef::builder().variadic_param(ParamType::Any).build(*function);
        context.declare_func(hcl::Identifier::sanitized(name), definition);
    }
}

const FUNCTIONS: &[(&str, Func)] = &[
    ("jsonencode", |args| Ok(json(arg(&args, 0)?)?.into())),
    ("jsondecode", |args| from_json(text(&args, 0)?)),
    ("yamlencode", |args| yaml(arg(&args, 0)?)),
    ("yamldecode", |args| from_yaml(text(&args, 0)?)),
    ("base64encode", |args| Ok(STANDARD.encode(text(&args, 0)?).into())),
    ("base64decode", |args| base64decode(&args)),
    ("sha256", |args| {
        Ok(super::placeholder::sha256_hex(text(&args, 0)?).into())
    }),
    ("format", |args| format(&args)),
    ("join", |args| join(&args)),
    ("split", |args| Ok(list(text(&args, 1)?.split(text(&args, 0)?)))),
    ("lower", |args| Ok(text(&args, 0)?.to_lowercase().into())),
    ("upper", |args| Ok(text(&args, 0)?.to_uppercase().into())),
    ("trimspace", |args| Ok(text(&args, 0)?.trim().into())),
    ("trimprefix", |args| {
        strip(&args, |text, cut| text.strip_prefix(cut))
    }),
    ("trimsuffix", |args| {
        strip(&args, |text, cut| text.strip_suffix(cut))
    }),
    ("replace", |args| {
        Ok(text(&args, 0)?
            .replace(text(&args, 1)?.trim_matches('/'), text(&args, 2)?)
            .into())
    }),
    ("substr", |args| substr(&args)),
    ("startswith", |args| {
        Ok(text(&args, 0)?.starts_with(text(&args, 1)?).into())
    }),
    ("endswith", |args| {
        Ok(text(&args, 0)?.ends_with(text(&args, 1)?).into())
    }),
    ("tostring", |args| {
        Ok(to_text(arg(&args, 0)?).map_or(Value::Null, Value::from))
    }),
    ("tonumber", |args| tonumber(&args)),
    ("tobool", |args| match arg(&args, 0)? {
        Value::String(text) => text
            .parse::<bool>()
            .map(Value::from)
            .map_err(|_| "not a bool".to_owned()),
        other => Ok(other.clone()),
    }),
    ("tolist", |args| first(&args)),
    ("toset", |args| distinct(&args)),
    ("tomap", |args| first(&args)),
    ("sensitive", |args| first(&args)),
    ("nonsensitive", |args| first(&args)),
    ("try", |args| first(&args)),
    ("can", |_| Ok(true.into())),
    ("coalesce", |args| {
        let found = args
            .iter()
            .find(|value| !matches!(value, Value::Null) && value.as_str() != Some(""));
        found
            .cloned()
            .ok_or_else(|| "no non-null, non-empty-string arguments".to_owned())
    }),
    ("merge", |args| merge(&args)),
    ("lookup", |args| lookup(&args)),
    ("keys", |args| {
        Ok(list(sorted(&args)?.into_iter().map(|(key, _)| key)))
    }),
    ("values", |args| {
        Ok(Value::Array(
            sorted(&args)?.into_iter().map(|(_, value)| value).collect(),
        ))
    }),
    ("length", |args| length(&args)),
    ("concat", |args| concat(&args)),
    ("flatten", |args| Ok(Value::Array(flatten(array(&args, 0)?)))),
    ("distinct", |args| distinct(&args)),
    ("compact", |args| {
        let empty = |value: &Value| matches!(value, Value::Null) || value.as_str() == Some("");
        Ok(Value::Array(
            array(&args, 0)?
                .iter()
                .filter(|value| !empty(value))
                .cloned()
                .collect(),
        ))
    }),
    ("contains", |args| {
        Ok(array(&args, 0)?.contains(arg(&args, 1)?).into())
    }),
    ("element", |args| {
        let items = array(&args, 0)?;
        let index = arg(&args, 1)?
            .as_u64()
            .and_then(|index| usize::try_from(index).ok())
            .unwrap_or(0);
        let index = index
            .checked_rem(items.len())
            .ok_or("cannot use element function with an empty list")?;
        Ok(items.get(index).cloned().unwrap_or(Value::Null))
    }),
    ("slice", |args| slice(&args)),
    ("reverse", |args| {
        Ok(Value::Array(array(&args, 0)?.iter().rev().cloned().collect()))
    }),
    ("sort", |args| {
        let mut items: Vec<_> = array(&args, 0)?.iter().filter_map(to_text).collect();
        items.sort();
        Ok(list(items))
    }),
    ("range", |args| range(&args)),
    ("zipmap", |args| {
        let keys = array(&args, 0)?.iter().filter_map(to_text);
        Ok(Value::Object(
            keys.zip(array(&args, 1)?.iter().cloned()).collect::<Map<_, _>>(),
        ))
    }),
    ("one", |args| {
        Ok(array(&args, 0)?.first().cloned().unwrap_or(Value::Null))
    }),
    ("min", |args| extreme(&args, |a, b| a < b)),
    ("max", |args| extreme(&args, |a, b| a > b)),
    ("cidrsubnet", |args| cidrsubnet(&args)),
    ("timestamp", |_| Ok("1970-01-01T00:00:00Z".into())),
    ("plantimestamp", |_| Ok("1970-01-01T00:00:00Z".into())),
];

fn arg(args: &FuncArgs, n: usize) -> Result<&Value, String> {
    args.get(n).ok_or_else(|| format!("missing argument {}", n + 1))
}

fn text(args: &FuncArgs, n: usize) -> Result<&str, String> {
    arg(args, n)?
        .as_str()
        .ok_or_else(|| format!("argument {} must be a string", n + 1))
}

fn array(args: &FuncArgs, n: usize) -> Result<&Vec<Value>, String> {
    arg(args, n)?
        .as_array()
        .ok_or_else(|| format!("argument {} must be a list", n + 1))
}

fn first(args: &FuncArgs) -> Given {
    arg(args, 0).cloned()
}

fn list<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> Value {
    Value::Array(items.into_iter().map(Into::into).collect())
}

/// The text of a primitive value.
pub(super) fn to_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn json(value: &Value) -> Result<String, String> {
    // Terraform writes the keys of an object in order, which serde_json's map does.
    let value = serde_json::to_value(value).map_err(|error| error.to_string())?;
    serde_json::to_string(&value).map_err(|error| error.to_string())
}

fn from_json(text: &str) -> Given {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    hcl::to_value(value).map_err(|error| error.to_string())
}

fn yaml(value: &Value) -> Given {
    let value = serde_json::to_value(value).map_err(|error| error.to_string())?;
    serde_saphyr::to_string(&value)
        .map(Value::from)
        .map_err(|error| error.to_string())
}

fn from_yaml(text: &str) -> Given {
    let value: serde_json::Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    hcl::to_value(value).map_err(|error| error.to_string())
}

fn base64decode(args: &FuncArgs) -> Given {
    let bytes = STANDARD
        .decode(text(args, 0)?)
        .map_err(|_| "failed to decode base64 data".to_owned())?;
    String::from_utf8(bytes)
        .map(Value::from)
        .map_err(|_| "the result of decoding is not valid UTF-8".to_owned())
}

fn join(args: &FuncArgs) -> Given {
    let mut parts = Vec::new();
    for given in args.iter().skip(1) {
        match given {
            Value::Array(items) => parts.extend(items.iter().filter_map(to_text)),
            other => parts.extend(to_text(other)),
        }
    }
    Ok(parts.join(text(args, 0)?).into())
}

fn strip(args: &FuncArgs, cut: for<'a> fn(&'a str, &str) -> Option<&'a str>) -> Given {
    let whole = text(args, 0)?;
    let part = text(args, 1)?;
    Ok(cut(whole, part).unwrap_or(whole).into())
}

fn substr(args: &FuncArgs) -> Given {
    let count = |n: usize| arg(args, n).map(|value| value.as_i64().unwrap_or(0));
    let skip = usize::try_from(count(1)?).unwrap_or(0);
    let take = usize::try_from(count(2)?).unwrap_or(usize::MAX);
    Ok(text(args, 0)?
        .chars()
        .skip(skip)
        .take(take)
        .collect::<String>()
        .into())
}

fn tonumber(args: &FuncArgs) -> Given {
    match arg(args, 0)? {
        Value::String(text) => number(text).ok_or_else(|| format!("cannot convert {text:?} to number")),
        other => Ok(other.clone()),
    }
}

/// The number that a text spells.
pub(super) fn number(text: &str) -> Option<Value> {
    let whole = text.parse::<i64>().ok().map(Value::from);
    whole.or_else(|| {
        text.parse::<f64>()
            .ok()
            .and_then(hcl::Number::from_f64)
            .map(Value::Number)
    })
}

fn merge(args: &FuncArgs) -> Given {
    let mut merged = Map::new();
    for given in args.iter() {
        match given {
            Value::Object(object) => merged.extend(object.clone()),
            Value::Null => {}
            _ => return Err("arguments must be maps or objects".to_owned()),
        }
    }
    Ok(Value::Object(merged))
}

fn lookup(args: &FuncArgs) -> Given {
    let object = arg(args, 0)?
        .as_object()
        .ok_or("lookup() requires a map as the first argument")?;
    let key = text(args, 1)?;
    let found = object.get(key).or_else(|| args.get(2)).cloned();
    found
        .ok_or_else(|| format!("the given key {key:?} does not identify an element in this collection value"))
}

fn sorted(args: &FuncArgs) -> Result<Vec<(String, Value)>, String> {
    let object = arg(args, 0)?.as_object().ok_or("argument must be a map")?;
    let mut pairs: Vec<_> = object
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(pairs)
}

fn length(args: &FuncArgs) -> Given {
    match arg(args, 0)? {
        Value::Array(items) => Ok(items.len().into()),
        Value::Object(object) => Ok(object.len().into()),
        Value::String(text) => Ok(text.chars().count().into()),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            Err("argument must be a string, a collection type, or a structural type".to_owned())
        }
    }
}

fn concat(args: &FuncArgs) -> Given {
    let mut all = Vec::new();
    for n in 0..args.len() {
        all.extend(array(args, n)?.iter().cloned());
    }
    Ok(Value::Array(all))
}

fn flatten(items: &[Value]) -> Vec<Value> {
    let mut flat = Vec::new();
    for item in items {
        match item {
            Value::Array(inner) => flat.extend(flatten(inner)),
            other => flat.push(other.clone()),
        }
    }
    flat
}

fn distinct(args: &FuncArgs) -> Given {
    let mut seen: Vec<Value> = Vec::new();
    for item in array(args, 0)? {
        if !seen.contains(item) {
            seen.push(item.clone());
        }
    }
    Ok(Value::Array(seen))
}

fn slice(args: &FuncArgs) -> Given {
    let index = |n: usize| {
        arg(args, n).map(|value| value.as_u64().and_then(|i| usize::try_from(i).ok()).unwrap_or(0))
    };
    let items = array(args, 0)?.get(index(1)?..index(2)?);
    items
        .map(|items| Value::Array(items.to_vec()))
        .ok_or_else(|| "end index must not be greater than the length of the list".to_owned())
}

fn range(args: &FuncArgs) -> Given {
    let given: Vec<i64> = args.iter().filter_map(Value::as_i64).collect();
    let (from, to, step) = match given.as_slice() {
        [to] => (0, *to, 1),
        [from, to] => (*from, *to, 1),
        [from, to, step] if *step > 0 => (*from, *to, *step),
        _ => return Err("must have one, two, or three arguments".to_owned()),
    };
    // Terraform itself refuses more than 1024 items.
    let step = usize::try_from(step).unwrap_or(1);
    Ok(list((from..to).step_by(step).take(1024)))
}

fn extreme(args: &FuncArgs, better: fn(f64, f64) -> bool) -> Given {
    let mut best: Option<&Value> = None;
    for value in args.iter() {
        let number = value.as_f64().ok_or("arguments must be numbers")?;
        if best
            .and_then(Value::as_f64)
            .is_none_or(|best| better(number, best))
        {
            best = Some(value);
        }
    }
    best.cloned()
        .ok_or_else(|| "must pass at least one number".to_owned())
}

fn cidrsubnet(args: &FuncArgs) -> Given {
    let (address, prefix) = text(args, 0)?.split_once('/').ok_or("invalid CIDR address")?;
    let address: std::net::Ipv4Addr = address
        .parse()
        .map_err(|_| "invalid CIDR expression: only IPv4 is simulated")?;
    let prefix: u32 = prefix.parse().map_err(|_| "invalid CIDR expression")?;
    let integer = |n: usize| {
        let number = arg(args, n)?.as_u64().and_then(|n| u32::try_from(n).ok());
        number.ok_or_else(|| "a whole number is required".to_owned())
    };
    let (bits, number) = (integer(1)?, integer(2)?);
    let length = prefix.saturating_add(bits);
    if length > 32 {
        return Err(format!(
            "insufficient address space to extend prefix of {prefix} by {bits}"
        ));
    }
    if u64::from(number) >= 1_u64 << bits {
        return Err(format!(
            "prefix extension of {bits} does not accommodate a subnet numbered {number}"
        ));
    }
    let network = u64::from(u32::from(address)) >> (32 - prefix) << (32 - prefix);
    let subnet = network | (u64::from(number) << (32 - length));
    let subnet = u32::try_from(subnet).map_err(|_| "invalid CIDR expression")?;
    Ok(format!("{}/{length}", std::net::Ipv4Addr::from(subnet)).into())
}

/// `%s`, `%d`, `%v`, `%q`, `%%` and zero-padded widths (`%02d`).
fn format(args: &FuncArgs) -> Given {
    let mut values = args.iter().skip(1);
    let mut out = String::new();
    let mut chars = text(args, 0)?.chars();
    while let Some(next) = chars.next() {
        if next != '%' {
            out.push(next);
            continue;
        }
        let mut width = String::new();
        let verb = loop {
            match chars.next() {
                Some(digit) if digit.is_ascii_digit() || "-+.#".contains(digit) => width.push(digit),
                Some(verb) => break verb,
                None => return Err("unrecognized format string".to_owned()),
            }
        };
        if verb == '%' {
            out.push('%');
            continue;
        }
        let value = values
            .next()
            .ok_or("not enough arguments for the format string")?;
        let shown = to_text(value).map_or_else(|| json(value), Ok)?;
        let zeros = width.starts_with('0');
        let width = width.trim_start_matches('0').parse::<usize>().unwrap_or(0);
        let written = match verb {
            'q' => write!(out, "{shown:?}"),
            _ if zeros => write!(out, "{shown:0>width$}"),
            _ => write!(out, "{shown:>width$}"),
        };
        written.map_err(|error| error.to_string())?;
    }
    Ok(out.into())
}
