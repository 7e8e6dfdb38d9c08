//! Classes by the words of a message.
//!
//! The rules stand in the order in which they are tried: what names its cause beyond doubt first, what many
//! causes share last.

use super::{Classified, ErrorClass};

use ErrorClass::{
    AuthCredentials, AuthPermission, Config, Conflict, Dependency, Environment, EventualConsistency,
    Interrupted, Plugin, Quota, StaleWorkspace, State, StateLock, Transient,
};

/// A text in the forms that rules ask for.
pub(super) struct Text<'a> {
    pub(super) raw: &'a str,
    /// In small letters, every run of blanks and line ends one blank: Terraform breaks lines where they fit.
    pub(super) lower: String,
}

impl<'a> Text<'a> {
    pub(super) fn new(raw: &'a str) -> Self {
        let words = raw
            .split(|c: char| c.is_whitespace() || matches!(c, '│' | '╷' | '╵'))
            .filter(|word| !word.is_empty());
        Self {
            raw,
            lower: words.collect::<Vec<_>>().join(" ").to_lowercase(),
        }
    }

    fn says(&self, part: &str) -> bool {
        self.lower.contains(part)
    }

    fn any(&self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.says(part))
    }
}

/// One rule: a code for programs, a class, and words of which one must be there.
type Rule = (&'static str, ErrorClass, &'static [&'static str]);

/// What is beyond doubt and must be seen before any code of AWS: what happened to the run or to the state itself.
const FIRST: &[Rule] = &[
    (
        "Interrupted",
        Interrupted,
        &[
            "execution halted",
            "operation canceled",
            "interrupt received",
            "two interrupts received",
            "shutdown while running terraform command",
            "signal: interrupt",
        ],
    ),
    (
        "StalePlan",
        StaleWorkspace,
        &[
            "saved plan is stale",
            "the given plan file can no longer be applied",
            "saved plan does not match the given state",
        ],
    ),
];

const RULES: &[Rule] = &[
    (
        "StateLocked",
        StateLock,
        &[
            "lock info:",
            "state is already locked",
            "already locked by another",
            "remote state already locked",
            "already locked for workspace",
            "does not match existing lock",
            "failed to unlock state",
            "lock is already held",
            "the state is locked",
            "conditionalcheckfailed",
            "resource temporarily unavailable",
            "error locking state",
            "error unlocking the state",
            "lock id should be numerical",
        ],
    ),
    (
        "DiskFull",
        Environment,
        &[
            "no space left on device",
            "disk quota exceeded",
            "read-only file system",
            "too many open files",
        ],
    ),
    (
        "OutOfMemory",
        Environment,
        &[
            "exit code 137",
            "cannot allocate memory",
            "out of memory",
            "oomkilled",
            "signal: killed",
        ],
    ),
    (
        "StateNotSaved",
        State,
        &[
            "failed to persist state",
            "failed to save state",
            "error saving state",
            "errored.tfstate",
            "failed to upload state",
        ],
    ),
    (
        "StateUnreadable",
        State,
        &[
            "unsupported state file format",
            "state data in s3 does not have the expected content",
            "state snapshot was created by",
            "state file could not be parsed",
            "state file uses format version",
            "failed to decode state",
            "newer than current",
            "created by a newer version",
            "checksum calculated for the state",
            "digest value stored in",
            "unsupported checkable object kind",
            "cannot import state with lineage",
            "cannot overwrite existing state",
            "invalid state file",
            "failed to read state",
            "error loading state",
            "error refreshing state",
            "state is corrupt",
            "resource instance managed by newer provider",
            "failed to load state",
            "state file is either outdated",
            "cannot import state with serial",
        ],
    ),
    (
        "ModuleNotInstalled",
        StaleWorkspace,
        &[
            "module not installed",
            "please run \"terraform init\"",
            "run \"terraform init\" to",
            "terraform init -upgrade",
            "inconsistent dependency lock file",
            "backend initialization required",
            "backend configuration changed",
            "required plugins are not installed",
            "module source has changed",
            "module version requirements have changed",
            "provider requirements cannot be satisfied by locked dependencies",
            "initialization required",
            "reason: initial configuration of the requested backend",
            "missing required provider",
            "tofu init\" to",
            "please run \"tofu init\"",
            "the cached package for",
            "doesn't match any of the checksums",
            "plugins are not consistent with the lock file",
        ],
    ),
    (
        "PluginBinaryUnusable",
        Environment,
        &[
            "permission denied",
            "exec format error",
            "executable file not found",
            "command not found",
            "operation not permitted",
            "git must be available",
        ],
    ),
    ("FileBusy", Transient, &["text file busy"]),
    (
        "PluginCrashed",
        Plugin,
        &[
            "plugin did not respond",
            "plugin crashed",
            "timeout while waiting for plugin to start",
            "request cancelled: the plugin",
            "all subconns are in transientfailure",
            "failed to instantiate provider",
            "failed to load plugin schemas",
            "could not load plugin",
            "plugin exited",
            "failed to obtain provider schema",
            "unrecognized remote plugin message",
            "error reading from server: eof",
            "transport is closing",
            "transport: error while dialing: dial unix",
            "incompatible api version with plugin",
            "panic: ",
            "plugin process exited",
            "provider produced invalid",
        ],
    ),
    (
        "MetadataUnreachable",
        AuthCredentials,
        &[
            "169.254.169.254",
            "no ec2 imds role found",
            "ec2imds",
            "no valid credential sources",
            "nocredentialproviders",
            "failed to refresh cached credentials",
            "failed to retrieve credentials",
            "could not find credentials",
            "unable to locate credentials",
            "no valid credential",
            "security token included in the request is",
            "token has expired",
            "token is expired",
            "expired token",
            "invalid web identity",
            "web identity token",
            "error validating provider credentials",
            "credentials are invalid",
            "invalid credentials",
            "shared config profile",
            "failed to get shared config profile",
            "sso session has expired",
            "the sso session",
            "getting credentials: exec",
            "you must be logged in to the server",
            "failed to read credentials",
            "webidentityerr",
            "static credentials are empty",
            "401 unauthorized",
            "provide credentials",
            "asked for the client to provide credentials",
            "service account token",
            "missing credentials",
            "no credentials",
            "error configuring terraform aws provider: no valid",
            "expired or invalid token",
            "authentication required",
            "bad credentials",
        ],
    ),
    (
        "AccessDenied",
        AuthPermission,
        &[
            "not authorized to perform",
            "you are not authorized",
            "access denied",
            "accessdenied",
            "cannot be assumed",
            "is forbidden: user",
            "explicit deny",
            "insufficient privileges",
            "insufficient permissions",
            "403 forbidden",
            "statuscode: 403",
            "status code: 403",
            "forbidden: user",
            "does not have permission",
            "permission to perform",
            "no identity-based policy allows",
            "encoded authorization failure",
            "attempting to grant rbac permissions not currently held",
            "not have the required permission",
            "http response error statuscode: 403",
        ],
    ),
    (
        "LocalhostRefused",
        Config,
        &[
            "http://localhost/",
            "http://localhost:80/",
            "localhost:80:",
            "dial tcp 127.0.0.1:80:",
            "dial tcp [::1]:80:",
            "invalid configuration: no configuration has been provided",
        ],
    ),
    (
        "QuotaExceeded",
        Quota,
        &[
            "current instance limit",
            "vcpu limit",
            "current vcpu limit",
            "quota exceeded",
            "exceeded quota",
            "quota has been",
            "maximum number of",
            "limit exceeded for",
            "service limit",
            "exceeded the maximum",
            "exceeds the maximum",
            "exceed quota",
            "limit of 5",
            "not enough ip addresses",
            "insufficient free addresses",
            "insufficientfreeaddresses",
            "has reached the limit",
            "limit has been reached",
            "request an adjustment to this limit",
            "requestlimit increase",
            "limit increase",
        ],
    ),
    (
        "Throttled",
        Transient,
        &[
            "request limit exceeded",
            "has been throttled",
            "rate exceeded",
            "too many requests",
            "throttling",
            "slow down",
            "rate limit",
            "status code: 429",
            "statuscode: 429",
            "429 too many",
            "api rate limit",
            "client rate limiter",
            "failed to get rate limit token",
            "retry quota exceeded",
        ],
    ),
    (
        "AlreadyExists",
        Conflict,
        &[
            "already exists",
            "already associated with",
            "already been taken",
            "already in use by",
            "cannot re-use a name that is still in use",
            "name is already taken",
            "conflicts with another",
            "bucketalready",
            "already managed by terraform",
            "conflict with existing",
            "is already being used by",
            "already owned by",
            "resource already managed",
            "overlaps with",
            "conflicts with an existing",
            "invalid ownership metadata",
            "exists and cannot be imported into the current release",
        ],
    ),
    (
        "InProgress",
        Dependency,
        &[
            "another operation (install/upgrade/rollback) is in progress",
            "update in progress",
            "has dependencies and cannot",
            "nodegroups attached",
            "node groups attached",
            "is attached to",
            "currently in use",
            "still in use",
            "has mapped public address",
            "is not in active state",
            "is not active",
            "is currently being",
            "still has",
            "cluster is not ready",
            "not yet ready",
            "no available nodes",
            "no nodes available",
            "cannot be deleted because",
            "must be deleted first",
            "cannot delete entity, must",
            "waiting for",
            "not in a valid state",
            "cannot be detached",
            "is not empty",
            "operation in progress",
        ],
    ),
    (
        "NotVisibleYet",
        EventualConsistency,
        &[
            "couldn't find resource",
            "root resource was present, but now absent",
            "root object was present, but now absent",
            "empty result",
            "could not be assumed because it does not exist",
            "invalid iam instance profile",
            "invalid principal in policy",
            "not found after creation",
            "provider produced inconsistent result after apply",
            "does not exist or the trusted entity",
            "no matching ec2 vpc",
            "couldn't find state",
            "resource not found after",
        ],
    ),
    (
        "ProviderUnavailable",
        Transient,
        &[
            "failed to query available provider packages",
            "could not retrieve the list of available versions",
            "error accessing remote module registry",
            "could not connect to registry",
            "failed to request discovery document",
            "failed to download module",
            "could not download module",
            "error while installing",
            "checksums from",
            "registry service is unreachable",
            "failed to retrieve available versions",
            "failed to fetch",
        ],
    ),
    (
        "ResourceFailed",
        Transient,
        &[
            "internal server error",
            "internal error",
            "service unavailable",
            "bad gateway",
            "gateway timeout",
            "statuscode: 500",
            "statuscode: 502",
            "statuscode: 503",
            "statuscode: 504",
            "status code: 500",
            "status code: 502",
            "status code: 503",
            "status code: 504",
            "http 500",
            "http 502",
            "http 503",
            "http 504",
            "try again later",
            "please try again",
            "please retry",
            "is being validated",
            "the server is currently unable",
            "etcdserver",
            "the object has been modified",
            "leader changed",
            "insufficient capacity",
            "insufficientinstancecapacity",
            "sufficient capacity",
        ],
    ),
    (
        "NetworkFailure",
        Transient,
        &[
            "i/o timeout",
            "connection refused",
            "connection reset",
            "no such host",
            "tls handshake timeout",
            "context deadline exceeded",
            "client.timeout",
            "request send failed",
            "send request failed",
            "unexpected eof",
            ": eof",
            "broken pipe",
            "network is unreachable",
            "no route to host",
            "temporary failure in name resolution",
            "server misbehaving",
            "http2:",
            "timeout while waiting",
            "timed out",
            "connection timed out",
            "deadline exceeded",
            "use of closed network connection",
            "giving up after",
            "use of closed",
            "proxyconnect",
            "net/http:",
            "client connection lost",
            "connection was forcibly",
            "server closed idle connection",
            "timeout awaiting response",
        ],
    ),
];

/// What a person has to write otherwise.
const CONFIG: &[Rule] = &[
    (
        "MissingVariable",
        Config,
        &["no value for required variable", "missing required variable"],
    ),
    (
        "InvalidVariable",
        Config,
        &[
            "invalid value for variable",
            "invalid value for input variable",
            "value for undeclared variable",
            "invalid variable",
        ],
    ),
    (
        "Undeclared",
        Config,
        &[
            "reference to undeclared",
            "reference to unknown",
            "undeclared resource",
            "has not been declared in",
            "invalid reference",
            "unsupported attribute",
            "is not declared",
            "self-referential",
            "attempt to index null",
            "attempt to get attribute from null",
        ],
    ),
    (
        "InvalidSyntax",
        Config,
        &[
            "invalid expression",
            "argument or block definition required",
            "unclosed configuration block",
            "invalid block definition",
            "invalid character",
            "missing newline after",
            "invalid multi-line string",
            "unterminated template",
            "invalid json",
            "invalid configuration syntax",
            "extra characters after",
            "missing item separator",
            "unbalanced parentheses",
            "missing key/value separator",
            "invalid template",
            "missing close",
            "invalid attribute name",
            "unclosed",
        ],
    ),
    (
        "UnsupportedArgument",
        Config,
        &[
            "unsupported argument",
            "unsupported block type",
            "missing required argument",
            "an argument named",
            "missing required block",
            "blocks of type",
            "too many blocks",
            "insufficient blocks",
            "missing attribute",
            "conflicting configuration arguments",
            "invalid combination of arguments",
            "extraneous label",
            "missing name for resource",
            "missing resource",
            "duplicate ",
            "missing argument",
        ],
    ),
    (
        "InvalidType",
        Config,
        &[
            "inappropriate value for attribute",
            "incorrect attribute value type",
            "invalid function argument",
            "error in function call",
            "call to unknown function",
            "invalid index",
            "invalid count argument",
            "invalid for_each argument",
            "inconsistent conditional result types",
            "unsuitable value",
            "invalid operand",
            "invalid template interpolation value",
            "wrong type",
            "expected type",
            "expected ",
            "must be one of",
            "is required, but no definition",
            "iteration over",
            "not a valid",
            "is not a valid",
            "invalid dynamic for_each",
        ],
    ),
    ("Cycle", Config, &["cycle: "]),
    (
        "CoreVersion",
        Config,
        &[
            "unsupported terraform core version",
            "unsupported opentofu core version",
            "does not support terraform version",
            "unsupported provider version",
        ],
    ),
    (
        "ProviderUnknown",
        Config,
        &[
            "invalid provider configuration",
            "provider configuration not present",
            "invalid provider",
            "provider registry.terraform.io/hashicorp/",
            "does not have a provider named",
            "no available releases match",
            "incompatible provider version",
            "invalid version constraint",
            "unresolvable module version constraint",
            "is not available for",
            "does not have a package available",
            "no provider registry",
            "not available on this host",
            "invalid provider registry host",
            "invalid registry",
            "module not found",
            "unreadable module",
            "unable to evaluate directory symlink",
            "could not resolve module",
            "duplicate provider",
            "missing required provider configuration",
            "no module with address",
            "error: invalid module source",
            "invalid module",
            "unsupported hash type",
            "provider type mismatch",
            "unsupported backend type",
            "invalid backend",
            "missing region",
            "missing base",
            "no configuration files",
        ],
    ),
    (
        "CheckFailed",
        Config,
        &[
            "precondition failed",
            "postcondition failed",
            "check block assertion failed",
            "validation rule",
            "instance cannot be destroyed",
            "prevent_destroy",
            "resource precondition",
            "unsupported kubernetes version",
            "invalid aws region",
            "invalid cidr",
            "unsupported version",
            "not supported",
            "invalid or unknown key",
            "parsing ",
            "cannot parse",
            "failed to parse",
            "error parsing",
            "yaml:",
            "unmarshal",
            "chart not found",
            "chart.yaml file is missing",
            "no matches for kind",
            "is invalid: ",
            "unknown variable",
            "could not find the requested resource",
            "resource not found",
            "does not exist",
            "failed to decode",
            "requires replacing",
            "unknown field",
            "invalid value",
            "local-exec provisioner error",
        ],
    ),
];

/// Judges a text by its words.
pub(super) fn by_words(text: &Text<'_>) -> Option<Classified> {
    special(text).or_else(|| first_match(text, RULES.iter().chain(CONFIG)))
}

/// What decides whatever code stands beside it.
pub(super) fn beyond_doubt(text: &Text<'_>) -> Option<Classified> {
    first_match(text, FIRST.iter())
}

fn first_match<'a>(text: &Text<'_>, mut rules: impl Iterator<Item = &'a Rule>) -> Option<Classified> {
    rules
        .find(|(_, _, words)| text.any(words))
        .map(|(code, class, _)| judged(code, *class))
}

fn judged(code: &str, class: ErrorClass) -> Classified {
    Classified {
        class: Some(class),
        code: code.to_owned(),
    }
}

/// Where the same words mean different things by what was being done.
fn special(text: &Text<'_>) -> Option<Classified> {
    let unreachable = text.any(&[
        "no such host",
        "i/o timeout",
        "connection refused",
        "deadline exceeded",
        "connection reset",
        "tls handshake timeout",
        "timeout",
    ]);
    // The endpoint of a cluster comes up with the cluster.
    let cluster = text.any(&[
        ".eks.amazonaws.com",
        "kubernetes cluster unreachable",
        ".azmk8s.io",
    ]) || (text.says("/api/v1/namespaces/") && !text.says("localhost"));
    if cluster && unreachable && !text.any(&["http://localhost", "127.0.0.1:80:", "[::1]:80:"]) {
        return Some(judged("ClusterUnreachable", Dependency));
    }
    // Terraform's summary for a lock that it could not get speaks of a lock even if there is none.
    if text.says("error acquiring the state lock")
        && !text.says("lock info:")
        && text.any(&["state file", "unsupported state"])
    {
        return Some(judged("StateUnreadable", State));
    }
    if text.any(&[
        "failed to save state",
        "failed to upload state",
        "failed to persist state",
    ]) && text.any(&["access denied", "forbidden"])
    {
        return Some(judged("AccessDenied", AuthPermission));
    }
    if text.says("failed to write state") && text.says("no space left") {
        return Some(judged("DiskFull", Environment));
    }
    // A wait that ran out: for an add-on it is the nodes that are missing, for the rest it is slowness.
    if text.any(&[
        "unexpected state 'degraded'",
        "last state: 'degraded'",
        "unhealthy",
        "insufficient number of replicas",
    ]) {
        return Some(judged("Degraded", Dependency));
    }
    if text.says("timeout while waiting for plugin") {
        return Some(judged("PluginCrashed", Plugin));
    }
    if text.any(&[
        "timeout while waiting for state to become",
        "timeout while waiting for resource",
        "context deadline exceeded while waiting",
    ]) {
        return Some(judged("WaitTimeout", Transient));
    }
    if text.any(&["create_failed", "delete_failed", "update_failed"]) && text.says("last error") {
        return Some(judged("ResourceFailed", Config));
    }
    if is_unauthorized(&text.lower) {
        return Some(judged("Unauthorized", AuthCredentials));
    }
    // Provider names that do not exist: the registry was reached and has said no.
    if text.any(&[
        "does not have a provider named",
        "no available releases match",
        "no versions matching",
        "no version of module",
        "does not have a package available for",
        "module not found",
    ]) {
        return Some(judged("ProviderUnknown", Config));
    }
    None
}

/// The bare word, as a Kubernetes API server answers.
fn is_unauthorized(lower: &str) -> bool {
    let bare = lower
        .trim_start_matches("error: ")
        .trim_end_matches([':', '.', ' ']);
    bare == "unauthorized" || lower.ends_with(": unauthorized") || lower.contains("401 unauthorized")
}
