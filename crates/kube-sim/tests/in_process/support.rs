use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, PostParams};
use kube::{Api, Client};
use kube_sim::{ApiServer, Clock};
use serde_json::{Value, json};

pub const EPOCH: &str = "2026-01-01T00:00:00Z";

/// A server in virtual time with the CRD `widgets.example.org`, and a client of its namespace `default`.
pub async fn server() -> (ApiServer, Client) {
    let server = ApiServer::new(Clock::virtual_since(EPOCH.parse::<Timestamp>().unwrap()));
    let client = server.client("default");
    let definition: CustomResourceDefinition =
        serde_saphyr::from_str(include_str!("../widget.yaml")).unwrap();
    Api::<CustomResourceDefinition>::all(client.clone())
        .create(&PostParams::default(), &definition)
        .await
        .unwrap();
    (server, client)
}

pub fn widgets() -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("example.org", "v1", "Widget"), "widgets")
}

pub fn widget_api(client: &Client) -> Api<DynamicObject> {
    Api::default_namespaced_with(client.clone(), &widgets())
}

pub fn widget(name: &str, spec: Value) -> DynamicObject {
    DynamicObject::new(name, &widgets()).data(json!({"spec": spec}))
}

pub fn config_map(name: &str, data: Value) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": data})).unwrap()
}

/// The Status of a refused request.
pub fn status(error: kube::Error) -> kube::core::Status {
    match error {
        kube::Error::Api(status) => *status,
        other => panic!("not a Status: {other}"),
    }
}
