//! The classifier on messages in the words of this project, and its order of precedence.

use capt_core::fault::FaultClass;
use capt_terraform::ErrorClass;
use capt_terraform::classify::{classify, classify_all, decode_message, lock_id};

#[test]
fn messages_are_what_they_say() {
    let mut wrong = vec![];
    let mut seen = 0;
    for line in include_str!("data/classified.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let (class, text) = line.split_once(" | ").expect("class, bar, text");
        let judged = classify(&text.replace("\\n", "\n").replace("\\t", "\t"));
        let got = judged.class.map_or("unclassified", ErrorClass::name);
        seen += 1;
        if got != class {
            wrong.push(format!("{class} not {got} ({}): {text}", judged.code));
        }
        assert!(
            judged.code.chars().all(|c| c.is_ascii_alphanumeric()),
            "{}",
            judged.code
        );
    }
    assert!(seen > 60);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_class_has_a_word_and_a_place() {
    for (place, class) in ErrorClass::ALL.into_iter().enumerate() {
        assert_eq!(usize::from(class.precedence()), place);
        assert_eq!(ErrorClass::from_name(class.name()), Some(class));
    }
    assert_eq!(ErrorClass::State.fault_class(), FaultClass::Integrity);
}

#[test]
fn of_several_failures_the_one_that_decides_comes_first() {
    let judged = classify_all([
        "timeout while waiting for state to become 'available'",
        "no idea",
        "creating EC2 VPC: VpcLimitExceeded: The maximum number of VPCs has been reached.",
        "Unsupported argument: x",
    ]);
    let classes: Vec<_> = judged.iter().map(|judged| judged.class).collect();
    assert_eq!(
        classes,
        [
            Some(ErrorClass::Config),
            Some(ErrorClass::Quota),
            Some(ErrorClass::Transient),
            None
        ]
    );
    assert_eq!(judged[1].code, "VpcLimitExceeded");
    assert_eq!(judged[3].fault_class(), FaultClass::Unknown);
}

#[test]
fn a_packed_message_of_crossplane_is_read() {
    use base64::Engine;
    use std::io::Write;
    let full = "Error: creating EC2 VPC: VpcLimitExceeded: The maximum number of VPCs has been reached.\n\n  with aws_vpc.main";
    let mut packer = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
    packer.write_all(full.as_bytes()).unwrap();
    let text = base64::engine::general_purpose::STANDARD.encode(packer.finish().unwrap());
    let message = format!(
        "apply failed: cannot apply Terraform configuration: Terraform encountered an error. Summary: creating EC2 VPC. \
         To see the full error run: echo \"{text}\" | base64 -d | gunzip"
    );
    assert!(decode_message(&message).unwrap().ends_with("with aws_vpc.main"));
    assert_eq!(classify(&message).class, Some(ErrorClass::Quota));
    assert_eq!(decode_message("echo \"!!\" | base64 -d | gunzip"), None);
}

#[test]
fn the_holder_of_a_lock_is_named() {
    let held = "Error message: the state is already locked\nLock Info:\n  ID:        abc-1\n  Path: x";
    assert_eq!(lock_id(held).as_deref(), Some("abc-1"));
    let http = "HTTP remote state already locked: ID=holder\nLock Info:\n  ID: mine";
    assert_eq!(lock_id(http).as_deref(), Some("holder"));
    assert_eq!(lock_id("nothing"), None);
}
