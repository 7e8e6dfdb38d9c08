//! Lives of simulated tasks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use clock::Clock;
use jiff::Timestamp;
use kecs_core::plane::{DataPlane, Execute, Order, PlaneFault, Report, Reports, TaskStatus};
use kecs_model::types::{
    Attachment, ContainerCondition, ContainerDefinition, ContainerDependency, HealthCheck, NetworkMode,
    PortMapping, Task, TaskDefinition,
};

use crate::{Durations, Run, SimulatedPlane, script};

const ARN: &str = "arn:aws:ecs:eu-west-1:123456789012:task/blue/0af3";

fn container(name: &str) -> ContainerDefinition {
    ContainerDefinition {
        name: Some(name.to_owned()),
        image: Some("nginx:1".to_owned()),
        ..ContainerDefinition::default()
    }
}

fn labelled(mut container: ContainerDefinition, labels: &[(&str, &str)]) -> ContainerDefinition {
    let labels = labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    container.docker_labels = Some(labels.collect());
    container
}

fn after(
    mut container: ContainerDefinition,
    other: &str,
    condition: ContainerCondition,
) -> ContainerDefinition {
    container.depends_on = Some(vec![ContainerDependency {
        container_name: Some(other.to_owned()),
        condition: Some(condition),
    }]);
    container
}

fn order(containers: Vec<ContainerDefinition>) -> Order {
    Order {
        task: Task {
            task_arn: Some(ARN.to_owned()),
            desired_status: Some("RUNNING".to_owned()),
            created_at: Some(Timestamp::UNIX_EPOCH.into()),
            ..Task::default()
        },
        definition: TaskDefinition {
            container_definitions: Some(containers),
            ..TaskDefinition::default()
        },
        service: None,
    }
}

fn line(report: &Report) -> String {
    let containers = report.containers.iter().map(|(name, it)| {
        let mut words = vec![format!("{name} {}", it.last_status.as_deref().unwrap_or("-"))];
        words.extend(it.exit_code.map(|code| format!("exit {code}")));
        words.extend(it.health.map(|health| health.as_str().to_owned()));
        words.extend(it.reason.clone());
        words.join(" ")
    });
    let containers: Vec<String> = containers.collect();
    let stop = report
        .stop
        .as_ref()
        .map(|it| format!(" | {}: {}", it.code.as_str(), it.reason));
    format!(
        "{:>5} ms {:?} | {}{}",
        report.at.as_millisecond(),
        report.status,
        containers.join(", "),
        stop.unwrap_or_default()
    )
}

/// The whole life of a task that is asked to stop at that millisecond, if it is.
fn life(containers: Vec<ContainerDefinition>, stopped_at: Option<i64>) -> String {
    let durations = Durations::each(Duration::from_millis(100));
    let mut run = Run::new(order(containers), durations, Timestamp::UNIX_EPOCH);
    let mut lines = Vec::new();
    let mut stop = stopped_at.map(|at| Timestamp::from_millisecond(at).unwrap());
    loop {
        let next = run.next();
        let report = match stop {
            Some(at) if next.is_none_or(|next| at < next) => {
                stop = None;
                run.stop(at)
            }
            Some(_) | None => run.advance(),
        };
        match report {
            Some(report) => lines.push(line(&report)),
            None => break lines.join("\n"),
        }
    }
}

#[test]
fn a_task_runs_until_it_is_stopped() {
    insta::assert_snapshot!(life(vec![container("web")], Some(1_000)));
}

#[test]
fn an_essential_container_takes_the_task_with_it() {
    let job = labelled(
        container("job"),
        &[(script::EXIT_CODE, "3"), (script::EXIT_AFTER, "0.5")],
    );
    insta::assert_snapshot!(life(vec![container("web"), job], None));
}

#[test]
fn an_image_that_cannot_be_pulled_keeps_the_task_from_starting() {
    let mut web = container("web");
    web.image = Some("registry.invalid:5000/web:2".to_owned());
    insta::assert_snapshot!(life(vec![web], None));
    let told = labelled(container("web"), &[(script::PULL_ERROR, "manifest unknown")]);
    assert!(life(vec![told], None).contains("CannotPullContainerError: manifest unknown"));
}

