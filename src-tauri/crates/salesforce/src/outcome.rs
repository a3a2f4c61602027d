//! What an org's answer means. Pure: a status, a `Retry-After`, a body.

use std::time::Duration;

use serde_json::Value;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::remote::Meaning;

/// Codes by which an org says that the same request may succeed later, whatever the status.
/// (REST API Developer Guide, "Status Codes and Error Responses".)
const PASSING: [&str; 2] = ["UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE"];

/// An answer, read. Its texts are as long as the org made them, and may hold what it should not have said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) meaning: Meaning,
    pub(crate) error_code: Option<String>,
    pub(crate) message: Option<String>,
}

/// Reads an answer. A 401 reads as [`Meaning::SignInRequired`]; whether a renewal mends it is the caller's to find out.
pub(crate) fn read(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Reading {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let blank = body.iter().all(u8::is_ascii_whitespace);
    let success = (200..300).contains(&status);
    let refused_within = json.as_ref().and_then(|j| j.get("success")) == Some(&Value::Bool(false));
    if success && (blank || (json.is_some() && !refused_within)) {
        return Reading { meaning: Meaning::Synced, error_code: None, message: None };
    }
    let faults = json.as_ref().map(faults).unwrap_or_default();
    let meaning =
        if faults.iter().any(|fault| fault.code.as_deref().is_some_and(|code| PASSING.contains(&code))) {
            Meaning::Retry { retry_after }
        } else {
            match status {
                200..300 if refused_within => Meaning::Refused,
                200..300 | 408 | 425 | 500.. => Meaning::Retry { retry_after },
                409 => Meaning::Superseded,
                401 => Meaning::SignInRequired,
                429 => Meaning::RateLimited { retry_after },
                403 if faults.iter().any(|f| f.code.as_deref() == Some("REQUEST_LIMIT_EXCEEDED")) => {
                    Meaning::RateLimited { retry_after }
                }
                404 | ..=199 | 300..400 => Meaning::EndpointMissing,
                400..500 => Meaning::Refused,
            }
        };
    let first = faults.into_iter().next().unwrap_or_default();
    let message = first.message.or_else(|| json.is_none().then(|| text_of(body)).flatten());
    let message = message.or_else(|| default_message(status)).map(|message| explained(status, message));
    Reading { meaning, error_code: first.code, message }
}

/// What an admin would not read out of the org's words. A session may be good and yet not for the API: by its security
/// level, its kind, or the address it is used from; a token renewed is no better then (seen in many clients' issues, as
/// in restforce #568 and jsforce #1301).
fn explained(status: u16, message: String) -> String {
    if status == 401 && message.contains("not valid for use with the REST API") {
        return format!(
            "{message}. A new token does not mend this: the org lets this user's sessions not use the API. Check the user's permission \"API Enabled\", the session security level and the IP restrictions of the profile and the app; then sign in again."
        );
    }
    message
}

/// One error in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Said {
    code: Option<String>,
    message: Option<String>,
}

/// The errors in an answer, in whichever of the known shapes: a list of `{message, errorCode}` (the platform), an object
/// with `error` or `errors` (applications), or one such object by itself.
fn faults(json: &Value) -> Vec<Said> {
    match json {
        Value::Array(list) => list.iter().filter_map(one).collect(),
        Value::Object(object) => {
            let mut found: Vec<Said> = ["errors", "error"]
                .iter()
                .filter_map(|name| object.get(*name))
                .flat_map(|inner| match inner {
                    Value::Array(list) => list.iter().filter_map(one).collect(),
                    value => one(value).into_iter().collect::<Vec<_>>(),
                })
                .collect();
            // OAuth's own form: {"error": "invalid_grant", "error_description": "…"}.
            if let (Some(Value::String(code)), Some(Value::String(text))) =
                (object.get("error"), object.get("error_description"))
            {
                found = vec![Said { code: Some(code.clone()), message: Some(text.clone()) }];
            }
            // What one error does not say of itself, its envelope may: {"error": "CODE", "message": "…"}.
            match (found.as_mut_slice(), one(json)) {
                ([], around) => found.extend(around),
                ([only], Some(around)) => {
                    only.code = only.code.take().or(around.code);
                    only.message = only.message.take().or(around.message);
                }
                _ => {}
            }
            found
        }
        _ => Vec::new(),
    }
}

