//! Checks `tauri.conf.json` and the capabilities, and makes from them what the window may do.

use tauri_build::{AppManifest, Attributes};

fn main() -> anyhow::Result<()> {
    // Tauri does not watch folders that it was told of; without these lines a broken permission still builds.
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=src-tauri/permissions");
    tauri_build::try_build(
        Attributes::new()
            .capabilities_path_pattern("./src-tauri/capabilities/**/*")
            .app_manifest(AppManifest::new().permissions_path_pattern("./src-tauri/permissions/**/*")),
    )
}
