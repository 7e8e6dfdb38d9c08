//! What the server serves: groups, versions, resources and their schemas; and the answers to self-reviews.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::answer::Answer;
use super::reviews::{self, Asked, REVIEWS};
use super::routes::Route;
use super::transcript::fingerprint;
use crate::openapi::{self, KindDocument};
use crate::world::{Kind, KindVersion, StatusError, World, api_version, version_priority};

/// The Kubernetes version whose behaviour this server follows.
const MINOR: u32 = 33;

/// Answers everything that is not about stored objects.
pub(super) fn answer(
    route: &Route,
    method: &Method,
    accept: &str,
    asked: &Asked<'_>,
    body: impl FnOnce(&str) -> Result<Value, StatusError>,
) -> Result<Answer, StatusError> {
    let world = asked.world;
    let made = |value: Value| Answer::Json {
        code: 201,
        value,
        warnings: Vec::new(),
    };
    match route {
        Route::Review(review) if method == Method::POST => {
            return reviews::answer(*review, body(review.kind)?, asked).map(made);
        }
        Route::Token { namespace, name } if method == Method::POST => {
            return reviews::token(asked, namespace, name, body("TokenRequest")?).map(made);
        }
        _ => {}
    }
    let posted = matches!(route, Route::Review(_) | Route::Token { .. });
    if posted || (method != Method::GET && method != Method::HEAD) {
        return Err(StatusError::method_not_allowed(
            "the server does not allow this method on the requested resource",
        ));
    }
    match route {
        Route::Health { check, verbose } => Ok(Answer::Text {
            code: 200,
            text: if *verbose {
                format!("[+]ping ok\n[+]log ok\n[+]etcd ok\n{check} check passed\n")
            } else {
                "ok".to_owned()
            },
        }),
        Route::OpenApiV2 => Ok(if accept.contains(openapi::V2_PROTOBUF) {
            Answer::Bytes {
                content_type: format!("application/{}.v1.0+protobuf", openapi::V2_PROTOBUF),
                bytes: openapi::v2_protobuf(),
            }
        } else {
            Answer::ok(openapi::v2())
        }),
        Route::Version => Ok(Answer::ok(version())),
        Route::Root => Ok(Answer::ok(root(world))),
        Route::CoreVersions => Ok(aggregated(world, accept, true).unwrap_or_else(|| {
            Answer::ok(json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}))
        })),
        Route::Groups => Ok(aggregated(world, accept, false).unwrap_or_else(|| {
            let groups: Vec<Value> = groups(world)
                .keys()
                .filter(|g| !g.is_empty())
                .map(|g| api_group(world, g))
                .collect();
            Answer::ok(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
        })),
        Route::Group(group) => {
            if group.is_empty() || !groups(world).contains_key(group.as_str()) {
                return Err(StatusError::no_such_resource());
            }
            let mut answer = api_group(world, group);
            answer["kind"] = json!("APIGroup");
            answer["apiVersion"] = json!("v1");
            Ok(Answer::ok(answer))
        }
        Route::Resources { group, version } => resources(world, group, version).map(Answer::ok),
        Route::OpenApiIndex => Ok(Answer::ok(index(world))),
        Route::OpenApi { group, version } => document(world, group, version).map(Answer::ok),
        Route::Review(_) | Route::Token { .. } | Route::Resource { .. } => {
            Err(StatusError::no_such_resource())
        }
    }
}

fn version() -> Value {
    json!({
        "major": "1", "minor": MINOR.to_string(), "gitVersion": format!("v1.{MINOR}.0+kube-sim"), "gitCommit": "",
        "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z", "goVersion": "", "compiler": "rustc",
        "platform": "linux/amd64",
    })
}

/// Groups with their versions, best first; the core group has the empty name.
fn groups(world: &World) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let served = world.kinds().flat_map(|kind| {
        kind.served_versions()
            .into_iter()
            .map(|v| (kind.group().to_owned(), v.name.clone()))
            .collect::<Vec<_>>()
    });
    let reviews = REVIEWS
        .iter()
        .map(|review| (review.group.to_owned(), "v1".to_owned()));
    for (group, version) in served.chain(reviews) {
        let versions = groups.entry(group).or_default();
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    for versions in groups.values_mut() {
        versions.sort_by_key(|v| version_priority(v));
    }
    groups
}

