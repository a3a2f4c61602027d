use super::*;

/// An org with somebody signed in.
async fn signed_in() -> (OrgSim, String) {
    let org = org().await;
    let token = access_token(&org).await;
    (org, token)
}

async fn send(org: &OrgSim, token: &str, payload: String) -> io::Result<Posted> {
    post(&org.url(), token, payload).await
}

fn numbered(n: u32) -> String {
    payload(&format!("t{n}"), n, json!({ "externalId": format!("WI-{n}") }))
}

#[tokio::test]
async fn a_change_is_taken_kept_and_written_down_byte_for_byte() {
    let (org, token) = signed_in().await;
    let sent = payload("t1", 0, json!({ "externalId": "WI-1", "title": "Größe" }));
    let answer = send(&org, &token, sent.clone()).await.unwrap();
    let expected = json!({ "success": true, "transactionId": "t1", "recordsProcessed": 1, "errors": [] });
    assert_eq!((answer.status, answer.body), (200, expected));
    assert_eq!(org.record("WI-1").unwrap()["title"], "Größe");
    assert!(org.has_transaction("t1") && !org.has_transaction("t2"));
    let received = org.wait_received(1).await.remove(0);
    assert_eq!(received.body, sent);
    assert_eq!((received.status, received.taken), (Some(200), true));
    assert_eq!(received.transaction_id.as_deref(), Some("t1"));
    assert_eq!(received.source_org_id.unwrap().short(), "00D00000000000B");
    assert_eq!(received.external_ids, ["WI-1"]);
}

#[tokio::test]
async fn the_last_write_wins_by_its_timestamp() {
    let (org, token) = signed_in().await;
    let title = |title: &str| json!({ "externalId": "WI-1", "title": title });
    assert_eq!(send(&org, &token, payload("t1", 30, title("new"))).await.unwrap().status, 200);
    let older = send(&org, &token, payload("t2", 29, title("old"))).await.unwrap();
    assert_eq!((older.status, &older.body["errors"][0]["code"]), (409, &json!("CONFLICT")));
    assert_eq!(org.record("WI-1").unwrap()["title"], "new");
    assert_eq!(send(&org, &token, payload("t3", 31, title("newest"))).await.unwrap().status, 200);
    assert_eq!(org.record("WI-1").unwrap()["title"], "newest");
}

#[tokio::test]
async fn an_absent_member_is_left_as_it_was_and_a_null_one_is_not() {
    let (org, token) = signed_in().await;
    let first = json!({ "externalId": "WI-1", "title": "a", "priority": "High" });
    send(&org, &token, payload("t1", 1, first)).await.unwrap();
    send(&org, &token, payload("t2", 2, json!({ "externalId": "WI-1", "priority": null }))).await.unwrap();
    assert_eq!(org.record("WI-1").unwrap(), json!({ "externalId": "WI-1", "title": "a", "priority": null }));
}

#[tokio::test]
async fn a_repeat_is_answered_with_success_and_changes_nothing() {
    let (org, token) = signed_in().await;
    send(&org, &token, numbered(1)).await.unwrap();
    let repeat = send(&org, &token, numbered(1)).await.unwrap();
    assert_eq!((repeat.status, &repeat.body["recordsProcessed"]), (200, &json!(0)));
}

#[tokio::test]
async fn rules_go_by_order_record_and_number_and_end() {
    let (org, token) = signed_in().await;
    let status = async |n: u32| send(&org, &token, numbered(n)).await.unwrap().status;
    org.script(Rule::always(Answer::locked()).for_record("WI-2").times(2));
    org.script(Rule::always(Answer::status(503)).times(1));
    org.script(Rule::always(Answer::status(418)).for_record("WI-3"));
    assert_eq!(status(2).await, 400, "the first rule that fits, for its record");
    assert_eq!(status(1).await, 503, "the next, for every record");
    assert_eq!(status(1).await, 200, "it was for one request");
    assert_eq!(status(2).await, 400);
    assert_eq!(status(2).await, 200, "the lock has cleared");
    assert_eq!((status(3).await, status(3).await), (418, 418), "a rule without a number goes on");
    org.heal_record("WI-3");
    assert_eq!(status(3).await, 200);
    org.script(Rule::always(Answer::status(500)));
    org.heal();
    assert_eq!(status(4).await, 200);
    assert!(org.received().iter().filter(|received| received.status != Some(200)).all(|r| !r.taken));
}

