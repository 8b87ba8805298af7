//! HTTP: `/healthz` (the process lives), `/readyz` (it can take calls), `/metrics` (for Prometheus),
//! `/identity` (which database and settings it has, for `ustredna check`) and `/sms/reports`, where an
//! SMS provider tells what became of messages.

mod door;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest as _, Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::{Value, json};
use store::Figures;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    health::{self, Probe, Worker},
    identity::Identity,
    metrics::{self, DiskFigures, Moment},
    place::{self, Standing},
    prompts, sms_reports,
};

/// A thousand reports at once fit well.
const REPORT_BYTES: usize = 512 * 1024;

/// Serves so many connections at once, until `stop`.
pub(crate) async fn run(
    socket: TcpListener,
    app: Arc<App>,
    seats: usize,
    draining: CancellationToken,
    stop: CancellationToken,
) {
    let router = Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/identity", get(identity))
        .route("/test-calls/{token}", get(tested))
        .route("/sms/reports", get(reported).post(reported))
        .layer(DefaultBodyLimit::max(REPORT_BYTES))
        .with_state((app, draining));
    door::run(socket, router, seats, stop).await;
}

type Shared = State<(Arc<App>, CancellationToken)>;

async fn health(State((app, _)): Shared) -> Json<Value> {
    Json(json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "calls": app.live.count(),
    }))
}

