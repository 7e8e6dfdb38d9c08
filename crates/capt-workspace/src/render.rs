//! From the spec of a workspace and what it refers to, to the files and the environment of a run.
//!
//! # Guarantees
//!
//! Terraform reads `*.auto.tfvars` and `*.auto.tfvars.json` in the order of their names, and what it reads
//! later wins. The names are chosen so that a later entry of `varFiles` wins over an earlier one, and
//! `varmap` and `vars` win over all of them, as with Crossplane.

use std::collections::BTreeMap;

use capt_api::terraform_workspace::{
    ApprovalPolicy, EngineChoice, FileFormat, ForProvider, ManagementPolicy, ModuleSource,
    TerraformWorkspaceSpec,
};
use capt_core::fault::{Fault, FaultClass};
use capt_status::{digest, digest_bytes};
use capt_terraform::EngineKind;
use serde_json::{Value, json};

use crate::inputs::{Credentials, Inputs, Source, source_of_file, source_of_variable};
use crate::variables::variables;

/// The names of the file that holds the module, in either language.
pub(crate) const MODULES: [&str; 2] = ["main.tf", "main.tf.json"];
/// How the names of variable files go on after their number and a dash.
pub(crate) const VARIABLE_FILE: &str = "varfile.";
/// The variables of the spec, which sort behind every variable file.
pub(crate) const VARIABLES: &str = "capt.auto.tfvars.json";
/// The shared credentials file of AWS, in the directory in which Terraform runs.
const CREDENTIALS: &str = "aws-credentials";
/// The key of a credentials Secret that holds such a file; the name that Crossplane's documents give it.
const CREDENTIALS_KEY: &str = "credentials";

/// The resource types that are protected where the spec names none: to build them anew takes a quarter of an
/// hour at best and loses everything in them.
const PROTECTED: &[&str] = &["aws_eks_cluster", "aws_vpc"];

/// Environment variables that would change what the engine does behind its back.
const ENGINE_ENVIRONMENT: &[&str] = &[
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "TF_CLI_CONFIG_FILE",
    "TF_DATA_DIR",
    "TF_ENCRYPTION",
    "TF_IN_AUTOMATION",
    "TF_INPUT",
    "TF_LOG_PATH",
    "TF_PLUGIN_CACHE_DIR",
    "TF_REATTACH_PROVIDERS",
    "TF_WORKSPACE",
];

/// The most bytes of one environment variable, with its name, the sign between and the end, that Linux takes
/// (`MAX_ARG_STRLEN`).
const LONGEST_ENVIRONMENT: usize = 128 * 1024;

/// What a run gets. It has no `Debug`: it holds secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// The files of the root module.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// The environment.
    pub(crate) env: BTreeMap<String, String>,
}

/// Renders the spec of a workspace in `namespace`. What is missing in `inputs` is left out: whoever starts a
/// run has looked at [`Inputs::missing`] before.
pub(crate) fn render(
    spec: &TerraformWorkspaceSpec,
    inputs: &Inputs,
    namespace: &str,
) -> Result<Rendered, Fault> {
    let provider = &spec.for_provider;
    let mut rendered = Rendered::default();
    let files = &mut rendered.files;
    files.insert(
        module_file(provider)?.to_owned(),
        provider.module.clone().into_bytes(),
    );
    for (index, file) in provider.var_files.iter().enumerate() {
        let field = format!("spec.forProvider.varFiles[{index}]");
        let Some(source) = source_of_file(file, namespace) else {
            let message = "the source of the variable file and its reference do not fit together";
            return Err(Fault::new(FaultClass::Invalid, "InvalidVarFile", message).on(field));
        };
        let extension = match file.format.unwrap_or_default() {
            FileFormat::HCL => "auto.tfvars",
            FileFormat::JSON => "auto.tfvars.json",
        };
        if let Some(content) = inputs.values.get(&source) {
            files.insert(format!("{index:02}-{VARIABLE_FILE}{extension}"), content.clone());
        }
    }
    let variables = variables(provider)?;
    if !variables.is_empty() {
        files.insert(
            VARIABLES.to_owned(),
            Value::Object(variables).to_string().into_bytes(),
        );
    }
    credentials(&inputs.credentials, &mut rendered);
    environment(provider, inputs, namespace, &mut rendered.env)?;
    Ok(rendered)
}

