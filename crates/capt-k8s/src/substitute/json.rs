//! Filling in a module in Terraform's JSON form.
//!
//! The strings of such a module are templates of the native language once JSON has been taken off; between
//! the strings there are numbers, `true`, `false` and `null`.

use super::hcl::{is_bare, template};
use super::{Names, Unfit};

/// Fills in a module. Strings in which nothing is replaced stay byte for byte what they are.
pub(super) fn module(source: &str, names: &Names<'_>) -> Result<String, Unfit> {
    let mut written = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find(['"', '$']) {
        written.push_str(&rest[..at]);
        rest = &rest[at..];
        let line = || source[..source.len() - rest.len()].matches('\n').count() + 1;
        if rest.starts_with('"') {
            let (text, after) = rest.split_at(string_length(rest));
            written.push_str(&string(text, names).map_err(|unfit| Unfit {
                line: line(),
                ..unfit
            })?);
            rest = after;
        } else if let Some((name, value)) = names.at(rest) {
            if !is_bare(value) {
                return Err(Unfit {
                    name: name.to_owned(),
                    line: line(),
                });
            }
            written.push_str(value);
            rest = &rest[name.len() + "${}".len()..];
        } else {
            written.push('$');
            rest = &rest[1..];
        }
    }
    written.push_str(rest);
    Ok(written)
}

/// The length of the string that begins here, quotes included; all there is if it does not end.
fn string_length(rest: &str) -> usize {
    let mut escaped = false;
    for (index, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    rest.len()
}

/// One string, quotes included. What is no JSON string is left for Terraform to name.
fn string(text: &str, names: &Names<'_>) -> Result<String, Unfit> {
    let Ok(decoded) = serde_json::from_str::<String>(text) else {
        return Ok(text.to_owned());
    };
    let filled = template(&decoded, names)?;
    Ok(if filled == decoded {
        text.to_owned()
    } else {
        serde_json::Value::String(filled).to_string()
    })
}
