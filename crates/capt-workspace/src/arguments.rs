//! The extra arguments that a workspace may give to Terraform's commands.
//!
//! Crossplane plans and applies in one command, so its `applyArgs` hold options of planning (`-target`,
//! `-replace`); ours applies a saved plan, which takes none. They are moved to the plan.

use capt_api::terraform_workspace::ForProvider;
use capt_core::fault::{Fault, FaultClass};
use capt_core::record::RunOperation;

/// The arguments of one run, by command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// More arguments of `init`.
    pub(crate) init: Vec<String>,
    /// More arguments of `plan`.
    pub(crate) plan: Vec<String>,
    /// More arguments of `apply`.
    pub(crate) apply: Vec<String>,
}

/// Options that belong to the engine: they decide where state, plan and output go, and whether the lock is
/// taken. With another value a run could not be followed, adopted or trusted.
const REFUSED: &[&str] = &[
    "auto-approve",
    "backend",
    "backend-config",
    "backup",
    "chdir",
    "destroy",
    "detailed-exitcode",
    "force-copy",
    "from-module",
    "generate-config-out",
    "help",
    "input",
    "json",
    "json-into",
    "lock",
    "migrate-state",
    "out",
    "reconfigure",
    "refresh-only",
    "state",
    "state-out",
    "version",
];

/// Options that shape a plan, with whether a value follows them as an argument of its own.
const PLANNING: &[(&str, bool)] = &[
    ("exclude", true),
    ("exclude-file", true),
    ("refresh", false),
    ("replace", true),
    ("target", true),
    ("target-file", true),
];

/// Options that hand over values: on a command line everybody on the machine could read them.
const VALUES: &[&str] = &["var", "var-file"];

/// Options of any command whose value may follow as an argument of its own.
const VALUED: &[&str] = &[
    "lock-timeout",
    "lockfile",
    "parallelism",
    "plugin-dir",
    "test-directory",
];

/// The arguments for `operation`, or the first one that cannot be passed on.
pub(crate) fn arguments(spec: &ForProvider, operation: RunOperation) -> Result<Arguments, Fault> {
    // Whether the apply works is said before anything exists, so the arguments of the destroy are read too.
    let init = options("initArgs", &spec.init_args)?;
    let plan = options("planArgs", &spec.plan_args)?;
    let apply = options("applyArgs", &spec.apply_args)?;
    let destroy = options("destroyArgs", &spec.destroy_args)?;
    let (mut planned, acting) = match operation {
        RunOperation::Apply => (plan, apply),
        RunOperation::Destroy => (Vec::new(), destroy),
    };
    let (planning, acting): (Vec<_>, Vec<_>) =
        acting.into_iter().partition(|option| planning(option).is_some());
    // The same option is often given to both commands.
    let moved: Vec<_> = planning
        .into_iter()
        .filter(|option| !planned.contains(option))
        .collect();
    planned.extend(moved);
    Ok(Arguments {
        init: init.concat(),
        plan: planned.concat(),
        apply: acting.concat(),
    })
}

/// The arguments, grouped into options with their values.
fn options(field: &str, arguments: &[String]) -> Result<Vec<Vec<String>>, Fault> {
    let mut options: Vec<Vec<String>> = Vec::new();
    let mut expects_value = false;
    for argument in arguments {
        if expects_value {
            expects_value = false;
            if let Some(option) = options.last_mut() {
                option.push(argument.clone());
            }
            continue;
        }
        let Some(name) = name(argument) else {
            return Err(refused(field, argument, "is not an option"));
        };
        if REFUSED.contains(&name) {
            return Err(refused(field, argument, "is set by CAPT itself"));
        }
        if VALUES.contains(&name) {
            let why = "would show its value to everybody on the machine; use vars, varmap or varFiles";
            return Err(refused(field, argument, why));
        }
        let valued = VALUED.contains(&name) || is_planning(name) == Some(true);
        expects_value = valued && !argument.contains('=');
        options.push(vec![argument.clone()]);
    }
    if expects_value && let Some(option) = options.pop() {
        return Err(refused(field, &option.concat(), "has no value"));
    }
    Ok(options)
}

