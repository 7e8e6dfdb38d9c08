//! What containers have to do with each other, and with what is around them.

use kecs_model::Operation;
use serde_json::{Value, json};

use super::{accepted, app, refused, two};
use crate::world::World;

#[test]
fn register_task_definition_finds_circles_beside_what_leads_on() {
    let mut base = two();
    let all = base["containerDefinitions"].as_array_mut().unwrap();
    for name in ["log", "init"] {
        all.push(json!({"name": name, "image": "x", "memory": 4, "essential": false}));
    }
    let waits = |pairs: &[(usize, &[&str])]| -> Vec<(String, Value)> {
        let on = |names: &[&str]| -> Value {
            names
                .iter()
                .map(|name| json!({"containerName": name, "condition": "START"}))
                .collect()
        };
        pairs
            .iter()
            .map(|(at, names)| (format!("containerDefinitions.{at}.dependsOn"), on(names)))
            .collect()
    };
    let taken = |pairs: &[(usize, &[&str])]| {
        let members = waits(pairs);
        let members: Vec<(&str, Value)> = members
            .iter()
            .map(|(way, it)| (way.as_str(), it.clone()))
            .collect();
        let input = super::with(&base, &members);
        World::new()
            .answer(Operation::RegisterTaskDefinition, input)
            .is_ok()
    };
    assert!(taken(&[(0, &["side"]), (1, &["log"]), (2, &["init"])]), "a chain");
    assert!(
        taken(&[(0, &["side", "log"]), (1, &["init"]), (2, &["init"])]),
        "a diamond"
    );
    assert!(
        !taken(&[(0, &["side", "log"]), (1, &["app"])]),
        "a circle and a way out"
    );
    assert!(
        !taken(&[(0, &["side"]), (1, &["log"]), (2, &["side"])]),
        "a circle further on"
    );
    assert!(!taken(&[(0, &["app"])]), "itself");
}

#[test]
fn register_task_definition_takes_restarts_where_they_are_on() {
    let base = two();
    let policy = |value: Value| {
        let input = super::with(&base, &[(&app("restartPolicy"), value)]);
        let answer = World::new().answer(Operation::RegisterTaskDefinition, input);
        let answer = answer.map_err(|refusal| refusal.message)?;
        Ok::<_, String>(
            answer.output.value()["taskDefinition"]["containerDefinitions"][0]["restartPolicy"].clone(),
        )
    };
    let refused = Err("Invalid 'restartPolicy' setting for container 'app'.".to_owned());
    for (given, kept) in [
        (
            json!({"enabled": true}),
            Ok(json!({"enabled": true, "restartAttemptPeriod": 300})),
        ),
        (
            json!({"enabled": true, "restartAttemptPeriod": 60, "ignoredExitCodes": [0]}),
            Ok(json!({"enabled": true, "restartAttemptPeriod": 60, "ignoredExitCodes": [0]})),
        ),
        (json!({"enabled": false}), Ok(json!({"enabled": false}))),
        (
            json!({"enabled": false, "restartAttemptPeriod": 60}),
            refused.clone(),
        ),
        (json!({"enabled": false, "ignoredExitCodes": [0]}), refused),
    ] {
        assert_eq!(policy(given.clone()), kept, "{given}");
    }
}

#[test]
fn register_task_definition_takes_environment_files_in_s3_alone() {
    let base = two();
    let file = |value: &str| [(app("environmentFiles"), json!([{"type": "s3", "value": value}]))];
    let refused = |value: &str| {
        let [(way, files)] = file(value);
        refused(&base, &[(&way, files)])
    };
    let [(way, files)] = file("arn:aws:s3:::bucket/a/web.env");
    accepted(&base, &[(&way, files)]);
    for value in [
        "s3://bucket/web.env",
        "arn:aws:sqs:::bucket/web.env",
        "x:s3:::bucket/web.env",
    ] {
        assert_eq!(refused(value), "Invalid arn syntax.", "{value}");
    }
    for value in [
        "arn:aws:s3:::bucket/web.txt",
        "arn:aws:s3:::bucket/env",
        "arn:aws:s3:::bucket/web.env/a",
    ] {
        assert_eq!(
            refused(value),
            "Invalid 'environmentFiles.value' setting for container 'app'.",
            "{value}"
        );
    }
}

#[test]
fn register_task_definition_sums_what_containers_take() {
    let base = super::with(&two(), &[("cpu", json!("256")), ("memory", json!("300"))]);
    let side = |member: &str| format!("containerDefinitions.1.{member}");
    let taken = |members: &[(String, Value)]| {
        let members: Vec<(&str, Value)> = members
            .iter()
            .map(|(way, it)| (way.as_str(), it.clone()))
            .collect();
        let input = super::with(&base, &members);
        World::new()
            .answer(Operation::RegisterTaskDefinition, input)
            .map(|_| ())
            .map_err(|refusal| refusal.message)
    };
    let cpu = Err(
        "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'."
            .to_owned(),
    );
    let memory = Err(
        "The sum of all container 'memoryReservation' values cannot be greater than the value of the \
                      task 'memory'."
            .to_owned(),
    );
    // `app` has 128 MiB and `side` 64.
    assert_eq!(taken(&[(app("cpu"), json!(256))]), Ok(()));
    assert_eq!(taken(&[(app("cpu"), json!(257))]), cpu);
    assert_eq!(
        taken(&[(app("cpu"), json!(200)), (side("cpu"), json!(56))]),
        Ok(())
    );
    assert_eq!(taken(&[(app("cpu"), json!(200)), (side("cpu"), json!(57))]), cpu);
    assert_eq!(taken(&[(app("memory"), json!(236))]), Ok(()));
    assert_eq!(taken(&[(app("memory"), json!(237))]), memory);
    let reserved = |reservation: i32| {
        [
            (app("memory"), json!(300)),
            (app("memoryReservation"), json!(reservation)),
        ]
    };
    assert_eq!(taken(&reserved(236)), Ok(()), "what is reserved counts");
    assert_eq!(taken(&reserved(237)), memory);
    assert_eq!(
        taken(&[(app("memory"), json!(301))]),
        Err("The 'memory' setting for container 'app' is greater than for the task.".to_owned())
    );
    let alone = |members: &[(String, Value)]| {
        let mut all = vec![("containerDefinitions.1.memory".to_owned(), Value::Null)];
        all.extend(members.iter().cloned());
        taken(&all)
    };
    assert_eq!(
        alone(&[(app("memory"), json!(300))]),
        Ok(()),
        "none takes nothing"
    );
    assert_eq!(
        alone(&[(app("memory"), json!(300)), (app("cpu"), Value::Null)]),
        Ok(())
    );
}