fn root(world: &World) -> Value {
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for (group, versions) in groups(world).iter().filter(|(group, _)| !group.is_empty()) {
        paths.push(format!("/apis/{group}"));
        paths.extend(versions.iter().map(|version| format!("/apis/{group}/{version}")));
    }
    paths.extend(["/healthz", "/livez", "/openapi/v3", "/readyz", "/version"].map(str::to_owned));
    json!({"paths": paths})
}

fn api_group(world: &World, group: &str) -> Value {
    let versions: Vec<Value> = groups(world)
        .remove(group)
        .unwrap_or_default()
        .iter()
        .map(|version| json!({"groupVersion": api_version(group, version), "version": version}))
        .collect();
    json!({"name": group, "preferredVersion": versions.first(), "versions": versions})
}

fn kinds_of<'a>(world: &'a World, group: &'a str, version: &'a str) -> Vec<(&'a Arc<Kind>, &'a KindVersion)> {
    world
        .kinds()
        .filter(|kind| kind.group() == group)
        .filter_map(|kind| kind.served(version).map(|served| (kind, served)))
        .collect()
}

fn verbs(kind: &Kind) -> Vec<&'static str> {
    if kind.rules.custom {
        // In this order they are told of custom resources.
        return vec![
            "delete",
            "deletecollection",
            "get",
            "list",
            "patch",
            "create",
            "update",
            "watch",
        ];
    }
    let all = [
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "update",
        "watch",
    ];
    let no_collection = kind.group().is_empty() && kind.resource.plural() == "namespaces";
    all.into_iter()
        .filter(|verb| !(no_collection && *verb == "deletecollection"))
        .collect()
}

/// Subresources with the group, version and kind of their objects and their verbs.
fn subresources(kind: &Kind, version: &KindVersion) -> Vec<(&'static str, Value, Vec<&'static str>)> {
    let own = json!({"group": kind.group(), "version": version.name, "kind": kind.kind});
    let mut all = Vec::new();
    if kind.group().is_empty() && kind.resource.plural() == "namespaces" {
        all.push(("finalize", own.clone(), vec!["update"]));
    }
    if kind.group().is_empty() && kind.resource.plural() == "serviceaccounts" {
        let token = json!({"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest"});
        all.push(("token", token, vec!["create"]));
    }
    let status = version
        .has_status
        .then_some(("status", own, vec!["get", "patch", "update"]));
    let scale = version.scale.is_some().then(|| {
        let scale = json!({"group": "autoscaling", "version": "v1", "kind": "Scale"});
        ("scale", scale, vec!["get", "patch", "update"])
    });
    // By name, but for custom resources the status comes first.
    let (first, second) = if kind.rules.custom {
        (status, scale)
    } else {
        (scale, status)
    };
    all.extend(first.into_iter().chain(second));
    all
}

/// Tells clients when the version changes in which objects are stored.
fn storage_hash(kind: &Kind) -> String {
    let stored = format!(
        "{}/{}/{}",
        kind.stored_as.group(),
        kind.storage_version,
        kind.kind
    );
    STANDARD.encode(&Sha256::digest(stored)[..8])
}

fn resources(world: &World, group: &str, version: &str) -> Result<Value, StatusError> {
    if !groups(world)
        .get(group)
        .is_some_and(|versions| versions.iter().any(|v| v == version))
    {
        return Err(StatusError::no_such_resource());
    }
    let mut all = Vec::new();
    for (kind, served) in kinds_of(world, group, version) {
        let mut resource = json!({
            "name": kind.resource.plural(), "singularName": kind.singular, "namespaced": kind.namespaced,
            "kind": kind.kind, "verbs": verbs(kind),
        });
        if !kind.short_names.is_empty() {
            resource["shortNames"] = json!(kind.short_names);
        }
        if !kind.categories.is_empty() {
            resource["categories"] = json!(kind.categories);
        }
        resource["storageVersionHash"] = json!(storage_hash(kind));
        all.push(resource);
        for (name, object, verbs) in subresources(kind, served) {
            let mut resource = json!({
                "name": format!("{}/{name}", kind.resource.plural()), "singularName": "", "namespaced": kind.namespaced,
                "kind": object["kind"], "verbs": verbs,
            });
            if object["group"] != group {
                resource["group"] = object["group"].clone();
                resource["version"] = object["version"].clone();
            }
            all.push(resource);
        }
    }
    for review in REVIEWS.iter().filter(|review| review.group == group) {
        all.push(json!({
            "name": review.resource, "singularName": review.kind.to_lowercase(), "namespaced": review.namespaced,
            "kind": review.kind, "verbs": ["create"],
        }));
    }
    Ok(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version(group, version), "resources": all,
    }))
}

