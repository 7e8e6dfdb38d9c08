//! Who asks, and what they may.
//!
//! Whoever carries the token of the server is its administrator and may do everything; so may every client in process.
//! An administrator can ask as somebody else (`kubectl --as`). Everybody else has what roles and their bindings give,
//! beside the little that every user has.

mod roles;
mod tokens;

use http::HeaderMap;
use http::request::Parts;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) use self::roles::rules_of;
pub(super) use self::tokens::{Issued, issue, user_of, usual_audience};

use super::routes::{self, Route};
use crate::world::{GroupResource, StatusError, World};

/// The group that may do everything.
const MASTERS: &str = "system:masters";
const AUTHENTICATED: &str = "system:authenticated";
const UNAUTHENTICATED: &str = "system:unauthenticated";
/// Who has shown nothing.
const ANONYMOUS: &str = "system:anonymous";

/// Who sends a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) groups: Vec<String>,
    /// What else is known of them: key and values.
    pub(super) extra: Vec<(String, Vec<String>)>,
}

impl User {
    fn new(name: &str, groups: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            uid: String::new(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            extra: Vec::new(),
        }
    }

    /// Who may do everything.
    pub(super) fn administrator() -> Self {
        Self::new("kube-sim:admin", &[MASTERS, AUTHENTICATED])
    }

    /// Who has shown nothing.
    pub(super) fn anonymous() -> Self {
        Self::new(ANONYMOUS, &[UNAUTHENTICATED])
    }

    fn may_everything(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }

    /// The `userInfo` of reviews.
    pub(super) fn info(&self) -> Value {
        let mut info = json!({"username": self.name});
        if !self.uid.is_empty() {
            info["uid"] = json!(self.uid);
        }
        info["groups"] = json!(self.groups);
        if !self.extra.is_empty() {
            let extra = self
                .extra
                .iter()
                .map(|(key, values)| (key.clone(), json!(values)));
            info["extra"] = Value::Object(extra.collect());
        }
        info
    }
}

/// What somebody wants to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) verb: String,
    pub(super) group: String,
    pub(super) resource: String,
    pub(super) subresource: String,
    /// Empty at the scope of the cluster.
    pub(super) namespace: String,
    pub(super) name: String,
    /// Set when no resource is asked for.
    pub(super) path: Option<String>,
}

impl Attributes {
    /// Of a request.
    pub(super) fn of(parts: &Parts, route: Result<&Route, &StatusError>) -> Self {
        let path = || Self {
            verb: parts.method.as_str().to_lowercase(),
            path: Some(parts.uri.path().to_owned()),
            ..Self::default()
        };
        match route {
            Ok(Route::Resource { target, watch }) => Self {
                verb: routes::verb(&parts.method, target, *watch).to_owned(),
                group: target.kind.group().to_owned(),
                resource: target.kind.resource.plural().to_owned(),
                subresource: target.subresource.as_str().to_owned(),
                namespace: target.namespace.clone().unwrap_or_default(),
                name: target.name.clone(),
                path: None,
            },
            Ok(Route::Review(review)) => Self {
                verb: "create".to_owned(),
                group: review.group.to_owned(),
                resource: review.resource.to_owned(),
                ..Self::default()
            },
            Ok(Route::Token { namespace, name }) => Self {
                verb: "create".to_owned(),
                resource: "serviceaccounts".to_owned(),
                subresource: "token".to_owned(),
                namespace: namespace.clone(),
                name: name.clone(),
                ..Self::default()
            },
            Ok(_) | Err(_) => path(),
        }
    }

    /// As a review names them.
    pub(super) fn reviewed(spec: &Value) -> Self {
        let text = |from: &Value, key: &str| from[key].as_str().unwrap_or_default().to_owned();
        if let Some(path) = spec["nonResourceAttributes"].as_object() {
            let path = Value::Object(path.clone());
            return Self {
                verb: text(&path, "verb"),
                path: Some(text(&path, "path")),
                ..Self::default()
            };
        }
        let wanted = &spec["resourceAttributes"];
        Self {
            verb: text(wanted, "verb"),
            group: text(wanted, "group"),
            resource: text(wanted, "resource"),
            subresource: text(wanted, "subresource"),
            namespace: text(wanted, "namespace"),
            name: text(wanted, "name"),
            path: None,
        }
    }

    /// `resource`, or `resource/subresource`.
    fn full_resource(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }

    fn refusal(&self, user: &User) -> StatusError {
        let who = format!("User {:?} cannot {}", user.name, self.verb);
        if let Some(path) = &self.path {
            let message = format!("forbidden: {who} path {path:?}");
            return StatusError {
                details: json!({}),
                ..StatusError::new(403, "Forbidden", message)
            };
        }
        let scope = if self.namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace {:?}", self.namespace)
        };
        let why = format!(
            "{who} resource {:?} in API group {:?} {scope}",
            self.full_resource(),
            self.group
        );
        StatusError::forbidden(&GroupResource::new(&self.group, &self.resource), &self.name, &why)
    }
}

/// Whether a user may do something.
pub(super) fn is_allowed(world: &World, user: &User, wanted: &Attributes) -> bool {
    user.may_everything()
        || rules_of(world, user, &wanted.namespace)
            .iter()
            .any(|rule| roles::covers(rule, wanted))
}

