//! Checks an input before anything is done with it.

mod kinds;
mod place;
mod rules;

use serde_json::Value;

use self::place::Place;
use crate::error::{ErrorCode, Refusal};
use crate::operation::Operation;
use crate::overlay;

/// Checks the input of an operation by the model and the overlay.
///
/// Two passes: first the JSON type of every value (`SerializationException`), as a request is read before it is
/// understood; then, in the order of the model, what is required, and the words, lengths, sizes, ranges and patterns.
/// The first rule that is broken is the answer, in the words of the overlay where it has any. A member that the
/// model does not know is ignored, and `null` is the same as absent. What passes can be read into the type of the
/// input. A newer operation ([`Operation::is_classic`]) is refused whatever its input.
pub fn check(operation: Operation, input: &Value) -> Result<(), Refusal> {
    let Some(shape) = operation.input() else {
        return Err(Refusal::new(
            ErrorCode::UnsupportedFeatureException,
            format!("The operation {operation} is not supported."),
        ));
    };
    let Some(members) = input.as_object() else {
        return Err(kinds::unexpected());
    };
    kinds::structure(shape, members)?;
    rules::structure(shape, members, overlay::tree(operation), &Place::root())
}
