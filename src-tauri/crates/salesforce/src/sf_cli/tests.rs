use super::*;
use rstest::rstest;

/// What `sf` 2.150 wrote, and what older ones wrote.
#[rstest]
#[case::json(r#"{"status":0,"result":{"accessToken":"00Dx!a"},"warnings":[]}"#, "", Ok("00Dx!a"))]
#[case::a_warning_before_it(
    "Warning: update available\n{\"status\":0,\"result\":{\"accessToken\":\"t\"}}\n",
    "",
    Ok("t")
)]
#[case::unknown_org(
    r#"{"name":"NamedOrgNotFoundError","message":"Parsing --target-org \n\tNo authorization information found for nobody@x.\nSee more help with --help","exitCode":2,"warnings":[],"code":"NamedOrgNotFoundError","status":2}"#,
    "",
    Err((CliTrouble::SignedOut, "No authorization information found for nobody@x."))
)]
#[case::ended(
    "",
    r#"{"status":1,"name":"RefreshTokenAuthError","message":"Error authenticating with the refresh token due to: expired access/refresh token"}"#,
    Err((CliTrouble::SignedOut, "sf org login web"))
)]
#[case::another_error(r#"{"status":1,"name":"Odd","message":"It is odd."}"#, "", Err((CliTrouble::Failed, "Odd: It is odd")))]
#[case::unknown_command("", " ›   Warning: org auth show-access-token is not a sf command.\n ›   Error: Run sf help", Err((CliTrouble::TooOld, "sf update")))]
#[case::unknown_command_of_old("", " ›   Error: command org:auth:show-access-token not found", Err((CliTrouble::TooOld, "sf update")))]
#[case::no_node("", "/usr/bin/env: 'node': No such file or directory", Err((CliTrouble::Failed, "'node': No such file")))]
#[case::half_a_json(r#"{"status":0,"result"#, "", Err((CliTrouble::Failed, "no JSON")))]
#[case::nothing("", "", Err((CliTrouble::Failed, "no word")))]
fn what_the_cli_writes_is_read(
    #[case] stdout: &str,
    #[case] stderr: &str,
    #[case] expected: Result<&str, (CliTrouble, &str)>,
) {
    match (read(stdout, stderr), expected) {
        (Ok(said), Ok(token)) => assert_eq!(read_token(&said, "u").unwrap().expose_secret(), token),
        (Err(error), Err((trouble, words))) => {
            assert_eq!(error.trouble, trouble, "{error}");
            assert!(error.message.contains(words), "{error}");
        }
        (said, expected) => panic!("{:?} for {expected:?}", said.map(|said| said.result)),
    }
}

#[rstest]
#[case::redacted(
    r#"{"accessToken":"[REDACTED] Use 'sf org auth show-access-token' to view"}"#,
    CliTrouble::Redacted
)]
#[case::none("{}", CliTrouble::SignedOut)]
#[case::null(r#"{"accessToken":null}"#, CliTrouble::SignedOut)]
#[case::empty(r#"{"accessToken":""}"#, CliTrouble::SignedOut)]
#[case::words(r#"{"accessToken":"please sign in"}"#, CliTrouble::SignedOut)]
fn what_is_no_token_is_not_taken_for_one(#[case] result: &str, #[case] trouble: CliTrouble) {
    let said = Said { result: serde_json::from_str(result).unwrap(), warnings: Vec::new() };
    assert_eq!(read_token(&said, "u").unwrap_err().trouble, trouble);
}

#[test]
fn the_list_of_orgs_is_read_and_what_names_nobody_left_out() {
    let listed: Vec<Listed> = serde_json::from_value(serde_json::json!([
        { "username": "a@x", "aliases": ["prod"], "orgId": "00D000000000001EAA", "instanceUrl": "https://acme.my.salesforce.com",
          "isSandbox": false, "isScratchOrg": false, "isExpired": "unknown", "accessToken": "[REDACTED]", "oauthMethod": "web" },
        { "username": "b@x", "aliases": null, "isScratchOrg": true, "isSandbox": false, "isExpired": true },
        { "username": "c@x", "isSandbox": true, "error": "No auth\n  file." },
        { "configs": [], "username": "d@x", "instanceUrl": "http://127.0.0.1:1", "isScratchOrg": false, "isDevHub": false,
          "isSandbox": false, "oauthMethod": "web", "isExpired": "unknown", "alias": "uat, hub" },
        { "orgId": "00D000000000002EAA" },
    ]))
    .unwrap();
    let orgs: Vec<CliOrg> = listed.into_iter().filter_map(read_listed).collect();
    assert_eq!(
        orgs.iter().map(|org| org.kind).collect::<Vec<_>>(),
        [Some(OrgKind::Production), Some(OrgKind::Scratch), Some(OrgKind::Sandbox), None]
    );
    assert_eq!((orgs[0].aliases.join(" "), orgs[3].aliases.join(" ")), ("prod".into(), "uat hub".into()));
    assert_eq!(orgs[0].org_id.unwrap().to_string(), "00D000000000001EAA");
    assert_eq!(orgs[0].problem, None);
    assert_eq!(orgs[1].problem.as_deref(), Some("The scratch org has expired."));
    assert_eq!(orgs[2].problem.as_deref(), Some("No auth file"));
}

#[rstest]
#[case("00D000000000001!AQEA.x", Some("00D000000000001EAA"))]
#[case("00D000000000001EAA!AQEA.x", Some("00D000000000001EAA"))]
#[case("eyJhbGciOi.J9.x", None)]
#[case("me!you", None)]
fn an_access_token_tells_whose_session_it_is(#[case] token: &str, #[case] org: Option<&str>) {
    assert_eq!(org_of_token(&SecretString::from(token)).map(|org| org.to_string()).as_deref(), org);
}
