//! Certificates for releases that speak TLS.

use crate::command;
use crate::release::Release;
use crate::stage::Stage;
use crate::wait::seconds;
use anyhow::Context as _;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A release that speaks TLS, with these values besides; the Secret must be there.
pub(super) fn encrypted(stage: &Stage, values: &[&str]) -> anyhow::Result<Release> {
    let tls = [
        "tls.enabled=true",
        "tls.existingSecret=e2e-tls",
        "useHostnames=false",
        "slaveReplicaCount=2",
    ];
    let mut release = stage.release("encrypted", &[&tls, values].concat());
    release.access.tls = true;
    release.install()?;
    release.whole(seconds(60))?;
    Ok(release)
}

/// A certificate authority of this run alone, in a folder of its own.
pub(super) struct Authority {
    folder: PathBuf,
}

impl Authority {
    pub(super) fn found() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("e2e-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        // With extensions: certificates of the first version of X.509 are refused.
        std::fs::write(folder.join("extensions"), "subjectAltName=DNS:e2e\n")?;
        let authority = Self { folder };
        authority.openssl(
            "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=e2e -days 2",
        )?;
        Ok(authority)
    }

    /// A new key and certificate for all pods, put into the Secret. Returns the certificate.
    pub(super) fn issue(&self, stage: &Stage, name: &str) -> anyhow::Result<String> {
        self.openssl(&format!(
            "req -newkey rsa:2048 -nodes -keyout tls.key -out tls.csr -subj /CN={name}"
        ))?;
        self.openssl(
            "x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile extensions -out tls.crt -days 1",
        )?;
        let read = |file: &str| {
            std::fs::read_to_string(self.folder.join(file))
                .with_context(|| format!("reading {file}"))
        };
        let data = json!({"tls.crt": read("tls.crt")?, "tls.key": read("tls.key")?, "ca.crt": read("ca.crt")?});
        stage.kubectl.apply(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "e2e-tls"}, "stringData": data}))?;
        read("tls.crt")
    }

    fn openssl(&self, words: &str) -> anyhow::Result<()> {
        let mut openssl = Command::new("openssl");
        openssl
            .args(words.split_whitespace())
            .current_dir(&self.folder as &Path);
        command::run(&openssl, seconds(20), None).map(|_| ())
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
