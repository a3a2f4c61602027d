use rstest::rstest;
use serde_json::json;
use sync_monitor_api::program::{self, Effect, Trouble};

use super::*;

/// Sources whose file is in this folder.
fn sources(folder: &Path) -> Sources {
    Sources {
        defaults: Config::default(),
        file: File::find(None, Some(folder)).unwrap(),
        environment: Box::new(|_| None),
        flags: Vec::new(),
    }
}

fn read(text: &str) -> Result<Config, Error> {
    sources(Path::new("")).read(text)
}

fn seconds(waits: &[u64]) -> Schedule {
    Schedule::new(waits.iter().copied().map(Duration::from_secs).collect()).unwrap()
}

#[test]
fn an_empty_file_means_the_defaults() {
    assert_eq!(read("").unwrap(), Config::default());
    assert_eq!(Config::default().schedule, seconds(&[0, 30, 120, 600, 3_600]));
}

#[test]
fn every_setting_is_read() {
    let config = read(
        r#"
        secrets = "file"

        [retry]
        schedule = ["0s", "500ms", "2m", "1h", "7d"]

        [delivery]
        concurrency_per_org = 8
        connect_timeout = "3s"
        request_timeout = "1m"
        probe_interval = "250ms"

        [pull]
        api_share_percent = 65

        [listener]
        address = "[::1]:0"
        rate_limit_per_minute = 1_000
        allowed_hosts = ["relay.example.com"]

        [oauth]
        redirect_port = 1718
        client_id = "3MVG9.own"

        [salesforce]
        cli = "/opt/sf/bin/sf"

        [retention]
        synced_days = 7
        transaction_days = 90

        [desktop]
        notify_failures = false
        notify_sign_in = false
        close_to_tray = false
        "#,
    )
    .unwrap();
    let expected = Config {
        secrets: Secrets::File,
        schedule: Schedule::new(vec![
            Duration::ZERO,
            Duration::from_millis(500),
            Duration::from_mins(2),
            Duration::from_hours(1),
            7 * DAY,
        ])
        .unwrap(),
        concurrency_per_org: 8,
        connect_timeout: 3 * SECOND,
        request_timeout: 60 * SECOND,
        probe_interval: Duration::from_millis(250),
        pull_share: 65,
        address: "[::1]:0".parse().unwrap(),
        rate_limit_per_minute: 1_000,
        allowed_hosts: vec!["relay.example.com".into()],
        redirect_port: 1718,
        client_id: "3MVG9.own".into(),
        cli: "/opt/sf/bin/sf".into(),
        synced_retention: 7 * DAY,
        transaction_retention: 90 * DAY,
        notify_failures: false,
        notify_sign_in: false,
        close_to_tray: false,
    };
    assert_eq!(config, expected);
}

