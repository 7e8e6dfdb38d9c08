use super::*;

fn flags(args: &[&str]) -> ArgMatches {
    let command = clap::Command::new("kecs").args(SETTINGS.iter().map(Setting::arg));
    command.get_matches_from(["kecs"].iter().chain(args))
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn a_flag_goes_before_the_environment_before_the_file_before_the_default() {
    let file = file("region: file\naccount-id: '1'\nmax-body: 7\n");
    let variables = |name: &str| match name {
        "KECS_REGION" | "KECS_ACCOUNT_ID" => Some("environment".to_owned()),
        "KECS_LISTEN" => Some(String::new()),
        _ => None,
    };
    let settings = Settings::resolve(&flags(&["--region", "flag"]), variables, Some(file.path())).unwrap();
    assert_eq!(settings.get("region"), Some("flag"));
    assert_eq!(settings.get("account-id"), Some("environment"));
    assert_eq!(settings.get("max-body"), Some("7"));
    assert_eq!(
        settings.get("listen"),
        Some("127.0.0.1:5373"),
        "an empty variable is none"
    );
    assert_eq!(settings.get("keys"), None);
    let rendered = settings.render();
    for line in [
        "region:                   \"flag\" # flag".to_owned(),
        "account-id:               \"environment\" # environment".to_owned(),
        format!("max-body:                 \"7\" # file {}", file.path().display()),
        "store:                    \"sqlite\" # default".to_owned(),
        "# keys is not set".to_owned(),
    ] {
        assert!(rendered.lines().any(|it| it == line), "{line} in\n{rendered}");
    }
}

#[test]
fn what_is_printed_is_a_file_that_says_the_same() {
    let settings = Settings::resolve(&flags(&["--region", "eu-west-1"]), |_| None, None).unwrap();
    let again = file(&settings.render());
    let again = Settings::resolve(&flags(&[]), |_| None, Some(again.path())).unwrap();
    for setting in SETTINGS {
        assert_eq!(
            settings.get(setting.name),
            again.get(setting.name),
            "{}",
            setting.name
        );
    }
}

#[test]
fn every_setting_has_a_flag_a_variable_and_a_line_in_the_file() {
    for setting in SETTINGS {
        let value = "17";
        let flag = format!("--{}", setting.name);
        let by_flag = Settings::resolve(&flags(&[&flag, value]), |_| None, None).unwrap();
        assert_eq!(by_flag.get(setting.name), Some(value));
        let wanted = format!("KECS_{}", setting.name.to_uppercase().replace('-', "_"));
        let variable = |name: &str| (name == wanted).then(|| value.to_owned());
        let by_variable = Settings::resolve(&flags(&[]), variable, None).unwrap();
        assert_eq!(by_variable.get(setting.name), Some(value));
        let file = file(&format!("{}: {value}", setting.name));
        let by_file = Settings::resolve(&flags(&[]), |_| None, Some(file.path())).unwrap();
        assert_eq!(by_file.get(setting.name), Some(value));
    }
}

#[test]
fn a_file_says_only_what_can_be_set() {
    let refused = |text: &str| {
        let file = file(text);
        let error = Settings::resolve(&flags(&[]), |_| None, Some(file.path())).unwrap_err();
        error
            .to_string()
            .replace(&file.path().display().to_string(), "kecs.yaml")
    };
    assert_eq!(
        refused("lisen: 127.0.0.1:1"),
        "kecs.yaml has `lisen`, which is no setting: `listen` is"
    );
    assert_eq!(
        refused("colour: blue"),
        "kecs.yaml has `colour`, which is no setting"
    );
    assert_eq!(
        refused("region: [a]"),
        "understand the settings of kecs.yaml: `region` is no single value"
    );
    assert!(refused("- a").starts_with("understand the settings of kecs.yaml: "));
    let missing = Settings::resolve(&flags(&[]), |_| None, Some(Path::new("/missing.yaml"))).unwrap_err();
    assert_eq!(missing.to_string(), "read the settings of /missing.yaml");
    for empty in ["", "# nothing\n", "region:\n"] {
        let file = file(empty);
        let settings = Settings::resolve(&flags(&[]), |_| None, Some(file.path())).unwrap();
        assert_eq!(settings.get("region"), Some("us-east-1"), "{empty:?}");
    }
}

#[test]
fn the_page_of_settings_is_the_table() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/kecs/configuration.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (begin, end) = ("<!-- settings:begin -->\n", "<!-- settings:end -->");
    let (before, rest) = text.split_once(begin).unwrap();
    let (table, after) = rest.split_once(end).unwrap();
    let wanted = markdown();
    if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        std::fs::write(&page, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
    } else {
        assert_eq!(table, wanted, "run this test with INSTA_UPDATE=always");
    }
}
