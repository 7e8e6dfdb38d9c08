//! The rules of tags.
//!
//! Source: Amazon ECS developer guide, "How resources are tagged", "Tag restrictions".

use std::collections::BTreeSet;

use kecs_model::{Refusal, refuse, types::Tag};

/// Tags that a resource has at most.
pub const MOST: usize = 50;

/// The tags of a request as they are kept: no key twice, none that is reserved, and no more than [`MOST`].
pub fn checked(tags: Option<Vec<Tag>>) -> Result<Vec<Tag>, Refusal> {
    let tags = tags.unwrap_or_default();
    let mut keys = BTreeSet::new();
    for tag in &tags {
        let key = tag.key.as_deref().unwrap_or_default();
        if key.is_empty() {
            return Err(refuse!(InvalidParameterException, "Tag key can not be blank."));
        }
        let value = tag.value.as_deref().unwrap_or_default();
        if is_reserved(key) || is_reserved(value) {
            return Err(reserved());
        }
        if !keys.insert(key) {
            return Err(refuse!(
                InvalidParameterException,
                "Duplicate tag keys are not allowed."
            ));
        }
    }
    if tags.len() > MOST {
        return Err(too_many());
    }
    Ok(tags.into_iter().map(with_value).collect())
}

/// The same tags with `more`: a key that is there already gets the new value and stays in its place.
pub fn merged(mut tags: Vec<Tag>, more: Vec<Tag>) -> Result<Vec<Tag>, Refusal> {
    for tag in more {
        match tags.iter_mut().find(|known| known.key == tag.key) {
            Some(known) => *known = tag,
            None => tags.push(tag),
        }
    }
    if tags.len() > MOST {
        return Err(too_many());
    }
    Ok(tags)
}

/// Whether only the service itself may set tags with this prefix.
pub fn is_reserved(text: &str) -> bool {
    text.get(..4)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
}

/// Tags for an answer: none at all where there are none.
pub fn shown(tags: Vec<Tag>) -> Option<Vec<Tag>> {
    (!tags.is_empty()).then_some(tags)
}

pub(super) fn reserved() -> Refusal {
    refuse!(
        InvalidParameterException,
        "Tag keys and values cannot start with aws:."
    )
}

/// A tag without a value has an empty one.
fn with_value(mut tag: Tag) -> Tag {
    tag.value.get_or_insert_default();
    tag
}

fn too_many() -> Refusal {
    refuse!(InvalidParameterException, "Tags can have at most 50 items.")
}
