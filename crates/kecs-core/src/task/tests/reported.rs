//! What reports make of a task.

use super::*;
use crate::task::{forgotten_at, grace_ends, is_healthy, is_unhealthy, is_wanted};

/// The second of a time.
fn second(time: Option<kecs_model::Time>) -> Option<i64> {
    time.map(|it| it.millisecond() / 1000 - 1_700_000_000)
}

#[test]
fn a_whole_life() {
    let mut task = task(true);
    let mut seen = Vec::new();
    let exited = ContainerReport {
        exit_code: Some(0),
        ..last("STOPPED")
    };
    let reports = [
        report(1, TaskStatus::Pending, &[]),
        report(2, TaskStatus::Activating, &[("app", last("RUNNING"))]),
        report(3, TaskStatus::Running, &[]),
        report(4, TaskStatus::Running, &[("app", health(HealthStatus::Healthy))]),
        report(5, TaskStatus::Deactivating, &[("app", exited)]),
        report(6, TaskStatus::Stopping, &[]),
        report(7, TaskStatus::Deprovisioning, &[]),
        report(8, TaskStatus::Stopped, &[]),
    ];
    for it in &reports {
        task = apply(&task, it).unwrap();
        let shown = &task.task;
        seen.push(format!(
            "{} {} {} v{}",
            shown.last_status.as_deref().unwrap(),
            shown.desired_status.as_deref().unwrap(),
            shown.health_status.unwrap().as_str(),
            shown.version.unwrap()
        ));
        assert_eq!(apply(&task, it), None, "said twice");
    }
    assert_eq!(
        seen,
        [
            "PENDING RUNNING UNKNOWN v2",
            "ACTIVATING RUNNING UNKNOWN v3",
            "RUNNING RUNNING UNKNOWN v4",
            "RUNNING RUNNING HEALTHY v5",
            "DEACTIVATING STOPPED HEALTHY v6",
            "STOPPING STOPPED HEALTHY v7",
            "DEPROVISIONING STOPPED HEALTHY v8",
            "STOPPED STOPPED HEALTHY v9",
        ]
    );
    let shown = &task.task;
    assert_eq!(second(shown.pull_started_at), Some(1));
    assert_eq!(second(shown.pull_stopped_at), Some(2));
    assert_eq!(second(shown.started_at), Some(3));
    assert_eq!(second(shown.stopping_at), Some(5));
    assert_eq!(second(shown.execution_stopped_at), Some(7));
    assert_eq!(second(shown.stopped_at), Some(8));
    assert_eq!(shown.stop_code, Some(TaskStopCode::EssentialContainerExited));
    assert_eq!(
        shown.stopped_reason.as_deref(),
        Some("Essential container in task exited")
    );
    for late in &reports {
        assert_eq!(apply(&task, late), None);
    }
    let last: Vec<_> = shown
        .containers
        .iter()
        .flatten()
        .map(|it| it.last_status.as_deref())
        .collect();
    assert_eq!(last, [Some("STOPPED"), Some("STOPPED")]);
}

#[test]
fn a_late_report_changes_nothing() {
    let running = apply(&task(true), &report(1, TaskStatus::Running, &[])).unwrap();
    let late = report(
        2,
        TaskStatus::Pending,
        &[("app", health(HealthStatus::Unhealthy))],
    );
    assert_eq!(apply(&running, &late), None);
    let stopped = apply(
        &running,
        &report(3, TaskStatus::Running, &[("side", last("STOPPED"))]),
    )
    .unwrap();
    let back = apply(
        &stopped,
        &report(4, TaskStatus::Running, &[("side", health(HealthStatus::Healthy))]),
    );
    assert_eq!(back, None, "a container does not come back");
}

