//! Attributes of container instances.

use kecs_model::types::{self, Attribute};
use kecs_model::{Refusal, refuse};

use super::container_instance::{bump, merged, target};
use super::name;
use super::page::Paging;
use crate::call::Call;
use crate::key::Key;
use crate::record::{ContainerInstance, Kind as _};
use crate::tx::Tx;
use crate::view::Page;

/// Attributes on a page where the request does not say.
const PAGE: usize = 100;

/// Attributes of its own that an instance has at most.
const MOST: usize = 10;

/// Instances that are read at once.
const CHUNK: usize = 20;

pub(super) fn put(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::PutAttributesRequest,
) -> Result<types::PutAttributesResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let mut answered = Vec::new();
    for attribute in request.attributes.unwrap_or_default() {
        let name = attribute.name.clone().unwrap_or_default();
        if is_given(&name) {
            return Err(refuse!(
                InvalidParameterException,
                "The attribute {value} is set by the service and cannot be changed.",
                value = name
            ));
        }
        let (key, mut record) = target(tx, &cluster, of_target(&attribute)?)?;
        let known = record.instance.attributes.take().unwrap_or_default();
        let attributes = merged(known, vec![attribute.clone()]);
        let own = |it: &&Attribute| !is_given(it.name.as_deref().unwrap_or_default());
        if attributes.iter().filter(own).count() > MOST {
            return Err(refuse!(
                AttributeLimitExceededException,
                "You can apply up to 10 custom attributes for each resource."
            ));
        }
        record.instance.attributes = Some(attributes);
        bump(&mut record);
        answered.push(shown(attribute, &record));
        tx.put(key, record);
    }
    Ok(types::PutAttributesResponse {
        attributes: Some(answered),
    })
}

pub(super) fn delete(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::DeleteAttributesRequest,
) -> Result<types::DeleteAttributesResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let mut answered = Vec::new();
    for attribute in request.attributes.unwrap_or_default() {
        let name = attribute.name.clone().unwrap_or_default();
        if is_given(&name) {
            return Err(refuse!(
                InvalidParameterException,
                "The attribute {value} is set by the service and cannot be changed.",
                value = name
            ));
        }
        let (key, mut record) = target(tx, &cluster, of_target(&attribute)?)?;
        let known = record.instance.attributes.take().unwrap_or_default();
        let (gone, stays): (Vec<_>, Vec<_>) = known.into_iter().partition(|it| it.name == attribute.name);
        record.instance.attributes = Some(stays);
        if gone.is_empty() {
            continue;
        }
        bump(&mut record);
        answered.extend(gone.into_iter().map(|it| shown(it, &record)));
        tx.put(key, record);
    }
    Ok(types::DeleteAttributesResponse {
        attributes: Some(answered),
    })
}

pub(super) fn list(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::ListAttributesRequest,
) -> Result<types::ListAttributesResponse, Refusal> {
    let (cluster, _) = name::cluster(tx, request.cluster.as_deref())?;
    let paging = Paging::of(tx.scope(), &request, PAGE)?;
    if request.attribute_value.is_some() && request.attribute_name.is_none() {
        return Err(refuse!(
            InvalidParameterException,
            "You must specify an attribute name to use the attributeValue parameter."
        ));
    }
    let named = |it: &Attribute| request.attribute_name.is_none() || it.name == request.attribute_name;
    let valued = |it: &Attribute| request.attribute_value.is_none() || it.value == request.attribute_value;
    let mut found = Vec::new();
    let mut after = paging.after().and_then(|key| before(tx, &cluster, key));
    loop {
        let page = Page {
            after: after.as_ref(),
            limit: CHUNK,
            descending: false,
        };
        let entries = tx.list(&tx.scope().term_in("container-instances", &cluster), page)?;
        let whole = entries.len() < CHUNK;
        after = entries.last().map(|entry| entry.key.clone());
        for entry in &entries {
            let Some(record) = ContainerInstance::of(&entry.record) else {
                continue;
            };
            let id = entry.key.last();
            let mut of_it: Vec<(Key, Attribute)> = Vec::new();
            for attribute in record.instance.attributes.iter().flatten() {
                if named(attribute) && valued(attribute) {
                    let name = attribute.name.as_deref().unwrap_or_default();
                    let key = tx.scope().attribute(&cluster, id, name);
                    of_it.push((key, shown(attribute.clone(), record)));
                }
            }
            of_it.sort_by(|one, other| one.0.cmp(&other.0));
            let behind = |key: &Key| paging.after().is_none_or(|after| key > after);
            found.extend(of_it.into_iter().filter(|(key, _)| behind(key)));
        }
        if whole || found.len() > paging.limit() {
            break;
        }
    }
    let listed = paging.cut(found);
    Ok(types::ListAttributesResponse {
        attributes: Some(listed.items),
        next_token: listed.next_token,
    })
}

/// A key shortly before that of the instance whose attribute `key` is.
fn before(tx: &Tx<'_>, cluster: &str, key: &Key) -> Option<Key> {
    let start = tx.scope().attribute(cluster, "", "");
    // The name of an attribute may have slashes, the id of an instance has none.
    let id = key.as_str().strip_prefix(start.as_str().trim_end_matches('/'))?;
    let id = id.trim_start_matches('/').split('/').next()?;
    let shorter = id.get(..id.len().checked_sub(1)?)?;
    Some(tx.scope().container_instance(cluster, shorter))
}

/// Whether an attribute says what a machine is or can do, rather than what somebody has made of it.
fn is_given(name: &str) -> bool {
    name.starts_with("ecs.") || name.starts_with("com.amazonaws.")
}

fn of_target(attribute: &Attribute) -> Result<&str, Refusal> {
    let target = attribute.target_id.as_deref().unwrap_or_default();
    if target.is_empty() {
        return Err(refuse!(
            InvalidParameterException,
            "Attribute target can not be blank."
        ));
    }
    Ok(target)
}

/// An attribute with whose it is.
fn shown(attribute: Attribute, record: &ContainerInstance) -> Attribute {
    Attribute {
        target_id: record.instance.container_instance_arn.clone(),
        target_type: None,
        ..attribute
    }
}
