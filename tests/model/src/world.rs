//! The world that the decisions are made in: four objects, what stands around them, and what Terraform has made.
//!
//! There is no clock in it: every time is kept relative to now, so that two worlds that differ only in when it is
//! are one.

use capt_core::fault::FaultClass;
use capt_core::record::RunOperation;

use crate::kept::Place;
use crate::law::Law;
use crate::manner::{COOL_DOWN, Manner, TRIPS};
use crate::memo::{Bounds, Memo, Millis, millis};

/// The objects of the world. A parent makes its child directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// The `CAPTControlPlane`.
    ControlPlane,
    /// The `CAPTCluster`.
    Cluster,
    /// The `TerraformWorkspace` of the control plane.
    Plane,
    /// The `TerraformWorkspace` of the VPC.
    Network,
}

impl Name {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ControlPlane, Self::Cluster, Self::Plane, Self::Network];
    /// The two that people make.
    pub const PARENTS: [Self; 2] = [Self::ControlPlane, Self::Cluster];
    /// The two that runs belong to.
    pub const WORKSPACES: [Self; 2] = [Self::Plane, Self::Network];

    /// What it makes.
    pub(crate) const fn child(self) -> Option<Self> {
        match self {
            Self::ControlPlane => Some(Self::Plane),
            Self::Cluster => Some(Self::Network),
            Self::Plane | Self::Network => None,
        }
    }

    /// As people write it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::ControlPlane => "CAPTControlPlane/demo",
            Self::Cluster => "CAPTCluster/demo",
            Self::Plane => "TerraformWorkspace/demo-eks-controlplane",
            Self::Network => "TerraformWorkspace/demo-vpc",
        }
    }
}

/// What a spec says. Only whether two of them are equal matters, and whether one can work at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// The first version.
    First,
    /// Another version.
    Second,
    /// One that cannot work, which its parent sees at once.
    Broken,
}

impl Content {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::First, Self::Second, Self::Broken];
}

/// The digest of everything that an object is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Input {
    /// The spec.
    pub content: Content,
    /// Whether the Secret that the spec refers to is there.
    pub complete: bool,
}

impl Input {
    const ALL: [(Self, &'static str); 6] = [
        (Self::of(Content::First, true), "first"),
        (Self::of(Content::Second, true), "second"),
        (Self::of(Content::Broken, true), "broken"),
        (Self::of(Content::First, false), "first, incomplete"),
        (Self::of(Content::Second, false), "second, incomplete"),
        (Self::of(Content::Broken, false), "broken, incomplete"),
    ];

    pub(crate) const fn of(content: Content, complete: bool) -> Self {
        Self { content, complete }
    }

    /// As the digest that the decisions see.
    pub(crate) fn text(self) -> &'static str {
        let known = Self::ALL.iter().find(|(input, _)| *input == self);
        known.map_or("", |(_, text)| text)
    }

    /// From the digest.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(_, known)| *known == text);
        known.map(|(input, _)| *input)
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// As wanted.
    Well,
    /// With a fault of this class.
    Badly(FaultClass),
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// It has changed nothing yet.
    Planning,
    /// It changes something.
    Applying,
    /// It is over.
    Ended(End),
}

/// A run of a workspace, as it lies in its working directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Run {
    /// Whether it is the run that the record of the workspace names; else it is one before.
    pub current: bool,
    /// What it does.
    pub operation: RunOperation,
    /// What for.
    pub input: Input,
    /// Where it is.
    pub stage: Stage,
    /// Whether it was asked to stop.
    pub stopping: bool,
}

impl Run {
    pub(crate) fn is_active(self) -> bool {
        !matches!(self.stage, Stage::Ended(_))
    }
}

/// The runs of one workspace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Runner {
    /// The last one.
    pub run: Option<Run>,
    /// Whether the operator knows it; after a restart it does not, until it takes it up again.
    pub known: bool,
    /// A process of a run before that one which a restart has left alive, and that the last one waits for.
    pub left: Option<(RunOperation, Input)>,
}

/// What is there of the resources of a workspace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Resources {
    /// Nothing.
    #[default]
    None,
    /// Some of it, or some of it as it was before.
    Partial,
    /// All of it, as this spec says.
    Whole(Content),
}

