//! Taking out of a line of the log what is nobody else's business: tokens, people, hosts, folders.
//!
//! The log holds no tokens and no bodies as it is; this is for what comes in with the words of others (an error that names a
//! host), and for the day on which somebody gets the first wrong. What looks like an ID of ours or of an org stays: without it
//! a line says nothing.

use std::net::IpAddr;

/// What stands in place of what is taken out.
const SECRET: &str = "[secret]";
const USER: &str = "[user]";
const HOST: &str = "[host]";
const NAME: &str = "[name]";

/// A text longer than this, of letters and digits mixed, may be a token.
const TOKEN: usize = 24;
/// What is shorter is no name, or would cut up every line.
const SHORTEST: usize = 3;

/// Variables of the environment that name the user, and what stands in place of their values.
const PRIVATE_VARIABLES: [(&str, &str); 6] = [
    ("HOME", "~"),
    ("USERPROFILE", "~"),
    ("USER", USER),
    ("LOGNAME", USER),
    ("USERNAME", USER),
    ("COMPUTERNAME", "[this machine]"),
];

/// The names of this machine and its user.
pub(crate) fn this_machines() -> Known {
    let mut names = Known::default();
    names.add_this_machines();
    names
}

/// A line without anything that looks like a token, a user or a host.
pub(crate) fn line(text: &str) -> String {
    let breaks = |c: char| c.is_whitespace() || "\"'`()<>{}|,;".contains(c);
    pieces(text, breaks, |chunk| match chunk.find("://") {
        Some(at) => url(chunk, at),
        None => pieces(chunk, |c| "=&?[]".contains(c), word),
    })
}

/// Each piece between characters that `breaks`, replaced.
fn pieces(text: &str, breaks: impl Fn(char) -> bool, replace: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(&breaks).unwrap_or(rest.len());
        out.push_str(&replace(&rest[..end]));
        rest = &rest[end..];
        let separator = rest.chars().next();
        out.extend(separator);
        rest = &rest[separator.map_or(0, char::len_utf8)..];
    }
    out
}

/// A URL, which may have a name and `=` before it: without its host, user and query.
fn url(chunk: &str, at: usize) -> String {
    let begin = chunk[..at].rfind(|c: char| !c.is_ascii_alphanumeric()).map_or(0, |i| i + 1);
    let (before, scheme, rest) = (&chunk[..begin], &chunk[begin..at], &chunk[at + 3..]);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if scheme == "force" || authority.contains('@') {
        return format!("{before}{SECRET}");
    }
    let host = if is_loopback(authority) { authority } else { HOST };
    let path_end = path.find(['?', '#']).unwrap_or(path.len());
    let query = if path_end < path.len() { "?…" } else { "" };
    let path = pieces(&path[..path_end], |c| c == '/', word);
    format!("{before}{scheme}://{host}{path}{query}")
}

fn word(word: &str) -> String {
    let core = word.trim_matches(['.', ':', '!']);
    if is_user(core) {
        return word.replace(core, USER);
    }
    if is_secret(core) {
        return word.replace(core, SECRET);
    }
    if is_host(core) {
        return word.replace(core, HOST);
    }
    word.to_owned()
}

fn is_user(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty())
}

/// An access token (`00D…!…`), or anything long and mixed that is not an ID, a path or a name in code.
fn is_secret(text: &str) -> bool {
    if text.starts_with("00D") && text.contains('!') {
        return true;
    }
    let is_token = |c: char| c.is_ascii_alphanumeric() || "-._~+/!%".contains(c);
    text.len() >= TOKEN
        && text.chars().all(is_token)
        && text.contains(|c: char| c.is_ascii_digit())
        && text.contains(|c: char| c.is_ascii_alphabetic())
        && !text.starts_with(['/', '.', '~'])
        && uuid_digits(text) != Some(32)
        && !is_time(text)
}

/// How many hexadecimal digits there are in a text that is written like a UUID.
fn uuid_digits(text: &str) -> Option<usize> {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    (groups == [8, 4, 4, 4, 12]).then(|| text.chars().filter(char::is_ascii_hexdigit).count())
}

/// `2026-02-27T14:30:00.000000Z`, whose colons are none of a token's.
fn is_time(text: &str) -> bool {
    text.as_bytes().get(10) == Some(&b'T') && text.ends_with('Z')
}

/// A name of three labels or more, a name under a well-known ending, or an address that is not this machine's.
fn is_host(text: &str) -> bool {
    let name =
        text.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(text, |(name, _)| name);
    if let Ok(ip) = name.parse::<IpAddr>() {
        return !ip.is_loopback();
    }
    let labels: Vec<&str> = name.split('.').collect();
    let is_label =
        |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let last = labels.last().copied().unwrap_or_default();
    labels.len() >= 2
        && labels.iter().all(is_label)
        && last.len() >= 2
        && last.chars().all(|c| c.is_ascii_alphabetic())
        && (labels.len() >= 3
            || ["com", "net", "org", "io", "de", "local", "lan", "internal", "example"].contains(&last))
}