#[test]
fn containers_wait_for_what_they_depend_on() {
    let mut init = labelled(container("init"), &[(script::EXIT_AFTER, "0.25")]);
    init.essential = Some(false);
    let mut cache = container("cache");
    cache.health_check = Some(HealthCheck::default());
    let app = after(container("app"), "init", ContainerCondition::Success);
    let web = after(container("web"), "cache", ContainerCondition::Healthy);
    insta::assert_snapshot!(life(vec![app, cache, init, web], Some(1_000)));
}

#[test]
fn what_waits_in_vain_does_not_start() {
    let mut init = labelled(container("init"), &[(script::EXIT_CODE, "1")]);
    init.essential = Some(false);
    let app = after(container("app"), "init", ContainerCondition::Success);
    insta::assert_snapshot!(life(vec![app, init], None));
}

#[test]
fn health_is_found_when_the_labels_say() {
    let mut web = labelled(
        container("web"),
        &[(script::HEALTH, "UNHEALTHY"), (script::HEALTH_AFTER, "0.6")],
    );
    web.health_check = Some(HealthCheck::default());
    insta::assert_snapshot!(life(vec![web], None));
}

#[test]
fn a_task_that_is_stopped_before_its_containers_ran_has_no_exit_code() {
    insta::assert_snapshot!(life(vec![container("web")], Some(150)));
}

#[test]
fn addresses_come_of_the_arn_and_ports_as_asked() {
    let mut web = container("web");
    let port = |container, host| PortMapping {
        container_port: Some(container),
        host_port: host,
        ..PortMapping::default()
    };
    web.port_mappings = Some(vec![port(80, Some(8080)), port(81, Some(0)), port(82, None)]);
    let reports = |order: Order| {
        let mut run = Run::new(order, Durations::each(Duration::ZERO), Timestamp::UNIX_EPOCH);
        let mut last = None;
        while let Some(report) = run.advance() {
            last = Some(report);
        }
        last.unwrap()
    };
    let bridged = reports(order(vec![web.clone()]));
    let ports = |report: &Report| -> Vec<i32> {
        let bindings = report.containers["web"].network_bindings.clone().unwrap();
        bindings.iter().map(|it| it.host_port.unwrap()).collect()
    };
    let dynamic = ports(&bridged);
    assert_eq!(dynamic[0], 8080);
    assert!(
        dynamic[1] >= 32_768 && dynamic[2] == dynamic[1] + 1,
        "{dynamic:?}"
    );
    let mut host = order(vec![web.clone()]);
    host.definition.network_mode = Some(NetworkMode::Host);
    assert_eq!(ports(&reports(host)), [8080, 81, 82]);
    let mut own = order(vec![web]);
    own.task.attachments = Some(vec![Attachment {
        id: Some("a-1".to_owned()),
        r#type: Some("ElasticNetworkInterface".to_owned()),
        status: Some("PRECREATED".to_owned()),
        details: None,
    }]);
    let report = reports(own);
    let attachment = &report.attachments.as_ref().unwrap()[0];
    assert_eq!(attachment.status.as_deref(), Some("ATTACHED"));
    let address = report.containers["web"].network_interfaces.as_ref().unwrap()[0]
        .private_ipv4_address
        .clone();
    let told = attachment
        .details
        .as_ref()
        .unwrap()
        .iter()
        .find(|it| it.name.as_deref() == Some("privateIPv4Address"));
    assert_eq!(told.unwrap().value, address);
    let named = attachment
        .details
        .as_ref()
        .unwrap()
        .iter()
        .find(|it| it.name.as_deref() == Some("privateDnsName"));
    let dashed = address.unwrap().replace('.', "-");
    assert_eq!(
        named.unwrap().value,
        Some(format!("ip-{dashed}.eu-west-1.compute.internal"))
    );
    assert_eq!(report.containers["web"].network_bindings, Some(Vec::new()));
}

#[derive(Default)]
struct Heard(Mutex<Vec<Report>>);

#[async_trait]
impl Reports for Heard {
    async fn report(&self, report: Report) {
        self.0.lock().unwrap().push(report);
    }
}

fn of(arn: &str, containers: Vec<ContainerDefinition>) -> Order {
    let mut order = order(containers);
    order.task.task_arn = Some(arn.to_owned());
    order
}

