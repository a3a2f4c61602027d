//! The UI in a browser: the files of its build, and the door to it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use secrecy::ExposeSecret as _;

use crate::App;
use crate::problem::Problem;
use crate::query::Query;
use crate::session::{COOKIE, cookie};

/// A file of the UI's build.
pub(crate) struct File {
    /// From the `/`.
    path: &'static str,
    /// Its entity tag.
    tag: &'static str,
    bytes: &'static [u8],
}

// The table `FILES`, empty where the UI was not built.
include!(concat!(env!("OUT_DIR"), "/ui_files.rs"));

/// Sent with everything that a browser shows.
const SECURITY: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        // Styles may stand in attributes, where lists put their sizes; scripts may not.
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// `GET /`: the UI, for whoever has a session.
pub(crate) async fn index(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let now = app.engine.clock().now();
    if !cookie(&headers).is_some_and(|session| app.sessions.use_now(session, now)) {
        return page(
            StatusCode::UNAUTHORIZED,
            "Sync Monitor is running here. To see it in this browser, run <code>sync-monitor open</code>.",
        );
    }
    file(FILES, "/index.html", &headers).unwrap_or_else(|| {
        page(
            StatusCode::OK,
            "Sync Monitor is running, but its window was not built into this program. Run <code>cargo xtask demo</code>, or <code>npm run build</code> in <code>ui</code> and build again.",
        )
    })
}

/// `GET /open?link=…`: a one-time link becomes a session.
pub(crate) async fn open(State(app): State<Arc<App>>, mut query: Query) -> Result<Response, Problem> {
    let link = query.take("link")?.unwrap_or_default();
    query.end()?;
    let session = app.sessions.open(&link, app.engine.clock().now()).map_err(|error| {
        tracing::error!(%error, "a session could not be made");
        Problem::server_error()
    })?;
    let Some(session) = session else {
        return Ok(page(
            StatusCode::FORBIDDEN,
            "This link was used already, or is older than a minute. Run <code>sync-monitor open</code> for a new one.",
        ));
    };
    let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/", session.expose_secret());
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, "/")]).into_response();
    let headers = response.headers_mut();
    headers.insert(header::SET_COOKIE, HeaderValue::from_str(&cookie).map_err(|_| Problem::server_error())?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    secure(headers);
    Ok(response)
}

/// Any other path: a file of the UI's build, or nothing.
pub(crate) async fn other(request: Request) -> Response {
    let path = request.uri().path();
    // The page itself is only given with a session, as `/`.
    let found = if path == "/index.html" { None } else { file(FILES, path, request.headers()) };
    match found {
        Some(response) if request.method().is_safe() => response,
        Some(_) => {
            let mut response = method_not_allowed().await.into_response();
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET,HEAD"));
            response
        }
        None => not_found().await.into_response(),
    }
}

/// What a path gets that names nothing.
pub(crate) async fn not_found() -> Problem {
    Problem::not_found(
        "There is nothing at this path. Look at the documentation of the API for the paths there are.",
    )
}

/// What a method gets that a path does not know; the router adds `Allow`.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "METHOD_NOT_ALLOWED",
        "This path is not asked with this method. The header Allow names those that it is asked with.",
    )
}

fn file(files: &[File], path: &str, asked: &HeaderMap) -> Option<Response> {
    let file = files.iter().find(|file| file.path == path)?;
    let known = asked.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
    let mut response = if known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == file.tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        file.bytes.into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    headers.insert(header::ETAG, HeaderValue::from_static(file.tag));
    // What the build puts into /assets has a hash of its content in its name.
    let life = if path.starts_with("/assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(life));
    secure(headers);
    Some(response)
}

fn page(status: StatusCode, text: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sync Monitor</title>\
         <body style=\"font: 16px system-ui; margin: 4rem auto; max-width: 40rem\"><h1>Sync Monitor</h1><p>{text}</p></body></html>\n"
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    secure(headers);
    response
}

fn secure(headers: &mut HeaderMap) {
    for (name, value) in SECURITY {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILD: &[File] = &[
        File { path: "/assets/app-1f2e.js", tag: "\"1f2e\"", bytes: b"run()" },
        File { path: "/favicon.svg", tag: "\"77\"", bytes: b"<svg/>" },
    ];

    fn get(path: &str, known: Option<&str>) -> Option<Response> {
        let mut headers = HeaderMap::new();
        if let Some(known) = known {
            headers.insert(header::IF_NONE_MATCH, known.parse().unwrap());
        }
        file(BUILD, path, &headers)
    }

    #[test]
    fn a_file_with_a_hash_in_its_name_is_kept_for_good_and_others_are_asked_for_again() {
        let script = get("/assets/app-1f2e.js", None).unwrap();
        assert_eq!(script.headers()[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
        assert_eq!(script.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        let icon = get("/favicon.svg", None).unwrap();
        assert_eq!(icon.headers()[header::CACHE_CONTROL], "no-cache");
        assert_eq!(icon.headers()[header::CONTENT_TYPE], "image/svg+xml");
    }

    #[test]
    fn what_the_browser_has_is_not_sent_again() {
        assert_eq!(get("/favicon.svg", Some("W/\"12\", \"77\"")).unwrap().status(), StatusCode::NOT_MODIFIED);
        assert_eq!(get("/favicon.svg", Some("\"12\"")).unwrap().status(), StatusCode::OK);
    }

    #[test]
    fn a_path_that_climbs_is_only_a_path_that_is_not_there() {
        assert!(get("/assets/../favicon.svg", None).is_none());
        assert!(get("/assets/", None).is_none());
    }

    #[test]
    fn every_page_forbids_frames_and_foreign_scripts() {
        let response = page(StatusCode::OK, "x");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("script-src"), "scripts are under default-src: {policy}");
        assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}
