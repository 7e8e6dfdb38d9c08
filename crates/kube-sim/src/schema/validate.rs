//! Holding an object against its schema, in the API server's own words and order.

use std::collections::BTreeSet;

use serde_json::{Number, Value};

use super::{Additional, Cause, ListKind, Node, Schema, format, join, number};

/// What one schema node has to say of one value.
#[derive(Default)]
struct Verdict {
    causes: Vec<Cause>,
    /// How much of the schema was walked: of several failed alternatives, the one that got furthest is
    /// reported.
    matched: usize,
}

impl Verdict {
    fn absorb(&mut self, other: Verdict) {
        self.causes.extend(other.causes);
        self.matched += other.matched;
    }
}

impl Schema {
    /// All faults of an object, without its rules (see [`Schema::validate_rules`]).
    #[cfg(test)]
    pub(crate) fn validate(&self, object: &Value) -> Vec<Cause> {
        self.validate_update(object, None)
    }

    /// All faults of an object that replaces `old`. Values that have not changed are not refused, even where
    /// a newer schema would (ratcheting).
    #[cfg(test)]
    pub(crate) fn validate_update(&self, object: &Value, old: Option<&Value>) -> Vec<Cause> {
        let mut causes = self.root.validate(object, old, "").causes;
        self.root.duplicates(object, "", &mut causes);
        causes
    }

    /// Schema and rules together: what a write is refused for, or nothing. `beside` is what else is wrong with the
    /// object; it is told of before what stands twice in a list, and may keep rules from being asked.
    pub(crate) fn check(&self, object: &Value, old: Option<&Value>, beside: Vec<Cause>) -> Vec<Cause> {
        let mut causes = self.root.validate(object, old, "").causes;
        causes.extend(beside);
        self.root.duplicates(object, "", &mut causes);
        if causes.iter().any(Cause::blocks_rules) {
            if self.has_rules() {
                causes.push(Cause::rules_skipped());
            }
        } else {
            causes.extend(self.validate_rules(object, old));
        }
        causes
    }
}

impl Node {
    /// The faults of a value that stands alone (a default).
    pub(super) fn check_value(&self, value: &Value) -> Vec<Cause> {
        self.validate(value, None, "").causes
    }

    fn validate(&self, value: &Value, old: Option<&Value>, path: &str) -> Verdict {
        let mut verdict = Verdict::default();
        if old == Some(value) {
            return verdict;
        }
        if value.is_null() && self.nullable {
            verdict.matched += 1;
            return verdict;
        }
        self.check_type(value, path, &mut verdict);
        self.check_branches(value, path, &mut verdict);
        match value {
            Value::String(text) => self.check_string(text, path, &mut verdict),
            Value::Number(digits) => self.check_number(digits, path, &mut verdict),
            Value::Array(items) => self.check_array(items, old, path, &mut verdict),
            Value::Null | Value::Bool(_) | Value::Object(_) => {}
        }
        self.check_enum(value, path, &mut verdict);
        if let Value::Object(members) = value {
            self.check_object(members, old, path, &mut verdict);
        }
        verdict
    }

