use super::*;
use rstest::rstest;

const NOW: Millis = Millis(1_772_202_600_000); // 2026-02-27T14:30:00Z

const RECORD: &str = r#"{"externalId":"WI-001","title":"Add revenue report","estimatedHours":8}"#;

fn payload(transaction: &str, source: &str, timestamp: &str, operation: &str, records: &str) -> String {
    format!(
        r#"{{"transactionId":{transaction},"sourceOrgId":{source},"timestamp":{timestamp},"operation":{operation},"records":{records}}}"#
    )
}

fn valid(records: &str) -> String {
    payload(r#""txn_1""#, r#""00D000000000001""#, r#""2026-02-27T14:30:00.000Z""#, r#""upsert""#, records)
}

fn parse(text: &str) -> Result<Change, Rejection> {
    Change::parse(Bytes::copy_from_slice(text.as_bytes()), NOW)
}

/// The faults of a payload as `(code, field, externalId)`.
fn faults(text: &str) -> Vec<(&'static str, Option<String>, Option<String>)> {
    let faults = parse(text).expect_err("this payload must be refused").faults;
    faults.into_iter().map(|f| (f.code.as_str(), f.field, f.external_id)).collect()
}

fn fault(code: &'static str, field: &str) -> (&'static str, Option<String>, Option<String>) {
    (code, (!field.is_empty()).then(|| field.to_owned()), None)
}

#[test]
fn the_documented_payload_is_read() {
    let text = valid(
        r#"[{ "externalId": "WI-001", "title": "Add revenue report", "status": "In Development", "priority": "High",
        "estimatedHours": 8, "assignee": "developer@example.com", "description": "…", "acceptanceCriteria": "…", "comments": [], "timeLogs": [] }]"#,
    );
    let change = parse(&text).unwrap();
    assert_eq!(change.transaction_id, "txn_1");
    assert_eq!(change.source.as_str(), "00D000000000001EAA");
    assert_eq!(change.timestamp, Timestamp(NOW.0 * 1_000));
    assert_eq!(change.operation, Operation::Upsert);
    assert_eq!(change.records[0].external_id, "WI-001");
    assert_eq!(change.records[0].title.as_deref(), Some("Add revenue report"));
    assert_eq!(change.body(), text.as_bytes());
}

#[rstest]
#[case::no_transaction_id(valid("[]").replace(r#""transactionId":"txn_1","#, ""), "/transactionId")]
#[case::null_transaction_id(payload("null", r#""00D000000000001""#, r#""2026-02-27T14:30:00Z""#, r#""upsert""#, &format!("[{RECORD}]")), "/transactionId")]
#[case::empty_transaction_id(payload(r#""""#, r#""00D000000000001""#, r#""2026-02-27T14:30:00Z""#, r#""upsert""#, &format!("[{RECORD}]")), "/transactionId")]
#[case::null_source(payload(r#""t""#, "null", r#""2026-02-27T14:30:00Z""#, r#""upsert""#, &format!("[{RECORD}]")), "/sourceOrgId")]
#[case::empty_timestamp(payload(r#""t""#, r#""00D000000000001""#, r#""""#, r#""upsert""#, &format!("[{RECORD}]")), "/timestamp")]
#[case::null_operation(payload(r#""t""#, r#""00D000000000001""#, r#""2026-02-27T14:30:00Z""#, "null", &format!("[{RECORD}]")), "/operation")]
#[case::null_records(valid("null"), "/records")]
#[case::null_record(valid("[null]"), "/records/0")]
#[case::no_external_id(valid(&format!(r#"[{RECORD},{{"title":"x"}}]"#)), "/records/1/externalId")]
#[case::null_external_id(valid(r#"[{"externalId":null}]"#), "/records/0/externalId")]
#[case::empty_external_id(valid(r#"[{"externalId":""}]"#), "/records/0/externalId")]
fn what_is_absent_null_or_empty_is_a_missing_field(#[case] text: String, #[case] field: &str) {
    assert!(faults(&text).contains(&fault("MISSING_FIELD", field)), "{:?}", faults(&text));
}