#[test]
fn a_task_that_cannot_start_says_why() {
    let failed = ContainerReport {
        reason: Some("CannotPullContainerError: no such image".to_owned()),
        ..last("STOPPED")
    };
    let over = apply(&task(false), &report(5, TaskStatus::Stopped, &[("app", failed)])).unwrap();
    assert_eq!(over.task.stop_code, Some(TaskStopCode::TaskFailedToStart));
    assert_eq!(
        over.task.stopped_reason.as_deref(),
        Some("CannotPullContainerError: no such image")
    );
    assert_eq!(
        (over.task.started_at, over.task.execution_stopped_at),
        (None, None)
    );
    assert_eq!(second(over.task.stopping_at), Some(5));
    let silent = apply(&task(false), &report(5, TaskStatus::Stopped, &[])).unwrap();
    assert_eq!(
        silent.task.stopped_reason.as_deref(),
        Some("Task failed to start")
    );
}

#[test]
fn the_data_plane_says_why() {
    let stop = Stop {
        code: TaskStopCode::SpotInterruption,
        reason: "Your Spot Task was interrupted.".to_owned(),
    };
    let told = Report {
        stop: Some(stop),
        ..report(5, TaskStatus::Deactivating, &[])
    };
    let running = apply(&task(false), &report(1, TaskStatus::Running, &[])).unwrap();
    let ends = apply(&running, &told).unwrap();
    assert_eq!(ends.task.stop_code, Some(TaskStopCode::SpotInterruption));
    assert_eq!(ends.task.desired_status.as_deref(), Some("STOPPED"));
    let asked = request_stop(&running, "enough", TaskStopCode::UserInitiated, at(4)).unwrap();
    let ends = apply(&asked, &told).unwrap();
    assert_eq!(ends.task.stop_code, Some(TaskStopCode::UserInitiated));
    assert_eq!(ends.task.stopped_reason.as_deref(), Some("enough"));
    assert_eq!(second(ends.task.stopping_at), Some(4));
    let lost = apply(&running, &report(6, TaskStatus::Stopped, &[])).unwrap();
    assert_eq!(lost.task.stop_code, Some(TaskStopCode::InfrastructureHealth));
    assert_eq!(
        lost.task.stopped_reason.as_deref(),
        Some("Task stopped by its host")
    );
    assert_eq!(second(lost.task.stopping_at), Some(6));
    let because = ContainerReport {
        reason: Some("HostEC2 (instance i-1) terminated".to_owned()),
        ..ContainerReport::default()
    };
    let lost = apply(&running, &report(6, TaskStatus::Stopped, &[("side", because)])).unwrap();
    assert_eq!(
        lost.task.stopped_reason.as_deref(),
        Some("HostEC2 (instance i-1) terminated")
    );
}

#[test]
fn a_container_that_is_not_essential_may_end() {
    let running = apply(
        &task(false),
        &report(1, TaskStatus::Running, &[("side", last("RUNNING"))]),
    )
    .unwrap();
    let exited = ContainerReport {
        exit_code: Some(1),
        ..last("STOPPED")
    };
    let after = apply(
        &running,
        &report(2, TaskStatus::Running, &[("side", exited.clone())]),
    )
    .unwrap();
    assert!(is_wanted(&after));
    assert_eq!(after.task.containers.as_ref().unwrap()[1].exit_code, Some(1));
    let after = apply(&after, &report(3, TaskStatus::Running, &[("app", exited)])).unwrap();
    assert!(!is_wanted(&after));
    assert_eq!(after.task.last_status.as_deref(), Some("RUNNING"));
    assert_eq!(
        after.task.stopped_reason.as_deref(),
        Some("Essential container in task exited")
    );
}

#[test]
fn how_a_container_ended_is_told_once() {
    let running = apply(
        &task(false),
        &report(1, TaskStatus::Running, &[("side", last("RUNNING"))]),
    )
    .unwrap();
    let ended = |exit_code: Option<i32>, reason: &str| ContainerReport {
        exit_code,
        reason: Some(reason.to_owned()),
        ..last("STOPPED")
    };
    let told = |task: &record::Task| {
        let container = &task.task.containers.as_ref().unwrap()[1];
        (container.exit_code, container.reason.clone().unwrap())
    };
    let unknown = report(2, TaskStatus::Running, &[("side", ended(None, "gone"))]);
    let unknown = apply(&running, &unknown).unwrap();
    assert_eq!(told(&unknown), (None, "gone".to_owned()));
    let known = report(3, TaskStatus::Running, &[("side", ended(Some(3), "exited"))]);
    let known = apply(&unknown, &known).unwrap();
    assert_eq!(told(&known), (Some(3), "exited".to_owned()));
    let late = report(4, TaskStatus::Running, &[("side", ended(Some(143), "stopped"))]);
    assert_eq!(apply(&known, &late), None);
    let over = report(5, TaskStatus::Stopped, &[("side", ended(Some(143), "stopped"))]);
    let over = apply(&known, &over).unwrap();
    assert_eq!(told(&over), (Some(3), "exited".to_owned()));
}