#[rstest]
#[case::unknown("colour = \"red\"", 1, "colour")]
#[case::unknown_in_a_group("\n[retry]\nschedul = []", 3, "retry.schedul")]
#[case::unknown_group("secrets = \"file\"\n\n[listner]\naddress = \"x\"", 3, "listner")]
#[case::the_first_of_two("[retry]\nb = 1\na = 2", 2, "retry.b")]
#[case::a_dotted_name("delivery.timeout = \"1s\"", 1, "delivery.timeout")]
#[case::no_place_for_secrets("secrets = \"cloud\"", 1, "\"cloud\"")]
#[case::secrets_of_the_wrong_type("\nsecrets = true", 2, "boolean")]
#[case::schedule_is_no_list("[retry]\nschedule = \"30s\"", 2, "retry.schedule")]
#[case::schedule_is_empty("[retry]\nschedule = []", 2, "at least one entry")]
#[case::schedule_of_numbers("[retry]\nschedule = [0, 30]", 2, "texts")]
#[case::schedule_without_unit("[retry]\nschedule = [\"30\"]", 2, "\"30\"")]
#[case::schedule_of_words("[retry]\nschedule = [\"soon\"]", 2, "\"soon\"")]
#[case::schedule_with_a_sign("[retry]\nschedule = [\"-1s\"]", 2, "\"-1s\"")]
#[case::schedule_with_a_fraction("[retry]\nschedule = [\"1.5s\"]", 2, "\"1.5s\"")]
#[case::wait_too_long("[retry]\nschedule = [\"31d\"]", 2, "30 days")]
#[case::duration_overflows("[retry]\nschedule = [\"99999999999999999d\"]", 2, "not a duration")]
#[case::no_concurrency("[delivery]\nconcurrency_per_org = 0", 2, "from 1 to 64")]
#[case::concurrency_as_text("[delivery]\nconcurrency_per_org = \"4\"", 2, "a text")]
#[case::negative_concurrency("[delivery]\nconcurrency_per_org = -1", 2, "from 1 to 64")]
#[case::no_timeout("[delivery]\nconnect_timeout = \"0s\"", 2, "more than nothing")]
#[case::timeout_as_number("[delivery]\nrequest_timeout = 120", 2, "a number")]
#[case::address_without_port("[listener]\naddress = \"127.0.0.1\"", 2, "\"127.0.0.1\"")]
#[case::address_by_name("[listener]\naddress = \"example.com:80\"", 2, "example.com")]
#[case::host_with_port("[listener]\nallowed_hosts = [\"relay:7437\"]", 2, "relay:7437")]
#[case::host_with_scheme("[listener]\nallowed_hosts = [\"http://relay\"]", 2, "http://relay")]
#[case::no_client_id("[oauth]\nclient_id = \" \"", 2, "oauth.client_id")]
#[case::port_too_high("[oauth]\nredirect_port = 65536", 2, "oauth.redirect_port")]
#[case::a_flag_as_text("[desktop]\nclose_to_tray = \"yes\"", 2, "it must be true or false")]
#[case::no_days("[retention]\nsynced_days = 0", 2, "retention.synced_days")]
#[case::a_group_that_is_none("retry = 5", 1, "[retry]")]
#[case::not_toml("secrets = \"file\"\nretry schedule", 2, "not TOML")]
#[case::twice("secrets = \"file\"\nsecrets = \"file\"", 2, "duplicate key")]
fn a_mistake_in_the_file_is_named_with_its_line(
    #[case] text: &str,
    #[case] line: usize,
    #[case] named: &str,
) {
    let error = read(text).unwrap_err().to_string();
    assert!(error.starts_with(&format!("config.toml, line {line}: ")), "{error}");
    assert!(error.contains(named), "{error}");
}

#[test]
fn a_flag_beats_the_environment_beats_the_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("config.toml"),
        "[delivery]\nconcurrency_per_org = 2\nconnect_timeout = \"1s\"\nrequest_timeout = \"1s\"",
    )
    .unwrap();
    let environment = |name: &str| match name {
        "SYNC_MONITOR_DELIVERY_CONNECT_TIMEOUT" | "SYNC_MONITOR_DELIVERY_REQUEST_TIMEOUT" => {
            Some("2s".to_owned())
        }
        "SYNC_MONITOR_RETRY_SCHEDULE" => Some("0s, 1s".to_owned()),
        "SYNC_MONITOR_LISTENER_ALLOWED_HOSTS" => Some(String::new()),
        "SYNC_MONITOR_LISTENER_RATE_LIMIT_PER_MINUTE" => Some("7".to_owned()),
        _ => None,
    };
    let flags = vec![("delivery.request_timeout".to_owned(), "3s".to_owned())];
    let sources = Sources { environment: Box::new(environment), flags, ..sources(folder.path()) };
    let config = sources.load().unwrap();
    let expected = Config {
        concurrency_per_org: 2,
        connect_timeout: 2 * SECOND,
        request_timeout: 3 * SECOND,
        schedule: seconds(&[0, 1]),
        rate_limit_per_minute: 7,
        ..Config::default()
    };
    assert_eq!(config, expected);
}

#[rstest]
#[case::variable(Some("soon"), &[], "SYNC_MONITOR_RETRY_SCHEDULE")]
#[case::flag(None, &[("listener.address", "7437")], "command line")]
#[case::unknown_flag(None, &[("listener.adress", "7437")], "listener.adress")]
fn a_mistake_elsewhere_is_named_with_its_place(
    #[case] variable: Option<&'static str>,
    #[case] flags: &[(&str, &str)],
    #[case] named: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    let flags: Vec<_> = flags.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let environment =
        move |name: &str| variable.filter(|_| name == "SYNC_MONITOR_RETRY_SCHEDULE").map(str::to_owned);
    let sources = Sources { environment: Box::new(environment), flags, ..sources(folder.path()) };
    let error = sources.load().unwrap_err().to_string();
    assert!(error.contains(named), "{error}");
}

