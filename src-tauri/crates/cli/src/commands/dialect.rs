//! What an org speaks, and how far it was read, in words.

use serde::Deserialize;

use super::org::Org;
use crate::output::{Cell, has_passed, time};

/// What an org was found to be.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Adapter {
    dialect: String,
    namespace: Option<String>,
    package_version: Option<String>,
    warnings: Vec<String>,
}

/// How the reading of an org stands.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pull {
    enabled: bool,
    pulled_at: Option<String>,
    next_pull_at: Option<String>,
    detail: Option<String>,
}

impl Adapter {
    /// In a word or two; the package's version and namespace where it has them.
    fn short(&self) -> String {
        if !self.is_read() {
            return "documented".to_owned();
        }
        let version = self.package_version.as_deref();
        let namespace = self.namespace.as_deref().filter(|namespace| !namespace.is_empty());
        ["package", version.unwrap_or_default(), namespace.unwrap_or_default()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn is_read(&self) -> bool {
        self.dialect == "packageV1"
    }

    fn long(&self) -> String {
        let Some(namespace) = &self.namespace else {
            return "the documented API; it has no Delivery Hub that the signed-in user may see".to_owned();
        };
        let what = if self.is_read() { "its package's own protocol" } else { "the documented API" };
        let version = self.package_version.as_deref().map_or_else(
            || "the package's version may not be seen".to_owned(),
            |version| format!("Delivery Hub {version}"),
        );
        let namespace =
            if namespace.is_empty() { "no namespace".to_owned() } else { format!("namespace {namespace}") };
        format!("{what}; {version}, {namespace}")
    }
}

impl Pull {
    /// When it is read next, in words.
    fn next(&self) -> String {
        match &self.next_pull_at {
            _ if !self.enabled => "off".to_owned(),
            Some(at) if has_passed(at) => "now".to_owned(),
            at => time(at.as_deref()),
        }
    }

    fn long(&self) -> String {
        let last = self.pulled_at.as_deref();
        let last = last.map_or_else(|| "not yet".to_owned(), |at| format!("last {}", time(Some(at))));
        let next = match self.next().as_str() {
            "off" => "reading is switched off".to_owned(),
            "-" => "next when an enabled route starts here and the org can be asked".to_owned(),
            next => format!("next {next}"),
        };
        format!("{last}; {next}")
    }
}

/// The columns of a list of orgs that say what they speak and when they were read, as far as there is anything to say.
pub(super) fn columns(orgs: &[Org]) -> (Vec<&'static str>, impl Fn(&Org) -> Vec<Cell>) {
    let has_package = orgs.iter().any(|org| org.adapter.as_ref().is_some_and(Adapter::is_read));
    let names = if has_package { vec!["SPEAKS", "LAST READ", "NEXT READ"] } else { Vec::new() };
    let cells = move |org: &Org| {
        if !has_package {
            return Vec::new();
        }
        let speaks = org.adapter.as_ref().map_or_else(|| "-".to_owned(), Adapter::short);
        let pull = org.pull.as_ref();
        let last = time(pull.and_then(|pull| pull.pulled_at.as_deref()));
        vec![speaks.into(), last.into(), pull.map_or_else(|| "-".to_owned(), Pull::next).into()]
    };
    (names, cells)
}

/// The same of one org, a row a fact.
pub(super) fn facts(org: &Org) -> Vec<Vec<Cell>> {
    let mut facts: Vec<Vec<Cell>> = Vec::new();
    let mut fact = |name: &str, what: String| facts.push(vec![name.into(), what.into()]);
    if let Some(adapter) = &org.adapter {
        fact("Speaks", adapter.long());
    }
    if let Some(pull) = &org.pull {
        fact("Read", pull.long());
        if let Some(why) = &pull.detail {
            fact("", why.clone());
        }
    }
    for warning in org.adapter.iter().flat_map(|adapter| &adapter.warnings) {
        fact("Note", warning.clone());
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn adapter(dialect: &str, namespace: Value, version: Value) -> Adapter {
        let found =
            json!({ "dialect": dialect, "namespace": namespace, "packageVersion": version, "warnings": [] });
        serde_json::from_value(found).unwrap()
    }

    #[rstest]
    #[case::managed("packageV1", json!("delivery"), json!("1.42.0.3"), "package 1.42.0.3 delivery")]
    #[case::scratch("packageV1", json!(""), json!(null), "package")]
    #[case::documented("deliverySync", json!("delivery"), json!("1.42.0.3"), "documented")]
    #[case::neither("deliverySync", json!(null), json!(null), "documented")]
    fn what_an_org_speaks_fits_into_a_column(
        #[case] dialect: &str,
        #[case] namespace: Value,
        #[case] version: Value,
        #[case] words: &str,
    ) {
        assert_eq!(adapter(dialect, namespace, version).short(), words);
    }

    #[rstest]
    #[case::off(json!({ "enabled": false, "nextPullAt": "2020-01-01T00:00:00.000Z" }), "not yet; reading is switched off")]
    #[case::due(json!({ "enabled": true, "nextPullAt": "2020-01-01T00:00:00.000Z" }), "not yet; next now")]
    #[case::nothing_due(json!({ "enabled": true }), "not yet; next when an enabled route")]
    fn when_an_org_is_read_is_said_in_words(#[case] pull: Value, #[case] words: &str) {
        let pull: Pull = serde_json::from_value(pull).unwrap();
        assert!(pull.long().starts_with(words), "{}", pull.long());
    }
}
