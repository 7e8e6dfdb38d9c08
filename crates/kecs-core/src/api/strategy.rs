//! Strategies of capacity providers.

use kecs_model::{Refusal, refuse, types};
use types::{CapacityProviderStatus, CapacityProviderStrategyItem as Item};

use crate::record::CapacityProvider;
use crate::tx::Tx;

/// The capacity providers that every account has.
pub const FARGATE: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

/// Capacity providers that a strategy has at most.
const MOST: usize = 20;

/// What a strategy is for: they are refused in different words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// It is the default of a cluster.
    Cluster,
    /// Tasks are run by it.
    Tasks,
}

/// The name of a capacity provider that a request names by name or ARN.
pub fn provider_name(tx: &Tx<'_>, named: &str) -> Result<String, Refusal> {
    if !named.starts_with("arn:") {
        return Ok(named.to_owned());
    }
    match tx.scope().own(named)?.split() {
        ("capacity-provider", names) if names.len() == 1 => Ok(names[0].to_owned()),
        (kind, _) => Err(refuse!(
            InvalidParameterException,
            "Invalid identifier: Identifier is for {kind}. Expected: capacity-provider"
        )),
    }
}

/// The capacity providers that a cluster is to have, by name: they are there and ACTIVE.
pub(super) fn providers(tx: &Tx<'_>, cluster: &str, named: &[String]) -> Result<Vec<String>, Refusal> {
    let mut names = Vec::new();
    for named in named {
        let name = provider_name(tx, named)?;
        if names.contains(&name) {
            return Err(refuse!(
                InvalidParameterException,
                "The specified capacity provider '{name}' is given more than once."
            ));
        }
        if !FARGATE.contains(&name.as_str()) {
            associable(tx, cluster, &name)?;
        }
        names.push(name);
    }
    if names.len() > MOST {
        return Err(refuse!(
            InvalidParameterException,
            "capacityProviders can have at most 20 items."
        ));
    }
    Ok(names)
}

fn associable(tx: &Tx<'_>, cluster: &str, name: &str) -> Result<(), Refusal> {
    let provider = tx.get::<CapacityProvider>(&tx.scope().capacity_provider(name))?;
    let provider = provider.ok_or_else(|| {
        refuse!(InvalidParameterException, "The specified capacity provider '{name}' was not found. Specify a valid name or ARN and try again.")
    })?;
    if provider.provider.status != Some(CapacityProviderStatus::Active) {
        return Err(refuse!(
            InvalidParameterException,
            "The specified capacity provider '{name}' is not in an ACTIVE state. Specify a valid capacity provider \
             and try again."
        ));
    }
    let own = provider.provider.cluster.as_deref();
    if own.is_some_and(|own| own != cluster) {
        return Err(refuse!(
            InvalidParameterException,
            "The specified capacity provider '{name}' belongs to another cluster. Specify a valid capacity provider \
             and try again."
        ));
    }
    Ok(())
}

/// A strategy as it is kept, each weight and base filled in: its capacity providers are among those of the cluster,
/// all of them on Fargate or none, and at most one has a base.
pub fn checked(
    tx: &Tx<'_>,
    of_cluster: &[String],
    strategy: Vec<Item>,
    whose: Whose,
) -> Result<Vec<Item>, Refusal> {
    if strategy.len() > MOST {
        return Err(refuse!(
            InvalidParameterException,
            "A capacity provider strategy can contain a maximum of 20 capacity providers."
        ));
    }
    let mut items: Vec<Item> = Vec::new();
    for item in strategy {
        let name = provider_name(tx, item.capacity_provider.as_deref().unwrap_or_default())?;
        if !of_cluster.contains(&name) {
            return Err(refuse!(
                InvalidParameterException,
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated \
                 with the cluster. Associate the capacity provider with the cluster or specify a valid capacity \
                 provider and try again."
            ));
        }
        if items
            .iter()
            .any(|known| known.capacity_provider.as_ref() == Some(&name))
        {
            return Err(refuse!(
                InvalidParameterException,
                "The specified capacity provider strategy cannot contain a capacity provider more than once."
            ));
        }
        items.push(Item {
            capacity_provider: Some(name),
            weight: Some(item.weight.unwrap_or(0)),
            base: Some(item.base.unwrap_or(0)),
        });
    }
    let on_fargate = items.iter().filter(|item| is_fargate(item)).count();
    if on_fargate != 0 && on_fargate != items.len() {
        return Err(refuse!(
            InvalidParameterException,
            "A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and \
             Fargate providers. Specify one or the other and try again."
        ));
    }
    if items.iter().filter(|item| item.base > Some(0)).count() > 1 {
        return Err(match whose {
            Whose::Cluster => refuse!(
                InvalidParameterException,
                "The specified capacity provider strategy contains multiple capacity providers with a base value \
                 defined. Only one capacity provider per strategy can have a base value defined."
            ),
            Whose::Tasks => refuse!(
                InvalidParameterException,
                "There are multiple capacity providers in the specified capacity provider strategy with a base \
                 value greater than zero. Only one capacity provider can have a base value greater than zero. \
                 Specify a valid capacity provider strategy and try again."
            ),
        });
    }
    // One alone takes everything, whatever its weight.
    if items.len() > 1 && items.iter().all(|item| item.weight == Some(0)) {
        return Err(match whose {
            Whose::Cluster => refuse!(
                InvalidParameterException,
                "There are no capacity providers with a weight value greater than zero defined in the capacity \
                 provider strategy. At least one capacity provider must have a weight value greater than zero \
                 specified. Specify a valid capacity provider strategy and try again."
            ),
            Whose::Tasks => refuse!(
                InvalidParameterException,
                "There are no capacity providers in the capacity provider strategy with a weight value greater than \
                 zero. Specify a weight value greater than zero for at least one capacity provider and try again."
            ),
        });
    }
    Ok(items)
}

/// Whether an item of a strategy runs tasks on Fargate.
pub fn is_fargate(item: &Item) -> bool {
    let name = item.capacity_provider.as_deref().unwrap_or_default();
    FARGATE.contains(&name)
}

pub(super) fn in_use() -> Refusal {
    refuse!(
        ResourceInUseException,
        "The specified capacity provider is in use and cannot be removed."
    )
}
