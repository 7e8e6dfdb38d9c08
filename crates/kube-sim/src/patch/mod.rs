//! The patch formats of the API: JSON patch, merge patch and strategic merge patch.
//!
//! Server-side apply is in [`crate::fields`].

mod strategic;
#[cfg(test)]
mod tests;

use json_patch::PatchErrorKind;
use serde_json::Value;

pub(crate) use strategic::strategic_merge_patch;

/// Why a patch cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatchError {
    /// The patch itself is not of its format (400).
    #[error("reading the patch: {0}")]
    Malformed(String),
    /// A `test` did not hold (422).
    #[error("testing value {path} failed")]
    TestFailed {
        /// The JSON pointer that was tested.
        path: String,
    },
    /// The document has nothing at a path that must exist (422).
    #[error("applying the patch: {0}")]
    Inapplicable(String),
}

/// Applies a merge patch (RFC 7386).
pub(crate) fn merge_patch(target: &mut Value, patch: &Value) {
    json_patch::merge(target, patch);
}

/// Applies a JSON patch (RFC 6902). On an error the target is as it was.
pub(crate) fn json_patch(target: &mut Value, patch: &Value) -> Result<(), PatchError> {
    let patch: json_patch::Patch =
        serde_json::from_value(patch.clone()).map_err(|error| PatchError::Inapplicable(error.to_string()))?;
    // The library does not undo every kind of operation exactly; a copy is certain.
    let mut changed = target.clone();
    json_patch::patch_unsafe(&mut changed, &patch).map_err(|error| match error.kind {
        PatchErrorKind::TestFailed => PatchError::TestFailed {
            path: error.path.to_string(),
        },
        _ => PatchError::Inapplicable(error.to_string()),
    })?;
    *target = changed;
    Ok(())
}
