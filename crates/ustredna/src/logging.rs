//! Logs on standard error, as text or as one JSON object a line.

use std::io::IsTerminal as _;

use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::settings::{Log, LogFormat, LogLevel};

/// Starts logging. `RUST_LOG` overrides the level of the settings.
pub(crate) fn start(log: &Log) -> anyhow::Result<()> {
    let level = match log.level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    // The libraries below us have nothing to tell that an operator could act on.
    let ours = format!("warn,ustredna={level},store={level},recordings={level},sms={level}");
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(ours));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match log.format {
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init()?,
        LogFormat::Text => {
            let ansi = std::io::stderr().is_terminal();
            registry.with(layer.with_ansi(ansi).with_target(false)).try_init()?;
        }
    }
    Ok(())
}
