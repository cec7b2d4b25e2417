//! One request, one answer.

use crate::questions::Asking;
use crate::{Facts, Metrics};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use std::convert::Infallible;

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

type Answer = Response<Full<Bytes>>;

/// Answers a request; the body of a request is never read.
pub(crate) async fn answer<F: Facts>(
    request: Request<Incoming>,
    asking: Asking<F>,
) -> Result<Answer, Infallible> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        let allowed = HeaderValue::from_static("GET, HEAD");
        refused.headers_mut().insert(ALLOW, allowed);
        return Ok(refused);
    }
    Ok(match request.uri().path() {
        "/livez" => about(&asking, |_| text(StatusCode::OK, "ok\n")).await,
        "/readyz" => about(&asking, readiness).await,
        "/metrics" => about(&asking, metrics).await,
        _ => text(
            StatusCode::NOT_FOUND,
            "there is /livez, /readyz and /metrics\n",
        ),
    })
}

/// What `tell` makes of the facts. A role that gives none is not alive.
async fn about<F: Facts>(asking: &Asking<F>, tell: fn(&F) -> Answer) -> Answer {
    match asking.facts().await {
        Some(facts) => tell(&facts),
        None => text(
            StatusCode::SERVICE_UNAVAILABLE,
            "it does not answer: its loop stands still or is overloaded\n",
        ),
    }
}

fn readiness<F: Facts>(facts: &F) -> Answer {
    match facts.ready() {
        Ok(()) => text(StatusCode::OK, "ready\n"),
        Err(why) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}

fn metrics<F: Facts>(facts: &F) -> Answer {
    let mut metrics = Metrics::default();
    facts.write(&mut metrics);
    let mut answer = text(StatusCode::OK, metrics.into_text());
    answer.headers_mut().insert(CONTENT_TYPE, OPEN_METRICS);
    answer
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, PLAIN);
    answer
}
