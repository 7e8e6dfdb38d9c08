//! Reads the service model as AWS publishes it (botocore's `service-2.json`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::marker::PhantomData;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::model::{Member, Model, Operation, Shape};

/// Operations that are known by name alone.
const NEWER: &[&str] = &[
    "AssociateGatewayWithCluster",
    "ContinueServiceDeployment",
    "CreateDaemon",
    "CreateExpressGatewayService",
    "CreateGateway",
    "DeleteDaemon",
    "DeleteDaemonTaskDefinition",
    "DeleteExpressGatewayService",
    "DeleteGateway",
    "DescribeDaemon",
    "DescribeDaemonDeployments",
    "DescribeDaemonRevisions",
    "DescribeDaemonTaskDefinition",
    "DescribeExpressGatewayService",
    "DescribeGateway",
    "DescribeGatewayResources",
    "DescribeGatewayRoute",
    "DisassociateGatewayFromCluster",
    "ListDaemonDeployments",
    "ListDaemonTaskDefinitions",
    "ListDaemons",
    "ListGatewayClusterAssociations",
    "ListGatewayRoutes",
    "ListGateways",
    "RegisterDaemonTaskDefinition",
    "UpdateDaemon",
    "UpdateExpressGatewayService",
    "UpdateGateway",
];

#[derive(Debug, Deserialize)]
struct Service {
    metadata: Metadata,
    operations: BTreeMap<String, ServiceOperation>,
    shapes: BTreeMap<String, ServiceShape>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    api_version: String,
    target_prefix: String,
}

#[derive(Debug, Deserialize)]
struct ServiceOperation {
    input: Reference,
    output: Reference,
    #[serde(default)]
    errors: Vec<Reference>,
}

#[derive(Debug, Deserialize)]
struct Reference {
    shape: String,
}

#[derive(Debug, Deserialize)]
struct ServiceShape {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    members: Ordered<Reference>,
    #[serde(default)]
    required: Vec<String>,
    member: Option<Reference>,
    value: Option<Reference>,
    #[serde(default, rename = "enum")]
    words: Vec<String>,
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<String>,
    #[serde(default)]
    exception: bool,
    #[serde(default)]
    document: bool,
}

/// The entries of a JSON object in the order in which they stand there.
#[derive(Debug)]
struct Ordered<T>(Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// Reads the service model and keeps what is needed of it.
pub(super) fn read(path: &Path) -> Result<Model> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let plain = BufReader::new(file);
    let zipped = path.extension().is_some_and(|extension| extension == "gz");
    let mut text = String::new();
    if zipped {
        GzDecoder::new(plain).read_to_string(&mut text)
    } else {
        BufReader::new(plain).read_to_string(&mut text)
    }
    .with_context(|| format!("read {}", path.display()))?;
    let service: Service =
        serde_json::from_str(&text).with_context(|| format!("understand {}", path.display()))?;
    keep(service)
}

fn keep(service: Service) -> Result<Model> {
    for name in NEWER {
        ensure!(
            service.operations.contains_key(*name),
            "the model has no operation {name}"
        );
    }
    let mut reached = BTreeSet::new();
    let mut operations = Vec::new();
    for (name, operation) in service.operations {
        let classic = !NEWER.contains(&name.as_str());
        if classic {
            reach(&operation.input.shape, &service.shapes, &mut reached)?;
            reach(&operation.output.shape, &service.shapes, &mut reached)?;
        }
        let mut errors: Vec<String> = operation.errors.into_iter().map(|error| error.shape).collect();
        errors.sort();
        operations.push(Operation {
            name,
            input: classic.then_some(operation.input.shape),
            output: classic.then_some(operation.output.shape),
            errors,
        });
    }
    let mut exceptions = BTreeMap::new();
    let mut shapes = BTreeMap::new();
    for (name, shape) in service.shapes {
        if shape.exception {
            let members = shape.members.0.into_iter().map(|(member, _)| member).collect();
            exceptions.insert(name, members);
        } else if reached.contains(&name) {
            shapes.insert(name, kept(shape)?);
        }
    }
    Ok(Model {
        version: service.metadata.api_version,
        target: service.metadata.target_prefix,
        operations,
        exceptions,
        shapes,
    })
}

/// Adds a shape and everything that it is made of.
fn reach(name: &str, shapes: &BTreeMap<String, ServiceShape>, reached: &mut BTreeSet<String>) -> Result<()> {
    if !reached.insert(name.to_owned()) {
        return Ok(());
    }
    let shape = shapes
        .get(name)
        .with_context(|| format!("the model has no shape {name}"))?;
    let parts = shape.members.0.iter().map(|(_, member)| member);
    for part in parts.chain(&shape.member).chain(&shape.value) {
        reach(&part.shape, shapes, reached)?;
    }
    Ok(())
}

fn kept(shape: ServiceShape) -> Result<Shape> {
    let required = shape.required;
    Ok(Shape {
        kind: if shape.document {
            "document".to_owned()
        } else {
            shape.kind
        },
        min: shape.min.map(whole).transpose()?,
        max: shape.max.map(whole).transpose()?,
        pattern: shape.pattern,
        element: shape.member.or(shape.value).map(|reference| reference.shape),
        words: shape.words,
        members: shape
            .members
            .0
            .into_iter()
            .map(|(name, reference)| Member {
                required: required.contains(&name),
                name,
                shape: reference.shape,
            })
            .collect(),
    })
}

/// A bound, which the model writes as a number with or without a fraction.
fn whole(bound: f64) -> Result<i64> {
    ensure!(
        bound.fract() == 0.0 && bound.abs() < 1e15,
        "the bound {bound} is not whole"
    );
    #[allow(clippy::cast_possible_truncation, reason = "checked on the line above")]
    Ok(bound as i64)
}
