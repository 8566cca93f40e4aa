//! A recorder that keeps what it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use ::metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata,
    SharedString, Unit,
};

#[derive(Default)]
pub(super) struct Recorder {
    told: Arc<Mutex<Told>>,
    described: Mutex<BTreeSet<String>>,
}

#[derive(Default)]
struct Told {
    values: BTreeMap<String, f64>,
    samples: BTreeMap<String, Vec<f64>>,
    labels: BTreeSet<(String, String)>,
    tellings: usize,
}

/// One metric, by its name and labels.
struct Handle {
    key: String,
    told: Arc<Mutex<Told>>,
}

impl Recorder {
    /// The last value of a metric, such as `audit_events_total{result=stored}`.
    #[track_caller]
    pub(super) fn value(&self, key: &str) -> f64 {
        let told = self.told.lock().unwrap();
        *told
            .values
            .get(key)
            .unwrap_or_else(|| panic!("{key} was never told"))
    }

    pub(super) fn samples(&self, key: &str) -> Vec<f64> {
        self.told.lock().unwrap().samples[key].clone()
    }

    /// How often the numbers were told.
    pub(super) fn tellings(&self) -> usize {
        self.told.lock().unwrap().tellings
    }

    pub(super) fn described(&self) -> BTreeSet<String> {
        self.described.lock().unwrap().clone()
    }

    /// Metrics with a label's value, each.
    pub(super) fn labels(&self) -> BTreeSet<(String, String)> {
        self.told.lock().unwrap().labels.clone()
    }

    fn handle(&self, key: &Key) -> Arc<Handle> {
        let mut told = self.told.lock().unwrap();
        let mut name = key.name().to_owned();
        for label in key.labels() {
            let metric = key.name().to_owned();
            told.labels.insert((metric, label.value().to_owned()));
            name.push_str(&format!("{{{}={}}}", label.key(), label.value()));
        }
        let told = Arc::clone(&self.told);
        Arc::new(Handle { key: name, told })
    }

    fn describe(&self, key: &KeyName, unit: Option<Unit>, description: &str) {
        assert!(
            unit.is_some() && description.ends_with('.'),
            "{}",
            key.as_str()
        );
        self.described
            .lock()
            .unwrap()
            .insert(key.as_str().to_owned());
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&key, unit, &description);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&key, unit, &description);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(&key, unit, &description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.handle(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.handle(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.handle(key))
    }
}

impl CounterFn for Handle {
    fn increment(&self, _: u64) {
        unreachable!("counters are told as they stand");
    }

    fn absolute(&self, value: u64) {
        let mut told = self.told.lock().unwrap();
        let before = told.values.insert(self.key.clone(), value as f64);
        assert!(before <= Some(value as f64), "{} only rises", self.key);
    }
}

impl GaugeFn for Handle {
    fn increment(&self, _: f64) {
        unreachable!("gauges are told as they stand");
    }

    fn decrement(&self, _: f64) {
        unreachable!("gauges are told as they stand");
    }

    fn set(&self, value: f64) {
        let mut told = self.told.lock().unwrap();
        told.tellings += usize::from(self.key == "audit_health");
        told.values.insert(self.key.clone(), value);
    }
}

impl HistogramFn for Handle {
    fn record(&self, value: f64) {
        let mut told = self.told.lock().unwrap();
        told.samples
            .entry(self.key.clone())
            .or_default()
            .push(value);
    }
}

/// One that panics whatever it is told.
pub(super) struct Panicking;

impl metrics::Recorder for Panicking {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("no descriptions");
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("no descriptions");
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {
        panic!("no descriptions");
    }

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        panic!("no counters");
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        panic!("no gauges");
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("no histograms");
    }
}