/// The Terraform state of a workspace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum StateObject {
    /// There is none.
    #[default]
    Absent,
    /// It is there, and anybody could delete it.
    Bare,
    /// It carries our finalizer.
    Protected,
}

/// What runs have made for one workspace. It outlives the workspace, and must not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Made {
    /// The resources.
    pub resources: Resources,
    /// The state.
    pub state: StateObject,
}

/// One object.
#[allow(clippy::struct_excessive_bools, reason = "independent facts")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Thing {
    /// What its spec says.
    pub content: Content,
    /// Whether its status was written for that spec (`observedGeneration`).
    pub observed: bool,
    /// The last request of a person; 0 is none.
    pub requested: u8,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether it carries our finalizer.
    pub finalized: bool,
    /// Whether it is paused by its own annotation.
    pub paused: bool,
    /// What its status holds of the record.
    pub memo: Memo,
    /// What the operator remembers of the last plan: how its first step failed.
    pub failing: Option<FaultClass>,
    /// How many runs in a row were seen to fail, but for those that were interrupted. Counted by the world itself.
    pub spent: u8,
    /// Whether that is more than the last of these faults is retried. Kept by the world itself.
    pub exhausted: bool,
    /// Until when nothing may be tried about a fault of its own. Kept by the world itself.
    pub held: Option<Millis>,
    /// Of a parent: whether a person asked for another try of what had failed, and nothing was tried since. Kept by
    /// the world itself.
    pub owed: bool,
    /// Of a control plane: whether its spec has the endpoint.
    pub endpoint: bool,
    /// Of a control plane: for which apply the kubeconfig secret is, if it is there.
    pub kubeconfig: Option<Content>,
    /// Of a workspace: its runs.
    pub runner: Runner,
    /// Of a workspace: the outputs of which apply are in the connection secret, if it is there.
    pub connection: Option<Content>,
    /// Of a workspace: which connection secret its status says was written.
    pub written: Option<Content>,
    /// Of a workspace: whether its status says that the destroy of the record has succeeded.
    pub destroyed: bool,
}

impl Thing {
    pub(crate) fn new(content: Content, manner: Manner) -> Self {
        let mut thing = Self::untried(content);
        if manner == Manner::Tripped {
            thing.memo.bounds = Bounds {
                failures: u8::try_from(TRIPS).unwrap_or(u8::MAX),
                last_failure: Some(0),
                ..Bounds::default()
            };
            thing.held = Some(millis(COOL_DOWN));
        }
        thing
    }

    fn untried(content: Content) -> Self {
        Self {
            content,
            observed: false,
            requested: 0,
            deleting: false,
            finalized: false,
            paused: false,
            memo: Memo::default(),
            failing: None,
            spent: 0,
            exhausted: false,
            held: None,
            owed: false,
            endpoint: false,
            kubeconfig: None,
            runner: Runner::default(),
            connection: None,
            written: None,
            destroyed: false,
        }
    }
}

/// What a look finds that is not in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ailment {
    /// Its API server does not answer.
    Silent,
    /// Its workspace is not as it was applied, which another apply mends.
    Unsynced,
    /// Its workspace is not as it was applied, and another apply does not help.
    Stubborn,
}

/// What stands around the objects.
#[allow(clippy::struct_excessive_bools, reason = "independent facts")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Around {
    /// The Cluster that owns control plane and cluster.
    pub owner: bool,
    /// Whether that Cluster is paused.
    pub paused: bool,
    /// The workspace whose Secret with the credentials is missing, if one is.
    pub uncredited: Option<Name>,
    /// The templates of both parents.
    pub template: bool,
    /// What control plane or workspace ails, as far as anybody can see who looks at it.
    pub ailment: Option<Ailment>,
    /// The Cluster says that its infrastructure is provisioned; never taken back.
    pub provisioned: bool,
}

/// Which disturbances there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kinds {
    /// Each.
    All,
    /// One that stands for its kind, or two: a run fails so that it is retried or not, the operator is restarted
    /// between two rounds, the clock is set forward, another version is asked for, all is paused, the owner or both
    /// workspaces are lost.
    Few,
}

