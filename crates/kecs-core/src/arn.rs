//! Amazon Resource Names of ECS, written and read.
//!
//! Source of the forms: the service authorization reference of Amazon ECS, "Resource types defined by Amazon ECS".

use std::fmt;
use std::str::FromStr;

use kecs_model::{Refusal, refuse};

use crate::key::Scope;

/// An ARN of ECS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// The region.
    pub region: String,
    /// The account.
    pub account: String,
    /// The type and names behind it: `cluster/blue`, `task/blue/0af3`, `task-definition/web:7`.
    pub resource: String,
}

/// A text that is no ARN of ECS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an ARN of ECS: {0}")]
pub struct NotAnArn(pub String);

impl FromStr for Arn {
    type Err = NotAnArn;

    fn from_str(text: &str) -> Result<Self, NotAnArn> {
        let wrong = || NotAnArn(text.to_owned());
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().ok_or_else(wrong);
        let (arn, partition, service) = (next()?, next()?, next()?);
        let (region, account, resource) = (next()?, next()?, next()?);
        if arn != "arn" || service != "ecs" || partition.is_empty() || !resource.contains('/') {
            return Err(wrong());
        }
        Ok(Self {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            resource: resource.to_owned(),
        })
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            region,
            account,
            resource,
        } = self;
        write!(f, "arn:{partition}:ecs:{region}:{account}:{resource}")
    }
}

impl Arn {
    /// The type of the resource and the names behind it.
    pub fn split(&self) -> (&str, Vec<&str>) {
        let mut parts = self.resource.split('/');
        (parts.next().unwrap_or_default(), parts.collect())
    }
}

impl Scope {
    /// The ARN of a resource of this scope: `scope.arn("cluster/blue")`.
    pub fn arn(&self, resource: &str) -> String {
        let Self {
            partition,
            account,
            region,
        } = self;
        format!("arn:{partition}:ecs:{region}:{account}:{resource}")
    }

    /// The name of the cluster that a request names: by name, by ARN, or `default`.
    pub fn cluster_name(&self, named: Option<&str>) -> Result<String, Refusal> {
        let named = named.filter(|named| !named.is_empty()).unwrap_or("default");
        if !named.starts_with("arn:") {
            return Ok(named.to_owned());
        }
        match self.own(named)?.split() {
            ("cluster", of_it) if of_it.len() == 1 => Ok(of_it[0].to_owned()),
            (kind, _) => Err(refuse!(
                InvalidParameterException,
                "Invalid identifier: Identifier is for {kind}. Expected: cluster"
            )),
        }
    }

    /// An ARN that a request names, if it is of this account and region.
    pub fn own(&self, text: &str) -> Result<Arn, Refusal> {
        let arn: Arn = text.parse().map_err(|_| {
            refuse!(
                InvalidParameterException,
                "Invalid identifier: Unexpected number of separators"
            )
        })?;
        if arn.account != self.account {
            return Err(refuse!(
                InvalidParameterException,
                "Identifier is for {other}. Your accountId is {account}",
                other = arn.account,
                account = self.account
            ));
        }
        if arn.region != self.region {
            return Err(refuse!(
                InvalidParameterException,
                "Invalid identifier: Identifier is for region {other}. The request is for {region}",
                other = arn.region,
                region = self.region
            ));
        }
        Ok(arn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_read_as_it_is_written() {
        let text = "arn:aws:ecs:eu-west-1:123456789012:task/blue/0af3";
        let arn: Arn = text.parse().unwrap();
        assert_eq!(arn.to_string(), text);
        assert_eq!(arn.split(), ("task", vec!["blue", "0af3"]));
        for wrong in [
            "",
            "arn:aws:ecs:eu-west-1:1",
            "arn:aws:s3:eu-west-1:1:a/b",
            "arn:aws:ecs:r:a:cluster",
        ] {
            assert_eq!(wrong.parse::<Arn>(), Err(NotAnArn(wrong.to_owned())));
        }
    }

    #[test]
    fn a_cluster_is_named_by_name_by_arn_or_not_at_all() {
        let scope = Scope::new("123456789012", "eu-west-1");
        let name = |named| scope.cluster_name(named).map_err(|refusal| refusal.message);
        assert_eq!(name(None), Ok("default".to_owned()));
        assert_eq!(name(Some("")), Ok("default".to_owned()));
        assert_eq!(name(Some("blue")), Ok("blue".to_owned()));
        assert_eq!(
            name(Some("arn:aws:ecs:eu-west-1:123456789012:cluster/blue")),
            Ok("blue".to_owned())
        );
        assert_eq!(
            name(Some("arn:aws:ecs:eu-west-1:1:cluster/blue")),
            Err("Identifier is for 1. Your accountId is 123456789012".to_owned())
        );
        for (kind, resource) in [("service", "service/blue/web"), ("cluster", "cluster/blue/more")] {
            let arn = format!("arn:aws:ecs:eu-west-1:123456789012:{resource}");
            let wrong = format!("Invalid identifier: Identifier is for {kind}. Expected: cluster");
            assert_eq!(scope.cluster_name(Some(&arn)).unwrap_err().message, wrong);
        }
    }
}
