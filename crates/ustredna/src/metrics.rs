//! What `/metrics` tells, in the text form of Prometheus (OpenMetrics). No label holds anything of
//! a person.

use std::sync::Arc;

use exchange::model::{Outcome, Service};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

use crate::{alarm::Alarm, health::Worker};

/// What the registry writes (OpenMetrics 1.0).
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Seconds from hang-up to proof.
const PROVED_WITHIN: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 600.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    service: &'static str,
    outcome: &'static str,
}

macro_rules! label {
    ($name:ident, $field:ident) => {
        #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
        struct $name {
            $field: &'static str,
        }
    };
}

label!(OfVerdict, verdict);
label!(OfOutcome, outcome);
label!(OfKind, kind);
label!(OfVersion, version);
label!(OfWorker, worker);

/// A figure that is not told while it is not known.
type Known = Family<Bare, Gauge>;
/// No labels.
type Bare = [(&'static str, &'static str); 0];

/// What has been counted since the start. Clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    calls: Family<Ended, Counter>,
    talks: Gauge,
    recordings: Family<OfVerdict, Counter>,
    broken: Counter,
    proved: Histogram,
    sms: Family<OfOutcome, Counter>,
    reports: Family<OfOutcome, Counter>,
    cdrs: Family<OfOutcome, Counter>,
    raised: Family<OfKind, Counter>,
    failed: Family<OfKind, Counter>,
    free: Known,
    used: Known,
    used_per_day: Known,
    days_left: Known,
    switch_up: Known,
    gateway_up: Known,
    sessions: Known,
    sms_due: Known,
    sms_oldest: Known,
    tickets_open: Known,
    damaged_rows: Gauge,
    kept: Gauge,
    kept_for: Gauge,
    cdrs_waiting: Gauge,
    succeeded: Family<OfWorker, Gauge>,
    failing: Family<OfWorker, Gauge>,
    restarts: Family<OfWorker, Counter>,
}

/// What is so at this moment, as far as it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moment {
    pub(crate) talks: usize,
    pub(crate) disk: DiskFigures,
    pub(crate) switch_up: Option<bool>,
    pub(crate) gateway_up: Option<bool>,
    /// FreeSWITCH's legs.
    pub(crate) sessions: Option<u64>,
    pub(crate) sms_due: Option<u64>,
    /// How long the oldest SMS that is due has been so; 0: none is.
    pub(crate) sms_oldest_seconds: Option<u64>,
    pub(crate) tickets_open: Option<u64>,
    /// Rows of the database that cannot be read.
    pub(crate) damaged_rows: usize,
    /// Ends of calls and the like that the database has not taken, and how long the oldest waits.
    pub(crate) kept: usize,
    pub(crate) kept_seconds: u64,
    /// How many seconds ago each worker succeeded last.
    pub(crate) succeeded: Vec<(&'static str, u64)>,
    pub(crate) failing: Vec<&'static str>,
}

