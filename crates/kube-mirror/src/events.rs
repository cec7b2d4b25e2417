//! Telling news: one event each.

use crate::api::{Api, Failure};
use crate::mirror::Place;
use crate::news::News;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// Who tells, as people filter for it.
const TELLER: &str = "holdfast";

/// Kubernetes takes no longer text.
const TEXT_MAX: usize = 1024;

/// Pause after a failure, doubling.
const AGAIN: Duration = Duration::from_millis(500);
const AGAIN_MAX: Duration = Duration::from_secs(15);

/// News older than this are not worth an event any more.
const AGE_MAX_S: i64 = 600;

/// Events are not told faster than this in the long run; a group that cannot settle must not flood the API server.
const PACE: Duration = Duration::from_secs(5);

/// So many may be told at once before the pace holds.
const BURST: u32 = 20;

/// Tells for ever.
pub(crate) async fn tell(api: &Api, mut waiting: mpsc::Receiver<News>) {
    let mut budget = Budget::new();
    while let Some(news) = waiting.recv().await {
        budget.take().await;
        tell_one(api, &news).await;
    }
}

async fn tell_one(api: &Api, news: &News) {
    let path = format!("/api/v1/namespaces/{}/events", api.place.namespace);
    let body = body(&api.place, news);
    let mut again = AGAIN;
    while Timestamp::now().as_second() - news.at.as_second() < AGE_MAX_S {
        match api.create(&path, &body).await {
            // Another sentinel has told the same.
            Ok(_) | Err(Failure::Conflict(_)) => return api.note_success(),
            Err(failure @ (Failure::Refused(_) | Failure::NotFound(_))) => {
                return api.note_failure(&failure);
            }
            Err(failure) => api.note_failure(&failure),
        }
        sleep(again).await;
        again = (again * 2).min(AGAIN_MAX);
    }
}

fn body(place: &Place, news: &News) -> Value {
    let pod = news.pod.as_deref().unwrap_or(&place.pod);
    let at = news.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut about =
        json!({"apiVersion": "v1", "kind": "Pod", "namespace": place.namespace, "name": pod});
    if pod == place.pod && !place.uid.is_empty() {
        about["uid"] = json!(place.uid);
    }
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": place.namespace, "name": name(pod, news)},
        "involvedObject": about,
        "type": if news.warning { "Warning" } else { "Normal" },
        "reason": news.reason,
        "message": shortened(&news.text),
        "source": {"component": TELLER, "host": place.pod},
        "reportingComponent": TELLER,
        "reportingInstance": place.pod,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    })
}

/// The same for the same news, whoever tells them: the second one is refused by Kubernetes.
fn name(pod: &str, news: &News) -> String {
    let mut hasher = DefaultHasher::new();
    (pod, news.reason, &news.key).hash(&mut hasher);
    format!("{pod}.{:016x}", hasher.finish())
}

fn shortened(text: &str) -> String {
    if text.len() <= TEXT_MAX {
        return text.to_owned();
    }
    let room = TEXT_MAX - '…'.len_utf8();
    let starts = text.char_indices().map(|(at, _)| at);
    let end = starts.take_while(|at| *at <= room).last().unwrap_or(0);
    format!("{}…", &text[..end])
}

/// How many events may be told now.
struct Budget {
    left: u32,
    filled: tokio::time::Instant,
}

impl Budget {
    fn new() -> Self {
        Self {
            left: BURST,
            filled: tokio::time::Instant::now(),
        }
    }

    /// Takes one, waiting for it if need be.
    async fn take(&mut self) {
        loop {
            let earned = (self.filled.elapsed().as_secs() / PACE.as_secs()) as u32;
            if earned > 0 {
                self.left = (self.left + earned).min(BURST);
                self.filled += PACE * earned;
            }
            if self.left > 0 {
                self.left -= 1;
                return;
            }
            sleep(PACE).await;
        }
    }
}