/// Everything at once, when the client asks for it in a form that is known.
fn aggregated(world: &World, accept: &str, core: bool) -> Option<Answer> {
    let version = accept.split(',').find_map(|range| {
        let parts: Vec<&str> = range.split(';').map(str::trim).collect();
        let has = |parameter: &str| parts.contains(&parameter);
        if parts.first() != Some(&"application/json")
            || !has("as=APIGroupDiscoveryList")
            || !has("g=apidiscovery.k8s.io")
        {
            return None;
        }
        ["v2", "v2beta1"]
            .into_iter()
            .find(|version| has(&format!("v={version}")))
    })?;
    let items: Vec<Value> = groups(world)
        .iter()
        .filter(|(group, _)| group.is_empty() == core)
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|version| {
                    json!({"version": version, "freshness": "Current", "resources": discovered(world, group, version)})
                })
                .collect();
            let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    Some(Answer::Typed {
        content_type: format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"),
        value: json!({
            "kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"), "metadata": {},
            "items": items,
        }),
    })
}

fn discovered(world: &World, group: &str, version: &str) -> Vec<Value> {
    let stored = kinds_of(world, group, version).into_iter().map(|(kind, served)| {
        let mut resource = json!({
            "resource": kind.resource.plural(),
            "responseKind": {"group": group, "version": version, "kind": kind.kind},
            "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
            "singularResource": kind.singular,
            "verbs": verbs(kind),
        });
        if !kind.short_names.is_empty() {
            resource["shortNames"] = json!(kind.short_names);
        }
        if !kind.categories.is_empty() {
            resource["categories"] = json!(kind.categories);
        }
        let subresources: Vec<Value> = subresources(kind, served)
            .into_iter()
            .map(|(name, object, verbs)| json!({"subresource": name, "responseKind": object, "verbs": verbs}))
            .collect();
        if !subresources.is_empty() {
            resource["subresources"] = json!(subresources);
        }
        resource
    });
    let reviews = REVIEWS
        .iter()
        .filter(|review| review.group == group)
        .map(|review| {
            json!({
                "resource": review.resource,
                "responseKind": {"group": group, "version": version, "kind": review.kind},
                "scope": if review.namespaced { "Namespaced" } else { "Cluster" },
                "singularResource": review.kind.to_lowercase(), "verbs": ["create"],
            })
        });
    stored.chain(reviews).collect()
}

/// The documents that there are; the hash changes with the content, because clients cache by it.
fn index(world: &World) -> Value {
    let mut paths = serde_json::Map::new();
    for (group, versions) in groups(world) {
        for version in versions {
            let path = if group.is_empty() {
                format!("api/{version}")
            } else {
                format!("apis/{group}/{version}")
            };
            let hash = document(world, &group, &version)
                .map(|d| fingerprint(d.to_string().as_bytes()))
                .unwrap_or_default();
            paths.insert(
                path.clone(),
                json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash={hash}")}),
            );
        }
    }
    json!({"paths": paths})
}

fn document(world: &World, group: &str, version: &str) -> Result<Value, StatusError> {
    if !groups(world)
        .get(group)
        .is_some_and(|versions| versions.iter().any(|v| v == version))
    {
        return Err(StatusError::no_such_resource());
    }
    let kinds: Vec<KindDocument<'_>> = kinds_of(world, group, version)
        .into_iter()
        .map(|(kind, served)| KindDocument {
            kind: &kind.kind,
            plural: kind.resource.plural(),
            namespaced: kind.namespaced,
            schema: served.openapi.as_deref(),
            subresources: if served.has_status { &["status"] } else { &[] },
        })
        .collect();
    Ok(openapi::document(&api_version(group, version), &kinds))
}
