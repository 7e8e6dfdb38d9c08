//! Lists: selectors, pages that stay consistent, and the meaning of resourceVersion.

use std::sync::Arc;

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::{DecodeError, Engine as _};
use serde_json::{Value, json};

use super::failure::{FieldError, StatusError};
use super::request::{List, Query, Target};
use super::selector::Selector;
use super::store::{self, Key, Shelf};
use super::{World, request};

const CONTINUE_EXPIRED: &str = "The provided continue parameter is too old to display a consistent list result. You can \
     start a new list without the continue parameter, or use the continue token in this response to retrieve the \
     remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were \
     created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/// Where a continued list goes on; revision 0 means from whatever is there now.
struct Continue {
    revision: u64,
    after: Key,
}

impl Continue {
    fn encode(&self) -> String {
        let token =
            json!({"v": "meta.k8s.io/v1", "rv": self.revision, "ns": &*self.after.0, "name": &*self.after.1});
        URL_SAFE_NO_PAD.encode(token.to_string())
    }

    fn decode(token: &str) -> Result<Self, StatusError> {
        let refuse = |why: &str| {
            StatusError::bad_request(format!(
                "invalid continue token: continue key is not valid: {why}"
            ))
        };
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|error| {
            let at = match error {
                DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol { offset: at, .. } => at,
                DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => token.len() / 4 * 4,
            };
            refuse(&format!("illegal base64 data at input byte {at}"))
        })?;
        let value: Value =
            serde_json::from_slice(&bytes).map_err(|_| refuse("invalid character in the decoded token"))?;
        match (value["rv"].as_u64(), value["ns"].as_str(), value["name"].as_str()) {
            (Some(revision), Some(namespace), Some(name)) => Ok(Self {
                revision,
                after: (Arc::from(namespace), Arc::from(name)),
            }),
            (_, _, _) => Err(refuse("a part of the token is missing")),
        }
    }
}

impl World {
    pub(super) fn list_page(&self, target: &Target, query: &Query) -> Result<List, StatusError> {
        let get = |name: &str| query.get(name).map_or("", String::as_str);
        check_options(query)?;
        let selector = Selector::parse(
            get("labelSelector"),
            get("fieldSelector"),
            &target.kind,
            target.kind_version()?,
        )?;
        let limit = usize::try_from(request::number(query, "limit")?).unwrap_or_default();
        request::number(query, "timeoutSeconds")?;
        let page = match get("continue") {
            "" => None,
            token => Some(Continue::decode(token)?),
        };
        let empty = Shelf::since(self.floor);
        let held = self.shelves.get(&target.kind.stored_as).unwrap_or(&empty);
        let revision = match &page {
            Some(page) if page.revision == 0 => self.revision,
            Some(page) if held.remembers(page.revision) => page.revision,
            Some(page) => {
                let fresh = Continue {
                    revision: 0,
                    after: page.after.clone(),
                }
                .encode();
                return Err(StatusError {
                    details: json!({"continue": fresh}),
                    ..StatusError::expired(CONTINUE_EXPIRED)
                });
            }
            None => self.list_revision(held, get("resourceVersion"), get("resourceVersionMatch"), limit)?,
        };
        let objects = if revision == self.revision {
            held.objects.clone()
        } else {
            held.at(revision)
        };
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        let mut items = Vec::new();
        let mut last: Option<Key> = None;
        let after = page.as_ref().map(|page| &page.after);
        let mut rest = store::within(&objects, target.namespace.as_deref(), after);
        while let Some((key, stored)) = rest.next() {
            let object = self.convert(&target.kind, stored, &target.version)?;
            if !selector.matches(&object) {
                continue;
            }
            if limit > 0 && items.len() == limit {
                let after = last.take().unwrap_or_else(|| key.clone());
                metadata["continue"] = json!(Continue { revision, after }.encode());
                if selector.is_empty() {
                    metadata["remainingItemCount"] = json!(1 + rest.count());
                }
                break;
            }
            last = Some(key.clone());
            items.push(object);
        }
        Ok(List {
            api_version: target.api_version(),
            kind: target.kind.list_kind.clone(),
            metadata,
            items,
        })
    }

    /// The revision that a first page shows.
    fn list_revision(
        &self,
        held: &Shelf,
        version: &str,
        matching: &str,
        limit: usize,
    ) -> Result<u64, StatusError> {
        if version.is_empty() || version == "0" {
            return Ok(self.revision);
        }
        let wanted = parse_version(version).map_err(|refused| {
            let told = refused
                .message
                .split_once("is invalid: ")
                .map_or("", |(_, why)| why);
            StatusError::bad_request(format!("invalid resource version: {told}"))
        })?;
        if wanted > self.revision {
            return Err(self.too_large(wanted));
        }
        if matching == "Exact" || (matching.is_empty() && limit > 0) {
            if !held.remembers(wanted) {
                return Err(StatusError::expired(
                    "The resourceVersion for the provided list is too old.",
                ));
            }
            return Ok(wanted);
        }
        Ok(self.revision)
    }

    /// 504 for a version that is not there yet.
    pub(super) fn too_large(&self, wanted: u64) -> StatusError {
        let message = format!("Too large resource version: {wanted}, current: {}", self.revision);
        StatusError {
            details: json!({
                "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
                "retryAfterSeconds": 1,
            }),
            ..StatusError::new(504, "Timeout", format!("Timeout: {message}"))
        }
    }
}

/// A resourceVersion as a number; the server refuses anything else.
pub(super) fn parse_version(version: &str) -> Result<u64, StatusError> {
    version.parse().map_err(|_| {
        let error = FieldError::invalid(
            "resourceVersion",
            &json!(version),
            &format!("strconv.ParseUint: parsing {version:?}: invalid syntax"),
        );
        StatusError::invalid("meta.k8s.io", "ListOptions", "", &[error])
    })
}

fn check_options(query: &Query) -> Result<(), StatusError> {
    let get = |name: &str| query.get(name).map_or("", String::as_str);
    let (version, matching, token) = (
        get("resourceVersion"),
        get("resourceVersionMatch"),
        get("continue"),
    );
    let mut errors = Vec::new();
    if query.contains_key("sendInitialEvents") {
        errors.push(FieldError::forbidden(
            "sendInitialEvents",
            "sendInitialEvents is forbidden for list",
        ));
    }
    match matching {
        "" => {}
        "Exact" | "NotOlderThan" => {
            if version.is_empty() {
                errors.push(FieldError::forbidden(
                    "resourceVersionMatch",
                    "resourceVersionMatch is forbidden unless resourceVersion is provided",
                ));
            }
            if !token.is_empty() {
                errors.push(FieldError::forbidden(
                    "resourceVersionMatch",
                    "resourceVersionMatch is forbidden when continue is provided",
                ));
            }
            if matching == "Exact" && version == "0" {
                errors.push(FieldError::forbidden(
                    "resourceVersionMatch",
                    "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
                ));
            }
        }
        other => errors.push(request::unsupported(
            "resourceVersionMatch",
            other,
            &["Exact", "NotOlderThan", ""],
        )),
    }
    if !errors.is_empty() {
        return Err(StatusError::invalid("meta.k8s.io", "ListOptions", "", &errors));
    }
    if !token.is_empty() && !version.is_empty() && version != "0" {
        return Err(StatusError::bad_request(
            "specifying resource version is not allowed when using continue",
        ));
    }
    Ok(())
}
