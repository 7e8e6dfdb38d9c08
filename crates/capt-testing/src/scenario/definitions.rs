//! The definitions of the kinds, which a person can delete and apply like anything else.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use kube_sim::GroupResource;

use super::Scenario;

fn definition(kind: &str) -> CustomResourceDefinition {
    let mut all = capt_api::all_crds().into_iter();
    all.find(|definition| definition.spec.names.kind == kind)
        .unwrap_or_else(|| panic!("{kind} is none of ours"))
}

impl Scenario {
    fn definitions(&self) -> Api<CustomResourceDefinition> {
        Api::all(self.client.clone())
    }

    /// Deletes the definition of this kind and with it all objects of the kind, as `kubectl delete crd --wait=false`
    /// does.
    pub async fn delete_definition(&self, kind: &str) {
        let name = definition(kind).name_any();
        self.definitions()
            .delete(&name, &DeleteParams::background())
            .await
            .unwrap();
    }

    /// Applies the definition of this kind, as `kubectl apply --server-side` does.
    pub async fn apply_definition(&self, kind: &str) {
        let definition = definition(kind);
        let params = PatchParams::apply("kubectl").force();
        self.definitions()
            .patch(&definition.name_any(), &params, &Patch::Apply(&definition))
            .await
            .unwrap();
    }

    /// Whether there is a definition of this kind.
    pub fn is_defined(&self, kind: &str) -> bool {
        let resource = GroupResource::new("apiextensions.k8s.io", "customresourcedefinitions");
        let name = definition(kind).name_any();
        self.server.world().get(&resource, "", &name).is_some()
    }
}
