//! `PutAccountSetting`, `PutAccountSettingDefault`, `DeleteAccountSetting`, `ListAccountSettings`, and what the
//! settings say.
//!
//! Source: Amazon ECS developer guide, "Access Amazon ECS features with account settings".

use kecs_model::types::{self, SettingName, SettingType};
use kecs_model::{Refusal, refuse};

use super::page::Paging;
use crate::call::Call;
use crate::record::AccountSetting;
use crate::tx::Tx;

/// Settings on a page where the request does not say.
const PAGE: usize = 10;

/// What a setting may be; the first is what holds where nobody has set it.
const fn values(name: SettingName) -> &'static [&'static str] {
    match name {
        SettingName::ServiceLongArnFormat
        | SettingName::TaskLongArnFormat
        | SettingName::ContainerInstanceLongArnFormat => &["enabled", "disabled"],
        SettingName::AwsvpcTrunking | SettingName::FargateFIPSMode | SettingName::FargateEventWindows => {
            &["disabled", "enabled"]
        }
        SettingName::ContainerInsights => &["disabled", "enabled", "enhanced"],
        SettingName::TagResourceAuthorization | SettingName::GuardDutyActivate => &["off", "on"],
        SettingName::FargateTaskRetirementWaitPeriod => &["7", "0", "14"],
        SettingName::DefaultLogDriverMode => &["non-blocking", "blocking"],
    }
}

/// Who sets it.
const fn kind(name: SettingName) -> SettingType {
    match name {
        SettingName::GuardDutyActivate => SettingType::AwsManaged,
        SettingName::ServiceLongArnFormat
        | SettingName::TaskLongArnFormat
        | SettingName::ContainerInstanceLongArnFormat
        | SettingName::AwsvpcTrunking
        | SettingName::ContainerInsights
        | SettingName::FargateFIPSMode
        | SettingName::TagResourceAuthorization
        | SettingName::FargateTaskRetirementWaitPeriod
        | SettingName::DefaultLogDriverMode
        | SettingName::FargateEventWindows => SettingType::User,
    }
}

/// What holds for a caller: what was set for it, or else for the account, or else what holds for everybody.
pub fn effective(tx: &Tx<'_>, call: &Call<'_>, name: SettingName) -> Result<String, Refusal> {
    holds_for(tx, &whose(call, None)?, name)
}

/// Whether what a caller makes gets an ARN with the name of its cluster in it.
pub fn is_long_arn(tx: &Tx<'_>, call: &Call<'_>, name: SettingName) -> Result<bool, Refusal> {
    Ok(effective(tx, call, name)? != "disabled")
}

fn holds_for(tx: &Tx<'_>, principal: &str, name: SettingName) -> Result<String, Refusal> {
    for whose in [principal, ""] {
        let key = tx.scope().account_setting(name.as_str(), whose);
        if let Some(setting) = tx.get::<AccountSetting>(&key)? {
            return Ok(setting.value);
        }
    }
    Ok(values(name)[0].to_owned())
}

pub(super) fn put(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::PutAccountSettingRequest,
) -> Result<types::PutAccountSettingResponse, Refusal> {
    let principal = whose(call, request.principal_arn.as_deref())?;
    let setting = set(tx, request.name, request.value, principal)?;
    Ok(types::PutAccountSettingResponse {
        setting: Some(setting),
    })
}

pub(super) fn put_default(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::PutAccountSettingDefaultRequest,
) -> Result<types::PutAccountSettingDefaultResponse, Refusal> {
    let setting = set(tx, request.name, request.value, String::new())?;
    Ok(types::PutAccountSettingDefaultResponse {
        setting: Some(setting),
    })
}

fn set(
    tx: &mut Tx<'_>,
    name: Option<SettingName>,
    value: Option<String>,
    principal: String,
) -> Result<types::Setting, Refusal> {
    let name = named(name)?;
    let value = value.unwrap_or_default();
    if kind(name) == SettingType::AwsManaged {
        return Err(refuse!(
            InvalidParameterException,
            "The account setting {name} is read-only and cannot be changed."
        ));
    }
    if !values(name).contains(&value.as_str()) {
        return Err(refuse!(InvalidParameterException, "Invalid setting 'value'"));
    }
    let key = tx.scope().account_setting(name.as_str(), &principal);
    let shown = shown(tx, name, value.clone(), &principal);
    let setting = AccountSetting {
        name: name.as_str().to_owned(),
        value,
        principal,
    };
    // The last one to set it wins, whatever was there.
    tx.put(key, setting);
    Ok(shown)
}

