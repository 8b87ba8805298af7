//! `ustredna serve`: runs an exchange until it is told to stop.
//!
//! On SIGTERM or Ctrl-C the door is shut first, so that FreeSWITCH takes new calls to the next
//! controller in its list. Talks are left to FreeSWITCH at once, and their CDR files complete the
//! rows; prompts, entries and ringing get `exchange.drain` to end. A second signal ends at once.
//! systemd is told (`Type=notify`) when the door is open, and when it shuts; and, where it asks for it
//! (`WatchdogSec=`), that the exchange still runs, so that a wedged one is started again.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::{info, warn};

use crate::{
    clock::Clock,
    logging,
    running::Running,
    settings::{LogLevel, Settings},
    signals::Signals,
};

/// Runs the exchange until it is told to stop.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let _log = logging::start(&settings.log)?;
    if settings.log.level as u8 >= LogLevel::Debug as u8 {
        warn!("at this log level numbers of shoppers may be logged");
    }
    let mut signals = Signals::new()?;
    let drain = settings.exchange.drain.std();
    // A database or a folder that does not answer must not keep it from being stopped.
    let mut running = tokio::select! {
        started = Running::start(settings, Clock::SYSTEM) => started?,
        () = signals.next() => {
            info!("stopped before it was ready");
            return Ok(());
        }
    };
    if let Some(within) = sd_notify::watchdog_enabled() {
        tokio::spawn(live(within));
    }
    let open = format!("waiting for FreeSWITCH on {}", running.address());
    notify(&[NotifyState::Ready, NotifyState::Status(&open)]);
    tokio::select! {
        () = signals.next() => info!("stopping: no new calls are taken"),
        error = running.door_failed() => return Err(error),
    }
    notify(&[NotifyState::Stopping, NotifyState::Status("stopping: no new calls are taken")]);
    running.shut_door().await?;
    tokio::select! {
        () = running.calls_ended() => info!("all calls have ended or talk on in FreeSWITCH"),
        () = tokio::time::sleep(drain) => {
            info!(calls = running.calls(), "calls go on in FreeSWITCH");
        }
        () = signals.next() => warn!("stopping now"),
    }
    tokio::select! {
        stopped = running.stop() => stopped,
        () = signals.next() => {
            warn!("stopping without waiting for anything");
            Ok(())
        }
    }
}

/// Tells systemd, where it has asked to be told.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "systemd cannot be told: is NOTIFY_SOCKET right?");
    }
}

/// Tells systemd twice in each such time that the exchange lives, until it ends.
async fn live(within: Duration) {
    loop {
        notify(&[NotifyState::Watchdog]);
        tokio::time::sleep(within / 2).await;
    }
}
