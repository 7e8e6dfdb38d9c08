//! Names of things: resources, objects, and the deterministic identifiers given to new objects.

use std::fmt;
use std::sync::Arc;

/// A resource within its API group, such as `leases.coordination.k8s.io` or `secrets`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupResource {
    group: Arc<str>,
    plural: Arc<str>,
}

impl GroupResource {
    /// From the group (empty for the core group) and the plural name.
    pub fn new(group: &str, plural: &str) -> Self {
        Self {
            group: group.into(),
            plural: plural.into(),
        }
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The plural name, as in paths.
    pub fn plural(&self) -> &str {
        &self.plural
    }
}

impl fmt::Display for GroupResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plural)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        Ok(())
    }
}

/// Where an object is stored.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct ObjectId {
    pub resource: GroupResource,
    /// Empty for cluster-scoped objects.
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl ObjectId {
    pub(crate) fn new(resource: &GroupResource, namespace: &str, name: &str) -> Self {
        Self {
            resource: resource.clone(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

/// The finalizer of splitmix64 (Steele, Lea, Flood 2014): a bijection on 64 bits, so that different counters give
/// different identifiers.
fn mix(counter: u64) -> u64 {
    let mut z = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The uid of the n-th object of a world of this seed: two mixed halves with the version and variant bits of a
/// version 4 UUID, so that clients that parse it accept it. Unique in a world because the low half is a bijection of
/// the counter up to its two variant bits, and the high half differs where those collide.
pub(crate) fn uid(seed: u64, counter: u64) -> String {
    let base = if seed == 0 { 0 } else { mix(seed) };
    let high = (mix(base ^ counter.wrapping_mul(2)) & 0xffff_ffff_ffff_0fff) | 0x0000_0000_0000_4000;
    let low =
        (mix(base ^ counter.wrapping_mul(2).wrapping_add(1)) & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

/// The alphabet of generated names: no vowels and no look-alikes, as apimachinery's `rand.String` has it.
const SUFFIX: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// `generateName` plus five characters of the n-th generated name; the base is cut so that 63 characters suffice.
pub(crate) fn generated_name(base: &str, counter: u64) -> String {
    let mut rest = mix(counter ^ 0x6e61_6d65);
    let mut name: String = base.chars().take(58).collect();
    let radix = SUFFIX.len() as u64;
    for _ in 0..5 {
        let digit = usize::try_from(rest % radix).unwrap_or_default();
        name.push(char::from(SUFFIX[digit]));
        rest /= radix;
    }
    name
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{generated_name, uid};

    #[test]
    fn uids_are_distinct_version_4_uuids() {
        let uids: BTreeSet<String> = [0, 1]
            .iter()
            .flat_map(|&seed| (0..20_000).map(move |n| uid(seed, n)))
            .collect();
        assert_eq!(uids.len(), 40_000);
        for uid in uids {
            let parts: Vec<&str> = uid.split('-').collect();
            assert_eq!(
                parts.iter().map(|p| p.len()).collect::<Vec<_>>(),
                [8, 4, 4, 4, 12]
            );
            assert!(
                parts[2].starts_with('4') && "89ab".contains(&parts[3][..1]),
                "{uid}"
            );
        }
    }

    #[test]
    fn generated_names_follow_the_base() {
        let first = generated_name("run-", 1);
        assert!(first.starts_with("run-") && first.len() == 9, "{first}");
        assert_ne!(first, generated_name("run-", 2));
        assert_eq!(generated_name(&"x".repeat(70), 1).len(), 63);
    }
}
