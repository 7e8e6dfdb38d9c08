//! What a container instance has, and what is left of it.

use std::collections::BTreeSet;

use kecs_model::types::{Resource, Task, TaskDefinition};

use super::need::{host_ports, sizes};
use super::{Lack, Need};

/// What is left of a container instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    /// CPU units; below zero if more was given out than there is.
    pub cpu: i64,
    /// Memory in MiB; below zero if more was given out than there is.
    pub memory: i64,
    /// The TCP ports that are taken.
    pub tcp: BTreeSet<i32>,
    /// The UDP ports that are taken.
    pub udp: BTreeSet<i32>,
    /// The GPUs that are free.
    pub gpus: BTreeSet<String>,
}

impl Resources {
    /// What an instance registered with. Ports are those that it keeps for itself.
    pub fn of(registered: &[Resource]) -> Self {
        let find = |name: &str| registered.iter().find(|it| it.name.as_deref() == Some(name));
        let number = |name: &str| {
            let resource = find(name);
            let whole = resource.and_then(|it| it.integer_value).map(i64::from);
            whole.or(resource.and_then(|it| it.long_value)).unwrap_or(0)
        };
        let set = |name: &str| {
            let values = find(name).and_then(|it| it.string_set_value.clone());
            values.unwrap_or_default()
        };
        let ports = |name: &str| set(name).iter().filter_map(|it| it.parse().ok()).collect();
        Self {
            cpu: number("CPU"),
            memory: number("MEMORY"),
            tcp: ports("PORTS"),
            udp: ports("PORTS_UDP"),
            gpus: set("GPU").into_iter().collect(),
        }
    }

    /// What is left, in the shape of the API: the same resources as were registered.
    pub fn shown(&self, registered: &[Resource]) -> Vec<Resource> {
        let left = |value: i64| Some(i32::try_from(value).unwrap_or(i32::MAX));
        let text = |ports: &BTreeSet<i32>| Some(ports.iter().map(i32::to_string).collect());
        let show = |it: &Resource| {
            let mut shown = it.clone();
            match it.name.as_deref() {
                Some("CPU") => shown.integer_value = left(self.cpu),
                Some("MEMORY") => shown.integer_value = left(self.memory),
                Some("PORTS") => shown.string_set_value = text(&self.tcp),
                Some("PORTS_UDP") => shown.string_set_value = text(&self.udp),
                Some("GPU") => shown.string_set_value = Some(self.gpus.iter().cloned().collect()),
                Some(_) | None => {}
            }
            shown
        };
        registered.iter().map(show).collect()
    }

    /// Takes off what a task has that is not over.
    pub(super) fn give_to(&mut self, task: &Task, definition: Option<&TaskDefinition>) {
        let shown = || {
            let cpu = task.cpu.as_deref().and_then(cpu_units);
            let memory = task.memory.as_deref().and_then(mebibytes);
            (cpu.unwrap_or(0), memory.unwrap_or(0))
        };
        let (cpu, memory) = definition.map_or_else(shown, |it| sizes(it, task.overrides.as_ref()));
        self.cpu -= cpu;
        self.memory -= memory;
        if let Some(definition) = definition {
            let (tcp, udp) = host_ports(definition);
            self.tcp.extend(tcp);
            self.udp.extend(udp);
        }
        for container in task.containers.iter().flatten() {
            for gpu in container.gpu_ids.iter().flatten() {
                self.gpus.remove(gpu);
            }
        }
    }

    /// What there is not enough of for the task.
    pub(super) fn lacks(&self, need: &Need) -> Option<Lack> {
        if self.cpu < need.cpu {
            Some(Lack::Cpu)
        } else if self.memory < need.memory {
            Some(Lack::Memory)
        } else if !self.tcp.is_disjoint(&need.tcp) || !self.udp.is_disjoint(&need.udp) {
            Some(Lack::Ports)
        } else if self.gpus.len() < need.gpus {
            Some(Lack::Gpu)
        } else {
            None
        }
    }

    /// Takes off what the task needs. Returns the GPUs that it gets.
    pub(super) fn take(&mut self, need: &Need) -> Vec<String> {
        self.cpu -= need.cpu;
        self.memory -= need.memory;
        self.tcp.extend(&need.tcp);
        self.udp.extend(&need.udp);
        let gpus: Vec<String> = self.gpus.iter().take(need.gpus).cloned().collect();
        for gpu in &gpus {
            self.gpus.remove(gpu);
        }
        gpus
    }
}

/// CPU units: `256`, or in vCPUs: `.25 vCPU`.
pub(super) fn cpu_units(text: &str) -> Option<i64> {
    scaled(text, "vcpu")
}

/// MiB: `512`, or in GB: `0.5 GB`.
pub(super) fn mebibytes(text: &str) -> Option<i64> {
    scaled(text, "gb")
}

/// A whole number, or a number of a unit that is worth 1024.
fn scaled(text: &str, unit: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let Some(number) = text.strip_suffix(unit) else {
        return text.parse().ok();
    };
    let number: f64 = number.trim().parse().ok()?;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "sizes of tasks are far below what both hold exactly"
    )]
    (0.0..1e9).contains(&number).then_some((number * 1024.0) as i64)
}