/// The name of the file that the module is written to.
fn module_file(spec: &ForProvider) -> Result<&'static str, Fault> {
    let unsupported = |field: &str, code: &str, message: &str| {
        Err(Fault::new(FaultClass::Invalid, code, message).on(format!("spec.forProvider.{field}")))
    };
    match spec.source {
        ModuleSource::Inline => {}
        ModuleSource::Remote => {
            let message = "the native backend runs inline modules only; write an inline module that calls this \
                           one (module \"it\" { source = ... }) and names the outputs";
            return unsupported("source", "UnsupportedSource", message);
        }
        ModuleSource::Flux => {
            let message = "the native backend runs inline modules only, and reads no Flux source";
            return unsupported("source", "UnsupportedSource", message);
        }
    }
    if spec
        .entrypoint
        .as_deref()
        .is_some_and(|entrypoint| !entrypoint.is_empty())
    {
        return unsupported(
            "entrypoint",
            "UnsupportedEntrypoint",
            "an inline module has no directories to run in",
        );
    }
    Ok(match spec.inline_format.unwrap_or_default() {
        FileFormat::HCL => MODULES[0],
        FileFormat::JSON => MODULES[1],
    })
}

/// A key `credentials` is AWS's shared credentials file; keys that are named like environment variables are
/// those. Whatever else is in the Secret is left alone.
fn credentials(credentials: &Credentials, rendered: &mut Rendered) {
    let Credentials::Found { data, .. } = credentials else {
        return;
    };
    for (key, value) in data {
        if key == CREDENTIALS_KEY {
            rendered.files.insert(CREDENTIALS.to_owned(), value.clone());
            rendered
                .env
                .insert("AWS_SHARED_CREDENTIALS_FILE".to_owned(), CREDENTIALS.to_owned());
        } else if is_variable_name(key)
            && key.bytes().all(|byte| !byte.is_ascii_lowercase())
            && refuse_variable(key).is_ok()
            && let Ok(value) = String::from_utf8(value.clone())
            && !value.contains('\0')
        {
            rendered.env.insert(key.clone(), value);
        }
    }
}

fn environment(
    spec: &ForProvider,
    inputs: &Inputs,
    namespace: &str,
    env: &mut BTreeMap<String, String>,
) -> Result<(), Fault> {
    for variable in &spec.env {
        let name = &variable.name;
        refuse_variable(name)?;
        let value = match source_of_variable(variable, namespace) {
            None => variable.value.clone().unwrap_or_default(),
            Some(source) => match inputs.values.get(&source) {
                None => continue,
                Some(value) => String::from_utf8(value.clone())
                    .map_err(|_| invalid_variable(name, "has a value that is not text"))?,
            },
        };
        if value.contains('\0') {
            return Err(invalid_variable(name, "has a value with a zero byte"));
        }
        if name.len() + value.len() + 2 > LONGEST_ENVIRONMENT {
            return Err(invalid_variable(
                name,
                "is longer than the 128 KiB that a process can be given; hand it over in vars or varFiles",
            ));
        }
        env.insert(name.clone(), value);
    }
    Ok(())
}

fn refuse_variable(name: &str) -> Result<(), Fault> {
    if !is_variable_name(name) {
        return Err(invalid_variable(name, "is no name of an environment variable"));
    }
    // The Kubernetes backend takes its identity from these wherever its configuration leaves one open.
    if name.starts_with("KUBE_") {
        let why =
            "would change as whom Terraform reaches its state; configure the provider in the module instead";
        return Err(invalid_variable(name, why));
    }
    if ENGINE_ENVIRONMENT.contains(&name) || name.starts_with("TF_CLI_ARGS") || name.starts_with("LD_") {
        return Err(invalid_variable(name, "is set by CAPT itself"));
    }
    Ok(())
}