    fn check_type(&self, value: &Value, path: &str, verdict: &mut Verdict) {
        let found = number::type_name(value);
        if self.int_or_string {
            if !matches!(found, "integer" | "string") {
                verdict
                    .causes
                    .push(Cause::wrong_type(path, path, "integer,string", found));
            }
            verdict.matched += 1;
            return;
        }
        let Some(kind) = self.kind else { return };
        let fits = match value {
            Value::Number(digits) => match kind {
                super::Type::Integer => number::is_integral(digits),
                super::Type::Number => true,
                super::Type::Object | super::Type::Array | super::Type::String | super::Type::Boolean => {
                    false
                }
            },
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                kind.name() == found
            }
        };
        if !fits {
            verdict
                .causes
                .push(Cause::wrong_type(path, path, kind.name(), found));
        }
        verdict.matched += 1;
    }

    fn check_branches(&self, value: &Value, path: &str, verdict: &mut Verdict) {
        let checks = &self.checks;
        if !checks.any_of.is_empty() {
            let all: Vec<Verdict> = checks
                .any_of
                .iter()
                .map(|node| node.validate(value, None, path))
                .collect();
            if !all.iter().any(|one| one.causes.is_empty()) {
                verdict.causes.push(unnamed(&format!(
                    "{path:?} must validate at least one schema (anyOf)"
                )));
                verdict.absorb(best(all));
            }
        }
        if !checks.one_of.is_empty() {
            let all: Vec<Verdict> = checks
                .one_of
                .iter()
                .map(|node| node.validate(value, None, path))
                .collect();
            let valid = all.iter().filter(|one| one.causes.is_empty()).count();
            let lead = format!("{path:?} must validate one and only one schema (oneOf).");
            if valid == 0 {
                verdict.causes.push(unnamed(&format!("{lead} Found none valid")));
                verdict.absorb(best(all));
            } else if valid > 1 {
                verdict
                    .causes
                    .push(unnamed(&format!("{lead} Found {valid} valid alternatives")));
            }
        }
        if !checks.all_of.is_empty() {
            let mut valid = 0;
            for node in &checks.all_of {
                let one = node.validate(value, None, path);
                valid += usize::from(one.causes.is_empty());
                verdict.absorb(one);
            }
            if valid < checks.all_of.len() {
                let none = if valid == 0 { ". None validated" } else { "" };
                verdict.causes.push(unnamed(&format!(
                    "{path:?} must validate all the schemas (allOf){none}"
                )));
            }
        }
        if let Some(not) = &checks.not
            && not.validate(value, None, path).causes.is_empty()
        {
            verdict
                .causes
                .push(unnamed(&format!("{path:?} must not validate the schema (not)")));
        }
        verdict.matched += 1;
    }

    fn check_string(&self, text: &str, path: &str, verdict: &mut Verdict) {
        let checks = &self.checks;
        let length = text.chars().count() as u64;
        let value = Value::from(text);
        let refuse = |detail: String| Cause::invalid(path, &value, &format!("{path} in body {detail}"));
        // Of length and pattern the first fault is told alone.
        if let Some(limit) = checks.max_length.filter(|limit| length > *limit) {
            verdict.causes.push(Cause::too_long(path, limit));
        } else if let Some(limit) = checks.min_length.filter(|limit| length < *limit) {
            verdict
                .causes
                .push(refuse(format!("should be at least {limit} chars long")));
        } else if let Some((pattern, _)) = checks.pattern.as_ref().filter(|(_, regex)| !regex.is_match(text))
        {
            verdict.causes.push(refuse(format!("should match '{pattern}'")));
        }
        if let Some(format) = checks
            .format
            .as_deref()
            .filter(|format| !format::matches(format, text))
        {
            verdict.causes.push(Cause::wrong_type(path, path, format, text));
        }
        verdict.matched += 1;
    }

    fn check_number(&self, digits: &Number, path: &str, verdict: &mut Verdict) {
        let checks = &self.checks;
        let float = number::as_float(digits);
        let value = Value::Number(digits.clone());
        let refuse = |detail: String| Cause::invalid(path, &value, &format!("{path} in body {detail}"));
        if let Some(format) = checks
            .format
            .as_deref()
            .filter(|format| !number::fits(digits, format))
        {
            let kind = self.kind.map_or("number", super::Type::name);
            verdict.causes.push(unnamed(&format!(
                "Checked value must be of type {kind} with format {format} in {path}"
            )));
        }
        if let Some(factor) = checks.multiple_of {
            let ratio = float / factor;
            if (ratio - ratio.round()).abs() > f64::EPSILON {
                verdict.causes.push(refuse(format!(
                    "should be a multiple of {}",
                    number::print(factor)
                )));
            }
        }
        if let Some(bound) = checks.maximum {
            let bound_text = number::print(bound);
            if checks.exclusive_maximum && float >= bound {
                verdict
                    .causes
                    .push(refuse(format!("should be less than {bound_text}")));
            } else if !checks.exclusive_maximum && float > bound {
                verdict
                    .causes
                    .push(refuse(format!("should be less than or equal to {bound_text}")));
            }
        }
        if let Some(bound) = checks.minimum {
            let bound_text = number::print(bound);
            if checks.exclusive_minimum && float <= bound {
                verdict
                    .causes
                    .push(refuse(format!("should be greater than {bound_text}")));
            } else if !checks.exclusive_minimum && float < bound {
                verdict
                    .causes
                    .push(refuse(format!("should be greater than or equal to {bound_text}")));
            }
        }
        verdict.matched += 1;
    }

    fn check_array(&self, items: &[Value], old: Option<&Value>, path: &str, verdict: &mut Verdict) {
        if let Some(child) = self.items.as_deref() {
            for (index, item) in items.iter().enumerate() {
                let old_item = self.correlate(item, old);
                verdict.absorb(child.validate(item, old_item, &format!("{path}[{index}]")));
            }
        }
        let count = items.len() as u64;
        if let Some(limit) = self.checks.min_items.filter(|limit| count < *limit) {
            verdict.causes.push(Cause::invalid(
                path,
                &Value::from(count),
                &format!("{path} in body should have at least {limit} items"),
            ));
        }
        if let Some(limit) = self.checks.max_items.filter(|limit| count > *limit) {
            verdict.causes.push(Cause::too_many(path, items.len(), limit));
        }
        verdict.matched += 1;
    }

    fn check_enum(&self, value: &Value, path: &str, verdict: &mut Verdict) {
        let options = &self.checks.options;
        if options.is_empty() {
            return;
        }
        if !options.contains(value) {
            let words: Vec<String> = options
                .iter()
                .map(|option| option.as_str().map_or_else(|| option.to_string(), str::to_owned))
                .collect();
            verdict.causes.push(Cause::not_supported(path, value, &words));
        }
        verdict.matched += 1;
    }

    fn check_object(
        &self,
        members: &serde_json::Map<String, Value>,
        old: Option<&Value>,
        path: &str,
        verdict: &mut Verdict,
    ) {
        let count = members.len() as u64;
        if let Some(limit) = self.checks.min_properties.filter(|limit| count < *limit) {
            verdict.causes.push(Cause::invalid(
                path,
                &Value::from(limit),
                &format!("{path} in body should have at least {limit} properties"),
            ));
        }
        if let Some(limit) = self.checks.max_properties.filter(|limit| count > *limit) {
            verdict.causes.push(Cause::too_many(path, members.len(), limit));
        }
        for (name, member) in members {
            if let Some(child) = self.child(name) {
                let old_member = old.and_then(|old| old.get(name));
                verdict.absorb(child.validate(member, old_member, &join(path, name)));
            }
        }
        for name in self
            .checks
            .required
            .iter()
            .filter(|name| !members.contains_key(*name))
        {
            verdict.causes.push(Cause::required(&join(path, name), ""));
        }
        verdict.matched += 1;
    }

    /// The item of the old list that an item of the new one continues; only lists of type map have one.
    pub(super) fn correlate<'a>(&self, item: &Value, old: Option<&'a Value>) -> Option<&'a Value> {
        let ListKind::Map(_) = &self.list else { return None };
        let key = self.item_key(item)?;
        old?.as_array()?
            .iter()
            .find(|candidate| self.item_key(candidate).as_ref() == Some(&key))
    }

    /// The identity of an item of a list of type map: its key fields, defaults filled in.
    pub(crate) fn item_key(&self, item: &Value) -> Option<Value> {
        let ListKind::Map(keys) = &self.list else {
            return None;
        };
        let mut identity = serde_json::Map::new();
        for key in keys {
            let declared = self.items.as_deref().and_then(|items| items.properties.get(key));
            let value = item
                .get(key)
                .or_else(|| declared.and_then(|node| node.default.as_ref()));
            if let Some(value) = value {
                identity.insert(key.clone(), value.clone());
            }
        }
        (!identity.is_empty()).then_some(Value::Object(identity))
    }

    /// Reports what stands twice in lists of type set and map.
    fn duplicates(&self, value: &Value, path: &str, causes: &mut Vec<Cause>) {
        match value {
            Value::Array(items) => {
                let mut seen = BTreeSet::new();
                for (index, item) in items.iter().enumerate() {
                    let inner = format!("{path}[{index}]");
                    let identity = match &self.list {
                        ListKind::Atomic => None,
                        ListKind::Set => Some(item.clone()),
                        ListKind::Map(_) => self.item_key(item),
                    };
                    if let Some(identity) = identity
                        && !seen.insert(identity.to_string())
                    {
                        causes.push(Cause::duplicate(&inner, &identity));
                    }
                    if let Some(child) = self.items.as_deref() {
                        child.duplicates(item, &inner, causes);
                    }
                }
            }
            Value::Object(members) => {
                let resource = path.is_empty() || self.embedded;
                for (name, member) in members
                    .iter()
                    .filter(|(name, _)| !resource || *name != "metadata")
                {
                    let additional = matches!(self.additional, Some(Additional::Of(_)));
                    if let Some(child) = self.child(name) {
                        let inner = if additional {
                            format!("{path}[{name}]")
                        } else {
                            join(path, name)
                        };
                        child.duplicates(member, &inner, causes);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// The failed alternative that got furthest.
fn best(all: Vec<Verdict>) -> Verdict {
    let mut chosen = Verdict::default();
    for (index, one) in all.into_iter().enumerate() {
        if index == 0 || one.matched > chosen.matched {
            chosen = one;
        }
    }
    chosen
}

/// A fault for which the server names no field.
fn unnamed(detail: &str) -> Cause {
    Cause::invalid("<nil>", &Value::from(""), detail)
}