fn one(value: &Value) -> Option<Said> {
    match value {
        Value::String(code) if is_code(code) => Some(Said { code: Some(code.clone()), message: None }),
        Value::String(text) => Some(Said { code: None, message: Some(text.clone()) }),
        Value::Object(object) => {
            let text = |names: [&str; 3]| {
                let texts = names.iter().filter_map(|name| object.get(*name)?.as_str());
                texts.filter(|text| !text.is_empty()).map(str::to_owned).next()
            };
            let said = Said {
                code: text(["errorCode", "code", "statusCode"]),
                message: text(["message", "error", "description"]),
            };
            (said != Said::default()).then_some(said)
        }
        _ => None,
    }
}

/// Is a text that stands where an error does a code (`UNABLE_TO_LOCK_ROW`), and no sentence?
fn is_code(text: &str) -> bool {
    text.contains('_') && text.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_')
}

/// The gist of a body that is no JSON: the title of a page, or else its first words.
fn text_of(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let lower = text.to_ascii_lowercase();
    if let (Some(from), Some(to)) = (lower.find("<title>"), lower.find("</title>"))
        && let Some(title) = text.get(from + 7..to)
        && !title.trim().is_empty()
    {
        return Some(title.trim().to_owned());
    }
    let mut words = String::new();
    let mut in_tag = false;
    for c in text.chars() {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                words.push(' ');
            }
            c if !in_tag && !c.is_control() => words.push(c),
            c if !in_tag && c.is_whitespace() => words.push(' '),
            _ => {}
        }
    }
    let words = words.split_whitespace().take(30).collect::<Vec<_>>().join(" ");
    (!words.is_empty()).then_some(words)
}

fn default_message(status: u16) -> Option<String> {
    let text = match status {
        200..300 => {
            "The org answered with success and something that is no JSON, so it is not certain that it took the change."
        }
        300..400 => "The org answered with a redirect: there is no sync endpoint at this address.",
        401 => "The org does not accept the token any more.",
        403 => "The org does not allow this.",
        404 => "There is no sync endpoint at this address in the org.",
        408 => "The org gave up waiting for the request.",
        409 => "The org knows a newer version.",
        429 => "The org takes no more requests for now.",
        503 => "The org is not available for now.",
        500.. => "The org failed.",
        400..500 => "The org refused the request.",
        _ => return None,
    };
    Some(format!("{text} (HTTP {status})"))
}

