//! Messages, pruning, defaulting and rules, as the API server has them.

use serde_json::{Value, json};

use super::{Cause, ListKind, Schema};

/// The sentences of all causes.
fn told(causes: &[Cause]) -> String {
    causes
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

fn with_spec(spec: &Value) -> Schema {
    Schema::compile(&json!({"type": "object", "properties": {"spec": spec}}))
        .expect("the schema is structural")
}

fn refused(spec_schema: &Value, spec: &Value) -> Vec<String> {
    with_spec(spec_schema)
        .validate(&json!({ "spec": spec }))
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn object(properties: &Value) -> Value {
    json!({"type": "object", "properties": properties})
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn faults_are_told_in_the_servers_words() {
    let x = |mut schema: Value, value: Value| {
        if schema.get("type").is_none() {
            schema["type"] = json!("string");
        }
        (object(&json!({ "x": schema })), json!({ "x": value }))
    };
    let cases = [
        (
            x(json!({}), json!(1)),
            r#"spec.x: Invalid value: "integer": spec.x in body must be of type string: "integer""#,
        ),
        (
            x(json!({}), json!(null)),
            r#"spec.x: Invalid value: "null": spec.x in body must be of type string: "null""#,
        ),
        (
            x(json!({"type": "integer"}), json!(1.5)),
            r#"spec.x: Invalid value: "number": spec.x in body must be of type integer: "number""#,
        ),
        (
            x(json!({"enum": ["a", "b"]}), json!("x")),
            r#"spec.x: Unsupported value: "x": supported values: "a", "b""#,
        ),
        (
            x(json!({"pattern": "^a$"}), json!("b")),
            r#"spec.x: Invalid value: "b": spec.x in body should match '^a$'"#,
        ),
        (
            x(json!({"minLength": 2}), json!("b")),
            r#"spec.x: Invalid value: "b": spec.x in body should be at least 2 chars long"#,
        ),
        (
            x(json!({"maxLength": 2}), json!("abc")),
            "spec.x: Too long: may not be more than 2 bytes",
        ),
        (
            x(json!({"format": "date-time"}), json!("now")),
            r#"spec.x: Invalid value: "now": spec.x in body must be of type date-time: "now""#,
        ),
        (
            x(json!({"type": "integer", "minimum": 1}), json!(0)),
            "spec.x: Invalid value: 0: spec.x in body should be greater than or equal to 1",
        ),
        (
            x(json!({"type": "integer", "maximum": 1}), json!(2)),
            "spec.x: Invalid value: 2: spec.x in body should be less than or equal to 1",
        ),
        (
            x(
                json!({"type": "number", "minimum": 0, "exclusiveMinimum": true}),
                json!(0),
            ),
            "spec.x: Invalid value: 0: spec.x in body should be greater than 0",
        ),
        (
            x(json!({"type": "integer", "multipleOf": 3}), json!(4)),
            "spec.x: Invalid value: 4: spec.x in body should be a multiple of 3",
        ),
        (
            x(
                json!({"type": "array", "items": {"type": "string"}, "minItems": 1}),
                json!([]),
            ),
            "spec.x: Invalid value: 0: spec.x in body should have at least 1 items",
        ),
        (
            x(
                json!({"type": "array", "items": {"type": "string"}, "maxItems": 1}),
                json!(["a", "b"]),
            ),
            "spec.x: Too many: 2: must have at most 1 item",
        ),
        (
            x(
                json!({"type": "array", "items": {"type": "string"}}),
                json!(["a", 1]),
            ),
            r#"spec.x[1]: Invalid value: "integer": spec.x[1] in body must be of type string: "integer""#,
        ),
        (
            x(
                json!({"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 1}),
                json!({"a": "", "b": ""}),
            ),
            "spec.x: Too many: 2: must have at most 1 item",
        ),
        (
            x(
                json!({"type": "object", "additionalProperties": {"type": "string"}}),
                json!({"k": true}),
            ),
            r#"spec.x.k: Invalid value: "boolean": spec.x.k in body must be of type string: "boolean""#,
        ),
        (
            x(
                json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}),
                json!(["a", "a"]),
            ),
            r#"spec.x[1]: Duplicate value: "a""#,
        ),
        (
            x(
                json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"],
            "items": {"type": "object", "required": ["n"], "properties": {"n": {"type": "string"}}}}),
                json!([{"n": "a"}, {"n": "a"}]),
            ),
            r#"spec.x[1]: Duplicate value: {"n":"a"}"#,
        ),
        (
            x(
                json!({"type": "integer", "format": "int32"}),
                json!(3_000_000_000_i64),
            ),
            r#"<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.x"#,
        ),
    ];
    for ((schema, value), wanted) in cases {
        assert_eq!(refused(&schema, &value), [wanted]);
    }
}

#[test]
fn what_is_missing_is_required() {
    let schema =
        json!({"type": "object", "required": ["version"], "properties": {"version": {"type": "string"}}});
    assert_eq!(refused(&schema, &json!({})), ["spec.version: Required value"]);
}

#[test]
fn choices_name_no_field() {
    let either = json!([{"required": ["a"]}, {"required": ["b"]}]);
    let base = |key: &str| {
        let mut out = object(&json!({"a": {"type": "string"}, "b": {"type": "string"}}));
        out[key] = either.clone();
        out
    };
    assert_eq!(
        refused(&base("oneOf"), &json!({})),
        [
            r#"<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found none valid"#,
            "spec.a: Required value"
        ]
    );
    assert_eq!(
        refused(&base("oneOf"), &json!({"a": "", "b": ""})),
        [
            r#"<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives"#
        ]
    );
    assert_eq!(
        refused(&base("anyOf"), &json!({}))[0],
        r#"<nil>: Invalid value: "": "spec" must validate at least one schema (anyOf)"#
    );
    assert_eq!(refused(&base("anyOf"), &json!({"a": ""})), Vec::<String>::new());
    assert_eq!(
        refused(&base("allOf"), &json!({"a": ""})),
        [
            "spec.b: Required value",
            r#"<nil>: Invalid value: "": "spec" must validate all the schemas (allOf)"#
        ]
    );
    let mut not = object(&json!({"a": {"type": "string"}}));
    not["not"] = json!({"required": ["a"]});
    assert_eq!(
        refused(&not, &json!({"a": ""})),
        [r#"<nil>: Invalid value: "": "spec" must not validate the schema (not)"#]
    );
}

#[test]
fn int_or_string_takes_both_and_nothing_else() {
    let schema = object(&json!({"x": {"x-kubernetes-int-or-string": true}}));
    assert!(refused(&schema, &json!({"x": 1})).is_empty());
    assert!(refused(&schema, &json!({"x": "10%"})).is_empty());
    assert_eq!(
        refused(&schema, &json!({"x": true})),
        [r#"spec.x: Invalid value: "boolean": spec.x in body must be of type integer,string: "boolean""#]
    );
}

#[test]
fn unknown_fields_are_pruned_and_named() {
    let schema = Schema::compile(&json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {
            "known": {"type": "string"},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
                "strict": {"type": "object", "properties": {"a": {"type": "string"}}}}},
            "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
            "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {"a": {"type": "string"}}}},
            "template": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true},
        }},
    }}))
    .unwrap();
    let mut object = json!({
        "apiVersion": "e/v1", "kind": "E", "metadata": {"name": "e", "bogus": 1, "labels": {"a": "b"}},
        "extra": 1,
        "spec": {
            "known": "", "foo": 1, "free": {"x": {"y": 1}, "strict": {"b": 1}},
            "list": [{"a": "", "b": 1}], "map": {"k": {"b": 1}},
            "template": {"apiVersion": "v1", "kind": "K", "metadata": {"name": "n", "bogus": 1}, "spec": {"any": 1}},
        },
    });
    assert_eq!(
        schema.prune(&mut object),
        [
            "extra",
            "metadata.bogus",
            "spec.foo",
            "spec.free.strict.b",
            "spec.list[0].b",
            "spec.map.k.b",
            "spec.template.metadata.bogus"
        ]
    );
    assert_eq!(object["spec"]["free"], json!({"x": {"y": 1}, "strict": {}}));
    assert_eq!(object["spec"]["template"]["spec"], json!({"any": 1}));
    assert!(schema.prune(&mut object).is_empty());
}

