//! Values that a provider would compute, made up from where they belong.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hcl::Value;
use sha2::{Digest, Sha256};

/// The first `digits` hexadecimal digits of a digest over `parts`.
pub(super) fn hex(parts: &[&str], digits: usize) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let mut text = String::new();
    for byte in digest.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    text.truncate(digits);
    text
}

/// What attribute `name` of the thing called `owner` could be.
pub(super) fn attribute(seed: &str, owner: &str, name: &str) -> Value {
    let hex = |digits| hex(&[seed, owner, name], digits);
    let lower = name.to_lowercase();
    let has = |part: &str| lower.contains(part);
    let ends = |part: &str| lower.ends_with(part);
    if lower == "kubeconfig" || ends("_kubeconfig") {
        return kubeconfig(&endpoint(seed, owner), &certificate(seed)).into();
    }
    if has("certificate_authority") || lower == "ca_data" || ends("_ca") || ends("ca_certificate") {
        return certificate(seed).into();
    }
    if ends("endpoint") || ends("issuer") || ends("oidc_issuer_url") || ends("_url") {
        return endpoint(seed, owner).into();
    }
    if ends("arn") {
        return format!("arn:aws:sim:us-east-1:000000000000:{owner}/{}", hex(8)).into();
    }
    if ends("port") {
        return 443.into();
    }
    if has("cidr") && !ends("s") {
        return "10.0.0.0/16".into();
    }
    if lower == "names" || ends("zones") || ends("azs") {
        return Value::Array(
            ["a", "b", "c"]
                .map(|zone| Value::from(format!("us-east-1{zone}")))
                .to_vec(),
        );
    }
    if ends("subnets") || ends("ids") {
        let kind = if has("security_group") { "sg" } else { "subnet" };
        let ids = ["0", "1", "2"]
            .map(|n| Value::from(format!("{kind}-{}", self::hex(&[seed, owner, name, n], 17))));
        return Value::Array(ids.to_vec());
    }
    let prefix = [
        ("vpc_id", "vpc"),
        ("subnet_id", "subnet"),
        ("security_group_id", "sg"),
        ("route_table_id", "rtb"),
        ("gateway_id", "gw"),
    ];
    if let Some((_, prefix)) = prefix.iter().find(|(suffix, _)| ends(suffix)) {
        return format!("{prefix}-{}", hex(17)).into();
    }
    if lower == "id" {
        let kinds = [
            ("aws_vpc", "vpc"),
            ("aws_subnet", "subnet"),
            ("aws_security_group", "sg"),
            ("aws_nat_gateway", "nat"),
        ];
        let kind = kinds
            .iter()
            .find(|(kind, _)| owner.contains(&format!("{kind}.")))
            .map(|(_, prefix)| *prefix);
        return match kind {
            Some(prefix) => format!("{prefix}-{}", hex(17)).into(),
            None => uuid(seed, owner).into(),
        };
    }
    if lower == "account_id" {
        return "000000000000".into();
    }
    if ends("region") {
        return "us-east-1".into();
    }
    format!("{name}-{}", hex(8)).into()
}

/// The id that a built-in resource gets.
pub(super) fn uuid(seed: &str, owner: &str) -> String {
    let text = hex(&[seed, owner, "id"], 32);
    let part = |from, to| text.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

fn endpoint(seed: &str, owner: &str) -> String {
    format!(
        "https://{}.gr7.us-east-1.eks.simulated.invalid",
        hex(&[seed, owner, "endpoint"], 32).to_uppercase()
    )
}

/// Looks like a certificate in PEM, in base64; it certifies nothing.
fn certificate(seed: &str) -> String {
    let body = STANDARD.encode(hex(&[seed, "certificate"], 64));
    STANDARD.encode(format!(
        "-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
    ))
}

fn kubeconfig(server: &str, certificate: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: simulated\n  cluster:\n    server: {server}\n    \
         certificate-authority-data: {certificate}\ncontexts:\n- name: simulated\n  context:\n    cluster: simulated\n    \
         user: simulated\ncurrent-context: simulated\nusers:\n- name: simulated\n  user: {{}}\n"
    )
}

/// The digest of a text, as Terraform's function of that name gives it.
pub(super) fn sha256_hex(text: &str) -> String {
    let mut digits = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}
