//! The `OpenAPI` v3 document of one group and version.

use serde_json::{Map, Value, json};

use crate::schema::{builtin_component, builtin_description, publish};

/// A kind as its document describes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KindDocument<'a> {
    pub(crate) kind: &'a str,
    pub(crate) plural: &'a str,
    pub(crate) namespaced: bool,
    /// The `openAPIV3Schema` of a custom resource's version; `None` for built-in kinds.
    pub(crate) schema: Option<&'a Value>,
    /// Names of the subresources that take objects of the kind itself (`status`).
    pub(crate) subresources: &'a [&'a str],
}

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// The media type of the older document in protobuf, as clients ask for it.
pub(crate) const V2_PROTOBUF: &str = "com.github.proto-openapi.spec.v2";

/// The older document, `OpenAPI` v2. Clients ask it about kinds that no document of v3 knows, so it names none.
pub(crate) fn v2() -> Value {
    json!({"swagger": "2.0", "info": {"title": TITLE, "version": VERSION}, "paths": {}})
}

/// As `v2`, in protobuf: the fields `swagger` (1), `info` (2) with `title` (1) and `version` (2), and `paths` (8).
pub(crate) fn v2_protobuf() -> Vec<u8> {
    let text = |number: u8, bytes: &[u8]| {
        let length = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        [&[number << 3 | 2, length], bytes].concat()
    };
    let info = [text(1, TITLE.as_bytes()), text(2, VERSION.as_bytes())].concat();
    [text(1, b"2.0"), text(2, &info), text(8, b"")].concat()
}

const TITLE: &str = "Kubernetes";
const VERSION: &str = "unversioned";

/// The document of `group_version` (`v1`, `example.com/v1`).
///
/// It holds what kubectl asks of it: schemas with their kinds (`explain`, client-side apply), and operations
/// with their actions and query parameters (`--validate=strict`, `--dry-run=server`).
pub(crate) fn document(group_version: &str, kinds: &[KindDocument<'_>]) -> Value {
    let (group, version) = group_version.split_once('/').unwrap_or(("", group_version));
    let mut schemas = Map::new();
    for shared in ["ObjectMeta", "ListMeta", "DeleteOptions", "Patch", "Status"] {
        publish(&format!("{META}.{shared}"), &mut schemas);
    }
    with_kind(
        &mut schemas,
        "DeleteOptions",
        &json!({"group": group, "version": version, "kind": "DeleteOptions"}),
    );
    with_kind(
        &mut schemas,
        "Status",
        &json!({"group": "", "version": "v1", "kind": "Status"}),
    );
    let mut paths = Map::new();
    for kind in kinds {
        let gvk = json!({"group": group, "version": version, "kind": kind.kind});
        let name = component(group_version, kind);
        match kind.schema {
            Some(schema) => {
                schemas.insert(name.clone(), custom_schema(schema));
            }
            None => publish(&name, &mut schemas),
        }
        if let Some(members) = schemas.get_mut(&name).and_then(Value::as_object_mut) {
            members.insert("x-kubernetes-group-version-kind".to_owned(), json!([gvk]));
        }
        schemas.insert(format!("{name}List"), list_schema(group, version, kind, &name));
        add_paths(&mut paths, group_version, kind, &gvk, &name);
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": TITLE, "version": VERSION},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"BearerToken": {
                "type": "apiKey", "in": "header", "name": "authorization", "description": "Bearer Token authentication",
            }},
        },
    })
}

/// The name of a kind's schema, as Kubernetes names it.
fn component(group_version: &str, kind: &KindDocument<'_>) -> String {
    let builtin = builtin_component(group_version, kind.kind).filter(|_| kind.schema.is_none());
    builtin.map_or_else(
        || {
            let (group, version) = group_version.split_once('/').unwrap_or(("", group_version));
            let reversed: Vec<&str> = group.split('.').rev().collect();
            format!("{}.{version}.{}", reversed.join("."), kind.kind)
        },
        str::to_owned,
    )
}

/// Names the kind that a shared component stands for.
fn with_kind(schemas: &mut Map<String, Value>, component: &str, gvk: &Value) {
    if let Some(members) = schemas
        .get_mut(&format!("{META}.{component}"))
        .and_then(Value::as_object_mut)
    {
        members.insert("x-kubernetes-group-version-kind".to_owned(), json!([gvk]));
    }
}

