//! Which object is meant.

use std::fmt;

use capt_core::graph::NodeKey as GraphKey;

/// The kinds that are shown, from the top down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeKind {
    /// Cluster API's `Cluster`.
    Cluster,
    /// `CAPTCluster`.
    Infrastructure,
    /// `CAPTControlPlane`.
    ControlPlane,
    /// `WorkspaceTemplateApply`.
    Apply,
    /// `TerraformWorkspace`.
    Workspace,
    /// `WorkspaceTemplate`.
    Template,
    /// `Secret`, of which only the name is known here.
    Secret,
}

impl NodeKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Cluster,
        Self::Infrastructure,
        Self::ControlPlane,
        Self::Apply,
        Self::Workspace,
        Self::Template,
        Self::Secret,
    ];

    /// Those that have a state and can become ready.
    pub const WITH_STATE: [Self; 5] = [
        Self::Cluster,
        Self::Infrastructure,
        Self::ControlPlane,
        Self::Apply,
        Self::Workspace,
    ];

    /// Whether it has a state and can become ready.
    pub const fn has_state(self) -> bool {
        match self {
            Self::Cluster | Self::Infrastructure | Self::ControlPlane | Self::Apply | Self::Workspace => true,
            Self::Template | Self::Secret => false,
        }
    }

    /// The kind as manifests have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::Infrastructure => "CAPTCluster",
            Self::ControlPlane => "CAPTControlPlane",
            Self::Apply => "WorkspaceTemplateApply",
            Self::Workspace => "TerraformWorkspace",
            Self::Template => "WorkspaceTemplate",
            Self::Secret => "Secret",
        }
    }

    /// The kind as people type it at kubectl.
    pub const fn resource(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Infrastructure => "captcluster",
            Self::ControlPlane => "captcontrolplane",
            Self::Apply => "wtapply",
            Self::Workspace => "tfws",
            Self::Template => "workspacetemplate",
            Self::Secret => "secret",
        }
    }

    /// The kind as paths of the API have it.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Cluster => "clusters",
            Self::Infrastructure => "captclusters",
            Self::ControlPlane => "captcontrolplanes",
            Self::Apply => "workspacetemplateapplies",
            Self::Workspace => "terraformworkspaces",
            Self::Template => "workspacetemplates",
            Self::Secret => "secrets",
        }
    }

    /// The kind of this name, as manifests have it.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind that a person means: its name, its short name or its plural, in any case.
    pub fn meant_by(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| {
            [kind.name(), kind.resource(), kind.plural()]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(word))
        })
    }
}

/// Which object is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeKey {
    /// Its kind.
    pub kind: NodeKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl NodeKey {
    /// The object of this kind, namespace and name.
    pub fn new(kind: NodeKind, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind,
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// Kind and name, with the namespace where it is not `default`.
    pub fn title(&self) -> String {
        self.title_in("default")
    }

    /// Kind and name, with the namespace where it is another one than that of the reader.
    pub fn title_in(&self, namespace: &str) -> String {
        if self.namespace == namespace {
            format!("{}/{}", self.kind.name(), self.name)
        } else {
            self.to_string()
        }
    }
}

impl fmt::Display for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind.name(), self.namespace, self.name)
    }
}

impl GraphKey for NodeKey {}
