//! What the server says: refusals and warnings word for word, as a real one has them.

use http::Request;
use kube::Client;
use serde_json::{Value, json};

use crate::support::server;

const WIDGETS: &str = "/apis/example.org/v1/namespaces/default/widgets";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Sends a body; answers with the code and the message, or with what was made.
async fn send(
    client: &Client,
    method: &str,
    path: &str,
    content_type: &str,
    body: &str,
    user: Option<&str>,
) -> (u16, String) {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", content_type);
    if let Some(user) = user {
        request = request.header("impersonate-user", user);
    }
    match client
        .request::<Value>(request.body(body.as_bytes().to_vec()).unwrap())
        .await
    {
        Ok(made) => (200, made.to_string()),
        Err(kube::Error::Api(status)) => (status.code, status.message),
        Err(other) => panic!("{method} {path}: {other}"),
    }
}

#[tokio::test(start_paused = true)]
#[allow(clippy::too_many_lines, reason = "a table: one row for each refusal")]
async fn bodies_are_refused_in_the_servers_words() {
    let (_server, client) = server().await;
    let (json, merge) = ("application/json", "application/merge-patch+json");
    let (apply, ops) = ("application/apply-patch+yaml", "application/json-patch+json");
    let made =
        r#"{"apiVersion":"example.org/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"colour":"red"}}"#;
    assert_eq!(send(&client, "POST", WIDGETS, json, made, None).await.0, 200);
    let one = format!("{WIDGETS}/w");
    for (method, path, kind, body, code, message) in [
        (
            "POST",
            format!("{WIDGETS}?fieldValidation=Strict"),
            json,
            r#"{"apiVersion":"example.org/v1","kind":"Widget","metadata":{"name":"x","lables":{}},"spec":{"colour":"red","colour":"red","taste":1}}"#,
            400,
            r#"Widget in version "v1" cannot be handled as a Widget: strict decoding error: duplicate field "spec.colour", unknown field "metadata.lables", unknown field "spec.taste""#,
        ),
        (
            "POST",
            MAPS.to_owned(),
            json,
            r#"{"metadata":{"name":"m"},"data":{"a":1}}"#,
            400,
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field \
             ConfigMap.data of type string",
        ),
        (
            "POST",
            MAPS.to_owned(),
            json,
            r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"m"}}"#,
            400,
            "Pod in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion",
        ),
        (
            "PATCH",
            one.clone(),
            merge,
            "[]",
            400,
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        (
            "PATCH",
            one.clone(),
            ops,
            r#"[{"op":"test","path":"/spec/colour","value":"blue"}]"#,
            422,
            "the server rejected our request due to an error in our request",
        ),
        (
            "PATCH",
            one.clone(),
            merge,
            r#"{"metadata":{"name":"v"}}"#,
            400,
            "the name of the object (v) does not match the name on the URL (w)",
        ),
        (
            "PATCH",
            one.clone(),
            merge,
            r#"{"metadata":{"uid":"u"}}"#,
            422,
            r#"Widget.example.org "w" is invalid: metadata.uid: Invalid value: "u": field is immutable"#,
        ),
        (
            "PATCH",
            format!("{one}?fieldManager=me"),
            apply,
            r#"{"apiVersion":"example.org/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"colour":["a"]}}"#,
            500,
            "failed to create typed patch object (/w; example.org/v1, Kind=Widget): .spec.colour: expected string, got \
             &value.valueUnstructured{Value:[]interface {}{\"a\"}}",
        ),
        (
            "PATCH",
            format!("{one}?fieldManager=me"),
            apply,
            r#"{"apiVersion":"example.org/v2","kind":"Widget","metadata":{"name":"w"}}"#,
            400,
            "Incorrect version specified in apply patch. Specified patch version: example.org/v2, expected: example.org/v1",
        ),
        (
            "PUT",
            WIDGETS.to_owned(),
            json,
            made,
            400,
            "name must be provided",
        ),
        (
            "PUT",
            MAPS.to_owned(),
            json,
            "{}",
            405,
            "the server does not allow this method on the requested resource",
        ),
        (
            "GET",
            format!("{MAPS}?labelSelector=a%20in%20b"),
            json,
            "",
            400,
            "unable to parse requirement: found 'b' expected: '('",
        ),
        (
            "GET",
            format!("{MAPS}?limit=x"),
            json,
            "",
            400,
            r#"strconv.ParseInt: parsing "x": invalid syntax"#,
        ),
    ] {
        let said = send(&client, method, &path, kind, body, None).await;
        assert_eq!(said, (code, message.to_owned()), "{method} {path} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn others_than_the_administrator_may_what_their_roles_say() {
    let (_server, client) = server().await;
    let kind = "application/json";
    let refused = send(&client, "GET", MAPS, kind, "", Some("ann")).await;
    assert_eq!(
        refused,
        (
            403,
            "configmaps is forbidden: User \"ann\" cannot list resource \"configmaps\" in API group \"\" in the namespace \
             \"default\""
                .to_owned()
        )
    );
    let roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
    let role = json!({"metadata": {"name": "reader"}, "rules": [
        {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["configmaps"]}]});
    let binding = json!({"metadata": {"name": "ann"}, "roleRef": {"kind": "Role", "name": "reader"},
        "subjects": [{"kind": "User", "name": "ann"}]});
    for (plural, body) in [("roles", role), ("rolebindings", binding)] {
        let path = format!("{roles}/{plural}");
        assert_eq!(
            send(&client, "POST", &path, kind, &body.to_string(), None)
                .await
                .0,
            200
        );
    }
    assert_eq!(send(&client, "GET", MAPS, kind, "", Some("ann")).await.0, 200);
    assert_eq!(send(&client, "DELETE", MAPS, kind, "", Some("ann")).await.0, 403);
    let elsewhere = "/api/v1/namespaces/kube-system/configmaps";
    assert_eq!(
        send(&client, "GET", elsewhere, kind, "", Some("ann")).await.0,
        403
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_empty_in_a_typed_object_is_not_kept() {
    let (_server, client) = server().await;
    let kind = "application/json";
    let widget = r#"{"apiVersion":"example.org/v1","kind":"Widget","metadata":{"name":"w","labels":{},"annotations":null,"finalizers":[],"ownerReferences":[]},"spec":{"colour":"red"}}"#;
    let map = r#"{"metadata":{"name":"m","labels":{}},"data":{},"binaryData":null}"#;
    for (path, body) in [(WIDGETS, widget), (MAPS, map)] {
        let (code, made) = send(&client, "POST", path, kind, body, None).await;
        assert_eq!(code, 200, "{made}");
        for gone in [
            "labels",
            "annotations",
            "finalizers",
            "ownerReferences",
            "\"data\"",
            "binaryData",
        ] {
            let made: Value = serde_json::from_str(&made).unwrap();
            let mut shown = made.clone();
            shown["metadata"]["managedFields"] = Value::Null;
            assert!(!shown.to_string().contains(gone), "{gone}: {shown}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_goes_cannot_be_made_again() {
    let (_server, client) = server().await;
    let kind = "application/json";
    let held = r#"{"metadata":{"name":"m","finalizers":["example.org/hold"]}}"#;
    assert_eq!(send(&client, "POST", MAPS, kind, held, None).await.0, 200);
    assert_eq!(
        send(&client, "DELETE", &format!("{MAPS}/m"), kind, "", None)
            .await
            .0,
        200
    );
    assert_eq!(
        send(&client, "POST", MAPS, kind, held, None).await,
        (
            409,
            "object is being deleted: configmaps \"m\" already exists".to_owned()
        )
    );
}
