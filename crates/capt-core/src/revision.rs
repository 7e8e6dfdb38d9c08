//! What was good last, and the way back to it.
//!
//! Whenever something becomes Ready, its input is kept as a revision. When a later input fails for good, the last
//! good one can be applied again: that is what [`plan`] decides. It never lowers a version (a control plane cannot go
//! back), never touches what the owner wrote, and says so if it cannot be had.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many revisions are kept for one object.
pub const KEPT: usize = 3;

/// An input that was applied whole and found in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastGood {
    /// The name of what keeps its rendered input; `None` where nothing does.
    pub revision: Option<String>,
    /// Its version, where it has one.
    pub version: Option<Version>,
    /// The digest of its input.
    pub input: String,
    /// The digest of the outputs that it had, where they are known.
    pub outputs: Option<String>,
    /// When it became ready.
    pub time: Timestamp,
}

/// A version of Kubernetes: major and minor decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// Before the first dot.
    pub major: u32,
    /// Behind it.
    pub minor: u32,
}

impl Version {
    /// Reads `1.31`, `v1.31` and `1.31.4`; the patch version does not count. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut parts = text.split('.').map(number);
        let version = Self {
            major: parts.next()??,
            minor: parts.next()??,
        };
        let patch = parts.next().is_none_or(|patch| patch.is_some());
        (patch && parts.next().is_none()).then_some(version)
    }
}

/// A decimal number without sign or leading zeros.
fn number(text: &str) -> Option<u32> {
    let plain = text == "0" || !text.starts_with('0');
    (plain && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What is there now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Present {
    /// The digest of the input that fails.
    pub input: String,
    /// The version that is live, where there is one and it is known.
    pub version: Option<Version>,
    /// The revisions whose input is still kept.
    pub kept: Vec<String>,
}

/// The way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollBack {
    /// The revision to apply.
    pub revision: String,
    /// The digest of its input.
    pub input: String,
    /// The version to apply it with: that of the revision, or the live one if that is higher by now.
    pub version: Option<Version>,
    /// The digest that its outputs should have then, where it is known; others are worth a word.
    pub outputs: Option<String>,
}

/// Why there is no way back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoWayBack {
    /// It never was ready.
    #[error("it was never ready before")]
    NothingGood,
    /// What fails is what was good.
    #[error("the input that fails is the one that was ready last: going back to it changes nothing")]
    SameInput,
    /// Nothing keeps the input.
    #[error("the input that was ready last is not kept")]
    NotKept,
    /// The revision is gone.
    #[error("the revision {revision} that was ready last is not kept any more")]
    Gone {
        /// Its name.
        revision: String,
    },
}

/// The way back to what was good last.
///
/// # Errors
///
/// [`NoWayBack`] if there is none; a person is needed then.
pub fn plan(last: Option<&LastGood>, present: &Present) -> Result<RollBack, NoWayBack> {
    let last = last.ok_or(NoWayBack::NothingGood)?;
    if last.input == present.input {
        return Err(NoWayBack::SameInput);
    }
    let revision = last.revision.clone().ok_or(NoWayBack::NotKept)?;
    if !present.kept.contains(&revision) {
        return Err(NoWayBack::Gone { revision });
    }
    Ok(RollBack {
        revision,
        input: last.input.clone(),
        version: last.version.max(present.version),
        outputs: last.outputs.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(version: &str) -> LastGood {
        LastGood {
            revision: Some("demo-3".to_owned()),
            version: Version::parse(version),
            input: "good".to_owned(),
            outputs: Some("outputs".to_owned()),
            time: Timestamp::UNIX_EPOCH,
        }
    }

    fn present(version: &str) -> Present {
        Present {
            input: "bad".to_owned(),
            version: Version::parse(version),
            kept: vec!["demo-2".to_owned(), "demo-3".to_owned()],
        }
    }

    #[test]
    fn the_last_good_input_is_applied_again() {
        let way = plan(Some(&last("1.31")), &present("1.31")).unwrap();
        assert_eq!(
            (&*way.revision, &*way.input, way.outputs.as_deref()),
            ("demo-3", "good", Some("outputs"))
        );
        assert_eq!(way.version.unwrap().to_string(), "1.31");
    }

    #[test]
    fn a_version_is_never_lowered() {
        let version = |last_good, live| plan(Some(&last(last_good)), &present(live)).unwrap().version;
        assert_eq!(version("1.31", "1.32"), Version::parse("1.32"));
        assert_eq!(version("1.9", "1.10"), Version::parse("1.10"));
        assert_eq!(version("1.31", ""), Version::parse("1.31"), "nothing is live");
        assert_eq!(version("", "1.32"), Version::parse("1.32"));
        assert_eq!(version("", ""), None);
    }

    #[test]
    fn without_a_way_back_it_says_why() {
        assert_eq!(plan(None, &present("1.31")), Err(NoWayBack::NothingGood));
        let same = Present {
            input: "good".to_owned(),
            ..present("1.31")
        };
        assert_eq!(plan(Some(&last("1.31")), &same), Err(NoWayBack::SameInput));
        let gone = Present {
            kept: vec!["demo-2".to_owned()],
            ..present("1.31")
        };
        let why = plan(Some(&last("1.31")), &gone).unwrap_err();
        assert_eq!(
            why.to_string(),
            "the revision demo-3 that was ready last is not kept any more"
        );
        let unkept = LastGood {
            revision: None,
            ..last("1.31")
        };
        assert_eq!(plan(Some(&unkept), &present("1.31")), Err(NoWayBack::NotKept));
        assert_eq!(
            plan(Some(&unkept), &same),
            Err(NoWayBack::SameInput),
            "to keep it would not help"
        );
    }

    #[test]
    fn versions_are_read_as_people_write_them() {
        let read = |text| Version::parse(text).map(|version| (version.major, version.minor));
        for text in ["1.31", "v1.31", "1.31.0", "v1.31.12"] {
            assert_eq!(read(text), Some((1, 31)), "{text}");
        }
        assert_eq!(read("0.0"), Some((0, 0)));
        for text in [
            "",
            "1",
            "1.",
            ".1",
            "1.31.",
            "1.31.x",
            "1.31.1.1",
            "01.31",
            "1.031",
            "1.+1",
            "-1.3",
            "vv1.3",
            "1.99999999999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
