//! What a Terraform state knows of.
//!
//! Of its format (version 4) only the addresses are read; everything else in it may be secret.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct State {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    module: Option<String>,
    mode: String,
    r#type: String,
    name: String,
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    index_key: Option<Value>,
}

/// The addresses of the managed resources in a state, each instance on its own, as the stream names them. Absent
/// for a text that is no state.
pub(super) fn of_state(text: &[u8]) -> Option<BTreeSet<String>> {
    let state: State = serde_json::from_slice(text).ok()?;
    let managed = state
        .resources
        .iter()
        .filter(|resource| resource.mode == "managed");
    let addresses = managed.flat_map(|resource| {
        let instances = resource.instances.iter();
        instances.map(|instance| resource.address(instance.index_key.as_ref()))
    });
    Some(addresses.collect())
}

impl Resource {
    fn address(&self, index: Option<&Value>) -> String {
        let module = self
            .module
            .as_ref()
            .map(|module| format!("{module}."))
            .unwrap_or_default();
        let index = index.map(|index| format!("[{index}]")).unwrap_or_default();
        format!("{module}{}.{}{index}", self.r#type, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_addressed_as_in_the_stream() {
        let state = r#"{"version": 4, "serial": 3, "resources": [
            {"mode": "managed", "type": "aws_vpc", "name": "this", "instances": [{"attributes": {"id": "vpc-1"}}]},
            {"mode": "data", "type": "aws_region", "name": "here", "instances": [{}]},
            {"module": "module.a[\"x\"]", "mode": "managed", "type": "t", "name": "n",
             "instances": [{"index_key": 0}, {"index_key": "k"}]}
        ]}"#;
        let addresses: Vec<_> = of_state(state.as_bytes()).unwrap().into_iter().collect();
        assert_eq!(
            addresses,
            [
                "aws_vpc.this",
                "module.a[\"x\"].t.n[\"k\"]",
                "module.a[\"x\"].t.n[0]"
            ]
        );
        assert_eq!(of_state(b""), None);
        assert_eq!(of_state(br#"{"version": 4}"#), Some(BTreeSet::new()));
    }
}
