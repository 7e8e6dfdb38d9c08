//! Placement constraints and strategies.

use kecs_model::types::{
    PlacementConstraint, PlacementConstraintType, PlacementStrategy, PlacementStrategyType,
};
use kecs_model::{Refusal, refuse, types};

use super::Compute;
use crate::placement::Query;

/// Constraints of a task at most, those of its definition included.
///
/// Source: `RunTask` of the Amazon ECS API reference.
const CONSTRAINTS: usize = 10;

/// Strategies of a task at most.
const STRATEGIES: usize = 5;

/// Whether tasks of `definition` can be placed so.
pub(in crate::api) fn placement(
    definition: &types::TaskDefinition,
    launch: &Compute,
    constraints: &[PlacementConstraint],
    strategies: &[PlacementStrategy],
) -> Result<(), Refusal> {
    if launch.is_fargate() && !constraints.is_empty() {
        return Err(refuse!(
            InvalidParameterException,
            "Placement constraints are not supported with FARGATE launch type."
        ));
    }
    if launch.is_fargate() && !strategies.is_empty() {
        return Err(refuse!(
            InvalidParameterException,
            "Placement strategies are not supported with FARGATE launch type."
        ));
    }
    let own = definition.placement_constraints.as_ref().map_or(0, Vec::len);
    if own + constraints.len() > CONSTRAINTS {
        return Err(refuse!(
            InvalidParameterException,
            "placementConstraints can have at most 10 items."
        ));
    }
    if strategies.len() > STRATEGIES {
        return Err(refuse!(
            InvalidParameterException,
            "Maximum number of strategies is 5."
        ));
    }
    constraints.iter().try_for_each(constraint)?;
    strategies.iter().try_for_each(strategy)
}

fn constraint(constraint: &PlacementConstraint) -> Result<(), Refusal> {
    let expression = constraint
        .expression
        .as_deref()
        .filter(|it| !it.trim().is_empty());
    match (constraint.r#type, expression) {
        (Some(PlacementConstraintType::DistinctInstance), None) => Ok(()),
        (Some(PlacementConstraintType::DistinctInstance), Some(_)) => Err(refuse!(
            InvalidParameterException,
            "distinctInstance expression should not be specified."
        )),
        (Some(PlacementConstraintType::MemberOf), Some(expression)) => match Query::parse(expression) {
            Ok(_) => Ok(()),
            Err(_) => Err(refuse!(
                InvalidParameterException,
                "Invalid placement constraint expression."
            )),
        },
        (Some(PlacementConstraintType::MemberOf), None) => Err(refuse!(
            InvalidParameterException,
            "The memberOf constraint must have an expression."
        )),
        (None, _) => Err(refuse!(
            InvalidParameterException,
            "Placement constraint type cannot be empty."
        )),
    }
}

fn strategy(strategy: &PlacementStrategy) -> Result<(), Refusal> {
    let field = strategy.field.as_deref().filter(|field| !field.is_empty());
    let right = match (strategy.r#type, field) {
        (Some(PlacementStrategyType::Random), None) => true,
        (Some(PlacementStrategyType::Random), Some(_)) => {
            return Err(refuse!(
                InvalidParameterException,
                "random field should not be specified."
            ));
        }
        (Some(PlacementStrategyType::Spread), Some(field)) => {
            let attribute = field
                .strip_prefix("attribute:")
                .is_some_and(|name| !name.is_empty());
            attribute || ["instanceid", "host"].contains(&field.to_lowercase().as_str())
        }
        (Some(PlacementStrategyType::Binpack), Some(field)) => {
            ["cpu", "memory"].contains(&field.to_lowercase().as_str())
        }
        (Some(kind @ (PlacementStrategyType::Spread | PlacementStrategyType::Binpack)), None) => {
            return Err(refuse!(
                InvalidParameterException,
                "A field must be specified for the {kind} placement strategy."
            ));
        }
        (None, _) => {
            return Err(refuse!(
                InvalidParameterException,
                "Placement strategy type cannot be empty."
            ));
        }
    };
    if right {
        return Ok(());
    }
    let kind = strategy.r#type.unwrap_or(PlacementStrategyType::Random);
    Err(refuse!(
        InvalidParameterException,
        "{kind} field '{value}' is invalid.",
        value = field.unwrap_or_default()
    ))
}
