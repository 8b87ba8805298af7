//! What FreeSWITCH has counted of a talk's packets, from the records of its two legs.
//!
//! A leg's figures are complete at its hang-up and stand in its call detail record. The records are
//! still there when the recording is looked at: nobody takes them in before the call's end is stored.

use std::{path::PathBuf, time::Duration};

use exchange::{call::Direction, history::History};
use recordings::{Counted, Media};
use tokio::task::spawn_blocking;
use tracing::debug;

use crate::{app::App, cdr_intake, clock};

/// The two legs end together; so long the second one's record may take.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Whether the records may still be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Records {
    /// The call has just ended.
    Coming,
    /// All there are.
    There,
}

/// What was counted of the call's last leg and of the one that called in.
pub(crate) async fn counted(app: &App, history: &History, records: Records) -> Option<Media> {
    let leg = history.legs.last()?;
    let direction = direction(leg.dial.direction);
    let dir = &app.settings.cdr.dir;
    let calling = look(dir.join(format!("a_{}.cdr.json", history.id))).await;
    let path = dir.join(format!("{}.cdr.json", leg.id));
    let mut dialled = look(path.clone()).await;
    // The caller's is written before FreeSWITCH tells of the hang-up. If it is not there, records
    // are written elsewhere.
    if records == Records::Coming && calling.is_some() {
        let until = clock::instant() + PATIENCE;
        while dialled.is_none() && clock::instant() < until {
            tokio::time::sleep(LOOK_EVERY).await;
            dialled = look(path.clone()).await;
        }
    }
    if calling.is_none() || dialled.is_none() {
        debug!("the packets of a leg are not known: its record is not there");
    }
    Some(Media::counted(direction, calling, dialled))
}

async fn look(path: PathBuf) -> Option<Counted> {
    spawn_blocking(move || cdr_intake::counted(&path)).await.ok()?
}

pub(crate) fn direction(direction: Direction) -> recordings::Direction {
    match direction {
        Direction::Out => recordings::Direction::Out,
        Direction::Back => recordings::Direction::Back,
        Direction::Return => recordings::Direction::Return,
    }
}
