//! Kubernetes versions: what people write, what EKS takes, and what Cluster API compares.

use capt_core::fault::{Fault, FaultClass};

/// A version as it is written in a spec: `1.31`, `v1.31` or `v1.31.4-eks-1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    /// Without the `v`.
    text: String,
    major: u32,
    minor: u32,
}

impl Version {
    pub(crate) fn parse(spec: &str) -> Result<Self, Fault> {
        let refused = || {
            let message = "it is no Kubernetes version; write it as 1.31, v1.31 or v1.31.4";
            Fault::new(FaultClass::Invalid, "InvalidVersion", message).on("spec.version")
        };
        let text = spec.strip_prefix('v').unwrap_or(spec);
        let number = |part: &str| -> Option<u32> {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        };
        let release = text.split(['-', '+']).next().unwrap_or_default();
        let parts: Option<Vec<u32>> = release.split('.').map(number).collect();
        let (major, minor) = match parts.as_deref() {
            Some([major, minor] | [major, minor, _]) => (*major, *minor),
            Some(_) | None => return Err(refused()),
        };
        Ok(Self {
            text: text.to_owned(),
            major,
            minor,
        })
    }

    /// What EKS takes: major and minor.
    pub(crate) fn eks(&self) -> String {
        format!("{}.{}", self.major, self.minor)
    }

    /// What the status says once it is applied: as it was asked for, with a `v`.
    ///
    /// EKS has no patch versions. Without the patch of the spec, Cluster API would take the control plane for
    /// one that is being upgraded for ever.
    pub(crate) fn published(&self) -> String {
        format!("v{}", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_people_write_them() {
        for (spec, eks, published) in [
            ("1.31", "1.31", "v1.31"),
            ("v1.31", "1.31", "v1.31"),
            ("1.31.4", "1.31", "v1.31.4"),
            ("v1.31.0", "1.31", "v1.31.0"),
            ("v1.31.4-eks-1+b.2", "1.31", "v1.31.4-eks-1+b.2"),
        ] {
            let version = Version::parse(spec).unwrap();
            assert_eq!(
                (version.eks().as_str(), version.published().as_str()),
                (eks, published)
            );
        }
        for spec in ["", "v", "1", "1.", "1.x", "vv1.31", "1.31.4.5", "latest", "1.+3"] {
            assert_eq!(Version::parse(spec).unwrap_err().code, "InvalidVersion", "{spec}");
        }
    }
}
