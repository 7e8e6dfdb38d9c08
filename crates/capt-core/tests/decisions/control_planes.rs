//! What is decided for a control plane.

use capt_core::control_plane::{Endpoint, Kubeconfig, Secret, Snapshot};
use capt_core::fault::Fault;
use capt_core::lifecycle::State;
use capt_core::object::Child;
use capt_core::record::Record;
use capt_core::wait::Wait;

use crate::children::children;
use crate::factors::{Factor, common, factor};
use crate::health::ill;
use crate::sheet::{Base, Factors, further, sheets};
use crate::subject::Subject as _;
use crate::world::{absent, blaming, child, leaving, object, overdue_record, record, updating};

const APPLY: &str = "WorkspaceTemplateApply/demo-eks";
const KUBECONFIG: &str = "WorkspaceTemplateApply/demo-kubeconfig";

/// A control plane with this record, an apply in this state, and everything written.
fn control_plane(record: Record, apply: Option<State>) -> Snapshot {
    Snapshot {
        owned: true,
        apply: apply.map(|state| child(APPLY, state)),
        endpoint: Endpoint::Published,
        kubeconfig: Kubeconfig::Output(Secret::Current),
        ca: Secret::Current,
        ..Snapshot::new(object("CAPTControlPlane/demo", record))
    }
}

/// The same, with nothing known of its outputs.
fn unknown(record: Record, apply: Option<State>) -> Snapshot {
    Snapshot {
        endpoint: Endpoint::Unknown,
        kubeconfig: Kubeconfig::Output(Secret::Unknown),
        ca: Secret::Unknown,
        ..control_plane(record, apply)
    }
}

/// The same, with a kubeconfig from a template of its own. What it should be is known once that is applied.
fn with_template(mut seen: Snapshot, apply: State) -> Snapshot {
    seen.kubeconfig = Kubeconfig::Template {
        secret: match apply {
            State::Ready => Secret::Current,
            State::Pending
            | State::Validating
            | State::Provisioning
            | State::Configuring
            | State::Degraded
            | State::Failed
            | State::Recovering => Secret::Unknown,
        },
        apply: Some(child(KUBECONFIG, apply)),
    };
    seen
}

fn kubeconfig_apply(seen: &mut Snapshot) -> Option<&mut Option<Child>> {
    match &mut seen.kubeconfig {
        Kubeconfig::Template { apply, .. } => Some(apply),
        Kubeconfig::Output(_) | Kubeconfig::Nowhere(_) => None,
    }
}

fn no_endpoint() -> Fault {
    Fault::of_output("cluster_endpoint", "EndpointInvalid", "it is no URL")
}

fn no_ca() -> Fault {
    Fault::of_output("cluster_ca", "OutputInvalid", "it is empty")
}

/// What can be different about a control plane.
pub(crate) fn factors() -> Factors<Snapshot> {
    let mut own = children("apply", APPLY, |it: &mut Snapshot| Some(&mut it.apply));
    own.extend(children("kubeconfig", KUBECONFIG, kubeconfig_apply));
    own.extend(outputs());
    own.extend(facts());
    Factors {
        common: common(),
        own,
    }
}

