//! What `tauri.conf.json` says of the bundles for Windows and macOS, which cannot be made on the machines of the tests.

use std::path::Path;

use tauri::utils::config::{BundleType, Config};

/// As the bundler reads it: a member that it does not know is an error, as in the schema, which is made from the same types.
fn config() -> Config {
    serde_json::from_str(include_str!("../../tauri.conf.json")).unwrap()
}

#[test]
fn the_configuration_is_one_that_the_bundler_reads_and_a_mistake_in_it_is_none() {
    let targets = config().bundle.targets.to_vec();
    for wanted in [BundleType::Nsis, BundleType::Msi, BundleType::App, BundleType::Dmg] {
        assert!(targets.contains(&wanted), "{wanted}");
    }
    let text = include_str!("../../tauri.conf.json").replace("\"installMode\"", "\"installMood\"");
    assert!(serde_json::from_str::<Config>(&text).is_err());
}

#[test]
fn what_it_names_is_there() {
    let config = config();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = config.bundle.icon.iter().map(Path::new).chain(config.bundle.license_file.as_deref());
    for file in files {
        assert!(root.join(file).is_file(), "{}", file.display());
    }
    assert!(
        config.bundle.icon.iter().any(|icon| Path::new(icon).extension().is_some_and(|end| end == "ico"))
    );
}

#[test]
fn windows_takes_a_later_version_for_the_same_program() {
    // It would take one with another upgrade code for another program, and install both.
    let code = config().bundle.windows.wix.and_then(|wix| wix.upgrade_code).unwrap().to_string();
    assert_eq!(code, "5f0c7f43-6d0a-5a52-9f0a-0b4f2f0c6f3e");
}