#[rstest]
#[case::body_is_a_list("[]".into(), "")]
#[case::body_is_a_text(r#""hello""#.into(), "")]
#[case::body_is_null("null".into(), "")]
#[case::transaction_id_is_a_number(payload("7", r#""00D000000000001""#, r#""2026-02-27T14:30:00Z""#, r#""upsert""#, &format!("[{RECORD}]")), "/transactionId")]
#[case::source_is_a_user(payload(r#""t""#, r#""005000000000001""#, r#""2026-02-27T14:30:00Z""#, r#""upsert""#, &format!("[{RECORD}]")), "/sourceOrgId")]
#[case::source_has_a_bad_checksum(payload(r#""t""#, r#""00D000000000001AAA""#, r#""2026-02-27T14:30:00Z""#, r#""upsert""#, &format!("[{RECORD}]")), "/sourceOrgId")]
#[case::operation_is_unknown(payload(r#""t""#, r#""00D000000000001""#, r#""2026-02-27T14:30:00Z""#, r#""UPSERT""#, &format!("[{RECORD}]")), "/operation")]
#[case::timestamp_is_a_number(payload(r#""t""#, r#""00D000000000001""#, "1772202600", r#""upsert""#, &format!("[{RECORD}]")), "/timestamp")]
#[case::records_is_an_object(valid("{}"), "/records")]
#[case::record_is_a_text(valid(r#"["WI-001"]"#), "/records/0")]
#[case::external_id_is_a_number(valid(r#"[{"externalId":1}]"#), "/records/0/externalId")]
fn what_has_a_wrong_type_or_value_is_an_invalid_field(#[case] text: String, #[case] field: &str) {
    assert_eq!(faults(&text), [fault("INVALID_FIELD", field)]);
}

#[rstest]
#[case::zulu("2026-02-27T14:30:00.000Z", Some(0))]
#[case::no_fraction("2026-02-27T14:30:00Z", Some(0))]
#[case::offset("2026-02-27T14:30:00+00:00", Some(0))]
#[case::salesforce("2026-02-27T14:30:00.000+0000", Some(0))]
#[case::hours_only("2026-02-27T16:30:00+02", Some(0))]
#[case::india("2026-02-27T20:00:00+05:30", Some(0))]
#[case::west("2026-02-27T09:30:00-0500", Some(0))]
#[case::minutes("2026-02-27T14:30Z", Some(0))]
#[case::microseconds("2026-02-27T14:29:59.999999Z", Some(-1))]
#[case::more_digits_are_cut("2026-02-27T14:29:59.999999999Z", Some(-1))]
#[case::comma("2026-02-27T14:30:00,000Z", Some(0))]
#[case::leap_second("2026-02-27T14:29:60Z", Some(0))]
#[case::five_minutes_ahead("2026-02-27T14:35:00Z", Some(300_000_000))]
#[case::more_ahead("2026-02-27T14:35:00.001Z", None)]
#[case::long_ago("1999-12-31T23:59:59Z", Some(-825_517_801_000_000))]
#[case::no_zone("2026-02-27T14:30:00", None)]
#[case::date_only("2026-02-27", None)]
#[case::space("2026-02-27 14:30:00Z", None)]
#[case::no_such_day("2026-02-30T14:30:00Z", None)]
#[case::no_such_hour("2026-02-27T24:30:00Z", None)]
#[case::no_such_zone("2026-02-27T14:30:00+24:00", None)]
#[case::named_zone("2026-02-27T14:30:00 UTC", None)]
#[case::words("yesterday", None)]
#[case::trailing("2026-02-27T14:30:00Z ", None)]
#[case::not_ascii("2026-02-27T14:30:00+0é0", None)]
fn a_timestamp_is_iso_8601_with_a_zone_and_not_far_ahead(#[case] sent: &str, #[case] offset_us: Option<i64>) {
    let text = valid(&format!("[{RECORD}]")).replace("2026-02-27T14:30:00.000Z", sent);
    match offset_us {
        Some(offset) => assert_eq!(parse(&text).unwrap().timestamp, Timestamp(NOW.0 * 1_000 + offset)),
        None => assert_eq!(faults(&text), [fault("INVALID_FIELD", "/timestamp")]),
    }
}