/// The schema of a custom resource, with the members that every object has as every kind describes them.
fn custom_schema(schema: &Value) -> Value {
    let mut schema = schema.clone();
    let Some(members) = schema.as_object_mut() else {
        return schema;
    };
    let said = |property: &str| builtin_description("io.k8s.api.core.v1.ConfigMap", property);
    let properties = members.entry("properties").or_insert_with(|| json!({}));
    if let Some(properties) = properties.as_object_mut() {
        for name in ["apiVersion", "kind"] {
            properties.insert(
                name.to_owned(),
                json!({"type": "string", "description": said(name)}),
            );
        }
        properties.insert(
            "metadata".to_owned(),
            json!({"description": said("metadata"), "allOf": [reference(&format!("{META}.ObjectMeta"))]}),
        );
    }
    schema
}

fn list_schema(group: &str, version: &str, kind: &KindDocument<'_>, name: &str) -> Value {
    json!({
        "type": "object",
        "description": format!("{}List is a list of {}", kind.kind, kind.kind),
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "items": {"type": "array", "items": reference(name)},
            "kind": {"type": "string"},
            "metadata": {"default": {}, "allOf": [reference(&format!("{META}.ListMeta"))]},
        },
        "x-kubernetes-group-version-kind": [{"group": group, "version": version, "kind": format!("{}List", kind.kind)}],
    })
}

fn add_paths(
    paths: &mut Map<String, Value>,
    group_version: &str,
    kind: &KindDocument<'_>,
    gvk: &Value,
    name: &str,
) {
    let root = if group_version.contains('/') {
        "/apis"
    } else {
        "/api"
    };
    let scope = if kind.namespaced {
        "/namespaces/{namespace}"
    } else {
        ""
    };
    let collection = format!("{root}/{group_version}{scope}/{}", kind.plural);
    let operations = Operations { kind, gvk, name };
    if kind.namespaced {
        let everywhere = format!("{root}/{group_version}/{}", kind.plural);
        paths.insert(
            everywhere,
            json!({"get": operations.read("list", true), "parameters": []}),
        );
    }
    paths.insert(
        collection.clone(),
        json!({
            "get": operations.read("list", true),
            "post": operations.write("post"),
            "delete": operations.delete("deletecollection"),
            "parameters": path_parameters(kind.namespaced, false),
        }),
    );
    let object = format!("{collection}/{{name}}");
    paths.insert(
        object.clone(),
        json!({
            "get": operations.read("get", false),
            "put": operations.write("put"),
            "patch": operations.write("patch"),
            "delete": operations.delete("delete"),
            "parameters": path_parameters(kind.namespaced, true),
        }),
    );
    for subresource in kind.subresources {
        paths.insert(
            format!("{object}/{subresource}"),
            json!({
                "get": operations.read("get", false),
                "put": operations.write("put"),
                "patch": operations.write("patch"),
                "parameters": path_parameters(kind.namespaced, true),
            }),
        );
    }
}

/// The operations on one kind.
struct Operations<'a> {
    kind: &'a KindDocument<'a>,
    gvk: &'a Value,
    name: &'a str,
}

impl Operations<'_> {
    fn read(&self, action: &str, list: bool) -> Value {
        let (schema, parameters) = if list {
            (reference(&format!("{}List", self.name)), list_parameters())
        } else {
            (reference(self.name), json!([]))
        };
        self.operation(action, &parameters, None, &schema)
    }

    fn write(&self, action: &str) -> Value {
        let object = reference(self.name);
        let patch = reference(&format!("{META}.Patch"));
        let mut parameters = vec![
            query(
                "dryRun",
                "string",
                "When present, indicates that modifications should not be persisted.",
            ),
            query(
                "fieldManager",
                "string",
                "The name of the actor that is making these changes.",
            ),
            query(
                "fieldValidation",
                "string",
                "How the server treats unknown or duplicate fields.",
            ),
        ];
        let mut content = Map::new();
        if action == "patch" {
            parameters.push(query(
                "force",
                "boolean",
                "Force re-acquires conflicting fields of an apply.",
            ));
            for format in ["json-patch", "merge-patch"] {
                content.insert(format!("application/{format}+json"), json!({"schema": patch}));
            }
            for format in [
                "application/apply-patch+yaml",
                "application/strategic-merge-patch+json",
            ] {
                if self.kind.schema.is_none() || format.contains("apply") {
                    content.insert(format.to_owned(), json!({"schema": patch}));
                }
            }
        } else {
            content.insert("application/json".to_owned(), json!({"schema": object}));
            content.insert("application/yaml".to_owned(), json!({"schema": object}));
        }
        let body = json!({"content": content, "required": true});
        self.operation(action, &Value::Array(parameters), Some(body), &object)
    }

    fn delete(&self, action: &str) -> Value {
        let body = json!({"content": {"*/*": {"schema": reference(&format!("{META}.DeleteOptions"))}}});
        let parameters = json!([
            query(
                "dryRun",
                "string",
                "When present, indicates that modifications should not be persisted."
            ),
            query(
                "gracePeriodSeconds",
                "integer",
                "The duration in seconds before the object should be deleted."
            ),
            query(
                "propagationPolicy",
                "string",
                "Whether and how garbage collection will be performed."
            ),
        ]);
        self.operation(
            action,
            &parameters,
            Some(body),
            &reference(&format!("{META}.Status")),
        )
    }

    fn operation(&self, action: &str, parameters: &Value, body: Option<Value>, answer: &Value) -> Value {
        let mut out = json!({
            "parameters": parameters,
            "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": answer}}}},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": self.gvk,
        });
        if let (Some(body), Some(members)) = (body, out.as_object_mut()) {
            members.insert("requestBody".to_owned(), body);
        }
        out
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn query(name: &str, kind: &str, description: &str) -> Value {
    json!({"name": name, "in": "query", "description": description, "schema": {"type": kind, "uniqueItems": true}})
}