/// How much may still happen that is not the operator's own doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Left {
    /// Of which kinds.
    pub kinds: Kinds,
    /// All of what follows together.
    pub disturbances: u8,
    /// Changes of a spec.
    pub changes: u8,
    /// Faults, of runs and of steps.
    pub faults: u8,
    /// Restarts of the operator.
    pub restarts: u8,
    /// Jumps of the clock.
    pub jumps: u8,
    /// Pauses.
    pub pauses: u8,
    /// Losses of something that comes back or is made anew.
    pub losses: u8,
    /// Requests of a person.
    pub requests: u8,
    /// Deletions of control plane and cluster.
    pub deletions: u8,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// How patient everybody is.
    pub manner: Manner,
    things: [Option<Place>; 4],
    made: [Made; 2],
    /// What stands around.
    pub around: Around,
    /// What may still happen.
    pub left: Left,
    /// The first law that was broken. Nothing happens after that.
    pub broken: Option<Law>,
}

impl World {
    /// Control plane and cluster were just created, and nobody owns them yet.
    pub(crate) fn new(left: Left, manner: Manner) -> Self {
        let parent = || Some(Place::new(Thing::new(Content::First, manner)));
        Self {
            manner,
            things: [parent(), parent(), None, None],
            made: [Made::default(); 2],
            around: Around {
                owner: false,
                paused: false,
                uncredited: None,
                template: true,
                ailment: None,
                provisioned: false,
            },
            left,
            broken: None,
        }
    }

    /// The object of this name.
    pub fn get(&self, name: Name) -> Option<&Thing> {
        self.things[name as usize].as_deref()
    }

    pub(crate) fn get_mut(&mut self, name: Name) -> Option<&mut Thing> {
        self.things[name as usize].as_mut()?.open()
    }

    pub(crate) fn put(&mut self, name: Name, thing: Thing) {
        self.things[name as usize] = Some(Place::new(thing));
    }

    pub(crate) fn take(&mut self, name: Name) -> Option<Thing> {
        self.things[name as usize].take().map(Place::into_thing)
    }

    /// The hash of the object of this name; 0 where there is none.
    pub(crate) fn hash_of(&self, name: Name) -> u64 {
        self.things[name as usize].as_ref().map_or(0, Place::hash)
    }

    /// Keeps every object as it is now: nothing changes any more until the next action.
    #[must_use]
    pub(crate) fn closed(mut self) -> Self {
        self.things.iter_mut().flatten().for_each(Place::close);
        self
    }

    /// What the object of this name ails.
    pub(crate) fn ails(&self, name: Name) -> Option<Ailment> {
        let of = |ailment| match ailment {
            Ailment::Silent => Name::ControlPlane,
            Ailment::Unsynced | Ailment::Stubborn => Name::Plane,
        };
        self.around.ailment.filter(|ailment| of(*ailment) == name)
    }

    /// What runs have made for a workspace; nothing for a parent.
    pub(crate) fn made(&self, name: Name) -> Made {
        match name {
            Name::Plane => self.made[0],
            Name::Network => self.made[1],
            Name::ControlPlane | Name::Cluster => Made::default(),
        }
    }

    pub(crate) fn made_mut(&mut self, name: Name) -> &mut Made {
        match name {
            Name::Plane | Name::ControlPlane => &mut self.made[0],
            Name::Network | Name::Cluster => &mut self.made[1],
        }
    }

    /// Whether an object must be left alone.
    pub(crate) fn is_paused(&self, name: Name) -> bool {
        let own = self.get(name).is_some_and(|thing| thing.paused);
        own || (self.around.paused && self.around.owner)
    }

    /// Takes down that a law was broken. The first one counts.
    pub(crate) fn breaks(&mut self, law: Law) {
        self.broken.get_or_insert(law);
    }

    /// The digest of what an object is made from. A workspace that is being deleted goes on with what the last apply
    /// got.
    pub(crate) fn input(&self, name: Name, thing: &Thing) -> Input {
        let missing = !thing.deleting && self.around.uncredited == Some(name);
        Input::of(thing.content, !missing)
    }

    /// What the Cluster takes over from its infrastructure.
    pub(crate) fn settle(&mut self) {
        let provisioned = self.get(Name::Cluster).is_some_and(|it| it.memo.initialized);
        self.around.provisioned |= self.around.owner && provisioned;
    }
}
