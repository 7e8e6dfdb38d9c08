//! What can be different about an object that another one made and follows.

use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::State;
use capt_core::object::Child;
use capt_core::progress::Progress;

use crate::factors::{Factor, factor};
use crate::subject::Subject;
use crate::world::{absent, child};

/// A change of a child, and what it is called.
type Way = (&'static str, fn(&mut Child));

/// The ways in which a child can be different that are more than its state.
const WAYS: [Way; 14] = [
    ("foreign", |it| it.foreign = Some(foreign())),
    ("foreign and Failed", |it| {
        it.foreign = Some(foreign());
        is(it, State::Failed);
    }),
    ("foreign and differs", |it| {
        it.foreign = Some(foreign());
        it.matches = false;
    }),
    ("being deleted", |it| it.deleting = true),
    ("being deleted, and waits", |it| {
        it.deleting = true;
        it.waits = vec![absent("b")];
    }),
    ("being deleted, and differs", |it| {
        it.deleting = true;
        it.matches = false;
    }),
    ("not looked at yet", |it| it.observed = false),
    ("Ready, but not ready", |it| {
        is(it, State::Ready);
        it.ready = false;
    }),
    ("Provisioning, made anew", |it| {
        is(it, State::Provisioning);
        it.made = false;
    }),
    ("Provisioning, still ready", |it| {
        is(it, State::Provisioning);
        it.ready = true;
    }),
    ("Provisioning, and waits", |it| {
        is(it, State::Provisioning);
        it.waits = vec![absent("b"), absent("c")];
    }),
    ("Provisioning, and says nothing", |it| {
        is(it, State::Provisioning);
        it.progress = Progress::default();
    }),
    ("Failed, and says why", |it| {
        is(it, State::Failed);
        it.fault = Some(Fault::new(FaultClass::Quota, "LimitExceeded", "there is no room"));
    }),
    ("Recovering, and says why", |it| {
        is(it, State::Recovering);
        it.fault = Some(Fault::new(
            FaultClass::Transient,
            "Throttled",
            "too many requests",
        ));
    }),
];

pub(crate) fn foreign() -> Fault {
    Fault::new(FaultClass::Conflict, "Foreign", "it is not ours")
}

fn is(child: &mut Child, state: State) {
    child.state = state;
    child.ready = state == State::Ready;
}

/// What can be different about the child of that name, whose place `of` gives. One that is not there is made first.
pub(crate) fn children<S: Subject>(
    what: &str,
    name: &'static str,
    of: fn(&mut S) -> Option<&mut Option<Child>>,
) -> Vec<Factor<S>> {
    let gone = factor(format!("{what}: not there"), move |it: &mut S| {
        if let Some(place) = of(it) {
            *place = None;
        }
    });
    let way = |how: String, vary: Box<dyn Fn(&mut Child)>| {
        factor(format!("{what}: {how}"), move |it: &mut S| {
            if let Some(place) = of(it) {
                vary(place.get_or_insert_with(|| child(name, State::Ready)));
            }
        })
    };
    let states = State::ALL.iter().flat_map(|&state| {
        let differs = move |it: &mut Child| {
            is(it, state);
            it.matches = false;
        };
        [
            way(state.to_string(), Box::new(move |it| is(it, state))),
            way(format!("{state} and differs"), Box::new(differs)),
        ]
    });
    let ways = WAYS
        .into_iter()
        .map(|(how, vary)| way(how.to_owned(), Box::new(vary)));
    [gone].into_iter().chain(states).chain(ways).collect()
}