#[test]
fn an_accepted_payload_is_not_judged_by_the_clock_again() {
    let text = valid(&format!("[{RECORD}]")).replace("2026", "2030");
    assert!(parse(&text).is_err());
    assert!(Change::reread(text.into()).is_ok());
}

#[test]
fn a_payload_without_records_says_so() {
    assert_eq!(faults(&valid("[]")), [fault("EMPTY_RECORDS", "/records")]);
}

#[test]
fn the_second_of_two_equal_external_ids_is_pointed_at() {
    let text = valid(r#"[{"externalId":"A"},{"externalId":"B"},{"externalId":"\u0041"}]"#);
    assert_eq!(
        faults(&text),
        [("DUPLICATE_EXTERNAL_ID", Some("/records/2/externalId".into()), Some("A".into()))]
    );
}

#[rstest]
#[case::letters("x", 255, true)]
#[case::too_many_letters("x", 256, false)]
#[case::code_points_not_bytes("😀", 255, true)]
#[case::too_many_code_points("😀", 256, false)]
fn lengths_count_code_points(#[case] letter: &str, #[case] length: usize, #[case] fits: bool) {
    let id = letter.repeat(length);
    assert_eq!(parse(&valid(&format!(r#"[{{"externalId":"{id}"}}]"#))).is_ok(), fits);
    assert_eq!(parse(&valid(&format!("[{RECORD}]")).replace("txn_1", &id)).is_ok(), fits);
}

#[test]
fn two_thousand_records_fit_and_one_more_does_not() {
    let records =
        |n: usize| (0..n).map(|i| format!(r#"{{"externalId":"{i}"}}"#)).collect::<Vec<_>>().join(",");
    assert_eq!(parse(&valid(&format!("[{}]", records(2_000)))).unwrap().records.len(), 2_000);
    assert_eq!(faults(&valid(&format!("[{}]", records(2_001)))), [fault("INVALID_FIELD", "/records")]);
}

#[test]
fn every_fault_is_told_at_once() {
    let text = r#"{"transactionId":"","operation":"merge","records":[{"externalId":1},{}]}"#;
    let codes: Vec<_> = faults(text).into_iter().map(|(code, field, _)| (code, field.unwrap())).collect();
    assert_eq!(
        codes,
        [
            ("MISSING_FIELD", "/transactionId".to_owned()),
            ("MISSING_FIELD", "/sourceOrgId".to_owned()),
            ("MISSING_FIELD", "/timestamp".to_owned()),
            ("INVALID_FIELD", "/operation".to_owned()),
            ("INVALID_FIELD", "/records/0/externalId".to_owned()),
            ("MISSING_FIELD", "/records/1/externalId".to_owned()),
        ]
    );
}

#[rstest]
#[case::cut("{")]
#[case::form("transactionId=1")]
#[case::doubled_in_the_envelope(r#"{"transactionId":"a","operation":"upsert","operation":"delete"}"#)]
#[case::doubled_unknown_in_the_envelope(r#"{"x":1,"x":1}"#)]
#[case::doubled_external_id(r#"{"records":[{"externalId":"A","externalId":"B"}]}"#)]
#[case::doubled_by_an_escape(r#"{"records":[{"externalId":"A","external\u0049d":"B"}]}"#)]
#[case::lone_surrogate(r#"{"transactionId":"\ud800"}"#)]
#[case::two_bodies("{}{}")]
fn what_can_be_read_in_two_ways_or_none_is_invalid_json(#[case] text: &str) {
    assert_eq!(faults(text), [fault("INVALID_JSON", "")]);
}

#[test]
fn invalid_utf_8_is_invalid_json() {
    let mut body = valid(&format!("[{RECORD}]")).into_bytes();
    body[20] = 0xff;
    let rejection = Change::parse(body.into(), NOW).unwrap_err();
    assert_eq!(rejection.faults[0].code, ErrorCode::InvalidJson);
}

#[test]
fn nesting_counts_from_the_envelope() {
    // Envelope 1, records 2, record 3; so 125 more fit in a member.
    let nested =
        |n: usize| valid(&format!(r#"[{{"externalId":"A","x":{}{}}}]"#, "[".repeat(n), "]".repeat(n)));
    assert!(parse(&nested(125)).is_ok());
    assert_eq!(faults(&nested(126)), [fault("INVALID_JSON", "")]);
}

#[test]
fn other_doubled_members_of_a_record_are_relayed_as_sent() {
    let text = valid(r#"[{"externalId":"A","title":"x","title":"y"}]"#);
    assert_eq!(parse(&text).unwrap().body(), text.as_bytes());
}

#[rstest]
#[case::readable(r#"{"transactionId":"t-1"}"#, Some("t-1"))]
#[case::readable_before_the_text_breaks(r#"{"transactionId":"t-1","operation":"#, Some("t-1"))]
#[case::not_a_text(r#"{"transactionId":5}"#, None)]
#[case::nothing("", None)]
fn a_refusal_names_the_transaction_where_it_can_be_read(#[case] text: &str, #[case] id: Option<&str>) {
    assert_eq!(parse(text).unwrap_err().transaction_id.as_deref(), id);
}

#[test]
fn what_is_left_out_leaves_the_rest_byte_for_byte() {
    let text = r#"{ "x" : [1] , "records" : [ {"externalId":"A"} ,  {"externalId":"B", "n": 1.0e2 }	, {"externalId":"C"} ], "transactionId":"t","sourceOrgId":"00D000000000001","timestamp":"2026-02-27T14:30:00Z","operation":"upsert","z":12345678901234567890123 }"#;
    let change = parse(text).unwrap();
    let kept = |kept: &[usize]| String::from_utf8(change.body_with(kept).to_vec()).unwrap();
    assert_eq!(kept(&[0, 1, 2]), text);
    let (before, after) =
        (r#"{ "x" : [1] , "records" : [ "#, &text[text.find(" ], \"transactionId\"").unwrap()..]);
    assert_eq!(kept(&[1]), format!(r#"{before}{{"externalId":"B", "n": 1.0e2 }}{after}"#));
    assert_eq!(kept(&[0, 2]), format!(r#"{before}{{"externalId":"A"}},{{"externalId":"C"}}{after}"#));
    let reread = Change::reread(change.body_with(&[0, 2])).unwrap();
    assert_eq!(reread.records.iter().map(|r| r.external_id.as_str()).collect::<Vec<_>>(), ["A", "C"]);
}

#[rstest]
#[case::other_order_of_members(r#"[{"title":"x","externalId":"A"},{"externalId":"B"}]"#, true)]
#[case::other_order_of_records(r#"[{"externalId":"B"},{"externalId":"A","title":"x"}]"#, true)]
#[case::other_title(r#"[{"externalId":"A","title":"y"},{"externalId":"B"}]"#, false)]
#[case::one_member_more(r#"[{"externalId":"A","title":"x","status":null},{"externalId":"B"}]"#, false)]
#[case::one_record_less(r#"[{"externalId":"A","title":"x"}]"#, false)]
fn content_is_compared_without_ids_timestamp_and_order(#[case] records: &str, #[case] same: bool) {
    let first = parse(&valid(r#"[{"externalId":"A","title":"x"},{"externalId":"B"}]"#)).unwrap();
    let other = parse(&valid(records).replace("txn_1", "txn_2").replace("14:30", "14:29")).unwrap();
    assert_eq!(first.digest == other.digest, same);
}

#[test]
fn the_operation_and_other_members_of_the_envelope_are_content() {
    let text = valid(&format!("[{RECORD}]"));
    let first = parse(&text).unwrap();
    assert_ne!(first.digest, parse(&text.replace("upsert", "delete")).unwrap().digest);
    assert_ne!(first.records[0].digest, parse(&text.replace("upsert", "delete")).unwrap().records[0].digest);
    assert_ne!(first.digest, parse(&text.replacen('{', r#"{"note":1,"#, 1)).unwrap().digest);
    let (one, two) = (text.replacen('{', r#"{"a":1,"b":2,"#, 1), text.replacen('{', r#"{"b":2,"a":1,"#, 1));
    assert_eq!(parse(&one).unwrap().digest, parse(&two).unwrap().digest);
}

#[rstest]
#[case::same_members(
    r#"[{"externalId":"A","title":"x"}]"#,
    "upsert",
    r#"[{"externalId":"A","title":"y"}]"#,
    "upsert",
    true
)]
#[case::more_members(
    r#"[{"externalId":"A","title":"x"}]"#,
    "upsert",
    r#"[{"externalId":"A","title":"y","status":"Done"}]"#,
    "upsert",
    true
)]
#[case::fewer_members(
    r#"[{"externalId":"A","title":"x","status":"Done"}]"#,
    "upsert",
    r#"[{"externalId":"A","title":"y"}]"#,
    "upsert",
    false
)]
#[case::other_record(
    r#"[{"externalId":"A","title":"x"}]"#,
    "upsert",
    r#"[{"externalId":"B","title":"y"}]"#,
    "upsert",
    false
)]
#[case::one_of_two_records(
    r#"[{"externalId":"A"},{"externalId":"B"}]"#,
    "upsert",
    r#"[{"externalId":"A"}]"#,
    "upsert",
    false
)]
#[case::both_records_and_more(
    r#"[{"externalId":"A"},{"externalId":"B"}]"#,
    "upsert",
    r#"[{"externalId":"C"},{"externalId":"B"},{"externalId":"A"}]"#,
    "upsert",
    true
)]
#[case::a_comment_that_is_left_out(
    r#"[{"externalId":"A","comments":[{"externalId":"C1","body":"x"}]}]"#,
    "upsert",
    r#"[{"externalId":"A","comments":[]}]"#,
    "upsert",
    false
)]
#[case::a_comment_without_a_name(
    r#"[{"externalId":"A","comments":[{"body":"x"}]}]"#,
    "upsert",
    r#"[{"externalId":"A","comments":[{"body":"y"},{"body":"x"}]}]"#,
    "upsert",
    true
)]
#[case::a_comment_that_was_changed(
    r#"[{"externalId":"A","comments":[{"externalId":"C1","body":"x"}]}]"#,
    "upsert",
    r#"[{"externalId":"A","comments":[{"externalId":"C1","body":"y"},{"externalId":"C2","body":"z"}]}]"#,
    "upsert",
    true
)]
#[case::no_comments_in_either(
    r#"[{"externalId":"A","comments":[],"timeLogs":[]}]"#,
    "upsert",
    r#"[{"externalId":"A","comments":[],"timeLogs":[]}]"#,
    "upsert",
    true
)]
#[case::deleted(r#"[{"externalId":"A","title":"x"}]"#, "upsert", r#"[{"externalId":"A"}]"#, "delete", true)]
#[case::made_anew_after_a_deletion(
    r#"[{"externalId":"A"}]"#,
    "delete",
    r#"[{"externalId":"A","title":"x"}]"#,
    "upsert",
    false
)]
#[case::deleted_twice(r#"[{"externalId":"A","why":1}]"#, "delete", r#"[{"externalId":"A"}]"#, "delete", true)]
fn a_change_covers_an_older_one_that_it_leaves_nothing_of(
    #[case] older: &str,
    #[case] older_operation: &str,
    #[case] newer: &str,
    #[case] newer_operation: &str,
    #[case] covers: bool,
) {
    let older = parse(&valid(older).replace("upsert", older_operation)).unwrap();
    let newer = parse(&valid(newer).replace("upsert", newer_operation)).unwrap();
    assert_eq!(newer.covers(&older), covers);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(body: Vec<u8>) {
        drop(Change::parse(body.into(), NOW));
    }

    #[test]
    fn no_mutilation_of_a_valid_payload_makes_it_panic(at in 0usize..200, byte: u8, cut in 0usize..250) {
        let mut body = valid(&format!("[{RECORD}]")).into_bytes();
        if let Some(place) = body.get_mut(at) { *place = byte; }
        body.truncate(cut);
        drop(Change::parse(body.into(), NOW));
    }
}
