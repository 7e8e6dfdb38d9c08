//! Judgements with patience, findings from facts, and shares of time.

use std::fmt::Write as _;
use std::time::Duration;

use proptest::prelude::*;

use super::availability::CHANGES;
use super::*;
use crate::retry::RetryStrategy;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn looks(kind: CheckKind, findings: &[Option<bool>]) -> Checkup {
    let mut checkup = Checkup::default();
    for (second, finding) in (0..).zip(findings) {
        let finding = match finding {
            Some(true) => Finding::Passing,
            Some(false) => Finding::Failing("broken".to_owned()),
            None => Finding::Unknown,
        };
        checkup.take(BTreeMap::from([(kind, finding)]), &Rules::default(), at(second));
    }
    checkup
}

const GOOD: Option<bool> = Some(true);
const BAD: Option<bool> = Some(false);

#[test]
fn a_check_turns_after_as_many_findings_as_it_says() {
    let verdict = |findings: &[Option<bool>]| {
        let checkup = looks(CheckKind::ApiServer, findings);
        let judgement = &checkup.judgements[&CheckKind::ApiServer];
        (judgement.verdict, judgement.since, judgement.against)
    };
    assert_eq!(verdict(&[None]), (Verdict::Unknown, None, 0));
    assert_eq!(
        verdict(&[GOOD]),
        (Verdict::Passing, Some(at(0)), 0),
        "the first is believed"
    );
    assert_eq!(verdict(&[BAD, BAD]), (Verdict::Unknown, None, 2));
    assert_eq!(verdict(&[GOOD, BAD, BAD]), (Verdict::Passing, Some(at(0)), 2));
    assert_eq!(
        verdict(&[GOOD, BAD, BAD, BAD]),
        (Verdict::Failing, Some(at(3)), 0)
    );
    assert_eq!(
        verdict(&[GOOD, BAD, BAD, GOOD, BAD, BAD]),
        (Verdict::Passing, Some(at(0)), 2),
        "in a row"
    );
    assert_eq!(
        verdict(&[GOOD, BAD, None, BAD, None, BAD]),
        (Verdict::Failing, Some(at(5)), 0)
    );
    assert_eq!(
        verdict(&[BAD, BAD, BAD, GOOD]),
        (Verdict::Failing, Some(at(2)), 1)
    );
    assert_eq!(
        verdict(&[BAD, BAD, BAD, GOOD, GOOD]),
        (Verdict::Passing, Some(at(4)), 0)
    );
}

/// What is known after the looks, each at its second.
fn after_looks(rules: &Rules, looks: &[(i64, Finding)]) -> Checkup {
    let mut checkup = Checkup::default();
    for (second, finding) in looks {
        checkup.take(
            BTreeMap::from([(CheckKind::Kubeconfig, finding.clone())]),
            rules,
            at(*second),
        );
    }
    checkup
}

fn bad() -> Finding {
    Finding::Failing("broken".to_owned())
}

#[test]
fn an_owner_can_ask_for_more_patience_and_for_less() {
    let verdict = |rules: &Rules, looks: &[(i64, Finding)]| {
        after_looks(rules, looks).judgements[&CheckKind::Kubeconfig].verdict
    };
    let patient = Rules {
        failure_threshold: Some(2),
        retry: RetryStrategy {
            success_threshold: 3,
            ..RetryStrategy::default()
        },
        ..Rules::default()
    };
    let looks = [
        (1, Finding::Passing),
        (2, bad()),
        (3, bad()),
        (4, Finding::Passing),
        (5, Finding::Passing),
        (6, Finding::Passing),
    ];
    let verdicts: Vec<Verdict> = (1..=looks.len())
        .map(|until| verdict(&patient, &looks[..until]))
        .collect();
    assert_eq!(
        verdicts,
        [
            Verdict::Passing,
            Verdict::Passing,
            Verdict::Failing,
            Verdict::Failing,
            Verdict::Failing,
            Verdict::Passing
        ]
    );
    assert_eq!(verdict(&Rules::default(), &looks[..2]), Verdict::Failing);
    assert_eq!(verdict(&Rules::default(), &looks[..4]), Verdict::Passing);
    // An owner cannot ask for less certainty that it is in order again than the check itself does.
    let mut asked = Checkup::default();
    for (second, finding) in [(1, bad()), (2, bad()), (3, bad()), (4, Finding::Passing)] {
        asked.take(
            BTreeMap::from([(CheckKind::ApiServer, finding)]),
            &Rules::default(),
            at(second),
        );
    }
    assert_eq!(asked.judgements[&CheckKind::ApiServer].verdict, Verdict::Failing);
}

