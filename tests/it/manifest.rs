//! What Cargo.toml promises.

use std::process::Command;

use serde_json::Value;

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version=1",
            "--all-features",
            "--locked",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// `1.85` as `[1, 85, 0]`; a package that declares nothing asks for nothing.
fn version(package: &Value) -> Vec<u32> {
    let text = package["rust_version"].as_str().unwrap_or("0");
    let mut parts: Vec<u32> = text.split('.').map(|part| part.parse().unwrap()).collect();
    parts.resize(3, 0);
    parts
}

#[test]
fn the_rust_version_is_the_highest_that_a_dependency_declares() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let (own, others): (Vec<_>, Vec<_>) = packages
        .iter()
        .partition(|package| package["name"] == "tower-audit");
    let highest = others
        .into_iter()
        .max_by_key(|package| version(package))
        .unwrap();
    assert_eq!(version(own[0]), version(highest), "{}", highest["name"]);
}