#[test]
fn a_file_that_was_asked_for_must_be_there_and_the_usual_one_need_not() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    let asked = File::find(Some(&missing), Some(folder.path())).unwrap();
    let asked = Sources { file: asked, ..sources(folder.path()) };
    assert!(matches!(asked.load(), Err(Error::Read { .. })));
    assert_eq!(sources(folder.path()).load().unwrap(), Config::default());
}

#[test]
fn localhost_is_an_address() {
    assert_eq!(
        read("[listener]\naddress = \"localhost:0\"").unwrap().address,
        "127.0.0.1:0".parse().unwrap()
    );
}

#[rstest]
#[case(0, "0s")]
#[case(500, "500ms")]
#[case(30_000, "30s")]
#[case(90_000, "90s")]
#[case(120_000, "2m")]
#[case(3_600_000, "1h")]
#[case(86_400_000, "24h")]
#[case(604_800_000, "7d")]
fn a_duration_is_shown_as_it_is_written(#[case] millis: u64, #[case] text: &str) {
    assert_eq!(value::write_duration(Duration::from_millis(millis)), text);
    let schedule = read(&format!("retry.schedule = [\"{text}\"]")).unwrap().schedule;
    assert_eq!(schedule.waits(), [Duration::from_millis(millis)]);
}

/// Changes settings in the file of a folder.
fn change(folder: &Path, changes: serde_json::Value) -> Result<program::Settings, Trouble> {
    let changes = serde_json::from_value(changes).unwrap();
    sources(folder).change(&changes, &Config::default())
}

#[test]
fn every_setting_can_be_set_to_what_it_shows_and_is_described() {
    let folder = tempfile::tempdir().unwrap();
    let listed = sources(folder.path()).list(&Config::default()).unwrap();
    for setting in listed.settings {
        assert!(setting.description.ends_with('.') && !setting.must_be.is_empty(), "{setting:?}");
        assert_eq!((&setting.value, setting.source), (&setting.default, Origin::Default));
        let changed = change(folder.path(), json!({ setting.name: setting.value })).unwrap();
        let now = changed.settings.into_iter().find(|now| now.name == setting.name).unwrap();
        assert_eq!((now.value, now.source, now.pending), (setting.default, Origin::File, false));
    }
    assert_eq!(sources(folder.path()).load().unwrap(), Config::default());
}

#[test]
fn a_change_is_written_and_the_rest_of_the_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(
        &path,
        "# ours\nsecrets = \"file\" # no keychain\n\n[retry]\n# slow orgs\nschedule = [\"0s\"]\n",
    )
    .unwrap();
    let changed = change(
        folder.path(),
        json!({ "delivery.concurrency_per_org": 2, "retry.schedule": ["0s", "5s"], "desktop.close_to_tray": false }),
    );
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "# ours\nsecrets = \"file\" # no keychain\n\n[retry]\n# slow orgs\nschedule = [\"0s\", \"5s\"]\n\n\
         [delivery]\nconcurrency_per_org = 2\n\n[desktop]\nclose_to_tray = false\n"
    );
    let pending: Vec<&str> = changed
        .unwrap()
        .settings
        .iter()
        .filter(|setting| setting.pending)
        .map(|setting| setting.name)
        .collect();
    assert_eq!(
        pending,
        ["secrets", "retry.schedule", "delivery.concurrency_per_org"],
        "the desktop's is in force at once"
    );
    change(folder.path(), json!({ "delivery.concurrency_per_org": null, "oauth.client_id": null })).unwrap();
    assert_eq!(sources(folder.path()).load().unwrap().concurrency_per_org, 4);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["config.toml"], "nothing else is left behind");
}

#[test]
fn a_file_that_is_not_there_is_made_and_one_where_nothing_changes_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let nested = folder.path().join("new");
    change(&nested, json!({ "secrets": null })).unwrap();
    assert!(!nested.exists());
    change(&nested, json!({ "secrets": "file" })).unwrap();
    assert_eq!(std::fs::read_to_string(nested.join("config.toml")).unwrap(), "secrets = \"file\"\n");
}

#[cfg(unix)]
#[test]
fn a_file_that_is_a_link_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("mine.toml");
    std::fs::write(&target, "").unwrap();
    std::os::unix::fs::symlink(&target, folder.path().join("config.toml")).unwrap();
    change(folder.path(), json!({ "secrets": "file" })).unwrap();
    assert!(std::fs::symlink_metadata(folder.path().join("config.toml")).unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "secrets = \"file\"\n");
}