#[test]
fn defaults_fill_and_forbidden_nulls_go() {
    let schema = with_spec(&json!({"type": "object", "default": {}, "properties": {
        "size": {"type": "integer", "default": 3},
        "maybe": {"type": "string", "nullable": true, "default": "d"},
        "plain": {"type": "string"},
        "list": {"type": "array", "items": {"type": "object", "properties": {"p": {"type": "string", "default": "TCP"}}}},
    }}));
    let mut object = json!({});
    schema.default(&mut object);
    assert_eq!(object, json!({"spec": {"size": 3, "maybe": "d"}}));
    let mut object = json!({"spec": {"size": null, "maybe": null, "plain": null, "list": [{}]}});
    schema.default(&mut object);
    assert_eq!(
        object,
        json!({"spec": {"size": 3, "maybe": null, "list": [{"p": "TCP"}]}})
    );
    assert!(schema.validate(&object).is_empty());
}

#[test]
fn schemas_that_are_not_structural_are_refused() {
    let cases = [
        (
            json!({"type": "object", "properties": {"x": {}}}),
            "properties[x].type: Required value: must not be empty for specified object fields",
        ),
        (
            json!({"properties": {}}),
            "type: Required value: must not be empty at the root",
        ),
        (
            json!({"type": "string"}),
            r#"type: Invalid value: "string": must be object at the root"#,
        ),
        (
            json!({"type": "object", "properties": {"x": {"type": "array"}}}),
            "properties[x].items: Required value: must be specified",
        ),
        (
            json!({"type": "object", "properties": {"x": {"type": "string", "anyOf": [{"type": "string"}]}}}),
            "properties[x].anyOf[0].type: Forbidden: must be empty to be structural",
        ),
        (
            json!({"type": "object", "properties": {"x": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "map"}}}),
            "properties[x].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map",
        ),
        (
            json!({"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}}),
            "properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
        ),
        (
            json!({"type": "object", "properties": {"x": {"type": "integer", "default": "a"}}}),
            r#"properties[x].default: Invalid value: "string":  in body must be of type integer: "string""#,
        ),
    ];
    for (schema, wanted) in cases {
        let refusal = Schema::compile(&schema).expect_err(wanted);
        assert_eq!(told(&refusal), wanted);
    }
    let broken = json!({"type": "object", "x-kubernetes-validations": [{"rule": "self.a >="}]});
    let refusal = Schema::compile(&broken).expect_err("the rule does not compile");
    assert_eq!(refusal[0].field, "x-kubernetes-validations[0].rule");
    assert!(
        refusal[0].message.contains("compilation failed"),
        "{}",
        refusal[0]
    );
    let pattern = json!({"type": "object", "properties": {"x": {"type": "string", "pattern": "("}}});
    let refusal = Schema::compile(&pattern).expect_err("the pattern does not compile");
    assert_eq!(
        refusal[0]
            .clone()
            .under("spec.versions[0].schema.openAPIV3Schema")
            .field,
        "spec.versions[0].schema.openAPIV3Schema.properties[x].pattern"
    );
}

fn ruled(rules: &Value) -> Schema {
    with_spec(&json!({
        "type": "object",
        "properties": {"a": {"type": "integer"}, "name": {"type": "string"}},
        "x-kubernetes-validations": rules,
    }))
}

fn broken_rules(schema: &Schema, spec: &Value, old: Option<&Value>) -> Vec<String> {
    let old = old.map(|old| json!({ "spec": old }));
    schema
        .validate_rules(&json!({ "spec": spec }), old.as_ref())
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn rules_refuse_with_their_message_reason_and_path() {
    let schema = ruled(&json!([
        {"rule": "self.a > 1"},
        {"rule": "self.a > 2", "message": " too small "},
        {"rule": "self.a > 3", "messageExpression": "'a is ' + string(self.a)"},
        {"rule": "self.a > 4", "message": "no", "reason": "FieldValueForbidden", "fieldPath": ".a"},
        {"rule": "self.a > 5", "message": "give", "reason": "FieldValueRequired"},
    ]));
    assert_eq!(
        broken_rules(&schema, &json!({"a": 1}), None),
        [
            r#"spec: Invalid value: "object": failed rule: self.a > 1"#,
            r#"spec: Invalid value: "object": too small"#,
            r#"spec: Invalid value: "object": a is 1"#,
            "spec.a: Forbidden: no",
            "spec: Required value: give",
        ]
    );
    assert!(broken_rules(&schema, &json!({"a": 6}), None).is_empty());
}

/// A server answers, whatever its evaluator does.
#[test]
fn a_rule_beyond_the_evaluator_is_an_answer() {
    let schema = ruled(
        &json!([{"rule": "google.protobuf.Timestamp{seconds: 1} == timestamp('1970-01-01T00:00:01Z')"}]),
    );
    let causes = broken_rules(&schema, &json!({"a": 1}), None);
    assert!(causes[0].contains("not supported by this server"), "{causes:?}");
}

#[test]
fn transition_rules_need_an_old_value() {
    let schema = with_spec(&json!({"type": "object", "properties": {
        "name": {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "name is immutable"}]},
        "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
            "items": {"type": "object", "required": ["k"], "properties": {"k": {"type": "string"}, "v": {"type": "integer"}},
                "x-kubernetes-validations": [{"rule": "self.v >= oldSelf.v", "message": "v only grows"}]}},
    }}));
    let old = json!({"name": "a", "parts": [{"k": "x", "v": 1}, {"k": "y", "v": 5}]});
    assert!(broken_rules(&schema, &old, None).is_empty());
    assert_eq!(
        broken_rules(
            &schema,
            &json!({"name": "b", "parts": [{"k": "y", "v": 6}, {"k": "x", "v": 0}, {"k": "z", "v": 0}]}),
            Some(&old)
        ),
        [
            r#"spec.name: Invalid value: "string": name is immutable"#,
            r#"spec.parts[1]: Invalid value: "object": v only grows"#,
        ]
    );
}