/// Reads a `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
pub(crate) fn retry_after(value: Option<&str>, now: Millis) -> Option<Duration> {
    let value = value?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(Millis::from(chrono::DateTime::<chrono::Utc>::from(date)).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const WAIT: Option<Duration> = Some(Duration::from_secs(7));
    const RETRY: Meaning = Meaning::Retry { retry_after: WAIT };
    const LIMITED: Meaning = Meaning::RateLimited { retry_after: WAIT };
    const LOCKED: &str = r#"[{"message":"unable to obtain exclusive access to this record","errorCode":"UNABLE_TO_LOCK_ROW"}]"#;
    const HTML: &str =
        "<html><head><title>Down for maintenance</title></head><body>Please wait</body></html>";

    #[rstest]
    #[case::ok(
        200,
        r#"{"success":true,"transactionId":"t","recordsProcessed":1,"errors":[]}"#,
        Meaning::Synced
    )]
    #[case::ok_without_success(200, r#"{"status":"Echo suppressed"}"#, Meaning::Synced)]
    #[case::ok_empty(200, "", Meaning::Synced)]
    #[case::ok_blank(204, " \r\n", Meaning::Synced)]
    #[case::ok_a_list(201, "[]", Meaning::Synced)]
    #[case::ok_success_as_text(200, r#"{"success":"false"}"#, Meaning::Synced)]
    #[case::ok_with_errors_but_success(
        200,
        r#"{"success":true,"errors":[{"code":"UNABLE_TO_LOCK_ROW"}]}"#,
        Meaning::Synced
    )]
    #[case::ok_refused_within(
        200,
        r#"{"success":false,"errors":[{"code":"INVALID_FIELD","message":"no"}]}"#,
        Meaning::Refused
    )]
    #[case::ok_locked_within(200, r#"{"success":false,"errors":[{"code":"UNABLE_TO_LOCK_ROW"}]}"#, RETRY)]
    #[case::ok_locked_by_its_bare_code(200, r#"{"success":false,"errors":["UNABLE_TO_LOCK_ROW"]}"#, RETRY)]
    #[case::ok_locked_in_a_save_result(
        200,
        r#"{"success":false,"errors":[{"statusCode":"UNABLE_TO_LOCK_ROW","message":"no","fields":[]}]}"#,
        RETRY
    )]
    #[case::ok_one_of_many_locked(
        200,
        r#"{"success":false,"errors":[{"code":"INVALID_FIELD"},{"code":"UNABLE_TO_LOCK_ROW"}]}"#,
        RETRY
    )]
    #[case::ok_refused_without_a_reason(200, r#"{"success":false}"#, Meaning::Refused)]
    #[case::ok_html(200, HTML, RETRY)]
    #[case::ok_cut_json(200, r#"{"success":tr"#, RETRY)]
    #[case::conflict(409, r#"{"success":false,"errors":[{"code":"CONFLICT"}]}"#, Meaning::Superseded)]
    #[case::conflict_locked(409, LOCKED, RETRY)]
    #[case::bad(
        400,
        r#"[{"message":"Bad value","errorCode":"FIELD_CUSTOM_VALIDATION_EXCEPTION"}]"#,
        Meaning::Refused
    )]
    #[case::bad_locked(400, LOCKED, RETRY)]
    #[case::bad_locked_beside_an_empty_list(
        400,
        r#"{"success":false,"errors":[],"error":{"code":"UNABLE_TO_LOCK_ROW"}}"#,
        RETRY
    )]
    #[case::bad_locked_by_its_bare_code(400, r#"{"error":"UNABLE_TO_LOCK_ROW","message":"busy"}"#, RETRY)]
    #[case::bad_speaking_of_a_lock(400, r#"{"error":"not UNABLE_TO_LOCK_ROW"}"#, Meaning::Refused)]
    #[case::unauthorized_unavailable(401, r#"[{"errorCode":"SERVER_UNAVAILABLE"}]"#, RETRY)]
    #[case::too_many_unavailable(429, r#"[{"errorCode":"SERVER_UNAVAILABLE"}]"#, RETRY)]
    #[case::moved_locked(302, LOCKED, RETRY)]
    #[case::unauthorized(
        401,
        r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#,
        Meaning::SignInRequired
    )]
    #[case::limit(
        403,
        r#"[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]"#,
        LIMITED
    )]
    #[case::forbidden(
        403,
        r#"[{"message":"no","errorCode":"INSUFFICIENT_ACCESS_OR_READONLY"}]"#,
        Meaning::Refused
    )]
    #[case::too_many(429, "", LIMITED)]
    #[case::missing(
        404,
        r#"[{"errorCode":"NOT_FOUND","message":"Could not find a match for URL"}]"#,
        Meaning::EndpointMissing
    )]
    #[case::moved(301, "", Meaning::EndpointMissing)]
    #[case::found(302, HTML, Meaning::EndpointMissing)]
    #[case::not_modified(304, "", Meaning::EndpointMissing)]
    #[case::request_time_out(408, "", RETRY)]
    #[case::too_early(425, "", RETRY)]
    #[case::failed(500, r#"{"error":"Attempt to de-reference a null object"}"#, RETRY)]
    #[case::maintenance(503, HTML, RETRY)]
    #[case::beyond_the_list(599, "", RETRY)]
    #[case::not_allowed(405, "", Meaning::Refused)]
    #[case::gone(410, "", Meaning::Refused)]
    #[case::too_large(413, "", Meaning::Refused)]
    #[case::media_type(415, "", Meaning::Refused)]
    #[case::unprocessable(422, "", Meaning::Refused)]
    #[case::unprocessable_unavailable(422, r#"{"errors":[{"code":"SERVER_UNAVAILABLE"}]}"#, RETRY)]
    #[case::missing_locked(404, LOCKED, RETRY)]
    #[case::forbidden_locked(403, LOCKED, RETRY)]
    fn an_answer_means_what_the_contract_says(
        #[case] status: u16,
        #[case] body: &str,
        #[case] meaning: Meaning,
    ) {
        assert_eq!(read(status, WAIT, body.as_bytes()).meaning, meaning);
    }

    #[rstest]
    #[case::platform(
        400,
        r#"[{"message":"Too long","errorCode":"STRING_TOO_LONG","fields":["Name"]}]"#,
        Some("STRING_TOO_LONG"),
        "Too long"
    )]
    #[case::application(500, r#"{"error":"Empty Payload"}"#, None, "Empty Payload")]
    #[case::application_object(400, r#"{"error":{"code":"X","message":"why"}}"#, Some("X"), "why")]
    #[case::documented(
        400,
        r#"{"success":false,"errors":[{"code":"MISSING_FIELD","message":"title"}]}"#,
        Some("MISSING_FIELD"),
        "title"
    )]
    #[case::bare_code(400, r#"{"error":"BAD_VALUE","message":"why"}"#, Some("BAD_VALUE"), "why")]
    #[case::code_around(400, r#"{"error":"why","errorCode":"BAD_VALUE"}"#, Some("BAD_VALUE"), "why")]
    #[case::an_empty_message(
        400,
        r#"[{"message":"","errorCode":"X"}]"#,
        Some("X"),
        "The org refused the request. (HTTP 400)"
    )]
    #[case::texts(400, r#"{"errors":["first","second"]}"#, None, "first")]
    #[case::single(400, r#"{"errorCode":"X","message":"why"}"#, Some("X"), "why")]
    #[case::oauth(
        400,
        r#"{"error":"invalid_grant","error_description":"expired"}"#,
        Some("invalid_grant"),
        "expired"
    )]
    #[case::page(503, HTML, None, "Down for maintenance")]
    #[case::page_without_title(503, "<p>Back <b>soon</b></p>", None, "Back soon")]
    #[case::nothing(503, "", None, "The org is not available for now. (HTTP 503)")]
    #[case::json_without_words(400, "{}", None, "The org refused the request. (HTTP 400)")]
    fn the_code_and_the_words_are_found_in_every_shape(
        #[case] status: u16,
        #[case] body: &str,
        #[case] code: Option<&str>,
        #[case] message: &str,
    ) {
        let reading = read(status, None, body.as_bytes());
        assert_eq!((reading.error_code.as_deref(), reading.message.as_deref()), (code, Some(message)));
    }

    #[rstest]
    #[case::seconds("120", Some(120))]
    #[case::zero("0", Some(0))]
    #[case::date("Fri, 27 Feb 2026 14:30:30 GMT", Some(30))]
    #[case::past_date("Fri, 27 Feb 2026 14:29:00 GMT", Some(0))]
    #[case::negative("-5", None)]
    #[case::words("soon", None)]
    fn a_retry_after_is_seconds_or_a_date(#[case] value: &str, #[case] seconds: Option<u64>) {
        assert_eq!(retry_after(Some(value), Millis(1_772_202_600_000)), seconds.map(Duration::from_secs));
    }

    proptest::proptest! {
        #[test]
        fn no_answer_makes_it_panic(status in 100u16..1000, body: Vec<u8>) {
            read(status, None, &body);
        }

        #[test]
        fn no_json_makes_it_panic(status in 100u16..1000, body in r#"[\[\]{}:,"a-z<>é ]{0,40}"#) {
            read(status, None, body.as_bytes());
        }
    }
}
