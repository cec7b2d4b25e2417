//! Changed files and options, brought to the running redis-server.

use crate::Options;
use crate::gate::Certificates;
use crate::server::{Configuration, Link, Renewal, StartError};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Pause before a change that the server could not take yet is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// Makes the configuration, and brings the server to it; again and again while the server does not answer. A
/// configuration that cannot be made is told once and left: the files have to change first.
pub(super) async fn renew(
    mut link: Link,
    renewal: Rc<Mutex<Renewal>>,
    configure: impl FnOnce() -> Result<Configuration, StartError> + Send + 'static,
) {
    // Reads files: not on the thread on which leases are kept.
    let wanted = match tokio::task::spawn_blocking(configure).await {
        Ok(Ok(wanted)) => wanted,
        Ok(Err(error)) => {
            return tracing::warn!("the changed configuration is not taken over: {error}");
        }
        Err(error) => return tracing::warn!("make the changed configuration: {error}"),
    };
    let mut told = false;
    loop {
        match renewal.lock().await.renew(&mut link, &wanted).await {
            Ok((changed, refused)) => return tell(&changed, &refused),
            Err(error) if !std::mem::replace(&mut told, true) => {
                tracing::warn!("change {error}; trying again");
            }
            Err(_) => {}
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Makes the gate's certificates anew. Files that do not fit each other are told and left: the rest of a change rings again.
pub(super) async fn renew_certificates(certificates: Certificates, options: Options) {
    // Reads files: not on the thread on which leases are kept.
    let read = move || certificates.renew(&options);
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!("the gate keeps its former certificates: {error}");
        }
        Err(error) => tracing::warn!("read the gate's certificates: {error}"),
    }
}

fn tell(changed: &[String], refused: &[String]) {
    if !changed.is_empty() {
        tracing::info!("changed while running: {}", changed.join(", "));
    }
    if !refused.is_empty() {
        tracing::warn!(
            "redis-server cannot change while it runs, so it counts from its next start on: {}",
            refused.join(", ")
        );
    }
}