fn outputs() -> Vec<Factor<Snapshot>> {
    let mut factors = Vec::new();
    for secret in [Secret::Unknown, Secret::Unwanted, Secret::Current, Secret::Stale] {
        factors.push(factor(format!("CA {secret:?}"), move |it: &mut Snapshot| {
            it.ca = secret;
        }));
        factors.push(factor(
            format!("kubeconfig {secret:?}"),
            move |it: &mut Snapshot| match &mut it.kubeconfig {
                Kubeconfig::Output(is) | Kubeconfig::Template { secret: is, .. } => *is = secret,
                Kubeconfig::Nowhere(_) => {}
            },
        ));
    }
    for endpoint in [
        Endpoint::Unknown,
        Endpoint::Published,
        Endpoint::Found,
        Endpoint::Invalid(no_endpoint()),
    ] {
        let name = match &endpoint {
            Endpoint::Unknown => "endpoint unknown",
            Endpoint::Published => "endpoint published",
            Endpoint::Found => "endpoint found",
            Endpoint::Invalid(_) => "endpoint invalid",
        };
        factors.push(factor(name, move |it: &mut Snapshot| {
            it.endpoint = endpoint.clone();
        }));
    }
    factors.extend(vec![
        factor("endpoint invalid, as before", |it: &mut Snapshot| {
            it.endpoint = Endpoint::Invalid(no_endpoint());
            it.object.record.fault = Some(no_endpoint());
        }),
        factor("endpoint invalid, and was another output", |it: &mut Snapshot| {
            it.endpoint = Endpoint::Invalid(no_endpoint());
            it.object.record.fault = Some(no_ca());
        }),
        factor("endpoint and CA invalid", |it: &mut Snapshot| {
            it.endpoint = Endpoint::Invalid(no_endpoint());
            it.wrong_output = Some(no_ca());
        }),
        factor("CA invalid", |it: &mut Snapshot| it.wrong_output = Some(no_ca())),
        factor("CA invalid, as before", |it: &mut Snapshot| {
            it.wrong_output = Some(no_ca());
            it.object.record.fault = Some(no_ca());
        }),
        factor("CA invalid, of an apply that works", |it: &mut Snapshot| {
            it.wrong_output = Some(no_ca());
            if let Some(apply) = &mut it.apply {
                apply.state = State::Provisioning;
                apply.ready = false;
            }
        }),
        factor("nothing is known, the apply works", |it: &mut Snapshot| {
            it.endpoint = Endpoint::Unknown;
            it.ca = Secret::Unknown;
            if let Some(apply) = &mut it.apply {
                apply.state = State::Provisioning;
                apply.ready = false;
            }
        }),
    ]);
    factors
}

fn facts() -> Vec<Factor<Snapshot>> {
    vec![
        factor("no owner", |it: &mut Snapshot| it.owned = false),
        factor("no owner and a Secret is missing", |it: &mut Snapshot| {
            it.owned = false;
            it.missing = vec![absent("a")];
        }),
        factor("no owner, no apply", |it: &mut Snapshot| {
            it.owned = false;
            it.apply = None;
        }),
        factor("kubeconfig from nowhere", |it: &mut Snapshot| {
            it.kubeconfig = Kubeconfig::Nowhere(Wait::new(
                "kubeconfig",
                "NoKubeconfig",
                "there is no output kubeconfig, and no template for one",
            ));
        }),
        factor(
            "kubeconfig from a template, not applied yet",
            |it: &mut Snapshot| {
                it.kubeconfig = Kubeconfig::Template {
                    apply: None,
                    secret: Secret::Unknown,
                };
            },
        ),
        factor(
            "kubeconfig from a template, not applied yet, endpoint unknown",
            |it: &mut Snapshot| {
                it.endpoint = Endpoint::Unknown;
                it.kubeconfig = Kubeconfig::Template {
                    apply: None,
                    secret: Secret::Unknown,
                };
            },
        ),
        factor("blames the apply of the kubeconfig", |it: &mut Snapshot| {
            it.object.record.blamed = Some(KUBECONFIG.to_owned());
        }),
        factor("held", |it: &mut Snapshot| it.held = Some(held())),
    ]
}

fn held() -> Wait {
    Wait::new("Cluster/demo", "WaitingForNodes", "there are still nodes")
}

fn pending() -> Vec<Base<Snapshot>> {
    vec![further("Pending", unknown(record(State::Pending), None))]
}

fn validating() -> Vec<Base<Snapshot>> {
    vec![
        further(
            "Validating, the first input",
            unknown(record(State::Validating), None),
        ),
        further(
            "Validating, a new input",
            control_plane(updating(State::Validating), Some(State::Ready)),
        ),
    ]
}

