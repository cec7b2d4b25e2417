//! The few requests to the API server, each with an end.

use crate::mirror::{Place, Server};
use http::{Method, Request};
use kube::{Client, Config, Error};
use serde_json::Value;
use std::cell::RefCell;
use std::time::Duration;

/// A request that takes longer is given up.
const CALL_MAX: Duration = Duration::from_secs(3);

const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// Why a request did nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no such object, or no such API.
    #[error("not found: {0}")]
    NotFound(String),
    /// Somebody else wrote in between, or it exists already.
    #[error("somebody else was first: {0}")]
    Conflict(String),
    /// The API server does not want it.
    #[error("the API server refuses: {0}")]
    Refused(String),
    /// No answer.
    #[error("the API server does not answer: {0}")]
    Unreachable(String),
    /// This has to wait.
    #[error("{0}")]
    Later(String),
}

/// The API server, as one pod talks to it.
pub(crate) struct Api {
    pub(crate) place: Place,
    client: RefCell<Option<Client>>,
    /// The last failure that was logged, while it lasts.
    failing: RefCell<Option<String>>,
}

impl Api {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
            client: RefCell::new(None),
            failing: RefCell::new(None),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path, JSON, Vec::new()).await
    }

    pub(crate) async fn create(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let body = body.to_string().into_bytes();
        self.call(Method::POST, path, JSON, body).await
    }

    pub(crate) async fn replace(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let body = body.to_string().into_bytes();
        self.call(Method::PUT, path, JSON, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let body = body.to_string().into_bytes();
        self.call(Method::PATCH, path, MERGE_PATCH, body).await
    }

    /// Logs a failure once, however long it lasts and whoever meets it.
    pub(crate) fn note_failure(&self, failure: &Failure) {
        let kind = match failure {
            // Its words differ from one attempt to the next.
            Failure::Unreachable(_) => "unreachable".to_owned(),
            other => other.to_string(),
        };
        if self.failing.replace(Some(kind.clone())) != Some(kind) {
            tracing::warn!(
                "tell Kubernetes: {failure}; nothing else depends on it, and it is tried again"
            );
        }
    }

    pub(crate) fn note_success(&self) {
        if self.failing.take().is_some() {
            tracing::info!("Kubernetes has been told");
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: Vec<u8>,
    ) -> Result<Value, Failure> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::CONTENT_TYPE, kind)
            .body(body)
            .map_err(|error| Failure::Refused(error.to_string()))?;
        let client = self.client()?;
        match tokio::time::timeout(CALL_MAX, client.request(request)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.failure(error)),
            Err(_) => {
                self.forget_client();
                Err(Failure::Unreachable(format!("nothing within {CALL_MAX:?}")))
            }
        }
    }

    fn failure(&self, error: Error) -> Failure {
        match error {
            Error::Api(status) => match status.code {
                404 => Failure::NotFound(status.message),
                409 => Failure::Conflict(status.message),
                429 | 500.. => Failure::Unreachable(status.message),
                _ => Failure::Refused(status.message),
            },
            other => {
                self.forget_client();
                Failure::Unreachable(chain(&other))
            }
        }
    }

    /// A new one after every failure: the next attempt reads certificates and addresses anew.
    fn forget_client(&self) {
        self.client.replace(None);
    }

    fn client(&self) -> Result<Client, Failure> {
        if let Some(client) = self.client.borrow().as_ref() {
            return Ok(client.clone());
        }
        let fail = |error: &dyn std::error::Error| Failure::Unreachable(chain(error));
        let mut config = match &self.place.server {
            Server::InCluster => Config::incluster_env().map_err(|error| fail(&error))?,
            Server::At(uri) => Config::new(uri.clone()),
        };
        // What has to be tried again, and when, is decided here.
        config.default_retry = false;
        let client = Client::try_from(config).map_err(|error| fail(&error))?;
        self.client.replace(Some(client.clone()));
        Ok(client)
    }
}

/// An error with its causes, each told once: errors of a client of Kubernetes keep what matters in a cause.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = inner.source();
    }
    text
}
