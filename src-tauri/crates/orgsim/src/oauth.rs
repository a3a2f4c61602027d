//! The login page and the token server of a simulated org.

use std::time::Instant;

use axum::response::Response;
use base64::Engine as _;
use http::{HeaderValue, header};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::http::{Outcome, answer, closed, json as json_answer};
use crate::org::Inner;
use crate::state::{State, TokenServer};

/// The only user of a simulated org.
pub(crate) const USER: &str = "005000000000001AAA";

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

/// A code that was given to a browser, and what must come with it.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    challenge: String,
    redirect_uri: String,
    client_id: String,
}

/// What a person answers at the login page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consent {
    /// The page asks.
    #[default]
    Ask,
    /// "Allow", without being asked.
    Allow,
    /// "Deny", without being asked.
    Deny,
}

/// `GET /services/oauth2/authorize`, and what its page leads to.
pub(crate) fn authorize(org: &Inner, query: &str, consent: Consent) -> Response {
    let one = |name: &str| field(query, name).unwrap_or_default();
    // Salesforce shows these two on a page of its own: whom it does not know it sends nowhere.
    if one("client_id") != org.spec.client_id {
        return page(400, "error=invalid_client_id&amp;error_description=client identifier invalid");
    }
    let redirect_uri = one("redirect_uri");
    let is_registered = redirect_uri
        .strip_prefix("http://localhost:")
        .and_then(|rest| rest.strip_suffix("/OauthRedirect"))
        .is_some_and(|port| port.parse::<u16>().is_ok());
    if !is_registered {
        return page(
            400,
            "error=redirect_uri_mismatch&amp;error_description=redirect_uri must match configuration",
        );
    }
    let state = one("state");
    let refused = |code: &str, why: &str| {
        to_redirect(&redirect_uri, &[("error", code), ("error_description", why), ("state", &state)])
    };
    if one("response_type") != "code" {
        return refused("unsupported_response_type", "response type not supported");
    }
    let challenge = one("code_challenge");
    if challenge.is_empty() || one("code_challenge_method") != "S256" {
        return refused("invalid_request", "missing required code challenge");
    }
    match consent {
        Consent::Ask => {
            let (user, org_id) = (&org.spec.username, org.state().org_id);
            let query = query.replace('&', "&amp;").replace('"', "&quot;");
            page(
                200,
                &format!(
                    "<h1>Simulated org</h1><p>Sync Monitor asks to use {user} in {org_id}.</p>\
<p><a id=\"allow\" href=\"{ALLOW}?{query}\">Allow</a> <a id=\"deny\" href=\"{DENY}?{query}\">Deny</a></p>"
                ),
            )
        }
        Consent::Deny => refused("access_denied", "end-user denied authorization"),
        Consent::Allow => {
            let mut held = org.state();
            held.tokens_given += 1;
            let code = format!("aPrx.sim.{:016x}.{}==", org.spec.seed, held.tokens_given);
            let kept =
                Code { challenge, redirect_uri: redirect_uri.clone(), client_id: org.spec.client_id.clone() };
            held.codes_given.push(code.clone());
            held.codes.insert(code.clone(), kept);
            to_redirect(&redirect_uri, &[("code", &code), ("state", &state)])
        }
    }
}

/// What the page's "Allow" and "Deny" lead to.
pub(crate) const ALLOW: &str = "/services/oauth2/authorize/allow";
pub(crate) const DENY: &str = "/services/oauth2/authorize/deny";

fn page(status: u16, body: &str) -> Response {
    answer(
        status,
        "text/html; charset=utf-8",
        format!("<!doctype html><title>Simulated org</title><body>{body}</body>"),
    )
}

fn to_redirect(redirect_uri: &str, fields: &[(&str, &str)]) -> Response {
    let query: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
    let mut response = answer(302, "text/html", "");
    if let Ok(location) = HeaderValue::from_str(&format!("{redirect_uri}?{}", query.join("&"))) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or('0').to_ascii_uppercase()
}

fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
        escaped
    })
}