fn provisioning() -> Vec<Base<Snapshot>> {
    vec![
        further(
            "Provisioning, no apply yet",
            unknown(record(State::Provisioning), None),
        ),
        further(
            "Provisioning, the apply works",
            unknown(record(State::Provisioning), Some(State::Provisioning)),
        ),
        further(
            "Provisioning, an update",
            with_template(
                control_plane(updating(State::Provisioning), Some(State::Provisioning)),
                State::Ready,
            ),
        ),
    ]
}

fn configuring() -> Vec<Base<Snapshot>> {
    let all = Snapshot {
        endpoint: Endpoint::Found,
        kubeconfig: Kubeconfig::Output(Secret::Stale),
        ca: Secret::Stale,
        ..control_plane(record(State::Configuring), Some(State::Ready))
    };
    vec![
        further("Configuring, nothing is written yet", all),
        further(
            "Configuring, the kubeconfig has a template",
            with_template(
                control_plane(record(State::Configuring), Some(State::Ready)),
                State::Provisioning,
            ),
        ),
        further(
            "Configuring, all is written",
            control_plane(record(State::Configuring), Some(State::Ready)),
        ),
    ]
}

fn ready() -> Vec<Base<Snapshot>> {
    let seen = control_plane(record(State::Ready), Some(State::Ready));
    vec![further("Ready", with_template(seen, State::Ready))]
}

fn degraded() -> Vec<Base<Snapshot>> {
    vec![
        further(
            "Degraded, its apply gave up",
            control_plane(blaming(State::Degraded, APPLY), Some(State::Degraded)),
        ),
        further(
            "Degraded, a health check fails",
            control_plane(record(State::Ready), Some(State::Ready)).with(|it| ill(it.object_mut())),
        ),
    ]
}

fn failing() -> Vec<Base<Snapshot>> {
    vec![
        further(
            "Failed, a fault of its own",
            control_plane(record(State::Failed), Some(State::Ready)),
        ),
        further(
            "Failed, its apply has failed",
            control_plane(blaming(State::Failed, APPLY), Some(State::Failed)),
        ),
        further(
            "Failed, the apply of its kubeconfig has failed",
            with_template(
                control_plane(blaming(State::Failed, KUBECONFIG), Some(State::Ready)),
                State::Failed,
            ),
        ),
    ]
}

fn recovering() -> Vec<Base<Snapshot>> {
    let configured = |it: &mut Snapshot| it.object.record.origin = Some(State::Configuring);
    vec![
        further(
            "Recovering, its apply recovers",
            control_plane(blaming(State::Recovering, APPLY), Some(State::Recovering)),
        ),
        further(
            "Recovering, the apply of its kubeconfig recovers",
            with_template(
                control_plane(blaming(State::Recovering, KUBECONFIG), Some(State::Ready)),
                State::Recovering,
            )
            .with(configured),
        ),
        further(
            "Recovering from a fault of its own",
            control_plane(record(State::Recovering), Some(State::Ready)),
        ),
        further(
            "Recovering from a wait that lasts too long",
            unknown(overdue_record(), None).with(|it| it.missing = vec![absent("a")]),
        ),
    ]
}

fn deleting() -> Vec<Base<Snapshot>> {
    let deleted = |it: &mut Snapshot| it.object.deleting = true;
    let both = with_template(
        control_plane(record(State::Ready), Some(State::Ready)),
        State::Ready,
    );
    vec![
        further("Ready, deleted", both.with(deleted)),
        further(
            "Configuring, the apply of its kubeconfig leaves",
            with_template(
                control_plane(leaving(State::Configuring), Some(State::Ready)),
                State::Ready,
            )
            .with(|it| {
                it.object.deleting = true;
                if let Some(Some(apply)) = kubeconfig_apply(it) {
                    apply.deleting = true;
                }
            }),
        ),
        further(
            "Failed, its apply is deleted next",
            control_plane(leaving(State::Failed), Some(State::Failed)).with(deleted),
        ),
        further(
            "Ready, nothing is left",
            unknown(leaving(State::Ready), None).with(deleted),
        ),
    ]
}

sheets!(
    "control_plane": pending,
    validating,
    provisioning,
    configuring,
    ready,
    degraded,
    failing,
    recovering,
    deleting,
);