#[test]
fn an_optional_old_value_is_asked_for() {
    let schema = ruled(&json!([
        {"rule": "!oldSelf.hasValue() || self.a >= oldSelf.value().a", "optionalOldSelf": true},
        {"rule": "self.a < 9", "message": "too big"},
        {"rule": "oldSelf.hasValue() || self.name != 'oldSelf'", "optionalOldSelf": true, "message": "taken"},
    ]));
    assert!(broken_rules(&schema, &json!({"a": 1, "name": "x"}), None).is_empty());
    assert_eq!(
        broken_rules(&schema, &json!({"a": 10, "name": "oldSelf"}), None),
        [
            r#"spec: Invalid value: "object": too big"#,
            r#"spec: Invalid value: "object": taken"#,
        ]
    );
    let old = json!({"a": 20, "name": "x"});
    assert_eq!(
        broken_rules(&schema, &json!({"a": 10, "name": "oldSelf"}), Some(&old)),
        [
            r#"spec: Invalid value: "object": failed rule: !oldSelf.hasValue() || self.a >= oldSelf.value().a"#,
            r#"spec: Invalid value: "object": too big"#,
        ]
    );
}

#[test]
fn what_has_not_changed_is_not_refused_again() {
    let schema = with_spec(&json!({"type": "object", "properties": {
        "x": {"type": "string", "maxLength": 1},
        "y": {"type": "integer", "x-kubernetes-validations": [{"rule": "self > 0"}]},
    }}));
    let old = json!({"spec": {"x": "long", "y": 0}});
    let mut new = old.clone();
    new["metadata"] = json!({"name": "e"});
    assert!(schema.check(&new, Some(&old), Vec::new()).is_empty());
    assert_eq!(
        schema.check(&new, None, Vec::new()).len(),
        2,
        "and the rules are skipped: {:?}",
        schema.check(&new, None, Vec::new())
    );
    new["spec"]["y"] = json!(-1);
    assert_eq!(
        told(&schema.check(&new, Some(&old), Vec::new())),
        r#"spec.y: Invalid value: "integer": failed rule: self > 0"#
    );
}

