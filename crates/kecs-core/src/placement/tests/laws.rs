//! What holds wherever tasks go.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::placement::Query;

/// A task: CPU units, memory, a host port, GPUs.
type Wish = (i32, i32, Option<i32>, usize);

fn wished((cpu, memory, port, gpus): Wish) -> Need {
    let mut definition = sized(cpu, memory);
    let container = &mut definition.container_definitions.as_mut().unwrap()[0];
    container.port_mappings = port.map(|port| {
        vec![PortMapping {
            container_port: Some(80),
            host_port: Some(port),
            ..PortMapping::default()
        }]
    });
    container.resource_requirements = Some(vec![ResourceRequirement {
        r#type: Some(ResourceType::Gpu),
        value: Some(gpus.to_string()),
        ..ResourceRequirement::default()
    }]);
    Need::of(&definition, None, "g")
}

proptest! {
    #[test]
    fn nothing_is_given_out_twice_and_nothing_is_refused_that_fits(
        wishes in prop::collection::vec(
            (0..700_i32, 0..1500_i32, prop::option::of(8000..8003_i32), 0..2_usize),
            0..20,
        ),
        seed in any::<u64>(),
        kind in prop_oneof![
            Just(PlacementStrategyType::Spread),
            Just(PlacementStrategyType::Binpack),
            Just(PlacementStrategyType::Random)
        ],
    ) {
        let mut fleet = fleet(&[instance("a", "z1"), instance("b", "z2")]);
        // What each instance has given out, counted plainly.
        let mut given: BTreeMap<String, Vec<Wish>> = BTreeMap::from([(arn("a"), vec![]), (arn("b"), vec![])]);
        for wish in wishes {
            let fits = |given: &[Wish]| {
                given.iter().map(|it| it.0).sum::<i32>() + wish.0 <= 1000
                    && given.iter().map(|it| it.1).sum::<i32>() + wish.1 <= 2000
                    && !given.iter().any(|it| it.2.is_some() && it.2 == wish.2)
                    && given.iter().map(|it| it.3).sum::<usize>() + wish.3 <= 2
            };
            let need = wished(wish).under(&[], &[strategy(kind, "cpu")]);
            match fleet.place(&need, seed) {
                Ok(host) => {
                    let given = given.get_mut(host.instance.as_ref().unwrap()).unwrap();
                    prop_assert!(fits(given));
                    prop_assert_eq!(host.gpus.len(), wish.3);
                    given.push(wish);
                }
                Err(unplaced) => {
                    prop_assert!(!given.values().any(|given| fits(given)));
                    prop_assert_eq!(unplaced.lacks.len(), 2);
                }
            }
        }
    }

    #[test]
    fn reading_an_expression_never_fails_in_another_way(text in "[a-z:.!=~<>()\\[\\],&| \"']{0,40}") {
        let _ = Query::parse(&text);
    }

    #[test]
    fn what_is_negated_is_the_opposite(value in "[a-z]{1,3}", name in prop_oneof![Just("stack"), Just("ecs.instance-type"), Just("absent")]) {
        let fleet = fleet(&[instance("a", "z1")]);
        let it = fleet.instances.values().next().unwrap();
        let holds = |text: String| Query::parse(&text).unwrap().holds(it);
        for (positive, negative) in [("==", "!="), ("=~", "!~")] {
            prop_assert_ne!(
                holds(format!("attribute:{name} {positive} {value}")),
                holds(format!("attribute:{name} {negative} {value}"))
            );
        }
        prop_assert_ne!(
            holds(format!("attribute:{name} in [{value}]")),
            holds(format!("not attribute:{name} in [{value}]"))
        );
    }
}
