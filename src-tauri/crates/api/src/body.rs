//! Reading request bodies: never more than a limit, never slower than a limit.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::{HeaderMap, StatusCode, header};
use hyper::body::Body as _;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use crate::problem::Problem;

/// The largest body that any endpoint takes, in bytes.
pub(crate) const MAX_BODY: usize = 6 * 1024 * 1024;
/// A sender that sends nothing for so long has gone.
const NO_PROGRESS: Duration = Duration::from_secs(30);
/// A sender that drips for so long is not one.
const WHOLE_BODY: Duration = Duration::from_mins(5);

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// Larger than [`MAX_BODY`].
    TooLarge,
    /// It came too slowly.
    Stalled,
    /// The connection broke, or the chunks made no sense.
    Broken,
}

/// Does the body say of itself that it is larger than [`MAX_BODY`]?
pub(crate) fn is_announced_too_large(body: &Body) -> bool {
    usize::try_from(body.size_hint().lower()).map_or(true, |announced| announced > MAX_BODY)
}

/// Reads a body of at most [`MAX_BODY`] bytes.
pub(crate) async fn read(body: Body) -> Result<Bytes, ReadError> {
    if is_announced_too_large(&body) {
        return Err(ReadError::TooLarge);
    }
    let end = Instant::now() + WHOLE_BODY;
    let mut chunks = body.into_data_stream();
    // Most bodies come in one chunk, which then need not be copied.
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let deadline = end.min(Instant::now() + NO_PROGRESS);
        let Some(chunk) = timeout_at(deadline, chunks.next()).await.map_err(|_| ReadError::Stalled)? else {
            break;
        };
        let chunk = chunk.map_err(|_| ReadError::Broken)?;
        if first.len() + rest.len() + chunk.len() > MAX_BODY {
            return Err(ReadError::TooLarge);
        }
        if first.is_empty() {
            first = chunk;
        } else {
            rest.extend_from_slice(&chunk);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}

/// Do the headers say, once and clearly, that the body is JSON as it stands?
///
/// # Errors
/// What they say instead, for a person.
pub(crate) fn judge_type(headers: &HeaderMap) -> Result<(), String> {
    let encodings = headers.get_all(header::CONTENT_ENCODING);
    if encodings.iter().any(|e| !e.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(
            "The body is compressed, which is not understood here. Send it without Content-Encoding.".into(),
        );
    }
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(found), None) = (types.next(), types.next()) else {
        return Err(
            "The request does not say once what its body is. Send Content-Type: application/json.".into()
        );
    };
    let text = found.to_str().unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    if !parts.next().unwrap_or_default().eq_ignore_ascii_case("application/json") {
        return Err("The body is not said to be JSON. Send JSON, with Content-Type: application/json.".into());
    }
    for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
        if name.trim().eq_ignore_ascii_case("charset")
            && !value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        {
            return Err(
                "The body is said to be JSON in another encoding. Send it as UTF-8, with Content-Type: application/json.".into()
            );
        }
    }
    Ok(())
}

/// A JSON body of the management API.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if is_announced_too_large(request.body()) {
            return Err(too_large());
        }
        judge_type(request.headers())
            .map_err(|why| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", why))?;
        let body = read(request.into_body()).await.map_err(|error| match error {
            ReadError::TooLarge => too_large(),
            ReadError::Stalled | ReadError::Broken => Problem::bad_request(
                "INCOMPLETE_BODY",
                "The body did not arrive whole. Send the request again.",
            ),
        })?;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            Problem::bad_request("INVALID_BODY", format!("The body cannot be used: {}.", explain(&error)))
        })
    }
}

/// A JSON body that may be left out where there is nothing to say.
pub(crate) struct MaybeJson<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for MaybeJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if request.body().size_hint().exact() == Some(0) {
            return Ok(Self(T::default()));
        }
        Json::from_request(request, state).await.map(|Json(value)| Self(value))
    }
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "PAYLOAD_TOO_LARGE",
        "The body is larger than 6 MiB. Send it in parts.",
    )
}

