//! sfdxAuthUrls: `force://<clientId>:<clientSecret>:<refreshToken>@<host>`.
//!
//! The form is that of the Salesforce CLI (`sf org auth show-sfdx-auth-url`; the pattern is in sfdx-core's
//! `authInfo.ts`): no `https`, the secret may be empty, the refresh token has letters, digits, `.`, `_`, `-` and up to
//! two `=` at its end.

use secrecy::{ExposeSecret as _, SecretString};

use crate::http::base_url;

/// A parsed sfdxAuthUrl.
#[derive(Debug, Clone)]
pub struct AuthUrl {
    /// The app that the refresh token was given to.
    pub client_id: String,
    /// Its secret, where it has one.
    pub client_secret: Option<SecretString>,
    /// The refresh token.
    pub refresh_token: SecretString,
    /// The host of the token server, with its port where one was named.
    pub host: String,
}

/// Why a text is no sfdxAuthUrl. Never repeats the text: it may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthUrlError {
    /// Nothing there.
    #[error(
        "The sfdxAuthUrl is empty. Copy it whole from `sf org auth show-sfdx-auth-url --target-org ALIAS`."
    )]
    Empty,
    /// Another scheme.
    #[error(
        "An sfdxAuthUrl starts with force://. Copy it whole from `sf org auth show-sfdx-auth-url --target-org ALIAS`."
    )]
    Scheme,
    /// The CLI shows `[REDACTED]` in place of secrets.
    #[error(
        "The sfdxAuthUrl is redacted. Newer Salesforce CLIs hide it: use `sf org auth show-sfdx-auth-url --target-org ALIAS`."
    )]
    Redacted,
    /// No `@host`.
    #[error("The sfdxAuthUrl names no host after an @. It was probably cut off: copy it whole.")]
    NoHost,
    /// The host is none.
    #[error(
        "The host in the sfdxAuthUrl is not a host name. Copy the URL whole, without the https:// of the host."
    )]
    BadHost,
    /// Not three parts.
    #[error(
        "An sfdxAuthUrl has three parts before the @: clientId:clientSecret:refreshToken (the secret may be empty)."
    )]
    Parts,
    /// A part has characters that it cannot have.
    #[error("The sfdxAuthUrl has characters that no client ID or token has. Copy it whole, on one line.")]
    Characters,
}

impl AuthUrl {
    /// Parses an sfdxAuthUrl; white space around it is ignored.
    ///
    /// # Errors
    /// [`AuthUrlError`], which says what is wrong and never repeats the text.
    pub fn parse(text: &SecretString) -> Result<Self, AuthUrlError> {
        let text = text.expose_secret().trim();
        if text.is_empty() {
            return Err(AuthUrlError::Empty);
        }
        if text.contains("REDACTED") {
            return Err(AuthUrlError::Redacted);
        }
        let rest = text.strip_prefix("force://").ok_or(AuthUrlError::Scheme)?;
        let (credentials, host) = rest.rsplit_once('@').ok_or(AuthUrlError::NoHost)?;
        let host = host.trim_end_matches('/');
        if host.is_empty() {
            return Err(AuthUrlError::NoHost);
        }
        let mut parts = credentials.split(':');
        let (Some(client_id), Some(client_secret), Some(refresh_token), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(AuthUrlError::Parts);
        };
        if client_id.is_empty() || refresh_token.is_empty() {
            return Err(AuthUrlError::Parts);
        }
        if ![client_id, client_secret, refresh_token].iter().all(|part| part.chars().all(is_token_character))
        {
            return Err(AuthUrlError::Characters);
        }
        Ok(Self {
            client_id: client_id.to_owned(),
            client_secret: (!client_secret.is_empty()).then(|| SecretString::from(client_secret)),
            refresh_token: SecretString::from(refresh_token),
            host: parse_host(host)?,
        })
    }
}

fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '=' | '!' | '~' | '+' | '/')
}

