//! From a method and a path to what is asked for.

use http::Method;

use super::reviews::{self, Review};
use crate::world::{GroupResource, Query, StatusError, Subresource, Target, World, is_true};

/// What a path names.
#[derive(Debug, Clone)]
pub(super) enum Route {
    /// `/healthz`, `/livez` and `/readyz`; with all checks told one by one, or one check below them.
    Health { check: String, verbose: bool },
    /// `/openapi/v2`.
    OpenApiV2,
    /// `/version`.
    Version,
    /// `/`.
    Root,
    /// `/api`.
    CoreVersions,
    /// `/apis`.
    Groups,
    /// `/apis/<group>`.
    Group(String),
    /// `/api/v1` and `/apis/<group>/<version>`: the resources of a group version.
    Resources { group: String, version: String },
    /// `/openapi/v3`.
    OpenApiIndex,
    /// `/openapi/v3/api/v1` and `/openapi/v3/apis/<group>/<version>`.
    OpenApi { group: String, version: String },
    /// A review that is answered and not stored.
    Review(Review),
    /// The token of a service account.
    Token { namespace: String, name: String },
    /// An object or a collection.
    Resource { target: Target, watch: bool },
}

/// Splits a query; of a repeated name the last value counts.
pub(super) fn parse_query(query: &str) -> Query {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Finds what a path names; paths that name nothing get 404.
pub(super) fn route(world: &World, path: &str, query: &Query) -> Result<Route, StatusError> {
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    Ok(match segments.as_slice() {
        [] => Route::Root,
        [check @ ("healthz" | "livez" | "readyz")] => Route::Health {
            check: (*check).to_owned(),
            verbose: query.contains_key("verbose"),
        },
        ["healthz" | "livez" | "readyz", "ping" | "log" | "etcd"] => Route::Health {
            check: String::new(),
            verbose: false,
        },
        ["openapi", "v2"] => Route::OpenApiV2,
        ["version"] => Route::Version,
        ["api"] => Route::CoreVersions,
        ["apis"] => Route::Groups,
        ["apis", group] => Route::Group((*group).to_owned()),
        ["openapi", "v3"] => Route::OpenApiIndex,
        ["openapi", "v3", "api", version] => Route::OpenApi {
            group: String::new(),
            version: (*version).to_owned(),
        },
        ["openapi", "v3", "apis", group, version] => Route::OpenApi {
            group: (*group).to_owned(),
            version: (*version).to_owned(),
        },
        ["api", version] => Route::Resources {
            group: String::new(),
            version: (*version).to_owned(),
        },
        ["apis", group, version] => Route::Resources {
            group: (*group).to_owned(),
            version: (*version).to_owned(),
        },
        [
            "apis",
            group @ ("authorization.k8s.io" | "authentication.k8s.io"),
            "v1",
            resource,
        ]
        | [
            "apis",
            group @ "authorization.k8s.io",
            "v1",
            "namespaces",
            _,
            resource,
        ] => {
            let namespaced = segments.len() > 4;
            reviews::find(group, resource)
                .filter(|review| review.namespaced == namespaced)
                .map(Route::Review)
                .ok_or_else(StatusError::no_such_resource)?
        }
        [
            "api",
            "v1",
            "namespaces",
            namespace,
            "serviceaccounts",
            name,
            "token",
        ] => Route::Token {
            namespace: (*namespace).to_owned(),
            name: (*name).to_owned(),
        },
        ["api", version, rest @ ..] => resource(world, "", version, rest, query)?,
        ["apis", group, version, rest @ ..] => resource(world, group, version, rest, query)?,
        _ => return Err(StatusError::no_such_resource()),
    })
}

fn resource(
    world: &World,
    group: &str,
    version: &str,
    rest: &[&str],
    query: &Query,
) -> Result<Route, StatusError> {
    let (namespace, rest) = match rest {
        ["namespaces", namespace, inner @ ..]
            if !inner.is_empty() && !is_namespace_subresource(group, inner) =>
        {
            (Some((*namespace).to_owned()), inner)
        }
        all => (None, all),
    };
    let (plural, name, sub) = match rest {
        [plural] => (*plural, "", ""),
        [plural, name] => (*plural, *name, ""),
        [plural, name, sub] => (*plural, *name, *sub),
        _ => return Err(StatusError::no_such_resource()),
    };
    let kind = world
        .kind(&GroupResource::new(group, plural))
        .filter(|kind| kind.namespaced || namespace.is_none())
        .ok_or_else(StatusError::no_such_resource)?;
    let served = kind.served(version).ok_or_else(StatusError::no_such_resource)?;
    let subresource = match sub {
        "" => Subresource::None,
        "status" if served.has_status => Subresource::Status,
        "scale" if served.scale.is_some() => Subresource::Scale,
        "finalize" if plural == "namespaces" && group.is_empty() => Subresource::Finalize,
        _ if kind.rules.custom => return Err(StatusError::not_found(&kind.resource, name)),
        _ => return Err(StatusError::no_such_resource()),
    };
    if kind.namespaced && namespace.is_none() && !name.is_empty() {
        return Err(StatusError::no_such_resource());
    }
    let watch = query.get("watch").is_some_and(|w| is_true(w));
    let target = Target {
        kind: std::sync::Arc::clone(kind),
        version: version.to_owned(),
        namespace,
        name: name.to_owned(),
        subresource,
    };
    Ok(Route::Resource { target, watch })
}

/// `namespaces/<name>/status` and `namespaces/<name>/finalize` are about the namespace itself.
fn is_namespace_subresource(group: &str, inner: &[&str]) -> bool {
    group.is_empty() && matches!(inner, ["status" | "finalize"])
}

/// The server's verb for a method on a target; empty where there is none.
pub(super) fn verb(method: &Method, target: &Target, watch: bool) -> &'static str {
    let named = !target.name.is_empty();
    match *method {
        Method::GET if watch => "watch",
        Method::GET if named => "get",
        Method::GET => "list",
        // The name in the path of a custom resource is not looked at: the object brings its own.
        Method::POST if !named || target.kind.rules.custom => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if named => "delete",
        Method::DELETE => "deletecollection",
        _ => "",
    }
}