fn is_loopback(authority: &str) -> bool {
    let name = authority
        .rsplit_once(':')
        .filter(|(_, port)| port.parse::<u16>().is_ok())
        .map_or(authority, |(n, _)| n);
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Names that are known to be private, wherever they stand.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Each with what stands in its place; the longest first.
    names: Vec<(String, &'static str)>,
}

impl Known {
    /// These names: of people, of orgs, of hosts.
    pub(crate) fn new(names: impl IntoIterator<Item = String>) -> Self {
        let mut known = Self::default();
        for name in names {
            known.add(name, NAME);
        }
        known
    }

    /// And this one, with something of its own in its place.
    pub(crate) fn add(&mut self, name: String, instead: &'static str) {
        if name.len() >= SHORTEST {
            self.names.push((name, instead));
            self.names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        }
    }

    /// And the names of this machine and its user.
    pub(crate) fn add_this_machines(&mut self) {
        for (variable, instead) in PRIVATE_VARIABLES {
            if let Ok(value) = std::env::var(variable) {
                self.add(value, instead);
            }
        }
        if let Ok(host) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
            self.add(host.trim().to_owned(), "[this machine]");
        }
    }

    /// A text without them, whatever their case.
    pub(crate) fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, instead) in &self.names {
            // Of one length with the text, so that places in one are places in the other.
            let (lower, name) = (text.to_ascii_lowercase(), name.to_ascii_lowercase());
            let mut out = String::with_capacity(text.len());
            let mut from = 0;
            for (at, _) in lower.match_indices(&name) {
                let end = at + name.len();
                let is_part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                if is_part(text[..at].chars().next_back()) || is_part(text[end..].chars().next()) {
                    continue;
                }
                out.push_str(&text[from..at]);
                out.push_str(instead);
                from = end;
            }
            out.push_str(&text[from..]);
            text = out;
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("INFO sync_monitor_engine::worker: the org's health changed health=\"connected\"")]
    #[case::ids("item=0198c8a2-7c11-7abc-8def-0123456789ab org=00D5g000004Xy9AEAS transaction=txn_00017")]
    #[case::time("2026-02-27T14:30:00.000123Z  WARN")]
    #[case::our_url("ready url=\"http://127.0.0.1:7437\"")]
    #[case::our_files(
        "config.toml, line 4: sync-monitor.db api.json src-tauri/crates/engine/src/worker.rs:273:9"
    )]
    #[case::version("version 0.1.0 schema 4 code=Some(\"UNABLE_TO_LOCK_ROW\")")]
    #[case::umlauts("Größe „x“ … →")]
    fn what_a_line_says_stays(#[case] text: &str) {
        assert_eq!(line(text), text);
    }

    #[rstest]
    #[case::access_token("token 00D5g000004Xy9A!AQEAQ.abc_DEF", "token [secret]")]
    #[case::admin_token(
        "Bearer 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "Bearer [secret]"
    )]
    #[case::integration_token("\"smt_9f86d081884c7d659a2feaa0c55ad015\"", "\"[secret]\"")]
    #[case::refresh_token("refresh=5Aep861KIwKdekr90KlxVVUI47zdR6dX2bkl5CJkO9M", "refresh=[secret]")]
    #[case::a_code("code=aPrxSW5kZXg3abc%2Fdef%3D%3D&x=1", "code=[secret]&x=1")]
    #[case::auth_url("url=force://PlatformCLI::5Aep@acme.my.salesforce.com", "url=[secret]")]
    #[case::in_a_path(
        "https://acme.my.salesforce.com/open/9f86d081884c7d659a2feaa0",
        "https://[host]/open/[secret]"
    )]
    #[case::user("connected as Admin.One@acme.example.", "connected as [user].")]
    #[case::host("dns error for acme--uat.sandbox.my.salesforce.com:443: no", "dns error for [host]: no")]
    #[case::two_labels("no certificate for acme.com", "no certificate for [host]")]
    #[case::url(
        "error sending request for url (https://acme.my.salesforce.com/services/oauth2/token?sid=1)",
        "error sending request for url (https://[host]/services/oauth2/token?…)"
    )]
    #[case::credentials("https://user:word@acme.example/x", "[secret]")]
    #[case::address("connect to 192.168.7.9:443 failed", "connect to [host] failed")]
    fn what_is_private_does_not(#[case] text: &str, #[case] clean: &str) {
        assert_eq!(line(text), clean);
    }

    #[test]
    fn known_names_are_hidden_as_whole_words_whatever_their_case() {
        let mut known = Known::new(["Acme".to_owned(), "Acme UAT".to_owned(), "x".to_owned()]);
        known.add("/home/ann".to_owned(), "~");
        assert_eq!(
            known.hide("acme uat, ACME! acmeology /home/ann/data xÄacme"),
            "[name], [name]! acmeology ~/data xÄacme"
        );
    }
}
