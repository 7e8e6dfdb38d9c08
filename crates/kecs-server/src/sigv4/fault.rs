//! Why a signature is refused, in the words of AWS.

use kecs_model::{ErrorCode, Refusal};

/// Why a request is not taken for signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// There is none.
    #[error("Missing Authentication Token")]
    Missing,
    /// Something of it is missing or cannot be read.
    #[error("{0}")]
    Incomplete(String),
    /// It is for another service, region or day.
    #[error("{0}")]
    Scope(String),
    /// The key is not known, or its session token is another.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// It is older or newer than clocks may differ, or a presigned request has had its time.
    #[error("{0}")]
    Skewed(String),
    /// Something that must be signed is not.
    #[error("{0}")]
    Unsigned(String),
    /// It is not the signature of this request by this key.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

impl SignatureFault {
    /// The code that AWS answers with.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Missing => ErrorCode::MissingAuthenticationTokenException,
            Self::Incomplete(_) => ErrorCode::IncompleteSignatureException,
            Self::UnknownKey => ErrorCode::UnrecognizedClientException,
            Self::Scope(_) | Self::Skewed(_) | Self::Unsigned(_) | Self::Mismatch => {
                ErrorCode::InvalidSignatureException
            }
        }
    }
}

impl From<SignatureFault> for Refusal {
    fn from(fault: SignatureFault) -> Self {
        Self::new(fault.code(), fault.to_string())
    }
}