async fn ready(State((app, draining)): Shared) -> (StatusCode, Json<Value>) {
    let (database, recordings, (prompts, some_prompts)) =
        tokio::join!(Probe::ask(&app), place::standing(&app), prompts::soon(&app.settings));
    let Standing { now: recordings, ahead } = recordings;
    let ahead = ahead.map(|problem| format!("from midnight on nothing can be recorded: {problem}"));
    let stopping = draining.is_cancelled();
    // Without `required` calls are taken all the same.
    let recordable = recordings.is_none() || !app.settings.recordings.required;
    let found = app.switch.known();
    // Every leg goes out by the gateway: a shopper who is called back, too.
    let (switch, gateway) = (found.switch.problem(), found.gateway.problem());
    let mut faults = app.health.faults();
    // Whether anybody is told of its troubles, an exchange takes calls.
    let alarms = faults.remove(&Worker::Alarms);
    let alarms = alarms.map(|problem| format!("{} {problem}", Worker::Alarms.as_str()));
    let workers: BTreeMap<_, _> =
        faults.into_iter().map(|(worker, problem)| (worker.as_str(), problem)).collect();
    let not_watched: BTreeMap<_, _> = [("switch", &found.switch), ("gateway", &found.gateway)]
        .into_iter()
        .filter_map(|(what, known)| Some((what, known.not_watched()?)))
        .collect();
    let hotlines = app.hotlines.borrow().clone();
    let well =
        [&database, &switch, &gateway, &prompts, &hotlines].iter().all(|problem| problem.is_none())
            && workers.is_empty()
            && found.misfits.is_empty();
    let status = if well && recordable && !stopping {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let ready = status == StatusCode::OK;
    let warnings = health::overdue(&app).into_iter().chain(alarms).chain(some_prompts).chain(ahead);
    let told = json!({
        "ready": ready,
        "stopping": stopping,
        "database": database,
        "recordings": recordings,
        "switch": switch,
        "gateway": gateway,
        "prompts": prompts,
        "hotlines": hotlines,
        "switch_settings": found.misfits,
        "workers": workers,
        "not_watched": not_watched,
        "warnings": warnings.collect::<Vec<_>>(),
    });
    (status, Json(told))
}

async fn identity(State((app, _)): Shared) -> Json<Identity> {
    Json(Identity::of(&app))
}

async fn metrics(State((app, _)): Shared) -> Response {
    let dir = app.recordings.clone();
    let free = tokio::task::spawn_blocking(move || recordings::free_bytes(&dir)).await;
    let free_bytes = free.ok().and_then(Result::ok);
    let counted = app.disk.borrow().clone();
    let counted = counted.map(|disk| {
        let free = free_bytes.unwrap_or(disk.free_bytes);
        disk.with_free(free)
    });
    let disk = DiskFigures {
        free_bytes,
        used_bytes: counted.as_ref().map(|disk| disk.used_bytes),
        used_per_day_bytes: counted.as_ref().and_then(|disk| disk.bytes_per_day),
        days_left: counted.and_then(|disk| disk.days_left),
    };
    let found = app.switch.known();
    let figures = *app.figures.borrow();
    let seconds = |figures: Figures| {
        let oldest = figures.sms_oldest_due?;
        u64::try_from(app.clock.now().duration_since(oldest).as_secs()).ok()
    };
    let successes = app.health.successes().into_iter();
    let (kept, kept_for) = app.health.kept.figures();
    let moment = Moment {
        talks: app.talks.count(),
        disk,
        switch_up: found.switch.is_up(),
        gateway_up: found.gateway.is_up(),
        sessions: found.sessions,
        sms_due: figures.map(|figures| figures.sms_due),
        sms_oldest_seconds: figures.map(|figures| seconds(figures).unwrap_or(0)),
        tickets_open: figures.map(|figures| figures.tickets_open),
        damaged_rows: app.store.damage().len(),
        kept,
        kept_seconds: kept_for.as_secs(),
        succeeded: successes.map(|(worker, ago)| (worker, ago.as_secs())).collect(),
        failing: app.health.faults().into_keys().map(Worker::as_str).collect(),
    };
    match app.metrics.told(&moment) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What a test call (`ustredna check --call`) has come to; 404: it has not come here.
async fn tested(State((app, _)): Shared, Path(token): Path<String>) -> Response {
    match app.tests.report(&token) {
        Some(report) => Json(report).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A provider's call-back. 200 when something of it is known or it says nothing final; 404 when
/// every message in it is unknown, or none are expected; 401 without the secret; 400 when it
/// cannot be read; 503 when it cannot be stored: those who ask again then do right.
///
/// The body is read last: who has no secret cannot hold a connection by sending one slowly.
async fn reported(State((app, _)): Shared, request: Request) -> (StatusCode, Json<Value>) {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    let answer = |status, told: &str| (status, Json(json!({ "reports": told })));
    let Some(settings) = &app.settings.sms.reports else {
        return answer(StatusCode::NOT_FOUND, "none are expected");
    };
    let query = uri.query().unwrap_or_default();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let in_header = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    // A proxy may have an authorization of its own in the header.
    if !in_header.is_some_and(|given| settings.is_secret(given)) && !in_query(settings, query) {
        return answer(StatusCode::UNAUTHORIZED, "the secret is missing or wrong");
    }
    let body = match Bytes::from_request(request, &()).await {
        Ok(body) => body,
        Err(refused) => return answer(refused.status(), "the body cannot be read"),
    };
    let reports = match settings.read(text(header::CONTENT_TYPE), query, &body) {
        Ok(reports) => reports,
        Err(error) => {
            app.metrics.sms_reported("unusable");
            tracing::warn!(%error, "a delivery report cannot be read");
            return answer(StatusCode::BAD_REQUEST, "cannot be read");
        }
    };
    for _ in 0..reports.under_way {
        app.metrics.sms_reported("under_way");
    }
    for error in &reports.skipped {
        app.metrics.sms_reported("unusable");
        tracing::warn!(%error, "a delivery report cannot be read; the call's others are taken");
    }
    match sms_reports::take_all(&app, &reports).await {
        Ok(0) if !reports.is_empty() => answer(StatusCode::NOT_FOUND, "of no message known here"),
        Ok(_) => answer(StatusCode::OK, "taken"),
        Err(error) => {
            tracing::error!(%error, "a delivery report could not be stored");
            answer(StatusCode::SERVICE_UNAVAILABLE, "cannot be stored now")
        }
    }
}

/// Whether `secret` of the query is the secret, percent-encoded as providers do it, or as it stands:
/// a `+` is often typed as it is.
fn in_query(settings: &sms::HttpReports, query: &str) -> bool {
    let raw = query.split('&').find_map(|field| field.strip_prefix("secret="));
    raw.is_some_and(|given| settings.is_secret(given))
        || form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "secret")
            .is_some_and(|(_, given)| settings.is_secret(&given))
}
