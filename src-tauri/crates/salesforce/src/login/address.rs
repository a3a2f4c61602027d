//! Where a sign-in begins: what an admin typed or pasted, as the host of a token server.

use crate::http::{base_url, is_allowed};

/// Hosts of an org's pages, and what stands in their place in its My Domain ("My Domain URL Formats"). An admin pastes
/// what the browser shows.
const PAGES: [&str; 3] = [".lightning.force.com", ".my.salesforce-setup.com", ".vf.force.com"];
const MY_DOMAIN: &str = ".my.salesforce.com";

/// The host of the login page, with its port where one was named.
///
/// # Errors
/// What is wrong with the text, for a person.
pub fn login_host(text: &str) -> Result<String, String> {
    let text = text.trim();
    let refused = |why: &str| {
        Err(format!(
            "{why} Give https://login.salesforce.com (production), https://test.salesforce.com (sandbox), or the org's own address from Setup, My Domain, like https://acme.my.salesforce.com."
        ))
    };
    if text.is_empty() {
        return refused("The login URL is empty.");
    }
    let with_scheme = if text.contains("://") { text.to_owned() } else { base_url(text) };
    let Ok(url) = url::Url::parse(&with_scheme) else { return refused("The login URL is not a URL.") };
    if !is_allowed(&with_scheme) {
        return refused("The login URL must begin with https://.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused("The login URL must not hold a user or a password.");
    }
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return refused("The login URL names no host.");
    };
    let host = PAGES
        .iter()
        .find_map(|page| host.strip_suffix(page))
        .map_or_else(|| host.to_owned(), |name| format!("{}{MY_DOMAIN}", without_package(name)));
    Ok(url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
}

/// A page of a package has its namespace in its host: `acme--c` is `acme`, but `acme--uat.sandbox` is itself.
fn without_package(name: &str) -> &str {
    name.strip_suffix("--c").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::production("https://login.salesforce.com", "login.salesforce.com")]
    #[case::sandbox("https://test.salesforce.com/", "test.salesforce.com")]
    #[case::my_domain("https://acme.my.salesforce.com", "acme.my.salesforce.com")]
    #[case::without_scheme(" acme.my.salesforce.com ", "acme.my.salesforce.com")]
    #[case::a_pasted_page("https://acme.lightning.force.com/lightning/page/home", "acme.my.salesforce.com")]
    #[case::a_sandboxs_page(
        "https://acme--uat.sandbox.lightning.force.com/x?y#z",
        "acme--uat.sandbox.my.salesforce.com"
    )]
    #[case::setup(
        "https://acme.my.salesforce-setup.com/lightning/setup/SetupOneHome/home",
        "acme.my.salesforce.com"
    )]
    #[case::classic("https://acme--c.vf.force.com/apex/p", "acme.my.salesforce.com")]
    #[case::upper_case("HTTPS://ACME.My.Salesforce.com", "acme.my.salesforce.com")]
    #[case::loopback("http://127.0.0.1:8080", "127.0.0.1:8080")]
    #[case::localhost_without_scheme("localhost:8080", "localhost:8080")]
    fn a_login_page_is_known_by_its_host(#[case] text: &str, #[case] host: &str) {
        assert_eq!(login_host(text).as_deref(), Ok(host));
    }

    #[rstest]
    #[case::empty("  ", "is empty")]
    #[case::in_the_clear("http://acme.my.salesforce.com", "https://")]
    #[case::another_scheme("ftp://acme.my.salesforce.com", "https://")]
    #[case::a_password("https://me:secret@acme.my.salesforce.com", "a password")]
    #[case::no_url("https://", "not a URL")]
    #[case::words("my org", "not a URL")]
    fn what_is_no_login_page_is_refused_with_what_to_give(#[case] text: &str, #[case] why: &str) {
        let error = login_host(text).unwrap_err();
        assert!(error.contains(why) && error.contains("My Domain"), "{error}");
        assert!(!error.contains("secret"));
    }
}
