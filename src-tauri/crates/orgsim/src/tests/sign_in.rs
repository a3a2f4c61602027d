use std::time::Duration;

use super::*;

#[tokio::test]
async fn a_refresh_names_the_org_and_its_address_and_leaves_the_refresh_token_good() {
    let org = org().await;
    let token = refresh_token(&org);
    let (status, granted) = refresh(&org, &token).await.unwrap();
    assert_eq!((status, granted["instance_url"].as_str()), (200, Some(org.url().as_str())));
    assert!(granted["id"].as_str().unwrap().contains(&format!("/id/{}/", org.id())), "{granted}");
    assert_eq!(granted.get("refresh_token"), None);
    assert_eq!(granted.get("expires_in"), None, "Salesforce does not say");
    assert_eq!(refresh(&org, &token).await.unwrap().0, 200);
    assert_eq!(org.token_requests(), 2);
}

#[tokio::test]
async fn with_rotation_each_refresh_kills_the_refresh_token_before() {
    let org = OrgSim::start(spec().rotating()).await.unwrap();
    let first = refresh_token(&org);
    let (_, granted) = refresh(&org, &first).await.unwrap();
    let second = granted["refresh_token"].as_str().unwrap();
    assert_eq!(refresh_token(&org), second);
    let (status, refused) = refresh(&org, &first).await.unwrap();
    assert_eq!((status, &refused["error"]), (400, &json!("invalid_grant")));
    assert_eq!(refresh(&org, second).await.unwrap().0, 200);
}

#[tokio::test]
async fn what_is_no_refresh_by_the_right_app_is_refused() {
    let org = org().await;
    let token = refresh_token(&org);
    for (fields, error) in [
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (vec![("grant_type", "refresh_token"), ("client_id", "other")], "invalid_client_id"),
        (vec![("grant_type", "refresh_token"), ("client_id", "PlatformCLI")], "invalid_grant"),
    ] {
        let (status, refused) = form(&org, "/services/oauth2/token", &fields).await.unwrap();
        assert_eq!((status, &refused["error"]), (400, &json!(error)));
    }
    assert_eq!(refresh(&org, &token).await.unwrap().0, 200);
}

#[tokio::test]
async fn access_tokens_end_when_told_and_by_their_age() {
    let lasting = org().await;
    let token = access_token(&lasting).await;
    let send = async |org: &OrgSim, token: &str| {
        post(&org.url(), token, payload("t", 0, json!({ "externalId": "WI-1" }))).await.unwrap().status
    };
    assert_eq!(send(&lasting, &token).await, 200);
    lasting.expire_access_tokens();
    assert_eq!(send(&lasting, &token).await, 401);
    assert_eq!(send(&lasting, &access_token(&lasting).await).await, 200, "a refresh brings a good one");

    let fleeting = OrgSim::start(spec().with_access_token_ttl(Duration::ZERO)).await.unwrap();
    assert_eq!(send(&fleeting, &access_token(&fleeting).await).await, 401);
}

#[tokio::test]
async fn revoking_ends_everything_until_somebody_signs_in_again() {
    let org = org().await;
    let (token, access) = (refresh_token(&org), access_token(&org).await);
    let revoke =
        async || form(&org, "/services/oauth2/revoke", &[("token", token.as_str())]).await.unwrap().0;
    assert_eq!(revoke().await, 200);
    assert_eq!((revoke().await, org.revocations()), (400, 1));
    assert_eq!(refresh(&org, &token).await.unwrap().0, 400);
    assert_eq!(post(&org.url(), &access, "{}").await.unwrap().status, 401);
    org.sign_in_again();
    assert_eq!(refresh(&org, &refresh_token(&org)).await.unwrap().0, 200);
}

#[tokio::test]
async fn the_token_server_behaves_as_told() {
    let org = org().await;
    let token = refresh_token(&org);
    for (behaviour, status) in [
        (TokenServer::Unavailable, 503),
        (TokenServer::Refusing, 400),
        (TokenServer::Busy, 400),
        (TokenServer::Delayed(Duration::from_millis(1)), 200),
        (TokenServer::Healthy, 200),
    ] {
        org.token_server(behaviour);
        assert_eq!(refresh(&org, &token).await.unwrap().0, status, "{behaviour:?}");
    }
    org.token_server(TokenServer::Reset);
    assert!(refresh(&org, &token).await.is_err());
}