#[test]
fn health_is_that_of_essential_containers_with_checks() {
    let of = |containers: Vec<ContainerDefinition>, told: &[(&str, ContainerReport)]| {
        let made = new_task(&scope(), &blueprint(containers), &Ids::new(1), at(0));
        let after = apply(&made, &report(1, TaskStatus::Running, told)).unwrap();
        (after.task.health_status.unwrap(), is_healthy(&after))
    };
    let two = || {
        vec![
            container("a", true, true),
            container("b", true, true),
            container("c", true, false),
        ]
    };
    let (healthy, sick) = (health(HealthStatus::Healthy), health(HealthStatus::Unhealthy));
    let unknown = health(HealthStatus::Unknown);
    assert_eq!(of(two(), &[]), (HealthStatus::Unknown, false));
    assert_eq!(
        of(two(), &[("a", healthy.clone())]),
        (HealthStatus::Unknown, false)
    );
    let both = [("a", healthy.clone()), ("b", healthy.clone())];
    assert_eq!(of(two(), &both), (HealthStatus::Unknown, true));
    assert_eq!(of(two()[..2].to_vec(), &both), (HealthStatus::Healthy, true));
    assert_eq!(
        of(two(), &[("a", sick.clone()), ("b", unknown)]),
        (HealthStatus::Unhealthy, false)
    );
    let side = vec![container("a", true, false), container("b", false, true)];
    assert_eq!(of(side, &[("b", sick)]), (HealthStatus::Unknown, true));
}

#[test]
fn an_unhealthy_task_is_left_to_its_service_and_one_of_no_service_goes_on() {
    let sick = report(
        2,
        TaskStatus::Running,
        &[("app", health(HealthStatus::Unhealthy))],
    );
    let running = apply(&task(true), &report(1, TaskStatus::Running, &[])).unwrap();
    for service in [None, Some("web".to_owned())] {
        let of = record::Task {
            service,
            ..running.clone()
        };
        let stays = apply(&of, &sick).unwrap();
        assert!(is_wanted(&stays) && is_unhealthy(&stays, at(2)));
        assert_eq!(stays.task.health_status, Some(HealthStatus::Unhealthy));
        assert_eq!((stays.task.stop_code, stays.task.stopped_reason), (None, None));
    }
}

#[test]
fn failing_checks_count_for_nothing_within_the_grace_period() {
    let fresh = record::Task {
        grace_seconds: Some(10),
        service: Some("web".to_owned()),
        ..task(true)
    };
    assert_eq!(grace_ends(&fresh), None);
    let sick = report(
        5,
        TaskStatus::Running,
        &[("app", health(HealthStatus::Unhealthy))],
    );
    let sick = apply(&fresh, &sick).unwrap();
    assert_eq!(grace_ends(&sick), Some(at(15)));
    assert!(!is_unhealthy(&sick, at(14)) && is_unhealthy(&sick, at(15)));
    assert!(!is_healthy(&sick));
}

#[test]
fn it_is_asked_to_stop_once() {
    let asked = request_stop(&task(false), "enough", TaskStopCode::UserInitiated, at(9)).unwrap();
    let shown = &asked.task;
    assert_eq!(shown.desired_status.as_deref(), Some("STOPPED"));
    assert_eq!(shown.stopped_reason.as_deref(), Some("enough"));
    assert_eq!((second(shown.stopping_at), shown.version), (Some(9), Some(2)));
    let again = request_stop(&asked, "more", TaskStopCode::ServiceSchedulerInitiated, at(10));
    assert_eq!(again, None);
    let over = apply(&asked, &report(11, TaskStatus::Stopped, &[])).unwrap();
    assert_eq!(
        request_stop(&over, "more", TaskStopCode::UserInitiated, at(12)),
        None
    );
}