#[tokio::test(start_paused = true)]
async fn a_plane_runs_its_tasks_side_by_side_and_stops_them_when_asked() {
    let clock = Clock::virtual_since(Timestamp::UNIX_EPOCH);
    let plane = SimulatedPlane::new(Durations::default(), Some(2), clock);
    let full = plane.run(of("a", vec![container("web")])).await;
    assert!(matches!(full, Err(PlaneFault::Unreachable(_))));
    let heard = Arc::new(Heard::default());
    plane
        .attach(heard.clone(), vec![of("a", vec![container("web")])])
        .await;
    plane.run(of("b", vec![container("web")])).await.unwrap();
    // Told once more, it is the same task.
    plane.run(of("b", vec![container("web")])).await.unwrap_err();
    let full = plane.run(of("c", vec![container("web")])).await;
    assert_eq!(full, Err(PlaneFault::NoRoom("RESOURCE:MEMORY".to_owned())));
    tokio::time::sleep(Duration::from_secs(5)).await;
    plane.stop("a").await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(plane.stop("a").await, Err(PlaneFault::NotRunning("a".to_owned())));
    let mut last = BTreeMap::new();
    for report in heard.0.lock().unwrap().iter() {
        last.insert(report.task_arn.clone(), format!("{:?}", report.status));
    }
    assert_eq!(
        last,
        BTreeMap::from([
            ("a".to_owned(), "Stopped".to_owned()),
            ("b".to_owned(), "Running".to_owned())
        ])
    );
    let request = Execute {
        task_arn: "b".to_owned(),
        container: "web".to_owned(),
        command: "sh".to_owned(),
    };
    assert!(matches!(
        plane.execute(request).await,
        Err(PlaneFault::Unsupported(_))
    ));
}

/// After a restart a task is as far as it would have been.
#[tokio::test(start_paused = true)]
async fn a_plane_that_comes_back_goes_on_where_the_tasks_are_by_then() {
    let clock = Clock::virtual_since(Timestamp::from_second(60).unwrap());
    let plane = SimulatedPlane::new(Durations::default(), None, clock);
    let heard = Arc::new(Heard::default());
    let mut stopped = of("stopped", vec![container("web")]);
    stopped.task.desired_status = Some("STOPPED".to_owned());
    plane
        .attach(heard.clone(), vec![of("runs", vec![container("web")]), stopped])
        .await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let statuses = |arn: &str| -> Vec<String> {
        let heard = heard.0.lock().unwrap();
        let of_task = heard.iter().filter(|it| it.task_arn == arn);
        of_task.map(|it| format!("{:?}", it.status)).collect()
    };
    assert_eq!(statuses("runs").last().unwrap(), "Running");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(statuses("stopped"), ["Deprovisioning", "Stopped"]);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_holds_no_task_up() {
    let begun = tokio::time::Instant::now();
    let back = Arc::new(Mutex::new(0));
    let behind = Arc::clone(&back);
    let clock = Clock::new(move || {
        let seconds = 10_000 + begun.elapsed().as_secs() - *behind.lock().unwrap();
        Timestamp::from_second(i64::try_from(seconds).unwrap()).unwrap()
    });
    let plane = SimulatedPlane::new(Durations::default(), None, clock);
    let heard = Arc::new(Heard::default());
    plane.attach(heard.clone(), Vec::new()).await;
    let last = |arn: &str| {
        let heard = heard.0.lock().unwrap();
        let of_task = heard.iter().rfind(|it| it.task_arn == arn);
        of_task.map(|it| (it.status, it.at.as_second()))
    };
    plane.run(of("runs", vec![container("web")])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(last("runs").unwrap().0, TaskStatus::Running);
    *back.lock().unwrap() = 3600;
    plane.stop("runs").await.unwrap();
    // As a server that comes back finds a task that was made in what is the future now.
    let mut made = of("made", vec![container("web")]);
    made.task.created_at = Some(Timestamp::from_second(10_000).unwrap().into());
    plane.run(made).await.unwrap();
    tokio::time::sleep(Duration::from_secs(100)).await;
    let (status, at) = last("runs").unwrap();
    assert_eq!(status, TaskStatus::Stopped);
    assert!((6_500..6_600).contains(&at), "{at}");
    assert_eq!(last("made").unwrap().0, TaskStatus::Running);
}
