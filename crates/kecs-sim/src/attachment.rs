//! The addresses of a simulated task: made from its ARN, so that they are the same after a restart.

use kecs_model::types::{Attachment, KeyValuePair, NetworkBinding, NetworkInterface, PortMapping};

use capt_core::retry::seed_of;

/// The first of the ports that are given out where a task asks for any.
const FIRST_DYNAMIC_PORT: u64 = 32_768;
/// How many ports are given out to those that ask for none.
const DYNAMIC_PORTS: u64 = 28_000;
/// The last port that there is.
const LAST_PORT: u64 = 65_535;

/// The address within `10.0.0.0/8` of this ARN.
pub(crate) fn address(task_arn: &str) -> String {
    let [.., b, c, d] = seed_of(task_arn).to_be_bytes();
    format!("10.{b}.{c}.{}", d.clamp(4, 254))
}

/// The attachment once it is in use.
pub(crate) fn attached(attachment: &Attachment, task_arn: &str) -> Attachment {
    if attachment.r#type.as_deref() != Some("ElasticNetworkInterface") {
        return attachment.clone();
    }
    let seed = seed_of(task_arn);
    let mac = seed.to_be_bytes().map(|byte| format!("{byte:02x}"));
    let mut details = attachment.details.clone().unwrap_or_default();
    let mut tell = |name: &str, value: String| {
        details.retain(|it| it.name.as_deref() != Some(name));
        details.push(KeyValuePair {
            name: Some(name.to_owned()),
            value: Some(value),
        });
    };
    tell("networkInterfaceId", format!("eni-{seed:017x}"));
    tell("macAddress", format!("0a:{}", mac[3..].join(":")));
    let address = address(task_arn);
    // Source: Amazon VPC user guide, "DNS attributes for your VPC": the first region has a domain of its own.
    let domain = match task_arn.split(':').nth(3) {
        None | Some("us-east-1") => "ec2.internal".to_owned(),
        Some(region) => format!("{region}.compute.internal"),
    };
    tell(
        "privateDnsName",
        format!("ip-{}.{domain}", address.replace('.', "-")),
    );
    tell("privateIPv4Address", address);
    Attachment {
        status: Some("ATTACHED".to_owned()),
        details: Some(details),
        ..attachment.clone()
    }
}

/// The attachment once it is given back.
pub(crate) fn detached(attachment: &Attachment) -> Attachment {
    Attachment {
        status: Some("DELETED".to_owned()),
        ..attachment.clone()
    }
}

/// The interface of a container of a task with this attachment.
pub(crate) fn interface(attachment: &Attachment, task_arn: &str) -> NetworkInterface {
    NetworkInterface {
        attachment_id: attachment.id.clone(),
        private_ipv4_address: Some(address(task_arn)),
        ..NetworkInterface::default()
    }
}

/// The ports on the machine of a container in bridge or host mode.
pub(crate) fn binding(mapping: &PortMapping, task_arn: &str, nth: u64, host_mode: bool) -> NetworkBinding {
    let dynamic = FIRST_DYNAMIC_PORT + (seed_of(task_arn).wrapping_add(nth) % DYNAMIC_PORTS);
    if let Some(range) = &mapping.container_port_range {
        let number = range.split_once('-').and_then(|(first, last)| {
            let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
            last.checked_sub(first)
        });
        return NetworkBinding {
            bind_ip: Some("0.0.0.0".to_owned()),
            container_port_range: Some(range.clone()),
            host_port_range: number.map(|more| {
                // All of them lie below the last port that there is.
                let first = dynamic.min(LAST_PORT.saturating_sub(more));
                format!("{first}-{}", first + more)
            }),
            protocol: mapping.protocol,
            ..NetworkBinding::default()
        };
    }
    let asked = mapping.host_port.filter(|port| *port != 0);
    let same = mapping.container_port.filter(|_| host_mode);
    NetworkBinding {
        bind_ip: Some("0.0.0.0".to_owned()),
        container_port: mapping.container_port,
        host_port: asked.or(same).or_else(|| i32::try_from(dynamic).ok()),
        protocol: mapping.protocol,
        ..NetworkBinding::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_ports_is_bound_to_one_as_long() {
        let range = |range: &str, nth| {
            let mapping = PortMapping {
                container_port_range: Some(range.to_owned()),
                ..PortMapping::default()
            };
            let bound = binding(&mapping, "arn", nth, false);
            assert_eq!((bound.host_port, bound.container_port), (None, None));
            assert_eq!(bound.container_port_range.as_deref(), Some(range));
            let on_host = bound.host_port_range.unwrap();
            let (first, last) = on_host.split_once('-').unwrap();
            (first.parse::<u64>().unwrap(), last.parse::<u64>().unwrap())
        };
        for nth in [0, 1, 27_999] {
            let (first, last) = range("100-102", nth);
            assert_eq!(last - first, 2);
            assert!(first >= FIRST_DYNAMIC_PORT && last <= LAST_PORT, "{first}-{last}");
        }
        assert_eq!(range("1-65535", 0), (1, 65_535));
    }

    #[test]
    fn names_of_the_first_region_have_no_region() {
        let name = |region: &str| {
            let attachment = Attachment {
                r#type: Some("ElasticNetworkInterface".to_owned()),
                ..Attachment::default()
            };
            let told = attached(
                &attachment,
                &format!("arn:aws:ecs:{region}:123456789012:task/blue/0af3"),
            );
            let details = told.details.unwrap_or_default();
            let name = details
                .into_iter()
                .find(|it| it.name.as_deref() == Some("privateDnsName"));
            let name = name.and_then(|it| it.value).unwrap_or_default();
            name.split_once('.').map(|(_, domain)| domain.to_owned())
        };
        assert_eq!(name("us-east-1").as_deref(), Some("ec2.internal"));
        assert_eq!(name("us-east-2").as_deref(), Some("us-east-2.compute.internal"));
    }
}