#[test]
fn what_is_over_is_shown_for_an_hour() {
    let over = apply(&task(false), &report(5, TaskStatus::Stopped, &[])).unwrap();
    assert_eq!(forgotten_at(&over), Some(at(5) + SignedDuration::from_hours(1)));
    assert!(is_shown(&over, at(3604)) && !is_shown(&over, at(3605)));
    assert!(is_shown(&task(false), at(99_999)));
}

#[test]
fn attachments_and_agents_follow() {
    let made = new_task(
        &scope(),
        &Blueprint {
            execute_command: true,
            ..blueprint(vec![container("app", true, false)])
        },
        &Ids::new(1),
        at(0),
    );
    let attachment = Attachment {
        id: Some("a".to_owned()),
        status: Some("ATTACHED".to_owned()),
        details: Some(vec![KeyValuePair::default()]),
        ..Attachment::default()
    };
    let told = Report {
        attachments: Some(vec![attachment.clone()]),
        ..report(3, TaskStatus::Running, &[("app", last("RUNNING"))])
    };
    let after = apply(&made, &told).unwrap();
    assert_eq!(after.task.attachments, Some(vec![attachment]));
    let agent = |task: &record::Task| {
        let container = &task.task.containers.as_ref().unwrap()[0];
        container.managed_agents.as_ref().unwrap()[0].clone()
    };
    assert_eq!(agent(&made).last_status.as_deref(), Some("PENDING"));
    assert_eq!(agent(&after).last_status.as_deref(), Some("RUNNING"));
    assert_eq!(second(agent(&after).last_started_at), Some(3));
    let over = apply(&after, &report(4, TaskStatus::Stopped, &[])).unwrap();
    assert_eq!(agent(&over).last_status.as_deref(), Some("STOPPED"));
}

#[test]
fn a_report_that_does_not_say_how_far_a_container_is_leaves_it_there() {
    let made = new_task(
        &scope(),
        &Blueprint {
            execute_command: true,
            ..blueprint(vec![container("app", true, false)])
        },
        &Ids::new(1),
        at(0),
    );
    let named = ContainerReport {
        runtime_id: Some("r".to_owned()),
        ..ContainerReport::default()
    };
    let after = apply(&made, &report(1, TaskStatus::Pending, &[("app", named)])).unwrap();
    let container = &after.task.containers.as_ref().unwrap()[0];
    assert_eq!(container.runtime_id.as_deref(), Some("r"));
    assert_eq!(container.last_status.as_deref(), Some("PENDING"));
    let agent = &container.managed_agents.as_ref().unwrap()[0];
    assert_eq!(agent.last_status.as_deref(), Some("PENDING"));
}

#[test]
fn a_container_that_is_started_anew_ends_as_it_does_the_last_time() {
    let told = |status: &str, code: i32| ContainerReport {
        exit_code: Some(code),
        ..last(status)
    };
    let code = |task: &record::Task| task.task.containers.as_ref().unwrap()[1].exit_code;
    let running = apply(
        &task(false),
        &report(1, TaskStatus::Running, &[("side", told("RUNNING", 1))]),
    )
    .unwrap();
    assert_eq!(code(&running), Some(1));
    let ended = report(2, TaskStatus::Running, &[("side", told("STOPPED", 2))]);
    assert_eq!(code(&apply(&running, &ended).unwrap()), Some(2));
}

#[test]
fn of_more_than_one_reason_to_stop_the_first_is_told() {
    let sick_and_gone = ContainerReport {
        health: Some(HealthStatus::Unhealthy),
        exit_code: Some(1),
        ..last("STOPPED")
    };
    let running = apply(&task(true), &report(1, TaskStatus::Running, &[])).unwrap();
    let ends = apply(
        &running,
        &report(2, TaskStatus::Running, &[("app", sick_and_gone)]),
    )
    .unwrap();
    assert_eq!(
        ends.task.stopped_reason.as_deref(),
        Some("Essential container in task exited")
    );
    let because = |reason: &str| ContainerReport {
        reason: Some(reason.to_owned()),
        ..last("STOPPED")
    };
    let told = [("app", because("no image")), ("side", because("no memory"))];
    let over = apply(&task(false), &report(1, TaskStatus::Stopped, &told)).unwrap();
    assert_eq!(over.task.stopped_reason.as_deref(), Some("no image"));
}

