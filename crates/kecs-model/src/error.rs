//! What is refused, with which code and status.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Writes the enumeration of codes, each with its status.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $status:literal,)*) => {
        /// The code of an error, as in `__type`.
        ///
        /// AWS answers what the client did wrong with 400, also where the signature or a permission is missing:
        /// the JSON protocols know no 401 and 403.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// Every code: those of the model in alphabetical order, then those of the wire.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name, as in `__type`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The status of the HTTP answer.
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)*
                }
            }
        }
    };
}

codes! {
    /// The caller may not do this.
    AccessDeniedException 400,
    /// A resource has as many attributes as it may.
    AttributeLimitExceededException 400,
    /// The account may not use the service.
    BlockedException 400,
    /// The client asks for what cannot be done.
    ClientException 400,
    /// The cluster has a capacity provider of its own.
    ClusterContainsCapacityProviderException 400,
    /// The cluster has container instances.
    ClusterContainsContainerInstancesException 400,
    /// The cluster has services.
    ClusterContainsServicesException 400,
    /// The cluster has tasks.
    ClusterContainsTasksException 400,
    /// There is no such cluster.
    ClusterNotFoundException 400,
    /// A token was used before, with another request. Has the member `resourceIds`.
    ConflictException 400,
    /// The daemon is not active.
    DaemonNotActiveException 400,
    /// There is no such daemon.
    DaemonNotFoundException 400,
    /// There is no such gateway.
    GatewayNotFoundException 400,
    /// A parameter is wrong.
    InvalidParameterException 400,
    /// There are as many as there may be.
    LimitExceededException 400,
    /// The agent tells no version.
    MissingVersionException 400,
    /// There is no such namespace.
    NamespaceNotFoundException 400,
    /// The agent is as new as it can be.
    NoUpdateAvailableException 400,
    /// The platform version cannot run the task definition.
    PlatformTaskDefinitionIncompatibilityException 400,
    /// There is no such platform version.
    PlatformUnknownException 400,
    /// Others need the resource.
    ResourceInUseException 400,
    /// There is no such resource.
    ResourceNotFoundException 400,
    /// The server failed.
    ServerException 500,
    /// There is no such service deployment.
    ServiceDeploymentNotFoundException 400,
    /// The service is being deleted, or is deleted.
    ServiceNotActiveException 400,
    /// There is no such service.
    ServiceNotFoundException 400,
    /// Nothing can be run in the container now.
    TargetNotConnectedException 400,
    /// The target of an attribute is not there.
    TargetNotFoundException 400,
    /// There is no such task set.
    TaskSetNotFoundException 400,
    /// The feature is not there.
    UnsupportedFeatureException 400,
    /// The resource is being changed.
    UpdateInProgressException 400,
    /// There is no such operation.
    UnknownOperationException 400,
    /// The body is no JSON, or a value in it is of another type.
    SerializationException 400,
    /// The request is not signed.
    MissingAuthenticationTokenException 400,
    /// The signature lacks a part.
    IncompleteSignatureException 400,
    /// The signature is wrong, or was made too long ago or too far ahead.
    InvalidSignatureException 400,
    /// The access key is not known.
    UnrecognizedClientException 400,
    /// The session token is not valid any more.
    ExpiredTokenException 400,
    /// Too many requests.
    ThrottlingException 400,
    /// The method or the path is none of the protocol.
    InvalidAction 400,
    /// The body is larger than what is read.
    RequestEntityTooLargeException 413,
    /// The request took too long to arrive.
    RequestTimeoutException 408,
    /// The server failed before it knew the operation.
    InternalFailure 500,
    /// The server does not take requests now.
    ServiceUnavailableException 503,
}

impl ErrorCode {
    /// The code of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// An answer other than the one asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// What kind of error it is.
    pub code: ErrorCode,
    /// What is told to the caller, in the words of AWS where they are known.
    pub message: String,
    /// Further members of the exception, such as `resourceIds` of [`ErrorCode::ConflictException`].
    pub members: Map<String, Value>,
}

impl Refusal {
    /// A refusal without further members.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            members: Map::new(),
        }
    }

    /// What [`refuse!`](crate::refuse) makes.
    #[doc(hidden)]
    pub fn said(code: ErrorCode, message: String) -> Self {
        Self {
            code,
            message,
            members: Map::new(),
        }
    }

    /// A `ClientException`.
    pub fn client(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ClientException, message)
    }

    /// An `InvalidParameterException`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParameterException, message)
    }

    /// A `ServerException`.
    pub fn server(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ServerException, message)
    }

    /// The same with a further member.
    #[must_use]
    pub fn with(mut self, member: impl Into<String>, value: impl Into<Value>) -> Self {
        self.members.insert(member.into(), value.into());
        self
    }

    /// The body of the answer. A member cannot take the place of `__type` and `message`.
    pub fn body(&self) -> Value {
        let mut body = self.members.clone();
        body.insert("__type".to_owned(), self.code.name().into());
        body.insert("message".to_owned(), self.message.as_str().into());
        Value::Object(body)
    }
}