/// The name of an option: `-target=x` and `--target` are `target`.
fn name(argument: &str) -> Option<&str> {
    let option = argument
        .strip_prefix("--")
        .or_else(|| argument.strip_prefix('-'))?;
    let name = option.split('=').next()?;
    (!name.is_empty()).then_some(name)
}

fn planning(option: &[String]) -> Option<bool> {
    is_planning(name(option.first()?)?)
}

/// For an option that shapes a plan, whether it takes a value.
fn is_planning(name: &str) -> Option<bool> {
    let known = PLANNING.iter().find(|(known, _)| *known == name)?;
    Some(known.1)
}

/// An option is named without its value, which may be a secret.
fn refused(field: &str, argument: &str, why: &str) -> Fault {
    let shown = argument.split('=').next().unwrap_or_default();
    let message = format!("the argument {shown} {why}; take it out of {field}");
    Fault::new(FaultClass::Invalid, "ArgumentRefused", message).on(format!("spec.forProvider.{field}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(list: &[&str]) -> Vec<String> {
        list.iter().map(|&argument| argument.to_owned()).collect()
    }

    fn apply(plan: &[&str], apply: &[&str]) -> Result<Arguments, Fault> {
        let spec = ForProvider {
            plan_args: of(plan),
            apply_args: of(apply),
            ..ForProvider::default()
        };
        arguments(&spec, RunOperation::Apply)
    }

    #[test]
    fn what_the_engine_decides_is_refused_by_name_and_without_its_value() {
        for argument in [
            "-chdir=/x",
            "--state=secret",
            "-lock=false",
            "-auto-approve",
            "-json",
            "-out",
            "-backend-config=k=secret",
            "-var=name=secret",
            "--var-file=secret",
        ] {
            let fault = apply(&[argument], &[]).unwrap_err();
            assert_eq!(
                (fault.class, &*fault.code),
                (FaultClass::Invalid, "ArgumentRefused")
            );
            assert!(
                fault.message.contains(argument.split('=').next().unwrap()),
                "{fault}"
            );
            assert!(!fault.to_string().contains("secret"), "{fault}");
        }
        let fault = apply(&[], &["-var", "k=v"]).unwrap_err();
        assert_eq!(fault.subject, "spec.forProvider.applyArgs");
        assert!(apply(&["plan.out"], &[]).is_err(), "a file is no option");
        assert!(apply(&["-target"], &[]).is_err(), "a value is missing");
        assert!(apply(&["-lock-timeout=60s", "-parallelism", "2"], &[]).is_ok());
    }

    #[test]
    fn options_of_planning_go_to_the_plan_once() {
        let arguments = apply(
            &["-target=a.b", "-compact-warnings"],
            &[
                "-target=a.b",
                "-replace",
                "c.d",
                "-parallelism=3",
                "-refresh=false",
            ],
        )
        .unwrap();
        assert_eq!(
            arguments.plan,
            of(&[
                "-target=a.b",
                "-compact-warnings",
                "-replace",
                "c.d",
                "-refresh=false"
            ])
        );
        assert_eq!(arguments.apply, of(&["-parallelism=3"]));
    }

    #[test]
    fn a_destroy_takes_its_own_arguments() {
        let spec = ForProvider {
            init_args: of(&["-upgrade"]),
            plan_args: of(&["-target=a.b"]),
            apply_args: of(&["-parallelism=3"]),
            destroy_args: of(&["-refresh=false", "-parallelism=1"]),
            ..ForProvider::default()
        };
        let arguments = arguments(&spec, RunOperation::Destroy).unwrap();
        assert_eq!(arguments.init, of(&["-upgrade"]));
        assert_eq!(arguments.plan, of(&["-refresh=false"]));
        assert_eq!(arguments.apply, of(&["-parallelism=1"]));
    }
}