fn is_variable_name(name: &str) -> bool {
    let starts = name
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    starts
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn invalid_variable(name: &str, why: &str) -> Fault {
    let message = format!("the environment variable {name} {why}");
    Fault::new(FaultClass::Invalid, "InvalidEnvironment", message).on("spec.forProvider.env")
}

/// Refuses an engine that is not there, and one that would have to read the state of another one.
///
/// `used` is the engine that this workspace was applied with, if it ever was.
pub(crate) fn check_engine(
    spec: &TerraformWorkspaceSpec,
    installed: EngineKind,
    used: Option<&str>,
) -> Result<(), Fault> {
    let fault = |message: String| {
        Err(Fault::new(FaultClass::Invalid, "EngineUnavailable", message).on("spec.engine"))
    };
    let choice = spec.engine.unwrap_or_default();
    if choice != EngineChoice::Auto && choice.name() != installed.name() {
        let wanted = choice.name();
        return fault(format!(
            "the engine {wanted} is not installed here; there is {installed}"
        ));
    }
    match used.filter(|used| choice == EngineChoice::Auto && *used != installed.name()) {
        Some(used) => fault(format!(
            "the state was written by {used}, and here there is {installed}; set spec.engine to \
             {installed} if it can read that state"
        )),
        None => Ok(()),
    }
}

/// Refuses what the native backend does not do.
pub(crate) fn check_policies(spec: &TerraformWorkspaceSpec) -> Result<(), Fault> {
    let policies = &spec.management_policies;
    let may = |policy| {
        policies.is_empty() || policies.contains(&ManagementPolicy::All) || policies.contains(&policy)
    };
    if !may(ManagementPolicy::Create) || !may(ManagementPolicy::Update) {
        let message =
            "the native backend creates and changes what a workspace describes; it cannot only observe";
        return Err(
            Fault::new(FaultClass::Invalid, "UnsupportedPolicy", message).on("spec.managementPolicies")
        );
    }
    match spec.approval.unwrap_or_default() {
        ApprovalPolicy::Never | ApprovalPolicy::Protected => Ok(()),
        ApprovalPolicy::Always => {
            let message =
                "plans can wait for approval only where they remove or replace a protected resource";
            Err(Fault::new(FaultClass::Invalid, "UnsupportedPolicy", message).on("spec.approval"))
        }
    }
}

/// The resource types whose removal or replacement waits for an approval.
pub(crate) fn protected(spec: &TerraformWorkspaceSpec) -> Vec<String> {
    match spec.approval.unwrap_or_default() {
        ApprovalPolicy::Never => Vec::new(),
        ApprovalPolicy::Protected | ApprovalPolicy::Always => match &spec.protect {
            Some(types) => types.clone(),
            None => PROTECTED.iter().map(|&kind| kind.to_owned()).collect(),
        },
    }
}

/// The digest of everything that decides what is applied. It can always be computed, also where the spec
/// cannot be rendered or something is missing; secrets take part through digests of their own.
///
/// `refused` is why nothing can be made of it at present. That depends on more than the spec: on the namespaces that the
/// operator may use, on its engine, on who owns a Secret. So what is refused for another reason, or for none, is another
/// input.
pub(crate) fn input_digest(
    spec: &TerraformWorkspaceSpec,
    inputs: &Inputs,
    namespace: &str,
    refused: Option<&Fault>,
) -> String {
    let provider = ForProvider {
        other: BTreeMap::new(),
        destroy_args: Vec::new(),
        enable_terraform_cli_logging: None,
        ..spec.for_provider.clone()
    };
    let content = |source: &Source| inputs.values.get(source).map(|value| digest_bytes(value));
    let sources = crate::inputs::sources(spec, namespace);
    let contents: BTreeMap<String, Option<String>> = sources
        .iter()
        .map(|source| (source.to_string(), content(source)))
        .collect();
    let credentials: BTreeMap<&str, String> = match &inputs.credentials {
        Credentials::Unnamed | Credentials::Absent(_) => BTreeMap::new(),
        Credentials::Found { data, .. } => data
            .iter()
            .map(|(key, value)| (&**key, digest_bytes(value)))
            .collect(),
    };
    let mut input = json!({
        "forProvider": provider,
        "contents": contents,
        "credentials": credentials,
        "engine": spec.engine.unwrap_or_default().name(),
        "backend": spec.backend,
        "protected": protected(spec),
        "approval": spec.approval.unwrap_or_default(),
    });
    if let Some(fault) = refused {
        input["refused"] = json!([fault.code, fault.subject, fault.message]);
    }
    digest(&input)
}

#[cfg(test)]
mod tests;