/// The disk of the recordings, as far as it is known.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DiskFigures {
    pub(crate) free_bytes: Option<u64>,
    pub(crate) used_bytes: Option<u64>,
    pub(crate) used_per_day_bytes: Option<u64>,
    pub(crate) days_left: Option<u64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("ustredna");
        let calls = Family::default();
        registry.register("calls", "Calls that ended", calls.clone());
        let talks = Gauge::default();
        registry.register("talks", "Talks at the moment", talks.clone());
        let recordings = Family::default();
        registry.register("recordings", "Recordings by what they are worth", recordings.clone());
        let broken = Counter::default();
        let help = "Recordings that broke while the talk went on";
        registry.register("recordings_broken", help, broken.clone());
        let proved = Histogram::new(PROVED_WITHIN);
        let help = "From the hang-up to the recording's verdict in the store";
        registry.register_with_unit("proof_delay", help, Unit::Seconds, proved.clone());
        let mut outcomes = |name: &str, help: &str| {
            let counted = Family::<OfOutcome, Counter>::default();
            registry.register(name, help, counted.clone());
            counted
        };
        let sms = outcomes("sms", "What tries to hand over SMS came to");
        let reports = outcomes("sms_reports", "Delivery reports by what they were good for");
        let cdrs = outcomes("cdrs", "Call detail records by what was done with them");
        let raised = Family::default();
        registry.register("alarms", "Alarms raised", raised.clone());
        let failed = Family::default();
        registry.register("alarms_failed", "Alarms that could not be told", failed.clone());
        let [free, used, used_per_day, days_left] = [(); 4].map(|()| Known::default());
        let help = "Free room on the disk of the recordings";
        registry.register_with_unit("disk_free", help, Unit::Bytes, free.clone());
        let help = "What the recordings take";
        registry.register_with_unit("disk_used", help, Unit::Bytes, used.clone());
        let help = "What a day with calls takes, the mean of the latest fourteen";
        registry.register_with_unit("disk_used_per_day", help, Unit::Bytes, used_per_day.clone());
        let help = "Until the disk is full, if the next days are like the last ones";
        let unit = Unit::Other("days".to_owned());
        registry.register_with_unit("disk_left", help, unit, days_left.clone());
        let [switch_up, gateway_up, sessions] = [(); 3].map(|()| Known::default());
        let help = "Whether FreeSWITCH answers and is ready";
        registry.register("switch_up", help, switch_up.clone());
        let help = "Whether FreeSWITCH finds the carrier's gateway up";
        registry.register("gateway_up", help, gateway_up.clone());
        registry.register("switch_sessions", "FreeSWITCH's legs", sessions.clone());
        let [sms_due, sms_oldest, tickets_open] = [(); 3].map(|()| Known::default());
        registry.register("sms_due", "SMS that should have gone out by now", sms_due.clone());
        let help = "How long the oldest of them should have";
        registry.register_with_unit("sms_queue_age", help, Unit::Seconds, sms_oldest.clone());
        let help = "Missed calls that wait for their shopper";
        registry.register("tickets_open", help, tickets_open.clone());
        let [damaged_rows, cdrs_waiting] = [(); 2].map(|()| Gauge::default());
        let help = "Rows of the database that cannot be read and are left out";
        registry.register("damaged_rows", help, damaged_rows.clone());
        let [kept, kept_for] = [(); 2].map(|()| Gauge::default());
        let help = "Ends of calls, verdicts and the like that the database has not taken yet";
        registry.register("kept", help, kept.clone());
        let help = "How long the oldest of them has been kept";
        registry.register_with_unit("kept_age", help, Unit::Seconds, kept_for.clone());
        let help = "Call detail records in the folder";
        registry.register("cdrs_waiting", help, cdrs_waiting.clone());
        let succeeded = Family::default();
        let help = "How long ago a worker succeeded last";
        let unit = Unit::Seconds;
        registry.register_with_unit("worker_last_success", help, unit, succeeded.clone());
        let failing = Family::default();
        registry.register("worker_failing", "Whether a worker fails or hangs", failing.clone());
        let restarts = Family::default();
        let help = "Workers that broke off and were started again";
        registry.register("worker_restarts", help, restarts.clone());
        let version = OfVersion { version: env!("CARGO_PKG_VERSION") };
        registry.register("build", "The program", Info::new(version));
        let metrics = Self {
            registry: Arc::new(registry),
            calls,
            talks,
            recordings,
            broken,
            proved,
            sms,
            reports,
            cdrs,
            raised,
            failed,
            free,
            used,
            used_per_day,
            days_left,
            switch_up,
            gateway_up,
            sessions,
            sms_due,
            sms_oldest,
            tickets_open,
            damaged_rows,
            kept,
            kept_for,
            cdrs_waiting,
            succeeded,
            failing,
            restarts,
        };
        metrics.begin_at_zero();
        metrics
    }
}

impl Metrics {
    /// What has not happened yet is told as 0, so that the first time is seen as a rise.
    fn begin_at_zero(&self) {
        let verdicts =
            ["ok", "silent", "one_sided", "short", "broken", "repaired", "changed", "missing"];
        for verdict in verdicts {
            drop(self.recordings.get_or_create(&OfVerdict { verdict }));
        }
        for outcome in ["sent", "retry", "unknown", "failed", "expired"] {
            drop(self.sms.get_or_create(&OfOutcome { outcome }));
        }
        for outcome in ["delivered", "failed", "under_way", "unknown", "unusable", "dropped"] {
            drop(self.reports.get_or_create(&OfOutcome { outcome }));
        }
        for outcome in ["taken_in", "put_aside"] {
            drop(self.cdrs.get_or_create(&OfOutcome { outcome }));
        }
        for kind in Alarm::KINDS {
            drop(self.raised.get_or_create(&OfKind { kind }));
            drop(self.failed.get_or_create(&OfKind { kind }));
        }
        for worker in Worker::ALL.iter().map(|worker| worker.as_str()) {
            drop(self.restarts.get_or_create(&OfWorker { worker }));
            drop(self.failing.get_or_create(&OfWorker { worker }));
        }
    }