#[test]
fn the_same_look_counts_once() {
    let rules = Rules {
        failure_threshold: Some(2),
        ..Rules::default()
    };
    let once = after_looks(&rules, &[(1, Finding::Passing), (2, bad())]);
    assert_eq!(once.looked, Some(at(2)));
    assert_eq!(once.judgements[&CheckKind::Kubeconfig].against, 1);
    let again = after_looks(&rules, &[(1, Finding::Passing), (2, bad()), (2, bad())]);
    assert_eq!(again, once);
    let mut within_the_second = once.clone();
    let later = Timestamp::new(2, 900_000_000).unwrap();
    within_the_second.take(BTreeMap::from([(CheckKind::Kubeconfig, bad())]), &rules, later);
    assert_eq!(within_the_second, once, "times are kept in whole seconds");
    let next = after_looks(&rules, &[(1, Finding::Passing), (2, bad()), (3, bad())]);
    assert_eq!(next.judgements[&CheckKind::Kubeconfig].verdict, Verdict::Failing);
    assert_eq!(next.judgements[&CheckKind::Kubeconfig].since, Some(at(3)));
    let nothing_new = after_looks(&rules, &[(1, Finding::Passing), (7, Finding::Passing)]);
    assert_eq!(
        nothing_new.looked,
        Some(at(1)),
        "what changes nothing is not written"
    );
}

