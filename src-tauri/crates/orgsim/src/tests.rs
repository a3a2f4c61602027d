//! The simulator keeps its own promises: what the other tests rest on.

use std::io;

use ::http::{Request, header};
use axum::body::Body;
use serde_json::{Value, json};

use super::{Answer, Chance, Demo, OrgSim, OrgSpec, Posted, Received, Rule, TokenServer, post};
use crate::post::exchange;

mod demo;
mod endpoint;
mod sign_in;

async fn org() -> OrgSim {
    OrgSim::start(spec()).await.unwrap()
}

fn spec() -> OrgSpec {
    OrgSpec::new("00D00000000000A".parse().unwrap())
}

/// The refresh token in an org's sfdxAuthUrl.
fn refresh_token(org: &OrgSim) -> String {
    org.auth_url().split([':', '@']).find(|part| part.starts_with("5Aep")).unwrap().to_owned()
}

/// Posts a form to the token server.
async fn form(org: &OrgSim, path: &str, fields: &[(&str, &str)]) -> io::Result<(u16, Value)> {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(fields.join("&")))
        .unwrap();
    let (parts, body) = exchange(&org.url(), request).await?;
    Ok((parts.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default()))
}

async fn refresh(org: &OrgSim, refresh_token: &str) -> io::Result<(u16, Value)> {
    let fields =
        [("grant_type", "refresh_token"), ("client_id", "PlatformCLI"), ("refresh_token", refresh_token)];
    form(org, "/services/oauth2/token", &fields).await
}

/// An access token, by the org's own refresh token.
async fn access_token(org: &OrgSim) -> String {
    let (status, granted) = refresh(org, &refresh_token(org)).await.unwrap();
    assert_eq!(status, 200, "{granted}");
    granted["access_token"].as_str().unwrap().to_owned()
}

fn payload(transaction: &str, second: u32, record: Value) -> String {
    json!({
        "transactionId": transaction,
        "sourceOrgId": "00D00000000000B",
        "timestamp": format!("2026-02-27T14:30:{second:02}.000Z"),
        "operation": "upsert",
        "records": [record],
    })
    .to_string()
}
