//! Telling the role: the pod's label, and the primary's endpoint.

use crate::api::{Api, Failure};
use crate::news::{Role, Shown};
use crate::pod::OwnPod;
use crate::slice::{Endpoint, Verdict};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// A replica that is cut off follows again in a moment: that is not worth two writes. A primary is told at once.
const SETTLE: Duration = Duration::from_millis(300);

/// Pace at which it is seen to that what was told still stands. Reads only, if it does.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Pause after a failure, doubling.
const AGAIN: Duration = Duration::from_millis(100);
const AGAIN_MAX: Duration = Duration::from_secs(5);

/// A later reign found in the slice stands against this node's own word for so many looks, a pause apart. Whoever
/// holds its lease all that time is primary: the register that knew of the other reign was lost.
const LATER_LOOKS: u32 = 8;

/// Tells for ever what is wanted, the newest first.
pub(crate) async fn tell(api: &Api, mut wanted: watch::Receiver<Option<Shown>>) {
    let mut teller = Teller::new(api);
    let mut again = AGAIN;
    while let Some(shown) = settled(&mut wanted).await {
        let told = tokio::select! {
            told = teller.tell(shown) => told,
            changed = wanted.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        let pause = match told {
            Ok(()) => {
                api.note_success();
                again = AGAIN;
                LOOK_AGAIN
            }
            Err(failure) => {
                api.note_failure(&failure);
                teller.forget();
                let pause = again;
                again = (again * 2).min(AGAIN_MAX);
                pause
            }
        };
        tokio::select! {
            () = sleep(pause) => teller.forget(),
            changed = wanted.changed() => match changed {
                Ok(()) => again = AGAIN,
                Err(_) => return,
            },
        }
    }
}

/// What is wanted now, once there is something. Nothing when nobody wants anything any more.
async fn settled(wanted: &mut watch::Receiver<Option<Shown>>) -> Option<Shown> {
    wanted.wait_for(Option::is_some).await.ok()?;
    let until = Instant::now() + SETTLE;
    loop {
        let shown = *wanted.borrow_and_update();
        if shown.is_some_and(|shown| shown.role == Role::Primary) {
            return shown;
        }
        tokio::select! {
            () = sleep_until(until) => return shown,
            changed = wanted.changed() => changed.ok()?,
        }
    }
}

struct Teller<'a> {
    api: &'a Api,
    pod: Option<OwnPod>,
    /// What was told before the last look: looking again is for what was told.
    told: Option<Shown>,
    /// The version of the API that slices have here.
    version: Option<String>,
    /// How often a later reign was found, and which.
    later: Option<(Shown, u64, u32)>,
}

impl<'a> Teller<'a> {
    fn new(api: &'a Api) -> Self {
        Self {
            api,
            pod: None,
            told: None,
            version: None,
            later: None,
        }
    }

    /// What is known of Kubernetes may not be so any more.
    fn forget(&mut self) {
        self.pod = None;
        self.version = None;
        self.told = None;
    }

    async fn tell(&mut self, shown: Shown) -> Result<(), Failure> {
        if self.told == Some(shown) {
            return Ok(());
        }
        let mut pod = match self.pod.take() {
            Some(pod) => pod,
            None => OwnPod::look(self.api).await?,
        };
        // Known before it is needed: a new primary should not have to ask.
        let version = self.version().await?;
        if let (Role::Primary, Some(version)) = (shown.role, version) {
            self.show_primary(&pod, &version, shown).await?;
        }
        pod.show(self.api, shown.role).await?;
        self.pod = Some(pod);
        self.told = Some(shown);
        Ok(())
    }

    async fn show_primary(
        &mut self,
        pod: &OwnPod,
        version: &str,
        shown: Shown,
    ) -> Result<(), Failure> {
        let place = &self.api.place;
        let Some(service) = place.primary_service.as_deref() else {
            return Ok(());
        };
        let endpoint = Endpoint {
            place,
            service,
            version,
            pod,
            epoch: shown.epoch,
        };
        let all = format!(
            "/apis/discovery.k8s.io/{version}/namespaces/{}/endpointslices",
            place.namespace
        );
        let one = format!("{all}/{}", endpoint.name());
        let found = match self.api.get(&one).await {
            Ok(found) => Some(found),
            Err(Failure::NotFound(_)) => None,
            Err(failure) => return Err(failure),
        };
        match endpoint.judge(found.as_ref(), self.insists(shown)) {
            Verdict::Right => {}
            Verdict::Create(body) => {
                self.api.create(&all, &body).await?;
            }
            Verdict::Replace(body) => {
                self.api.replace(&one, &body).await?;
            }
            Verdict::Later(epoch) => return Err(self.note_later(shown, epoch)),
        }
        self.later = None;
        Ok(())
    }

    /// Whether a later reign was found often enough, and nothing else ever since.
    fn insists(&self, shown: Shown) -> bool {
        self.later
            .is_some_and(|(of, _, looks)| of == shown && looks >= LATER_LOOKS)
    }

    fn note_later(&mut self, shown: Shown, epoch: u64) -> Failure {
        let before = self
            .later
            .filter(|(of, known, _)| (*of, *known) == (shown, epoch));
        self.later = Some((shown, epoch, before.map_or(0, |(_, _, looks)| looks) + 1));
        Failure::Later(format!(
            "the primary Service shows epoch {epoch}, this node rules epoch {}",
            shown.epoch
        ))
    }

    /// The newest version of slices that this cluster has; nothing where no Service is to be told.
    async fn version(&mut self) -> Result<Option<String>, Failure> {
        if self.api.place.primary_service.is_none() {
            return Ok(None);
        }
        if self.version.is_none() {
            let group = self.api.get("/apis/discovery.k8s.io").await?;
            let versions = group["versions"].as_array().into_iter().flatten();
            let stable = versions
                .filter_map(|version| version["version"].as_str())
                .any(|version| version == "v1");
            self.version = Some(if stable { "v1" } else { "v1beta1" }.to_owned());
        }
        Ok(self.version.clone())
    }
}
