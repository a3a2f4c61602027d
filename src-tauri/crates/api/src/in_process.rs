//! The management API without HTTP, for the window.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, header};
use tokio::sync::broadcast;
use tower::ServiceExt as _;

use crate::problem::Problem;
use crate::{App, router};
use axum::response::{IntoResponse as _, Response};

/// The management API, asked by this process as the admin. Cheap to clone.
#[derive(Clone)]
pub struct InProcess {
    app: Arc<App>,
    router: Router,
}

/// What a use case answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// JSON, or empty (204).
    pub body: String,
}

impl InProcess {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { router: router::in_process(&app), app }
    }

    /// Asks as the listener would be asked: `call("GET", "/api/v1/items?limit=5", None)`. A body is JSON.
    ///
    /// Never fails: what cannot be asked is answered with a problem, like over HTTP.
    pub async fn call(&self, method: &str, path_and_query: &str, body: Option<String>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path_and_query)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.map_or_else(Body::empty, Body::from));
        let response = match request {
            Ok(request) => {
                let Ok(response) = self.router.clone().oneshot(request).await;
                response
            }
            Err(error) => Problem::bad_request("INVALID_REQUEST", format!("This cannot be asked: {error}."))
                .into_response(),
        };
        answer(response).await
    }

    /// The JSON of each `changed` event from now on.
    pub fn changes(&self) -> broadcast::Receiver<Arc<str>> {
        self.app.events.plain()
    }
}

async fn answer(response: Response) -> Answer {
    let status = response.status().as_u16();
    // Our own answers, which end.
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    Answer { status, body: String::from_utf8_lossy(&body).into_owned() }
}
