//! How a template is found, and what is said where there is none.

use std::sync::Arc;

use capt_api::WorkspaceTemplate;
use capt_api::reference::TemplateReference;
use capt_core::fault::Fault;
use capt_core::wait::Wait;
use capt_runtime::View;
use kube::ResourceExt;

use crate::Options;

/// How many names a message offers.
const NAMED: usize = 5;

/// The template that the field `field` of an object in `own` refers to, or a wait for it: it may still come.
///
/// # Errors
///
/// A reference to a namespace that is not open.
pub(crate) fn find(
    reference: &TemplateReference,
    field: &str,
    own: &str,
    view: &View,
    options: &Options,
) -> Result<Result<Arc<WorkspaceTemplate>, Wait>, Fault> {
    let namespace = options.resolve(own, reference.namespace.as_deref(), field)?;
    if let Some(template) = view.get::<WorkspaceTemplate>(namespace, &reference.name) {
        return Ok(Ok(template));
    }
    let message = format!(
        "there is no WorkspaceTemplate {} in namespace {namespace}{}; create it, or correct {field}",
        reference.name,
        offer(&reference.name, namespace, own, view, options),
    );
    let on = format!("WorkspaceTemplate/{}", reference.name);
    Ok(Err(Wait::new(on, "WorkspaceTemplateNotFound", message)))
}

/// What there is instead: the same name in another namespace that may be used, else other names in this one.
fn offer(name: &str, namespace: &str, own: &str, view: &View, options: &Options) -> String {
    let all: Vec<(String, String)> = view
        .list::<WorkspaceTemplate>("")
        .iter()
        .map(|template| (template.namespace().unwrap_or_default(), template.name_any()))
        .collect();
    let elsewhere = all
        .iter()
        .find(|(there, known)| known == name && options.allows(own, there));
    if let Some((there, _)) = elsewhere {
        return format!(" (there is one in namespace {there})");
    }
    let here: Vec<&str> = all
        .iter()
        .filter(|(there, _)| there == namespace)
        .map(|(_, known)| known.as_str())
        .collect();
    match here.as_slice() {
        [] => ", nor any other".to_owned(),
        names => {
            let more = names.len().saturating_sub(NAMED);
            let names = names[..names.len() - more].join(", ");
            match more {
                0 => format!(" (there are: {names})"),
                more => format!(" (there are: {names} and {more} more)"),
            }
        }
    }
}