#[tokio::test]
async fn an_answer_can_be_anything_that_http_can_say() {
    let (org, token) = signed_in().await;
    for (answer, status, body) in [
        (
            Answer::platform(403, "REQUEST_LIMIT_EXCEEDED", "no"),
            403,
            json!([{ "message": "no", "errorCode": "REQUEST_LIMIT_EXCEEDED" }]),
        ),
        (Answer::application(500, "why"), 500, json!({ "error": "why" })),
        (Answer::json(200, r#"{"success":false}"#), 200, json!({ "success": false })),
        (Answer::html(503), 503, Value::Null),
        (Answer::redirect(302, "/elsewhere"), 302, Value::Null),
        (Answer::status(404), 404, Value::Null),
    ] {
        org.script(Rule::always(answer).times(1));
        assert_eq!(send(&org, &token, numbered(1)).await.unwrap(), Posted { status, body });
    }
    assert_eq!(org.record("WI-1"), None, "nothing was taken");
}

#[tokio::test]
async fn headers_are_sent_and_the_use_of_the_api_is_told() {
    let (org, token) = signed_in().await;
    org.script(Rule::always(Answer::status(429).with_header("retry-after", "7")));
    let request = Request::post("/services/apexrest/dlhub/delivery/sync")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(numbered(1)))
        .unwrap();
    let (parts, _) = exchange(&org.url(), request).await.unwrap();
    assert_eq!(parts.headers["retry-after"], "7");
    assert_eq!(parts.headers["sforce-limit-info"], "api-usage=2/100000");
    assert!(parts.headers.contains_key("date"));
}

#[tokio::test]
async fn connections_break_where_told() {
    let (org, token) = signed_in().await;
    for (n, answer) in [(1, Answer::Reset), (2, Answer::ResetInBody), (3, Answer::LostAfterCommit)] {
        org.script(Rule::always(answer.clone()).times(1));
        assert!(send(&org, &token, numbered(n)).await.is_err(), "{answer:?}");
    }
    let held = [1, 2, 3].map(|n| org.record(&format!("WI-{n}")).is_some());
    assert_eq!(held, [false, false, true], "only the last was taken, and its answer was lost");
    assert_eq!(send(&org, &token, numbered(1)).await.unwrap().status, 200, "the next is well again");
}

#[tokio::test]
async fn a_request_is_in_flight_until_its_connection_ends() {
    let (org, token) = signed_in().await;
    org.script(Rule::always(Answer::Hang).times(1));
    let (hanging, ()) = tokio::join!(send(&org, &token, numbered(1)), async {
        org.wait_received(1).await;
        assert_eq!(org.most_in_flight(), 1);
        org.come_up().await.unwrap();
    });
    assert!(hanging.is_err(), "a restart ends every connection");
    assert_eq!(send(&org, &token, numbered(2)).await.unwrap().status, 200);
    assert_eq!(org.most_in_flight(), 1, "what hung is in flight no more");
}

#[tokio::test]
async fn a_request_without_a_good_token_is_refused_and_not_written_down() {
    let (org, _) = signed_in().await;
    let refused = send(&org, "wrong", numbered(1)).await.unwrap();
    assert_eq!((refused.status, &refused.body[0]["errorCode"]), (401, &json!("INVALID_SESSION_ID")));
    assert_eq!(org.received(), []);
}

#[tokio::test]
async fn an_org_that_is_down_refuses_connections_and_comes_up_where_it_was() {
    let (org, token) = signed_in().await;
    let url = org.url();
    for _ in 0..3 {
        org.wait_down().await;
        let error = send(&org, &token, numbered(1)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        org.come_up().await.unwrap();
        assert_eq!(send(&org, &token, numbered(1)).await.unwrap().status, 200);
    }
    org.go_down();
    org.come_up().await.unwrap();
    assert_eq!((send(&org, &token, numbered(2)).await.unwrap().status, org.url()), (200, url));
}

#[tokio::test]
async fn waiting_returns_what_is_already_there_and_what_comes() {
    let (org, token) = signed_in().await;
    send(&org, &token, numbered(1)).await.unwrap();
    assert_eq!(org.wait_received(1).await.len(), 1);
    let (waited, sent) = tokio::join!(org.wait_received(2), send(&org, &token, numbered(2)));
    assert_eq!((waited.len(), sent.unwrap().status), (2, 200));
}

#[test]
fn a_seed_means_the_same_in_every_version() {
    // The first numbers of SplitMix64 for the seed 0, as published with it (Vigna, splitmix64.c).
    let mut chance = Chance::new(0);
    assert_eq!([chance.bits(), chance.bits()], [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
    assert_eq!(chance.below(0), 0);
    assert!((0..1_000).all(|_| chance.below(10) < 10));
}
