//! From places in the files of a run to places in the spec that the files were made from.
//!
//! People have never seen the working directory: what Terraform calls `main.tf` is a field of their manifest.

use capt_core::fault::Fault;

use crate::render::{MODULES, VARIABLE_FILE, VARIABLES};

/// The same fault, its position and the places that its message names in the words of the spec.
///
/// Files of modules that Terraform fetched keep their names: there is no field that they came from.
pub(crate) fn in_spec(mut fault: Fault) -> Fault {
    let (file, place) = fault.position.split_once(':').unwrap_or((&fault.position, ""));
    if let Some(field) = field(file) {
        // The variables are rendered into one line, which nobody has written.
        fault.position = if place.is_empty() || file == VARIABLES {
            field
        } else {
            format!("{field}:{place}")
        };
    }
    fault.message = renamed(&fault.message);
    fault
}

/// The field that the content of a file comes from.
fn field(file: &str) -> Option<String> {
    if MODULES.contains(&file) {
        return Some("spec.forProvider.module".to_owned());
    }
    if file == VARIABLES {
        return Some("spec.forProvider.vars".to_owned());
    }
    let (number, rest) = file.split_once('-')?;
    let number: usize = number.parse().ok().filter(|_| rest.starts_with(VARIABLE_FILE))?;
    Some(format!("spec.forProvider.varFiles[{number}]"))
}

/// The text with the files in it called by their fields.
fn renamed(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut word = String::new();
    for character in text.chars().map(Some).chain([None]) {
        match character {
            Some(character) if is_of_path(character) => word.push(character),
            Some(_) | None => {
                // A sentence may end behind a file.
                let file = word.trim_end_matches('.');
                match field(file) {
                    Some(field) => {
                        written.push_str(&field);
                        written.push_str(&word[file.len()..]);
                    }
                    None => written.push_str(&word),
                }
                word.clear();
                written.extend(character);
            }
        }
    }
    written
}

fn is_of_path(character: char) -> bool {
    character.is_alphanumeric() || "._-/\\".contains(character)
}

#[cfg(test)]
mod tests {
    use capt_core::fault::FaultClass;

    use super::*;

    fn position(of: &str) -> String {
        in_spec(Fault::new(FaultClass::Invalid, "X", "x").at(of)).position
    }

    #[test]
    fn files_are_called_by_the_fields_that_they_come_from() {
        for (file, field) in [
            ("main.tf:3,5", "spec.forProvider.module:3,5"),
            ("main.tf.json:1,2", "spec.forProvider.module:1,2"),
            ("07-varfile.auto.tfvars:2,1", "spec.forProvider.varFiles[7]:2,1"),
            (
                "00-varfile.auto.tfvars.json:2,1",
                "spec.forProvider.varFiles[0]:2,1",
            ),
            ("capt.auto.tfvars.json:1,80", "spec.forProvider.vars"),
            (
                ".terraform/modules/vpc/main.tf:3,5",
                ".terraform/modules/vpc/main.tf:3,5",
            ),
            ("", ""),
        ] {
            assert_eq!(position(file), field, "{file}");
        }
    }

    #[test]
    fn places_in_a_message_are_those_of_the_spec() {
        let text = "already declared at main.tf:1,1-20. See main.tf. Not ./x/main.tf:2, nor my-main.tf";
        let fault = in_spec(Fault::new(FaultClass::Invalid, "X", text));
        assert_eq!(
            fault.message,
            "already declared at spec.forProvider.module:1,1-20. See spec.forProvider.module. Not ./x/main.tf:2, \
             nor my-main.tf"
        );
    }
}
