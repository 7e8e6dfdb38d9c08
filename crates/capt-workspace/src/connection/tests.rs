use serde_json::json;

use super::*;

fn workspace() -> TerraformWorkspace {
    serde_json::from_value(json!({
        "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1",
        "kind": "TerraformWorkspace",
        "metadata": {"name": "demo-vpc", "namespace": "default", "uid": "uid-1",
                     "labels": {"cluster.x-k8s.io/cluster-name": "demo"}},
        "spec": {
            "forProvider": {"source": "Inline", "module": "x"},
            "writeConnectionSecretToRef": {"name": "conn", "namespace": "default"},
        },
    }))
    .unwrap()
}

fn outputs() -> BTreeMap<String, Output> {
    let output = |sensitive, value| Output { sensitive, value };
    BTreeMap::from([
        ("vpc_id".to_owned(), output(false, json!("vpc-1"))),
        (
            "vpc_config".to_owned(),
            output(true, json!("vpc_id = \"vpc-1\"\n")),
        ),
        ("subnets".to_owned(), output(false, json!(["a", "b"]))),
        ("count".to_owned(), output(false, json!(3))),
        ("nothing".to_owned(), output(false, json!(null))),
    ])
}

fn seen(secret: Option<Secret>, known: bool) -> Seen {
    Seen {
        target: target(&workspace()),
        permitted: true,
        secret: secret.map(Arc::new),
        data: known.then(|| data(&outputs())),
    }
}

fn written() -> Secret {
    seen(None, true).render(&workspace()).unwrap()
}

#[test]
fn texts_are_written_as_they_are_and_all_else_as_json() {
    let secret = written();
    let data = secret.data.as_ref().unwrap();
    let text = |name: &str| String::from_utf8(data[name].0.clone()).unwrap();
    assert_eq!(text("vpc_id"), "vpc-1");
    assert_eq!(text("vpc_config"), "vpc_id = \"vpc-1\"\n");
    assert_eq!(text("subnets"), r#"["a","b"]"#);
    assert_eq!(text("count"), "3");
    assert_eq!(secret.type_.as_deref(), Some("Opaque"));
    assert_eq!(secret.labels()[keys::WORKSPACE], "demo-vpc");
    assert_eq!(secret.labels()[keys::CLUSTER_NAME], "demo");
    let owner = &secret.owner_references()[0];
    assert_eq!(
        (&*owner.uid, owner.controller, owner.block_owner_deletion),
        ("uid-1", Some(true), Some(true))
    );
}

#[test]
fn a_secret_is_current_while_our_part_of_it_is_what_was_written() {
    let before = seen(Some(written()), true).status(Connection::Current, None, false);
    assert!(before.as_ref().unwrap().digest.is_some());
    let state = |secret, known| seen(secret, known).state(&workspace(), before.as_ref());
    for known in [true, false] {
        assert_eq!(state(Some(written()), known), Connection::Current);
        assert_eq!(state(None, known), Connection::Stale);
        let mut more = written();
        more.data
            .get_or_insert_default()
            .insert("theirs".to_owned(), ByteString(b"x".to_vec()));
        assert_eq!(
            state(Some(more), known),
            Connection::Current,
            "what others add is not ours"
        );
        let mut less = written();
        less.data.get_or_insert_default().remove("vpc_id");
        assert_eq!(state(Some(less), known), Connection::Stale);
        let mut other = written();
        other
            .data
            .get_or_insert_default()
            .insert("vpc_id".to_owned(), ByteString(b"vpc-2".to_vec()));
        assert_eq!(state(Some(other), known), Connection::Stale);
    }
    // Nothing is known of what it should hold: it is there, and that has to do.
    assert_eq!(
        seen(Some(written()), false).state(&workspace(), None),
        Connection::Current
    );
}

#[test]
fn a_secret_of_somebody_else_is_refused_by_name() {
    let mut plain = written();
    plain.metadata = ObjectMeta {
        name: Some("conn".to_owned()),
        namespace: Some("default".to_owned()),
        ..ObjectMeta::default()
    };
    let seen_plain = seen(Some(plain.clone()), true);
    assert_eq!(seen_plain.state(&workspace(), None), Connection::Stale);
    let fault = seen_plain.conflict(&workspace()).unwrap();
    assert_eq!(
        (fault.class, &*fault.subject),
        (FaultClass::Conflict, "Secret/conn")
    );

    let mut controlled = written();
    controlled.metadata.owner_references.get_or_insert_default()[0].uid = "uid-2".to_owned();
    let fault = seen(Some(controlled), true).conflict(&workspace()).unwrap();
    assert!(
        fault.message.contains("belongs to TerraformWorkspace/demo-vpc"),
        "{fault}"
    );

    plain.metadata.labels = Some(BTreeMap::from([(
        keys::WORKSPACE.to_owned(),
        "demo-vpc".to_owned(),
    )]));
    plain.type_ = Some("connection.crossplane.io/v1alpha1".to_owned());
    let adopted = seen(Some(plain), true);
    assert_eq!(adopted.conflict(&workspace()), None);
    let rendered = adopted.render(&workspace()).unwrap();
    assert_eq!(
        rendered.type_.as_deref(),
        Some("connection.crossplane.io/v1alpha1"),
        "the type cannot change"
    );
}

#[test]
fn a_secret_in_another_namespace_has_no_owner_reference_and_is_removed_by_hand() {
    let mut workspace = workspace();
    workspace
        .spec
        .write_connection_secret_to_ref
        .as_mut()
        .unwrap()
        .namespace = Some("other".to_owned());
    let empty = Seen {
        target: target(&workspace),
        permitted: true,
        secret: None,
        data: Some(data(&outputs())),
    };
    let mut secret = empty.render(&workspace).unwrap();
    assert!(secret.owner_references().is_empty());
    assert_eq!(secret.annotations()[keys::OWNER_UID], "uid-1");
    secret.metadata.uid = Some("secret-uid".to_owned());
    let there = Seen {
        secret: Some(Arc::new(secret)),
        ..empty
    };
    assert_eq!(there.conflict(&workspace), None);
    let (key, uid) = there.left_behind(&workspace).unwrap();
    assert_eq!((key.to_string(), &*uid), ("other/conn".to_owned(), "secret-uid"));
}

#[test]
fn long_names_fit_into_a_label() {
    assert_eq!(label_value("short"), "short");
    let long = label_value(&"a".repeat(200));
    assert!(long.len() <= 63);
    assert_ne!(long, label_value(&"a".repeat(201)));
}

#[test]
fn outputs_that_no_secret_holds_are_refused_by_name() {
    let mut large = seen(None, true);
    assert_eq!(large.too_large(), None);
    if let Some(data) = &mut large.data {
        data.insert("blob".to_owned(), vec![b'x'; 2 * 1024 * 1024]);
    }
    let fault = large.too_large().unwrap();
    assert_eq!(
        (fault.class, &*fault.subject),
        (FaultClass::Invalid, "output blob")
    );
    assert!(
        fault.message.contains("the largest is blob with 2048 KiB"),
        "{fault}"
    );
    // A large one that fits is written.
    if let Some(data) = &mut large.data {
        data.insert("blob".to_owned(), vec![b'x'; 1000 * 1024]);
    }
    assert_eq!(large.too_large(), None);
    // Nobody asked for a Secret.
    large.target = None;
    assert_eq!(large.too_large(), None);
}
