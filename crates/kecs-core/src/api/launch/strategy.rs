//! Capacity provider strategies: on what they run tasks, and how many on which.

use kecs_model::types::{CapacityProviderStrategyItem, LaunchType};
use kecs_model::{Refusal, refuse};

use crate::api::strategy;
use crate::record::{CapacityProvider, Cluster};
use crate::tx::Tx;

/// The items with what they leave out, and on what their tasks run: the providers are the cluster's and of one kind.
pub(super) fn resolved(
    tx: &Tx<'_>,
    cluster: &Cluster,
    items: &[CapacityProviderStrategyItem],
) -> Result<(Vec<CapacityProviderStrategyItem>, LaunchType), Refusal> {
    let of_cluster = cluster.cluster.capacity_providers.as_deref().unwrap_or_default();
    for item in items {
        let name = strategy::provider_name(tx, item.capacity_provider.as_deref().unwrap_or_default())?;
        let key = tx.scope().capacity_provider(&name);
        let known = strategy::FARGATE.contains(&name.as_str()) || of_cluster.contains(&name);
        if !known && tx.get::<CapacityProvider>(&key)?.is_none() {
            return Err(refuse!(
                InvalidParameterException,
                "The specified capacity provider '{name}' was not found. Specify a valid name or ARN and try again."
            ));
        }
    }
    let items = strategy::checked(tx, of_cluster, items.to_vec(), strategy::Whose::Tasks)?;
    if items.iter().any(strategy::is_fargate) {
        return Ok((items, LaunchType::Fargate));
    }
    let mut managed = false;
    for item in &items {
        let name = item.capacity_provider.as_deref().unwrap_or_default();
        let provider = tx.get::<CapacityProvider>(&tx.scope().capacity_provider(name))?;
        managed |= provider.is_some_and(|it| it.provider.managed_instances_provider.is_some());
    }
    let runs_on = if managed {
        LaunchType::ManagedInstances
    } else {
        LaunchType::Ec2
    };
    Ok((items, runs_on))
}

/// Whether tasks can be run by the default strategy of a cluster. One that is alone in it wants a weight, too, unlike one
/// that is asked for.
pub(super) fn weighted(default: &[CapacityProviderStrategyItem]) -> Result<(), Refusal> {
    if default.iter().any(|item| item.weight > Some(0)) {
        return Ok(());
    }
    Err(refuse!(
        InvalidParameterException,
        "There are no capacity providers with a weight value greater than zero defined in the default capacity \
         provider strategy. At least one capacity provider must have a weight value greater than zero specified. \
         Update the cluster's default capacity provider strategy or specify a valid capacity provider strategy and \
         try again."
    ))
}

/// Which provider each of `count` tasks goes to: the base first, then whoever is furthest behind its weight.
pub(in crate::api) fn shares(items: &[CapacityProviderStrategyItem], count: u32) -> Vec<String> {
    let mut have: Vec<u32> = vec![0; items.len()];
    let base = |item: &CapacityProviderStrategyItem| u32::try_from(item.base.unwrap_or(0)).unwrap_or(0);
    let weight = |item: &CapacityProviderStrategyItem| match u32::try_from(item.weight.unwrap_or(0)) {
        Ok(0) | Err(_) if items.len() == 1 => 1,
        Ok(weight) => weight,
        Err(_) => 0,
    };
    let mut chosen = Vec::new();
    for _ in 0..count {
        let below = (0..items.len()).find(|&at| have[at] < base(&items[at]));
        let behind = || {
            let weighted = (0..items.len()).filter(|&at| weight(&items[at]) > 0);
            // a/b < c/d as a*d < c*b: what it would have, over its weight; the first of equals.
            weighted.min_by(|&one, &two| {
                let over = |at: usize| u64::from(have[at].saturating_sub(base(&items[at])) + 1);
                let (left, right) = (
                    over(one) * u64::from(weight(&items[two])),
                    over(two) * u64::from(weight(&items[one])),
                );
                left.cmp(&right)
            })
        };
        let Some(at) = below.or_else(behind) else {
            break;
        };
        have[at] += 1;
        chosen.extend(items[at].capacity_provider.clone());
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, weight: i32, base: i32) -> CapacityProviderStrategyItem {
        CapacityProviderStrategyItem {
            capacity_provider: Some(name.to_owned()),
            weight: Some(weight),
            base: Some(base),
        }
    }

    #[test]
    fn the_base_comes_first_and_then_the_weights() {
        let items = [item("a", 1, 2), item("b", 3, 0)];
        assert_eq!(shares(&items, 7).join(""), "aabbabb");
        assert_eq!(shares(&items[..0], 7), Vec::<String>::new());
    }

    #[test]
    fn a_provider_without_weight_takes_its_base_only() {
        let items = [item("a", 0, 1), item("b", 1, 0)];
        assert_eq!(shares(&items, 3).join(""), "abb");
        assert_eq!(shares(&[item("a", 0, 0)], 2).join(""), "aa");
    }
}