#[test]
fn a_failing_check_is_a_fault_of_its_class() {
    let faults: Vec<String> = CheckKind::ALL
        .iter()
        .map(|kind| kind.fault("words"))
        .inspect(|fault| assert!(fault.is_of_check() && !fault.is_of_output()))
        .map(|fault| format!("{} {}: {fault}", fault.class, fault.code))
        .collect();
    insta::assert_snapshot!(faults.join("\n"), @"
    Dependency DependenciesFailing: check Dependencies: words
    Unknown WorkspaceSyncedFailing: check WorkspaceSynced: words
    Unknown SyncAgeFailing: check SyncAge: words
    Unknown EndpointFailing: check Endpoint: words
    Transient ApiServerFailing: check ApiServer: words
    Unknown KubeconfigFailing: check Kubeconfig: words
    Credentials CertificateExpiryFailing: check CertificateExpiry: words
    Credentials TokenExpiryFailing: check TokenExpiry: words
    Unknown DriftFailing: check Drift: words
    ");
}

#[test]
fn the_fault_of_a_summary_is_its_worst_failure() {
    let mut checkup = Checkup::default();
    assert_eq!(checkup.summary().failing, []);
    let findings = BTreeMap::from([
        (CheckKind::Drift, Finding::Failing("drifted".to_owned())),
        (CheckKind::TokenExpiry, Finding::Failing("expired".to_owned())),
    ]);
    checkup.take(findings, &Rules::default(), at(1));
    let summary = checkup.summary();
    assert_eq!(
        checkup.fault(summary.failing[0]),
        CheckKind::TokenExpiry.fault("expired")
    );
    let unknown = Checkup::default().fault(CheckKind::TokenExpiry);
    assert_eq!(unknown, CheckKind::TokenExpiry.fault(""));
    assert_eq!(
        summary.available, None,
        "nobody has looked at what that depends on"
    );
}

#[test]
fn words_are_of_the_last_failure_and_gone_with_it() {
    let failing = looks(CheckKind::Drift, &[BAD]);
    assert_eq!(failing.judgements[&CheckKind::Drift].message, "broken");
    let mended = looks(CheckKind::Drift, &[BAD, GOOD]);
    assert_eq!(mended.judgements[&CheckKind::Drift].message, "");
}

#[test]
fn the_checks() {
    let mut table = String::from(
        "| check | severity | fails after | passes after | may be mended by |\n|---|---|---|---|---|\n",
    );
    for kind in CheckKind::ALL {
        let check = kind.check();
        let (fails, passes) = (check.failure_threshold, check.success_threshold);
        let action = check.recovery.map_or("", ActionKind::name);
        let severity = check.severity.name();
        writeln!(table, "| {kind} | {severity} | {fails} | {passes} | {action} |").unwrap();
    }
    insta::assert_snapshot!(table, @"
    | check | severity | fails after | passes after | may be mended by |
    |---|---|---|---|---|
    | Dependencies | Error | 3 | 1 | RepairDependency |
    | WorkspaceSynced | Error | 1 | 1 | RetryApply |
    | SyncAge | Warning | 1 | 1 | Refresh |
    | Endpoint | Critical | 1 | 1 |  |
    | ApiServer | Critical | 3 | 2 |  |
    | Kubeconfig | Error | 1 | 1 | RetryApply |
    | CertificateExpiry | Warning | 1 | 1 | RetryApply |
    | TokenExpiry | Error | 1 | 1 | RetryApply |
    | Drift | Warning | 1 | 1 |  |
    ");
}

#[test]
fn a_summary_names_the_worst_first() {
    let mut checkup = Checkup::default();
    assert_eq!(checkup.summary().available, None);
    assert!(checkup.summary().ready);
    let found = |good: bool| {
        if good {
            Finding::Passing
        } else {
            Finding::Failing("no".to_owned())
        }
    };
    let look = |endpoint, kubeconfig, drift| {
        BTreeMap::from([
            (CheckKind::Endpoint, found(endpoint)),
            (CheckKind::Kubeconfig, found(kubeconfig)),
            (CheckKind::Drift, found(drift)),
        ])
    };
    checkup.take(look(true, true, false), &Rules::default(), at(0));
    let summary = checkup.summary();
    assert_eq!(
        (summary.available, summary.ready),
        (Some(true), true),
        "a warning impairs nothing"
    );
    assert!(!summary.is_degraded());
    assert_eq!(summary.mendable(ActionKind::ALL), None);
    checkup.take(look(true, false, false), &Rules::default(), at(1));
    let summary = checkup.summary();
    assert_eq!((summary.available, summary.ready), (Some(true), false));
    assert!(summary.is_degraded());
    assert_eq!(summary.failing, [CheckKind::Kubeconfig, CheckKind::Drift]);
    assert_eq!(
        summary.mendable(&[ActionKind::RetryApply]),
        Some(CheckKind::Kubeconfig)
    );
    assert_eq!(summary.mendable(&[ActionKind::Replan]), None);
    checkup.take(look(false, false, true), &Rules::default(), at(2));
    let summary = checkup.summary();
    assert_eq!((summary.available, summary.ready), (Some(false), false));
    assert_eq!(summary.failing, [CheckKind::Endpoint, CheckKind::Kubeconfig]);
    let others = [
        CheckKind::WorkspaceSynced,
        CheckKind::SyncAge,
        CheckKind::Endpoint,
    ];
    checkup.take(
        others.map(|kind| (kind, found(false))).into(),
        &Rules::default(),
        at(3),
    );
    let summary = checkup.summary();
    assert_eq!(
        summary.failing,
        [
            CheckKind::Endpoint,
            CheckKind::WorkspaceSynced,
            CheckKind::SyncAge
        ],
        "whatever the order of the checks"
    );
    assert_eq!(summary.available, Some(false));
    checkup.take(
        BTreeMap::from([(CheckKind::Drift, Finding::Passing)]),
        &Rules::default(),
        at(4),
    );
    assert_eq!(checkup.judgements.len(), 1, "what is not looked at is not judged");
    assert_eq!(checkup.summary().available, None);
}

#[test]
fn facts_become_findings() {
    let day = Duration::from_hours(24);
    let good = Facts {
        broken_dependencies: Some(vec![]),
        synced: Some(true),
        sync: Some((at(0), Duration::from_secs(50))),
        endpoint: Some(Found::Good),
        api: Some(Api::Answered),
        kubeconfig: Some(Found::Good),
        certificate_expires: Some(crate::advance::after(at(100), day * 31)),
        token_expires: Some(at(1_000)),
        drifted: Some(0),
    };
    let found = examine(&good, at(100));
    assert!(found.keys().eq(CheckKind::ALL));
    assert!(
        found.values().all(|finding| *finding == Finding::Passing),
        "{found:?}"
    );
    let bad = Facts {
        broken_dependencies: Some(vec!["A/a".to_owned(), "B/b".to_owned()]),
        synced: Some(false),
        sync: Some((at(0), Duration::from_secs(50))),
        endpoint: Some(Found::Missing),
        api: Some(Api::Silent("timed out".to_owned())),
        kubeconfig: Some(Found::Wrong("of another cluster".to_owned())),
        certificate_expires: Some(crate::advance::after(at(101), day * 30)),
        token_expires: Some(at(101)),
        drifted: Some(3),
    };
    let words: Vec<String> = examine(&bad, at(101))
        .into_iter()
        .map(|(kind, finding)| match finding {
            Finding::Failing(message) => format!("{kind}: {message}"),
            other => format!("{kind}: {other:?}"),
        })
        .collect();
    insta::assert_snapshot!(words.join("\n"), @"
    Dependencies: not ready: A/a, B/b
    WorkspaceSynced: the workspace is not applied for the present input
    SyncAge: not compared with the world since 1970-01-01T00:00:00Z
    Endpoint: the endpoint is missing
    ApiServer: the API server does not answer: timed out
    Kubeconfig: the kubeconfig is wrong: of another cluster
    CertificateExpiry: the certificate expires at 1970-01-31T00:01:41Z
    TokenExpiry: the token has expired at 1970-01-01T00:01:41Z
    Drift: 3 resources are no longer as they were applied
    ");
    let unknown = Facts {
        api: Some(Api::NotAsked),
        token_expires: Some(at(400)),
        ..Facts::default()
    };
    let found = examine(&unknown, at(100));
    assert_eq!(found[&CheckKind::ApiServer], Finding::Unknown);
    assert!(
        matches!(&found[&CheckKind::TokenExpiry], Finding::Failing(words) if words.contains("expires at"))
    );
    assert_eq!(found.len(), 2);
}

#[test]
fn what_is_written_down_of_time_to_come_does_not_count_yet() {
    let mut record = Availability::default();
    record.note(Some(true), at(0));
    record.note(Some(false), at(10));
    record.note(Some(true), at(100));
    let share = record.share(Duration::from_hours(1), at(50)).unwrap();
    assert_eq!((share.percent, share.observed.as_secs()), (20, 50));
}

#[test]
fn shares_are_of_what_was_observed() {
    let mut record = Availability::default();
    let hour = Duration::from_hours(1);
    assert_eq!(record.share(hour, at(0)), None);
    assert!(!record.note(None, at(0)), "that nobody looked is no news");
    assert!(record.note(Some(true), at(1_000)));
    assert!(!record.note(Some(true), at(1_500)));
    assert!(record.note(Some(false), at(1_900)));
    assert!(record.note(None, at(2_000)));
    assert!(record.note(Some(true), at(9_000)));
    assert_eq!(record.observed_since(), Some(at(1_000)));
    let share = |window, now| {
        record
            .share(Duration::from_secs(window), at(now))
            .map(|share| (share.percent, share.observed.as_secs()))
    };
    assert_eq!(share(3_600, 2_000), Some((90, 1_000)));
    assert_eq!(
        share(3_600, 5_000),
        Some((83, 600)),
        "the first 400 seconds have left the window"
    );
    assert_eq!(share(100, 5_000), None);
    assert_eq!(share(u64::MAX, 10_000), Some((95, 2_000)));
    assert_eq!(share(1_000, 10_000), Some((100, 1_000)));
}

#[test]
fn what_is_noted_twice_at_one_moment_is_noted_once() {
    let mut record = Availability::default();
    assert!(record.note(Some(true), at(5)));
    assert!(!record.note(Some(true), at(5)));
    assert!(record.note(Some(false), at(5)));
    assert_eq!(record.len(), 1, "the last word counts");
    assert_eq!(record.share(Duration::from_secs(1), at(6)).unwrap().percent, 0);
}

#[test]
fn the_oldest_change_goes_when_there_is_no_room() {
    let mut record = Availability::default();
    let changes = i64::try_from(CHANGES).unwrap();
    for second in 0..changes {
        assert!(record.note(Some(second % 2 == 0), at(second)));
    }
    assert_eq!((record.len(), record.observed_since()), (CHANGES, Some(at(0))));
    assert!(record.note(Some(changes % 2 == 0), at(changes)));
    assert_eq!((record.len(), record.observed_since()), (CHANGES, Some(at(1))));
}

#[test]
fn a_clock_that_is_set_back_forgets_what_is_to_come() {
    let mut record = Availability::default();
    record.note(Some(true), at(1_000));
    record.note(Some(false), at(2_000));
    assert!(record.note(Some(true), at(1_500)));
    assert_eq!(
        record.share(Duration::from_secs(500), at(1_500)).unwrap().percent,
        100
    );
    assert!(record.note(Some(false), at(500)));
    assert_eq!(record.observed_since(), Some(at(500)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_record_is_bounded_and_its_shares_are_right(
        steps in proptest::collection::vec((1..500_i64, proptest::option::of(any::<bool>())), 1..120),
        window in 1..30_000_u64,
    ) {
        let mut record = Availability::default();
        let mut seconds: Vec<Option<bool>> = Vec::new();
        for (length, available) in steps {
            record.note(available, at(i64::try_from(seconds.len()).unwrap()));
            seconds.extend(std::iter::repeat_n(available, usize::try_from(length).unwrap()));
        }
        let now = seconds.len();
        let first = record.observed_since().map_or(now, |at| usize::try_from(at.as_second()).unwrap());
        let from = first.max(now.saturating_sub(usize::try_from(window).unwrap()));
        let observed: Vec<bool> = seconds[from..].iter().copied().flatten().collect();
        let expected = (!observed.is_empty()).then(|| {
            let up = observed.iter().filter(|up| **up).count();
            Share {
                percent: u8::try_from(up * 100 / observed.len()).unwrap(),
                observed: Duration::from_secs(observed.len().try_into().unwrap()),
            }
        });
        prop_assert_eq!(record.share(Duration::from_secs(window), at(now.try_into().unwrap())), expected);
        prop_assert!(record.len() <= CHANGES);
    }

    /// Looking again at what has not changed changes nothing.
    #[test]
    fn a_judgement_comes_to_rest(findings in proptest::collection::vec(proptest::option::of(any::<bool>()), 0..20), last in any::<bool>()) {
        for &kind in CheckKind::ALL {
            let mut all = findings.clone();
            all.extend([Some(last); 3]);
            let settled = looks(kind, &all);
            all.push(Some(last));
            prop_assert_eq!(&looks(kind, &all), &settled);
            let judgement = &settled.judgements[&kind];
            prop_assert_eq!(judgement.verdict, if last { Verdict::Passing } else { Verdict::Failing });
            prop_assert_eq!(judgement.against, 0);
        }
    }
}
