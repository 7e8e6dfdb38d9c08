//! `capt sandbox` alone.

use crate::harness::{Ended, Place, has, run};

/// The percentages and step counts that were said of an object, in order.
fn progress(ended: &Ended, object: &str) -> Vec<(u32, Option<u32>)> {
    let lines = ended
        .stdout
        .lines()
        .filter(|line| line.contains(&format!(" {object} ")));
    lines
        .filter_map(|line| {
            let mut words = line.split(' ');
            let percent = words
                .by_ref()
                .find_map(|word| word.strip_suffix('%')?.parse().ok())?;
            let done = words.next().and_then(|word| word.split_once('/')?.0.parse().ok());
            Some((percent, done))
        })
        .collect()
}

/// The last line is that of the demo in the table, and complete.
fn check_table(ended: &Ended) {
    let lines: Vec<&str> = ended.stdout.lines().collect();
    let [.., header, row] = lines.as_slice() else {
        return ended.check(false, "there is no table");
    };
    let header: Vec<&str> = header.split_whitespace().collect();
    ended.check(
        header == ["NAME", "STATE", "VERSION", "ENDPOINT", "SECONDS"],
        "the header is another",
    );
    let row: Vec<&str> = row.split_whitespace().collect();
    let [name, state, version, endpoint, seconds] = row.as_slice() else {
        return ended.check(false, "the row is not complete");
    };
    ended.check(
        [*name, *state, *version] == ["demo", "Ready", "v1.31"],
        "the demo is not ready",
    );
    ended.check(
        endpoint.ends_with(".eks.example:443") && !endpoint.contains("//"),
        "the endpoint is no host and port",
    );
    ended.check(seconds.parse::<u32>().is_ok(), "the time is no number");
}

#[test]
fn until_ready_drives_terraform_and_shows_how_far_it_is() {
    if !has("terraform") {
        return;
    }
    let place = Place::new();
    let ended =
        run(place
            .command("capt")
            .args(["sandbox", "--until-ready", "--engine", "terraform", "--stats"]));
    ended.check(ended.status.success(), "it failed");
    check_table(&ended);
    let progress = progress(&ended, "CAPTControlPlane/demo");
    let percents: Vec<u32> = progress.iter().map(|it| it.0).collect();
    ended.check(percents.is_sorted(), "progress went back");
    // Six resources, one after the other: each that is complete is seen to be, with a percentage of its own.
    let mut steps: Vec<(u32, u32)> = progress.iter().filter_map(|it| Some((it.1?, it.0))).collect();
    steps.dedup_by_key(|it| it.0);
    let seen: Vec<u32> = steps.iter().map(|it| it.0).collect();
    ended.check(
        [1, 2, 3, 4, 5].iter().all(|done| seen.contains(done)),
        "steps are missing",
    );
    steps.dedup_by_key(|it| it.1);
    let between = steps.iter().filter(|it| it.1 > 0 && it.1 < 100).count();
    ended.check(between >= 4, "there are fewer than four intermediate values");
    ended.check(
        ended.stderr.contains("2 Terraform runs"),
        "the runs were not counted",
    );
    let left: Vec<_> = std::fs::read_dir(place.path("")).unwrap().collect();
    ended.check(left.is_empty(), "it left something behind");
}

#[test]
fn without_terraform_and_tofu_it_simulates_and_says_so() {
    let place = Place::new();
    let ended = run(place
        .command("capt")
        .args(["sandbox", "--until-ready"])
        .env("PATH", place.path("")));
    ended.check(ended.status.success(), "it failed");
    check_table(&ended);
    let notice = "engine: simulated — neither terraform nor tofu was found on PATH";
    ended.check(ended.stdout.contains(notice), "it does not say that it simulates");
}

#[test]
fn manifests_of_the_go_implementation_become_ready_unchanged() {
    let place = Place::new();
    let manifests = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/go-capt.yaml");
    let ended = run(place.command("capt").args([
        "sandbox",
        "--until-ready",
        "--engine",
        "simulated",
        "-f",
        manifests,
    ]));
    ended.check(ended.status.success(), "it failed");
    let row = ended
        .stdout
        .lines()
        .find(|line| line.starts_with("old "))
        .unwrap_or_default();
    ended.check(row.contains(" Ready "), "the cluster is not ready");
}

#[test]
fn what_needs_a_person_is_said_with_its_cause_and_the_next_step() {
    let place = Place::new();
    let (_, vpc) = capt_sandbox::demo::MANIFESTS[0];
    let broken = place.file("vpc.yaml", &vpc.replace("default = \"10.0.0.0/16\"", ""));
    let (_, cluster) = capt_sandbox::demo::MANIFESTS[2];
    let cluster = place.file("cluster.yaml", cluster);
    let mut command = place.command("capt");
    command
        .args(["sandbox", "--until-ready", "--engine", "simulated", "-f"])
        .arg(broken)
        .arg("-f")
        .arg(cluster);
    let ended = run(&mut command);
    ended.check(ended.status.code() == Some(1), "the exit code is another");
    for wanted in [
        "needs a person: Cluster/demo",
        "\"cidr\"",
        "next step",
        "annotate --overwrite tfws demo-vpc",
    ] {
        ended.check(ended.stderr.contains(wanted), wanted);
    }
}
