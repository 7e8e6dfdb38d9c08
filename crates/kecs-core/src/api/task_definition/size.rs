//! CPU and memory of a task.
//!
//! Source: Amazon ECS developer guide, "Amazon ECS task definition parameters", "Task size".

use kecs_model::types::{Compatibility, TaskDefinition};
use kecs_model::{Refusal, refuse};

/// CPU units of a vCPU, and mebibytes of a gibibyte.
const UNIT: f64 = 1024.0;

/// CPU units that a task on a machine of one's own may have.
const ON_MACHINES: std::ops::RangeInclusive<i64> = 128..=196_608;

/// CPU units from `256`, `.25 vCPU` or `1 vcpu`.
pub(in crate::api) fn cpu(given: Option<&str>) -> Result<Option<String>, Refusal> {
    read(given, "vcpu").ok_or_else(|| wrong("cpu"))
}

/// Mebibytes from `512`, `0.5 GB` or `1GB`.
pub(in crate::api) fn memory(given: Option<&str>) -> Result<Option<String>, Refusal> {
    read(given, "gb").ok_or_else(|| wrong("memory"))
}

fn wrong(member: &str) -> Refusal {
    refuse!(InvalidParameterException, "Invalid '{member}' setting for task.")
}

/// A number in units, or in the smaller ones where none is named; none where it is no number.
#[allow(
    clippy::option_option,
    reason = "the outer one is whether it can be read, the inner one whether it is given"
)]
fn read(given: Option<&str>, unit: &str) -> Option<Option<String>> {
    let Some(given) = given else {
        return Some(None);
    };
    let lower = given.trim().to_ascii_lowercase();
    let Some(number) = lower.strip_suffix(unit) else {
        let digits = lower.bytes().all(|byte| byte.is_ascii_digit());
        let number: i64 = lower.parse().ok().filter(|number| digits && *number > 0)?;
        return Some(Some(number.to_string()));
    };
    let number = number.trim_end();
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = number.parse().ok().filter(|_| plain)?;
    let units = (number * UNIT).round();
    if !(1.0..=1e9).contains(&units) {
        return None;
    }
    Some(Some(format!("{units:.0}")))
}

/// What a task has, as a number.
pub(super) fn number(text: Option<&str>) -> Option<i64> {
    text.and_then(|text| text.parse().ok())
}

/// Whether a machine of one's own has so much CPU to give.
pub(super) fn of_machine(definition: &TaskDefinition, required: &[Compatibility]) -> Result<(), Refusal> {
    let for_machines = required.is_empty() || required.contains(&Compatibility::Ec2);
    let Some(cpu) = number(definition.cpu.as_deref()).filter(|_| for_machines) else {
        return Ok(());
    };
    if ON_MACHINES.contains(&cpu) {
        return Ok(());
    }
    Err(refuse!(
        ClientException,
        "Invalid 'cpu' setting for task. The value must be between 128 and 196608."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_read_with_and_without_its_unit() {
        let read = |text| cpu(Some(text)).map_err(|refusal| refusal.message);
        for (text, units) in [
            ("256", "256"),
            ("1 vCPU", "1024"),
            (".5vcpu", "512"),
            ("0.25 VCPU", "256"),
            (" 2 vcpu ", "2048"),
            ("128", "128"),
        ] {
            assert_eq!(read(text), Ok(Some(units.to_owned())), "{text}");
        }
        for text in [
            "",
            "0",
            "-1",
            "+1",
            "1.5",
            "vcpu",
            "1e3 vcpu",
            "0 vcpu",
            "-1 vcpu",
            "1 gb",
            "inf vcpu",
            "99999999999999999999",
        ] {
            assert_eq!(
                read(text),
                Err("Invalid 'cpu' setting for task.".to_owned()),
                "{text}"
            );
        }
        assert_eq!(cpu(None).unwrap(), None);
    }

    #[test]
    fn memory_is_read_with_and_without_its_unit() {
        let read = |text| memory(Some(text)).map_err(|refusal| refusal.message);
        for (text, mebibytes) in [
            ("512", "512"),
            ("1GB", "1024"),
            ("0.5 gb", "512"),
            ("30 GB", "30720"),
        ] {
            assert_eq!(read(text), Ok(Some(mebibytes.to_owned())), "{text}");
        }
        for text in ["x", "1 MB", "1 vcpu", "1..5 GB"] {
            assert_eq!(
                read(text),
                Err("Invalid 'memory' setting for task.".to_owned()),
                "{text}"
            );
        }
    }
}
