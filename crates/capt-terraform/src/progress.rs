//! How far an apply is, from its events alone.

use std::collections::BTreeMap;

use crate::engine::PlannedChange;
use crate::run::{ResourceState, ResourceStatus, RunProgress};
use crate::stream::{Action, Event};

/// How many resources a view lists.
pub const MAX_RESOURCES: usize = 50;

/// While an operation runs it counts for at most this share (in hundredths), however long it takes.
const IN_FLIGHT_CAP: u64 = 95;

/// Seconds that an operation on a resource of this type is expected to take.
///
/// The order of magnitude matters, not the second: an EKS control plane takes about ten minutes and would be
/// hidden behind thirty quick VPC resources if all counted alike.
pub fn expected_seconds(resource_type: &str) -> u64 {
    match resource_type {
        "aws_eks_cluster" => 600,
        "aws_rds_cluster" | "aws_rds_cluster_instance" | "aws_db_instance" => 480,
        "aws_eks_node_group" | "aws_eks_fargate_profile" | "aws_vpn_connection" => 180,
        "aws_nat_gateway" | "aws_lb" | "aws_alb" => 110,
        "aws_eks_addon" | "aws_vpc_endpoint" | "helm_release" => 60,
        "aws_autoscaling_group" | "aws_instance" | "aws_ec2_transit_gateway" => 40,
        "aws_vpc" | "aws_subnet" | "aws_internet_gateway" => 12,
        _ => 10,
    }
}

#[derive(Debug, Clone)]
struct Entry {
    resource_type: String,
    status: ResourceStatus,
    /// Operations of this resource: two for a replacement.
    operations: u32,
    completed: u32,
    elapsed: u64,
}

impl Entry {
    fn weight(&self) -> u64 {
        expected_seconds(&self.resource_type)
    }

    /// Hundredths of operations that are done.
    fn done(&self) -> u64 {
        let running = match self.status {
            ResourceStatus::Creating | ResourceStatus::Updating | ResourceStatus::Deleting
                if self.completed < self.operations =>
            {
                (self.elapsed.saturating_mul(100) / self.weight()).min(IN_FLIGHT_CAP)
            }
            ResourceStatus::Creating
            | ResourceStatus::Updating
            | ResourceStatus::Deleting
            | ResourceStatus::Pending
            | ResourceStatus::Complete
            | ResourceStatus::Errored => 0,
        };
        u64::from(self.completed) * 100 + running
    }
}

/// Follows the events of one run.
#[derive(Debug, Clone, Default)]
pub struct Tracker {
    entries: BTreeMap<String, Entry>,
    percent: u8,
}

impl Tracker {
    /// The plan that is to be applied: replaces everything known before.
    pub fn plan(&mut self, changes: &[PlannedChange]) {
        self.entries.clear();
        for change in changes {
            self.add(&change.address, &change.resource_type, change.action);
        }
    }

    fn add(&mut self, address: &str, resource_type: &str, action: Action) {
        let operations = action.operations();
        if operations == 0 || address.is_empty() {
            return;
        }
        self.entries.entry(address.to_owned()).or_insert_with(|| Entry {
            resource_type: resource_type.to_owned(),
            status: ResourceStatus::Pending,
            operations,
            completed: 0,
            elapsed: 0,
        });
    }

    /// Takes one event of an apply; says whether it changed anything that a view shows.
    pub fn on(&mut self, event: &Event) -> bool {
        match event {
            Event::Planned { resource, action, .. } => {
                let before = self.entries.len();
                self.add(&resource.addr, &resource.resource_type, *action);
                if before == self.entries.len() {
                    return false;
                }
            }
            Event::Started { resource, action } => {
                // A resource that no plan named still counts (a deposed object, a plan of a newer version).
                self.add(&resource.addr, &resource.resource_type, *action);
                let status = match action {
                    Action::Create | Action::Replace => ResourceStatus::Creating,
                    Action::Update => ResourceStatus::Updating,
                    Action::Delete => ResourceStatus::Deleting,
                    Action::Read | Action::None => return false,
                };
                self.change(&resource.addr, |entry| {
                    entry.status = status;
                    entry.elapsed = 0;
                });
            }
            Event::Progressed { resource, elapsed } => {
                self.change(&resource.addr, |entry| {
                    entry.elapsed = entry.elapsed.max(*elapsed);
                });
            }
            Event::Completed { resource, elapsed } => {
                self.change(&resource.addr, |entry| {
                    entry.completed = (entry.completed + 1).min(entry.operations);
                    entry.elapsed = *elapsed;
                    entry.status = if entry.completed == entry.operations {
                        ResourceStatus::Complete
                    } else {
                        ResourceStatus::Pending
                    };
                });
            }
            Event::Errored { resource } => {
                self.change(&resource.addr, |entry| entry.status = ResourceStatus::Errored);
            }
            Event::Printed { .. }
            | Event::Summary(_)
            | Event::Diagnostic(_)
            | Event::Interrupted
            | Event::Other => return false,
        }
        self.percent = self.percent.max(self.share());
        true
    }

    fn change(&mut self, address: &str, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries.get_mut(address) {
            change(entry);
        }
    }

    fn share(&self) -> u8 {
        let (mut done, mut all) = (0_u64, 0_u64);
        for entry in self.entries.values() {
            done = done.saturating_add(entry.weight() * entry.done());
            all = all.saturating_add(entry.weight() * u64::from(entry.operations));
        }
        done.checked_div(all)
            .and_then(|percent| u8::try_from(percent).ok())
            .unwrap_or(0)
            .min(100)
    }

    /// Everything that was to be done is done.
    pub fn finish(&mut self) {
        self.percent = 100;
    }

    /// The progress as it is now.
    pub fn view(&self) -> RunProgress {
        let sum =
            |count: fn(&Entry) -> u32| self.entries.values().map(count).fold(0_u32, u32::saturating_add);
        let mut resources: Vec<_> = self
            .entries
            .iter()
            .map(|(address, entry)| ResourceState {
                address: address.clone(),
                status: entry.status,
                elapsed: entry.elapsed,
            })
            .collect();
        resources.sort_by_key(|resource| rank(resource.status));
        resources.truncate(MAX_RESOURCES);
        RunProgress {
            completed: sum(|entry| entry.completed),
            total: sum(|entry| entry.operations),
            percent: self.percent,
            current: self
                .entries
                .iter()
                .filter(|(_, entry)| rank(entry.status) == 1)
                .map(|(address, _)| address.clone())
                .take(MAX_RESOURCES)
                .collect(),
            resources,
        }
    }
}

/// What people want to see first.
const fn rank(status: ResourceStatus) -> u8 {
    match status {
        ResourceStatus::Errored => 0,
        ResourceStatus::Creating | ResourceStatus::Updating | ResourceStatus::Deleting => 1,
        ResourceStatus::Pending => 2,
        ResourceStatus::Complete => 3,
    }
}
