//! A sheet of metrics, written anew for every answer: nothing of a node or a group that is gone stays on it.

use crate::process;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use std::borrow::Cow;
use std::sync::atomic::AtomicU64;

/// What every name of ours begins with.
const PREFIX: &str = "holdfast";

type Number = Gauge<f64, AtomicU64>;
type Sum = Counter<f64, AtomicU64>;
type Labels = Vec<(&'static str, String)>;

/// Durations that happened, in seconds, counted by size. Kept by the role; cloning shares it.
#[derive(Clone, Debug)]
pub struct Seconds(Histogram);

impl Default for Seconds {
    /// From handoffs of some milliseconds to failovers that took far too long.
    fn default() -> Self {
        Self(Histogram::new([
            0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 2.0, 5.0, 15.0, 60.0,
        ]))
    }
}

impl Seconds {
    /// Counts one of so many milliseconds.
    pub fn note_ms(&self, ms: u64) {
        self.0.observe(ms as f64 / 1000.0);
    }
}

/// The sheet.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    labels: Vec<(Cow<'static, str>, Cow<'static, str>)>,
}

impl Default for Metrics {
    /// With what is told of every process.
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            labels: Vec::new(),
        };
        process::write(&mut metrics);
        metrics.gauges(
            "build_info",
            "Always 1; the version of the binary",
            [(vec![("version", env!("CARGO_PKG_VERSION").to_owned())], 1.0)],
        );
        metrics
    }
}

impl Metrics {
    /// A label for every metric that follows.
    pub fn label(&mut self, name: &'static str, value: &str) {
        self.labels.push((name.into(), value.to_owned().into()));
    }

    /// A number that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl Into<f64>) {
        let metric = Number::default();
        metric.set(value.into());
        self.add(name, help, metric);
    }

    /// Such a number for each of several things.
    pub fn gauges(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels, f64)>,
    ) {
        let family = Family::<Labels, Number>::default();
        for (labels, value) in values {
            family.get_or_create(&labels).set(value);
        }
        self.add(name, help, family);
    }

    /// How often something happened since the process started; `_total` is added to the name.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        let metric = Counter::<u64>::default();
        metric.inc_by(value);
        self.add(name, help, metric);
    }

    /// The same for each of several things.
    pub fn counters(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels, u64)>,
    ) {
        let family = Family::<Labels, Counter>::default();
        for (labels, value) in values {
            family.get_or_create(&labels).inc_by(value);
        }
        self.add(name, help, family);
    }

    /// Which of `states` something is in: 1 for that one, 0 for the others.
    pub fn state(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        is: &str,
        states: &[&str],
    ) {
        let value = |state: &str| (vec![(label, state.to_owned())], f64::from(state == is));
        self.gauges(name, help, states.iter().map(|state| value(state)));
    }

    /// Durations by size.
    pub fn seconds(&mut self, name: &str, help: &str, durations: &Seconds) {
        self.add(name, help, durations.0.clone());
    }

    pub(crate) fn plain_gauge(&mut self, name: &str, help: &str, value: f64) {
        let metric = Number::default();
        metric.set(value);
        self.registry.register(name, help, metric);
    }

    pub(crate) fn plain_counter(&mut self, name: &str, help: &str, value: f64) {
        let metric = Sum::default();
        metric.inc_by(value);
        self.registry.register(name, help, metric);
    }

    /// The sheet as text, in the `OpenMetrics` format.
    pub fn into_text(self) -> String {
        let mut text = String::with_capacity(8 << 10);
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    fn add(&mut self, name: &str, help: &str, metric: impl Metric) {
        let ours = self.registry.sub_registry_with_prefix(PREFIX);
        ours.sub_registry_with_labels(self.labels.iter().cloned())
            .register(name, help, metric);
    }
}
