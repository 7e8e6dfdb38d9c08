//! Every pair of every table, and what holds of all of them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use capt_core::machine::{Machine, Move, render_matrix, render_mermaid};
use kecs_model::types::{
    ContainerInstanceStatus, DeploymentRolloutState, ServiceDeploymentStatus, StabilityStatus,
    TaskDefinitionStatus,
};

use super::{
    Visit, cluster, container_instance, deployment, each, moved, service, service_deployment, task,
    task_definition, task_set,
};
use crate::plane::TaskStatus;

#[test]
fn every_pair() {
    struct Matrices(String);
    impl Visit for Matrices {
        fn machine<M: Machine>(&mut self) {
            let _ = writeln!(self.0, "{}\n\n{}", M::TITLE, render_matrix::<M>());
        }
    }
    let mut all = Matrices(String::new());
    each(&mut all);
    insta::assert_snapshot!(all.0);
}

#[test]
fn the_life_of_a_service_deployment_as_a_diagram() {
    insta::assert_snapshot!(render_mermaid::<service_deployment::Lifecycle>());
}

#[test]
fn every_state_is_entered_and_every_signal_says_something_somewhere() {
    struct Law;
    impl Visit for Law {
        fn machine<M: Machine>(&mut self) {
            let mut entered: Vec<&str> = vec![M::state_name(M::STATES[0])];
            let mut heard = BTreeSet::new();
            for &state in M::STATES {
                for &signal in M::SIGNALS {
                    assert!(M::next(state, signal) != Move::Back, "{}", M::TITLE);
                    match M::next(state, signal) {
                        Move::To(next) => {
                            assert_ne!(M::state_name(next), M::state_name(state), "{}", M::TITLE);
                            entered.push(M::state_name(next));
                            heard.insert(M::signal_name(signal));
                        }
                        Move::Stay | Move::Back => {
                            heard.insert(M::signal_name(signal));
                        }
                        Move::Illegal => {}
                    }
                }
            }
            for &state in M::STATES {
                let name = M::state_name(state);
                assert!(entered.contains(&name), "{}: {name}", M::TITLE);
            }
            assert_eq!(
                heard.len(),
                M::SIGNALS.iter().filter(|it| !says_nothing::<M>(**it)).count()
            );
            let names: BTreeSet<_> = M::SIGNALS.iter().map(|it| M::signal_name(*it)).collect();
            assert_eq!(names.len(), M::SIGNALS.len(), "{}", M::TITLE);
            assert!(M::SIGNALS.iter().all(|it| !M::signal_meaning(*it).is_empty()));
        }
    }
    each(&mut Law);
}

/// No signal is illegal in all states.
fn says_nothing<M: Machine>(signal: M::Signal) -> bool {
    let illegal = M::STATES
        .iter()
        .all(|state| M::next(*state, signal) == Move::Illegal);
    assert!(!illegal, "{}: {}", M::TITLE, M::signal_name(signal));
    illegal
}

#[test]
fn the_words_are_those_of_the_api() {
    let words = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect::<BTreeSet<_>>();
    let of = |states: Vec<&str>| words(&states);
    assert_eq!(
        of(service_deployment::State::ALL
            .iter()
            .map(|it| it.as_str())
            .collect()),
        of(ServiceDeploymentStatus::ALL
            .iter()
            .map(|it| it.as_str())
            .collect())
    );
    assert_eq!(
        of(deployment::RolloutState::ALL
            .iter()
            .map(|it| it.as_str())
            .collect()),
        of(DeploymentRolloutState::ALL.iter().map(|it| it.as_str()).collect())
    );
    assert_eq!(
        of(task_set::Stability::ALL.iter().map(|it| it.as_str()).collect()),
        of(StabilityStatus::ALL.iter().map(|it| it.as_str()).collect())
    );
    assert_eq!(
        of(task_definition::State::ALL.iter().map(|it| it.as_str()).collect()),
        of(TaskDefinitionStatus::ALL.iter().map(|it| it.as_str()).collect())
    );
    let mut instances = of(ContainerInstanceStatus::ALL
        .iter()
        .map(|it| it.as_str())
        .collect());
    instances.insert("INACTIVE".to_owned());
    assert_eq!(
        of(container_instance::State::ALL
            .iter()
            .map(|it| it.as_str())
            .collect()),
        instances
    );
    for state in service_deployment::State::ALL {
        assert_eq!(
            service_deployment::State::from(ServiceDeploymentStatus::from(*state)),
            *state
        );
        assert_eq!(service_deployment::State::from_word(state.as_str()), Some(*state));
    }
    for state in deployment::RolloutState::ALL {
        assert_eq!(
            deployment::RolloutState::from(DeploymentRolloutState::from(*state)),
            *state
        );
    }
    for state in task_set::Stability::ALL {
        assert_eq!(task_set::Stability::from(StabilityStatus::from(*state)), *state);
    }
    for state in TaskStatus::ALL {
        assert_eq!(TaskStatus::from_word(state.as_str()), Some(*state));
    }
    assert_eq!(cluster::State::from_word("active"), None);
    assert_eq!(
        service::State::from_word("DRAINING"),
        Some(service::State::Draining)
    );
}

#[test]
fn a_task_goes_forward_and_nowhere_else() {
    for &from in TaskStatus::ALL {
        for &seen in TaskStatus::ALL {
            let next = moved::<task::Lifecycle>(from, seen.signal());
            assert_eq!(next, (seen > from).then_some(seen), "{from:?} {seen:?}");
        }
    }
}

#[test]
fn what_is_over_of_a_service_deployment_stays_so() {
    for &state in service_deployment::State::ALL {
        let leaves = service_deployment::Signal::ALL
            .iter()
            .any(|signal| moved::<service_deployment::Lifecycle>(state, *signal).is_some());
        assert_eq!(leaves, !state.is_over(), "{state:?}");
    }
}
