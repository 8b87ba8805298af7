//! Health over HTTP: `/healthz` (the process lives) and `/readyz` (it can take calls).

use std::sync::Arc;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// Serves until `stop`.
pub(crate) async fn run(
    socket: TcpListener,
    app: Arc<App>,
    draining: CancellationToken,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .with_state((app, draining));
    axum::serve(socket, router).with_graceful_shutdown(stop.cancelled_owned()).await
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
    let database = app.store.ping().await.err().map(|error| error.to_string());
    let folder = app.recordings.clone();
    let recordings =
        tokio::task::spawn_blocking(move || recordings::check_writable(&folder)).await.map_or_else(
            |error| Some(error.to_string()),
            |checked| checked.err().map(|error| error.to_string()),
        );
    let stopping = draining.is_cancelled();
    let status = if database.is_none() && recordings.is_none() && !stopping {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let ready = status == StatusCode::OK;
    let told = json!({
        "ready": ready,
        "stopping": stopping,
        "database": database,
        "recordings": recordings,
    });
    (status, Json(told))
}
