//! Logs on standard error, as text or as one JSON object a line; a demo's in a file.

mod outlet;

use std::{fs::File, io::IsTerminal as _, panic};

use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::settings::{Log, LogFormat, LogLevel};
use outlet::Outlet;

/// When it goes, the last lines are written.
pub(crate) struct Logging(Outlet);

impl Drop for Logging {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// Starts logging. `RUST_LOG` overrides the level of the settings.
pub(crate) fn start(log: &Log) -> anyhow::Result<Logging> {
    let outlet = Outlet::open(std::io::stderr())?;
    let registry = tracing_subscriber::registry().with(filter(log.level));
    let layer = tracing_subscriber::fmt::layer().with_writer(outlet.clone());
    match log.format {
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init()?,
        LogFormat::Text => {
            let ansi = std::io::stderr().is_terminal();
            registry.with(layer.with_ansi(ansi).with_target(false)).try_init()?;
        }
    }
    // They would be written beside the log, and wait for its reader.
    panic::set_hook(Box::new(|fault| tracing::error!(%fault, "a fault in this program")));
    Ok(Logging(outlet))
}

/// Starts logging into a file instead, as text.
pub(crate) fn start_in(file: File) -> anyhow::Result<()> {
    let layer = tracing_subscriber::fmt::layer().with_writer(file).with_ansi(false);
    let registry = tracing_subscriber::registry().with(filter(LogLevel::Info));
    Ok(registry.with(layer.with_target(false)).try_init()?)
}

fn filter(level: LogLevel) -> EnvFilter {
    let level = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    // The libraries below us have nothing to tell that an operator could act on.
    let ours = format!("warn,ustredna={level},store={level},recordings={level},sms={level}");
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(ours))
}
