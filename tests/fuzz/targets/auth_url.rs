//! An sfdxAuthUrl, as it is pasted.

#![no_main]

use libfuzzer_sys::fuzz_target;
use secrecy::{ExposeSecret as _, SecretString};
use sync_monitor_salesforce::AuthUrl;
use url::Url;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = |text: &str| AuthUrl::parse(&SecretString::from(text));
    let Ok(url) = read(text) else { return };
    let token = url.refresh_token.expose_secret();
    let secret = url.client_secret.as_ref().map(|secret| secret.expose_secret()).unwrap_or_default();
    assert!(!token.is_empty() && !url.client_id.is_empty());

    // It goes nowhere but to this host.
    let host = Url::parse(&format!("https://{}", url.host)).expect("a host is part of a URL");
    assert_eq!((host.path(), host.query(), host.fragment(), host.username()), ("/", None, None, ""));

    // Put together again it is the same, and nothing that is shown of it tells the secrets.
    let with = |secret: &str, token: &str| {
        read(&format!("force://{}:{secret}:{token}@{}", url.client_id, url.host)).expect("it was read before")
    };
    let again = with(secret, token);
    assert_eq!((&again.client_id, &again.host), (&url.client_id, &url.host));
    assert_eq!(again.refresh_token.expose_secret(), token);
    assert_eq!(again.client_secret.as_ref().map(|secret| secret.expose_secret()).unwrap_or_default(), secret);
    let other = if secret.is_empty() { "" } else { "another" };
    assert_eq!(format!("{url:?}"), format!("{:?}", with(other, "another")));
});