/// `POST /services/oauth2/token`: the refresh token flow, and the end of the web server flow.
pub(crate) fn token(org: &Inner, form: &str) -> Outcome {
    let mut state = org.state();
    state.token_requests += 1;
    let good = match state.token_server {
        TokenServer::Healthy | TokenServer::Delayed(_) => state.refresh_token.clone(),
        TokenServer::Busy => return Ok(refused("invalid_grant", "token request is already being processed")),
        TokenServer::Says(code, words) => return Ok(refused(code, words)),
        TokenServer::Unavailable => {
            return Ok(answer(503, "text/html", "<html><title>Unavailable</title></html>"));
        }
        TokenServer::Refusing => None,
        TokenServer::Reset => return Err(closed()),
    };
    let by_code = match field(form, "grant_type").as_deref() {
        Some("refresh_token") => false,
        Some("authorization_code") => true,
        _ => return Ok(refused("unsupported_grant_type", "grant type not supported")),
    };
    if field(form, "client_id").as_deref() != Some(org.spec.client_id.as_str()) {
        return Ok(refused("invalid_client_id", "client identifier invalid"));
    }
    if field(form, "client_secret").is_some_and(|secret| !secret.is_empty()) {
        return Ok(refused("invalid_client", "a public client has no secret"));
    }
    if by_code {
        if let Err(why) = spend_code(&mut state, form) {
            return Ok(refused("invalid_grant", why));
        }
    } else if good.is_none() || field(form, "refresh_token") != good {
        return Ok(refused("invalid_grant", "expired access/refresh token"));
    }
    let access_token = give_access_token(org, &mut state);
    let n = state.tokens_given;
    let (id, instance_url) = state.answers_for.clone().unwrap_or_else(|| (state.org_id, org.url()));
    let mut body = json!({
        "access_token": access_token,
        "instance_url": instance_url,
        "id": format!("{}/id/{id}/{USER}", org.url()),
        "token_type": "Bearer",
        "issued_at": "1772202600000",
        "signature": "c2lnbmF0dXJl",
        "scope": "refresh_token api",
    });
    if by_code || org.spec.rotates {
        let new = format!("5Aep.sim.refresh.{:016x}.{n}", org.spec.seed);
        body["refresh_token"] = json!(new);
        state.refresh_token = Some(new);
    }
    if by_code && org.spec.gives_no_refresh_token {
        body.as_object_mut().map(|body| body.remove("refresh_token"));
    }
    Ok(json_answer(200, body.to_string()))
}

/// A new access token of an org.
pub(crate) fn give_access_token(org: &Inner, state: &mut State) -> String {
    state.tokens_given += 1;
    let token = format!("{}!sim.access.{:016x}.{}", state.org_id.short(), org.spec.seed, state.tokens_given);
    let end = org.spec.access_token_ttl.map(|ttl| Instant::now() + ttl);
    state.access_tokens.insert(token.clone(), end);
    token
}

/// Takes a code out, if all is as it was when it was given (RFC 7636 4.6).
fn spend_code(state: &mut State, form: &str) -> Result<(), &'static str> {
    let code = field(form, "code").unwrap_or_default();
    let Some(kept) = state.codes.remove(&code) else { return Err("expired authorization code") };
    if field(form, "redirect_uri").as_ref() != Some(&kept.redirect_uri) {
        return Err("redirect_uri must match the one of the authorization request");
    }
    if field(form, "client_id").as_ref() != Some(&kept.client_id) {
        return Err("invalid authorization code");
    }
    let verifier = field(form, "code_verifier").unwrap_or_default();
    let hashed = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    if !(43..=128).contains(&verifier.len()) || hashed != kept.challenge {
        return Err("invalid code verifier");
    }
    Ok(())
}

/// `POST /services/oauth2/revoke`.
pub(crate) fn revoke(org: &Inner, form: &str) -> Response {
    let mut state = org.state();
    let token = field(form, "token");
    if let Some(token) = &token
        && state.access_tokens.remove(token).is_some()
    {
        state.revocations += 1;
        return json_answer(200, "");
    }
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
    if !authorized || !org.spec.tells_userinfo {
        return answer(403, "text/plain", "Bad_OAuth_Token");
    }
    let id = org.state().org_id;
    let body = json!({ "organization_id": id, "user_id": USER, "preferred_username": org.spec.username });
    json_answer(200, body.to_string())
}

/// The identity URL, `GET /id/{org}/{user}`.
pub(crate) fn identity(org: &Inner, authorized: bool) -> Response {
    if !authorized {
        return answer(403, "text/plain", "Bad_OAuth_Token");
    }
    let id = org.state().org_id;
    let body = json!({ "organization_id": id, "user_id": USER, "username": org.spec.username, "asserted_user": true });
    json_answer(200, body.to_string())
}
