//! The address that a browser comes back to after a sign-in, and one that an admin types to begin it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use secrecy::ExposeSecret as _;
use sync_monitor_salesforce::login::{Brought, Page, Redirected, login_host, refusal};
use url::{Url, form_urlencoded};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    came_back(text);
    begun(text);
});

fn came_back(query: &str) {
    let came = Redirected::read(query);
    let shown = format!("{came:?}");
    let mut members = vec![("state", came.state.clone())];
    match &came.brought {
        Brought::Code(code) => {
            let code = code.expose_secret();
            assert!(
                code.len() < 20 || !shown.replace(came.state.as_deref().unwrap_or("\0"), "").contains(code)
            );
            members.push(("code", Some(code.to_owned())));
        }
        Brought::Error { code, words } => {
            members.extend([("error", Some(code.clone())), ("error_description", words.clone())]);
            let page = Page { good: false, title: code.clone(), text: refusal(code, words.as_deref()) };
            assert_eq!(tags(&page.html()), tags(&plain()), "words from elsewhere stay words");
        }
        Brought::Nothing => {}
    }
    // What was understood is understood again, as the login page would write it.
    let mut written = form_urlencoded::Serializer::new(String::new());
    for (name, value) in members {
        if let Some(value) = value {
            written.append_pair(name, &value);
        }
    }
    let again = Redirected::read(&written.finish());
    assert_eq!(again.state, came.state);
    assert_eq!(told(&again), told(&came));
}

fn told(came: &Redirected) -> (Option<&str>, Option<&str>, Option<&str>) {
    match &came.brought {
        Brought::Code(code) => (Some(code.expose_secret()), None, None),
        Brought::Error { code, words } => (None, Some(code), words.as_deref()),
        Brought::Nothing => (None, None, None),
    }
}

fn plain() -> String {
    Page { good: false, title: "x".into(), text: "x".into() }.html()
}

fn tags(html: &str) -> [usize; 3] {
    ['<', '>', '"'].map(|sign| html.matches(sign).count())
}

fn begun(typed: &str) {
    let Ok(host) = login_host(typed) else { return };
    let url = Url::parse(&format!("https://{host}")).expect("a host is part of a URL");
    assert_eq!((url.path(), url.query(), url.fragment(), url.username()), ("/", None, None, ""));
    assert_eq!(
        login_host(&host).as_deref(),
        Ok(host.as_str()),
        "a host that was understood is understood again"
    );
}
