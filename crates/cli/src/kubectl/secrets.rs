//! Passwords and certificates, read from the Secrets that the pods themselves mount.

use super::cluster::{Cluster, failure};
use crate::exit::Failure;
use crate::tls::Tls;
use k8s_openapi::api::core::v1::{KeyToPath, Pod, Volume};

/// The files, as pods see them.
const PASSWORD: &str = "redis-password";
const AUTHORITIES: &str = "ca.crt";
const CHAIN: &str = "tls.crt";
const KEY: &str = "tls.key";

/// The password that clients of this pod must give, if any.
pub(super) async fn password(cluster: &Cluster, pod: &Pod) -> Result<Option<String>, Failure> {
    let bytes = mounted(cluster, pod, PASSWORD).await?;
    let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(text.map(|text| text.lines().next().unwrap_or_default().to_owned()))
}

/// How TLS is spoken with this pod, if it is.
pub(super) async fn tls(cluster: &Cluster, pod: &Pod) -> Result<Option<Tls>, Failure> {
    let Some(authorities) = mounted(cluster, pod, AUTHORITIES).await? else {
        return Ok(None);
    };
    let chain = mounted(cluster, pod, CHAIN).await?;
    let key = mounted(cluster, pod, KEY).await?;
    let own = chain.as_deref().zip(key.as_deref());
    Tls::new(&authorities, own).map(Some).map_err(|error| {
        Failure::bad_input(format!(
            "the certificates of this release cannot be used: {error}"
        ))
    })
}

/// What a pod sees as `file`, if a Secret is mounted so.
async fn mounted(cluster: &Cluster, pod: &Pod, file: &str) -> Result<Option<Vec<u8>>, Failure> {
    let Some((name, key)) = place(pod, file) else {
        return Ok(None);
    };
    let secret = cluster.secrets().get(&name).await;
    let secret = secret.map_err(|error| {
        failure(
            &format!("read Secret {name}, which this release needs"),
            &error,
        )
    })?;
    let value = secret.data.and_then(|mut data| data.remove(&key));
    let value =
        value.ok_or_else(|| Failure::bad_input(format!("Secret {name} has no key {key}")))?;
    Ok(Some(value.0))
}

/// The Secret and the key in it that a pod mounts as `file`.
fn place(pod: &Pod, file: &str) -> Option<(String, String)> {
    let volumes = pod.spec.as_ref()?.volumes.iter().flatten();
    let key = |items: Option<&Vec<KeyToPath>>| {
        let item = items?.iter().find(|item| item.path == file)?;
        Some(item.key.clone())
    };
    volumes
        .flat_map(secrets)
        .find_map(|(name, items)| Some((name, key(items)?)))
}

fn secrets(volume: &Volume) -> Vec<(String, Option<&Vec<KeyToPath>>)> {
    let whole = volume
        .secret
        .iter()
        .filter_map(|secret| Some((secret.secret_name.clone()?, secret.items.as_ref())));
    let sources = volume
        .projected
        .iter()
        .flat_map(|projected| projected.sources.iter().flatten());
    let parts = sources
        .filter_map(|source| source.secret.as_ref())
        .map(|secret| (secret.name.clone(), secret.items.as_ref()));
    whole.chain(parts).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn files_are_found_in_either_kind_of_volume() {
        let pod: Pod = serde_json::from_value(json!({"spec": {"containers": [], "volumes": [
            {"name": "config", "configMap": {"name": "c"}},
            {"name": "auth", "projected": {"sources": [{"secret": {"name": "mine", "items": [{"key": "word", "path": "redis-password"}]}}]}},
            {"name": "tls", "secret": {"secretName": "certs", "items": [{"key": "authority", "path": "ca.crt"}]}},
        ]}})).unwrap();
        let found = |file| place(&pod, file).map(|(name, key)| format!("{name}/{key}"));
        assert_eq!(found(PASSWORD).as_deref(), Some("mine/word"));
        assert_eq!(found(AUTHORITIES).as_deref(), Some("certs/authority"));
        assert_eq!(found(KEY), None);
    }
}