/// A host name or address, with a port or without; nothing else of a URL.
fn parse_host(host: &str) -> Result<String, AuthUrlError> {
    if host.contains(['/', '?', '#', '@', ' ', '\\']) {
        return Err(AuthUrlError::BadHost);
    }
    let url = url::Url::parse(&base_url(host)).map_err(|_| AuthUrlError::BadHost)?;
    let name = url.host_str().ok_or(AuthUrlError::BadHost)?;
    Ok(url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn parse(text: &str) -> Result<AuthUrl, AuthUrlError> {
        AuthUrl::parse(&SecretString::from(text))
    }

    #[rstest]
    #[case::cli(
        "force://PlatformCLI::5Aep861.abc_DEF-1==@acme.my.salesforce.com",
        "PlatformCLI",
        None,
        "acme.my.salesforce.com"
    )]
    #[case::own_app(
        "force://3MVG9.x:SECRET123:5Aep@login.salesforce.com",
        "3MVG9.x",
        Some("SECRET123"),
        "login.salesforce.com"
    )]
    #[case::white_space(
        "  force://PlatformCLI::5Aep@login.salesforce.com\n",
        "PlatformCLI",
        None,
        "login.salesforce.com"
    )]
    #[case::port("force://demo::5Aep@127.0.0.1:40123", "demo", None, "127.0.0.1:40123")]
    #[case::a_port_that_is_the_default_of_another_scheme(
        "force://demo::5Aep@localhost:443",
        "demo",
        None,
        "localhost:443"
    )]
    #[case::trailing_slash("force://demo::5Aep@login.salesforce.com/", "demo", None, "login.salesforce.com")]
    fn what_the_cli_prints_is_read(
        #[case] text: &str,
        #[case] client: &str,
        #[case] secret: Option<&str>,
        #[case] host: &str,
    ) {
        let url = parse(text).unwrap();
        assert_eq!(url.client_id, client);
        assert_eq!(url.client_secret.as_ref().map(secrecy::ExposeSecret::expose_secret), secret);
        assert_eq!(url.host, host);
    }

    #[rstest]
    #[case::empty("  ", AuthUrlError::Empty)]
    #[case::web("https://login.salesforce.com", AuthUrlError::Scheme)]
    #[case::redacted("force://PlatformCLI::[REDACTED]@x.my.salesforce.com", AuthUrlError::Redacted)]
    #[case::cut("force://PlatformCLI::5Aep861", AuthUrlError::NoHost)]
    #[case::no_host("force://PlatformCLI::5Aep861@", AuthUrlError::NoHost)]
    #[case::host_with_scheme("force://PlatformCLI::5Aep861@https://x", AuthUrlError::BadHost)]
    #[case::host_that_is_no_punycode(
        "force://PlatformCLI::5Aep861@xn--a.sandbox.my.salesforce.com",
        AuthUrlError::BadHost
    )]
    #[case::two_parts("force://PlatformCLI:5Aep861@x.my.salesforce.com", AuthUrlError::Parts)]
    #[case::no_token("force://PlatformCLI::@x.my.salesforce.com", AuthUrlError::Parts)]
    #[case::line_break("force://PlatformCLI::5Aep\n861@x.my.salesforce.com", AuthUrlError::Characters)]
    fn what_is_none_is_refused_without_repeating_it(#[case] text: &str, #[case] why: AuthUrlError) {
        let error = parse(text).unwrap_err();
        assert_eq!(error, why);
        assert!(!error.to_string().contains("5Aep"));
    }

    proptest::proptest! {
        #[test]
        fn what_was_put_together_is_taken_apart(
            client_id in "[A-Za-z0-9._-]{1,60}",
            client_secret in proptest::option::of("[A-Za-z0-9._-]{1,60}={0,2}"),
            refresh_token in "[A-Za-z0-9._-]{1,90}={0,2}",
            // Never `xn--`, which no My Domain is: what follows it has to be Punycode.
            host in "[a-wyz][a-z]{0,9}(--[a-z]{1,5}\\.sandbox)?\\.my\\.salesforce\\.com(:[1-9][0-9]{3})?",
            around in "[ \t\r\n]{0,3}",
        ) {
            let secret = client_secret.clone().unwrap_or_default();
            let url = parse(&format!("{around}force://{client_id}:{secret}:{refresh_token}@{host}{around}")).unwrap();
            proptest::prop_assert_eq!(url.client_id, client_id);
            proptest::prop_assert_eq!(url.client_secret.map(|s| s.expose_secret().to_owned()), client_secret);
            proptest::prop_assert_eq!(url.refresh_token.expose_secret(), refresh_token);
            proptest::prop_assert_eq!(url.host, host);
        }

        #[test]
        fn no_text_makes_it_panic_or_repeat_itself(text in "(force://)?[a-z:@/\\[\\]%é]{0,30}SECRET[a-z:@/ ]{0,10}") {
            if let Err(error) = parse(&text) {
                proptest::prop_assert!(!error.to_string().contains("SECRET"));
            }
        }
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let url = parse("force://app:TOPSECRET:5AepREFRESH@login.salesforce.com").unwrap();
        let shown = format!("{url:?}");
        assert!(!shown.contains("TOPSECRET") && !shown.contains("5AepREFRESH"), "{shown}");
    }
}
