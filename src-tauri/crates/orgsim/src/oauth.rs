//! The token server of a simulated org.

use std::time::Instant;

use axum::response::Response;
use serde_json::json;

use crate::http::{Outcome, answer, closed, json as json_answer};
use crate::org::Inner;
use crate::state::TokenServer;

/// The fields of a form (`application/x-www-form-urlencoded`).
fn field(form: &str, name: &str) -> Option<String> {
    let value = form
        .split('&')
        .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn refused(code: &str, why: &str) -> Response {
    json_answer(400, json!({ "error": code, "error_description": why }).to_string())
}

/// `POST /services/oauth2/token`, the refresh token flow.
pub(crate) fn token(org: &Inner, form: &str) -> Outcome {
    let mut state = org.state();
    state.token_requests += 1;
    let good = match state.token_server {
        TokenServer::Healthy | TokenServer::Delayed(_) => state.refresh_token.clone(),
        TokenServer::Busy => return Ok(refused("invalid_grant", "token request is already being processed")),
        TokenServer::Unavailable => {
            return Ok(answer(503, "text/html", "<html><title>Unavailable</title></html>"));
        }
        TokenServer::Refusing => None,
        TokenServer::Reset => return Err(closed()),
    };
    if field(form, "grant_type").as_deref() != Some("refresh_token") {
        return Ok(refused("unsupported_grant_type", "grant type not supported"));
    }
    if field(form, "client_id").as_deref() != Some(org.spec.client_id.as_str()) {
        return Ok(refused("invalid_client_id", "client identifier invalid"));
    }
    if good.is_none() || field(form, "refresh_token") != good {
        return Ok(refused("invalid_grant", "expired access/refresh token"));
    }
    state.tokens_given += 1;
    let (n, id) = (state.tokens_given, org.spec.org_id);
    let access_token = format!("{}!sim.access.{:016x}.{n}", id.short(), org.spec.seed);
    let end = org.spec.access_token_ttl.map(|ttl| Instant::now() + ttl);
    state.access_tokens.insert(access_token.clone(), end);
    let mut body = json!({
        "access_token": access_token,
        "instance_url": org.url(),
        "id": format!("{}/id/{id}/005000000000001AAA", org.url()),
        "token_type": "Bearer",
        "issued_at": "1772202600000",
        "signature": "c2lnbmF0dXJl",
        "scope": "refresh_token api",
    });
    if org.spec.rotates {
        let rotated = format!("5Aep.sim.refresh.{:016x}.{n}", org.spec.seed);
        body["refresh_token"] = json!(rotated);
        state.refresh_token = Some(rotated);
    }
    Ok(json_answer(200, body.to_string()))
}

/// `POST /services/oauth2/revoke`.
pub(crate) fn revoke(org: &Inner, form: &str) -> Response {
    let mut state = org.state();
    let token = field(form, "token");
    if token.is_some() && token == state.refresh_token {
        state.refresh_token = None;
        state.access_tokens.clear();
        state.revocations += 1;
        return json_answer(200, "");
    }
    refused("invalid_token", "this token is not known")
}

/// `GET /services/oauth2/userinfo`.
pub(crate) fn userinfo(org: &Inner, authorized: bool) -> Response {
    if !authorized {
        return answer(403, "text/plain", "Bad_OAuth_Token");
    }
    let id = org.spec.org_id;
    let body = json!({ "organization_id": id, "user_id": "005000000000001AAA", "preferred_username": org.spec.username });
    json_answer(200, body.to_string())
}
