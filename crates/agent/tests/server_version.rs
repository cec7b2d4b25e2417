//! Servers that are there, are not there, and are not servers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod server_support;

use holdfast_agent::server::{Version, VersionError};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn script(home: &TempDir, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = home.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn refused(path: &Path) -> VersionError {
    let error = Version::detect(path).expect_err("refused");
    assert!(
        !error.to_string().contains('\n') && error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );
    error
}

#[test]
fn the_installed_server_is_found_by_name_and_by_path() {
    let found = server_support::version();
    assert!(found.at_least(6, 2) && found.executable.is_absolute());
    assert_eq!(Version::detect(&found.executable).unwrap(), found);
}

#[test]
fn all_others_are_refused_in_one_line() {
    let home = TempDir::new().unwrap();
    assert!(matches!(
        refused(Path::new("no-such-server")),
        VersionError::Missing { .. }
    ));
    assert!(matches!(
        refused(&home.path().join("none")),
        VersionError::Missing { .. }
    ));
    let old = script(
        &home,
        "old",
        "#!/bin/sh\necho 'Redis server v=6.0.16 sha=0'\n",
        0o755,
    );
    assert!(matches!(refused(&old), VersionError::TooOld { .. }));
    let other = script(
        &home,
        "other",
        "#!/bin/sh\necho 'nginx version: 1.2'\n",
        0o755,
    );
    assert!(matches!(refused(&other), VersionError::Unrecognised { .. }));
    let plain = script(&home, "plain", "text", 0o644);
    assert!(matches!(
        refused(&plain),
        VersionError::NotExecutable { .. }
    ));
}