#[rstest]
#[case::unknown(json!({ "retry.wait": 1 }), "no setting `retry.wait`. Known are: retry.schedule")]
#[case::unknown_anywhere(json!({ "colour": 1 }), "no setting `colour`. Known are: secrets, retry.schedule")]
#[case::a_group(json!({ "retry": {} }), "no setting `retry`")]
#[case::text_for_number(json!({ "delivery.concurrency_per_org": "4" }), "it is a text; it must be a whole number from 1 to 64")]
#[case::fraction(json!({ "delivery.concurrency_per_org": 1.5 }), "number with a fraction; it must be a whole number")]
#[case::out_of_range(json!({ "oauth.redirect_port": 65_536 }), "from 1 to 65535")]
#[case::huge(json!({ "retention.synced_days": u64::MAX }), "whole number of days from 1 to 3650")]
#[case::duration(json!({ "delivery.request_timeout": "fast" }), "\"fast\" is not a duration; it must be a duration")]
#[case::mixed_list(json!({ "retry.schedule": ["0s", 30] }), "it must be a list of 1 to 20 waits")]
#[case::empty_schedule(json!({ "retry.schedule": [] }), "it must be a list of 1 to 20 waits")]
#[case::flag_as_number(json!({ "desktop.close_to_tray": 1 }), "it must be true or false")]
#[case::object(json!({ "oauth.client_id": {} }), "it must be a text that is not empty")]
#[case::one_of_two(json!({ "delivery.concurrency_per_org": 2, "secrets": "cloud" }), "\"keychain\" or \"file\"")]
fn a_wrong_change_is_named_and_nothing_is_written(#[case] changes: serde_json::Value, #[case] words: &str) {
    let folder = tempfile::tempdir().unwrap();
    match change(folder.path(), changes) {
        Err(Trouble::Wrong(why)) => assert!(why.contains(words), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(!folder.path().join("config.toml").exists());
}

#[test]
fn what_beats_the_file_cannot_be_changed_there() {
    let folder = tempfile::tempdir().unwrap();
    let beating = Sources {
        environment: Box::new(|name| (name == "SYNC_MONITOR_SECRETS").then(|| "file".to_owned())),
        flags: vec![("listener.address".to_owned(), "127.0.0.1:0".to_owned())],
        ..sources(folder.path())
    };
    for (change, words) in [
        (json!({ "secrets": "keychain" }), "the environment variable SYNC_MONITOR_SECRETS"),
        (json!({ "listener.address": null }), "the command line"),
    ] {
        match beating.change(&serde_json::from_value(change).unwrap(), &Config::default()) {
            Err(Trouble::Refused(why)) => assert!(why.contains(words), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    let listed = beating.list(&Config::default()).unwrap().settings;
    let origin = |name| listed.iter().find(|setting| setting.name == name).unwrap().source;
    assert_eq!((origin("secrets"), origin("listener.address")), (Origin::Environment, Origin::Flag));
}

#[test]
fn a_file_with_a_mistake_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, "secrets = \"file\"\ncolour = 1\n").unwrap();
    match change(folder.path(), json!({ "secrets": null })) {
        Err(Trouble::Refused(why)) => assert!(why.contains("line 2") && why.contains("colour"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "secrets = \"file\"\ncolour = 1\n");
}

/// The page of the documentation that lists the settings.
fn page() -> String {
    use std::fmt::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let mut page = String::from(include_str!("settings.md"));
    for setting in sources(folder.path()).list(&Config::default()).unwrap().settings {
        let effect = match setting.effect {
            Effect::AtOnce => "at once",
            Effect::NextStart => "at the next start",
        };
        write!(
            page,
            "\n## `{}`\n\n{}\n\n- must be {}\n- default: `{}`\n- takes effect {effect}\n- environment variable: `{}`\n",
            setting.name,
            setting.description,
            setting.must_be,
            setting.default,
            variable(setting.name)
        )
        .unwrap();
    }
    page
}

#[test]
fn the_documentation_of_settings_is_made_from_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/settings.md");
    if std::env::var_os("SYNC_MONITOR_CODEGEN").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    assert!(
        std::fs::read_to_string(path).unwrap() == page(),
        "docs/settings.md is out of date: cargo xtask codegen"
    );
}