fn path_parameters(namespaced: bool, named: bool) -> Value {
    let parameter = |name: &str, description: &str| json!({"name": name, "in": "path", "required": true, "description": description, "schema": {"type": "string", "uniqueItems": true}});
    let mut out = Vec::new();
    if named {
        out.push(parameter("name", "name of the object"));
    }
    if namespaced {
        out.push(parameter("namespace", "object name and auth scope"));
    }
    Value::Array(out)
}

fn list_parameters() -> Value {
    json!([
        query(
            "allowWatchBookmarks",
            "boolean",
            "Requests watch events with type BOOKMARK."
        ),
        query("continue", "string", "Token of the next page."),
        query("fieldSelector", "string", "Restricts the list by fields."),
        query("labelSelector", "string", "Restricts the list by labels."),
        query("limit", "integer", "The most objects to return."),
        query(
            "resourceVersion",
            "string",
            "What resource versions a request may be served from."
        ),
        query(
            "resourceVersionMatch",
            "string",
            "How resourceVersion is applied to list calls."
        ),
        query(
            "sendInitialEvents",
            "boolean",
            "Begins a watch with the present objects."
        ),
        query("timeoutSeconds", "integer", "Timeout for the list or watch call."),
        query("watch", "boolean", "Watch for changes."),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn core() -> Value {
        let kind = KindDocument {
            kind: "ConfigMap",
            plural: "configmaps",
            namespaced: true,
            schema: None,
            subresources: &[],
        };
        document("v1", &[kind])
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = core();
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
        assert!(!text.contains("x-struct"));
    }

    #[test]
    fn kubectl_finds_field_validation_and_the_schema_of_a_kind() {
        let document = core();
        let patch = &document["paths"]["/api/v1/namespaces/{namespace}/configmaps/{name}"]["patch"];
        let gvk = json!({"group": "", "version": "v1", "kind": "ConfigMap"});
        assert_eq!(patch["x-kubernetes-group-version-kind"], gvk);
        assert_eq!(patch["x-kubernetes-action"], "patch");
        let parameters = patch["parameters"].as_array().unwrap();
        assert!(
            parameters
                .iter()
                .any(|p| p["name"] == "fieldValidation" && p["in"] == "query")
        );
        assert!(patch["requestBody"]["content"]["application/strategic-merge-patch+json"].is_object());
        let schema = &document["components"]["schemas"]["io.k8s.api.core.v1.ConfigMap"];
        assert_eq!(schema["x-kubernetes-group-version-kind"], json!([gvk]));
        assert_eq!(
            schema["properties"]["data"]["additionalProperties"]["type"],
            "string"
        );
    }

    #[test]
    fn custom_resources_are_named_by_their_group_and_take_no_strategic_patch() {
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object"}}});
        let kind = KindDocument {
            kind: "Widget",
            plural: "widgets",
            namespaced: false,
            schema: Some(&schema),
            subresources: &["status"],
        };
        let document = document("a.example.com/v1beta1", &[kind]);
        assert!(document["components"]["schemas"]["com.example.a.v1beta1.Widget"].is_object());
        assert!(document["components"]["schemas"]["com.example.a.v1beta1.WidgetList"].is_object());
        let path = "/apis/a.example.com/v1beta1/widgets/{name}";
        let content = &document["paths"][path]["patch"]["requestBody"]["content"];
        assert!(content["application/apply-patch+yaml"].is_object());
        assert!(content["application/strategic-merge-patch+json"].is_null());
        assert!(document["paths"][format!("{path}/status")]["put"].is_object());
    }
}
