//! What becomes of tokens: when two want them at once, when they cannot be kept, when somebody says them aloud.

use super::*;

#[tokio::test]
async fn a_token_server_that_is_at_work_for_another_program_asks_nobody_to_sign_in() {
    let world = World::new(false).await;
    world.org.expire_access_tokens();
    world.org.token_server(TokenServer::Busy);
    let report = world.deliver("WI-1").await;
    let last = report.tries.last().unwrap();
    assert_eq!((last.meaning, last.http_status), (Meaning::Unreachable, Some(400)));
    assert_eq!(last.error_code.as_deref(), Some("TOKEN_SERVER_BUSY"));
    world.org.token_server(TokenServer::Healthy);
    assert_eq!(meanings(&world.deliver("WI-1").await).last(), Some(&Meaning::Synced));
}

#[tokio::test]
async fn a_token_that_ends_on_its_way_is_renewed_even_if_it_was_the_first() {
    let world = World::new(false).await;
    world.org.script(Rule::always(Answer::platform(401, "INVALID_SESSION_ID", "expired")).times(1));
    // As after a start: there is no access token yet.
    let started = client(Settings::default(), &world.secrets);
    let report = started.deliver(&world.address, payload("WI-1")).await;
    assert_eq!(meanings(&report), [Meaning::TokenRenewed, Meaning::Synced], "{report:?}");
    // And once only.
    world.org.script(Rule::always(Answer::platform(401, "INVALID_SESSION_ID", "expired")));
    let asked = world.org.token_requests();
    let started = client(Settings::default(), &world.secrets);
    let report = started.deliver(&world.address, payload("WI-2")).await;
    assert_eq!(meanings(&report), [Meaning::TokenRenewed, Meaning::SignInRequired], "{report:?}");
    assert_eq!(world.org.token_requests(), asked + 2);
}

#[rstest]
#[case::asked_to_retry("unknown_error", "retry your request")]
#[case::too_many_logins("invalid_grant", "login rate exceeded")]
#[tokio::test]
async fn a_token_server_that_asks_to_come_back_asks_nobody_to_sign_in(
    #[case] code: &'static str,
    #[case] words: &'static str,
) {
    let world = World::new(false).await;
    world.org.expire_access_tokens();
    world.org.token_server(TokenServer::Says(code, words));
    let report = world.deliver("WI-1").await;
    let last = report.tries.last().unwrap();
    assert_eq!((last.meaning, last.http_status), (Meaning::Unreachable, Some(400)), "{report:?}");
    assert!(last.message.as_deref().unwrap().contains(words), "{last:?}");
    world.org.token_server(TokenServer::Healthy);
    assert_eq!(meanings(&world.deliver("WI-1").await).last(), Some(&Meaning::Synced));
}

#[tokio::test]
async fn an_org_that_has_moved_is_found_by_the_renewal_of_its_token() {
    let world = World::new(false).await;
    let before = world.address.instance_url.clone();
    world.org.move_away(Answer::platform(401, "INVALID_SESSION_ID", "expired")).await.unwrap();
    let report = world.deliver("WI-1").await;
    assert_eq!(meanings(&report), [Meaning::TokenRenewed, Meaning::Synced], "{report:?}");
    assert_eq!(report.moved_to, Some(world.org.url()));
    assert_ne!(world.org.url(), before);
    // Told until it is known, and not any more then.
    let report = world.deliver("WI-2").await;
    assert_eq!((meanings(&report), report.moved_to), (vec![Meaning::Synced], Some(world.org.url())));
    let address = OrgAddress { instance_url: world.org.url(), ..world.address.clone() };
    assert_eq!(world.client.deliver(&address, payload("WI-3")).await.moved_to, None);
    // Whoever looks or keeps the sign-in alive finds out too.
    let looked = client(Settings::default(), &world.secrets).examine(&world.address).await;
    assert_eq!((looked.sign_in, looked.moved_to), (Ok(()), Some(world.org.url())));
    assert_eq!(
        client(Settings::default(), &world.secrets).keep_alive(&world.address).await.unwrap(),
        Some(world.org.url())
    );
}