#[test]
fn metadata_is_held_to_types_only() {
    let schema = Schema::compile(&json!({"type": "object", "properties": {
        "metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 3}}},
    }}))
    .unwrap();
    let metadata = json!({"name": "long-name", "finalizers": ["a/b", "a/b"], "ownerReferences": [{"name": "no uid"}],
        "labels": {"a": 1}});
    let found: Vec<String> = schema
        .check(&json!({ "metadata": metadata }), None, Vec::new())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        found,
        [
            r#"metadata.labels.a: Invalid value: "integer": metadata.labels.a in body must be of type string: "integer""#,
            "metadata.name: Too long: may not be more than 3 bytes",
        ]
    );
}

#[test]
fn built_in_kinds_know_their_lists_and_fields() {
    let secret = Schema::builtin("v1", "Secret").unwrap();
    assert_eq!(secret.list_kind(&["metadata", "finalizers"]), ListKind::Set);
    assert_eq!(
        secret.list_kind(&["metadata", "ownerReferences"]),
        ListKind::Map(vec!["uid".to_owned()])
    );
    let mut object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "dat": {}, "data": {"a": "eA=="}});
    assert_eq!(secret.prune(&mut object), ["dat"]);
    assert!(secret.validate(&object).is_empty());
    object["data"]["a"] = json!("not base64!");
    assert_eq!(secret.validate(&object).len(), 1);
    assert!(Schema::builtin("v1", "Nothing").is_none());
    assert_eq!(
        Schema::opaque().list_kind(&["metadata", "finalizers"]),
        ListKind::Set
    );
}

#[test]
fn schemas_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Schema>();
}
