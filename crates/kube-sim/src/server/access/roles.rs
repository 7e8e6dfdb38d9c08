//! Roles and their bindings.

use serde_json::{Value, json};

use super::{AUTHENTICATED, Attributes, MASTERS, UNAUTHENTICATED, User};
use crate::world::{GroupResource, World};

const GROUP: &str = "rbac.authorization.k8s.io";

/// What a user may in a namespace: the rules of all roles that are bound to the user.
pub(in crate::server) fn rules_of(world: &World, user: &User, namespace: &str) -> Vec<Value> {
    let mut rules = given(user);
    let list =
        |plural: &str, namespace: Option<&str>| world.list(&GroupResource::new(GROUP, plural), namespace);
    let mut bindings = list("clusterrolebindings", None);
    if !namespace.is_empty() {
        bindings.extend(list("rolebindings", Some(namespace)));
    }
    for binding in bindings {
        let subjects = binding["subjects"].as_array();
        if !subjects
            .into_iter()
            .flatten()
            .any(|subject| is_subject(subject, user, &binding))
        {
            continue;
        }
        let name = binding["roleRef"]["name"].as_str().unwrap_or_default();
        let (plural, within) = if binding["roleRef"]["kind"] == "Role" {
            (
                "roles",
                binding["metadata"]["namespace"].as_str().unwrap_or_default(),
            )
        } else {
            ("clusterroles", "")
        };
        if let Some(role) = world.get(&GroupResource::new(GROUP, plural), within, name) {
            rules.extend(role["rules"].as_array().cloned().unwrap_or_default());
        }
    }
    rules
}

/// What users have by the groups that every cluster knows.
fn given(user: &User) -> Vec<Value> {
    let is_in = |group: &str| user.groups.iter().any(|held| held == group);
    let mut rules = Vec::new();
    if is_in(MASTERS) {
        rules.push(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
        rules.push(json!({"verbs": ["*"], "nonResourceURLs": ["*"]}));
    }
    if is_in(AUTHENTICATED) {
        rules.push(json!({
            "verbs": ["create"], "apiGroups": ["authorization.k8s.io"],
            "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        }));
        rules.push(json!({
            "verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"],
        }));
        rules.push(json!({"verbs": ["get"], "nonResourceURLs": [
            "/.well-known", "/.well-known/*", "/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version",
            "/version/",
        ]}));
    }
    if is_in(AUTHENTICATED) || is_in(UNAUTHENTICATED) {
        rules.push(json!({
            "verbs": ["get"], "nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"],
        }));
    }
    rules
}

fn is_subject(subject: &Value, user: &User, binding: &Value) -> bool {
    let text = |key: &str| subject[key].as_str().unwrap_or_default();
    match text("kind") {
        "User" => text("name") == user.name,
        "Group" => user.groups.iter().any(|group| group == text("name")),
        "ServiceAccount" => {
            let own = binding["metadata"]["namespace"].as_str().unwrap_or_default();
            let namespace = Some(text("namespace")).filter(|n| !n.is_empty()).unwrap_or(own);
            user.name == format!("system:serviceaccount:{namespace}:{}", text("name"))
        }
        _ => false,
    }
}

/// Whether a rule allows what is wanted.
pub(super) fn covers(rule: &Value, wanted: &Attributes) -> bool {
    let has = |key: &str, value: &str| {
        let listed = rule[key]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        listed.into_iter().any(|item| item == "*" || item == value)
    };
    if !has("verbs", &wanted.verb) {
        return false;
    }
    if let Some(path) = &wanted.path {
        let listed = rule["nonResourceURLs"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        return listed.into_iter().any(|item| match item.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => item == path,
        });
    }
    let resource = has("resources", &wanted.full_resource())
        || (!wanted.subresource.is_empty() && has("resources", &format!("*/{}", wanted.subresource)));
    let names = rule["resourceNames"].as_array().filter(|names| !names.is_empty());
    resource
        && has("apiGroups", &wanted.group)
        && names.is_none_or(|names| names.iter().any(|name| name == wanted.name.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Attributes;
    use super::covers;

    fn wanted(verb: &str, resource: &str, subresource: &str, name: &str) -> Attributes {
        Attributes::reviewed(&json!({"resourceAttributes": {
            "verb": verb, "group": "apps", "resource": resource, "subresource": subresource, "name": name,
        }}))
    }

    #[test]
    fn rules_cover_what_they_name() {
        let rule = |rule: Value| rule;
        let all = rule(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
        let one = rule(
            json!({"verbs": ["get"], "apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["a"]}),
        );
        let scale = rule(json!({"verbs": ["update"], "apiGroups": ["apps"], "resources": ["*/scale"]}));
        assert!(covers(&all, &wanted("delete", "deployments", "", "x")));
        assert!(covers(&one, &wanted("get", "deployments", "", "a")));
        assert!(!covers(&one, &wanted("get", "deployments", "", "b")));
        assert!(!covers(&one, &wanted("get", "deployments", "status", "a")));
        assert!(!covers(&one, &wanted("list", "deployments", "", "")));
        assert!(covers(&scale, &wanted("update", "deployments", "scale", "a")));
        assert!(!covers(&scale, &wanted("update", "deployments", "", "a")));
    }
}