    pub(crate) fn call_ended(&self, service: Service, outcome: Outcome) {
        let ended = Ended { service: service.as_str(), outcome: outcome.as_str() };
        self.calls.get_or_create(&ended).inc();
    }

    /// A recording was looked at, so many seconds after the hang-up.
    pub(crate) fn recording_judged(&self, verdict: &'static str, after: f64) {
        self.recordings.get_or_create(&OfVerdict { verdict }).inc();
        self.proved.observe(after.max(0.0));
    }

    pub(crate) fn recording_broke(&self) {
        self.broken.inc();
    }

    /// What a try to hand over a message came to: `sent`, `retry`, `unknown` or `failed`.
    pub(crate) fn sms_tried(&self, outcome: &'static str) {
        self.sms.get_or_create(&OfOutcome { outcome }).inc();
    }

    /// What a delivery report was good for: `delivered`, `failed`, `under_way`, `unknown` (of no SMS known
    /// here), `dropped` (too many waited for theirs) or `unusable`.
    pub(crate) fn sms_reported(&self, outcome: &'static str) {
        self.reports.get_or_create(&OfOutcome { outcome }).inc();
    }

    pub(crate) fn sms_expired(&self, count: u64) {
        self.sms.get_or_create(&OfOutcome { outcome: "expired" }).inc_by(count);
    }

    pub(crate) fn cdr_taken_in(&self) {
        self.cdrs.get_or_create(&OfOutcome { outcome: "taken_in" }).inc();
    }

    pub(crate) fn cdr_put_aside(&self) {
        self.cdrs.get_or_create(&OfOutcome { outcome: "put_aside" }).inc();
    }

    pub(super) fn alarm_raised(&self, kind: &'static str) {
        self.raised.get_or_create(&OfKind { kind }).inc();
    }

    pub(super) fn alarm_failed(&self, kind: &'static str) {
        self.failed.get_or_create(&OfKind { kind }).inc();
    }

    pub(crate) fn cdrs_waiting(&self, count: usize) {
        self.cdrs_waiting.set(gauge(count));
    }

    pub(crate) fn worker_restarted(&self, worker: &'static str) {
        self.restarts.get_or_create(&OfWorker { worker }).inc();
    }

    /// All of it, with what is so at this moment.
    pub(crate) fn told(&self, moment: &Moment) -> Result<String, std::fmt::Error> {
        let disk = moment.disk;
        self.talks.set(gauge(moment.talks));
        self.damaged_rows.set(gauge(moment.damaged_rows));
        self.kept.set(gauge(moment.kept));
        self.kept_for.set(gauge(moment.kept_seconds));
        for worker in Worker::ALL.iter().map(|worker| worker.as_str()) {
            let fails = moment.failing.contains(&worker);
            self.failing.get_or_create(&OfWorker { worker }).set(i64::from(fails));
        }
        for (worker, seconds) in &moment.succeeded {
            self.succeeded.get_or_create(&OfWorker { worker }).set(gauge(*seconds));
        }
        for (family, figure) in [
            (&self.switch_up, moment.switch_up.map(u64::from)),
            (&self.gateway_up, moment.gateway_up.map(u64::from)),
            (&self.sessions, moment.sessions),
            (&self.sms_due, moment.sms_due),
            (&self.sms_oldest, moment.sms_oldest_seconds),
            (&self.tickets_open, moment.tickets_open),
            (&self.free, disk.free_bytes),
            (&self.used, disk.used_bytes),
            (&self.used_per_day, disk.used_per_day_bytes),
            (&self.days_left, disk.days_left),
        ] {
            match figure {
                Some(figure) => {
                    family.get_or_create(&[]).set(gauge(figure));
                }
                None => family.clear(),
            }
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn gauge(figure: impl TryInto<i64>) -> i64 {
    figure.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
