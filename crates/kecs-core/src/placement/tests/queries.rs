//! The cluster query language.

use super::*;
use crate::placement::Query;

/// Whether the instance meets an expression: it is in `eu-west-1a`, of type `t3.large`, has the attribute `stack`
/// without a value, a running task of `service:web` and one of `service:old` that leaves.
fn holds(expression: &str) -> bool {
    let live = [
        on("a", "service:web", "RUNNING", "RUNNING"),
        on("a", "service:old", "STOPPED", "RUNNING"),
    ];
    let fleet = Fleet::new(&[instance("a", "eu-west-1a")], live.iter().map(|it| (it, None)));
    let query = Query::parse(expression).unwrap_or_else(|fault| panic!("{expression}: {fault}"));
    query.holds(fleet.instances.values().next().unwrap())
}

#[test]
fn what_holds() {
    for expression in [
        "attribute:ecs.instance-type == t3.large",
        "attribute:ecs.instance-type equals t3.large",
        "attribute:ecs.instance-type==t3.large",
        "attribute:ecs.instance-type != t3.small",
        "attribute:absent != t3.small",
        "attribute:ecs.instance-type not_equals t3.small",
        "attribute:ecs.instance-type =~ t3.*",
        "attribute:ecs.instance-type =~ (t2|t3)\\..*",
        "attribute:ecs.instance-type matches \"t3\\.(small|large)\"",
        "attribute:ecs.instance-type !~ t3",
        "attribute:ecs.instance-type =~ t3.* and attribute:stack exists",
        "(attribute:stack exists and attribute:ecs.instance-type =~ t3.large)",
        "(attribute:ecs.instance-type =~ ((t2)|(t3))\\..*)",
        "((attribute:ecs.instance-type =~ (t2|t3).large) and attribute:stack exists)",
        "attribute:ecs.instance-type not_matches g.*",
        "attribute:ecs.availability-zone in [eu-west-1a, eu-west-1b]",
        "attribute:ecs.availability-zone in ['eu-west-1a']",
        "attribute:ecs.availability-zone !in [eu-west-1b,eu-west-1c]",
        "attribute:ecs.availability-zone not_in [eu-west-1b]",
        "attribute:absent not_in [eu-west-1b]",
        "attribute:stack exists",
        "attribute:absent !exists",
        "attribute:absent not_exists",
        "runningTasksCount == 2",
        "runningTasksCount > 1",
        "runningTasksCount >= 2",
        "runningTasksCount < 10",
        "runningTasksCount <= 2",
        "runningTasksCount greater_than 1",
        "runningTasksCount less_than 3",
        "runningTasksCount greater_than_equal 2",
        "runningTasksCount less_than_equal 2",
        "agentConnected == true",
        "agentVersion >= 1.9",
        "agentVersion < 1.100.0",
        "ec2InstanceId == i-a",
        "ec2InstanceId in [i-a, i-b]",
        "registeredAt >= 2023-11-14",
        "registeredAt < 2023-11-15",
        "registeredAt > 2023-11-14T22:13:19Z",
        "registeredAt > 2023-11-14T23:13:19+01:00",
        "registeredAt < 2023-11-14T21:13:21-01:00",
        "task:group == service:web",
        "task:group == service:old",
        "not(task:group == service:database)",
        "!(task:group == service:database)",
        "task:group != service:database",
        "attribute:absent exists or attribute:stack exists",
        "attribute:absent exists || attribute:stack exists",
        "attribute:stack exists and runningTasksCount == 2",
        "attribute:stack exists && runningTasksCount == 2",
        "attribute:stack exists or attribute:absent exists and attribute:absent exists",
        "(attribute:stack exists or attribute:stack exists) and not attribute:absent exists",
        "  ( ( runningTasksCount == 2 ) )  ",
    ] {
        assert!(holds(expression), "{expression}");
    }
}

#[test]
fn what_does_not_hold() {
    for expression in [
        "attribute:ecs.instance-type == t3",
        "attribute:ecs.instance-type =~ t3",
        "attribute:ecs.instance-type =~ 3.large",
        "attribute:ecs.instance-type != t3.large",
        "attribute:absent == t3.large",
        "attribute:absent =~ .*",
        "attribute:absent > 0",
        "attribute:absent < 0",
        "attribute:ecs.availability-zone in [eu-west-1, a]",
        "attribute:stack !exists",
        "attribute:stack == prod",
        "runningTasksCount > 2",
        "runningTasksCount < 2",
        "runningTasksCount == 20",
        "agentVersion < 1.9",
        "agentConnected == false",
        "registeredAt < 2023-11-14",
        "task:group != service:web",
        "task:group in [service:database]",
        "(attribute:stack exists or attribute:stack exists) and attribute:absent exists",
        "not attribute:stack exists",
    ] {
        assert!(!holds(expression), "{expression}");
    }
}

#[test]
fn what_is_no_expression() {
    let deep = format!("{}runningTasksCount == 1{}", "(".repeat(70), ")".repeat(70));
    let said: Vec<String> = [
        "",
        "attribute:",
        "attribute:a",
        "attribute:a ==",
        "colour == red",
        "attribute:a == b c",
        "attribute:a in b",
        "attribute:a in [b",
        "attribute:a in []",
        "(attribute:a exists",
        "attribute:a exists)",
        "attribute:a exists and",
        "attribute:a =~ [",
        "attribute:a == \"b",
        "attribute:a ! b",
        deep.as_str(),
    ]
    .into_iter()
    .map(|it| Query::parse(it).unwrap_err().to_string())
    .collect();
    insta::assert_debug_snapshot!(said);
}

#[test]
fn what_stands_side_by_side_is_not_nested() {
    let nested = |depth: usize| {
        let text = format!("{}runningTasksCount == 2{}", "(".repeat(depth), ")".repeat(depth));
        Query::parse(&text).is_ok()
    };
    assert!(nested(63) && !nested(64));
    assert!(holds(&["runningTasksCount == 2"; 200].join(" and ")));
    assert!(holds(&["(runningTasksCount == 2)"; 200].join(" and ")));
}

#[test]
fn expressions_are_equal_where_they_say_the_same() {
    let of = |text: &str| Query::parse(text).unwrap();
    assert_eq!(of("((attribute:a exists))"), of("attribute:a exists"));
    assert_eq!(of("attribute:a matches b.*"), of("attribute:a =~ \"b.*\""));
    assert_ne!(of("attribute:a =~ b"), of("attribute:a =~ c"));
    assert!(format!("{:?}", of("attribute:a =~ b.*")).contains("^(?:b.*)$"));
}

#[test]
fn a_definition_with_what_is_no_expression_is_placed_nowhere() {
    let need = need(1, 1).under(&[member_of("colour == red")], &[]);
    assert_eq!(lack(instance("a", "z1"), &need), Lack::MemberOf);
}
