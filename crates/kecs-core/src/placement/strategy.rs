//! Which of the instances that take a task gets it.

use std::collections::BTreeMap;

use capt_core::retry::{seed_of, splitmix64};
use kecs_model::types::{PlacementStrategy, PlacementStrategyType};

use super::{Instance, Need, ZONE};

/// The best of the `able` instances. The first strategy decides, the next among what is equal to it, and so on; of
/// what is left the first by ARN. Without strategies tasks are spread over zones, then over instances.
pub(super) fn choose<'a>(
    instances: &'a BTreeMap<String, Instance>,
    able: &[String],
    need: &Need,
    seed: u64,
) -> Option<&'a str> {
    let able = able.iter().filter_map(|arn| instances.get_key_value(arn));
    let rank = |arn: &str, it: &Instance| -> Vec<i64> {
        if need.strategies.is_empty() {
            let zone = format!("attribute:{ZONE}");
            return vec![
                spread(instances, need, arn, it, &zone),
                spread(instances, need, arn, it, "instanceId"),
            ];
        }
        let strategies = need.strategies.iter();
        strategies
            .map(|strategy| score(instances, need, arn, it, strategy, seed))
            .collect()
    };
    let best = able.min_by_key(|(arn, it)| (rank(arn, it), (*arn).clone()));
    best.map(|(arn, _)| arn.as_str())
}

/// How an instance does by a strategy: the less, the better.
fn score(
    instances: &BTreeMap<String, Instance>,
    need: &Need,
    arn: &str,
    instance: &Instance,
    strategy: &PlacementStrategy,
    seed: u64,
) -> i64 {
    let field = strategy.field.as_deref().unwrap_or_default();
    match strategy.r#type {
        Some(PlacementStrategyType::Spread) => spread(instances, need, arn, instance, field),
        // The least that is left.
        Some(PlacementStrategyType::Binpack) if field.eq_ignore_ascii_case("memory") => instance.left.memory,
        Some(PlacementStrategyType::Binpack) => instance.left.cpu,
        Some(PlacementStrategyType::Random) => {
            let number = splitmix64(seed ^ seed_of(arn)) >> 1;
            i64::try_from(number).unwrap_or(i64::MAX)
        }
        None => 0,
    }
}

/// How many tasks of the group there are where the field is the same as of this instance.
fn spread(
    instances: &BTreeMap<String, Instance>,
    need: &Need,
    arn: &str,
    instance: &Instance,
    field: &str,
) -> i64 {
    let same = |other: &str, it: &Instance| match field.strip_prefix("attribute:") {
        Some(name) => it.attribute(name) == instance.attribute(name),
        // `instanceId` and `host`.
        None => other == arn,
    };
    let there = instances.iter().filter(|(other, it)| same(other, it));
    let count = there
        .flat_map(|(_, it)| &it.groups)
        .filter(|it| **it == need.group)
        .count();
    i64::try_from(count).unwrap_or(i64::MAX)
}
