//! A small API server on loopback: objects by path, resource versions, and ways to fail.

#![allow(clippy::unwrap_used, dead_code)]

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Well,
    /// Closes every connection.
    Down,
    /// Takes requests and never answers.
    Silent,
    /// Forbids everything.
    Forbidding,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) objects: BTreeMap<String, Value>,
    /// Every request: method and path.
    pub(crate) requests: Vec<(Method, String)>,
    pub(crate) mood: Mood,
    /// Knows only `v1beta1` of slices.
    pub(crate) old: bool,
    /// Before the next PUT, somebody else writes this to its path.
    pub(crate) race: Option<Value>,
    version: u64,
}

#[derive(Clone)]
pub(crate) struct FakeApi {
    pub(crate) address: std::net::SocketAddr,
    state: Arc<Mutex<State>>,
}

impl FakeApi {
    /// Starts one that knows the pods of a group.
    pub(crate) fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let fake = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        for name in ["r-node-0", "r-node-1"] {
            fake.state()
                .store(&format!("/api/v1/namespaces/ns/pods/{name}"), pod(name));
        }
        let serving = fake.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(serving.serve(listener));
        });
        fake
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Waits until `is` holds.
    pub(crate) fn until(&self, what: &str, is: impl Fn(&State) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !is(&self.state()) {
            assert!(Instant::now() < end, "{what}: {:#?}", self.state().requests);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    async fn serve(self, listener: std::net::TcpListener) {
        let listener = TcpListener::from_std(listener).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let fake = self.clone();
            let service = service_fn(move |request| fake.clone().answer(request));
            tokio::spawn(async move {
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    }

    async fn answer(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, std::io::Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let path = parts.uri.path().to_owned();
        let mood = self.state().mood;
        self.state()
            .requests
            .push((parts.method.clone(), path.clone()));
        let (code, value) = match mood {
            Mood::Down => return Err(std::io::Error::other("down")),
            Mood::Silent => std::future::pending().await,
            Mood::Forbidding => status(403, "no rights"),
            Mood::Well => self.state().handle(&parts.method, &path, body),
        };
        let answer = Response::builder()
            .status(code)
            .header("content-type", "application/json");
        Ok(answer.body(Full::new(value.to_string().into())).unwrap())
    }
}

impl State {
    pub(crate) fn store(&mut self, path: &str, mut value: Value) -> Value {
        self.version += 1;
        value["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(path.to_owned(), value.clone());
        value
    }

    /// Requests that change something.
    pub(crate) fn writes(&self) -> usize {
        self.requests
            .iter()
            .filter(|(method, _)| method != Method::GET)
            .count()
    }

    pub(crate) fn slice(&self) -> Option<&Value> {
        self.objects
            .iter()
            .find(|(path, _)| path.ends_with("/r-primary-holdfast"))
            .map(|(_, slice)| slice)
    }

    /// Where the primary Service leads.
    pub(crate) fn primary(&self) -> Option<&str> {
        self.slice()?["endpoints"][0]["addresses"][0].as_str()
    }

    pub(crate) fn label(&self, pod: &str) -> Option<&str> {
        self.objects[&format!("/api/v1/namespaces/ns/pods/{pod}")]["metadata"]["labels"]["holdfast.dev/role"].as_str()
    }

    pub(crate) fn events(&self) -> Vec<&Value> {
        self.objects
            .iter()
            .filter(|(path, _)| path.contains("/events/"))
            .map(|(_, event)| event)
            .collect()
    }

    fn handle(&mut self, method: &Method, path: &str, body: Value) -> (u16, Value) {
        if path == "/apis/discovery.k8s.io" {
            let versions = if self.old {
                json!([{"version": "v1beta1"}])
            } else {
                json!([{"version": "v1beta1"}, {"version": "v1"}])
            };
            return (200, json!({"kind": "APIGroup", "versions": versions}));
        }
        let beta = path.contains("/v1beta1/");
        if path.starts_with("/apis/discovery.k8s.io/") && beta != self.old {
            return status(404, "the server could not find the requested resource");
        }
        match *method {
            Method::GET => self.get(path),
            Method::POST => self.post(path, body),
            Method::PUT => self.put(path, body),
            Method::PATCH => self.change(path, &body),
            _ => status(405, "not here"),
        }
    }

    fn get(&self, path: &str) -> (u16, Value) {
        self.objects
            .get(path)
            .map_or_else(|| status(404, "not found"), |object| (200, object.clone()))
    }

    fn post(&mut self, path: &str, body: Value) -> (u16, Value) {
        let name = body["metadata"]["name"].as_str().unwrap().to_owned();
        let path = format!("{path}/{name}");
        if self.objects.contains_key(&path) {
            return status(409, "already exists");
        }
        (201, self.store(&path, body))
    }

    fn put(&mut self, path: &str, body: Value) -> (u16, Value) {
        if let Some(raced) = self.race.take() {
            self.store(path, raced);
        }
        let Some(old) = self.objects.get(path) else {
            return status(404, "not found");
        };
        if body["metadata"]["resourceVersion"] != old["metadata"]["resourceVersion"] {
            return status(409, "the object has been modified");
        }
        (200, self.store(path, body))
    }

    fn change(&mut self, path: &str, merged: &Value) -> (u16, Value) {
        let Some(mut object) = self.objects.get(path).cloned() else {
            return status(404, "not found");
        };
        merge(&mut object, merged);
        (200, self.store(path, object))
    }
}

fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        object.clone_from(patch);
        return;
    };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    for (key, value) in fields {
        merge(&mut object[key], value);
    }
}

fn status(code: u16, message: &str) -> (u16, Value) {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code});
    (code, body)
}

fn pod(name: &str) -> Value {
    json!({
        "kind": "Pod",
        "metadata": {
            "name": name,
            "uid": format!("uid-of-{name}"),
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "r-node", "uid": "set", "controller": true, "blockOwnerDeletion": true}],
        },
        "spec": {"nodeName": "node0"},
    })
}
