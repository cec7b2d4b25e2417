//! Certificates renewed in their Secret: no restart, and nothing is lost.

use super::{Loss, Promise};
use crate::command;
use crate::outcome::Outcome;
use crate::release::Release;
use crate::stage::Stage;
use crate::wait::{self, seconds};
use crate::writer::Writer;
use anyhow::{Context as _, ensure};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(super) const PROMISE: Promise = Promise {
    name: "rotate-certificates",
    text: "certificates renewed in their Secret → shown by every server and sentinel, no restart, nothing lost",
    deadline: None,
    loss: Loss::None,
    run,
};

fn run(stage: &Stage) -> anyhow::Result<Outcome> {
    stage.clear()?;
    let authority = Authority::found()?;
    authority.issue(stage, "first")?;
    let mut release = stage.release(
        "encrypted",
        &[
            "tls.enabled=true",
            "tls.existingSecret=e2e-tls",
            "useHostnames=false",
            "slaveReplicaCount=2",
        ],
    );
    release.access.tls = true;
    release.install()?;
    release.whole(seconds(60))?;
    let before = release.pods("")?;
    let writer = Writer::start(&release)?;
    let second = authority.issue(stage, "second")?;
    release.hasten()?;
    let took = wait::until(
        "the new certificate is shown everywhere",
        seconds(100),
        || shown_everywhere(&release, &second),
    )?;
    release.whole(seconds(20))?;
    release.not_restarted(&before)?;
    let tally = writer.finish(&release)?;
    Ok(Outcome::counted(took, &tally))
}

fn shown_everywhere(release: &Release, certificate: &str) -> anyhow::Result<()> {
    for (component, port) in [("node", 6379), ("sentinel", 26379)] {
        for pod in release.pods(component)? {
            let mut client = Command::new("openssl");
            client.args(["s_client", "-connect", &format!("{}:{port}", pod.ip)]);
            let said = command::run(&client, seconds(5), Some(""))?;
            ensure!(
                said.contains(certificate.trim()),
                "{} shows another certificate",
                pod.name
            );
        }
    }
    Ok(())
}

/// A certificate authority of this run alone, in a folder of its own.
struct Authority {
    folder: PathBuf,
}

impl Authority {
    fn found() -> anyhow::Result<Self> {
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
    fn issue(&self, stage: &Stage, name: &str) -> anyhow::Result<String> {
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
