//! The Events of the objects of a cluster.

use capt_picture::{Happening, NodeKey, Picture};
use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::ListParams;

use super::{each, gap, request};
use crate::connect::Session;
use crate::failure::Failure;

/// More objects than these have their Events left out: a page shows only the last of all of them.
const OBJECTS: usize = 40;

/// What happened to the objects of `cluster`.
pub(super) async fn of(
    session: &Session,
    picture: &Picture,
    cluster: &NodeKey,
    gaps: &mut Vec<String>,
) -> Result<Vec<Happening>, Failure> {
    let keys = picture.belonging(&cluster.namespace, &cluster.name);
    let keys = keys
        .iter()
        .filter(|key| picture.get(key).is_some_and(|node| node.exists));
    let mut happenings = Vec::new();
    for answer in each(keys.take(OBJECTS), |key| of_one(session, key)).await {
        match answer {
            Ok(events) => happenings.extend(events.iter().filter_map(happening)),
            Err(error) => gap(error, gaps)?,
        }
    }
    Ok(happenings)
}

async fn of_one(session: &Session, key: &NodeKey) -> Result<Vec<Event>, Failure> {
    let api = Api::<Event>::namespaced(session.client.clone(), &key.namespace);
    let fields = format!(
        "involvedObject.kind={},involvedObject.name={}",
        key.kind.name(),
        key.name
    );
    let params = ListParams::default().fields(&fields);
    let listed = session
        .ask(request::<Event>("list", &key.namespace), api.list(&params))
        .await;
    listed.map(|list| list.items)
}

/// An Event as it is shown: those of the newer kind have their times and counts in other fields.
fn happening(event: &Event) -> Option<Happening> {
    let series = event.series.as_ref();
    let last = series.and_then(|series| series.last_observed_time.as_ref().map(|time| time.0));
    let at = last
        .or(event.last_timestamp.as_ref().map(|time| time.0))
        .or(event.event_time.as_ref().map(|time| time.0))
        .or(event.first_timestamp.as_ref().map(|time| time.0))
        .or(event.metadata.creation_timestamp.as_ref().map(|time| time.0))?;
    let object = &event.involved_object;
    Some(Happening {
        at,
        kind: object.kind.clone()?,
        namespace: object.namespace.clone().unwrap_or_default(),
        name: object.name.clone()?,
        severity: event.type_.clone().unwrap_or_else(|| "Normal".to_owned()),
        reason: event.reason.clone().unwrap_or_default(),
        message: event.message.clone().unwrap_or_default(),
        count: series
            .and_then(|series| series.count)
            .or(event.count)
            .unwrap_or(1),
    })
}