pub(super) fn delete(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::DeleteAccountSettingRequest,
) -> Result<types::DeleteAccountSettingResponse, Refusal> {
    let name = named(request.name)?;
    let principal = whose(call, request.principal_arn.as_deref())?;
    tx.delete(tx.scope().account_setting(name.as_str(), &principal));
    // What holds from now on.
    let value = holds_for(tx, &principal, name)?;
    Ok(types::DeleteAccountSettingResponse {
        setting: Some(shown(tx, name, value, &principal)),
    })
}

pub(super) fn list(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::ListAccountSettingsRequest,
) -> Result<types::ListAccountSettingsResponse, Refusal> {
    let paging = Paging::of(tx.scope(), &request, PAGE)?;
    if request.value.is_some() && request.name.is_none() {
        return Err(refuse!(
            InvalidParameterException,
            "You must specify an account setting name to use the value parameter."
        ));
    }
    let principal = whose(call, request.principal_arn.as_deref())?;
    let all = request.effective_settings == Some(true);
    let mut found = Vec::new();
    for &name in SettingName::ALL {
        let key = tx.scope().account_setting(name.as_str(), &principal);
        let value = if all {
            Some(holds_for(tx, &principal, name)?)
        } else {
            tx.get::<AccountSetting>(&key)?.map(|setting| setting.value)
        };
        let asked = request.name.is_none_or(|asked| asked == name);
        let matches = |value: &String| request.value.as_ref().is_none_or(|asked| asked == value);
        if let Some(value) = value.filter(matches).filter(|_| asked) {
            found.push((key, shown(tx, name, value, &principal)));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let listed = paging.cut(found);
    Ok(types::ListAccountSettingsResponse {
        settings: Some(listed.items),
        next_token: listed.next_token,
    })
}

/// Whom a setting is for, by ARN; empty for the account. The root user stands for the account, and a session of a
/// role for the role.
fn whose(call: &Call<'_>, named: Option<&str>) -> Result<String, Refusal> {
    let given = named.filter(|named| !named.is_empty());
    let arn = given.unwrap_or(call.principal);
    let account = &call.scope.account;
    let wrong = || {
        refuse!(
            InvalidParameterException,
            "Invalid principal ARN: {value}",
            value = arn
        )
    };
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let &["arn", partition, service @ ("iam" | "sts"), "", owner, resource] = parts.as_slice() else {
        return if given.is_some() {
            Err(wrong())
        } else {
            Ok(arn.to_owned())
        };
    };
    if given.is_some() && owner != account {
        return Err(refuse!(
            AccessDeniedException,
            "The principal {value} is not of the account {account}",
            value = arn
        ));
    }
    let names: Vec<&str> = resource.split('/').collect();
    match (service, names.as_slice()) {
        ("iam", ["root"]) => Ok(String::new()),
        ("iam", ["user" | "role", .., _]) | ("sts", ["federated-user", _]) => Ok(arn.to_owned()),
        ("sts", ["assumed-role", role, ..]) => Ok(format!("arn:{partition}:iam::{owner}:role/{role}")),
        _ if given.is_some() => Err(wrong()),
        _ => Ok(arn.to_owned()),
    }
}

fn named(name: Option<SettingName>) -> Result<SettingName, Refusal> {
    name.ok_or_else(|| refuse!(InvalidParameterException, "Invalid setting 'name'"))
}

fn shown(tx: &Tx<'_>, name: SettingName, value: String, principal: &str) -> types::Setting {
    let scope = tx.scope();
    let root = || format!("arn:{}:iam::{}:root", scope.partition, scope.account);
    types::Setting {
        name: Some(name),
        value: Some(value),
        principal_arn: Some(if principal.is_empty() {
            root()
        } else {
            principal.to_owned()
        }),
        r#type: Some(kind(name)),
    }
}
