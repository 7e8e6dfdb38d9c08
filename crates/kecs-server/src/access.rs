//! Who asks, and what they may do.

use jiff::Timestamp;
use kecs_core::key::Scope;
use kecs_model::{ErrorCode, Refusal};

use crate::sigv4::{self, Signature, SignatureFault, SignedRequest};

pub mod keys;
mod policy;
mod resources;

#[cfg(test)]
mod tests;

pub(crate) use keys::FOLLOW_EVENTS;
pub use keys::{KeyFileError, KeyRing};
pub(crate) use policy::matches;
pub use policy::{Policy, Statement, Verdict};
pub use resources::resources;

/// The service in the scope of signatures.
pub const SERVICE: &str = "ecs";

/// How callers are known.
#[derive(Debug, Clone)]
pub enum Access {
    /// Anybody may do anything; a signature says the region and no more.
    Open,
    /// Requests are signed with a key of these.
    Keys(KeyRing),
}

/// What holds where a request says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The account of callers without a key.
    pub account: String,
    /// The region of requests without a signature.
    pub region: String,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose records are meant.
    pub scope: Scope,
    /// The ARN of who asks.
    pub principal: String,
    /// What they may do.
    pub policy: Policy,
}

impl Access {
    /// Who has sent this request.
    pub fn caller(
        &self,
        request: &SignedRequest<'_>,
        home: &Home,
        now: Timestamp,
    ) -> Result<Caller, SignatureFault> {
        match self {
            Self::Open => Ok(open_caller(request, home)),
            Self::Keys(ring) => {
                let signature = Signature::of(request)?.ok_or(SignatureFault::Missing)?;
                let id = &signature.credential.access_key_id;
                let key = ring.get(id).ok_or(SignatureFault::UnknownKey)?;
                // A key that has no token of its own must not come with one.
                if key.session_token != signature.token {
                    return Err(SignatureFault::UnknownKey);
                }
                sigv4::verify(&signature, request, &key.secret_access_key, SERVICE, now)?;
                let account = key.account.as_ref().unwrap_or(&home.account);
                let scope = Scope::new(account, &signature.credential.region);
                Ok(Caller {
                    principal: key.principal.clone().unwrap_or_else(|| root(&scope)),
                    policy: key.policy.clone(),
                    scope,
                })
            }
        }
    }
}

/// A signature that cannot be read is none: nobody asks for one.
fn open_caller(request: &SignedRequest<'_>, home: &Home) -> Caller {
    let signature = Signature::of(request).ok().flatten();
    let region = signature.map(|it| it.credential.region);
    let scope = Scope::new(&home.account, region.unwrap_or_else(|| home.region.clone()));
    Caller {
        principal: root(&scope),
        policy: Policy::default(),
        scope,
    }
}

fn root(scope: &Scope) -> String {
    format!("arn:{}:iam::{}:root", scope.partition, scope.account)
}

impl Caller {
    /// Refuses what the caller may not do: `operation` on any of the resources.
    pub fn authorize(&self, operation: &str, resources: &[String]) -> Result<(), Refusal> {
        for resource in resources {
            let because = match self.policy.verdict(operation, resource) {
                Verdict::Allowed => continue,
                Verdict::Denied => "with an explicit deny in an identity-based policy".to_owned(),
                Verdict::NotAllowed => {
                    format!("because no identity-based policy allows the ecs:{operation} action")
                }
            };
            return Err(Refusal::new(
                ErrorCode::AccessDeniedException,
                format!(
                    "User: {} is not authorized to perform: ecs:{operation} on resource: {resource} {because}",
                    self.principal
                ),
            ));
        }
        Ok(())
    }
}
