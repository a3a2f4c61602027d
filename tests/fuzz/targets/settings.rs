//! The file of settings, as somebody writes it, and as the program changes it.

#![no_main]

use std::collections::BTreeMap;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sync_monitor_runtime::config::{Config, Error, File, Sources};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let sources = Sources {
        defaults: Config::default(),
        file: File::find(Some(Path::new("config.toml")), None).expect("it was named"),
        environment: Box::new(|_| None),
        flags: Vec::new(),
    };
    let config = match sources.read(text) {
        Ok(config) => config,
        Err(error) => return told(text, &error),
    };
    let before = Sources::values(&config);
    let defaults = Sources::values(&sources.defaults);
    // Another setting with each text; over a run all of them come.
    let names: Vec<_> = before.keys().copied().collect();
    let name = names[data.iter().map(|byte| usize::from(*byte)).sum::<usize>() % names.len()];
    let change = |text: &str, value: &Value| {
        let changed = sources.edited(text, &BTreeMap::from([(name.to_owned(), value.clone())]));
        changed.expect("a value that it can have is written")
    };
    let values = |text: &str| Sources::values(&sources.read(text).expect("what was written is read"));

    let same = change(text, &before[name]);
    assert_eq!(values(&same), before, "{name}: a value that it has");
    let unset = change(&same, &Value::Null);
    let mut expected = before.clone();
    expected.insert(name, defaults[name].clone());
    assert_eq!(values(&unset), expected, "{name}: taken out, and nothing else");
    let set = change(&unset, &before[name]);
    assert_eq!(values(&set), before, "{name}: put in again, and nothing else");
});

/// A mistake is told with a line that is there.
fn told(text: &str, error: &Error) {
    let said = error.to_string();
    let line: usize = said
        .split_once("line ")
        .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
        .expect("a mistake has a line");
    assert!((1..=text.matches('\n').count() + 1).contains(&line), "{said}");
}