#[rstest]
#[case::that_redirects(Answer::redirect(301, "https://acme.my.salesforce.com/"))]
#[case::where_nobody_answers(Answer::Reset)]
#[tokio::test]
async fn a_look_at_an_address_that_is_none_any_more_asks_the_token_server(#[case] left_behind: Answer) {
    let world = World::new(false).await;
    world.org.move_away(left_behind).await.unwrap();
    let asked = world.org.token_requests();
    let looked = world.client.examine(&world.address).await;
    assert_eq!((looked.sign_in, looked.endpoint), (Ok(()), Some(Ok(()))));
    assert_eq!(looked.moved_to, Some(world.org.url()));
    assert_eq!(world.org.token_requests(), asked + 1);
}

#[tokio::test]
async fn a_look_at_an_org_that_does_not_answer_and_has_not_moved_asks_the_token_server_once() {
    let world = World::new(false).await;
    world.org.script_api(Answer::redirect(302, "https://login.example/"));
    let asked = world.org.token_requests();
    let looked = world.client.examine(&world.address).await;
    assert_eq!((looked.sign_in, looked.moved_to), (Ok(()), None));
    assert_eq!(world.org.token_requests(), asked + 1);
    world.org.wait_down().await;
    let looked = world.client.examine(&world.address).await;
    assert_eq!(looked.sign_in.unwrap_err().meaning, Meaning::Unreachable);
}

#[rstest]
#[case::without_tls("http://acme.my.salesforce.com", "00D00000000000A")]
#[case::nowhere("nonsense", "00D00000000000A")]
#[case::another_orgs("http://127.0.0.1:9", "00D00000000000B")]
#[tokio::test]
async fn an_address_that_may_not_be_asked_or_is_another_orgs_is_not_taken(
    #[case] named: &str,
    #[case] org: &str,
) {
    let odd = odd_servers::Odd::start().await;
    let (client, address) = odd_servers::stored(&odd, Settings::default(), None);
    let grant = serde_json::json!({
        "access_token": "00Dodd!access.token",
        "token_type": "Bearer",
        "instance_url": named,
        "id": format!("https://login.salesforce.com/id/{org}/005000000000001"),
    });
    let granted = odd_servers::json_answer("200 OK", &grant.to_string());
    let (report, ()) = tokio::join!(client.deliver(&address, payload("WI-1")), async {
        odd.answer(&granted).await;
        if org == "00D00000000000A" {
            odd.answer(&odd_servers::json_answer("200 OK", "{}")).await;
        }
    });
    assert_eq!(report.moved_to, None, "{report:?}");
    let expected = if org == "00D00000000000A" { Meaning::Synced } else { Meaning::SignInRequired };
    assert_eq!(meanings(&report), [expected], "{report:?}");
}

#[tokio::test]
async fn nobody_uses_a_new_access_token_while_its_refresh_token_is_being_stored() {
    let world = World::new(true).await;
    world.org.expire_access_tokens();
    let door = world.secrets.put_door();
    let session = world.client.session(world.org.id());
    let before = session.token().unwrap().generation;
    let (first, second, ()) = tokio::join!(world.deliver("WI-1"), world.deliver("WI-2"), async {
        door.wait_arrived().await;
        assert_eq!(world.org.received(), [], "both wait for the store");
        assert_eq!(session.token().unwrap().generation, before, "nor would a third request get it");
        assert!(!world.secrets.only().contains(&world.good_refresh_token()), "and it is at it");
        door.open();
    });
    for report in [first, second] {
        assert_eq!(meanings(&report), [Meaning::TokenRenewed, Meaning::Synced]);
    }
    assert!(world.secrets.only().contains(&world.good_refresh_token()));
}

#[tokio::test]
async fn a_request_that_is_given_up_does_not_take_a_rotated_refresh_token_with_it() {
    let world = World::new(true).await;
    world.org.expire_access_tokens();
    let door = world.secrets.put_door();
    tokio::select! {
        _ = world.deliver("WI-1") => panic!("waits for the store"),
        () = door.wait_arrived() => {}
    }
    door.open();
    assert_eq!(meanings(&world.deliver("WI-1").await).last(), Some(&Meaning::Synced));
    assert!(world.secrets.only().contains(&world.good_refresh_token()));
}

