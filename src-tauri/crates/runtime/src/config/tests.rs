use rstest::rstest;

use super::*;

fn read(text: &str) -> Result<Config, Error> {
    let mut config = Config::default();
    config.read_file(Path::new("config.toml"), text).map(|()| config)
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
        cli: Some("/opt/sf/bin/sf".into()),
        synced_retention: 7 * DAY,
        transaction_retention: 90 * DAY,
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
    let file = File::find(None, Some(folder.path())).unwrap();
    let environment = |name: &str| match name {
        "SYNC_MONITOR_DELIVERY_CONNECT_TIMEOUT" | "SYNC_MONITOR_DELIVERY_REQUEST_TIMEOUT" => {
            Some("2s".to_owned())
        }
        "SYNC_MONITOR_RETRY_SCHEDULE" => Some("0s, 1s".to_owned()),
        "SYNC_MONITOR_LISTENER_ALLOWED_HOSTS" => Some(String::new()),
        "SYNC_MONITOR_LISTENER_RATE_LIMIT_PER_MINUTE" => Some("7".to_owned()),
        _ => None,
    };
    let flags = [("delivery.request_timeout".to_owned(), "3s".to_owned())];
    let config = Config::load(Config::default(), &file, environment, &flags).unwrap();
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
    #[case] variable: Option<&str>,
    #[case] flags: &[(&str, &str)],
    #[case] named: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    let file = File::find(None, Some(folder.path())).unwrap();
    let flags: Vec<_> = flags.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let environment =
        |name: &str| variable.filter(|_| name == "SYNC_MONITOR_RETRY_SCHEDULE").map(str::to_owned);
    let error = Config::load(Config::default(), &file, environment, &flags).unwrap_err().to_string();
    assert!(error.contains(named), "{error}");
}

#[test]
fn a_file_that_was_asked_for_must_be_there_and_the_usual_one_need_not() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.toml");
    let asked = File::find(Some(&missing), Some(folder.path())).unwrap();
    assert!(matches!(Config::load(Config::default(), &asked, |_| None, &[]), Err(Error::Read { .. })));
    let usual = File::find(None, Some(folder.path())).unwrap();
    assert_eq!(Config::load(Config::default(), &usual, |_| None, &[]).unwrap(), Config::default());
}

#[test]
fn localhost_is_an_address() {
    assert_eq!(
        read("[listener]\naddress = \"localhost:0\"").unwrap().address,
        "127.0.0.1:0".parse().unwrap()
    );
}