/// Refuses a request that its sender may not make; otherwise says who the sender is taken for.
pub(super) fn admit(
    world: &World,
    parts: &Parts,
    route: Result<&Route, &StatusError>,
) -> Result<User, StatusError> {
    let sender = parts
        .extensions
        .get::<User>()
        .cloned()
        .unwrap_or_else(User::administrator);
    let user = impersonated(world, sender, &parts.headers)?;
    let wanted = Attributes::of(parts, route);
    if is_allowed(world, &user, &wanted) {
        Ok(user)
    } else {
        Err(wanted.refusal(&user))
    }
}

/// Who a request is to be taken as coming from, by its `Impersonate-*` headers.
fn impersonated(world: &World, sender: User, headers: &HeaderMap) -> Result<User, StatusError> {
    let all = |name: &str| -> Vec<String> {
        let values = headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok());
        values.map(str::to_owned).collect()
    };
    let (names, groups) = (all("impersonate-user"), all("impersonate-group"));
    let Some(name) = names.first() else {
        if groups.is_empty() {
            return Ok(sender);
        }
        return Err(StatusError::new(
            500,
            "InternalError",
            "Internal error occurred: requested [{Group}] without impersonating a user",
        ));
    };
    let wants = |resource: &str, name: &str| Attributes {
        verb: "impersonate".to_owned(),
        resource: resource.to_owned(),
        name: name.to_owned(),
        ..Attributes::default()
    };
    let mut needed = vec![wants("users", name)];
    needed.extend(groups.iter().map(|group| wants("groups", group)));
    if let Some(refused) = needed.iter().find(|wanted| !is_allowed(world, &sender, wanted)) {
        return Err(refused.refusal(&sender));
    }
    let mut user = User::new(name, &[]);
    user.groups = groups;
    user.uid = all("impersonate-uid").into_iter().next().unwrap_or_default();
    if let Some(account) = name.strip_prefix("system:serviceaccount:")
        && user.groups.is_empty()
        && let Some((namespace, _)) = account.split_once(':')
    {
        user.groups = account_groups(namespace);
    }
    let implied = if name == ANONYMOUS {
        UNAUTHENTICATED
    } else {
        AUTHENTICATED
    };
    if !user.groups.iter().any(|group| group == implied) {
        user.groups.push(implied.to_owned());
    }
    Ok(user)
}

/// The groups of a service account, without those of every user.
fn account_groups(namespace: &str) -> Vec<String> {
    vec![
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
    ]
}

/// Who sends a request over the network: by the server's token, by the token of a service account, or nobody.
///
/// # Errors
/// 401 for a token that is none.
pub(super) fn authenticate(
    world: &World,
    headers: &HeaderMap,
    secret: &str,
    now: Timestamp,
) -> Result<User, StatusError> {
    let sent = headers
        .get(http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match sent {
        None => Ok(User::anonymous()),
        Some(token) if is_same(token, secret) => Ok(User::administrator()),
        Some(token) => user_of(world, token, secret, now)
            .ok_or_else(|| StatusError::new(401, "Unauthorized", "Unauthorized")),
    }
}

/// Compares without telling by its duration how much was right.
fn is_same(sent: &str, secret: &str) -> bool {
    let difference = sent
        .bytes()
        .zip(secret.bytes())
        .fold(0, |all, (a, b)| all | (a ^ b));
    sent.len() == secret.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::{Attributes, User, authenticate, is_allowed};
    use crate::world::World;

    fn wants(verb: &str, resource: &str) -> Attributes {
        Attributes::reviewed(
            &json!({"resourceAttributes": {"verb": verb, "resource": resource, "namespace": "default"}}),
        )
    }

    #[test]
    fn only_the_token_of_the_server_makes_an_administrator() {
        let world = World::new(Timestamp::UNIX_EPOCH);
        let who = |header: Option<&str>| {
            let mut headers = http::HeaderMap::new();
            if let Some(header) = header {
                headers.insert("authorization", header.parse().unwrap());
            }
            authenticate(&world, &headers, "secret", Timestamp::UNIX_EPOCH).map(|user| user.name)
        };
        assert_eq!(who(Some("Bearer secret")).unwrap(), "kube-sim:admin");
        assert_eq!(who(None).unwrap(), "system:anonymous");
        assert_eq!(who(Some("Basic eDp5")).unwrap(), "system:anonymous");
        for wrong in ["Bearer ", "Bearer secre", "Bearer secrets", "Bearer a.b.c"] {
            assert_eq!(who(Some(wrong)).unwrap_err().code, 401, "{wrong}");
        }
    }

    #[test]
    fn a_user_without_a_role_may_next_to_nothing() {
        let world = World::new(Timestamp::UNIX_EPOCH);
        let nobody = User::new("nobody", &["system:authenticated"]);
        assert!(!is_allowed(&world, &nobody, &wants("list", "secrets")));
        assert!(is_allowed(
            &world,
            &User::administrator(),
            &wants("list", "secrets")
        ));
        let path = |user: &User, path: &str| {
            let spec = json!({"nonResourceAttributes": {"verb": "get", "path": path}});
            is_allowed(&world, user, &Attributes::reviewed(&spec))
        };
        assert!(path(&nobody, "/apis/apps/v1") && path(&User::anonymous(), "/version"));
        assert!(!path(&User::anonymous(), "/apis") && !path(&nobody, "/metrics"));
    }
}
