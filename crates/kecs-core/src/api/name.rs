//! How requests name things: by name, by id, by long or short ARN.

use std::fmt::Write as _;

use kecs_model::{Refusal, refuse, types};

use crate::key::Scope;
use crate::record::{Cluster, status};
use crate::tx::Tx;

/// The cluster that a request names, by its own name: it is there, ACTIVE or not.
pub fn cluster(tx: &Tx<'_>, named: Option<&str>) -> Result<(String, Cluster), Refusal> {
    let name = tx.scope().cluster_name(named)?;
    let cluster = tx.get::<Cluster>(&tx.scope().cluster(&name))?;
    cluster.map(|it| (name, it)).ok_or_else(cluster_not_found)
}

/// The cluster that a request names, by its own name: it is ACTIVE.
pub fn active_cluster(tx: &Tx<'_>, named: Option<&str>) -> Result<(String, Cluster), Refusal> {
    let (name, cluster) = cluster(tx, named)?;
    if cluster.cluster.status.as_deref() == Some(status::INACTIVE) {
        return Err(refuse!(
            ClusterNotFoundException,
            "The referenced cluster was inactive."
        ));
    }
    Ok((name, cluster))
}

/// There is no such cluster.
pub fn cluster_not_found() -> Refusal {
    refuse!(ClusterNotFoundException, "Cluster not found.")
}

/// The name or id of a resource in `cluster`: `kind` is its type in ARNs (`task`, `service`, `container-instance`).
/// ARNs with the name of the cluster and without are both understood.
pub fn in_cluster(scope: &Scope, kind: &str, cluster: &str, named: &str) -> Result<String, Refusal> {
    if !named.starts_with("arn:") {
        // `blue/0af3` is how an id stands in a long ARN, and clients send that too.
        return Ok(named
            .strip_prefix(&format!("{cluster}/"))
            .unwrap_or(named)
            .to_owned());
    }
    let arn = scope.own(named)?;
    match arn.split() {
        (found, _) if found != kind => Err(refuse!(
            InvalidParameterException,
            "Invalid identifier: Unsupported resource type: {kind}",
            kind = found
        )),
        (_, names) => match names.as_slice() {
            [other, _] if *other != cluster => Err(refuse!(
                InvalidParameterException,
                "Invalid identifier: Identifier is for cluster {other}. Your cluster is {cluster}"
            )),
            [name] | [_, name] => Ok((*name).to_owned()),
            _ => Err(refuse!(
                InvalidParameterException,
                "Invalid identifier: Unexpected number of separators"
            )),
        },
    }
}

/// The id of a task in `cluster`.
pub fn task_id(scope: &Scope, cluster: &str, named: &str) -> Result<String, Refusal> {
    let id = in_cluster(scope, "task", cluster, named)?;
    match id.len() {
        32 | 36 => Ok(id),
        37.. => Err(refuse!(InvalidParameterException, "taskId longer than 36.")),
        _ => Err(refuse!(
            InvalidParameterException,
            "taskId length should be one of [32,36]"
        )),
    }
}

/// The id of a container instance in `cluster`.
pub fn instance_id(scope: &Scope, cluster: &str, named: &str) -> Result<String, Refusal> {
    let id = in_cluster(scope, "container-instance", cluster, named)?;
    match id.len() {
        32 | 36 => Ok(id),
        37.. => Err(refuse!(
            InvalidParameterException,
            "containerInstanceId longer than 36."
        )),
        _ => Err(refuse!(
            InvalidParameterException,
            "containerInstanceId length should be one of [32,36]"
        )),
    }
}

/// What is told of a resource that is not there.
pub fn missing(arn: impl Into<String>) -> types::Failure {
    types::Failure {
        arn: Some(arn.into()),
        reason: Some("MISSING".to_owned()),
        detail: None,
    }
}

/// Hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether a name has only letters, digits, hyphens and underscores, and has 1 to 255 of them.
pub fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=255).contains(&name.len()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(kind: &str, text: &str) -> Result<String, String> {
        let scope = Scope::new("123456789012", "eu-west-1");
        in_cluster(&scope, kind, "blue", text).map_err(|refusal| refusal.message)
    }

    #[test]
    fn a_resource_is_named_by_id_and_by_long_and_short_arn() {
        let arn = |rest| format!("arn:aws:ecs:eu-west-1:123456789012:{rest}");
        for text in ["0af3", "blue/0af3", &arn("task/0af3"), &arn("task/blue/0af3")] {
            assert_eq!(named("task", text), Ok("0af3".to_owned()), "{text}");
        }
        let refused = |kind, rest| named(kind, &arn(rest)).unwrap_err();
        assert_eq!(
            refused("task", "task/green/0af3"),
            "Invalid identifier: Identifier is for cluster green. Your cluster is blue"
        );
        assert_eq!(
            refused("task", "service/blue/web"),
            "Invalid identifier: Unsupported resource type: service"
        );
        assert_eq!(
            refused("task", "task/blue/0af3/more"),
            "Invalid identifier: Unexpected number of separators"
        );
    }

    #[test]
    fn an_id_has_32_or_36_letters() {
        let scope = Scope::new("123456789012", "eu-west-1");
        for id in [task_id, instance_id] {
            let id = |len: usize| id(&scope, "blue", &"a".repeat(len)).is_ok();
            assert_eq!(
                [31, 32, 33, 35, 36, 37].map(id),
                [false, true, false, false, true, false]
            );
        }
    }

    #[test]
    fn a_plain_name_has_1_to_255_letters() {
        let long = "a".repeat(255);
        for (name, plain) in [
            ("", false),
            ("a-B_9", true),
            ("a b", false),
            ("a.b", false),
            ("ä", false),
        ] {
            assert_eq!(is_plain(name), plain, "{name}");
        }
        assert!(is_plain(&long));
        assert!(!is_plain(&format!("{long}a")));
    }
}
