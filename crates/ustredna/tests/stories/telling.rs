//! All stories, by service.

use crate::language::Tale;

#[path = "telling/callback.rs"]
mod callback;
#[path = "telling/clothes.rs"]
mod clothes;
#[path = "telling/connected.rs"]
mod connected;
#[path = "telling/destination.rs"]
mod destination;
#[path = "telling/hotline.rs"]
mod hotline;
#[path = "telling/identity.rs"]
mod identity;
#[path = "telling/life.rs"]
mod life;
#[path = "telling/limits.rs"]
mod limits;
#[path = "telling/outbound.rs"]
mod outbound;
#[path = "telling/proof.rs"]
mod proof;
#[path = "telling/strangers.rs"]
mod strangers;
#[path = "telling/tickets.rs"]
mod tickets;
#[path = "telling/words.rs"]
mod words;

/// All of them, the longest first, so that none is waited for alone at the end.
pub(crate) fn all() -> Vec<Tale> {
    [
        callback::all(),
        strangers::all(),
        outbound::all(),
        destination::all(),
        hotline::all(),
        life::all(),
        identity::all(),
        clothes::all(),
        connected::all(),
        limits::all(),
        tickets::all(),
        proof::all(),
        words::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