#[test]
fn of_an_essential_container_without_a_check_nothing_is_known_and_its_task_is_healthy_to_its_service() {
    let containers = vec![container("app", true, true), container("proxy", true, false)];
    let fresh = new_task(&scope(), &blueprint(containers), &Ids::new(1), at(0));
    for (found, shown, healthy) in [
        (HealthStatus::Unknown, HealthStatus::Unknown, false),
        (HealthStatus::Healthy, HealthStatus::Unknown, true),
        (HealthStatus::Unhealthy, HealthStatus::Unhealthy, false),
    ] {
        let told = [("app", health(found)), ("proxy", last("RUNNING"))];
        let after = apply(&fresh, &report(1, TaskStatus::Running, &told)).unwrap();
        assert_eq!(after.task.health_status, Some(shown));
        assert_eq!(is_healthy(&after), healthy, "{found:?}");
    }
}

#[test]
fn what_a_report_tells_of_a_container_is_kept_until_something_else_is_told() {
    let running = apply(
        &task(false),
        &report(1, TaskStatus::Running, &[("app", last("RUNNING"))]),
    )
    .unwrap();
    let interface = |address: &str| kecs_model::types::NetworkInterface {
        private_ipv4_address: Some(address.to_owned()),
        ..kecs_model::types::NetworkInterface::default()
    };
    let told = ContainerReport {
        network_interfaces: Some(vec![interface("10.0.0.1")]),
        ..last("RUNNING")
    };
    let of = |task: &record::Task| task.task.containers.as_ref().unwrap()[0].clone();
    let after = apply(&running, &report(2, TaskStatus::Running, &[("app", told)])).unwrap();
    assert_eq!(of(&after).network_interfaces, Some(vec![interface("10.0.0.1")]));
    // What lags behind says nothing.
    let late = ContainerReport {
        network_interfaces: Some(vec![interface("10.0.0.2")]),
        ..last("PENDING")
    };
    assert_eq!(
        apply(&after, &report(3, TaskStatus::Running, &[("app", late)])),
        None
    );
    let silent = ContainerReport {
        runtime_id: Some("r".to_owned()),
        ..ContainerReport::default()
    };
    let after = apply(&after, &report(4, TaskStatus::Running, &[("app", silent)])).unwrap();
    assert_eq!(of(&after).network_interfaces, Some(vec![interface("10.0.0.1")]));
    assert_eq!(of(&after).runtime_id.as_deref(), Some("r"));
}

#[test]
fn times_are_those_of_the_first_time() {
    let at_once = apply(&task(false), &report(3, TaskStatus::Running, &[])).unwrap();
    let times = |it: &record::Task| {
        let shown = &it.task;
        [
            shown.connectivity_at,
            shown.pull_started_at,
            shown.pull_stopped_at,
            shown.started_at,
            shown.stopping_at,
            shown.execution_stopped_at,
            shown.stopped_at,
        ]
        .map(second)
    };
    // A task on an instance is connected from its beginning.
    assert_eq!(
        times(&at_once),
        [Some(0), Some(3), Some(3), Some(3), None, None, None]
    );
    let stopping = apply(&at_once, &report(5, TaskStatus::Deactivating, &[])).unwrap();
    let over = apply(&stopping, &report(7, TaskStatus::Stopped, &[])).unwrap();
    assert_eq!(
        times(&over),
        [Some(0), Some(3), Some(3), Some(3), Some(5), Some(7), Some(7)]
    );
    // One that never came to pull has nothing to stop.
    let never = apply(&task(false), &report(2, TaskStatus::Stopped, &[])).unwrap();
    assert_eq!(times(&never)[3..], [None, Some(2), times(&never)[5], Some(2)]);
}
