//! The cluster, as the kubeconfig says.

use super::WhichArgs;
use crate::exit::{Exit, Failure};
use holdfast_kube_mirror::chain;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use std::error::Error;

/// One namespace of one cluster.
pub(super) struct Cluster {
    client: Client,
    pub(super) namespace: String,
}

impl Cluster {
    /// Reads the kubeconfig; nothing is asked of the cluster yet.
    pub(super) async fn connect(which: &WhichArgs) -> Result<Self, Failure> {
        let config = config(which).await?;
        let namespace = which
            .namespace
            .clone()
            .unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|error| {
            Failure::bad_input(format!("cannot use the kubeconfig: {}", chain(&error)))
        })?;
        Ok(Self { client, namespace })
    }

    pub(super) fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(super) fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

async fn config(which: &WhichArgs) -> Result<Config, Failure> {
    let fail = |error: &dyn Error| {
        Failure::bad_input(format!(
            "no cluster to ask: {}; name a kubeconfig with --kubeconfig or KUBECONFIG, and a context with --context",
            chain(error)
        ))
    };
    let options = KubeConfigOptions {
        context: which.context.clone(),
        ..KubeConfigOptions::default()
    };
    let config = match &which.kubeconfig {
        Some(path) => {
            let file = Kubeconfig::read_from(path).map_err(|error| fail(&error))?;
            Config::from_custom_kubeconfig(file, &options).await
        }
        None => Config::from_kubeconfig(&options).await,
    };
    match config {
        Ok(config) => Ok(config),
        // In a pod there is none, and none is needed.
        Err(error) if which.kubeconfig.is_none() && which.context.is_none() => {
            Config::incluster_env().map_err(|_| fail(&error))
        }
        Err(error) => Err(fail(&error)),
    }
}

/// What a request that failed means for the exit code; `wish` is what could not be done.
pub(super) fn failure(wish: &str, error: &kube::Error) -> Failure {
    match error {
        kube::Error::Api(status) => {
            Failure::new(Exit::Failed, format!("cannot {wish}: {}", status.message))
        }
        error => Failure::new(
            Exit::Unreachable,
            format!(
                "cannot {wish}: the API server does not answer: {}",
                chain(error)
            ),
        ),
    }
}
