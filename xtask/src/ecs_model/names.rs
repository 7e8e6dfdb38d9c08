//! Names of the service model as names of Rust.

/// Words that Rust keeps to itself and that the model has as members.
const KEYWORDS: &[&str] = &[
    "as", "box", "const", "enum", "fn", "for", "if", "in", "loop", "match", "mod", "move", "priv", "pub",
    "ref", "return", "static", "struct", "trait", "type", "use", "where", "while", "yield",
];

/// A member as a field: `enableECSManagedTags` as `enable_ecs_managed_tags`.
pub(super) fn field(wire: &str) -> String {
    let name = snake(wire);
    if KEYWORDS.contains(&name.as_str()) {
        format!("r#{name}")
    } else {
        name
    }
}

fn snake(wire: &str) -> String {
    // Units and names that are one word whatever their letters say.
    let plain = wire
        .replace("MiB", "Mib")
        .replace("GiB", "Gib")
        .replace("VCpu", "Vcpu")
        .replace("vCpu", "vcpu");
    let letters: Vec<char> = plain.chars().collect();
    let mut name = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| letters[index]);
        let after = letters.get(index + 1);
        let starts_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase())
            });
        if starts_word {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// A word of an enumeration as a variant: `IN_PROGRESS` as `InProgress`, `json-file` as `JsonFile`.
pub(super) fn variant(word: &str) -> String {
    let mut name = String::new();
    for part in word
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|part| !part.is_empty())
    {
        let shouted = !part.chars().any(char::is_lowercase);
        let mut letters = part.chars();
        if let Some(first) = letters.next() {
            // Two numbers would run into one: X86_64.
            if first.is_numeric() && name.ends_with(char::is_numeric) {
                name.push('_');
            }
            name.extend(first.to_uppercase());
        }
        if shouted {
            name.extend(letters.flat_map(char::to_lowercase));
        } else {
            name.extend(letters);
        }
    }
    name
}

/// A number as Rust writes it, with an underscore between thousands.
pub(super) fn number(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        // Four digits are read without help.
        if index > 0 && digits.len() > 4 && (digits.len() - index).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_in_snake_case() {
        let cases = [
            ("clusterArn", "cluster_arn"),
            ("enableECSManagedTags", "enable_ecs_managed_tags"),
            ("managedEBSVolume", "managed_ebs_volume"),
            ("sizeInGiB", "size_in_gib"),
            ("memoryGiBPerVCpu", "memory_gib_per_vcpu"),
            ("vCpuCount", "vcpu_count"),
            ("totalLocalStorageGB", "total_local_storage_gb"),
            ("bindIP", "bind_ip"),
            ("privateIpv4Address", "private_ipv4_address"),
            ("s3filesVolumeConfiguration", "s3files_volume_configuration"),
            ("type", "r#type"),
        ];
        for (wire, name) in cases {
            assert_eq!(field(wire), name);
        }
    }

    #[test]
    fn variants_are_in_camel_case() {
        let cases = [
            ("IN_PROGRESS", "InProgress"),
            ("EC2", "Ec2"),
            ("X86_64", "X86_64"),
            ("json-file", "JsonFile"),
            ("distinctInstance", "DistinctInstance"),
            ("fargateFIPSMode", "FargateFIPSMode"),
            ("WINDOWS_SERVER_20H2_CORE", "WindowsServer20h2Core"),
            ("TaskFailedToStart", "TaskFailedToStart"),
            ("amazon-web-services", "AmazonWebServices"),
        ];
        for (word, name) in cases {
            assert_eq!(variant(word), name);
        }
    }

    #[test]
    fn long_numbers_are_divided() {
        let cases = [
            (0, "0"),
            (1000, "1000"),
            (-10_000, "-10_000"),
            (2_147_483_647, "2_147_483_647"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }
}