#[tokio::test]
async fn a_renewal_that_was_on_while_the_org_was_disconnected_brings_nothing_back() {
    let world = World::new(true).await;
    world.org.expire_access_tokens();
    let door = world.secrets.put_door();
    let disconnecting = async {
        door.wait_arrived().await;
        let disconnecting = world.client.disconnect(&world.address);
        tokio::pin!(disconnecting);
        let waited = tokio::select! {
            biased;
            _ = &mut disconnecting => false,
            () = std::future::ready(()) => true,
        };
        door.open();
        disconnecting.await.unwrap();
        waited
    };
    let (_, waited) = tokio::join!(world.deliver("WI-1"), disconnecting);
    assert!(waited, "a disconnect waits for a renewal that is on");
    assert!(world.secrets.is_empty());
    assert_eq!(world.org.revocations(), 1, "the rotated token is the one that is revoked");
}

#[tokio::test]
async fn a_rotated_token_that_could_not_be_stored_is_the_one_that_a_disconnect_revokes() {
    let world = World::new(true).await;
    world.org.expire_access_tokens();
    world.secrets.break_down(true);
    world.deliver("WI-1").await;
    world.client.disconnect(&world.address).await.unwrap();
    assert_eq!(world.org.revocations(), 1);
    assert!(world.secrets.is_empty());
}

#[tokio::test]
async fn a_new_sign_in_is_not_overwritten_by_an_older_token_that_could_not_be_stored() {
    let world = World::new(true).await;
    world.org.expire_access_tokens();
    world.secrets.break_down(true);
    world.deliver("WI-1").await;
    world.secrets.break_down(false);
    world.org.revoke_everything();
    world.org.sign_in_again();
    world.client.connect_with_auth_url(SecretString::from(world.org.auth_url())).await.unwrap();
    world.org.expire_access_tokens();
    assert_eq!(meanings(&world.deliver("WI-1").await), [Meaning::TokenRenewed, Meaning::Synced]);
    assert!(world.secrets.only().contains(&world.good_refresh_token()));
}

#[tokio::test]
async fn signing_in_again_ends_a_refusal() {
    let world = World::new(false).await;
    world.org.revoke_everything();
    assert_eq!(meanings(&world.deliver("WI-1").await).last(), Some(&Meaning::SignInRequired));
    world.org.sign_in_again();
    world.client.connect_with_auth_url(SecretString::from(world.org.auth_url())).await.unwrap();
    assert_eq!(meanings(&world.deliver("WI-1").await), [Meaning::Synced]);
}

#[tokio::test]
async fn a_locked_keychain_is_found_out_before_the_refresh_token_is_used_up() {
    let org = OrgSim::start(OrgSpec::new("00D00000000000A".parse().unwrap()).rotating()).await.unwrap();
    let secrets = Arc::<Memory>::default();
    secrets.break_down(true);
    let client = client(Settings::default(), &secrets);
    let auth_url = SecretString::from(org.auth_url());
    let error = client.connect_with_auth_url(auth_url.clone()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Secrets(_)), "{error}");
    assert_eq!(org.token_requests(), 0);
    secrets.break_down(false);
    client.connect_with_auth_url(auth_url).await.unwrap();
    assert!(secrets.only().contains("tokenHost"), "and nothing else is left there");
}

#[tokio::test]
async fn after_a_restart_the_token_comes_from_the_store_and_a_refusal_is_one_try() {
    let world = World::new(false).await;
    let restarted = client(Settings::default(), &world.secrets);
    assert_eq!(meanings(&restarted.deliver(&world.address, payload("WI-1")).await), [Meaning::Synced]);
    world.org.revoke_everything();
    let restarted = client(Settings::default(), &world.secrets);
    let report = restarted.deliver(&world.address, payload("WI-1")).await;
    assert_eq!(meanings(&report), [Meaning::SignInRequired]);
    assert_eq!(report.tries[0].http_status, Some(400));
}

#[tokio::test]
async fn a_token_at_the_place_where_a_message_is_cut_leaves_no_half_behind() {
    let world = World::new(false).await;
    world.deliver("WI-0").await;
    for token in world.org.secrets() {
        let message = format!("{}{token}", "x".repeat(LONGEST_MESSAGE - 6));
        let report = world.answered(Answer::platform(400, &token, &message)).await;
        let only = &report.tries[0];
        let shown = format!("{:?} {:?} {:?}", only.message, only.error_code, only.response_body);
        assert!(!shown.contains(&token[..5]), "{shown}");
    }
}
