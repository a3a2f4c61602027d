//! Who asks, and by which way.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};
use sync_monitor_engine::model::{Actor, Via};

use crate::App;

/// What the command line calls itself.
const CLI: &str = "sync-monitor-cli/";

/// Whoever asks, for the activity log: the user of this machine, by the way that whoever let the request in found out.
pub(crate) struct Asker(pub(crate) Actor);

impl FromRequestParts<Arc<App>> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        Ok(Self(Actor { name: app.user.clone(), via: parts.extensions.get::<Via>().copied() }))
    }
}

/// The way of a request with the admin token. Whoever has that may call himself what he likes; so this tells honest ones
/// apart, no more.
pub(crate) fn with_token(headers: &HeaderMap) -> Via {
    let name = headers.get(header::USER_AGENT).and_then(|name| name.to_str().ok());
    if name.is_some_and(|name| name.starts_with(CLI)) { Via::Cli } else { Via::Api }
}