/// serde's words about a body, but never its content: it may hold a secret.
fn explain(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let names_a_member = ["missing field", "duplicate field"].iter().any(|start| text.starts_with(start));
    if names_a_member || error.is_syntax() || error.is_eof() {
        return text;
    }
    // "unknown field `x`, expected …": what is expected is ours, what was sent is not repeated.
    match text.split_once(", expected ") {
        Some((_, expected)) => format!("not what is expected here: {expected}"),
        None => format!("a value is not of the expected kind at line {line} column {column}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde::Deserialize;

    #[rstest]
    #[case::plain("application/json", true)]
    #[case::with_charset("application/json; charset=utf-8", true)]
    #[case::shouted("Application/JSON;Charset=UTF-8", true)]
    #[case::quoted_charset("application/json; charset=\"utf-8\"", true)]
    #[case::another_parameter("application/json; profile=x", true)]
    #[case::another_charset("application/json; charset=iso-8859-1", false)]
    #[case::utf_16("application/json;charset=utf-16", false)]
    #[case::text("text/plain", false)]
    #[case::form("application/x-www-form-urlencoded", false)]
    #[case::json_sequence("application/json-seq", false)]
    #[case::problem("application/problem+json", false)]
    #[case::empty("", false)]
    fn only_json_in_utf_8_is_json(#[case] content_type: &str, #[case] taken: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        assert_eq!(judge_type(&headers).is_ok(), taken);
    }

    #[test]
    fn a_body_of_no_type_two_types_or_compressed_is_not_json() {
        let mut headers = HeaderMap::new();
        assert!(judge_type(&headers).is_err());
        headers.append(header::CONTENT_TYPE, "application/json".parse().unwrap());
        headers.append(header::CONTENT_TYPE, "text/plain".parse().unwrap());
        assert!(judge_type(&headers).is_err());
        headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        headers.insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
        assert!(judge_type(&headers).is_err());
    }

    fn chunked(chunks: usize, size: usize) -> Body {
        let chunks = (0..chunks).map(move |_| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; size])));
        Body::from_stream(futures_util::stream::iter(chunks))
    }

    #[tokio::test]
    async fn a_chunked_body_is_read_up_to_the_limit_and_no_further() {
        const MIB: usize = 1024 * 1024;
        assert_eq!(read(chunked(6, MIB)).await.map(|b| b.len()), Ok(MAX_BODY));
        assert_eq!(read(chunked(usize::MAX, MIB)).await, Err(ReadError::TooLarge));
        assert_eq!(read(Body::from(vec![b' '; MAX_BODY])).await.map(|b| b.len()), Ok(MAX_BODY));
        assert_eq!(read(Body::from(vec![b' '; MAX_BODY + 1])).await, Err(ReadError::TooLarge));
        assert_eq!(read(Body::empty()).await, Ok(Bytes::new()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_that_falls_silent_is_not_waited_for() {
        let silent = futures_util::stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"{")) })
            .chain(futures_util::stream::pending());
        assert_eq!(read(Body::from_stream(silent)).await, Err(ReadError::Stalled));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_that_drips_is_waited_for_five_minutes_and_no_longer() {
        let start = Instant::now();
        let drip = futures_util::stream::unfold(start, |at| async move {
            let next = at + Duration::from_secs(20);
            tokio::time::sleep_until(next).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), next))
        });
        assert_eq!(read(Body::from_stream(drip)).await, Err(ReadError::Stalled));
        assert_eq!(start.elapsed().as_secs(), WHOLE_BODY.as_secs());
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Import {
        #[expect(dead_code, reason = "only parsed")]
        secret: String,
    }

    #[rstest]
    #[case("\"force://TOPSECRET\"")]
    #[case("{\"TOPSECRET\": 1}")]
    #[case("{\"secret\": [\"TOPSECRET\"]}")]
    fn what_is_wrong_with_a_body_is_said_without_repeating_it(#[case] body: &str) {
        let error = serde_json::from_str::<Import>(body).unwrap_err();
        let text = explain(&error);
        assert!(!text.contains("TOPSECRET"), "{text}");
        assert!(!text.is_empty());
    }

    #[test]
    fn a_missing_member_is_named() {
        let error = serde_json::from_str::<Import>("{}").unwrap_err();
        assert!(explain(&error).contains("missing field `secret`"));
    }
}
